#!/bin/sh
# libreswan_client.sh - a stock libreswan as the client of doc/peers.md, in a VM: it shows no name, and takes our key from the signed reverse zone
#
# The zone has our key; ours among five; four, of which none is ours.  LIBRESWAN: see
# libreswanlib.sh.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/peerslib.sh"
swan_wants
net_needs nsd unbound ldns-keygen ldns-signzone ldns-key2ds drill tcpdump ping
net_needs_built oe/oed ctl/rsipctl
vm_enter 900
oe_enter "$@"
mkdir "$NET_RUN/page"
# shellcheck disable=SC2034  # peerslib.sh uses both
PLUTO_AT=laptop swan_key=
# In place of the page's: libunbound, which pluto asks by, holds the reverse zones of
# the addresses of documents itself, and empty.
laptop=192.1.2.1
server=192.1.2.10
zone=2.1.192.in-addr.arpa

# NAME...: these keys are the server's, as DNS says.
published()
{
	for name in unbound nsd; do
		[ -z "$(net_pid $name)" ] || net_stop $name
	done
	rm -f "$NET_RUN"/K* "$NET_RUN"/*.zones
	: >"$NET_RUN/anchors"
	{
		net_zone_head $zone.
		for name in "$@"; do
			grep IPSECKEY "$NET_RUN/$name.records"
		done
	} >"$NET_RUN/zone.$zone"
	oe_zones
	oe_zones_signed
	oe_zone $zone
	oe_root
	oe_servers
	net_until 20 resolved || net_fail "no answer about $server"
}

# The resolver has it, and has verified it: pluto looks at our signature without a key
# where DNS is slower than IKE_AUTH, and does not ask again.
resolved()
{
	net_on laptop drill -t -D "@$NET_DNS" "10.$zone" IPSECKEY |
	    grep -q 'rcode: NOERROR'
}

# It begins anew, with nothing remembered.
client_up()
{
	ip -n laptop xfrm policy flush
	ip -n laptop xfrm state flush
	# With its scripts five seconds pass on an emulated machine.
	pluto_up clear-or-private libreswan-client.conf \
	    "s/198\.51\.100\./192.1.2./
	    s/^    type=tunnel/&\\n    leftupdown=%disabled/
	    s|^    dnssec-enable=yes|&\\n    dnssec-rootkey-file=$NET_RUN/anchors|"
	swan_whack --route --name server
	log_from=$(wc -l <"$NET_RUN/pluto.log")
}

# What it has said since.
said()
{
	tail -n +"$((log_from + 1))" "$NET_RUN/pluto.log"
}

why()
{
	net_ctl oed_server why $laptop
}

pairs()
{
	net_json oed_server spd \
	    '[r["auth"] for r in rows if r["dst"] == words[0] and r["state"] == "keyed"]' \
	    $laptop
}

# WHAT: it asks for a key, and there is a pair.
encrypts()
{
	net_until 20 oe_ping laptop $server 5 ||
	    net_fail "$1: no answer: $(why) $(said | tail -n 30)"
	net_on laptop ping -q -c 10 -i 0.2 -W 5 $server >"$NET_RUN/ping" ||
	    net_fail "$1: $(cat "$NET_RUN/ping")"
	said | grep -q 'start IKEv2 DNS query' &&
	    said | grep -q 'authenticated peer .*RSASSA-PSS' ||
	    net_fail "$1: no key from DNS: $(said | tail -n 30)"
	pairs | grep -q null || net_fail "$1: $(pairs) $(why)"
	sleep 1
	[ "$(oe_count "$NET_RUN/wire.pcap" "icmp and host $server")" = 0 ] ||
	    net_fail "$1: something went in the clear"
	net_ok "row 23, $1: $(grep received "$NET_RUN/ping")"
	net_ok "$(said | grep -o -m 1 'authenticated peer .*'); $(why)"
}

none_left()
{
	[ -z "$(pairs)" ]
}

oe_wire
oe_host laptop $laptop
oe_host server $server
for name in right wrong1 wrong2 wrong3 wrong4; do
	"$NET_TOP/ctl/rsipctl" keygen -o "$NET_RUN/$name.pem" --id $server \
	    >"$NET_RUN/$name.records" 2>"$NET_RUN/keygen.log" ||
	    net_fail "rsipctl keygen"
done
cp "$NET_RUN/right.pem" "$NET_RUN/server.pem"
swan_prepare

published right
oe_daemon server
oe_ready server
oe_sniff laptop "$NET_RUN/wire.pcap"
client_up
encrypts "our key"

net_stop pluto
net_until 20 none_left || net_fail "its end was not heard: $(why)"
published wrong1 wrong2 right wrong3 wrong4
client_up
encrypts "five keys, of which one is ours"

net_stop pluto
net_until 20 none_left || net_fail "its end was not heard: $(why)"
published wrong1 wrong2 wrong3 wrong4
client_up
oe_ping laptop $server 5 && net_fail "an answer, and none of the keys is ours"
refused()
{
	said | grep -q -i 'auth.*failed\|AUTHENTICATION_FAILED\|no .*key.*signature\|signature check.*failed'
}
net_until 20 refused ||
    net_fail "it does not refuse us: $(said | tail -n 30)"
net_until 20 none_left || net_fail "a pair is left: $(pairs) $(why)"
oe_ping laptop $server 5 && net_fail "an answer, and none of the keys is ours"
[ "$(oe_count "$NET_RUN/wire.pcap" "icmp and host $server")" = 0 ] ||
    net_fail "something went in the clear"
net_ok "row 23, four keys, none ours: $(said | grep -i -m 1 \
    'auth.*failed\|AUTHENTICATION_FAILED\|no .*key.*signature\|signature check.*failed')"
net_ok "no pair is left: $(why | head -n 1)"
[ -z "$LOGS" ] || for host in pluto oed_server; do
	echo "--- $host"; cat "$NET_RUN/$host.log"
done
