#!/bin/sh
# pair_split.sh - both gateways think they are active, the store reached by both, one, the other, none: no port or SPI is in two hands
#
# Each has hosts of its own, on a lan of its own, and both have Na and Nb; ports are
# few and do not rest.  The hosts' own logs are compared.
. "$(dirname "$0")/lib.sh"
. "$NET_HERE/pairlib.sh"
pair_needs
net_enter "$@"
cd "$NET_RUN" || exit 1
PYTHONPATH=$NET_HERE/../peer
export PYTHONPATH
seconds=${SPLIT_SECONDS:-4}

pair_picture
net_links lan2
for port in M x2; do
	ip -n lan link set $port netns lan2 &&
	    ip -n lan2 link set $port master switch0 up || net_fail "lan2"
done
net_addresses x1 10.0.0.100/24 10
net_addresses x2 10.0.0.200/24 10
pair_store
small="quarantine = 0"
for g in N M; do
	ip -n $g addr add 10.0.0.1/24 dev eth1
	ip -n $g addr add "$NET_NB/24" dev eth0
	pair_rsipd_config $g "$small" |
	    sed 's/20000-49999/20000-20119/' >"rsipd_$g.conf"
	net_start "rsipd_$g" $g "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd_$g.conf"
	net_ready "rsipd_$g" 10 net_ctl "rsipd_$g" status
done
echo both >phase
net_start load_N x1 python3 "$NET_HERE/pair_split.py" load 100 spans_N
net_start load_M x2 python3 "$NET_HERE/pair_split.py" load 200 spans_M
sleep $((2 * seconds))

# GATEWAY: cut off from the store, or not
cut()
{
	ip -n back link set "$1" nomaster
}

mend()
{
	ip -n back link set "$1" master switch0
}

# What the gateways say of themselves.
states()
{
	for g in N M; do
		net_ctl rsipd_$g status | head -n 1
	done
}

# PHASE GATEWAYS COMMAND...: once that is true, for a while and until they granted
phase()
{
	name=$1
	grant=$2
	shift 2
	net_until 20 "$@" || net_fail "$name: $(states)"
	echo "$name" >phase
	sleep "$seconds"
	for g in $grant; do
		net_until 20 test -e "spans_$g.$name.granted" ||
		    net_fail "$name: $g grants nothing: $(states)"
	done
	echo changing >phase
}

away()
{
	for g in N M; do
		net_ctl rsipd_$g status | head -n 1 |
		    grep -q 'nothing new is granted\|not serving' || return 1
	done
}

echo changing >phase
cut M
phase only_N N pair_is N active
mend M
cut N
phase only_M M pair_is M active
cut M
phase none "" away
mend N
mend M
phase both_again "N M" true
touch spans_N.stop spans_M.stop
net_until 20 grep -q "done" load_N.log || net_fail "the load of N does not end"
net_until 20 grep -q "done" load_M.log || net_fail "the load of M does not end"
# Nobody has what another does not know of, in the store neither.
same()
{
	pair_same 'rsip:g:*' 's/^rsip:/10.0.0.1 /'
}
net_until 10 same || net_fail "what is leased is not the same everywhere:
$(same)"
# Registrations last for longer than this test, and a store never forgot them.
grep 'registered anew' load_N.log load_M.log &&
    net_fail "a registration was lost"
said=$(python3 "$NET_HERE/pair_split.py" check spans_N spans_M) ||
    net_fail "$said"
# The same witness denies a port that two hosts had.
awk 'NR == 1 { $3 = "10.0.0.250"; print }' spans_N >spans_two
python3 "$NET_HERE/pair_split.py" check spans_N spans_M spans_two >two &&
    net_fail "the checker sees nothing: $(cat two)"

# GATEWAY PHASE WHAT: how often
counted()
{
	awk -v p="$2:" -v w="$3" '$1 == "phase" && $2 == p && $3 == w {
	    print $4; f = 1 } END { if (!f) print 0 }' "load_$1.log"
}

net_ok "$said"
net_ok "granted by N and M: $(for p in both only_N only_M none both_again; do
    printf '%s %s %s, ' $p "$(counted N $p granted)" "$(counted M $p granted)"; done
    )taken from each other $(net_json rsipd_N status 'at("shared.lost")') and $(
    net_json rsipd_M status 'at("shared.lost")') times"
for case in "N both" "M both" "N only_N" "M only_M" "N both_again" \
    "M both_again"; do
	# shellcheck disable=SC2086
	[ "$(counted $case granted)" -gt 0 ] || net_fail "$case: nothing is granted"
done
[ "$(counted N none granted)$(counted M none granted)" = 00 ] ||
    net_fail "granted without the store"
