#!/bin/sh
# peers.sh - the servers of doc/peers.md, set up with what stands there, and an oed that encrypts to them
#
# usage: peers.sh [charon | libreswan | iked]...
#
# charon by itself does ESP in UDP, on any kernel: that is what make check runs.
# libreswan and iked need a kernel's, and run in a VM; Debian's packages conflict with
# each other: LIBRESWAN and IKED name the folders into which they were unpacked
# (dpkg -x), / where they are installed.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/charonlib.sh"
. "$here/peerslib.sh"
[ $# -gt 0 ] || set -- charon
for peer in "$@"; do
	"peer_${peer}_wants"
done
[ "$(id -u)" = 0 ] || net_skip "needs root"
net_needs openssl
[ "$*" = charon ] || vm_enter 900 "$@"
oe_enter "$@"
mkdir "$NET_RUN/page"
oe_wire
oe_host laptop 198.51.100.1
oe_host server 198.51.100.10
for peer in "$@"; do
	rm -f "$NET_RUN"/laptop.* "$NET_RUN"/K* "$NET_RUN"/*.zones
	: >"$NET_RUN/lab.records"
	: >"$NET_RUN/reverse.records"
	"peer_${peer}_run"
done
