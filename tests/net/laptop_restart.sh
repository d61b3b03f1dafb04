#!/bin/sh
# laptop_restart.sh - rsipc is killed and started again while a TCP connection runs: the same ports, and it lives
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/laptoplib.sh"
laptop_enter "$@"

net_picture
laptop_peer
laptop_echo y2
net_rsipd
net_rsipc x1
net_start tcp_y1 x1 python3 "$LAPTOP_GAP" tcp "$NET_Y1" 7007
net_start tcp_y2 x1 python3 "$LAPTOP_GAP" tcp "$NET_Y2" 7007
for net_ns in y1 y2; do
	net_ready "tcp_$net_ns" 15 grep -q connected "tcp_$net_ns.log"
done

ports()
{
	net_json rsipc_x1 leases '[(r["address"], r["ports"], sorted(r["spis"]))
	    for r in rows if r["purpose"] == "main"]'
}

flows()
{
	net_gap "$1" >/dev/null
	sleep 0.4
	[ "$(net_gap "$1" | cut -c1-3)" = 0.0 ] || [ "$(net_gap "$1" | cut -c1-3)" = 0.1 ]
}

# WHAT
restarted()
{
	[ "${#before}" -gt 20 ] && [ "$(ports)" = "$before" ] ||
	    net_fail "$1: other ports: $before, then $(ports)"
	for stream in tcp_y1 tcp_y2; do
		worst=0
		# The whole silence, once it is over.
		for turn in $(seq 100); do
			now=$(net_gap $stream)
			worst=$(printf '%s\n%s\n' "$now" "$worst" | sort -g | tail -n 1)
			[ "$(printf '%s\n0.2\n' "$now" | sort -g | head -n 1)" = 0.2 ] ||
			    break
			[ "$turn" -lt 100 ] || net_fail "$1: $stream is dead"
			sleep 0.2
		done
		net_ok "$1: $stream lives, $worst s of silence"
	done
	net_ctl rsipc_x1 why "$NET_Y1" | grep -q ': encrypted' ||
	    net_fail "$1: y1 is not encrypted any more"
}

sleep 1
before=$(ports)
[ "$(stat -c %a x1.lease)" = 600 ] || net_fail "mode $(stat -c %a x1.lease)"
net_gap tcp_y1 >/dev/null
net_gap tcp_y2 >/dev/null
net_stop rsipc_x1 KILL
net_rsipc x1
restarted "kill -9, and started again"

net_gap tcp_y1 >/dev/null
net_gap tcp_y2 >/dev/null
net_stop rsipc_x1
net_rsipc x1
restarted "an orderly end, and started again"

# What another host has meanwhile is not to be had; what is granted instead works.
net_stop rsipc_x1 KILL
sed -i 's/^ports .*/ports 20000-20003/' x1.lease
net_rsipc x1
net_ok "a file that asks for what is another's or nobody's: a lease all the same"
printf 'garbage\n\377\n' >x1.lease
net_stop rsipc_x1
printf 'garbage\n\377\n' >x1.lease
net_rsipc x1
net_ok "a file of garbage: a lease all the same"
