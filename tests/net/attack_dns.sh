#!/bin/sh
# attack_dns.sh - answers forged by somebody who is not on the path; a resolver that knows no EDNS
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone tcpdump ping
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"

oe_wire
oe_host peer 198.51.100.32
oe_key peer
oe_host host 198.51.100.41
oe_key host
oe_host evil 198.51.100.66
oe_zones
oe_zone lab unsigned
oe_zone 100.51.198.in-addr.arpa unsigned
: >>"$NET_RUN/anchors"
oe_servers
net_stop unbound
oe_key evil	# of use to the forger only: not in the zones
text=$(sed -n 's/.*TXT *//p' "$NET_RUN/evil.records" | tr -d '" ' |
    sed 's/^\(X-IPsec-Server([0-9]*)=[0-9.]*\)/\1 /')

# NAME [OPTION...]: the resolver at NET_DNS.
resolver()
{
	resolver_name=$1
	shift
	net_start "$resolver_name" dns python3 "$NET_HERE/attack_dns.py" \
	    --address "$NET_DNS" --server 5353 \
	    --log "$NET_RUN/$resolver_name.questions" --text "$text" "$@"
	net_ready "$resolver_name" 10 net_listens dns 53
}
resolver asked --guess 70.100.51.198.in-addr.arpa \
    --forge 71.100.51.198.in-addr.arpa --silent .19.198.in-addr.arpa
oe_daemon peer
oe_daemon host "give-up = 3" "dns-timeout = 700" "dns-tries = 4" \
    "paranoid = {\"198.51.100.70/31\"}" "permissive = {\"0.0.0.0/0\"}"
oe_ready peer host
oe_sniff evil "$NET_RUN/evil.pcap"

oe_ping host 198.51.100.32 || net_fail "the honest peer does not answer"
net_ctl oed_host why 198.51.100.32 | grep -q encrypted ||
    net_fail "the honest peer is not encrypted"
last=100
while [ $((last += 1)) -le 130 ]; do
	oe_ping host "198.51.100.$last" 1 &
done
wait_for_questions()
{
	[ "$(wc -l <"$NET_RUN/asked.questions")" -ge 60 ]
}
net_until 20 wait_for_questions || net_fail "no questions"
ports=$(cut -d' ' -f1 "$NET_RUN/asked.questions" | sort -u | wc -l)
asked=$(wc -l <"$NET_RUN/asked.questions")
# Two may by chance be given the same.
[ "$ports" -ge $((asked - asked / 20 - 1)) ] ||
    net_fail "$asked questions left from $ports ports only"
net_ok "$asked questions left from $ports ports"

# FORGED: nothing is answered to the question itself; 65536 answers come to the
# port of the one before.
oe_ping host 198.51.100.70 1
all_sent()
{
	grep -q "sent 65536" "$NET_RUN/asked.questions"
}
net_until 20 all_sent || net_fail "the forger sent nothing"
settled()
{
	net_ctl oed_host why "$1" | grep -q "$2"
}
net_until 20 settled 198.51.100.70 time-out ||
    net_fail "forged: $(net_ctl oed_host why 198.51.100.70)"
ike=$(oe_count "$NET_RUN/evil.pcap" "udp port 500")
[ "$ike" = 0 ] || net_fail "a forged answer sent $ike IKE messages to the forger"
net_ok "65536 forged answers to the port of the question before: 0 got through"

# The control: what was forged is believed when the resolver itself says it.
oe_ping host 198.51.100.71 1
forger_asked()
{
	[ "$(oe_count "$NET_RUN/evil.pcap" "udp port 500")" -gt 0 ]
}
net_until 20 forger_asked ||
    net_fail "the control: the same answer from the resolver is not believed"
net_ok "control: the same answer from the resolver itself is believed"

# More questions than there may be sockets, none of them answered.
sockets()
{
	net_on host ss -Hnup "dport = 53" | wc -l
}
net_on host ip route add 198.19.0.0/16 dev eth0
net_on host python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(900):
    s.sendto(b"?", ("198.19.%d.%d" % (n >> 8, n & 255), 9))'
most=0
for _ in 1 2 3 4 5 6 7 8; do
	now=$(sockets)
	[ "$now" -le "$most" ] || most=$now
	sleep 0.1
done
[ "$most" -ge 256 ] || net_fail "$most sockets: the limit was not met"
[ "$most" -le 512 ] || net_fail "$most sockets for DNS"
asked_about()
{
	oe_ping host 198.51.100.131 1
	grep -q ' 131\.100\.51\.198\.' "$NET_RUN/asked.questions"
}
net_until 15 asked_about || net_fail "nobody is asked about any more"
net_ok "900 hosts that nobody answers about: $most sockets at once, and the next is asked about"
net_stop asked

# A resolver that knows no EDNS answers FORMERR (RFC 6891 §7).
net_stop oed_host
net_stop oed_peer
resolver plain --no-edns
oe_daemon peer
oe_daemon host "give-up = 3"
oe_ready peer host
oe_ping host 198.51.100.32 || net_fail "no answer with a resolver without EDNS"
net_ctl oed_host why 198.51.100.32 | grep -q encrypted ||
    net_fail "not encrypted: $(net_ctl oed_host why 198.51.100.32)"
grep -q "plain 32" "$NET_RUN/plain.questions" ||
    net_fail "it was not asked again without EDNS"
net_ok "a resolver that knows no EDNS is asked without it"
