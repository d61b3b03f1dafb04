#!/bin/sh
# rsip_cards.sh - eBPF at the gateway's cards (XDP): a download through it, and what rsipd says and does when it cannot be
. "$(dirname "$0")/lib.sh"
net_needs curl nginx ethtool
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
net_picture

# LINK WORDS...: of the other end of the gateway's card there.
far()
{
	net_on "$1" ethtool -K N "$2" "$3" >far.log 2>&1 ||
	    net_fail "ethtool: $(cat far.log)"
}
for card in eth0 eth1; do
	net_on N ethtool -K "$card" rxvlan off >far.log 2>&1 ||
	    net_fail "ethtool: $(cat far.log)"
done
for link in lan wire; do
	# Received by NAPI there, and with sums, which a network card makes.
	far $link gro on
	far $link tx off
done
net_web y2

# PLACE: where eBPF stands, by status.
stands()
{
	net_holds rsipd status 'at("dataplane.offload") == words[0]' "$1"
}
# COUNTER
count()
{
	net_json rsipd status 'at("dataplane")[words[0]]' "$1"
}
programs()
{
	net_on N ip -d link show | grep -c 'prog/xdp.* name offload_card'
}
download()
{
	net_fetch x1 "$NET_Y2" "$NET_RUN/got" ||
	    net_fail "$1: $(cat "$NET_RUN/got.log")"
	net_same "$NET_RUN/got" || net_fail "$1: another file"
}

net_rsipd 'offload = "xdp"'
net_holds rsipd status '"ebpf" in at("dataplane.path")' ||
    net_skip "no eBPF in this build or kernel: $(head -1 rsipd.log)"
stands xdp || net_skip "no XDP in this kernel's veth: $(grep eBPF rsipd.log)"
net_rsipc_clear x1
was=$(count offloaded_xdp)
download "at the cards"
now=$(count offloaded_xdp)
# 10 MB, of which a packet now and then is the kernel's.
[ $((now - was)) -gt 6000 ] || net_fail "by the cards: $was, then $now of
$(net_ctl rsipd status)"
[ "$(programs)" = 2 ] || net_fail "$(net_on N ip -d link show)"
net_ok "a download: $((now - was)) packets by the cards"

at_tc()
{
	net_on x1 ping -c 1 -W 1 "$NET_Y2" >/dev/null 2>&1
	stands tc
}
at_cards()
{
	net_on x1 ping -c 1 -W 1 "$NET_Y2" >/dev/null 2>&1
	stands xdp
}
stops_sending()
{
	far lan gro off
	net_until 20 at_tc || net_fail "$(net_ctl rsipd status)"
	grep -q 'eth1 does not send what comes by XDP' rsipd.log ||
	    net_fail "$(cat rsipd.log)"
	was=$(count offloaded_xdp)
	download "at tc"
	[ "$(count offloaded_xdp)" = "$was" ] ||
	    net_fail "by the cards: $was, and more"
	far lan gro on
	net_until 20 at_cards || net_fail "$(net_ctl rsipd status)"
	net_ok "a card that no longer sends: seen, said, and all goes by tc"
}
# Older kernels do not say which drivers send by XDP.
case $(uname -r) in
[0-5].* | 6.[0-2].*) ;;
*) stops_sending ;;
esac

net_stop rsipd KILL
none()
{
	[ "$(programs)" = 0 ]
}
net_until 5 none || net_fail "$(net_on N ip -d link show)"
for word in '"tc"' true; do
	net_rsipd "offload = $word"
	stands tc || net_fail "$word: $(net_ctl rsipd status)"
	none || net_fail "$word: $(net_on N ip -d link show)"
	net_stop rsipd
done
net_ok "killed, no program stays; none comes by itself to what is no network card"
