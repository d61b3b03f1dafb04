#!/bin/sh
# oe_path.sh - TCP between two hosts that run oed, beside the same hosts in the clear; where its time goes
#
# Run in the build folder: sh SOURCE/tests/bench/oe_path.sh [SECONDS-A-ROUND]; with
# FAMILY=6 before it the same over IPv6.
# Both ends and the load share the machine's CPUs: the ratio of neighbouring
# rounds counts, and oed's CPU seconds a gigabyte.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/../net/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill iperf3
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"
seconds=${1:-3}

oe_wire
oe_host left 198.51.100.31
oe_host right 198.51.100.32
oe_key left
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

run "clear, kernel alone"
oe_daemon left "permissive = {\"$OE_ALL\"}"
oe_daemon right "permissive = {\"$OE_ALL\"}"
oe_ready left right
oe_ping left "$(oe_addr right)" 10 || net_fail "no answer through OE"
net_ctl oed_left spd
run "OE"
echo "oed CPU seconds: sender $(cpu oed_left), receiver $(cpu oed_right) for $seconds s"
run "OE, reverse" -R
