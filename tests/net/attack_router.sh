#!/bin/sh
# attack_router.sh - a gateway does not weaken the router: forged sources, other inside networks, RSIP from elsewhere
exec sh "${srcdir:-$(dirname "$0")/../..}/tests/net/nat_path.sh" "${1:-iptables}" attack_router.py
