#!/bin/sh
# rsip_reload.sh - a running, locked rsipd reads its configuration again, and takes back what it no longer allows
. "$(dirname "$0")/lib.sh"
net_rsip_enter "$@"
net_rsipd
net_on x1 python3 "$NET_HERE/rsip_reload.py" "$NET_TOP/ctl/rsipctl" \
    "$NET_RUN" || exit 1
grep -q 'only with a restart' "$NET_RUN/rsipd.log" ||
    net_fail "nothing was said about what needs a restart"
net_ok "policies, leases and secrets change in a running gateway"
