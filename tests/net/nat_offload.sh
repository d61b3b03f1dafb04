#!/bin/sh
# nat_offload.sh - established flows forwarded by eBPF, on real wires; skipped where it was not built
exec sh "${srcdir:-$(dirname "$0")/../..}/tests/net/nat_path.sh" "${1:-iptables}" nat_offload.py
