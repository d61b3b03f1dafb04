#!/bin/sh
# router_moves.sh - the router's private address is another, and SIGHUP names other interfaces: how long a laptop is silent
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/laptoplib.sh"
laptop_enter "$@"

net_picture
# Another network for the hosts, and another link to the same Internet.
net_links other
net_cable N eth2 10.5.0.1 other && net_cable x1 eth1 10.5.0.11 other &&
    ip -n x1 link set eth1 down || net_fail "the other network"
ip link add name N3 netns wire type veth peer name eth3 netns N &&
    ip -n wire link set N3 master switch0 up || net_fail "the other link"
laptop_peer

# PUBLIC PRIVATE: rsipd.conf; "" is left out.
configure()
{
	net_rsipd_config "" | grep -v -e '^pool' -e '-interface' >rsipd.conf
	printf 'public-interface = "%s"\n' "$1" >>rsipd.conf
	[ -z "$2" ] || printf 'private-interface = "%s"\n' "$2" >>rsipd.conf
}
configure eth0 eth1
net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c rsipd.conf
net_ready rsipd 10 net_ctl rsipd status
before=$(net_on N sysctl -n net.ipv4.conf.eth1.accept_local \
    net.ipv4.conf.eth2.accept_local net.ipv4.conf.eth3.accept_local | tr '\n' ' ')
net_rsipc x1

# ADDRESS: true once x1 has leased it and y1 answers, encrypted.
is_back()
{
	net_leases rsipc_x1 address "$1" && laptop_answered x1 "$NET_Y1" &&
	    net_ctl rsipc_x1 why "$NET_Y1" | grep -q ': encrypted'
}

# CASE ADDRESS COMMAND...
row()
{
	row_case=$1
	row_address=$2
	shift 2
	sleep 0.5
	net_gap udp >/dev/null
	"$@"
	sleep 1.5
	net_until 20 is_back "$row_address" || net_fail "$row_case: $(
	    net_ctl rsipc_x1 status | head -n 3): $(net_ctl rsipc_x1 why "$NET_Y1")"
	sleep 0.3
	silent=$(net_gap udp) || exit 1
	net_say "| $row_case | $silent s | $(awk -v g="$silent" 'BEGIN {
	    print g <= 3 ? "within" : "LONGER THAN" }') 3 s, encrypted |"
}
net_until 10 is_back "$NET_NB" || net_fail "y1 does not answer"
net_start udp x1 python3 "$LAPTOP_GAP" udp "$NET_Y1" 7007
net_ready udp 10 grep -q ready udp.log

# What DHCP does to the host is done at once.
another_address()
{
	ip -n N address add 10.0.0.254/24 dev eth1
	ip -n N address del 10.0.0.1/24 dev eth1
	ip -n N address show dev eth1 | grep -q 10.0.0.254 ||
	    ip -n N address add 10.0.0.254/24 dev eth1
	ip -n x1 route replace default via 10.0.0.254
}
row "the private address is another" "$NET_NB" another_address

another_network()
{
	ip -n N address add 10.4.0.1/24 dev eth1
	ip -n N address del 10.0.0.254/24 dev eth1
	ip -n x1 address flush dev eth0
	ip -n x1 address add 10.4.0.11/24 dev eth0
	ip -n x1 route replace default via 10.4.0.1
}
row "the private network is another" "$NET_NB" another_network

other_private()
{
	configure eth0 eth2
	kill -HUP "$(net_pid rsipd)"
	ip -n x1 link set eth0 down
	ip -n x1 link set eth1 up
	ip -n x1 route replace default via 10.5.0.1
}
row "SIGHUP, another private interface" "$NET_NB" other_private
net_on N ss -Hltn "sport = :4555" | grep -q '10\.5\.0\.1' ||
    net_fail "RSIP is not heard on the other interface"
net_on N ss -Hltn "sport = :4555" | grep -q '10\.4\.0\.1' &&
    net_fail "RSIP is heard on the interface of before"

other_public()
{
	ip -n N link set eth0 down
	ip -n N address add 198.51.100.7/24 dev eth3
	ip -n N link set eth3 up
	ip -n N route replace default dev eth3
	configure eth3 eth2
	kill -HUP "$(net_pid rsipd)"
}
row "SIGHUP, another public interface" 198.51.100.7 other_public

# One that is not there changes nothing.
configure eth9 eth2
net_ctl rsipd reload >/dev/null 2>&1 && net_fail "an interface that is not there"
net_until 5 is_back 198.51.100.7 || net_fail "a wrong file ends the service"
net_ok "an interface that is not there: $(grep -o 'public interface eth9.*' rsipd.log)"

net_stop udp
net_stop rsipd INT
[ "$(net_on N sysctl -n net.ipv4.conf.eth1.accept_local \
    net.ipv4.conf.eth2.accept_local net.ipv4.conf.eth3.accept_local | tr '\n' ' ')" = \
    "0 0 0 " ] || net_fail "settings of interfaces stay (were $before)"
net_on N iptables-save 2>/dev/null | grep -q rsip && net_fail "rules stay"
net_ok "the settings of all interfaces are put back at the end"
