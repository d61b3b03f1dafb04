#!/bin/sh
# nat_offload_xdp.sh - eBPF at the cards: the same packets as at tc and by NFQUEUE alone; skipped where it was not built
exec sh "${srcdir:-$(dirname "$0")/../..}/tests/net/nat_path.sh" "${1:-iptables}" nat_cards.py
