#!/bin/sh
# oe_guard.sh - who is denied, or must encrypt, is not heard in the clear either (draft -17 §12.1)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

oe_wire
oe_host left 198.51.100.61
oe_host right 198.51.100.62
oe_host plain 198.51.100.63
oe_host friend 198.51.100.64
oe_key left
oe_key right
oe_dns_up
left=$(oe_addr left)
oe_daemon left "paranoid = {\"$OE_ALL\"}" "clear = {\"$(oe_addr friend)\"}"
oe_daemon right "paranoid = {\"$OE_ALL\"}"
oe_ready left right
oe_refuses oed_left || net_skip "no XFRM, BPF or clsact in this kernel"

net_start listener left python3 -u -c '
import socket
import sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
    socket.SOCK_DGRAM)
s.bind((sys.argv[1], 7777))
while True:
    print(s.recv(2000).decode())' "${OE_ALL%/0}"
net_ready listener 10 net_listens left 7777

# HOST WORD: a datagram that asks for no answer.
shout()
{
	net_on "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
    socket.SOCK_DGRAM)
s.sendto(sys.argv[2].encode(), (sys.argv[1], 7777))' "$left" "$2"
}
heard()
{
	grep -q "^$1\$" "$NET_RUN/listener.log"
}

# What a host says to itself, and what neighbours say, is no peer's.
oe_ping left "$left" 2 || net_fail "its own address is not heard"
[ "$FAMILY" = 4 ] || {
	oe_ping left ::1 2 || net_fail "its own loopback address is not heard"
	for host in left plain friend; do
		ip -n "$host" -6 neighbour flush dev eth0
	done
}
shout plain from-plain
shout friend from-friend
net_until 5 heard from-friend || net_fail "a clear-text prefix is not heard"
net_ok "the longer prefix, always clear text, is heard"
oe_ping right "$left" 5 || net_fail "no encrypted way"
shout right from-right
net_until 5 heard from-right || net_fail "an encrypted datagram is not heard"
net_ok "what comes encrypted is heard"
sleep 0.5
! heard from-plain || net_fail "a clear datagram of a paranoid prefix is heard"
net_ok "a clear datagram of a paranoid prefix is not"

# Right without its daemon sends in the clear: from an address that must encrypt.
net_stop oed_right
shout right clear-right
sleep 1
! heard clear-right || net_fail "a peer's clear datagram is heard"
net_ok "nor one of a peer that used to encrypt"

# New classes count at once.
sed -i "s|paranoid = .*|permissive = {\"$OE_ALL\"}|" "$NET_RUN/oed_left.conf"
net_ctl oed_left reload >/dev/null || net_fail "reload"
shout plain now-heard
net_until 5 heard now-heard || net_fail "OE-permissive hears no clear text"
net_ok "OE-permissive hears it, after a reload"
net_stop oed_left
[ -z "$(net_on left tc filter show dev lo ingress 2>/dev/null)" ] ||
    net_fail "a mark stays at the loopback"
net_on left ip xfrm policy | grep -q 'priority 13' &&
    net_fail "policies stay: $(net_on left ip xfrm policy)"
net_ok "no policy stays"
