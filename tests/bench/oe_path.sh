#!/bin/sh
# oe_path.sh - TCP between two hosts that run oed, beside the same hosts in the clear; where its time goes
#
# Run in the build folder: sh SOURCE/tests/bench/oe_path.sh [SECONDS-A-ROUND]; with
# FAMILY=6 before it the same over IPv6, with NAT=1 from behind a NAT, by ESP in UDP;
# with OTHER=PROGRAM the rounds of OE once more with another oed at both ends, in turns.
# Both ends and the load share the machine's CPUs: the ratio of neighbouring
# rounds counts, and oed's CPU seconds a gigabyte.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/../net/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill iperf3
net_needs_built oe/oed ctl/rsipctl
[ -z "${NAT-}" ] || net_needs iptables
net_enter "$@"
seconds=${1:-3}

# Its address is the NAT's to others, its name its own.
behind_nat()
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

oe_wire
[ -n "${NAT-}" ] && behind_nat || oe_host left 198.51.100.31
oe_host right 198.51.100.32
oe_key left ${NAT:+@left.lab}
oe_key right
oe_dns_up
net_start iperf3 right iperf3 -s
sleep 0.5

# LABEL [ARGUMENTS]: Gb/s that arrive.
run()
{
	bench_label=$1
	shift
	net_on left iperf3 -J -c "$(oe_addr right)" -t "$seconds" "$@" >"$NET_RUN/iperf.json"
	awk -v label="$bench_label" '
	    /"sum_received"/ { got = 1 }
	    got && /"bits_per_second"/ { gsub(/[^0-9.e+]/, "", $2); gbps = $2 / 1e9; got = 0 }
	    END { printf "%-24s %6.2f Gb/s\n", label, gbps }' "$NET_RUN/iperf.json"
}

# CPU seconds that a program has used.
cpu()
{
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' \
	    "/proc/$(net_pid "$1")/stat"
}

# LABEL: the rounds of OE with the oed of $NET_TOP.
rounds()
{
	oe_daemon left "permissive = {\"$OE_ALL\"}" ${NAT:+"id = \"@left.lab\""}
	oe_daemon right "permissive = {\"$OE_ALL\"}"
	oe_ready left right
	oe_ping left "$(oe_addr right)" 10 || net_fail "no answer through OE"
	net_ctl oed_left spd
	run "$1"
	echo "oed CPU seconds: sender $(cpu oed_left), receiver $(cpu oed_right) for $seconds s"
	run "$1, reverse" -R
}

run "clear, kernel alone"
rounds "OE"
[ -n "${OTHER-}" ] || exit 0
mine=$NET_TOP
mkdir -p "$NET_RUN/other/oe" && ln -s "$mine/ctl" "$NET_RUN/other/ctl" &&
    ln -s "$(realpath "$OTHER")" "$NET_RUN/other/oe/oed" || exit 1
for round in 1 2 3; do
	for what in other this; do
		NET_TOP=$mine
		[ $what = this ] || NET_TOP=$NET_RUN/other
		net_stop oed_left
		net_stop oed_right
		rounds "round $round, $what oed"
	done
done
