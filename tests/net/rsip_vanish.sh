#!/bin/sh
# rsip_vanish.sh - a thousand hosts register, lease, and vanish without a word: every resource comes back
. "$(dirname "$0")/lib.sh"
net_rsip_enter "$@"
hosts=1000

python3 -c '
for n in range('$hosts'):
    print("address add 10.1.%d.%d/32 dev eth0" % (n // 250, n % 250 + 1))' |
    ip -n x1 -batch - || net_fail "addresses"
# Not as so many neighbours: their table is the whole machine's, and small.
ip -n N route add 10.1.0.0/16 via "$NET_X1"
ulimit -n 4096

# Longer than a busy machine takes for all of them.
NET_LEASE=20 NET_REGISTRATION=20
# Behind a router: a section must name them to be heard.
net_rsipd 'lease-max = 20
network "10.1.0.0/16" {}'
cat >lease.py <<EOF
import rsip, time
from session import Session
kept = []
start = time.monotonic()
for n in range($hosts):
    s = Session("10.0.0.1", source="10.1.%d.%d" % (n // 250, n % 250 + 1),
                udp=n % 2 == 1, timeout=30)
    assert s.register()[0] == rsip.REGISTER_RESPONSE
    if n % 3:
        got = s.assign_ipsec(None, (4,), None, (1,), (2,))
        assert got[0] == rsip.ASSIGN_RESPONSE_RSIPSEC, got
    kept.append(s)
print("leased", time.monotonic() - start, flush=True)
time.sleep(600)
EOF
net_start lease x1 python3 lease.py

# KEY: a number of rsipctl status, by its path.
count()
{
	net_json rsipd status 'at(words[0])' "$1"
}

net_ready lease 60 grep -q leased lease.log
ip -n x1 link set eth0 down
net_stop lease KILL
leased=$(count pool.ports_leased) spis=$(count pool.spis_leased)
if [ "$leased" = 0 ] || [ "$spis" = 0 ]; then
	net_fail "$hosts hosts hold $leased ports and $spis SPIs"
fi
net_ok "$hosts hosts vanish with $leased ports and $spis SPIs leased"

all_back()
{
	for key in registrations bindings pool.ports_leased pool.spis_leased \
	    demux.bindings demux.keys transport.udp_endpoints; do
		[ "$(count $key)" = 0 ] || return 1
	done
}
net_until 40 all_back || net_fail "still there: $(net_ctl rsipd status)"
net_ok "all of it is back after the leases' end"
[ "$(count pool.ports_resting)" -ge "$leased" ] ||
    net_fail "ports that were leased do not rest"
net_ok "and rests before another host gets it"
connections_gone()
{
	[ "$(count transport.tcp_connections)" = 0 ]
}
net_until 60 connections_gone ||
    net_fail "$(count transport.tcp_connections) dead connections are kept"
net_ok "no connection of theirs is kept"
net_alive rsipd || net_fail "rsipd died"
