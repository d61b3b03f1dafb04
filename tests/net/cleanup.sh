#!/bin/sh
# cleanup.sh - the demo, interrupted in the middle, leaves no namespace, rule, route or process behind
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2086
net_needs $NET_TOOLS curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
[ -z "$NET_INSIDE" ] || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
# Of the whole machine; other programs may come and go, so only what the
# picture would leave is compared.
mark=rsip-cleanup-$$

machine()
{
	ip -o link show | sed 's/@.*//; s/^[0-9]*: //' | cut -d: -f1 | sort
	ip rule show
	ip route show table all | sort
	{ iptables-save 2>/dev/null; nft list ruleset 2>/dev/null; } |
	    grep -v '^#' | sed 's/\[[0-9:]*\]//'
	ls /run/netns 2>/dev/null
	ls -d /run/rsip* 2>/dev/null
	sysctl -n net.ipv4.ip_forward
}

# Every process that carries the mark in its environment.
marked()
{
	grep -lasz "^NET_MARK=$mark\$" /proc/[0-9]*/environ 2>/dev/null
}

none_marked()
{
	[ -z "$(marked)" ]
}

# SIGNAL STEP: as the terminal does, the signal goes to the whole group.
interrupt()
{
	machine >"$dir/before"
	: >"$dir/out"
	NET_MARK=$mark env --default-signal=INT setsid \
	    sh "$NET_HERE/demo.sh" >"$dir/out" 2>&1 &
	demo=$!
	net_until 60 grep -q "^\* $2" "$dir/out" || {
		cat "$dir/out"
		grep -q '^skipped' "$dir/out" && exit 77
		net_fail "the demo did not come to: $2"
	}
	[ "$(marked | wc -l)" -ge 3 ] || net_fail "the search for processes" \
	    "of the demo finds none while it runs"
	if [ "$1" = INT ]; then
		kill -INT "-$demo"
	else
		kill "-$1" "$demo"
	fi
	wait "$demo"
	status=$?
	[ "$status" != 0 ] || net_fail "the demo was over before the signal"
	net_until 10 none_marked || {
		marked | while read -r file; do
			tr '\0' ' ' <"${file%environ}cmdline"
			echo
		done
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
