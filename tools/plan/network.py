#!/usr/bin/env python3
"""Measures what crosses the network for a visit and for a command of the last step, and prints it as JSON.

    cargo build --release --package step-6-scaled
    sudo python3 tools/plan/network.py target/release/step-6-scaled > book/measurements/network/results.json

wrk, the step and a redis-server of its own run in a network of their own, so that nobody else's packets are
counted. iptables counts the bytes of all IP packets: with the headers of IP and TCP, and with the packets
that only acknowledge. wrk's request has one header; a browser's is longer.
"""
import datetime, json, os, re, resource, subprocess, sys, tempfile, time

CONNECTIONS, SECONDS, ROUNDS = 1000, 4, 5
PAGE, REDIS = 8000, 6379


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def redis(*command):
    return run('redis-cli', '-p', str(REDIS), *command)


def wait_for(what):
    for _ in range(100):
        try:
            return what()
        except subprocess.CalledProcessError:
            time.sleep(0.1)
    sys.exit('what was started does not answer')


# Each is counted where it is sent: by the port that it goes to, or the one that it comes from.
DIRECTIONS = {
    'request_bytes': ('--dport', PAGE),
    'answer_bytes': ('--sport', PAGE),
    'command_bytes': ('--dport', REDIS),
    'reply_bytes': ('--sport', REDIS),
}


def totals():
    """Visits and commands by Redis's own count, and all bytes so far."""
    calls = re.search(r'cmdstat_incrby:calls=(\d+)', redis('info', 'commandstats'))
    seen = {'visits': int(redis('get', 'seen') or 0), 'commands': int(calls.group(1)) if calls else 0}
    rules = run('iptables', '-xvnL', 'OUTPUT').splitlines()[2:]
    return seen | {name: int(rule.split()[1]) for name, rule in zip(DIRECTIONS, rules)}


def main(step):
    run('ip', 'link', 'set', 'lo', 'up')
    for side, port in DIRECTIONS.values():
        run('iptables', '-A', 'OUTPUT', '-p', 'tcp', side, str(port))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            ['redis-server', '--port', str(REDIS), '--save', '', '--dir', folder], **quiet)
        address = dict(os.environ, ADDR=f'127.0.0.1:{PAGE}', REDIS_URL=f'redis://127.0.0.1:{REDIS}')
        wait_for(lambda: redis('ping'))
        page = subprocess.Popen([step], env=address, **quiet)
        try:
            wait_for(lambda: run('curl', '-sf', f'http://127.0.0.1:{PAGE}'))
            rounds = []
            for _ in range(ROUNDS):
                before = totals()
                run('wrk', '-t2', f'-c{CONNECTIONS}', f'-d{SECONDS}s', f'http://127.0.0.1:{PAGE}')
                after = totals()
                rounds.append({name: after[name] - before[name] for name in after})
        finally:
            page.kill()
            server.kill()
    now = datetime.datetime.now(datetime.timezone.utc)
    print(json.dumps({
        'date': now.strftime('%Y-%m-%dT%H:%M:%SZ'),
        'made_with': 'tools/plan/network.py',
        'step': os.path.basename(step),
        'connections': CONNECTIONS,
        'rounds': rounds,
    }, indent=2))


if __name__ == '__main__':
    if sys.argv[1] == '--inside':
        main(sys.argv[2])
    else:
        os.execvp('unshare', ['unshare', '--net', sys.executable, __file__, '--inside', sys.argv[1]])
