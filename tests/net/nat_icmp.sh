#!/bin/sh
# nat_icmp.sh - ICMP errors, path MTU, fragments, DSCP, ECN and TTL through the data plane
srcdir=${srcdir:-$(dirname "$0")/../..}
exec sh "$srcdir/tests/net/nat_path.sh" "${1:-iptables}" nat_icmp.py
