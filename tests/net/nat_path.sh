#!/bin/sh
# nat_path.sh - each packet through the data plane, seen on both wires; leaves nothing behind
#
# usage: nat_path.sh [iptables|nftables] [SCRIPT.py]
srcdir=${srcdir:-$(dirname "$0")/../..}
fw=${1:-iptables}

skip() { echo "skipped: $*"; exit 77; }

for p in python3 ip iptables unshare; do
	command -v $p >/dev/null || skip "no $p"
done
if [ "$(id -u)" != 0 ] && [ -z "$NAT_PATH_INSIDE" ]; then
	# A user namespace has its own networks; ip netns wants a /run it can write.
	unshare -rnm true 2>/dev/null || skip "neither root nor user namespaces"
	# shellcheck disable=SC2016
	NAT_PATH_INSIDE=1 exec unshare -rnm sh -c \
	    'mount -t tmpfs run /run && exec sh "$0" "$@"' "$0" "$@"
fi
case $fw in
iptables)
	unshare -n iptables -t raw -A PREROUTING -p esp -j NFQUEUE 2>/dev/null ||
	    skip "no NFQUEUE target for iptables here";;
nftables)
	unshare -n sh -c 'nft add table ip t && nft add chain ip t c && nft add rule ip t c queue' \
	    2>/dev/null || skip "no queue statement for nft here";;
esac
exec python3 -B "$srcdir/tests/net/${2:-nat_path.py}" "$fw"
