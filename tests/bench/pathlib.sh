# pathlib.sh - the lab of benches between two hosts: left, which may be behind a NAT, and right, where iperf3 serves
#
# Sourced after oelib.sh.
# shellcheck shell=sh

# Its address is the NAT's to others, its name its own.
path_behind_nat()
{
	oe_host router 198.51.100.31
	net_links lan
	net_namespaces left
	net_cable router eth1 10.1.0.1 lan && net_cable left eth0 10.1.0.2 lan &&
	    ip -n left route add default via 10.1.0.1 &&
	    net_on router sysctl -qw net.ipv4.ip_forward=1 &&
	    net_on router iptables -t nat -A POSTROUTING -s 10.1.0.0/24 \
	    -j SNAT --to-source 198.51.100.31 || net_skip "no NAT in this kernel"
	# shellcheck disable=SC2034	# oe_addr() looks there
	oe_addr_left=10.1.0.2
}

# [NAT]: both hosts with their keys, and iperf3.
path_hosts()
{
	oe_wire
	if [ -n "$1" ]; then
		path_behind_nat
	else
		oe_host left 198.51.100.31
	fi
	oe_host right 198.51.100.32
	oe_key left ${1:+@left.lab}
	oe_key right
	oe_dns_up
	net_start iperf3 right iperf3 -s
	sleep 0.5
}

# SECONDS ADDRESS [ARGUMENT...]: Gb/s that arrive of what left sends there; with
# --bidir of both ways.
path_gbps()
{
	path_seconds=$1
	path_to=$2
	shift 2
	net_on left iperf3 -J -c "$path_to" -t "$path_seconds" "$@" \
	    >"$NET_RUN/iperf.json"
	grep '"error"' "$NET_RUN/iperf.json" >&2
	path_received "$NET_RUN/iperf.json"
}

# FILE: the same, of what iperf3 said.
path_received()
{
	awk '/"sum_received/ { got = 1 }
	    got && /"bits_per_second"/ { gsub(/[^0-9.e+]/, "", $2); gbps += $2 / 1e9; got = 0 }
	    END { printf "%.4f\n", gbps }' "$1"
}

# CPU seconds that a program has used.
path_cpu()
{
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' \
	    "/proc/$(net_pid "$1")/stat"
}
