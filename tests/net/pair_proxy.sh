#!/bin/sh
# pair_proxy.sh - an address that no machine has ("proxy"): who is active answers ARP for it, at a fail-over and at the end
. "$(dirname "$0")/lib.sh"
. "$NET_HERE/pairlib.sh"
pair_needs
net_needs_built rsipc/rsipc
net_enter "$@"
cd "$NET_RUN" || exit 1
tool=$NET_HERE/laptop_gap.py
PAIR_POOL=198.51.100.66
PAIR_POOL_LINES='proxy = true'

pair_picture
pair_store
pair_rsipd N
pair_rsipd M

# GATEWAY: its hardware address on the wire.
mac()
{
	ip -n "$1" -br link show eth0 | awk '{ print $3 }'
}
asked()
{
	net_on dns python3 "$NET_HERE/arp_asks.py" eth0 "$NET_DNS" "$PAIR_POOL"
}
# GATEWAY|"": it answers ARP for the address, or nobody does; and nobody else.
answers()
{
	want=
	[ -z "$1" ] || want=$(mac "$1")
	[ "$(asked)" = "$want" ]
}
# GATEWAY: nothing of the address is left there.
clean()
{
	[ -z "$(ip -n "$1" neigh show proxy; ip -n "$1" route show "$PAIR_POOL")" ]
}
# HOST GATEWAY: where a neighbour that has spoken with it sends.
sends_to()
{
	ip -n "$1" neigh show "$PAIR_POOL" | grep -q "$(mac "$2")"
}
# GATEWAY OTHER: all of it has moved there, and the stream with it.
moved()
{
	net_until 10 pair_is "$1" active || net_fail "$1 is not active"
	net_until 10 answers "$1" || net_fail "ARP is answered by $(asked) and not $(mac "$1")"
	net_until 10 sends_to y2 "$1" ||
	    net_fail "y2 sends to another: $(ip -n y2 neigh show "$PAIR_POOL")"
	net_until 40 hears || net_fail "the stream stands still: $(tail -n 3 take.log)"
}
hears()
{
	net_gap take >/dev/null
	sleep 0.2
	awk -v g="$(net_gap take)" 'BEGIN { exit !(g < 0.2) }'
}

answers '' || net_fail "ARP is answered while nobody is active"
pair_keepalived N 150
net_until 15 pair_is N active || net_fail "N does not become active"
pair_keepalived M 100
net_rsipc_clear x1
net_start drip y2 python3 "$tool" drip 7007
net_ready drip 10 grep -q drips drip.log
net_start take x1 python3 "$tool" take "$NET_Y2" 7007
net_ready take 15 grep -q "connected $PAIR_POOL" take.log
moved N
clean M || net_fail "M stands by, and has $(ip -n M neigh show proxy)"
net_ok "the active one answers ARP for the leased address, nobody else; a stream comes in by it"

# The daemon is killed, what keeps its rules is not: the address moves all the same.
net_stop rsipd_N KILL
moved M
net_until 10 clean N || net_fail "N has $(ip -n N neigh show proxy)"
net_ok "killed: the other answers, the neighbour sends there, the stream lives"
pair_rsipd N
net_until 10 pair_is N standby || net_fail "N does not stand by"
answers M || net_fail "N is back, and answers"

# An orderly end, as at an upgrade.
net_stop rsipd_M
moved N
net_until 10 clean M || net_fail "M has $(ip -n M neigh show proxy)"
pair_rsipd M
net_until 10 pair_is M standby || net_fail "M does not stand by"
net_ok "upgraded: the same"

# A machine that hears nobody believes to be active, until it hears again.
ip -n lan link set N nomaster
ip -n wire link set N nomaster
ip -n back link set N nomaster
moved M
ip -n lan link set N master switch0
ip -n wire link set N master switch0
ip -n back link set N master switch0
one_answers()
{
	{ pair_is N active && pair_is M standby && answers N && sends_to y2 N; } ||
	    { pair_is M active && pair_is N standby && answers M && sends_to y2 M; }
}
net_until 30 one_answers || net_fail "after a cut: N $(net_ctl rsipd_N status | head -n 1)
M $(net_ctl rsipd_M status | head -n 1)
$(asked)
y2: $(ip -n y2 neigh show "$PAIR_POOL"); N $(mac N) M $(mac M)"
net_until 40 hears || net_fail "the stream stands still: $(tail -n 3 take.log)"
net_ok "cut off and back: one of them answers, and the neighbour sends there"

for g in N M; do
	net_stop rsipd_$g
done
net_until 15 answers '' || net_fail "ARP is answered at the end"
for g in N M; do
	net_until 15 clean $g || net_fail "$g has $(ip -n $g neigh show proxy)"
done
net_ok "both ended: nobody answers"
