#!/usr/bin/env python3
"""What it costs the steps that Redis syncs before it replies.

    python3 tools/experiments/durability.py target/release [--rounds 16] [--connections 64,1000] [--steps step-4-pooled,...] [--json FILE]

The folder holds release builds named after the steps. For every step and every policy there is one step and
one redis-server of its own, all up all the time: `no` (appendonly no), `everysec` and `always`. A round
measures every step at every number of connections, in random order, 2 s of `wrk -t2` for each policy, the
policies next to each other in random order. A ratio compares two policies of one round. What is printed
is the median over the rounds with its 95 % bootstrap interval.

A group of policies is measured again, up to three times, when other processes took more than a fifth of
the machine meanwhile, or wrk saw an error.
"""

import argparse, json, os, random, re, resource, shutil, signal, socket, statistics, subprocess, sys
import tempfile, time

POLICIES = {
    "no": ["--appendonly", "no"],
    "everysec": ["--appendonly", "yes", "--appendfsync", "everysec"],
    "always": ["--appendonly", "yes", "--appendfsync", "always"],
}
STEPS = ["step-2-redis", "step-4-pooled", "step-5-batched", "step-6-scaled"]
OTHER_MAX = 0.2
TRIES_MAX = 3
TICKS = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask(port, *words):
    """One command to a Redis; its whole reply as text."""
    with socket.create_connection(("127.0.0.1", port), 5) as s:
        s.sendall(f"*{len(words)}\r\n".encode() + b"".join(f"${len(w)}\r\n{w}\r\n".encode() for w in words))
        reply = s.recv(65536)
        if reply[:1] == b"$" and reply[:2] != b"$-":
            head, rest = reply.split(b"\r\n", 1)
            while len(rest) < int(head[1:]) + 2:
                rest += s.recv(65536)
            reply = rest
        return reply.decode()


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if what():
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise SystemExit("it does not start")


class Pair:
    """A step on a Redis of its own."""

    def __init__(self, binary, step, policy, root):
        self.step, self.policy = step, policy
        folder = os.path.join(root, f"{step}-{policy}")
        os.mkdir(folder)
        log = open(os.path.join(folder, "log"), "wb")
        self.redis_port, self.port = free_port(), free_port()
        command = ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--dir", folder,
                   "--save", "", *POLICIES[policy]]
        self.redis = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: ask(self.redis_port, "PING").startswith("+PONG"))
        environment = dict(os.environ, ADDR=f"127.0.0.1:{self.port}",
                           REDIS_URL=f"redis://127.0.0.1:{self.redis_port}")
        environment.pop("RUST_LOG", None)
        self.server = subprocess.Popen([binary], env=environment, stdout=log, stderr=log)
        wait_for(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() is None)

    def commands(self):
        text = ask(self.redis_port, "INFO", "commandstats")
        return sum(int(n) for n in re.findall(r"cmdstat_incr(?:by)?:calls=(\d+)", text))

    def count(self):
        text = ask(self.redis_port, "GET", "seen").strip()
        return int(text) if text.isdigit() else 0

    def end(self):
        for process in (self.server, self.redis):
            process.send_signal(signal.SIGKILL)
            process.wait()


def busy():
    """Ticks that all processors together were not idle."""
    fields = [int(n) for n in open("/proc/stat").readline().split()[1:9]]
    return sum(fields) - fields[3] - fields[4]


def ticks(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def seconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[unit]


def measure(pair, connections, duration):
    before, own = busy(), ticks(pair.server.pid) + ticks(pair.redis.pid)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    calls, count, start = pair.commands(), pair.count(), time.monotonic()
    wrk = subprocess.run(["wrk", "-t2", f"-c{connections}", f"-d{duration}s", "--latency",
                          f"http://127.0.0.1:{pair.port}/"], capture_output=True, text=True)
    elapsed = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    wrk_ticks = (after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime) * TICKS
    own = ticks(pair.server.pid) + ticks(pair.redis.pid) - own + wrk_ticks
    other = max(0.0, busy() - before - own) / (elapsed * TICKS * CORES)
    out = wrk.stdout
    calls, count = pair.commands() - calls, pair.count() - count
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
        "p50_ms": seconds(re.search(r"(?m)^\s+50%\s+(\S+)", out).group(1)) * 1e3,
        "p99_ms": seconds(re.search(r"(?m)^\s+99%\s+(\S+)", out).group(1)) * 1e3,
        "visits_a_command": count / max(calls, 1),
        "other": other,
        "errors": "Non-2xx" in out or "Socket errors" in out,
        "said": [l.strip() for l in out.splitlines() if "Non-2xx" in l or "Socket errors" in l],
    }


