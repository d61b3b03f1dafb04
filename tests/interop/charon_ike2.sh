#!/bin/sh
# charon_ike2.sh - IKEv2 against strongSwan without a VM: charon does ESP itself, so it is about IKE and ESP in UDP
#
# usage: charon_ike2.sh [CASE...]    cases: see charon_inside.sh; v2_algorithms, v2_cookies and v2_dead take a minute more
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- v2_keys v2_types v2_psk v2_fragments v2_deletes v2_natt v2_refusals v2_rekey
exec sh "$here/charon_ike.sh" "$@"
