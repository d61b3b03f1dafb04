#!/bin/sh
# rsip.sh - requests a second of rsipd beside a bare libevent echo server, at 100 and 100 000 live bindings
#
# Run in the build folder: sh SOURCE/tests/bench/rsip.sh [SECONDS-A-ROUND].
# Both servers stand in N, the client on x1; rounds alternate, and the ratio of
# neighbouring rounds is what counts: of requests a second, and, for a machine
# that others use too, of processor time.
. "$(dirname "$0")/../net/lib.sh"
net_needs_built rsipd/rsipd tests/bench/rsip_bench
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1
bench=$NET_TOP/tests/bench/rsip_bench
ms=$((${1:-2} * 1000))

cat >rsipd.conf <<-EOT
public-interface = "eth0"
private-interface = "eth1"
control = "$NET_RUN/rsipd.sock"
pool "$NET_NB" { ports = {"20000-59999"} }
max-bindings = 200000
max-ports = 60000
max-spis = 200000
limits { bindings = 200000 spis = 250000 }
EOT
net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf"
net_ready rsipd 10 test -S "$NET_RUN/rsipd.sock"
net_start echo N "$bench" -e 10.0.0.1
sleep 0.3
pid=$(net_pid rsipd)

say_memory()
{
	awk '/VmRSS/ { print $2 }' "/proc/$pid/status"
}

# TRANSPORT WINDOW BINDINGS -> "rsipd echo ratio cpu cpu cpu-ratio KiB", of
# three rounds the one with the middle ratio
compare()
{
	for round in 1 2 3; do
		# shellcheck disable=SC2086
		e=$(net_on x1 "$bench" $1 -E -w "$2" -t "$ms" \
		    -m "$(net_pid echo)" 10.0.0.1) &&
		    r=$(net_on x1 "$bench" $1 -w "$2" -n "$3" -t "$ms" \
		    -m "$pid" 10.0.0.1) || return 1
		printf '%s %s\n' "$r" "$e"
	done | awk '{ print $1, $4, $1 / $4, $2, $5, $5 / $2, $3 }' |
	    sort -n -k 3 | sed -n 2p
}

idle=$(say_memory)
printf 'rsipd before: %s KiB resident\n' "$idle"
format='%-9s %11s %9s %11s %10s %6s %11s %10s %6s %9s\n'
# shellcheck disable=SC2059
printf "$format" transport outstanding bindings 'rsipd req/s' 'echo req/s' \
    ratio 'rsipd us/r' 'echo us/r' ratio KiB
for transport in tcp udp; do
	flag=
	[ $transport = tcp ] || flag=-u
	for window in 1 64; do
		for bindings in 100 100000; do
			compare "$flag" $window $bindings >result ||
			    net_fail "$transport $window $bindings"
			read -r r e ratio cr ce cratio rss <result
			# shellcheck disable=SC2059
			printf "$format" $transport $window $bindings "$r" \
			    "$e" "$ratio" "$cr" "$ce" "$cratio" "$rss"
		done
	done
done
printf 'us/r: microseconds of processor a request. '
printf 'An assignment is two requests: ASSIGN_REQUEST_RSAP-IP, FREE_REQUEST.\n'