def is_good(group):
    return all(group[p]["other"] <= OTHER_MAX and not group[p]["errors"] for p in POLICIES)


def interval(values, rng):
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(10_000))
    return statistics.median(values), medians[250], medians[9749]


def table(samples, steps, connections):
    rng = random.Random(1)
    print("| step | connections | Redis | requests/s | ÷ `no` | ÷ `everysec` | p50 ms | p99 ms | visits a command |")
    print("|---|--:|---|--:|--:|--:|--:|--:|--:|")
    for step in steps:
        for c in connections:
            rows = [r for r in samples if r["step"] == step and r["connections"] == c]
            print(f"{step} {c}: {len(rows)} rounds", file=sys.stderr)
            if not rows:
                continue
            for policy in POLICIES:
                of = lambda key: statistics.median(r[policy][key] for r in rows)
                def ratio(base):
                    if policy == base:
                        return "1"
                    m, low, high = interval([r[policy]["rate"] / r[base]["rate"] for r in rows], rng)
                    return f"{m:.2f} [{low:.2f}–{high:.2f}]"
                second = ratio("everysec") if policy == "always" else ""
                print(f"| {step} | {c} | `{policy}` | {of('rate'):,.0f} | {ratio('no')} | {second} "
                      f"| {of('p50_ms'):.2f} | {of('p99_ms'):.1f} | {of('visits_a_command'):.1f} |")
    print()
    # How the steps stand to each other under one policy: both of the same round.
    print("| ratio | connections | `no` | `everysec` | `always` |")
    print("|---|--:|--:|--:|--:|")
    rounds = sorted({r["round"] for r in samples})
    at = {(r["step"], r["connections"], r["round"]): r for r in samples}
    for a, b in [(s, "step-4-pooled") for s in steps if s > "step-4-pooled"] + [(s, "step-2-redis") for s in steps if s > "step-2-redis"]:
        if b not in steps:
            continue
        for c in connections:
            cells = []
            for policy in POLICIES:
                ratios = [at[a, c, n][policy]["rate"] / at[b, c, n][policy]["rate"] for n in rounds
                          if (a, c, n) in at and (b, c, n) in at]
                if not ratios:
                    break
                m, low, high = interval(ratios, rng)
                cells.append(f"{m:.2f} [{low:.2f}–{high:.2f}]")
            print(f"| {a} ÷ {b} | {c} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--from", dest="source", help="only print the table of a JSON file")
    parser.add_argument("--quiet-only", action="store_true", help="leave disturbed groups out of the table")
    parser.add_argument("--rounds", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", default="64,1000")
    parser.add_argument("--steps", default=None)
    parser.add_argument("--json", default=None)
    parser.add_argument("--root", default="/tmp")
    options = parser.parse_args()
    if options.source:
        samples = json.load(open(options.source))
        if options.quiet_only:
            samples = [s for s in samples if is_good(s)]
        steps = [s for s in STEPS if any(r["step"] == s for r in samples)]
        table(samples, steps, sorted({r["connections"] for r in samples}))
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(16384, hard), hard))
    steps = options.steps.split(",") if options.steps else [
        s for s in STEPS if os.path.exists(os.path.join(options.folder, s))]
    connections = [int(c) for c in options.connections.split(",")]
    root = tempfile.mkdtemp(prefix="cost-", dir=options.root)
    pairs, samples, again, kept_anyway = {}, [], 0, 0
    try:
        for step in steps:
            for policy in POLICIES:
                pairs[step, policy] = Pair(os.path.join(options.folder, step), step, policy, root)
        for number in range(options.rounds):
            groups = [(s, c) for s in steps for c in connections]
            random.shuffle(groups)
            for step, c in groups:
                for attempt in range(TRIES_MAX):
                    order = list(POLICIES)
                    random.shuffle(order)
                    group = {p: measure(pairs[step, p], c, options.seconds) for p in order}
                    good = is_good(group)
                    if good:
                        break
                    again += 1
                kept_anyway += not good
                for p, m in group.items():
                    if m["errors"]:
                        print(f"round {number}: {step} {c} {p}: {m['said']}", file=sys.stderr)
                samples.append({"round": number, "step": step, "connections": c, **group})
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            if options.json:
                json.dump(samples, open(options.json, "w"))
    finally:
        for pair in pairs.values():
            pair.end()
        shutil.rmtree(root, ignore_errors=True)
    table(samples, steps, connections)
    other = [m["other"] for s in samples for m in (s[p] for p in POLICIES)]
    print(f"\n{options.rounds} rounds of {options.seconds} s with wrk -t2 on {CORES} cores. {again} groups measured again, "
          f"{kept_anyway} kept though disturbed. Other processes took {statistics.median(other):.0%} of the machine (median).")


if __name__ == "__main__":
    main()
