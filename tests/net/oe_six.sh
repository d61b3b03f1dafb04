#!/bin/sh
# oe_six.sh - IPv6: keys from ip6.arpa, IKEv2 and ESP between hosts with and without keys; neighbours and link-local addresses are left alone
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

one=2001:db8:64::41
two=2001:db8:64::42
bare=2001:db8:64::43
oe_wire
oe_host one 198.51.100.41
oe_host two 198.51.100.42
oe_host bare 198.51.100.43
for host in one two bare; do
	eval "oe_six $host \$$host"
done
oe_key one "$one"
oe_key two "$two"
oe_dns_up
oe_daemon one 'hold-dual-stack = 20000' 'hold = 20'
oe_daemon two 'hold-dual-stack = 20000' 'hold = 20'
OE_KEYLESS=yes
oe_daemon bare 'hold-dual-stack = 20000' 'hold = 20'
OE_KEYLESS=
oe_ready one two bare
oe_sniff one "$NET_RUN/one.pcap"
oe_sniff bare "$NET_RUN/bare.pcap"

# A first packet waits for keys, and is not lost.
oe_ping one "$two" 15 || net_fail "one: $(net_ctl oed_one why "$two")"
net_ctl oed_one why "$two" >"$NET_RUN/why"
grep -q "^$two: encrypted with .* to $two at $two (IKEv2, key vouched for by DNSSEC" \
    "$NET_RUN/why" || net_fail "why: $(cat "$NET_RUN/why")"
net_ok "$(cat "$NET_RUN/why")"
net_ctl oed_two why "$one" | grep -q "^$one: encrypted with .* to $one at $one (IKEv2, key vouched for" ||
    net_fail "two: $(net_ctl oed_two why "$one")"
net_ctl oed_one status | grep -q "our key is at .*ip6.arpa, vouched for" ||
    net_fail "status: $(net_ctl oed_one status)"

# Who has no key, and an address that no record names: what a laptop is.
oe_ping bare "$two" 15 || net_fail "bare: $(net_ctl oed_bare why "$two")"
auth=$(net_json oed_two spd '[r["auth"] + " " + str(r["ike_version"]) for r in rows if r["dst"] == words[0]]' "$bare")
[ "$auth" = "null 2" ] || net_fail "two calls bare \"$auth\""
net_ok "without a key or a record: $(net_ctl oed_bare why "$two")"

# Neighbours are found anew, and link-local addresses answer, in the clear.
ip -n one -6 neighbour flush dev eth0
link=$(ip -n two -6 address show dev eth0 scope link |
    sed -n 's/.*inet6 \(fe80[^/]*\).*/\1/p')
net_until 10 oe_ping one "$link%eth0" 1 || net_fail "$link does not answer"
oe_ping one "$two" || net_fail "nothing after neighbours were forgotten"
rows=$(net_json oed_one spd '[r["dst"] for r in rows if r["dst"].startswith(("fe80", "ff"))]')
[ -z "$rows" ] || net_fail "captured: $rows"

# Segments of full size, both ways, over a path that takes 1500.
dd if=/dev/urandom of="$NET_RUN/sent" bs=64k count=16 2>/dev/null
net_start echo two python3 "$NET_HERE/oe_six_tcp.py" echo "$two" "$NET_RUN/got"
net_ready echo 5 grep -q "^ready" "$NET_RUN/echo.log"
net_on one python3 "$NET_HERE/oe_six_tcp.py" send "$two" "$NET_RUN/sent" 10 ||
    net_fail "TCP: $(net_ctl oed_one why "$two")"
cmp -s "$NET_RUN/sent" "$NET_RUN/got" || net_fail "TCP brought something else"

sleep 0.3
# More than one way alone has; a busy machine's sniffer misses some.
esp=$(oe_count "$NET_RUN/one.pcap" "ip6 proto 50 and host $two")
clear=$(oe_count "$NET_RUN/one.pcap" "ip6 and host $two and not ip6 proto 50 and not udp port 500 and (not icmp6 or ip6[40] < 130 or ip6[40] > 137)")
cut=$(oe_count "$NET_RUN/one.pcap" "ip6 proto 44")
solicited=$(oe_count "$NET_RUN/one.pcap" "icmp6 and ip6[40] = 135")
from_bare=$(oe_count "$NET_RUN/bare.pcap" "ip6 proto 50 and host $two")
if [ "$clear" != 0 ] || [ "$esp" -lt 1000 ] || [ "$cut" != 0 ] ||
    [ "$solicited" -lt 1 ] || [ "$from_bare" -lt 2 ]; then
	net_fail "on the wire: $clear clear, $esp of ESP, $cut cut, $solicited solicitations, $from_bare of bare's"
fi
net_ok "1 MB each way over IPv6: $esp packets of ESP, $cut cut, $clear clear; $solicited neighbour solicitations beside them"

# Where a program may try IPv4 instead it does not wait long for IPv6's keys.
sed -i 's/hold-dual-stack = .*/hold-dual-stack = 300/
    s/hold = 20/hold = 120/
    s/^oe {/oe {\n  dns-timeout = 60000/' "$NET_RUN/oed_bare.conf"
net_ctl oed_bare reload >/dev/null || net_fail "reload"
kill -STOP "$(net_pid unbound)"
oe_ping bare "$(oe_addr one)" 1
oe_ping bare "$one" 1
# ADDRESS POLICY REASON
is()
{
	net_ctl oed_bare why "$1" --json | python3 -c '
import json, sys
a = json.load(sys.stdin)
sys.exit((a["policy"], a["reason"]) != tuple(sys.argv[1:]))' "$2" "$3"
}
net_until 10 is "$one" pass dns-slow ||
    net_fail "held: $(net_ctl oed_bare why "$one")"
is "$(oe_addr one)" hold none ||
    net_fail "IPv4: $(net_ctl oed_bare why "$(oe_addr one)")"
net_ok "while DNS is silent: $(net_ctl oed_bare why "$one" | cut -c1-120); $(oe_addr one) is held"
kill -CONT "$(net_pid unbound)"
