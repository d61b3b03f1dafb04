#!/bin/sh
# oe_anonymous.sh - who has no key: known peers are encrypted to, by IKEv2; who takes that, who does not, and what it is called (RFC 7619)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

oe_lab server 198.51.100.32 strict 198.51.100.33
server=$(oe_addr server)
strict=$(oe_addr strict)
oe_host one 198.51.100.41
oe_host two 198.51.100.42
oe_host bare 198.51.100.43
one=$(oe_addr one)
two=$(oe_addr two)
oe_daemon server
oe_daemon strict 'anonymous = "no"'
OE_KEYLESS=yes
oe_daemon one
oe_daemon two 'anonymous = "try"'
oe_daemon bare
OE_KEYLESS=
oe_ready server strict one two bare
oe_sniff one "$NET_RUN/one.pcap"

# HOST ADDRESS FIELD: of what it would do with a packet there.
field()
{
	net_ctl "oed_$1" why "$2" --json |
	    python3 -c "import json, sys; print(json.load(sys.stdin)['$3'])"
}

oe_ping one "$server" 5 || net_fail "a host without a key: $(net_ctl oed_one why "$server")"
net_ctl oed_one why "$server" >"$NET_RUN/why"
grep -q "encrypted with .* to $server at $server (IKEv2, key from DNS\|encrypted with .* to $server at $server (IKEv2, key vouched for" \
    "$NET_RUN/why" || net_fail "why: $(cat "$NET_RUN/why")"
net_ok "without a key or a record: $(cat "$NET_RUN/why")"
net_ctl oed_one status | grep -q "peers are not shown who we are: there is no key" ||
    net_fail "status: $(net_ctl oed_one status | head -n 1)"

auth=$(net_json oed_server spd '[r["auth"] + " " + str(r["ike_version"]) + " " + r["method"] for r in rows if r["dst"] == words[0]]' "$one")
[ "$auth" = "null 2 null" ] || net_fail "the server calls it \"$auth\""
net_ctl oed_server why "$one" | grep -q "encrypted with somebody on their own flows" ||
    net_fail "server: $(net_ctl oed_server why "$one")"
net_ok "at the server it is of grade null, with its own flows"

# Whom policy wants to know is not known: permissive goes in the clear.
oe_ping one "$strict" 5 || net_fail "nothing reaches who wants to know us"
[ "$(field one "$strict" reason)" = ike-our-proof ] ||
    net_fail "strict: $(net_ctl oed_one why "$strict")"
net_ok "refused: $(net_ctl oed_one why "$strict")"

# Nobody has a record, nobody a key: tried where configured, beside the traffic.
oe_ping two "$one" 1 || net_fail "a try holds packets"
tried()
{
	[ "$(field two "$one" auth)" = null ]
}
net_until 5 tried || net_fail "tried: $(net_ctl oed_two why "$one")"
net_ctl oed_two why "$one" | grep -q ": encrypted, peer unknown, with " ||
    net_fail "why: $(net_ctl oed_two why "$one")"
oe_ping two "$one" 2 || net_fail "encrypted with nobody, nothing passes"
net_ok "both without: $(net_ctl oed_two why "$one")"
# Not configured: nothing is sent.
oe_ping bare "$two" 2 || net_fail "nothing in the clear"
[ "$(field bare "$two" reason)" = dns-none ] ||
    net_fail "bare: $(net_ctl oed_bare why "$two")"

clear=$(oe_count "$NET_RUN/one.pcap" "$OE_ECHO and host $server")
esp=$(oe_count "$NET_RUN/one.pcap" "$OE_ESP and host $server")
old=$(oe_count "$NET_RUN/one.pcap" "$(oe_ike 1)")
new=$(oe_count "$NET_RUN/one.pcap" "$(oe_ike 2)")
[ "$clear" = 0 ] && [ "$esp" -ge 2 ] && [ "$old" = 0 ] && [ "$new" -ge 4 ] ||
    net_fail "on the wire: $clear clear, $esp ESP, $old of IKEv1, $new of IKEv2"
net_ok "on the wire: $clear clear packets to the server, $esp of ESP, $new of IKEv2, $old of IKEv1"
