#!/bin/sh
# idle.sh - what the daemons cost when nothing moves: wake-ups a second, memory, and how long a program is
#
# Run as root in the build folder: sh SOURCE/tests/bench/idle.sh [SECONDS [HOSTS]]
# rsipd serves HOSTS (240) hosts with a lease each; rsipc and oed have nothing to do.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../net/lib.sh"
# shellcheck disable=SC2034	# lib.sh's functions look there
NET_HERE=$(cd "$here/../net" && pwd)
net_needs strip size
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
seconds=${1:-20} hosts=${2:-240}
PYTHONPATH=$NET_HERE/../peer
export PYTHONPATH
net_picture
net_rsipd 'limits { neighbour-registrations = 4096 }'
net_rsipc_clear x2
echo "control = \"$NET_RUN/oed_y1.sock\" oe { state = \"\" clear = {\"0.0.0.0/0\"} }" >oed_y1.conf
net_start oed_y1 y1 "$NET_TOP/oe/oed" -f -c "$NET_RUN/oed_y1.conf"
net_ready oed_y1 10 net_ctl oed_y1 status
net_addresses x1 10.0.0.13/24 "$hosts"
net_start hosts x1 python3 -c '
import sys, time
from session import Session
held = []
for n in range(int(sys.argv[1])):
    s = Session("10.0.0.1", source="10.0.0.%d" % (13 + n), timeout=20)
    s.register()
    s.assign_ipsec(None, (8,), None, (1,), (8,))
    held.append(s)
print("there", flush=True)
time.sleep(100000)' "$hosts"
net_ready hosts 60 grep -q there hosts.log
sleep 3

python3 - "$seconds" "rsipd=$(net_pid rsipd)" "rsipc=$(net_pid rsipc_x2)" \
    "oed=$(net_pid oed_y1)" <<'EOF'
import os, sys, time
roots = dict(w.split("=") for w in sys.argv[2:])


def family(root):
    """The process and all that it made, with every thread."""
    parents = {}
    for p in filter(str.isdigit, os.listdir("/proc")):
        try:
            parents.setdefault(open("/proc/%s/stat" % p).read().rsplit(")", 1)[1].split()[1], []).append(p)
        except OSError:
            pass
    out = [root]
    for p in out:
        out += parents.get(p, [])
    return out


def field(path, key):
    try:
        return sum(int(l.split()[1]) for l in open(path) if l.startswith(key + ":"))
    except OSError:
        return 0


def woken(p):
    return sum(field("/proc/%s/task/%s/status" % (p, t), "voluntary_ctxt_switches")
               for t in os.listdir("/proc/%s/task" % p))


seen = {name: family(p) for name, p in roots.items()}
before = {p: woken(p) for ps in seen.values() for p in ps}
time.sleep(float(sys.argv[1]))
print("%-8s %11s %13s %10s %12s %18s" % ("", "wake-ups/s", "with helpers", "RSS kB", "its own kB",
                                           "with helpers' kB"))
for name, ps in seen.items():
    n = [(woken(p) - before[p]) / float(sys.argv[1]) for p in ps]
    private = sum(field("/proc/%s/smaps_rollup" % p, "Private_Dirty") for p in ps)
    status = "/proc/%s/status" % ps[0]
    print("%-8s %11.2f %13.2f %10d %12d %18d" % (name, n[0], sum(n), field(status, "VmRSS"), field(status, "RssAnon"),
                                                 private))
EOF
for program in rsipd/rsipd rsipc/rsipc oe/oed; do
	strip -o stripped "$NET_TOP/$program"
	printf '%-12s stripped %6d kB: ' "$program" $(($(stat -c %s stripped) / 1024))
	size stripped | awk 'END { printf "code and constants %d kB, data %d kB\n", $1 / 1024, $2 / 1024 }'
done
