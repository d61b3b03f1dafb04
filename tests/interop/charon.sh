#!/bin/bash
# charon.sh - IKEv1 and ESP against strongSwan with the kernel's ESP, in a VM (some minutes under emulation)
#
# usage: charon.sh [CASE...]    cases: see charon_inside.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "${top_builddir:-.}" && pwd)
skip() { echo "skipped: $*"; exit 77; }

[ -x "${CHARON:-/usr/lib/ipsec/charon}" ] || skip "no charon (apt-get install strongswan-charon libstrongswan-standard-plugins)"
[ -e /usr/lib/ipsec/plugins/libstrongswan-openssl.so ] || skip "no ECP groups in strongSwan (apt-get install libstrongswan-standard-plugins)"
exec "$here/vm.sh" "${TIMEOUT:-1500}" env top_builddir="$top" \
    sh "$here/charon_inside.sh" "$@"
