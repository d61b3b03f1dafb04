#!/bin/sh
# router_renumbers.sh - the router's public address is another, or away for a moment, and pools come and go by SIGHUP: how long two laptops are silent
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/laptoplib.sh"
laptop_enter "$@"
new=198.51.100.7
other=198.51.100.8

# LINES: rsipd.conf, and the gateway reads it.
configure()
{
	{
		net_rsipd_config "" | grep -v '^pool'
		printf 'pool "%s" { ports = {"20000-49999"} }\n%s\n' "$1" "$2"
	} >rsipd.conf
	[ "$3" = start ] || net_ctl rsipd reload >/dev/null ||
	    net_fail "the gateway does not read its file again"
}

# HOST ADDRESS: true once it has a lease of that address and y1 answers.
is_back()
{
	net_leases "rsipc_$1" address "$2" && laptop_answered "$1" "$NET_Y1"
}

fresh()
{
	sleep 0.5
	net_gap udp_x1 >/dev/null
	net_gap udp_x2 >/dev/null
}

# CASE ADDRESS LIMIT
row()
{
	for host in x1 x2; do
		net_until 20 is_back "$host" "$2" || net_fail "$1: $host: $(
		    net_ctl "rsipc_$host" why "$NET_Y1")"
	done
	sleep 0.3
	for host in x1 x2; do
		g=$(net_gap "udp_$host") || exit 1
		net_ctl "rsipc_$host" why "$NET_Y1" | grep -q ': encrypted' ||
		    net_fail "$1: $host is not encrypted"
		net_say "| $1, $host | $g s | $(awk -v g="$g" -v l="$3" 'BEGIN {
		    print g <= l ? "within" : "LONGER THAN" }') $3 s, encrypted |"
	done
}

bindings()
{
	net_json rsipd leases 'sorted(r["bind_id"] for r in rows)'
}

net_picture
laptop_peer
configure eth0 "" start
net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c rsipd.conf
net_ready rsipd 10 net_ctl rsipd status
net_rsipc x1
net_rsipc x2
for host in x1 x2; do
	net_start "udp_$host" "$host" python3 "$LAPTOP_GAP" udp "$NET_Y1" 7007
	net_until 10 is_back "$host" "$NET_NB" || net_fail "y1 does not answer"
done

fresh
was=$(bindings)
[ -n "$was" ] || net_fail "no leases are shown"
ip -n N address del "$NET_NB/24" dev eth0
sleep 0.4
ip -n N address add "$NET_NB/24" dev eth0
ip -n N route replace default dev eth0
sleep 1.2
row "address away for 0.4 s and back" "$NET_NB" 1
[ "$was" = "$(bindings)" ] || net_fail "leases were taken back: $was; $(bindings)"
net_ok "the leases are the same"

fresh
ip -n N address del "$NET_NB/24" dev eth0
ip -n N address add "$new/24" dev eth0
ip -n N route replace default dev eth0
row "another address" "$new" 3
net_on N nft list ruleset 2>/dev/null | grep -q "$NET_NB" &&
    net_fail "rules name the old address"

fresh
configure eth0 "pool \"$other\" { ports = {\"20000-29999\"} }"
row "SIGHUP adds a pool" "$new" 1
net_until 5 sh -c "ip -n N neigh show proxy | grep -q $other" ||
    net_fail "nobody answers for the added pool"
fresh
configure "$other" ""
row "SIGHUP removes the pool in use" "$other" 3
fresh
configure eth0 ""
row "and back to the interface's" "$new" 3
net_until 5 sh -c "! ip -n N neigh show proxy | grep -q $other" ||
    net_fail "the removed pool is still answered for"
net_ok "the gateway follows its address and its file"
