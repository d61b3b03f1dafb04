#!/bin/sh
# pair_cross.sh - two gateways, each active for its own address and standing by for the other's: one dies, is cut off, and comes back
. "$(dirname "$0")/lib.sh"
. "$NET_HERE/pairlib.sh"
pair_needs nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipc/rsipc oe/oed
net_enter "$@"
cd "$NET_RUN" || exit 1
PYTHONPATH=$NET_HERE/../peer
export PYTHONPATH
tool=$NET_HERE/laptop_gap.py
# Of two that take their own again none is to be thought dead because it is slow, nor
# is the store.
PAIR_ADVERT=1
PAIR_SHARED="patience = 4000"
na1=10.0.0.1
na2=10.0.0.5
nb2=198.51.100.5

pair_picture
net_namespaces l1 l2
net_cable l1 eth0 10.0.0.99 lan && net_cable l2 eth0 10.0.0.98 lan ||
    net_fail "l1, l2"
net_addresses l1 10.0.0.100/24 10
net_addresses l2 10.0.0.200/24 10
ip -n x2 route replace default via $na2
net_keys
net_zones
net_dns
net_oed y1
pair_store
# So few ports that each is had by many.  One address moves with its gateway's, for the
# other who has the gateway's answers ARP.
ports=20000-20255
second="pool \"$nb2\" { ports = {\"$ports\"} gateway = \"$na2\" proxy = true }"

# LINES: rsipd's word on a configuration with them.
judged()
{
	pair_rsipd_config N "$1" | grep -v "$2" >bad.conf
	net_on N "$NET_TOP/rsipd/rsipd" -n -c "$NET_RUN/bad.conf" 2>&1
}

# WHAT TEXT LINES [WITHOUT]
refused()
{
	said=$(judged "$3" "${4:-^$}") && net_fail "$1 is taken: $said"
	echo "$said" | grep -q "$2" || net_fail "$1: $said"
}

refused "one address in two pools" "duplicate title" \
    "pool \"$NET_NB\" { gateway = \"$na2\" }"
refused "a gateway that is a pool" "is a pool itself" \
    "pool \"$nb2\" { gateway = \"$NET_NB\" }"
refused "a pool that is a gateway" "cannot be leased" \
    "pool \"$na1\" { gateway = \"$na2\" }"
refused "a first gateway without a pool" "has no pool" "$second" '^pool "198.51.100.1"'
refused "pools of a gateway that is not named" "name gateway" "$second" '^gateway'
refused "a tunnel's end for both" "tunnel-endpoint" "tunnel-endpoint = \"10.0.0.9\"
$second"
judged "$second" '^$' >/dev/null || net_fail "what is right is refused: $(
    judged "$second" '^$')"
pair_rsipd_config N "leases = \"\" $second" | sed '/^[[:space:]]*shared {/,/^[[:space:]]*}/d' >alone.conf
ip -n N addr add $na1/24 dev eth1
timeout 10 nsenter --net=/run/netns/N "$NET_TOP/rsipd/rsipd" -f \
    -c "$NET_RUN/alone.conf" >alone.log 2>&1 &&
    net_fail "it starts without its second address"
ip -n N addr del $na1/24 dev eth1
grep -q "port 4555 of $na2.*must be an address of this machine" alone.log ||
    net_fail "without its second address: $(cat alone.log)"
net_ok "refused: an address of two gateways, a gateway without a pool, without a name, or that is not here"

NET_PORTS=$ports
for g in N M; do
	pair_rsipd $g "$second"
done
pair_keepalived N - "$(pair_vrrp 55 150 $na1 "$NET_NB")
$(pair_vrrp 56 100 $na2 "")"
pair_keepalived M - "$(pair_vrrp 55 100 $na1 "$NET_NB")
$(pair_vrrp 56 150 $na2 "")"

# GATEWAY STATE1 STATE2: of its two addresses.
serves()
{
	net_holds "rsipd_$1" status '[at("gateways")[w]["state"]
	    for w in words[:2]] == words[2:]' $na1 $na2 "$2" "$3"
}

crossed()
{
	serves N active standby && serves M standby active
}

