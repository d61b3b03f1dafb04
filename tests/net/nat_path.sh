#!/bin/sh
# nat_path.sh - each packet through the data plane, seen on both wires; leaves nothing behind
#
# usage: nat_path.sh [iptables|nftables] [SCRIPT.py]
. "$(dirname "$0")/lib.sh"
net_needs iptables
[ -x "$NAT_GATEWAY" ] || net_needs_built tests/net/nat_gateway
net_enter "$@"
fw=${1:-iptables}
case $fw in
iptables)
	iptables -t raw -A PREROUTING -p esp -j NFQUEUE 2>/dev/null ||
	    net_skip "no NFQUEUE target for iptables here";;
nftables)
	nft add table ip t 2>/dev/null && nft add chain ip t c &&
	    nft add rule ip t c queue 2>/dev/null ||
	    net_skip "no queue statement for nft here";;
esac
NAT_GATEWAY=${NAT_GATEWAY:-$NET_TOP/tests/net/nat_gateway}
export NAT_GATEWAY
python3 -B "$NET_HERE/${2:-nat_path.py}" "$fw"
