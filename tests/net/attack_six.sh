#!/bin/sh
# attack_six.sh - who is on the link, or forges its addresses, over IPv6: ICMPv6 errors, packets once more, neighbours that are none, a flood of first messages
export FAMILY=6
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs_built tests/net/flood
oe_enter "$@"

oe_lab one 198.51.100.41 two 198.51.100.42
one=$(oe_addr one)
two=$(oe_addr two)
oe_host late 198.51.100.43
oe_host evil 198.51.100.66
# Answers to forged addresses go to one neighbour.
ip -n two -6 route replace default via "$(oe_addr evil)"
# Paranoid, so that an attacker who cuts them off has no clear text for it.
for host in one two; do
	oe_daemon $host "paranoid = {\"$one\", \"$two\"}" \
	    "permissive = {\"$OE_ALL\"}" "lifespan-short = 2" "give-up = 3"
done
OE_KEYLESS=yes
oe_daemon late
OE_KEYLESS=
oe_ready one two late
oe_sniff one "$NET_RUN/one.pcap"
oe_ping one "$two" 15 || net_fail "not answered: $(net_ctl oed_one why "$two")"

# HOST PEER: the SPI that it encrypts with.
spi()
{
	net_json "oed_$1" spd '[r["spi_out"] for r in rows
	    if r["dst"] == words[0] and r["spi_out"]]' "$2"
}
# WHAT SECONDS: at the switch, for so long.
attack()
{
	net_start "$1" wire python3 "$NET_HERE/attack_six.py" "$1" one two \
	    "$one" "$two" "$2"
	net_ready "$1" 10 grep -q ready "$NET_RUN/$1.log"
}
# How many of the bit more than 50 echoes are answered, and how many twice.
echoes()
{
	net_on one ping -n -i 0.05 -c 60 -W 3 "$two" >"$NET_RUN/echoes"
	received=$(grep -c 'bytes from' "$NET_RUN/echoes")
	twice=$(grep -c 'DUP!' "$NET_RUN/echoes")
}

# Errors and packets of before: the SA stays, and the path is not below what every
# link takes.
before=$(spi one "$two")
attack errors 5
echoes
wait "$(net_pid errors)" || net_fail "the attacker: $(cat "$NET_RUN/errors.log")"
net_say "  $(tail -n 1 "$NET_RUN/errors.log")"
grep -q 'too_big [1-9].* replayed [1-9]' "$NET_RUN/errors.log" ||
    net_fail "nothing was forged"
[ "$received" -ge 57 ] || net_fail "$received of 60 echoes are answered"
[ "$twice" = 0 ] || net_fail "$twice echoes came twice"
[ "$(spi one "$two")" = "$before" ] || net_fail "other keys than before"
least=$(sed -n 's/.*path MTU to .* is \([0-9]*\)/\1/p' "$NET_RUN/oed_one.log" |
    sort -n | head -n 1)
[ "${least:-1280}" -ge 1280 ] || net_fail "the path takes $least"
replays=$(net_json oed_two sa 'sum(r.get("replays", 0) for r in rows)')
[ "$replays" -ge 1 ] || net_fail "no replay is counted"
head -c 200000 /dev/urandom >"$NET_RUN/sent"
net_start echo two python3 "$NET_HERE/oe_six_tcp.py" echo "$two" "$NET_RUN/got"
net_ready echo 10 grep -q "^ready" "$NET_RUN/echo.log"
net_on one python3 "$NET_HERE/oe_six_tcp.py" send "$two" "$NET_RUN/sent" 20 ||
    net_fail "TCP after the errors: $(net_ctl oed_one why "$two")"
net_ok "errors and replays: $received of 60 echoes, 0 twice, the same keys, path" \
    "MTU ${least:-as it was}, $replays replays counted"

# Somebody says that the peer's address is his: what he has of it is ESP.
attack neighbours 3
echoes
wait "$(net_pid neighbours)"
grep -q 'advert [1-9]' "$NET_RUN/neighbours.log" || net_fail "nothing was forged"
net_until 60 oe_ping one "$two" 2 || {
	for host in one two; do
		ip -n $host -6 neighbour
	done
	net_fail "not answered after that: $(net_ctl oed_one why "$two")"
}
rows=$(net_json oed_one spd '[r["dst"] for r in rows
    if r["dst"].startswith(("fe80", "ff"))]')
[ -z "$rows" ] || net_fail "captured: $rows"
sleep 0.3
stolen=$(oe_count "$NET_RUN/one.pcap" "ether dst 02:00:00:00:00:66 and $OE_ESP")
clear=$(oe_count "$NET_RUN/one.pcap" "$OE_CLEAR and host $two and not icmp6")
echo=$(oe_count "$NET_RUN/one.pcap" "$OE_ECHO and host $two")
[ "$stolen" -ge 1 ] || net_fail "the forged neighbour has heard nothing"
[ "$clear$echo" = 00 ] || net_fail "in the clear: $clear, echoes $echo"
net_ok "a forged neighbour has $stolen packets of ESP and none in the clear;" \
    "afterwards all is as before"

# First messages from addresses without end: who has an address is let in.
net_on evil "$NET_TOP/tests/net/flood" ike2 random "$two" 3000 6 \
    >"$NET_RUN/flood.out" &
flooding=$!
net_until 20 net_holds oed_two status 'it["ike2"]["cookies"] >= 100' ||
    net_fail "no cookies: $(net_ctl oed_two status)"
oe_ping late "$two" 15 || net_fail "a newcomer is not answered"
net_ctl oed_late why "$two" | grep -q 'encrypted with' ||
    net_fail "a newcomer is not encrypted: $(net_ctl oed_late why "$two")"
oe_ping one "$two" 3 || net_fail "a flood takes keys away"
net_holds oed_two status 'it["ike2"]["half_open"] <= 33' ||
    net_fail "half open: $(net_json oed_two status 'it["ike2"]["half_open"]')"
wait "$flooding" || net_fail "flood"
net_say "  $(cat "$NET_RUN/flood.out");" \
    "$(net_json oed_two status 'it["ike2"]["cookies"]') cookies"
net_say "got through: 0 in the clear, 0 twice; honest peers lost" \
    "$((60 - received)) of 60 echoes while their neighbour was forged"
net_ok "a newcomer is encrypted under a flood of first messages"
