#!/bin/sh
# oe_alive.sh - a peer that lost its SAs is noticed within seconds: killed, restarted, asleep, gone (RFC 3706 §5.5)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

oe_lab left 198.51.100.61 right 198.51.100.62
right=$(oe_addr right)
tool=$NET_HERE/laptop_gap.py

# Paranoid: what is not encrypted is silence.  No dead peer detection but ours.
# HOST [LINE...]
run()
{
	host=$1
	shift
	oe_daemon "$host" "paranoid = {\"$OE_ALL\"}" "lifespan-first = 60" \
	    "idle = 30" "lifespan-short = 2" "$@"
	oe_ready "$host"
}
run left
run right
oe_sniff left "$NET_RUN/left.pcap" udp port 7
net_start echo right python3 "$tool" echo 7 "${OE_ALL%/0}"
net_ready echo 10 grep -q echo "$NET_RUN/echo.log"
net_start udp left python3 "$tool" udp "$right" 7
net_ready udp 10 grep -q ready "$NET_RUN/udp.log"

# Over IPv6 that is looked at of which addresses are a part.
# CASE WORST SECONDS COMMAND...: the silence that COMMAND makes, and the seconds
# after it, in a table.
printf '%-44s %9s %s\n' case "silence s" verdict
measure()
{
	what=$1
	most=$2
	seconds=$3
	shift 3
	net_until 10 oe_ping left "$right" 1 || net_fail "$what: no start"
	net_gap udp >/dev/null
	"$@"
	sleep "$seconds"
	worst=$(net_gap udp) || exit 1
	if awk "BEGIN { exit !($worst <= $most) }"; then
		verdict=good
	else
		verdict="more than $most"
		failed="$failed $what;"
	fi
	printf '%-44s %9s %s\n' "$what" "$worst" "$verdict"
}
failed=

forgets()
{
	net_stop oed_right KILL
	rm -f "$NET_RUN"/oe_right.peers*
	run right
}
measure "killed, restarted, remembers nothing" 5 6 forgets

remembers()
{
	net_stop oed_right KILL
	run right
}
[ "$FAMILY" = 6 ] || measure "killed and restarted" 5 6 remembers

# It does not speak first: left must find out by its question, or by the hint.
waits()
{
	net_stop oed_right KILL
	rm -f "$NET_RUN"/oe_right.peers*
	run right "initiate = false"
}
measure "killed, restarted, never speaks first" 5 6 waits

# Nobody there for a while: what counts is the silence after the return.
returns()
{
	net_stop oed_right KILL
	rm -f "$NET_RUN"/oe_right.peers*
	sleep 6
	run right "initiate = false"
}
[ "$FAMILY" = 6 ] ||
    measure "away for 6 s, never speaks first (6 + 5)" 11 7 returns

orderly()
{
	net_stop oed_right
	run right
}
[ "$FAMILY" = 6 ] || measure "restarted in good order" 5 6 orderly

# The laptop sleeps; the peer, tired of it, begins a new life meanwhile.
sleeps()
{
	kill -STOP "$(net_pid oed_left)"
	forgets
	sleep 4
	since=$(date +%s.%N)
	kill -CONT "$(net_pid oed_left)"
	woken=$since
}
net_until 10 oe_ping left "$right" 1
sleeps
net_until 8 oe_ping left "$right" 1 || net_fail "nothing after waking"
printf '%-44s %9s %s\n' "the peer lost us while we slept (since waking)" \
    "$(awk "BEGIN { printf \"%.2f\", $(date +%s.%N) - $woken }")" good

[ -z "$failed" ] || net_fail "$failed"
[ "$(oe_count "$NET_RUN/left.pcap" udp port 7)" = 0 ] ||
    net_fail "datagrams in the clear to a paranoid peer"
net_ok "no clear datagram in all of it"
