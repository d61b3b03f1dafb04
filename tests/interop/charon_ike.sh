#!/bin/sh
# charon_ike.sh - IKEv1 against strongSwan without a VM: charon does ESP itself, so it is about IKE and ESP in UDP
#
# usage: charon_ike.sh [CASE...]    cases: see charon_inside.sh; charon.sh has raw ESP, with the kernel's
here=$(cd "${srcdir:-$(dirname "$0")/../..}/tests/interop" && pwd) || exit 1
top=$(cd "${top_builddir:-.}" && pwd)
skip() { echo "skipped: $*"; exit 77; }

[ "$(id -u)" = 0 ] || skip "needs root"
[ -x "$top/tests/interop/ike_probe" ] || skip "no $top/tests/interop/ike_probe (make check builds it)"
[ -x "${CHARON:-/usr/lib/ipsec/charon}" ] || skip "no charon (apt-get install strongswan-charon)"
command -v swanctl >/dev/null || skip "no swanctl (apt-get install strongswan-swanctl)"
[ -e /usr/lib/ipsec/plugins/libstrongswan-openssl.so ] || skip "strongSwan without ECP groups (apt-get install libstrongswan-standard-plugins)"
[ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] || skip "strongSwan without ESP of its own (apt-get install libcharon-extra-plugins)"
[ -c /dev/net/tun ] || skip "no /dev/net/tun"
for p in bash ip nft tcpdump ping python3 openssl unshare; do
	command -v $p >/dev/null || skip "no $p"
done
[ $# -gt 0 ] || set -- keys roles psk rekey deletes dead kilobytes natt refusals
# Namespaces and sockets under /run that nobody else sees.
exec unshare -m sh -c 'mount --make-rprivate / && mount -t tmpfs run /run &&
	mkdir /run/netns /run/lock && LIBIPSEC=1 exec bash "$@"' sh "$here/charon_inside.sh" "$top" "$@"
