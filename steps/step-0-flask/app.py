"""Step 0: where the story starts, in Python.

The page that thousands of people met Docker with: a web page that counts its visitors, and a Redis
that keeps the count. Flask answers the browser, redis-py asks Redis to count.

Try it with `cargo xtask run step-0` and refresh http://localhost:8000:

    Hello World! I have been seen 1 times.

What it deliberately lacks: everything that this repository is about. `python app.py` starts Flask's
own server in debug mode, which is made for you at your desk and not for visitors: it is slow, it
shows its source when it fails, and when it is told to stop it drops the visits that are under way.
"""

import logging
import os
import sys

# ANCHOR: imports
from flask import Flask
from redis import Redis
# ANCHOR_END: imports

# ANCHOR: app
app = Flask(__name__)
redis = Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379"))
# ANCHOR_END: app


# ANCHOR: page
@app.get("/")
def hello():
    """Counts the visit and says which one it is."""
    return f"Hello World! I have been seen {redis.incr('seen')} times.\n"
# ANCHOR_END: page


def address():
    """The host and the port of ADDR, such as 127.0.0.1:8000."""
    value = os.environ.get("ADDR", "127.0.0.1:8000")
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        print(
            f'step-0-flask: ADDR is "{value}", but must be an address such as 127.0.0.1:8000',
            file=sys.stderr,
        )
        sys.exit(2)
    return host.strip("[]"), int(port)


# ANCHOR: start
if __name__ == "__main__":
    host, port = address()
    # Flask logs its address and every visit. Standard output is where the other steps say the first.
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    # The .env of this repository is for Compose.
    app.run(host, port, debug=True, load_dotenv=False)
# ANCHOR_END: start
