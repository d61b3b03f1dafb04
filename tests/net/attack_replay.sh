#!/bin/sh
# attack_replay.sh - signed messages that somebody recorded are good for nothing, and whose clock went back is not locked out
. "$(dirname "$0")/lib.sh"
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1
printf 'one secret for the network' >secret
chmod 600 secret
net_rsipd_config "network \"10.0.0.0/24\" {
	secret = \"$NET_RUN/secret\" key-id = 9 require-auth = true }" >rsipd.conf

milliseconds()
{
	echo "$(($(date +%s%N) / 1000000))"
}

# A day ago, for whatever is started behind it.
day_ago()
{
	for preload in /usr/lib/*/faketime/libfaketimeMT.so.1; do
		[ -f "$preload" ] && break
	done
	echo "env LD_PRELOAD=$preload FAKETIME=-1d DONT_FAKE_MONOTONIC=1
	    FAKETIME_DONT_FAKE_MONOTONIC=1
	    ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"
}

# [CLOCK...]: the gateway, another life of it.
gateway()
{
	net_start rsipd N "$@" "$NET_TOP/rsipd/rsipd" -f -c rsipd.conf
	net_ready rsipd 10 net_ctl rsipd status
}

# TRANSPORT [CLOCK...]: the laptop; sets took, in ms.
laptop()
{
	{
		printf 'state = ""\ncontrol = "%s/rsipc_x1.sock"\n' "$NET_RUN"
		printf 'transport = "%s"\nsecret = "secret"\n' "$1"
		printf 'key-id = 9\nrequire-auth = true\n'
	} >rsipc.conf
	shift
	begun=$(milliseconds)
	net_start rsipc_x1 x1 "$@" "$NET_TOP/rsipc/rsipc" -f -c rsipc.conf
	until_leased "the laptop has no lease"
}

# Both ends know of it, so it is not one of before.
both_know()
{
	net_leased rsipc_x1 2>/dev/null &&
	    net_leases rsipd host "$NET_X1"
}

# WHAT: sets took, from begun on.
until_leased()
{
	until both_know; do
		[ "$(($(milliseconds) - begun))" -lt 15000 ] ||
		    net_fail "$1 within 15 s"
		sleep 0.02
	done
	took=$(($(milliseconds) - begun))
}

# HOST ADDRESS WHEN: what was recorded, once more.
replay()
{
	# shellcheck disable=SC2046
	set -- "$3" $(net_on "$1" python3 "$NET_HERE/attack_replay.py" replay \
	    recorded "$2")
	[ "$#" = 3 ] || net_fail "$1: nothing was replayed"
	[ "$3" = 0 ] || net_fail "$1: $3 of $2 recorded messages are taken"
	net_ok "$1: 0 of $2 recorded messages are taken"
}

nobody_is_registered()
{
	net_holds rsipd status 'it["registrations"] == 0'
}

gateway
net_start record x1 python3 "$NET_HERE/attack_replay.py" record recorded eth0
net_until 5 grep -q ready record.log || net_fail "nothing is recorded"
laptop udp
net_stop rsipc_x1
net_until 5 nobody_is_registered || net_fail "a registration stays"
net_stop record
replay x1 "$NET_X1" "from the host itself"
sleep 4		# two more lines may be logged then
replay x2 "$NET_X2" "from another host with the same secret"
grep -q 'REGISTER_REQUEST is refused: counter too old' rsipd.log ||
    net_fail "the log does not say why"
grep -q 'REGISTER_REQUEST is refused: wrong key or MAC' rsipd.log ||
    net_fail "another host's message is not called wrong"
net_stop rsipd KILL
gateway
replay x1 "$NET_X1" "after the gateway was killed and started again"
replay x2 "$NET_X2" "the same, from another host"
nobody_is_registered || net_fail "a recorded message registered somebody"
grep -q 'counter too old: meant for the gateway before its start' rsipd.log ||
    net_fail "the log does not say that it is of before"

# Honest hosts, whoever is started again.
for transport in udp tcp; do
	laptop "$transport"
	first=$took
	net_stop rsipc_x1 KILL
	laptop "$transport"
	net_ok "$transport: a lease took $first ms, and $took ms after rsipc was killed"
	net_stop rsipc_x1
done

# The clock has gone back by a day, first of the one, then of the other.
set -- /usr/lib/*/faketime/libfaketimeMT.so.1
if [ -f "$1" ]; then
	laptop tcp
	net_stop rsipd KILL
	begun=$(milliseconds)
	# shellcheck disable=SC2046
	gateway $(day_ago)
	until_leased "no lease from a gateway a day behind"
	back=$took
	net_stop rsipc_x1
	# Once more, by a host that has never met the one before.
	laptop tcp
	net_stop rsipc_x1 KILL
	net_stop rsipd KILL
	gateway
	laptop tcp
	net_stop rsipc_x1 KILL
	# shellcheck disable=SC2046
	laptop tcp $(day_ago)
	net_ok "the clock a day back at a restart: of rsipd, a lease after \
$back ms; of rsipc, $took ms"
	[ "$back" -lt 10000 ] && [ "$took" -lt 10000 ] ||
	    net_fail "an honest host is kept out"
	net_stop rsipc_x1
else
	net_say "not installed: libfaketime; clocks stay where they are"
fi
if grep -h 'too old\|right authentication' rsipc_x1.log; then
	net_fail "the laptop met an old counter where none was"
fi
