#!/bin/sh
# oe_many.sh - a laptop talks to 1000 hosts in a minute, 100 of them with a key: nothing is lost, memory stays bounded
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"

# All thousand are addresses of "far": 203.0.113.1-100 delegate to it, 198.18.*
# have no records.
oe_wire
oe_host laptop 198.51.100.61
oe_host far 198.51.100.62
# One neighbour, not a thousand: the machine has one table of them for all
# namespaces, also of tests that run beside this one.
ip -n laptop route replace default via 198.51.100.62
ip -n far route add local 203.0.113.0/24 dev lo
ip -n far route add local 198.18.0.0/16 dev lo
oe_key laptop
oe_key far
oe_zones
{
	net_zone_head 113.0.203.in-addr.arpa.
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/far.pem" \
	    --id 198.51.100.62 --for 203.0.113.1 --type TXT |
	    awk '{ for (i = 1; i <= 100; i++) {
		sub(/^[0-9]+\./, i "."); print } }'
} >"$NET_RUN/zone.113.0.203.in-addr.arpa"
net_zone_head 18.198.in-addr.arpa. >"$NET_RUN/zone.18.198.in-addr.arpa"
: >"$NET_RUN/anchors"
for zone in lab 100.51.198.in-addr.arpa 113.0.203.in-addr.arpa \
    18.198.in-addr.arpa; do
	oe_zone $zone
done
oe_servers
oe_daemon far 'networks = {"203.0.113.0/24"}' 'clear = {"198.18.0.0/16"}' \
    'permissive = {"198.51.100.0/24"}'
oe_daemon laptop "lifespan-first = 35" "idle = 5"
oe_ready far laptop
oe_sniff laptop "$NET_RUN/laptop.pcap" "esp or icmp or port 500"

memory()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$(net_pid oed_laptop)/status"
}
before=$(memory)
net_on laptop python3 "$NET_HERE/oe_many.py" --seconds 30 203.0.113.1:100 \
    198.18.0.1:900 >"$NET_RUN/many.out" || net_fail "oe_many.py"
cat "$NET_RUN/many.out"
most=$(memory)
grep -q 'sent 1000 answered 1000' "$NET_RUN/many.out" ||
	net_fail "held packets were lost"
net_ok "1000 destinations in 30 s, each first packet answered"
sleep 0.3
clear=$(oe_count "$NET_RUN/laptop.pcap" "icmp and dst net 203.0.113.0/24")
[ "$clear" = 0 ] || net_fail "$clear packets to hosts with a key were clear"
esp=$(oe_count "$NET_RUN/laptop.pcap" "esp and src 198.51.100.61")
[ "$esp" = 100 ] || net_fail "$esp encrypted packets instead of 100"
clear=$(oe_count "$NET_RUN/laptop.pcap" "icmp and dst net 198.18.0.0/16")
[ "$clear" = 900 ] || net_fail "$clear clear packets instead of 900"
net_ok "100 encrypted, 900 in the clear"
# What a sanitizer keeps of what was freed is not the daemon's.
[ "$((most - before))" -lt 16384 ] || net_sanitizer asan || net_sanitizer tsan ||
	net_fail "memory grew by $((most - before)) kB"
net_ok "memory grew by $((most - before)) kB"

# LEFT: at most so many connections.
few()
{
	net_holds oed_laptop spd 'len(rows) <= int(words[0])' "$1"
}
net_until 60 few 0 || net_fail "idle connections stay"
net_ok "idle ones are gone after their lifespan"