states()
{
	for g in N M; do
		net_ctl rsipd_$g status | sed -n '1p; /^gateways.*state/p'
	done
}

net_until 20 crossed || net_fail "not each its own: $(states)"
net_ctl rsipd_N status | head -n 1 |
    grep -q "$na1 active, $na2 standby" || net_fail "$(states)"
net_rsipc x1
net_rsipc x2
net_leases rsipd_N host "$NET_X1" && net_leases rsipd_M host "$NET_X2" ||
    net_fail "$(net_ctl rsipd_N leases)"
# HOST ADDRESS GATEWAY: what a gateway says of it.
leased()
{
	for g in N M; do
		net_holds rsipd_$g leases '{(r["host"], r["address"], r["gateway"])
		    for r in rows if r["host"] == words[0]} == {tuple(words)}' \
		    "$@" || return 1
	done
}
net_until 5 leased "$NET_X1" "$NET_NB" $na1 &&
    net_until 5 leased "$NET_X2" $nb2 $na2 ||
    net_fail "N: $(net_ctl rsipd_N leases) M: $(net_ctl rsipd_M leases)"
net_ok "each serves its own hosts, and knows of the other's: $(net_ctl rsipd_N status | head -n 1)"

# --- nothing of the other's ------------------------------------------------------
ask()
{
	ns=$1
	shift
	net_on "$ns" python3 "$NET_HERE/pair_cross.py" "$@" 2>&1
}

for case in "l1 $na1 $NET_NB $nb2" "l2 $na2 $nb2 $NET_NB"; do
	# shellcheck disable=SC2086
	set -- $case
	said=$(ask "$1" asks "$2" "10.0.0.9$([ "$1" = l1 ] && echo 9 || echo 8)" "$4" |
	    tr '\n' ' ')
	[ "$said" = "312 312 " ] || net_fail "$1 asks $2 for $4: $said"
done
net_start echo_y1 y1 python3 "$tool" echo 7007
net_ready echo_y1 10 grep -q echo echo_y1.log
said=$(ask l1 tunnel $na1 10.0.0.99 $na1 "$NET_Y1" 7007) || net_fail "$said"
[ "$said" = "answered 0" ] || net_fail "through its own tunnel: $said"
said=$(ask l1 tunnel $na1 10.0.0.99 $na2 "$NET_Y1" 7007) || net_fail "$said"
[ "$said" = "silence 0" ] || net_fail "through the other's tunnel: $said"
net_ok "a host of one is refused the other's address, and sends nothing through its tunnel"

# --- from a host of one to a host of the other ------------------------------------
net_start listens l2 python3 "$NET_HERE/pair_cross.py" listens $na2 10.0.0.98
net_ready listens 10 grep -q '^at' listens.log
# shellcheck disable=SC2046
set -- $(sed -n 's/^at //p' listens.log)
said=$(ask l1 tunnel $na1 10.0.0.99 $na1 "$1" "$2") || net_fail "$said"
[ "$said" = "answered 0" ] || net_fail "to a host of the other: $said $(cat listens.log)"
grep -q "heard $na2 $NET_NB through $na1" listens.log ||
    net_fail "$(cat listens.log)"
net_stop listens
net_ok "a host of one and a host of the other reach each other, each through its own tunnel"

# --- one of them is gone, and back -------------------------------------------------
held()
{
	net_json "rsipd_$1" leases 'sorted(str(sorted((k, v) for k, v in row.items()
	    if "expires" not in k and k not in ("transport",))) for row in rows
	    if row["host"] in words)' "$NET_X1" "$NET_X2"
}

for x in x1 x2; do
	net_start tcp_$x $x python3 "$tool" tcp "$NET_Y1" 7007
	net_ready tcp_$x 15 grep -q connected tcp_$x.log
done
net_until 10 net_holds oed_y1 sa 'rows' || net_fail "nothing is encrypted"
same_held()
{
	[ "$(held N)" = "$before" ] && [ "$(held M)" = "$before" ]
}
before=$(held N)
[ "${#before}" -gt 200 ] || net_fail "nothing is leased: $before"
net_until 5 same_held || net_fail "M follows with other leases: $(held M)"
echo each_its_own >phase
net_start load_1 l1 python3 "$NET_HERE/pair_split.py" load 100 spans_1 $na1 0.05
net_start load_2 l2 python3 "$NET_HERE/pair_split.py" load 200 spans_2 $na2 0.05

