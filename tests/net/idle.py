"""idle.py - how often daemons wake while nothing moves: ./idle.py SECONDS DEADLINE NAME=PID..."""
import os
import sys
import time


def family(root):
    """The process and all that it made, with every thread."""
    parents = {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % p) as f:
                parents.setdefault(f.read().rsplit(")", 1)[1].split()[1], []).append(p)
        except OSError:
            pass
    out = [root]
    for p in out:
        out += parents.get(p, [])
    return out


def field(path, key):
    try:
        with open(path) as f:
            return sum(int(line.split()[1]) for line in f if line.startswith(key + ":"))
    except OSError:
        return 0


def woken(p):
    try:
        return sum(field("/proc/%s/task/%s/status" % (p, t), "voluntary_ctxt_switches")
                   for t in os.listdir("/proc/%s/task" % p))
    except OSError:
        return 0


def main():
    seconds, deadline = float(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    seen = {name: family(pid) for name, pid in (w.split("=") for w in sys.argv[3:])}
    # Since when each has not woken, and how often it has in all.
    since = {p: (time.monotonic(), woken(p)) for ps in seen.values() for p in ps}
    begun = dict(since)
    while True:
        time.sleep(0.5)
        now = time.monotonic()
        for p, (_, n) in since.items():
            if woken(p) != n:
                since[p] = (now, woken(p))
        if all(now - at >= seconds for at, _ in since.values()) or now > deadline:
            break
    print("%-8s %12s %10s %12s %18s" % ("", "wake-ups/s", "RSS kB", "its own kB", "with helpers' kB"))
    bad = 0
    for name, ps in seen.items():
        wakers = [p for p in ps if now - since[p][0] < seconds]
        rate = sum((since[p][1] - begun[p][1]) / (now - begun[p][0]) for p in wakers)
        bad += len(wakers)
        private = sum(field("/proc/%s/smaps_rollup" % p, "Private_Dirty") for p in ps)
        status = "/proc/%s/status" % ps[0]
        print("%-8s %12.2f %10d %12d %18d" % (name, rate, field(status, "VmRSS"), field(status, "RssAnon"), private))
        for p in wakers:
            with open("/proc/%s/comm" % p) as f:
                print("  does not rest: %s %s" % (p, f.read().strip()))
    sys.exit(bad != 0)


main()
