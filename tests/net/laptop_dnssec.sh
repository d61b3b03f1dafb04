#!/bin/sh
# laptop_dnssec.sh - a laptop that checks DNSSEC itself and whose resolver is beyond the router: its questions come from the leased block of ports, whichever that is
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
grep -q 'HAVE_UNBOUND 1' "$NET_TOP/config.h" ||
    net_skip "built without libunbound"
net_enter "$@"

net_picture
: >"$NET_RUN/lab.records"
: >"$NET_RUN/reverse.records"
: >"$NET_RUN/six.records"
: >"$NET_RUN/anchors"
oe_key y1 "$NET_Y1"
# Names that are there: of what is missing between two, one answer says it of all.
for last in $(seq 60 190); do
	echo "$last PTR h$last.lab."
done >>"$NET_RUN/reverse.records"
oe_zones
oe_zone lab
oe_zone 100.51.198.in-addr.arpa
oe_root
oe_servers
net_oed y1
NET_RESOLVER="resolvers = {\"$NET_DNS\"} trust-anchor = \"$NET_RUN/Kroot.key\""
NET_KEYLESS=yes

# PORTS: the gateway with that pool, and nothing of an earlier one's leases.
gateway()
{
	net_rsipd_config 'leases = ""' |
	    sed "s/20000-49999/$1/" >"$NET_RUN/rsipd.conf"
	net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf"
	net_ready rsipd 10 net_ctl rsipd status
}
checked()
{
	net_ctl rsipc_x1 status | grep -q "^oe.dnssec  *checked on this host"
}
# LO HI: its block of ports lies in there.
leased_of()
{
	net_holds rsipc_x1 leases 'any(r["spis"] and int(words[0]) <=
	    int(r["ports"][0].split("-")[0]) <= int(words[1]) for r in rows)' \
	    "$1" "$2"
}
# How many leases it has of ports.
bindings()
{
	net_json rsipc_x1 leases 'len([r for r in rows if r["ports"]]) or "none"'
}
asked()
{
	why=$(net_ctl rsipc_x1 why "198.51.100.$1") || return 1
	echo "$why" | grep -q "no OE record\|no such name\|clear"
}
# NAME LO HI FIRST: asks about 60 addresses from FIRST on.
questions()
{
	net_until 20 leased_of "$2" "$3" ||
	    net_fail "$1: $(net_ctl rsipc_x1 leases --json)"
	net_until 20 checked || net_fail "$1: $(net_ctl rsipc_x1 status)"
	oe_sniff N "$NET_RUN/$1.pcap" udp dst port 53
	net_on x1 python3 -c "import socket
s = socket.socket(2, 2)
for last in range($4, $4 + 60):
    s.sendto(b'-', ('198.51.100.%d' % last, 9))"
	for last in $(seq "$4" $(($4 + 59))); do
		net_until 20 asked "$last" ||
		    net_fail "$1: $(net_ctl rsipc_x1 why "198.51.100.$last")"
	done
	oe_read "$NET_RUN/$1.pcap" "src host $NET_NB" |
	    sed -n 's/.* IP [0-9.]*\.\([0-9]*\) > .*/\1/p' |
	    sort -n >"$NET_RUN/$1.ports"
	after=$(bindings)
	total=$(wc -l <"$NET_RUN/$1.ports")
	ports=$(uniq "$NET_RUN/$1.ports" | wc -l)
	lo=$(head -1 "$NET_RUN/$1.ports")
	hi=$(tail -1 "$NET_RUN/$1.ports")
	net_say "$1: $total questions from $ports ports, $lo to $hi; $after leases of ports"
	[ "$total" -ge 60 ] || net_fail "$1: only $total questions"
	[ "$after" = 1 ] || net_fail "$1: $(net_ctl rsipc_x1 leases)"
	[ "$lo" -ge "$2" ] && [ "$hi" -le "$3" ] && [ $((hi - lo)) -lt 64 ] ||
	    net_fail "$1: ports of no lease"
	# Not one after the other, nor few: as many as chance takes.
	[ "$ports" -ge 16 ] || net_fail "$1: too few ports"
	net_ok "$1: $total questions from $ports ports of the one block of 64"
}

gateway 20000-29999
net_rsipc x1
questions first 20000 29999 60

# The lease is of other ports, and what is asked from then on comes from those.
net_stop rsipd
gateway 30000-39999
questions moved 30000 39999 130
oe_ping x1 "$NET_Y1" 6 && net_ctl rsipc_x1 why "$NET_Y1" >"$NET_RUN/why" &&
    grep -q "encrypted.*key vouched for by DNSSEC" "$NET_RUN/why" ||
    net_fail "y1: $(net_ctl rsipc_x1 why "$NET_Y1")"
net_ok "$(cut -c1-100 "$NET_RUN/why")"
