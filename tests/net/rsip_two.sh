#!/bin/sh
# rsip_two.sh - one router that is two gateways without a shared store: leases on disk, reload, each in its own tunnel, by eBPF too
. "$(dirname "$0")/lib.sh"
net_rsip_enter "$@"
na1=10.0.0.1
na2=10.0.0.5
nb2=198.51.100.5
ip -n N addr add $na2/24 dev eth1
ip -n N addr add $nb2/24 dev eth0
both="gateway = \"$na1\"
pool \"$nb2\" { ports = {\"20000-49999\"} gateway = \"$na2\" }"
net_rsipd "$both"
net_start echo_y1 y1 python3 "$NET_HERE/laptop_gap.py" echo 7007
net_ready echo_y1 10 grep -q echo echo_y1.log

ask()
{
	net_on x1 python3 "$NET_HERE/pair_cross.py" "$@" 2>&1
}

# WORD: what rsipd's status has of it for each gateway.
each()
{
	net_json rsipd status '[g[words[0]] for _, g in
	    sorted(at("gateways").items())]' "$1" | tr '\n' ' '
}

said="$(each state)$(each pools)"
[ "$said" = "active active ['$NET_NB'] ['$nb2'] " ] || net_fail "status: $said"

# One host of both: it has a registration and a lease at each.
ask holds $na1 "$NET_X1" || net_fail "at $na1"
ask holds $na2 "$NET_X1" || net_fail "at $na2"
held()
{
	net_json rsipd leases 'sorted((r["gateway"], r["address"], r["client_id"],
	    r["bind_id"], r["ports"]) for r in rows)'
}
before=$(held)
[ "$(echo "$before" | wc -l)" = 2 ] || net_fail "held: $before"
net_holds rsipd leases 'sorted([r["gateway"], r["address"]] for r in rows) == [
    words[:2], words[2:]]' $na1 "$NET_NB" $na2 $nb2 ||
    net_fail "held: $before"
net_ok "one host is registered at both, and has at each what is that one's"

# --- each in its own tunnel -----------------------------------------------------
offloaded()
{
	net_json rsipd status 'at("dataplane").get("offloaded_out", 0)'
}

for case in "$na1 $na2" "$na2 $na1"; do
	was=$(offloaded)
	said=$(ask tunnel "${case% *}" "$NET_X1" "${case% *}" "$NET_Y1" 7007 6) ||
	    net_fail "$said"
	[ "$said" = "answered 0" ] || net_fail "$case: through its own: $said"
	if net_holds rsipd status '"ebpf" in at("dataplane.path")'; then
		[ "$(offloaded)" -gt "$was" ] || net_fail "$case: nothing by eBPF"
		by="by eBPF"
	fi
	said=$(ask tunnel "${case% *}" "$NET_X1" "${case#* }" "$NET_Y1" 7007) ||
	    net_fail "$said"
	[ "$said" = "silence 307" ] || net_fail "$case: through the other's: $said"
done
net_ok "each in its own tunnel ${by-without eBPF}; in the other's it is misuse, and the host is told"

# --- a kill, and reloads ----------------------------------------------------------
before=$(held)
if [ -n "$NET_STORE" ]; then
	net_stop rsipd KILL
	net_rsipd "$both"
	[ "$(held)" = "$before" ] || net_fail "held before
$before
and now
$(held)"
	[ -e "$NET_STORE.$na2" ] || net_fail "$(ls "$NET_RUN")"
	net_ok "killed and back, both have what they had, with the same ids"
fi

# WHAT LINES TEXT: SIGHUP with these, of which the log has that to say.
reload()
{
	net_rsipd_config "$2" >rsipd.conf
	kill -HUP "$(net_pid rsipd)"
	net_until 10 grep -q "$3" rsipd.log || net_fail "$1: $(cat rsipd.log)"
	[ "$(held)" = "$before" ] || net_fail "$1: held before
$before
and now
$(held)"
}

reload "a gateway more" "$both
pool \"198.51.100.6\" { gateway = \"10.0.0.6\" }" \
    '198.51.100.6": another gateway only with a restart'
reload "a pool of the other" "gateway = \"$na1\"
pool \"$nb2\" { }" "$nb2\": another gateway only with a restart"
reload "a pool more" "$both
pool \"198.51.100.7\" { gateway = \"$na2\" }" 'configuration read again'
said=$(each pools)
[ "$said" = "['$NET_NB'] ['$nb2', '198.51.100.7'] " ] || net_fail "$said"
net_ok "reload: a pool more is taken, another gateway is not, and says so; nobody loses a lease"
