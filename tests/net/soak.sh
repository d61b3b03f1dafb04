#!/bin/sh
# soak.sh - the whole picture under traffic for SOAK_SECONDS (60): memory, descriptors and states stay as they were
: "${SOAK_SECONDS:=${1:-60}}"
: "${SOAK_PACE:=5}"	# seconds a round: most of it sleep, so that other tests may run beside
export SOAK_SECONDS SOAK_PACE
. "$(dirname "$0")/lib.sh"
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill ping
net_enter "$@"
# Leases are renewed, connections end and begin, keys are new, all many times.
NET_LEASE=20
net_picture
net_keys
net_zones
net_dns
net_web y1 y2
cd "$NET_RUN" || exit 1
short="lifespan-first = 10\n\tlifespan-short = 10\n\tlifespan = 15\n\tidle = 8\n\tphase2-lifetime = 60\n\tphase1-lifetime = 120"
net_oed y1
sed "s/^oe {/oe {\n\t$short/" oed_y1.conf >short.conf
net_stop oed_y1
net_start oed_y1 y1 "$NET_TOP/oe/oed" -f -c short.conf
net_ready oed_y1 10 net_ctl oed_y1 status
net_rsipd
net_rsipc x1
net_rsipc x2
daemons="rsipd rsipc_x1 rsipc_x2 oed_y1"

# PID: it and all that it has started.
family()
{
	printf '%s\n' "$1"
	for soak_child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
		(family "$soak_child")
	done
}

# DAEMON: kB of memory and descriptors, of it and its helpers; its connections,
# SAs and bindings.
sample()
{
	soak_rss=0
	soak_fds=0
	for soak_pid in $(family "$(net_pid "$1")"); do
		soak_kb=$(awk '/^VmRSS:/ { print $2 }' \
		    "/proc/$soak_pid/status" 2>/dev/null)
		soak_rss=$((soak_rss + ${soak_kb:-0}))	# a child may have ended
		soak_fds=$((soak_fds + $(find "/proc/$soak_pid/fd" -mindepth 1 \
		    2>/dev/null | wc -l)))
	done
	soak_states=$(net_json "$1" status 'sum(v for part in [it, *it.values()]
	    if isinstance(part, dict) for k, v in part.items()
	    if k in ("bindings", "connections", "sas", "registrations"))')
	printf '%s %s %s\n' "$soak_rss" "$soak_fds" "$soak_states"
}

# One round of the laptops' lives.
round()
{
	rounds=$((rounds + 1))
	case $((rounds % 4)) in
	0) soak_ways="x1:$NET_Y1 x2:$NET_Y1" ;;
	1) soak_ways="x1:$NET_Y1 x2:$NET_Y2" ;;
	2) soak_ways="x1:$NET_Y2 x2:$NET_Y1" ;;
	3) soak_ways="x1:$NET_Y2 x2:$NET_Y2" ;;	# y1 is left alone: idle
	esac
	for soak_way in $soak_ways; do
		net_on "${soak_way%:*}" curl -sf --max-time 20 -o /dev/null \
		    -r 0-299999 "http://${soak_way#*:}/file" ||
		    net_fail "round $rounds: $soak_way: nothing"
		net_ctl "rsipc_${soak_way%:*}" why "${soak_way#*:}" >/dev/null
	done
	net_on x1 ping -q -c 2 -i 0.2 -W 1 "$NET_Y2" >/dev/null 2>&1
	net_ctl rsipc_x2 --json spd >/dev/null
	net_ctl rsipd --json leases >/dev/null
	soak_next=$((soak_next + SOAK_PACE))
	soak_wait=$((soak_next - $(date +%s)))
	[ "$soak_wait" -le 0 ] || sleep "$soak_wait"
}

# What is made once is made in the first rounds; they come faster.
rounds=0
soak_pace=$SOAK_PACE
SOAK_PACE=1
soak_next=$(date +%s)
while [ "$rounds" -lt 16 ]; do
	round
done
SOAK_PACE=$soak_pace
soak_next=$(date +%s)
for daemon in $daemons; do
	sample "$daemon" >"$daemon.first"
done
soak_half=$(($(date +%s) + SOAK_SECONDS / 2))
soak_end=$(($(date +%s) + SOAK_SECONDS))
while [ "$(date +%s)" -lt "$soak_end" ]; do
	round
	for daemon in $daemons; do
		[ -s "$daemon.half" ] || [ "$(date +%s)" -lt "$soak_half" ] ||
		    sample "$daemon" >"$daemon.half"
	done
done
# As at the first look: after the same kind of round.
while [ $((rounds % 4)) != 0 ]; do
	round
done
printf '%-10s %22s %18s %15s\n' "$SOAK_SECONDS s" "RSS kB" descriptors states
failed=
for daemon in $daemons; do
	read -r rss fds states <"$daemon.first"
	read -r rss1 fds1 states1 <"$daemon.half"
	sample "$daemon" >"$daemon.last"
	read -r rss2 fds2 states2 <"$daemon.last"
	printf '%-10s %8s %6s %6s %8s %4s %4s %7s %3s %3s\n' "$daemon" "$rss" \
	    "$rss1" "$rss2" "$fds" "$fds1" "$fds2" "$states" "$states1" \
	    "$states2"
	[ "$rss2" -le $((rss + rss / 10 + 1024)) ] || failed="$failed $daemon: memory;"
	[ "$fds2" -le $((fds + 4)) ] || failed="$failed $daemon: descriptors;"
	[ "$states2" -le $((states + 4)) ] || failed="$failed $daemon: states;"
done
[ -z "$failed" ] || net_fail "not flat:$failed"
net_ok "$rounds rounds, flat"
