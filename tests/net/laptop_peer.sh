#!/bin/sh
# laptop_peer.sh - two laptops behind one address, and a server that forgets them: killed and restarted, it is reached again within seconds
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/laptoplib.sh"
laptop_enter "$@"

net_picture
laptop_peer
net_rsipd
net_rsipc x1
net_rsipc x2
encrypted()
{
	net_ctl "rsipc_$1" why "$NET_Y1" | grep -q ': encrypted'
}
for host in x1 x2; do
	net_start "udp_$host" "$host" python3 "$LAPTOP_GAP" udp "$NET_Y1" 7007
	net_until 10 encrypted "$host" || net_fail "$host: no keys: $(
	    net_ctl "rsipc_$host" why "$NET_Y1")"
done
sleep 1

# WHAT MOST COMMAND...: the longest silence of either laptop, until six seconds
# after the command.
printf '%-52s %8s %8s %s\n' case "x1 s" "x2 s" verdict
failed=
measure()
{
	what=$1
	most=$2
	shift 2
	net_gap udp_x1 >/dev/null
	net_gap udp_x2 >/dev/null
	"$@"
	sleep 6
	one=$(net_gap udp_x1) || exit 1
	two=$(net_gap udp_x2) || exit 1
	verdict=good
	for host in x1 x2; do
		encrypted "$host" ||
		    verdict="$host is not encrypted"
	done
	awk "BEGIN { exit !($one <= $most && $two <= $most) }" ||
	    verdict="longer than $most"
	[ "$verdict" = good ] || failed="$failed $what: $verdict;"
	printf '%-52s %8s %8s %s\n' "$what" "$one" "$two" "$verdict"
}

remembers()
{
	net_stop oed_y1 KILL
	net_oed y1
}
measure "oed killed and restarted" 5 remembers

forgets()
{
	net_stop oed_y1 KILL
	rm -f y1.peers*
	net_oed y1
}
measure "oed killed and restarted without a memory" 5 forgets

both()
{
	net_stop oed_y1 KILL
	net_stop rsipd KILL
	net_rsipd
	net_oed y1
}
measure "oed and rsipd killed together" 5 both

[ -z "$failed" ] || net_fail "$failed"
net_ok "every silence at most 5 s, and encrypted after it"
