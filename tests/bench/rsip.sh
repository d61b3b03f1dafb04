#!/bin/sh
# rsip.sh - requests a second of rsipd beside a bare libevent echo server, at 100 and 100 000 live bindings
#
# Run in the build folder: sh SOURCE/tests/bench/rsip.sh [SECONDS-A-ROUND].
# Both servers stand in N, the client on x1; rounds alternate, and the ratio of
# neighbouring rounds is what counts: of requests a second, and, for a machine
# that others use too, of processor time.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/benchlib.sh"
bench_enter "$@"

bench_rsipd
net_start echo N "$BENCH" -e 10.0.0.1
sleep 0.3
pid=$(net_pid rsipd)

say_memory()
{
	awk '/VmRSS/ { print $2 }' "/proc/$pid/status"
}

# TRANSPORT HOSTS WINDOW BINDINGS -> "rsipd echo ratio cpu cpu cpu-ratio KiB", of
# three rounds the one with the middle ratio
compare()
{
	for round in 1 2 3; do
		# shellcheck disable=SC2086
		e=$(net_on x1 "$BENCH" $1 -E -h "$2" -s 10.0.0.100 -w "$3" \
		    -t "$BENCH_MS" -m "$(net_pid echo)" 10.0.0.1) &&
		    r=$(net_on x1 "$BENCH" $1 -h "$2" -s 10.0.0.100 -w "$3" \
		    -n "$4" -t "$BENCH_MS" -m "$pid" 10.0.0.1) || return 1
		printf '%s %s\n' "$r" "$e"
	done | awk '{ print $1, $4, $1 / $4, $2, $5, $5 / $2, $3 }' |
	    sort -n -k 3 | sed -n 2p
}

idle=$(say_memory)
printf 'rsipd before: %s KiB resident\n' "$idle"
format='%-9s %5s %6s %8s %11s %10s %6s %10s %9s %6s %7s\n'
# shellcheck disable=SC2059
printf "$format" transport hosts each bindings 'rsipd req/s' 'echo req/s' \
    ratio 'rsipd us/r' 'echo us/r' ratio KiB

# TRANSPORT HOSTS WINDOW
row()
{
	flag=
	[ "$1" = tcp ] || flag=-u
	for bindings in 100 100000; do
		compare "$flag" "$2" "$3" $bindings >result ||
		    net_fail "$* $bindings"
		read -r r e ratio cr ce cratio rss <result
		# shellcheck disable=SC2059
		printf "$format" "$1" "$2" "$3" $bindings "$r" "$e" \
		    "$(printf %.2f "$ratio")" "$cr" "$ce" \
		    "$(printf %.2f "$cratio")" "$rss"
	done
}

row tcp 1 1
row tcp 64 1
row tcp 1 64
row udp 1 1
row udp 64 1
cat <<EOT
each: requests that a host has outstanding. 64 in one TCP connection come in one
read, which the echo server sends back in one piece, while rsipd serves them
one by one: there the ratio is that of 64 requests to one copy.
us/r: microseconds of processor a request. An assignment is two requests,
ASSIGN_REQUEST_RSAP-IP and FREE_REQUEST.
EOT
