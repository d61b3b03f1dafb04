#!/bin/sh
# libreswan_null.sh - NULL authentication (RFC 7619) with a stock libreswan and the kernel's ESP, in a VM: oed begins, libreswan begins; in a tunnel and in transport mode; it asks for a cookie; it is killed and comes back
#
# LIBRESWAN: see libreswanlib.sh.  Both ends are told nothing of each other
# but, to libreswan, an address: no key, no record.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/libreswanlib.sh"
swan_wants
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping
net_needs_built oe/oed ctl/rsipctl
vm_enter 600
oe_enter "$@"

pluto=198.51.100.70
ours=198.51.100.61

pluto_run()
{
	swan_run swan
	swan_add null
}

oe_wire
oe_host ours $ours
oe_host swan $pluto
oe_dns_up
swan_prepare
swan_nobodies $ours $pluto
pluto_run
# shellcheck disable=SC2034  # oelib.sh uses it
OE_KEYLESS=yes
oe_daemon ours 'anonymous = "try"' 'transport = "ask"'
oe_ready ours
oe_sniff swan "$NET_RUN/wire.pcap"

# NAME: it begins.
initiate()
{
	swan_whack --initiate --name "$1"
	net_until 30 swan_keyed || net_fail "it begins: $(tail -n 4 "$NET_RUN/whack.log")"
	oe_ping swan $ours 10 || net_fail "it begins, and no answer"
}

# we begin
begin()
{
	oe_ping ours $pluto 10
	net_until 20 swan_keyed || net_fail "we begin: $(net_ctl oed_ours why $pluto)"
	oe_ping ours $pluto 10 || net_fail "encrypted, and no answer"
	net_ctl oed_ours why $pluto | grep -q ": encrypted, peer unknown, with " ||
	    net_fail "why: $(net_ctl oed_ours why $pluto)"
}

# MODE: all that its kernel has is in that mode.
mode()
{
	net_on swan ip xfrm state | grep -q "mode $1" &&
	    ! net_on swan ip xfrm state | grep "mode " | grep -qv "mode $1" ||
	    net_fail "not in $1 mode: $(net_on swan ip xfrm state | grep "mode ")"
}

initiate null
mode tunnel
net_ok "row 17, libreswan begins: $(net_ctl oed_ours why $pluto)"
swan_forget null
swan_add null

# It does not say the mode that we ask for: a tunnel, then (RFC 7296 §1.3.1).
begin
mode tunnel
net_ok "row 16, we begin: $(net_ctl oed_ours why $pluto)"
swan_forget null

# Both begin at the same moment: it sends on the pair that it began, and what comes on
# either is answered.  ADDRESS: its first messages (IKE_SA_INIT is exchange 34).
begun()
{
	oe_count "$NET_RUN/wire.pcap" "udp port 500 and src $1 and udp[26] = 34 \
	    and udp[27] & 32 = 0"
}
# FROM TO: all of ten come back.
answered()
{
	net_on "$1" ping -q -n -c 10 -i 0.3 -W 5 "$2" >"$NET_RUN/ping.$1" &&
	    grep -q ' 0% packet loss' "$NET_RUN/ping.$1"
}
ours_began=$(begun $ours)
its_began=$(begun $pluto)
it_began()
{
	[ "$(begun $pluto)" -gt "$its_began" ]
}
swan_add null
# Who has an IKE SA with us would use that: so it is first, and we ask DNS before.
swan_whack --initiate --name null &
whacking=$!
net_until 20 it_began || net_fail "it does not begin"
oe_ping ours $pluto 10
wait $whacking
net_until 30 swan_keyed || net_fail "both begin: $(net_ctl oed_ours why $pluto)"
net_until 30 oe_ping ours $pluto 5 || net_fail "both begin, and we hear nothing"
net_until 30 oe_ping swan $ours 5 || net_fail "both begin, and it hears nothing"
clear=$(oe_count "$NET_RUN/wire.pcap" icmp)
answered ours $pluto || net_fail "both begin, we send: $(cat "$NET_RUN/ping.ours")"
answered swan $ours || net_fail "both begin, it sends: $(cat "$NET_RUN/ping.swan")"
sleep 1
ours_began=$(($(begun $ours) - ours_began))
its_began=$(($(begun $pluto) - its_began))
[ "$ours_began" -gt 0 ] && [ "$its_began" -gt 0 ] ||
    net_fail "we began $ours_began times, it $its_began"
[ "$(oe_count "$NET_RUN/wire.pcap" icmp)" = "$clear" ] ||
    net_fail "both begin: something went in the clear after that"
