#!/bin/sh
# oe_tunnel.sh - configured tunnels beside OE, by secret and by key, and a configuration that changes while it runs
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

# Private addresses that only the tunnels know: left 192.168.1.0/24, other
# 192.168.2.0/24 (by a secret), right 192.168.3.0/24 (by keys).
oe_wire
oe_host left 198.51.100.61
oe_host right 198.51.100.62
oe_host other 198.51.100.63
oe_host stranger 198.51.100.64
ip -n left address add 192.168.1.1/32 dev lo
ip -n other address add 192.168.2.1/32 dev lo
ip -n right address add 192.168.3.1/32 dev lo
ip -n right address add 192.168.4.1/32 dev lo
for host in left right other stranger; do
	oe_key $host
done
oe_dns_up
printf 'the same 32 bytes at both ends..\n' >"$NET_RUN/secret"
chmod 600 "$NET_RUN/secret"
key_of()
{
	awk '/[ \t]KEY[ \t]/ { print $NF; exit }' "$NET_RUN/$1.records"
}

# NAME PEER LOCAL REMOTE REST...
tunnel()
{
	tunnel_name=$1 tunnel_peer=$2 tunnel_local=$3 tunnel_remote=$4
	shift 4
	printf '%s ' "tunnel \"$tunnel_name\" { peer = \"$tunnel_peer\"" \
	    "local = \"$tunnel_local\" remote = \"$tunnel_remote\"" "$@" "}"
}
by_key="peer-key = \"$(key_of right)\""
# Identities of its own, so that left and right are OE peers too.
oe_daemon left 'networks = {"192.168.1.0/24"}' 'permissive = {"0.0.0.0/0"}' \
    "$(tunnel secret 198.51.100.63 192.168.1.0/24 192.168.2.0/24 \
    "secret = \"$NET_RUN/secret\"")" \
    "$(tunnel key 198.51.100.62 192.168.1.0/24 192.168.3.0/24 "$by_key" \
    'id = "@left.tunnel" peer-id = "@right.tunnel"')" \
    "$(tunnel lonely 198.51.100.62 192.168.1.0/24 192.168.4.0/24 "$by_key" \
    'id = "@left.lonely" peer-id = "@right.lonely"')" "give-up = 3"
oe_daemon other 'networks = {"192.168.2.0/24"}' \
    "$(tunnel secret 198.51.100.61 192.168.2.0/24 192.168.1.0/24 \
    "secret = \"$NET_RUN/secret\"")"
oe_daemon right 'networks = {"192.168.3.0/24"}' 'permissive = {"0.0.0.0/0"}' \
    "$(tunnel key 198.51.100.61 192.168.3.0/24 192.168.1.0/24 \
    "peer-key = \"$(key_of left)\"" \
    'id = "@right.tunnel" peer-id = "@left.tunnel"')"
oe_daemon stranger 'networks = {"192.168.2.0/24"}' "give-up = 3"
oe_ready left right other stranger
oe_sniff left "$NET_RUN/left.pcap"

# HOST SOURCE ADDRESS
ping_from()
{
	net_on "$1" ping -q -n -c 1 -W 5 -I "$2" "$3" >/dev/null 2>&1
}
ping_from left 192.168.1.1 192.168.2.1 || net_fail "the tunnel by secret"
net_ctl oed_left spd | tee "$NET_RUN/spd" | grep -q '192\.168\.2\.0/24.*tunnel' ||
	{ cat "$NET_RUN/spd"; net_fail "it is not the configured tunnel"; }
grep -q 'psk' "$NET_RUN/spd" || net_fail "not by the secret"
net_ok "a tunnel between two networks, by a secret"
ping_from left 192.168.1.1 192.168.3.1 || net_fail "the tunnel by key"
ping_from right 192.168.3.1 192.168.1.1 || net_fail "the tunnel by key, back"
net_ok "a tunnel by keys and names"
oe_ping left 198.51.100.62 5 || net_fail "OE with the same peer"
net_ctl oed_left why 198.51.100.62 | grep -q DNSSEC ||
	net_fail "OE with the tunnel's peer is not by DNS"
net_ok "OE with the same peer beside it, by DNSSEC"

# One that DNS vouches for is no partner: it claims the tunnel's network.
ip -n stranger address add 192.168.2.1/32 dev lo
net_on stranger ping -q -n -c 1 -W 3 -I 192.168.2.1 198.51.100.61 \
    >/dev/null 2>&1 && net_fail "a stranger spoke for the tunnel's network"
net_ok "a stranger with a key in DNS does not get into the tunnel"

# A tunnel whose peer does not know of it: nothing goes, least of all clear.
ping_from left 192.168.1.1 192.168.4.1 && net_fail "a tunnel of one side only"
net_ok "a tunnel that the peer does not have carries nothing"

# The configuration changes: the new class counts for what is there already.
sed -i 's|permissive = {"0.0.0.0/0"}|permissive = {"0.0.0.0/0"}\n  deny = {"198.51.100.62"}|' \
    "$NET_RUN/oed_left.conf"
net_ctl oed_left reload >/dev/null || net_fail "reload"
oe_ping left 198.51.100.62 1 && net_fail "it is not denied after the reload"
ping_from left 192.168.1.1 192.168.2.1 ||
	net_fail "the tunnel does not work after the reload"
net_ok "after a reload the peer is denied, the tunnel goes on"
sed -i 's|198.51.100.62"}|nonsense"}|' "$NET_RUN/oed_left.conf"
net_ctl oed_left reload >/dev/null 2>&1 && net_fail "a wrong file was taken"
oe_ping left 198.51.100.62 1 && net_fail "a wrong file changed something"
ping_from left 192.168.1.1 192.168.2.1 || net_fail "a wrong file stopped it"
net_ok "a wrong file changes nothing"

leaks=$(oe_count "$NET_RUN/left.pcap" "src net 192.168.1.0/24")
[ "$leaks" = 0 ] || net_fail "$leaks clear packets of private networks"
net_ok "nothing of the tunnels crossed in the clear"
