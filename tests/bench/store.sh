#!/bin/sh
# store.sh - requests a second of rsipd with a store of leases, its own and one that is shared, beside one without, and how long 100 000 bindings take to load
#
# Run in the build folder: sh SOURCE/tests/bench/store.sh [SECONDS-A-ROUND].
# Rounds alternate, the same rsipd without a store, with durability = interval
# with commit, and with Valkey or Redis on the same machine, where that and hiredis
# are; the ratios are those of neighbouring rounds.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/benchlib.sh"
bench_enter "$@"
# Where the disk is: the lab's own folder may be memory.
disk=${STORE_BENCH_DIR:-$(mktemp -d /var/tmp/rsip-store.XXXXXX)} || exit 1
trap 'rm -rf "$disk"' EXIT

shared=
if command -v "$NET_STORE_SERVER" >/dev/null &&
    grep -q '^#define HAVE_HIREDIS' "$NET_TOP/config.h"; then
	shared=shared
	net_start redis N "$NET_STORE_SERVER" --bind 127.0.0.1 --save "" --dir "$disk"
	net_ready redis 10 net_on N "$NET_STORE_CLI" ping
fi

# MODE: none, interval, commit or shared
start()
{
	rm -f "$disk"/*
	[ -z "$shared" ] || net_on N "$NET_STORE_CLI" flushall >/dev/null
	run "$1"
}

active()
{
	net_holds rsipd status 'at("shared.state") == "active"'
}

# The same again, on what is there.
run()
{
	if [ "$1" = none ]; then
		bench_rsipd
	elif [ "$1" = shared ]; then
		bench_rsipd 'gateway = "10.0.0.1"
	shared { servers = {"127.0.0.1"} }'
		net_ready rsipd 30 active
	else
		bench_rsipd "leases = \"$disk/leases.mdb\"
	durability = \"$1\""
	fi
}

stop()
{
	net_stop rsipd
	rm -f "$NET_RUN/rsipd.sock"
}

# HOSTS WINDOW MODE -> requests a second
measure()
{
	start "$3"
	net_on x1 "$BENCH" -h "$1" -s 10.0.0.100 -w "$2" -n 1000 -t "$BENCH_MS" \
	    -m "$(net_pid rsipd)" 10.0.0.1 | awk '{ print $1 }'
	stop
}

printf '%5s %5s %10s %10s %10s %10s %9s %9s %9s\n' hosts each none interval \
    commit shared interval commit shared
for row in "1 1" "64 1" "1 64" "64 16" "64 64"; do
	# shellcheck disable=SC2086
	set -- $row
	for round in 1 2 3; do
		n=$(measure "$1" "$2" none) && i=$(measure "$1" "$2" interval) &&
		    c=$(measure "$1" "$2" commit) || net_fail "$row"
		s=0
		[ -z "$shared" ] || s=$(measure "$1" "$2" shared) ||
		    net_fail "$row"
		echo "$n $i $c $s"
	done | awk '{ print $1, $2, $3, $4, $2 / $1, $3 / $1, $4 / $1 }' |
	    sort -n -k 7 | sed -n 2p | awk -v r="$1 $2" '{ split(r, a, " ")
		printf "%5d %5d %10d %10d %10d %10d %9.2f %9.2f %9.2f\n", a[1],
		    a[2], $1, $2, $3, $4, $5, $6, $7 }'
done

# MODE: 100 000 bindings, a kill, and the time until the gateway serves again.
reload()
{
	start "$1"
	net_start hosts x1 "$BENCH" -h 64 -s 10.0.0.100 -w 16 -n 100000 \
	    -t 60000 -m "$(net_pid rsipd)" 10.0.0.1
	n=0
	until [ "$(net_ctl rsipd status | awk '$1 == "bindings" { print $2 }')" \
	    -ge 100000 ]; do
		n=$((n + 1))
		[ $n -lt 240 ] || net_fail "100 000 bindings take too long"
		sleep 0.5
	done
	kill -9 "$(net_pid rsipd)" "$(net_pid hosts)"
	sleep 0.5
	rm -f "$NET_RUN/rsipd.sock"
	begun=$(date +%s.%N)
	run "$1"
	took=$(awk -v a="$begun" -v b="$(date +%s.%N)" \
	    'BEGIN { printf "%.2f", b - a }')
	echo "$1: $(net_ctl rsipd status |
	    awk '$1 == "bindings" { print $2 }') bindings are there again" \
	    "$took s after the start"
	stop
}
for mode in commit $shared; do
	reload "$mode"
done
cat <<EOT
interval, commit, shared: the ratio to none, of three paired rounds the middle one.
each: requests that a host has outstanding.  An assignment is two requests,
ASSIGN_REQUEST_RSAP-IP and FREE_REQUEST; both wait for the disk with commit: no
more than hosts * each can be answered in one flush of it.
$(df "$disk" | awk 'NR == 2 { print "disk: " $1 }')
EOT
