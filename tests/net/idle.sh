#!/bin/sh
# idle.sh - daemons that have nothing to do do nothing: no wake-up of any process or thread of theirs for some seconds
#
# By hand: idle.sh [SECONDS [HOSTS]].  rsipd serves so many hosts with a lease each,
# a laptop and y1 have keys with each other, and all is still.  Then a packet comes,
# and while all sleep somebody takes the rules and a setting away.
. "$(dirname "$0")/lib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_rsip_enter "$@"
seconds=${1:-8} hosts=${2:-24}
net_keys
net_zones
net_dns
net_oed y1
net_rsipd 'limits { neighbour-registrations = 4096 }'
net_rsipc x1
net_addresses x2 10.0.0.13/24 "$hosts"
net_start hosts x2 python3 -c '
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

ping_y1()
{
	net_on x1 ping -c 1 -W 1 "$NET_Y1" >ping.log
}

still()
{
	python3 -B "$NET_HERE/idle.py" "$seconds" 100 "rsipd=$(net_pid rsipd)" \
	    "rsipc=$(net_pid rsipc_x1)" "oed=$(net_pid oed_y1)" ||
	    net_fail "$1: a daemon wakes although nothing moves"
	net_ok "$1: nobody wakes for $seconds s"
}

net_until 15 ping_y1 || net_fail "y1 does not answer"
net_ctl rsipc_x1 why "$NET_Y1" | grep -q 'encrypted with' ||
    net_fail "y1 has no keys with x1: $(net_ctl rsipc_x1 why "$NET_Y1")"
still "$hosts hosts with leases, and a pair of SAs"

ours()
{
	net_on N nft list ruleset 2>/dev/null | grep -q 'queue' ||
	    net_on N iptables-save 2>/dev/null | grep -q NFQUEUE
}
ours || net_fail "no rules of ours"
net_on N nft flush ruleset
net_until 10 ours || net_fail "rules taken away in sleep are not put back"
net_on N sysctl -qw net.ipv4.ip_forward=0
net_until 10 ping_y1 || net_fail "a setting changed in sleep is not put back"
net_ok "a packet wakes whom it needs, and rules and settings taken away in sleep" \
    "are put back"
