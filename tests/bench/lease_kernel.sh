#!/bin/sh
# lease_kernel.sh - TCP between a laptop with a lease and its peer, ESP in the kernel beside ESP in user space, in a VM
#
# Run in the build folder: sh SOURCE/tests/bench/lease_kernel.sh [SECONDS [ROUNDS]].
# Rounds in turns, both ways: what arrives, the laptop's CPU seconds a round, and
# the medians of the rounds' ratios.  The laptop has one CPU, all others have one,
# as if these were machines: else its kernel works where its peer's sends.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/pathlib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill ping iperf3 taskset
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
NET_HERE=$(cd "$NET_HERE/../net" && pwd)
net_vm 900 "$@"
[ -n "$NET_INSIDE" ] || modprobe -qa tun veth bridge xfrm_user esp4 \
    xfrm_interface aesni_intel sch_ingress cls_bpf nfnetlink_queue xt_NFQUEUE \
    nft_compat nf_tables nft_queue nft_chain_nat iptable_mangle iptable_nat \
    iptable_raw
net_enter "$@"
seconds=${1:-4}
rounds=${2:-5}

net_picture
net_keys
net_zones
net_dns
net_oed y1
net_rsipd
net_start iperf3 y1 iperf3 -s
for other in oed_y1 rsipd iperf3; do
	taskset -a -p 1 "$(net_pid $other)" >/dev/null
done
# The other CPU takes what comes by the laptop's link.
net_on x1 unshare -m sh -c 'mount -t sysfs sys /sys &&
    echo 2 >/sys/class/net/eth0/queues/rx-0/rps_cpus' ||
    net_skip "no way to choose a CPU for packets"

# PLANE: it is that plane's.
laptop()
{
	net_rsipc x1 "paranoid = {\"$NET_Y1\"}
	dataplane = \"$1\""
	net_until 30 net_on x1 ping -n -q -c 1 -W 20 "$NET_Y1" >/dev/null ||
	    net_fail "$1: no answer"
	net_holds rsipc_x1 spd 'any(r["dst"] == words[0] and
	    r["dataplane"] == words[1] for r in rows)' "$NET_Y1" "$1" ||
	    net_fail "not the $1's"
	taskset -a -p 2 "$(net_pid rsipc_x1)" >/dev/null
}
# PLANE WAY [-R]: a line of what arrived, appended to PLANE.WAY.
run()
{
	file=$NET_RUN/$1.$2
	label="$1 $2"
	shift 2
	before=$(path_cpu rsipc_x1)
	net_on x1 taskset 2 iperf3 -J -c "$NET_Y1" -t "$seconds" "$@" \
	    >"$NET_RUN/iperf.json" || net_fail "$label: $(cat "$NET_RUN/iperf.json")"
	mbps=$(path_received "$NET_RUN/iperf.json" |
	    awk '{ printf "%.1f", $1 * 1000 }')
	echo "$mbps" >>"$file"
	printf '%-12s %8s Mb/s, %6s CPU seconds of rsipc\n' "$label" "$mbps" \
	    "$(echo "$before $(path_cpu rsipc_x1)" | awk '{ print $2 - $1 }')"
}
for round in $(seq "$rounds"); do
	for plane in user kernel; do
		laptop $plane
		run $plane up
		run $plane down -R
		net_stop rsipc_x1
	done
done
for way in up down; do
	paste "$NET_RUN/kernel.$way" "$NET_RUN/user.$way" |
	    awk '{ print $1 / $2 }' | sort -n |
	    awk -v way=$way '{ r[NR] = $1 } END { printf "%s: kernel beside user space %.2f (%.2f-%.2f)\n", way, r[int((NR + 1) / 2)], r[1], r[NR] }'
done
