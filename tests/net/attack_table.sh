#!/bin/sh
# attack_table.sh - a stranger: forged packets fill the table of an OE host; who has keys is still encrypted, who is new is held, not passed
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping
net_needs_built oe/oed ctl/rsipctl tests/net/flood
net_enter "$@"

oe_wire
oe_host server 198.51.100.61
oe_host early 198.51.100.62
oe_host late 198.51.100.63
oe_host plain 198.51.100.64
oe_host evil 198.51.100.66
# Answers to forged addresses go somewhere, and to one neighbour.
ip -n server "-$FAMILY" route replace default via "$(oe_addr evil)"
for host in server early late; do
	oe_key $host
done
oe_dns_up
oe_daemon server "connections-max = 64"
oe_daemon early
oe_daemon late
oe_ready server early late
oe_sniff server "$NET_RUN/server.pcap" "$OE_ECHO and (host $(oe_addr early) or host $(oe_addr late))"

# The number of a name in oed's status.
status()
{
	net_json oed_server status \
	    '{**it["outcomes"], **it}[words[0]]' "$1"
}
flood()
{
	net_on evil "$NET_TOP/tests/net/flood" "$@" || net_fail "flood"
}
# HOST: it is encrypted for the server.
encrypted()
{
	net_ctl oed_server why "$(oe_addr "$1")" | grep -q 'encrypted with'
}

# --- the control: quiet
oe_ping early "$(oe_addr server)" || net_fail "early is not answered"
encrypted early || net_fail "early is not encrypted"
oe_ping plain "$(oe_addr server)" || net_fail "plain is not answered"
[ "$(status connections)" = 1 ] ||
	net_fail "an echo reply made an entry: $(status connections)"
net_ok "quiet: a peer with a key is encrypted; an echo reply to one without" \
    "makes no entry"

# --- what a forged packet makes the kernel send
for kind in echo syn; do
	flood $kind random "$(oe_addr server)" 2000 3
	[ "$(status connections)" = 1 ] ||
	    net_fail "$kind made $(status connections) entries"
done
net_ok "forged echo requests and SYNs make no entry"

# --- what a service of ours answers: half of the table, and no more
cat >"$NET_RUN/service.py" <<'EOF'
import socket
import sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
                  socket.SOCK_DGRAM)
s.bind((sys.argv[1], 53))
while True:
    data, peer = s.recvfrom(512)
    try:
        s.sendto(data, peer)
    except OSError:
        pass
EOF
net_start service server python3 "$NET_RUN/service.py" "${OE_ALL%/0}"
net_until 5 net_listens server 53 || net_fail "no service"
flood udp random "$(oe_addr server)" 1000 8 &
flooding=$!
net_until 5 net_holds oed_server status 'it["connections_of_strangers"] >= 1'
sleep 2
lost=0
for i in 1 2 3 4 5 6 7 8 9 10; do
	oe_ping early "$(oe_addr server)" 1 || lost=$((lost + 1))
done
oe_ping server "$(oe_addr late)" 4 || lost=$((lost + 1))
encrypted early || net_fail "early is encrypted no more"
encrypted late || net_fail "late is not encrypted: $(net_ctl oed_server why \
    "$(oe_addr late)")"
strangers=$(status connections_of_strangers)
wait $flooding || net_fail "flood"
[ "$strangers" -ge 16 ] || net_fail "the table was not filled: $strangers"
[ "$strangers" -le 32 ] || net_fail "strangers hold $strangers of 64 places"
sleep 0.3
clear=$(oe_count "$NET_RUN/server.pcap" "$OE_ECHO")
net_say "  strangers held $strangers of 64 places, $(status evicted) made room"
net_say "got through: $clear packets in the clear; honest peers lost $lost of 11 echoes"
[ "$clear" = 0 ] || net_fail "$clear packets of peers with keys in the clear"
[ "$lost" -le 2 ] || net_fail "honest peers lost $lost echoes"
net_ok "the table is full of strangers: whoever has a key is encrypted"
