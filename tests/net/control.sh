#!/bin/sh
# control.sh - what anybody on the machine may write to a control socket does no harm
. "$(dirname "$0")/lib.sh"
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1
cat >hostile.py <<'EOF'
import json, os, random, socket, sys, time
path, rng = sys.argv[1], random.Random(4555)
if int(sys.argv[2]) != os.getuid():
    os.setgroups([])
    os.setuid(int(sys.argv[2]))

def say(data, shut=True):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(path)
    got = b""
    try:
        s.sendall(data)
        if shut:
            s.shutdown(socket.SHUT_WR)
        while True:
            more = s.recv(65536)
            if not more:
                break
            got += more
            if not shut and b"\n" in got:
                break
    except OSError:
        pass
    s.close()
    return got

good = [b'{"command":"%s"}\n' % c for c in (
    b"status", b"leases", b"flows", b"sa", b"spd")]
why = b'{"command":"why","address":"198.51.100.20"}\n'
bad = [b"", b"\n" * 1000, b"\0" * 1000, b"{" * 100000 + b"\n", b"[" * 100000 + b"\n",
       b"null\n", b"7\n", b'"status"\n', b"[]\n", b"{}\n", b'{"command":7}\n',
       b'{"command":null}\n', b'{"command":["status"]}\n', b'{"command":"nonsense"}\n',
       b'{"command":"why"}\n', b'{"command":"why","address":7}\n',
       b'{"command":"why","address":"' + b"9" * 3000 + b'"}\n',
       b'{"command":"why","address":"1.2.3.4","source":{}}\n',
       b'{"command":"status","command":"leases"}\n', b"x" * 1000000 + b"\n",
       b'{"command":"' + b"\\u0000" * 500 + b'"}\n', b"\xff\xfe\xfd\n"]
bad += [w[:n] + b"\n" for w in good + [why] for n in range(len(w) - 1)]
for w in good + [why]:
    for n in range(len(w) - 1):
        bad.append(w[:n] + bytes([rng.randrange(256)]) + w[n + 1:])
bad += [rng.randbytes(rng.randrange(2000)) + b"\n" for _ in range(200)]
for data in bad:
    say(data)
# A request has 64 KiB, not one byte more, with or without its end.
assert b"too long" not in say(good[0][:-1] + b" " * 60000 + b"\n", False)
for end in b"", b"\n":
    assert b"too long" in say(good[0][:-1] + b" " * 66000 + end, False)
# Many that say nothing, and some that ask and never read.
idle = []
for n in range(300):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(2)
    try:
        s.connect(path)
        if n % 2:
            s.setblocking(False)
            s.send(good[n % len(good)] * 50)
    except OSError:
        s.close()
        continue
    idle.append(s)
for s in idle:
    s.close()
time.sleep(0.3)
answer = json.loads(say(good[0], False))
assert answer["daemon"], answer
# A stranger may look, but change nothing.
if os.getuid() != 0:
    before = say(b'{"command":"reload"}\n', False)
    assert b"error" in before, before
print(len(bad), "bad requests")
EOF

# DAEMON SOCKET
hostile()
{
	python3 hostile.py "$NET_RUN/$2" 0 || net_fail "$1 and root"
	# In a user namespace of one user there is nobody else to be.
	if setpriv --reuid 12345 --clear-groups true 2>/dev/null; then
		python3 hostile.py "$NET_RUN/$2" 12345 || net_fail "$1 and a stranger"
	fi
	net_alive "$1" || net_fail "$1 died"
	net_ctl "${2%.sock}" status >/dev/null || net_fail "$1 answers no more"
	net_ok "$1 answers after all that"
}

net_rsipd
hostile rsipd rsipd.sock
printf 'state = ""\ncontrol = "%s/rsipc.sock"\n' "$NET_RUN" >rsipc.conf
net_start rsipc x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc.conf
net_ready rsipc 15 net_ctl rsipc status
hostile rsipc rsipc.sock
printf 'control = "%s/oed.sock"\noe { resolvers = {"%s"} }\n' "$NET_RUN" \
    "$NET_DNS" >oed.conf
net_start oed y1 "$NET_TOP/oe/oed" -f -c oed.conf
net_ready oed 15 net_ctl oed status
hostile oed oed.sock
