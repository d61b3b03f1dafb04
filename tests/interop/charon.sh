#!/bin/bash
# charon.sh - IKEv1 and ESP against strongSwan with the kernel's ESP, in a VM (some minutes under emulation)
#
# usage: charon.sh [CASE...]    cases: see charon_inside.sh
set -u
here=$(cd "${srcdir:-.}" 2>/dev/null && cd tests/interop 2>/dev/null && pwd) ||
	here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "${top_builddir:-.}" && pwd)
skip() { echo "skipped: $*"; exit 77; }

[ -x "$top/tests/interop/ike_probe" ] || skip "no $top/tests/interop/ike_probe (make check builds it)"
[ -x "${CHARON:-/usr/lib/ipsec/charon}" ] || skip "no charon (apt-get install strongswan-charon libstrongswan-standard-plugins)"
command -v swanctl >/dev/null || skip "no swanctl (apt-get install strongswan-swanctl)"
[ -e /usr/lib/ipsec/plugins/libstrongswan-openssl.so ] || skip "no ECP groups in strongSwan (apt-get install libstrongswan-standard-plugins)"
for p in nft tcpdump ping python3 openssl; do
	command -v $p >/dev/null || skip "no $p"
done
exec "$here/vm.sh" "${TIMEOUT:-1500}" "$here/charon_inside.sh" "$top" "$@"
