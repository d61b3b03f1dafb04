#!/bin/sh
# attack_address.sh - a host behind the same NAPT, on no path, with a key of its own, wants what is for its neighbours
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping iptables
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"

# x1 honest and without OE, x2 the attacker, behind N, which only translates.
# y1 takes nothing in the clear and believes only DNSSEC; y2 is permissive.
net_picture
net_on N iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE &&
    net_on N iptables -t nat -A PREROUTING -i eth0 -p tcp --dport 21000 \
    -j DNAT --to-destination "$NET_X1" &&
    net_on x2 iptables -t nat -A POSTROUTING -s "$NET_NB" -o eth0 -j SNAT \
    --to-source "$NET_X2" &&
    net_on x2 iptables -t raw -A OUTPUT -m mark ! --mark 0x4f45 -j NOTRACK ||
    net_skip "no NAT in this kernel"
# It says Nb in Phase 2, and translates as N does: to y it is somebody at Nb.
ip -n x2 address add "$NET_NB/32" dev lo
# shellcheck disable=SC2034
oe_addr_x2=$NET_NB oe_addr_y1=$NET_Y1 oe_addr_y2=$NET_Y2
: >"$NET_RUN/lab.records"
: >"$NET_RUN/reverse.records"
oe_key y1
oe_key y2
oe_key x2 @x2.lab
oe_dns_up
oe_daemon y1 'paranoid = {"0.0.0.0/0"}' 'require-dnssec = true'
oe_daemon y2 'permissive = {"0.0.0.0/0"}' 'require-dnssec = true'
oe_daemon x2 'permissive = {"0.0.0.0/0"}' 'id = "@x2.lab"'
oe_ready y1 y2 x2

# HOST ARGUMENT...
program()
{
	program_host=$1
	shift
	net_on "$program_host" python3 "$NET_HERE/attack_address.py" "$@"
}

# All that the attacker can see on any interface, and the wire.
net_start sniff_x2 x2 tcpdump -i any -n -U -Z root --immediate-mode \
    -w "$NET_RUN/x2.pcap"
net_ready sniff_x2 10 test -s "$NET_RUN/x2.pcap"
net_start sniff_wire wire tcpdump -i switch0 -n -U -Z root --immediate-mode \
    -w "$NET_RUN/wire.pcap"
net_ready sniff_wire 10 test -s "$NET_RUN/wire.pcap"

# How often the marker was readable there.
readable()
{
	sleep 0.3
	grep -a -o for-the-honest-one-only "$NET_RUN/$1.pcap" | wc -l
}

# HOST WORDS: oed there says so of Nb.
spd_says()
{
	net_holds "oed_$1" spd 'any([r["dst"], r["policy"], r["peer"],
	    r["right"]] == words[1:] + words[0].split(",") for r in rows)' \
	    "$2" "$NET_NB"
}

counter()
{
	net_json oed_y2 status 'it["packets"]["flow_refused"]'
}

# ADDRESS SECONDS: the attacker asks for an echo as Nb.
ping_as_nb()
{
	net_on x2 ping -q -n -c 1 -W "$2" -I "$NET_NB" "$1" >/dev/null 2>&1
}

# --- flows of a shared address ------------------------------------------------

ping_as_nb "$NET_Y2" 10 || net_fail "the attacker has no keys with y2"
spd_says y2 'encrypt,@x2.lab,own flows' ||
    net_fail "y2: $(net_ctl oed_y2 spd)"
net_ctl oed_y2 why "$NET_NB"
net_ok "control: the attacker is a peer like others, for flows of its own"

for net_job in 'udp-echo 7' 'tcp-stream 80 60'; do
	# shellcheck disable=SC2086
	net_start "${net_job%%-*}" y2 python3 "$NET_HERE/attack_address.py" $net_job
	net_ready "${net_job%%-*}" 10 grep -q ready "$NET_RUN/${net_job%%-*}.log"
done
answered=$(program x1 udp-ask "$NET_Y2" 7 20)
net_say "UDP answers to a masqueraded neighbour: $answered of 20"
[ "$answered" = 20 ] || net_fail "a neighbour's UDP answers are lost"

