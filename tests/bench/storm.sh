#!/bin/sh
# storm.sh - all hosts find rsipd restarted at once: how long until each has its lease, beside an echo server
#
# Run in the build folder: sh SOURCE/tests/bench/storm.sh [HOSTS [ROUNDS]].
# HOSTS (100 000) addresses behind x1 speak by UDP: a request under the
# registration of before, which ends with an error, a registration, an
# assignment of a port and an SPI. The echo server is sent the same. It may take
# half as long: aim 0.5.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/benchlib.sh"
net_needs_built tests/bench/storm_bench
bench_enter "$@"
hosts=${1:-100000}
rounds=${2:-3}

net_on x1 ip route add local 10.64.0.0/12 dev lo
net_on N ip route add 10.64.0.0/12 via "$NET_X1"
net_start echo N "$BENCH" -e 10.0.0.1
for n in 1 2 3 4 5 6 7 8 9 10; do
	printf 'pool "198.51.100.1%02d" { ports = {"20000-59999"} }\n' "$n"
done >pools
cat >rsipd.conf <<EOT
public-interface = "eth0"
private-interface = "eth1"
control = "$NET_RUN/rsipd.sock"
$(cat pools)
network "10.64.0.0/12" { }
limits { registrations = 1000000 bindings = 1000000 spis = 1000000 }
leases = ""
EOT

# PID -> microseconds of processor
used()
{
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1e6 / hz }' \
	    "/proc/$1/stat"
}

# FLAG... -> "milliseconds repeats microseconds-of-processor"
storm()
{
	pid=$1
	shift
	before=$(used "$pid")
	r=$(net_on x1 "$NET_TOP/tests/bench/storm_bench" "$@" -n "$hosts" \
	    -s 10.64.0.0 10.0.0.1) || net_fail "storm $*"
	echo "$r $(used "$pid") $before" | awk '{ print $1, $2, $3 - $4 }'
}

printf '%10s %10s %6s %12s %10s %6s %8s\n' 'rsipd ms' 'echo ms' ratio \
    'rsipd us/h' 'echo us/h' repeats KiB
for _ in $(seq "$rounds"); do
	net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf"
	net_ready rsipd 30 test -S "$NET_RUN/rsipd.sock"
	e=$(storm "$(net_pid echo)" -E) && r=$(storm "$(net_pid rsipd)") || exit 1
	kib=$(awk '/VmRSS/ { print $2 }' "/proc/$(net_pid rsipd)/status")
	echo "$r $e $kib $hosts" | awk '{ printf "%10d %10d %6.2f %12.1f %10.1f %6d %8d\n",
	    $1, $4, $4 / $1, $3 / $8, $6 / $8, $2, $7 }'
	net_stop rsipd
	rm -f "$NET_RUN/rsipd.sock"
done
