#!/bin/sh
# charon_ike.sh - IKEv1 against strongSwan without a VM: charon does ESP itself, so it is about IKE and ESP in UDP
#
# usage: charon_ike.sh [CASE...]    cases: see charon_inside.sh; charon.sh has raw ESP, with the kernel's
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "skipped: $*"; exit 77; }

[ -x "${CHARON:-/usr/lib/ipsec/charon}" ] || skip "no charon (apt-get install strongswan-charon)"
[ -e /usr/lib/ipsec/plugins/libstrongswan-openssl.so ] || skip "strongSwan without ECP groups (apt-get install libstrongswan-standard-plugins)"
[ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] || skip "strongSwan without ESP of its own (apt-get install libcharon-extra-plugins)"
[ $# -gt 0 ] || set -- keys roles psk rekey deletes dead kilobytes natt refusals
LIBIPSEC=1 exec sh "$here/charon_inside.sh" "$@"
