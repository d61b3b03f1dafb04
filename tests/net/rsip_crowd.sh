#!/bin/sh
# rsip_crowd.sh - more hosts than there are files: served as far as they go, and nobody else suffers
. "$(dirname "$0")/lib.sh"
net_rsip_enter "$@"
hosts=400

python3 -c '
for n in range('$hosts'):
    print("address add 10.1.%d.%d/32 dev eth0" % (n // 250, n % 250 + 1))' |
    ip -n x1 -batch - || net_fail "addresses"
# Not as so many neighbours: their table is the whole machine's, and small.
ip -n N route add 10.1.0.0/16 via "$NET_X1"

# All of them register over TCP and stay; served: how many of them could.
cat >crowd.py <<EOF
import rsip, sys, time
from session import Closed, Session
kept = []
for n in range($hosts):
    try:
        s = Session("10.0.0.1", source="10.1.%d.%d" % (n // 250, n % 250 + 1),
                    timeout=20)
        assert s.register()[0] == rsip.REGISTER_RESPONSE
        kept.append(s)
    except (Closed, ConnectionError):
        pass
print("served", len(kept), flush=True)
time.sleep(600)
EOF

crowd()
{
	: >crowd.log
	net_start crowd x1 python3 crowd.py
	net_ready crowd 60 grep -q '^served ' crowd.log
	served=$(sed -n 's/^served //p' crowd.log)
}

# What shells and service managers set is the soft limit.
hard=$(ulimit -Hn)
ulimit -Sn 256
# Behind a router: a section must name them to be heard.
NET_LEASES=
net_rsipd 'network "10.1.0.0/16" {}'
ulimit -Sn "$hard"
crowd
[ "$served" = "$hosts" ] ||
    net_fail "$served of $hosts hosts are served: $(tail -n 1 rsipd.log)"
net_ok "$hosts hosts are served by a rsipd that was started with 256 files"
net_stop crowd KILL
net_stop rsipd

# The hard one is kept: who comes too late is refused, and all else works.
net_start rsipd N prlimit --nofile=300:300 setpriv \
    --bounding-set=-sys_resource "$NET_TOP/rsipd/rsipd" -f \
    -c "$NET_RUN/rsipd.conf"
net_ready rsipd 10 net_ctl rsipd status
grep -q RLIMIT_NOFILE rsipd.log || net_fail "nothing was said of the limit"
crowd
if [ "$served" -lt 100 ] || [ "$served" -gt 300 ]; then
	net_fail "$served of $hosts hosts are served with 300 files"
fi
net_ctl rsipd status -v >status || net_fail "no file is left for rsipctl"
grep -q "tcp_connections  *$served$" status ||
    net_fail "not the $served connections: $(grep tcp_ status)"
grep -q 'Too many open files' rsipd.log && net_fail "accept() ran out of files"
net_ok "with 300 files and no way to more $served are, and rsipctl still is"
