#!/bin/sh
# pair_moves.sh - a gateway dies or is cut off, and the other goes on with its leases: FAILOVERS of them (6)
. "$(dirname "$0")/lib.sh"
. "$NET_HERE/pairlib.sh"
pair_needs nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipc/rsipc oe/oed
net_enter "$@"
cd "$NET_RUN" || exit 1
tool=$NET_HERE/laptop_gap.py
failovers=${FAILOVERS:-6}

pair_picture
net_keys
net_zones
net_dns
net_oed y1
pair_store
pair_rsipd N
pair_rsipd M
pair_keepalived N 150
net_until 15 pair_is N active || net_fail "N does not become active"
pair_keepalived M 100
net_rsipc x1
net_rsipc x2
net_start echo_y1 y1 python3 "$tool" echo 7007
net_ready echo_y1 10 grep -q echo echo_y1.log
net_start tcp_y1 x1 python3 "$tool" tcp "$NET_Y1" 7007
net_ready tcp_y1 15 grep -q connected tcp_y1.log
net_until 10 net_holds oed_y1 sa 'rows' || net_fail "nothing is encrypted"
sleep 0.5

# GATEWAY: who holds what, without the time that is left.
held()
{
	net_json "rsipd_$1" leases 'sorted(str(sorted((k, v) for k, v in row.items()
	    if "expires" not in k and k not in ("transport",))) for row in rows)'
}

# N and M know of the same.
agree()
{
	[ "$(held N)" = "$before" ] && [ "$(held M)" = "$before" ]
}

# A machine from which no frame comes and to which none goes; it notices nothing.
cut()
{
	for segment in lan wire back; do
		ip -n $segment link set "$1" nomaster
	done
}

mend()
{
	for segment in lan wire back; do
		ip -n $segment link set "$1" master switch0
	done
}

plug()
{
	for segment in lan wire back; do
		ip -n $segment link set "$1" "$2"
	done
}

# One is active, the other stands by; which of them VRRP says.
settled()
{
	if pair_is N active && pair_is M standby; then
		active=N standby=M
	elif pair_is M active && pair_is N standby; then
		active=M standby=N
	else
		return 1
	fi
}

before=$(held N)
[ "${#before}" -gt 200 ] || net_fail "nothing is leased: $before"
net_until 5 agree || net_fail "M follows with other leases: $(held M)"
net_ok "the standby has what the active one granted"
net_gap tcp_y1 >/dev/null
active=N
standby=M
i=0
while [ $i -lt "$failovers" ]; do
	kind=$((i % 3))
	case $kind in
	0)	net_stop "rsipd_$active" KILL ;;
	1)	cut $active ;;
	2)	plug $active down ;;
	esac
	net_until 10 pair_is $standby active ||
	    net_fail "$i: $standby does not become active"
	sleep 0.7
	gap=$(net_gap tcp_y1)
	echo "$gap $kind" >>gaps
	now=$(held $standby)
	[ "$now" = "$before" ] || net_fail "$i: held before
$before
and now
$now"
	case $kind in
	0)	pair_rsipd $active ;;
	1)	mend $active ;;
	2)	plug $active up ;;
	esac
	net_until 20 settled || net_fail "$i: no one of them stands by: $(
	    net_ctl rsipd_N status | head -n 1), $(
	    net_ctl rsipd_M status | head -n 1)"
	net_until 10 agree || net_fail "$i: N has $(held N)
and M $(held M)
and not
$before"
	net_gap tcp_y1 >/dev/null
	i=$((i + 1))
done
net_alive tcp_y1 || net_fail "the connection ended: $(tail -n 3 tcp_y1.log)"
if grep -q 'REGISTER_FIRST' rsipc_x1.log rsipc_x2.log; then
	net_fail "a host had to register anew: $(cat rsipc_x1.log)"
fi
sort -n gaps >sorted
net_ok "$failovers fail-overs, the same client and bind IDs, ports and SPIs; the TCP connection in ESP lives; silence: $(
    awk '{ g[NR] = $1 } END { printf "median %.2f s, worst %.2f s", g[int((NR + 1) / 2)], g[NR] }' sorted); of kill, cut, link: $(
    for k in 0 1 2; do awk -v k=$k '$2 == k { n++; s += $1 } END { printf "%.2f ", s / (n ? n : 1) }' gaps; done)s"
awk 'END { exit !($1 <= 3) }' sorted || net_fail "$(cat gaps)"
awk '{ g[NR] = $1 } END { exit !(g[int((NR + 1) / 2)] <= 1.5) }' sorted ||
    net_fail "$(cat gaps)"
