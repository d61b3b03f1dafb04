#!/bin/sh
# million.sh - rsipd with a million bindings on ten public addresses: memory, and what a request costs then
#
# Run in the build folder: sh SOURCE/tests/bench/million.sh [SECONDS-A-ROUND].
# 64 hosts hold them all and ask on, 16 requests under way each.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/benchlib.sh"
bench_enter "$@"

for n in 1 2 3 4 5 6 7 8 9 10; do
	printf 'pool "198.51.100.1%02d" { ports = {"20000-59999"} }\n' "$n"
done >pools
cat >rsipd.conf <<EOT
public-interface = "eth0"
private-interface = "eth1"
control = "$NET_RUN/rsipd.sock"
$(cat pools)
max-bindings = 1000000
max-ports = 60000
max-spis = 1000000
limits { bindings = 1100000 spis = 1100000 neighbour-registrations = 64 }
leases = ""
EOT
net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf"
net_ready rsipd 30 test -S "$NET_RUN/rsipd.sock"
pid=$(net_pid rsipd)
printf '%9s %8s %9s %9s %9s\n' bindings 'us/r' 'RSS KiB' 'own KiB' 'most KiB'
for n in 1000 100000 1000000; do
	r=$(net_on x1 "$BENCH" -h 64 -s 10.0.0.100 -w 16 -n "$n" \
	    -t "$BENCH_MS" -m "$pid" 10.0.0.1) || net_fail "$n bindings"
	# Before its hosts end their registrations the bench has printed it.
	echo "$n $r $(awk '/RssAnon/ { a = $2 } /VmHWM/ { h = $2 }
	    END { print a, h }' "/proc/$pid/status")" |
	    awk '{ printf "%9d %8.2f %9d %9d %9d\n", $1, $3, $4, $5, $6 }'
done
