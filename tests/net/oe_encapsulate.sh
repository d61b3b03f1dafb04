#!/bin/sh
# oe_encapsulate.sh - ESP in UDP without a NAT, as one end wants it (RFC 7296 §2.23), beside one that does not
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

oe_lab server 198.51.100.32
server=$(oe_addr server)
oe_host always 198.51.100.41
oe_host auto 198.51.100.42
oe_daemon server
OE_KEYLESS=yes
oe_daemon always 'encapsulate = "always"' 'transport = "ask"'
oe_daemon auto
oe_ready server always auto
oe_sniff server "$NET_RUN/server.pcap"

# HOST: it has keys with the server.
keyed()
{
	net_ctl "oed_$1" why "$server" | grep -q ": encrypted with "
}
# HOST PROTOCOL: packets of its and the server's.
passed()
{
	oe_count "$NET_RUN/server.pcap" "$2 and host $(oe_addr "$1") and host $server"
}
# HOST PROTOCOL: so many of each of five echoes and their answers.
all_passed()
{
	[ "$(passed "$1" "$2")" -ge 10 ]
}
for host in always auto; do
	oe_ping $host "$server" 5
	net_until 10 keyed $host || net_fail "$host: $(net_ctl oed_$host why "$server")"
	for _ in 1 2 3 4 5; do
		oe_ping $host "$server" 5 || net_fail "$host: encrypted, and no answer"
	done
done
net_until 10 all_passed always "udp port 4500" ||
	net_fail "in UDP: $(passed always "udp port 4500")"
net_until 10 all_passed auto "ip proto 50" ||
	net_fail "by itself: $(passed auto "ip proto 50")"
[ "$(passed always "ip proto 50")" = 0 ] && [ "$(passed auto "udp port 4500")" = 0 ] ||
	net_fail "ESP by itself: $(passed always "ip proto 50"), in UDP: $(passed auto "udp port 4500")"
net_ok "always: $(passed always "udp port 4500") packets in UDP, 0 of ESP by itself;" \
    "auto, the control: $(passed auto "ip proto 50") of ESP by itself, 0 in UDP"
