#!/bin/sh
# laptop.sh - doc/guides/laptop.md, typed as it stands on the picture's first laptop
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/guidelib.sh"
guide_enter net_picture "N x1 y1" "$@"

net_key y1 "$NET_Y1"
mkdir -p www
echo 'Hello.' >www/index.html
guide_dns
net_web y1 y2
net_oed y1
guide_type N rsipd >rsipd.log 2>&1 || net_fail "no gateway"

guide_do_publish()
{
	guide_type x1 'rsipctl dns-records --id @x1.lab --type KEY' >x1.records &&
	    guide_dns
}

# A network with its own NAT, and no rsipd.
guide_do_elsewhere()
{
	net_place cafe K 10.7.0
	net_cable K eth0 198.51.100.4 wire && ip -n K route add default dev eth0 ||
	    net_fail "the cafe"
	net_on K iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE ||
	    net_skip "no NAT in this kernel"
	ip -n lan link set x1 netns cafe && ip -n cafe link set x1 master switch0 up &&
	    ip -n x1 address flush dev eth0 &&
	    ip -n x1 address add 10.7.0.11/24 dev eth0 &&
	    ip -n x1 route replace default via 10.7.0.1
}

guide_follow laptop.md laptop.example.org=x1.lab server.example.org=y1.lab
