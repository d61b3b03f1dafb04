#!/bin/sh
# nat_near.sh - leased ports from the private side and the router, the router's services from a host, pings, port forwards
exec sh "${srcdir:-$(dirname "$0")/../..}/tests/net/nat_path.sh" "${1:-iptables}" nat_near.py
