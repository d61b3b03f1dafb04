#!/bin/sh
# oe_path.sh - TCP between two hosts that run oed, beside the same hosts in the clear; where its time goes
#
# Run in the build folder: sh SOURCE/tests/bench/oe_path.sh [SECONDS-A-ROUND]; with
# FAMILY=6 before it the same over IPv6, with NAT=1 from behind a NAT, by ESP in UDP;
# with OTHER=PROGRAM the rounds of OE once more with another oed at both ends, in turns;
# with WORKERS=N once more without and with so many workers at both, in turns, four
# streams at once and both ways too, and how long a third host waits for keys beside them.
# Both ends and the load share the machine's CPUs: the ratio of neighbouring
# rounds counts, and oed's CPU seconds a gigabyte.
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/../net/oelib.sh"
. "$(dirname "$0")/pathlib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill iperf3
net_needs_built oe/oed ctl/rsipctl
[ -z "${NAT-}" ] || net_needs iptables
net_enter "$@"
seconds=${1:-3}

path_hosts "${NAT-}"
[ -z "${WORKERS-}" ] || oe_host third 198.51.100.33

# LABEL [ARGUMENT...]: Gb/s that arrive.
run()
{
	bench_label=$1
	shift
	printf '%-24s %6.2f Gb/s\n' "$bench_label" \
	    "$(path_gbps "$seconds" "$(oe_addr right)" "$@")"
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
	echo "oed CPU seconds: sender $(path_cpu oed_left), receiver $(path_cpu oed_right) for $seconds s"
	run "$1, reverse" -R
}

# WORKERS: so many at both ends; a third host without a key, begun anew each time,
# waits for keys and an answer.
workers()
{
	OE_WORKERS=$1
	net_stop oed_left
	net_stop oed_right
	rounds "$1 workers"
	run "$1 workers, four" -P 4
	run "$1 workers, both ways" --bidir
	net_start bulk left iperf3 -c "$(oe_addr right)" -t 60 -P 4
	sleep 1
	for third in 1 2 3 4 5; do
		OE_WORKERS='' OE_KEYLESS=yes oe_daemon third "paranoid = {\"$OE_ALL\"}" \
		    'paranoid-anonymous = "try"'
		oe_ready third
		start=$(date +%s%N)
		oe_ping third "$(oe_addr left)" 10 || net_fail "no keys beside bulk"
		printf '%s ' $((($(date +%s%N) - start) / 1000000))
		net_stop oed_third
	done
	echo "ms for a third host until keys and an answer, beside four"
	net_stop bulk
	# Its server would wait for the rest of that.
	net_stop iperf3
	net_start iperf3 right iperf3 -s
}

run "clear, kernel alone"
rounds "OE"
if [ -n "${WORKERS-}" ]; then
	for round in 1 2 3; do
		workers 0
		workers "$WORKERS"
	done
fi
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
