#!/bin/sh
# laptop_keeps.sh - rsipd is away for seconds, and keeps no leases: each laptop has the address, ports and SPIs again that it had
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/laptoplib.sh"
laptop_enter "$@"

net_picture
laptop_peer
net_rsipd
net_rsipc x1
# x2 is where nothing answers: not even the resolver.
sed "s/\"$NET_DNS\"/\"203.0.113.53\"/; s/x1/x2/g" rsipc_x1.conf >rsipc_x2.conf
net_start rsipc_x2 x2 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x2.conf
net_ready rsipc_x2 15 net_leased rsipc_x2

# DAEMON ADDRESS: address, ports and SPIs of what that host stands on; nothing while it
# has no lease.
held()
{
	net_json "$1" leases '[(r["address"], r["ports"], sorted(r["spis"]))
	    for r in rows if r["host"] == words[0] and r["ports"] and r["spis"]]' "$2"
}

# ADDRESS: true once the gateway, which forgets, has leased something to it again.
has_again()
{
	[ -n "$(held rsipd "$1")" ]
}

# HOST ADDRESS HAD
says()
{
	[ "$(held "rsipc_$1" "$2")" = "$3" ]
}

# HOST ADDRESS HAD CASE: by what the gateway says and by what the host does.
same()
{
	net_until 40 has_again "$2" || net_fail "$4: $1 has no lease again"
	[ "$(held rsipd "$2")" = "$3" ] || net_fail "$4: $1 had
$3
and is given
$(held rsipd "$2")"
	# It hears of it after the gateway has it.
	net_until 10 says "$@" || net_fail "$4: $1 says it has
$(held "rsipc_$1" "$2")"
}

back()
{
	net_rsipd
	since=$(date +%s)
}

# CASE
kept()
{
	same x1 "$NET_X1" "$had_x1" "$1"
	same x2 "$NET_X2" "$had_x2" "$1"
	net_ok "$1: both have the address, ports and SPIs that they had," \
	    "$(($(date +%s) - since)) s after it is"
}

had_x1=$(held rsipd "$NET_X1")
had_x2=$(held rsipd "$NET_X2")
[ "${#had_x1}" -gt 40 ] && [ "${#had_x2}" -gt 40 ] && [ "$had_x1" != "$had_x2" ] ||
    net_fail "leased: $had_x1, $had_x2"

# x1 speaks with a peer, x2 to somebody who never answers.
net_start udp_y1 x1 python3 "$LAPTOP_GAP" udp "$NET_Y1" 7007
net_start udp_none x2 python3 "$LAPTOP_GAP" udp 203.0.113.9 7007

net_stop rsipd
sleep 1
back
kept "rsipd ends, and is back after 1 s"

# ADDRESS HOST: the gateway is back, and the laptop of that address before the other.
in_order()
{
	kill -STOP "$(net_pid "rsipc_$2")"
	back
	net_until 40 has_again "$1" || net_fail "$1 has no lease again"
	kill -CONT "$(net_pid "rsipc_$2")"
}
net_stop rsipd KILL
sleep 4
in_order "$NET_X2" x1
kept "killed, back after 4 s, and x2 is back before x1"
net_stop rsipd
sleep 8
in_order "$NET_X1" x2
kept "ends, is back after 8 s, and x1 is back before x2"

# Leased a moment ago, and x2 has not heard of anybody since.
sleep 1
net_stop rsipd KILL
sleep 20
back
kept "killed a second later, and back after 20 s"

net_stop rsipd KILL
net_stop rsipc_x1 KILL
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf
sleep 1
back
kept "killed with x1's rsipc, which is back 1 s before it"