# PHASE: both have granted in it.
phase()
{
	echo "$1" >phase
	for n in 1 2; do
		net_until 20 test -e "spans_$n.$1.granted" ||
		    net_fail "$1: hosts of $n are granted nothing: $(states)"
	done
}

# HOW: hosts live on at M, under the same leases.
gone()
{
	net_until 20 serves M active active ||
	    net_fail "$1: M does not serve both: $(states)"
	phase "$1"
	[ "$(held M)" = "$before" ] || net_fail "$1: held before
$before
and now
$(held M)"
	for x in x1 x2; do
		net_until 10 heard_since_now tcp_$x ||
		    net_fail "$1: $x hears nothing: $(tail -n 3 tcp_$x.log)"
	done
	echo changing >phase
}

back()
{
	net_until 30 crossed || net_fail "$1: not each its own again: $(states)"
	phase "$1"
	net_until 10 same_held || net_fail "$1: N has $(held N)
and M $(held M)
and not
$before"
	for x in x1 x2; do
		net_until 10 heard_since_now tcp_$x ||
		    net_fail "$1: $x hears nothing: $(tail -n 3 tcp_$x.log)"
	done
	echo changing >phase
}

# Within the half second that follows something comes back.
heard_since_now()
{
	net_gap "$1" >/dev/null
	sleep 0.5
	net_gap "$1" | awk '{ exit !($1 < 0.45) }'
}

phase together
net_stop rsipd_N KILL
gone killed
pair_rsipd N "$second"
back after_killed
for segment in lan wire back; do
	ip -n $segment link set N nomaster
done
gone cut_off
for segment in lan wire back; do
	ip -n $segment link set N master switch0
done
back after_cut_off
for x in x1 x2; do
	net_alive tcp_$x || net_fail "the connection of $x ended"
done
if grep 'REGISTER_FIRST' rsipc_x1.log rsipc_x2.log; then
	net_fail "a host had to register anew"
fi
net_ok "killed and cut off, the other serves both; back, each has its own again: the same leases, and TCP in ESP lives"

# --- nothing was in two hands --------------------------------------------------------
touch spans_1.stop spans_2.stop
for n in 1 2; do
	net_until 20 grep -q "done" load_$n.log || net_fail "the load of $n does not end"
done
same()
{
	pair_same 'rsip:*g:*' "s/^rsip:g:/$na1 g:/; s/^rsip:$na2:/$na2 /"
}
net_until 10 same || net_fail "what is leased is not the same everywhere:
$(same)"
grep 'registered anew' load_1.log load_2.log && net_fail "a registration was lost"
said=$(python3 "$NET_HERE/pair_split.py" check spans_1 spans_2) ||
    net_fail "$said"
for case in "1 $nb2" "2 $NET_NB"; do
	grep -q " of ${case#* } " "spans_${case% *}" &&
	    net_fail "hosts of ${case% *} had ${case#* }"
done
awk 'NR == 1 { $3 = "10.0.0.250"; print }' spans_1 >spans_two
python3 "$NET_HERE/pair_split.py" check spans_1 spans_2 spans_two >two &&
    net_fail "the checker sees nothing: $(cat two)"
net_ok "$said; the store and both gateways know of the same"

# --- another order in one of the files ------------------------------------------------
net_stop rsipd_N
pair_rsipd_config N "pool \"$nb2\" { gateway = \"$na2\" }" |
    sed "s/^gateway = .*/gateway = \"$na2\"/; s/^pool \"$NET_NB\" {/& gateway = \"$na1\"/; s/^pool \"$nb2\".*/pool \"$nb2\" { }/" >rsipd_N.conf
net_start rsipd_N N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd_N.conf"
net_until 10 grep -q 'gateway has to be the same everywhere' rsipd_N.log ||
    net_fail "the other order: $(cat rsipd_N.log)"
serves N active active && net_fail "it takes over all the same"
net_ok "who has the gateways in another order takes nothing over, and says why"