asked=$(tail -n 1 "$NET_RUN/udp.log")
program x1 tcp-read "$NET_Y2" 80 >"$NET_RUN/lines" &
reader=$!
program x1 udp-talk "$NET_Y2" 7 2.5 >"$NET_RUN/talk" &
talker=$!
both_began()
{
	tail -n 1 "$NET_RUN/tcp.log" | grep -q '^[0-9]' &&
	    [ "$(tail -n 1 "$NET_RUN/udp.log")" != "$asked" ]
}
net_until 10 both_began || net_fail "the neighbour's connections do not begin"
program x2 inject "$NET_NB" "$NET_Y2" tcp "$(tail -n 1 "$NET_RUN/tcp.log")" 80 10
program x2 inject "$NET_NB" "$NET_Y2" udp "$(tail -n 1 "$NET_RUN/udp.log")" 7 10
wait "$reader" "$talker"
refused=$(counter)
net_say "TCP that was to be diverted: $(cat "$NET_RUN/lines") lines of 60;" \
    "UDP: $(sed 's/ / of /' "$NET_RUN/talk"); y2 refused $refused datagrams"
[ "$(cat "$NET_RUN/lines")" = 60 ] || net_fail "a neighbour's TCP was diverted"
# shellcheck disable=SC2046
set -- $(cat "$NET_RUN/talk")
[ "$1" = "$2" ] || net_fail "a neighbour's UDP was diverted"
[ "$refused" -ge 20 ] || net_fail "the datagrams were not refused as such"

[ "$(readable x2)" = 0 ] || net_fail "the attacker reads what is for others"
# A program on y2 is told of its own flow, not of whoever has keys there.
of_x1=$(program y2 why "$NET_RUN/oed_y2.sock" "$NET_NB" 7 \
    "$(tail -n 1 "$NET_RUN/udp.log")")
[ "$(program x2 udp-ask "$NET_Y2" 7 1)" = 1 ] || net_fail "no answer to x2"
of_x2=$(program y2 why "$NET_RUN/oed_y2.sock" "$NET_NB" 7 \
    "$(tail -n 1 "$NET_RUN/udp.log")")
net_say "a program on y2 is told: the neighbour's flow: $of_x1; the" \
    "attacker's own: $of_x2"
[ "$of_x1" = 'pass  ' ] && [ "$of_x2" = 'encrypt @x2.lab own flows' ] ||
    net_fail "a program on y2 is told the wrong thing"
grep -a -q for-the-honest "$NET_RUN/x2.pcap" ||
    net_fail "the witness does not see what x2 itself gets"
own=$(readable x2)

net_start listener x1 python3 "$NET_HERE/attack_address.py" tcp-stream 21000 3
net_ready listener 10 grep -q ready "$NET_RUN/listener.log"
lines=$(program y2 tcp-read "$NET_NB" 21000)
net_say "a connection to a port that a neighbour listens on: $lines lines of 3"
[ "$lines" = 3 ] || net_fail "it did not reach the neighbour"
net_say "readable by the attacker: $(($(readable x2) - own))"
[ "$(readable x2)" = "$own" ] || net_fail "the attacker reads what is for others"
ping_as_nb "$NET_Y2" 3 || net_fail "the attacker's own flows have ended"

# --- whom we must encrypt to ------------------------------------------------------

before=$(readable wire)
! ping_as_nb "$NET_Y1" 3 || net_fail "y1 gave it keys for an address"
program y1 udp-send "$NET_NB" 40000,53,4444 30
spd_says y1 'encrypt,@x2.lab,own flows' && net_fail "y1 has keys with it"
grep -q 'may not speak for' "$NET_RUN/oed_y1.log" ||
    net_fail "y1 did not refuse it by the reverse map"
net_say "of 90 datagrams of y1 readable by the attacker: $(($(readable x2) - own))," \
    "on the wire: $(($(readable wire) - before))"
[ "$(readable x2)" = "$own" ] && [ "$(readable wire)" = "$before" ] ||
    net_fail "what y1 sends is read"

# The same host, and now the reverse map of Nb names it.
net_stop oed_x2
"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/x2.pem" --id @x2.lab \
    --for "$NET_NB" >"$NET_RUN/named.records" || net_fail "dns-records"
grep TXT "$NET_RUN/named.records" >>"$NET_RUN/reverse.records"
oe_serve_again
oe_daemon x2 'permissive = {"0.0.0.0/0"}' 'id = "@x2.lab"'
oe_ready x2
net_until 15 ping_as_nb "$NET_Y1" 5 ||
    net_fail "y1 does not speak with whom the reverse map names"
spd_says y1 'encrypt,@x2.lab,dnssec' || net_fail "y1: $(net_ctl oed_y1 spd)"
net_ctl oed_y1 why "$NET_NB"
program y1 udp-send "$NET_NB" 40000 10
[ "$(readable x2)" -ge $((own + 10)) ] || net_fail "it does not get what y1 sends to it"
[ "$(readable wire)" = "$before" ] || net_fail "y1 sends in the clear"
net_ok "control: named by the reverse map, it gets what is for that address"
