#!/bin/sh
# cleanup.sh - the demo, interrupted in the middle, leaves no namespace, rule, route or process behind
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2086
net_needs $NET_TOOLS curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
# Inside is a machine of its own, where nobody else comes and goes.
net_enter "$@"
dir=$NET_RUN

machine()
{
	ip -o link show | sed 's/@.*//; s/^[0-9]*: //' | cut -d: -f1 | sort
	ip address show | grep inet
	ip rule show
	ip route show table all | sort
	{ iptables-save 2>/dev/null; nft list ruleset 2>/dev/null; } |
	    grep -v '^#' | sed 's/\[[0-9:]*\]//'
	find /run -maxdepth 2 ! -path "$dir*"
	sysctl -n net.ipv4.ip_forward
}

# This shell and what it runs to find out.
processes()
{
	for net_pid in /proc/[0-9]*; do
		tr '\0' ' ' <"$net_pid/cmdline" | grep . | grep -v "$0"
	done 2>/dev/null
}

alone()
{
	[ -z "$(processes)" ]
}

# SIGNAL STEP: as the terminal does, the signal goes to the whole group.
interrupt()
{
	machine >"$dir/before"
	: >"$dir/out"
	env --unset=NET_INSIDE --default-signal=INT setsid \
	    sh "$NET_HERE/demo.sh" >"$dir/out" 2>&1 </dev/null &
	demo=$!
	net_until 60 grep -q "^\* $2" "$dir/out" || {
		cat "$dir/out"
		grep -q '^skipped' "$dir/out" && exit 77
		net_fail "the demo did not come to: $2"
	}
	alone && net_fail "the search for processes finds none while it runs"
	if [ "$1" = INT ]; then
		kill -INT "-$demo"
	else
		kill "-$1" "$demo"
	fi
	wait "$demo"
	status=$?
	[ "$status" != 0 ] || net_fail "the demo was over before the signal"
	net_until 10 alone || {
		processes
		net_fail "processes stay after SIG$1"
	}
	machine >"$dir/after"
	diff "$dir/before" "$dir/after" || net_fail "SIG$1 leaves things behind"
	net_ok "SIG$1 at \"$2\": nothing stays (status $status)"
}

interrupt INT "nsd and"
interrupt INT "both fetch"
interrupt TERM "both fetch"
interrupt KILL "both fetch"
