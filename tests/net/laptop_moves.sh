#!/bin/sh
# laptop_moves.sh - a laptop's own address changes, and it goes to another network with another gateway: how long it is silent
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/laptoplib.sh"
laptop_enter "$@"

net_picture
# The office: another network with a gateway of its own.
net_place office G 10.8.0
net_cable G eth0 198.51.100.3 wire &&
    net_cable x1 eth1 10.8.0.11 office &&
    ip -n x1 link set eth1 down && ip -n G route add default dev eth0 ||
    net_fail "the office's cables"
laptop_peer
net_rsipd
sed "s/rsipd.sock/rsipd_G.sock/; s/leases.mdb/leases_G.mdb/; s/$NET_NB/198.51.100.3/" rsipd.conf >rsipd_G.conf
net_start rsipd_G G "$NET_TOP/rsipd/rsipd" -f -c rsipd_G.conf
net_ready rsipd_G 10 net_ctl rsipd_G status
net_rsipc x1
net_start udp x1 python3 "$LAPTOP_GAP" udp "$NET_Y1" 7007
sleep 1

# WHAT: what the silence was, once there is an answer again, and how it came.
silence()
{
	waited=0
	until net_ctl rsipc_x1 status | grep -q "$2" &&
	    laptop_answered x1 "$NET_Y1"; do
		waited=$((waited + 1))
		[ "$waited" -lt 150 ] || net_fail "$1: silent for ever: $(
		    net_ctl rsipc_x1 why "$NET_Y1")"
		sleep 0.1
	done
	kill -USR1 "$(net_pid udp)"
	net_until 5 grep -q gap udp.log
	gap=$(sed -n 's/^gap //p' udp.log | tail -n 1)
	net_ctl rsipc_x1 why "$NET_Y1" | grep -q ': encrypted' ||
	    net_fail "$1: not encrypted: $(net_ctl rsipc_x1 why "$NET_Y1")"
	verdict=$(awk -v g="$gap" 'BEGIN { print g <= 2 ? "within 2 s" : "longer than 2 s" }')
	net_ok "$1: $gap s of silence, $verdict, then encrypted"
}

# The present gap is over before the next begins.
fresh()
{
	sleep 0.5
	kill -USR1 "$(net_pid udp)"
	net_until 5 grep -q gap udp.log
	sleep 0.2
	: >udp.log
}

net_until 10 laptop_answered x1 "$NET_Y1" || net_fail "y1 does not answer"
: >clear.log
net_start watch x1 python3 "$NET_HERE/attack_paranoid.py" watch \
    --net "$NET_Y1/32" --out clear.log --links eth0 eth1
net_ready watch 10 grep -q watching watch.log
fresh
ip -n x1 address del "$NET_X1/24" dev eth0
ip -n x1 address add 10.0.0.21/24 dev eth0
ip -n x1 route add default via 10.0.0.1
silence "another address on the same network" "$NET_NB"

fresh
ip -n x1 link set eth0 down
ip -n x1 link set eth1 up
ip -n x1 route add default via 10.8.0.1
silence "from home to the office" 198.51.100.3

fresh
ip -n x1 link set eth1 down
ip -n x1 link set eth0 up
ip -n x1 route add default via 10.0.0.1
silence "and home again" "$NET_NB"

fresh
ip -n x1 link set eth0 down
sleep 1
ip -n x1 link set eth0 up
ip -n x1 route add default via 10.0.0.1
silence "a cable out for one second" "$NET_NB"

[ ! -s clear.log ] || net_fail "clear datagrams to y1: $(
    sort clear.log | uniq -c | head -n 5)"
net_ok "0 clear datagrams to y1, which permissive would have allowed"
