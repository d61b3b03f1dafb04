#!/bin/sh
# soak.sh - the whole picture under traffic for SECONDS (120): memory, descriptors and states stay as they were
: "${SOAK_SECONDS:=${1:-120}}"
export SOAK_SECONDS
. "$(dirname "$0")/lib.sh"
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill ping
net_enter "$@"
net_all
cd "$NET_RUN" || exit 1
net_until 20 net_leased rsipc_x1 || net_fail "no lease for x1"
net_until 20 net_leased rsipc_x2 || net_fail "no lease for x2"
daemons="rsipd rsipc_x1 rsipc_x2 oed_y1"

# DAEMON: kB of memory, descriptors, connections or bindings, of it and its helpers.
sample()
{
	soak_pid=$(net_pid "$1")
	soak_rss=$(awk '/^VmRSS:/ { print $2 }' "/proc/$soak_pid/status")
	soak_fds=$(find "/proc/$soak_pid/fd" -mindepth 1 | wc -l)
	soak_states=$(net_ctl "$1" --json status | tr ',{' '\n\n' |
	    sed -n 's/^ *"\(bindings\|connections\)": *\([0-9]*\).*/\2/p' | head -n 1)
	printf '%s %s %s\n' "$soak_rss" "$soak_fds" "${soak_states:-0}"
}

# One round of a laptop's life.
round()
{
	net_fetch_both "$NET_Y1" soak || net_fail "round $rounds: no fetch"
	net_on x1 ping -q -c 3 -i 0.2 -W 1 "$NET_Y2" >/dev/null 2>&1
	net_on x2 ping -q -c 3 -i 0.2 -W 1 "$NET_Y1" >/dev/null 2>&1
	net_ctl rsipc_x1 why "$NET_Y1" >/dev/null
	net_ctl rsipc_x2 --json spd >/dev/null
	rounds=$((rounds + 1))
	sleep 0.5
}

# What is made once is made in the first rounds.
rounds=0
while [ "$rounds" -lt 5 ]; do
	round
done
for daemon in $daemons; do
	sample "$daemon" >"$daemon.first"
done
until=$(($(date +%s) + SOAK_SECONDS))
while [ "$(date +%s)" -lt "$until" ]; do
	round
done
printf '%-10s %18s %14s %14s\n' "$SOAK_SECONDS s" "RSS kB" descriptors states
failed=
for daemon in $daemons; do
	read -r rss fds states <"$daemon.first"
	sample "$daemon" >"$daemon.last"
	read -r rss2 fds2 states2 <"$daemon.last"
	printf '%-10s %8s -> %6s %5s -> %5s %5s -> %5s\n' "$daemon" "$rss" \
	    "$rss2" "$fds" "$fds2" "$states" "$states2"
	[ "$rss2" -le $((rss + rss / 10 + 1024)) ] || failed="$failed $daemon: memory;"
	[ "$fds2" -le $((fds + 4)) ] || failed="$failed $daemon: descriptors;"
	[ "$states2" -le $((states + 4)) ] || failed="$failed $daemon: states;"
done
[ -z "$failed" ] || net_fail "not flat:$failed"
net_ok "$rounds rounds, flat"
