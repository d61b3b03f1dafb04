#!/bin/sh
# router.sh - doc/guides/router.md, typed as it stands on the picture's router
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/guidelib.sh"
[ -n "$NET_STORE" ] || net_skip "built without LMDB"
guide_enter net_picture "N x1 y1" "$@"

guide_do_laptop()
{
	guide_type x1 rsipc >rsipc.log 2>&1
}

guide_do_ended()
{
	net_until 10 guide_gone "$1"
}

guide_laptop_key
guide_dns
guide_follow router.md

for table in nat raw mangle; do
	net_on N iptables-save -t "$table" 2>/dev/null
done >left
net_on N nft list ruleset >>left 2>/dev/null
! grep -qi rsip left || net_fail "the router is not as before: $(cat left)"
net_ok "the router's rules are as before"
