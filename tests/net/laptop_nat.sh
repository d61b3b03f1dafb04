#!/bin/sh
# laptop_nat.sh - a host behind a plain NAT, with a name and no address of the public realm: encrypted in UDP 4500, also when the NAT maps anew
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill tcpdump \
    iptables conntrack
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1
tool=$NET_HERE/laptop_gap.py

# PORTS: what the NAT maps UDP to.
nat()
{
	net_on N iptables -t nat -F POSTROUTING
	net_on N iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -o eth0 -p udp \
	    -j SNAT --to-source "$NET_NB:$1" &&
	    net_on N iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -o eth0 \
	    -j MASQUERADE
}

nat 21000-21999 || net_skip "no NAT in this kernel"
net_keys
net_zones
net_dns
net_web y1
net_oed y1
sed "s/oed_y1/oed_x1/; s/y1\\./x1./; s/^oe {/oe {\n\tid = \"@x1.lab\"/" \
    oed_y1.conf >oed_x1.conf
net_start oed_x1 x1 "$NET_TOP/oe/oed" -f -c oed_x1.conf
net_ready oed_x1 10 net_ctl oed_x1 status
oe_sniff N wire.pcap "host $NET_Y1"

net_fetch x1 "$NET_Y1" got && net_same got || net_fail "no file: $(cat got.log)"
sleep 0.5
n=$(oe_count wire.pcap "host $NET_NB and udp port 4500")
[ "$n" -gt 1000 ] || net_fail "only $n packets in UDP 4500"
[ "$(oe_count wire.pcap "host $NET_NB and not udp port 4500 and not udp port 500 \
    and not arp")" = 0 ] || net_fail "something else passed: $(oe_read wire.pcap \
    "not udp port 4500 and not udp port 500 and not arp" | head -n 5)"
net_ctl oed_x1 why "$NET_Y1" | grep -q ': encrypted' ||
    net_fail "why says: $(net_ctl oed_x1 why "$NET_Y1")"
net_ok "10 MB from y1: $n packets in UDP 4500, 0 others but IKE's"
net_ok "why: $(net_ctl oed_x1 why "$NET_Y1")"

# --- the NAT forgets, and maps to other ports ------------------------------------------
net_start echo y1 python3 "$tool" echo 7007
net_ready echo 10 grep -q echo echo.log
net_start udp x1 python3 "$tool" udp "$NET_Y1" 7007
net_start tcp x1 python3 "$tool" tcp "$NET_Y1" 7007
net_ready tcp 10 grep -q connected tcp.log

# PROGRAM: the longest gap since it was last asked, in gap.
gap()
{
	n=$(grep -c gap "$1.log")
	kill -USR1 "$(net_pid "$1")"
	net_until 5 test "$(grep -c gap "$1.log")" -gt "$n"
	sleep 0.3
	gap=$(sed -n 's/^gap //p' "$1.log" | tail -n 1)
}

for ports in 31000-31999 41000-41999; do
	sleep 1
	gap udp
	gap tcp
	nat "$ports"
	net_on N conntrack -F >/dev/null 2>&1
	sleep 3
	[ "$(oe_count wire.pcap "src $NET_NB and udp src portrange $ports")" -gt 0 ] ||
	    net_fail "the NAT has not mapped to $ports"
	gap udp
	udp=$gap
	gap tcp
	net_alive tcp || net_fail "the TCP connection: $(cat tcp.log)"
	verdict=$(awk -v a="$udp" -v b="$gap" \
	    'BEGIN { print a <= 2 && b <= 2 ? "within 2 s" : "longer than 2 s" }')
	net_ok "the mapping is forgotten, now $ports: $udp s of silence for UDP, $gap s for TCP, $verdict"
done
grep -q 'maps anew: at' oed_y1.log || net_fail "y1 did not follow in ESP"
[ "$(oe_count wire.pcap "host $NET_NB and not udp port 4500 and not udp port 500 \
    and not arp")" = 0 ] || net_fail "something went in the clear"
net_ok "0 clear datagrams to y1, which permissive would have allowed"
net_ok "y1: $(grep 'maps anew' oed_y1.log | tail -n 1)"
