#!/bin/sh
# oe_many.sh - a laptop talks to 1000 hosts in half a minute, 100 of them with a key: nothing is lost, memory stays bounded
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"

# All are addresses of "far": the first network's delegate to it, those of the second
# have no records.  Over IPv6 there are fewer, in less time.
case $FAMILY in
4)	with=203.0.113.0/24 with_zone=113.0.203.in-addr.arpa type=TXT
	without=198.18.0.0/16 without_zone=18.198.in-addr.arpa
	keyed=100 keyless=900 seconds=30 ;;
6)	with=2001:db8:71::/64 with_zone=1.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa
	without=2001:db8:c6::/64 without_zone=6.c.0.0.8.b.d.0.1.0.0.2.ip6.arpa
	type=IPSECKEY keyed=30 keyless=270 seconds=8 ;;
esac
# NETWORK: its first host.
first()
{
	echo "$1" | sed 's/0\/.*/1/; s/:\/.*/:1/'
}
oe_wire
oe_host laptop 198.51.100.61
oe_host far 198.51.100.62
# One neighbour, not a thousand: the machine has one table of them for all
# namespaces, also of tests that run beside this one.
ip -n laptop "-$FAMILY" route replace default via "$(oe_addr far)"
[ "$FAMILY" = 4 ] || net_on far sysctl -qw net.ipv6.conf.lo.disable_ipv6=0
ip -n far route add local "$with" dev lo
ip -n far route add local "$without" dev lo
oe_key laptop
oe_key far
oe_zones
{
	net_zone_head "$with_zone."
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/far.pem" \
	    --id "$(oe_addr far)" --for "$(first "$with")" --type "$type" |
	    grep "$with_zone\\..*[[:space:]]${type}[[:space:]]" | python3 -c '
import ipaddress, sys
first, count = ipaddress.ip_address(sys.argv[1]), int(sys.argv[2])
record = sys.stdin.read()
for n in range(count):
    print(record.replace(first.reverse_pointer, (first + n).reverse_pointer))
' "$(first "$with")" "$keyed"
} >"$NET_RUN/zone.$with_zone"
net_zone_head "$without_zone." >"$NET_RUN/zone.$without_zone"
: >"$NET_RUN/anchors"
oe_zones_signed
oe_zone "$with_zone"
oe_zone "$without_zone"
oe_servers
oe_daemon far "networks = {\"$with\"}" "clear = {\"$without\"}" \
    "permissive = {\"$(oe_net 198.51.100.0/24)\"}"
oe_daemon laptop "lifespan-first = $((seconds + 5))" "idle = 5"
oe_ready far laptop
oe_sniff laptop "$NET_RUN/laptop.pcap" "$OE_ESP or ($OE_ECHO)"

memory()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$(net_pid oed_laptop)/status"
}
before=$(memory)
net_on laptop python3 "$NET_HERE/oe_many.py" --seconds "$seconds" \
    "$(first "$with"):$keyed" "$(first "$without"):$keyless" >"$NET_RUN/many.out" || net_fail "oe_many.py"
cat "$NET_RUN/many.out"
most=$(memory)
grep -q "sent $((keyed + keyless)) answered $((keyed + keyless)) " "$NET_RUN/many.out" ||
	net_fail "held packets were lost"
net_ok "$((keyed + keyless)) destinations in $seconds s, each first packet answered"
sleep 0.3
clear=$(oe_count "$NET_RUN/laptop.pcap" "$OE_ECHO and dst net $with")
[ "$clear" = 0 ] || net_fail "$clear packets to hosts with a key were clear"
esp=$(oe_count "$NET_RUN/laptop.pcap" "$OE_ESP and src $(oe_addr laptop)")
[ "$esp" = "$keyed" ] || net_fail "$esp encrypted packets instead of $keyed"
clear=$(oe_count "$NET_RUN/laptop.pcap" "$OE_ECHO and dst net $without")
[ "$clear" = "$keyless" ] || net_fail "$clear clear packets instead of $keyless"
net_ok "$keyed encrypted, $keyless in the clear"
# What a sanitizer keeps of what was freed is not the daemon's.
[ "$((most - before))" -lt 16384 ] || net_sanitizer asan || net_sanitizer tsan ||
	net_fail "memory grew by $((most - before)) kB"
net_ok "memory grew by $((most - before)) kB"

# LEFT: at most so many connections.
few()
{
	net_holds oed_laptop spd 'len(rows) <= int(words[0])' "$1"
}
# Time has no family.
[ "$FAMILY" = 6 ] || {
	net_until 60 few 0 || net_fail "idle connections stay"
	net_ok "idle ones are gone after their lifespan"
}
