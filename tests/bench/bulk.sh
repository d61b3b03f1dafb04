#!/bin/sh
# bulk.sh - one TCP stream between a laptop and a server through the gateway, beside kernel NAPT on the same way
#
# Run as root in the build folder: sh SOURCE/tests/bench/bulk.sh [SECONDS [ROUNDS]]
# x1 speaks RSIP in the clear, x2 is translated by the kernel; all cards join
# segments.  Rounds alternate, so that what else the machine does is in both.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../net/lib.sh"
# shellcheck disable=SC2034	# lib.sh's functions look there
NET_HERE=$(cd "$here/../net" && pwd)
net_needs iperf3 ethtool iptables
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
seconds=${1:-2} rounds=${2:-3}
net_picture
for card in "lan N eth1" "wire N eth0" "lan x1 eth0" "lan x2 eth0" "wire y2 eth0"; do
	# shellcheck disable=SC2086	# link, port, interface
	set -- $card
	net_on "$2" ethtool -K "$3" gro on
done

net_on N iptables -t nat -A POSTROUTING -s "$NET_X2" -o eth0 -j MASQUERADE
net_start iperf3 y2 iperf3 -s
net_start iperf3b y2 iperf3 -s -p 5202

# NAME WORDS...: Gb/s of a round, kept as NAME.
round()
{
	bench_name=$1 bench_host=$2
	shift 2
	net_on "$bench_host" iperf3 -J -c "$NET_Y2" -t "$seconds" "$@" \
	    >iperf.json 2>iperf.log || net_fail "iperf3: $(cat iperf.json iperf.log)"
	python3 -c '
import json
print(json.load(open("iperf.json"))["end"]["sum_received"]["bits_per_second"] / 1e9)' \
	    >>"$bench_name.rounds"
}

# WAY: the rounds of a gateway that forwards so, and its ratio to NAPT.
way()
{
	rm -f ./*.rounds
	bench_n=0
	while [ $((bench_n += 1)) -le "$rounds" ]; do
		round napt.down x2 -R
		round rsip.down x1 -R
		round napt.up x2 -p 5202
		round rsip.up x1 -p 5202
	done
	python3 -c '
import statistics, sys
def of(name): return [float(l) for l in open(name + ".rounds")]
for side in "down", "up":
    n, r = of("napt." + side), of("rsip." + side)
    print("%-10s %-5s NAPT %6.2f Gb/s  RSIP %6.2f Gb/s  ratio %.2f" % (sys.argv[1], side,
          statistics.median(n), statistics.median(r),
          statistics.median(b / a for a, b in zip(n, r))))' "$1"
}

for offload in false true; do
	net_rsipd "offload = $offload"
	net_rsipc_clear x1
	net_ctl rsipd status | grep -i 'path' | head -1
	way "$([ $offload = true ] && echo eBPF || echo NFQUEUE)"
	net_stop rsipc_x1
	net_stop rsipd
done
