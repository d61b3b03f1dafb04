#!/bin/sh
# oe_six_shut.sh - paranoid over IPv6: nothing goes out in the clear, also without the daemon, while neighbours are found all the same
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

left=2001:db8:64::61
right=2001:db8:64::62
plain=2001:db8:64::63
oe_wire
oe_host left 198.51.100.61
oe_host right 198.51.100.62
oe_host plain 198.51.100.63
for host in left right plain; do
	eval "oe_six $host \$$host"
done
oe_key left "$left"
oe_key right "$right"
oe_dns_up
oe_daemon left 'paranoid = {"::/0"}' 'permissive = {"0.0.0.0/0"}'
oe_daemon right 'paranoid = {"::/0"}' 'permissive = {"0.0.0.0/0"}'
oe_ready left right
oe_sniff plain "$NET_RUN/plain.pcap"
oe_sniff right "$NET_RUN/right.pcap"

# Neighbours are found though all of IPv6 is to be encrypted.
oe_ping right "$left" 8 || net_fail "no encrypted way: $(net_ctl oed_right why "$left")"
for host in left right; do
	ip -n "$host" -6 neighbour flush dev eth0
done
net_until 10 oe_ping right "$left" 2 || net_fail "neighbours are not found any more"
# Who asks in the clear is not answered.
oe_ping plain "$left" 2 && net_fail "an echo request in the clear is answered"
net_ok "encrypted, and neighbours found anew; who asks in the clear is not answered"

# Out: denied, and nothing of it on the wire, with the daemon and without.
tries=0
# ADDRESS WHEN: echo requests, datagrams and a connection, none of which arrives.
try()
{
	oe_ping left "$1" 1 && net_fail "$1 was reached, $2"
	net_on left python3 -c '
import socket, sys
for kind in [socket.SOCK_DGRAM] * 5 + [socket.SOCK_STREAM]:
    s = socket.socket(socket.AF_INET6, kind)
    s.settimeout(0.3)
    try:
        s.connect((sys.argv[1], 7777))
        s.send(b"in the clear")
    except OSError:
        pass' "$1"
	tries=$((tries + 7))
}
try "$plain" "the daemon running"
kill -KILL "$(net_pid oed_left)"
wait "$(net_pid oed_left)" 2>/dev/null
try "$plain" "after kill -9"
try "$right" "after kill -9"
link=$(ip -n plain -6 address show dev eth0 scope link |
    sed -n 's/.*inet6 \(fe80[^/]*\).*/\1/p')
net_until 10 oe_ping left "$link%eth0" 1 || net_fail "a neighbour's link-local address is shut"
oe_daemon left 'paranoid = {"::/0"}' 'permissive = {"0.0.0.0/0"}'
try "$plain" "while it starts again"
oe_ready left
net_until 15 oe_ping left "$right" 2 || net_fail "no keys after a kill: $(net_ctl oed_left why "$right")"
sleep 0.3
to_plain=$(oe_read "$NET_RUN/plain.pcap" "dst host $plain and (udp or tcp or (icmp6 and ip6[40] = 128))" | wc -l)
to_right=$(oe_read "$NET_RUN/right.pcap" "dst host $right and ((udp and not port 500) or tcp or (icmp6 and ip6[40] = 128))" | wc -l)
solicited=$(oe_count "$NET_RUN/right.pcap" "icmp6 and ip6[40] = 135")
if [ "$to_plain" != 0 ] || [ "$to_right" != 0 ] || [ "$solicited" -lt 1 ]; then
	net_fail "in the clear: $to_plain to who has no key, $to_right to who has one; $solicited solicitations"
fi
net_ok "of $tries packets in all 0 in the clear: running, killed, starting again"

net_stop oed_left
oe_ping left "$plain" 3 || net_fail "an orderly end does not open it"
net_ok "an orderly end opens it"