mode tunnel
net_ok "row 18, both begin (we sent $ours_began first messages, it $its_began):" \
    "10 of 10 echoes either way, none in the clear;" \
    "$(net_on swan ip xfrm state | grep -c "proto esp") SAs there:" \
    "$(net_ctl oed_ours why $pluto)"
swan_forget null

swan_add bare
initiate bare
mode transport
net_ok "row 19, transport mode, it begins: $(net_ctl oed_ours why $pluto)"
swan_forget bare
swan_add bare
begin
mode transport
net_ok "row 19, transport mode, we begin: $(net_ctl oed_ours why $pluto)"
esp=$(oe_count "$NET_RUN/wire.pcap" esp)
clear=$(oe_count "$NET_RUN/wire.pcap" "icmp and host $ours")
net_ok "on the wire: $esp packets of ESP; $clear of ICMP in the clear, sent before there were keys"
swan_forget bare

# It is busy: who would have an answer shows that it is where it says (RFC 7296 §2.6).
# A request with a cookie (16390) has it first, a Notify (41); what asks for one is
# a response, and has nothing else.  ADDRESS asks or shows (= or !=).
cookies()
{
	oe_count "$NET_RUN/wire.pcap" "udp port 500 and src $1 and udp[24] = 41 \
	    and udp[26] = 34 and udp[27] & 32 $2 32 and udp[42:2] = 16390"
}
[ "$(cookies $ours =)" = 1 ] && [ "$(cookies $pluto !=)" -gt 0 ] ||
    net_fail "of the first who wants a group we ask a cookie: $(cookies $ours =)," \
    "it has shown $(cookies $pluto !=)"
asked_before=$(cookies $pluto =)
shown_before=$(cookies $ours !=)
swan_whack --ddos-busy
swan_add null
begin
mode tunnel
sleep 1
asked=$(($(cookies $pluto =) - asked_before))
shown=$(($(cookies $ours !=) - shown_before))
[ "$asked_before" = 0 ] && [ "$asked" -gt 0 ] && [ "$shown" -gt 0 ] ||
    net_fail "busy: it asked for $asked cookies, $shown were shown, $asked_before before"
net_ok "row 25, busy: it asked for $asked cookies, $shown were shown: $(net_ctl oed_ours why $pluto)"
swan_whack --ddos-auto

# It is killed, and its unit's ExecStopPost takes away what the kernel has; then it
# is back, and has no pair.
pluto_again()
{
	net_stop pluto KILL
	ip -n swan xfrm policy flush
	ip -n swan xfrm state flush
	pluto_run
	back=$(date +%s%N)
}

# NAME ADDRESS: who asks five times a second is answered again; "took" has how many
# milliseconds after it was back.
traffic()
{
	: >"$NET_RUN/echoes.log"
	net_start echoes "$1" ping -n -D -i 0.2 "$2"
	net_until 20 grep -q "bytes from" "$NET_RUN/echoes.log" ||
	    net_fail "no traffic after it was killed: $(net_ctl oed_ours why $pluto)"
	net_stop echoes
	took=$(sed -n 's/^\[\([0-9]*\)\.\([0-9]\{3\}\).*bytes from.*/\1\2/p' \
	    "$NET_RUN/echoes.log" | head -n 1)
	took=$((took - back / 1000000))
}

# One pair is left, here and there, and both ends mean the same one.
one_pair()
{
	there=$(ip -n swan xfrm state | sed -n 's/.*proto esp spi 0x\([0-9a-f]*\).*/\1/p' |
	    sort | tr '\n' ' ')
	here_too=$(net_ctl oed_ours sa --json | grep -o '"[a-z_]*spi[a-z_]*": *"\?[0-9a-fx]*' |
	    tr '\n' ' ')
	[ "$(ip -n swan xfrm state | grep -c "proto esp")" = 2 ] &&
	    [ "$(printf '%s' "$here_too" | grep -o 'spi_in":"0x' | wc -l)" = 1 ]
}

# SECONDS: since it was back.
since()
{
	echo $((($(date +%s%N) - back) / 1000000000))
}

pluto_again
traffic ours $pluto
net_until 20 one_pair || net_fail "stale pairs: $there; ours: $here_too"
net_ok "row 26, killed, we send: traffic after $took ms, one pair after $(since) s: there $there; ours $here_too"
pluto_again
swan_whack --initiate --name null
traffic swan $ours
net_ok "row 26, killed, it begins: traffic after $took ms: $(net_ctl oed_ours why $pluto)"
