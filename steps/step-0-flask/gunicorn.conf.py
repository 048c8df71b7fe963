"""How gunicorn serves step 0: the same program behind a server that is made for visitors.

gunicorn reads this file by itself when it starts in this folder: `gunicorn app:app`.
"""

import app

bind = "{}:{}".format(*app.address())
workers = 2
threads = 8
# Nobody steers this server from outside, and two copies would share one socket in your home folder.
control_socket_disable = True


def when_ready(server):
    """Says where the page is, as every step does."""
    host, port = server.LISTENERS[0].sock.getsockname()[:2]
    print(f"step-0-flask: http://{host}:{port}", flush=True)
