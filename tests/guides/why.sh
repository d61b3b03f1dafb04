#!/bin/sh
# why.sh - doc/guides/why.md: each reason made true on the picture, and asked for as it stands there
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/guidelib.sh"
guide_enter net_picture "N x1 y1" "$@"

# y1 and other addresses of the wire, most of them with nobody who knows IKE.
net_key y1 "$NET_Y1"
for n in 30 40; do
	net_key "y$n" "198.51.100.$n"
done
for n in 30 40 50 60 70; do
	ip -n y2 address add "198.51.100.$n/24" dev eth0
done
mkdir -p www
echo 'Hello.' >www/index.html

why_dns()
{
	guide_dns
	cat y30.records y40.records | grep TXT >>zone.100.51.198.in-addr.arpa
	net_stop nsd
	net_stop unbound
	net_sign
	sed -i 's/X-IPsec-Server(10)=198.51.100.40/X-IPsec-Server(11)=198.51.100.40/' \
	    signed.100.51.198.in-addr.arpa
	net_start nsd dns nsd -d -c nsd.conf
	net_start unbound dns unbound -d -c unbound.conf
	net_ready unbound 10 net_listens dns 53
}

why_dns
net_web y1 y2
net_oed y1
guide_type N rsipd >rsipd.log 2>&1 || net_fail "no gateway"
guide_type x1 rsipc >rsipc.log 2>&1 || net_fail "no rsipc"

guide_do_key()
{
	guide_laptop_key
	why_dns
}

guide_do_talk()
{
	for n in 10 20 30 40 50 60; do
		guide_type x1 "curl -s -o /dev/null -m 6 http://198.51.100.$n/" &
	done
	sleep 8
}

guide_do_no_resolver()
{
	net_stop unbound
	guide_type x1 "curl -s -o /dev/null -m 6 http://198.51.100.70/"
}

guide_follow why.md laptop.example.org=x1.lab server.example.org=y1.lab

python3 "$GUIDE_SRC/tests/guides/follow.py" sentences "$GUIDE_SRC/doc/guides/why.md" \
    "$GUIDE_SRC"/oe/*.c "$GUIDE_SRC"/rsipc/*.c >sentences.log 2>&1 ||
    net_fail "$(cat sentences.log)"
net_ok "$(cat sentences.log)"
