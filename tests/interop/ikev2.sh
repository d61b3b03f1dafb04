#!/bin/sh
# ikev2.sh - IKEv2's acceptance as a table: each row, its peer and what shows it, run; rows that nothing shows are said
#
# usage: ikev2.sh [ROW...]    needs a built tree (top_builddir) and root; half an hour or more
#
# Peers that conflict are unpacked beside each other (unpack.sh), and those that need
# a kernel's ESP run in virtual machines, one after the other.  LIBRESWAN and IKED, if
# they are set, name folders where those are.
here=$(cd "${srcdir:-$(dirname "$0")/../..}/tests/interop" && pwd) || exit 1
tests=$(cd "$here/.." && pwd)
top=$(cd "${top_builddir:-.}" && pwd)
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
: "${LIBRESWAN=$(sh "$here/unpack.sh" libreswan 2>"$logs/unpack")}"
: "${IKED=$(sh "$here/unpack.sh" openiked 2>>"$logs/unpack")}"
export top_builddir="$top" LIBRESWAN IKED
wanted=" $* "
failed=0 shown=0 rows=0 skipped=0

# COMMAND...: the name of its log.
log_of()
{
	printf '%s' "$*" | tr -c 'a-zA-Z0-9_\n' _
}

# COMMAND...: its result, each command run once.
result()
{
	name=$(log_of "$@")
	[ -e "$logs/$name.rc" ] || {
		case $1 in
		unit)
			(cd "$top" && srcdir="$tests/.." "tests/unit/$2" \
			    ${3:+"$tests/unit/scenarios/$3.scn"})
			;;
		*)
			script=$1; shift
			sh "$tests/$script" "$@"
			;;
		esac >"$logs/$name" 2>&1
		echo $? >"$logs/$name.rc"
	}
	case $(cat "$logs/$name.rc") in
	0) echo passed ;;
	77) echo skipped ;;
	*) echo FAILED ;;
	esac
}

# ROW PEER WHAT COMMAND...: no command, nothing shows it.
row()
{
	number=$1 peer=$2 what=$3
	shift 3
	[ "$wanted" = "  " ] || case $wanted in *" $number "*) ;; *) return ;; esac
	rows=$((rows + 1))
	if [ $# = 0 ]; then
		said="not shown"
	else
		said=$(result "$@")
	fi
	case $said in
	passed) shown=$((shown + 1)) ;;
	skipped) skipped=$((skipped + 1)) ;;
	FAILED) failed=$((failed + 1)) ;;
	esac
	printf '%-5s %-22s %-52s %-9s %s\n' "$number" "$peer" "$what" "$said" "$*"
	[ $# != 0 ] || return
	words="^(FAIL|not ok|ERROR)"
	[ "$said" = FAILED ] || words="^ok: row ${number}[,:]"
	grep -E "$words" "$logs/$(log_of "$@")" | head -n 15 | sed 's/^/      /'
}

charon=interop/charon_ike2.sh
printf '%-5s %-22s %-52s %-9s %s\n' row peer what result "shown by"
row 1 charon "we begin, RSA, ESP in UDP" $charon v2_keys
row 2 charon "it begins, RSA, ESP in UDP" $charon v2_keys
row 3 charon "each group, PRF, cipher and MAC" $charon v2_algorithms
row 4 charon "pre-shared keys" $charon v2_psk
row 5 charon "ECDSA P-256, P-384, Ed25519; RFC 4754" $charon v2_types
row 5o "charon, doc/peers.md" "our key in DNS and its configuration from the page" interop/peers.sh charon
row 6 charon "INVALID_KE_PAYLOAD" $charon v2_algorithms
row 7 charon "COOKIE, and INVALID_KE_PAYLOAD after it" $charon v2_cookies
row 8 charon "rekeys of both kinds, by us" $charon v2_rekey
row 9 charon "rekeys of both kinds, by it" $charon v2_rekey
row 10 charon "rekeys that cross" $charon v2_rekey
row 11 charon "fragments both ways" $charon v2_fragments
row 12 charon "stopped, killed, restarted: INITIAL_CONTACT" $charon v2_dead
row 12o oed "killed, restarted, away" net/oe_alive.sh
row 13 charon "behind a NAT" $charon v2_natt
row 14 charon "MOBIKE"
row 15 "charon, trap" "transport mode, it begins" interop/charon_trap.sh
row 16 "libreswan, authnull" "NULL both ways, we begin" interop/libreswan_null.sh
row 17 "libreswan, authnull" "NULL both ways, it begins" interop/libreswan_null.sh
row 18 "libreswan, authnull" "both begin at once" interop/libreswan_null.sh
row 18f "ours, fake network" "both begin at once, any datagram lost" unit test_ike2_life
row 19 "libreswan, authnull" "transport mode, it begins, we begin" interop/libreswan_null.sh
row 19o oed "transport mode, who asks and who does not" net/oe_transport.sh
row 20 libreswan "NULL to a raw RSA key from DNS" interop/peers.sh libreswan
row 21 libreswan "the same behind a NAT, an address of the peer's" interop/libreswan_pool.sh
row 22 libreswan "two rsipc behind one rsipd, raw ESP, at once" interop/libreswan_pool.sh
row 22s charon "the same, blocks of ports as selectors" interop/charon_rsip.sh
row 22o oed "two rsipc behind one rsipd, raw ESP, at once" net/e2e.sh
row 23 libreswan "its client, our key from DNS" interop/libreswan_client.sh
row 24 oed "classes each against each" net/oe_grid.sh
row 25 "libreswan, busy" "it asks for a cookie, we begin" interop/libreswan_null.sh
row 25f "ours, fake network" "a flood, cookies" unit test_ike2_hostile
row 25o oed "a flood of IKE_SA_INIT, in the gateway's name" net/attack_ike_flood.sh
row 26 "libreswan, authnull" "killed and back: traffic again" interop/libreswan_null.sh
row 26s "ours, scenario" "one without a name began anew" unit test_scenarios null_began_anew
row 27 "ours, scenario" "NULL takes no place of who is known" unit test_scenarios null_never_replaces
row 28 "libreswan, authnull" "over IPv6, it begins, we begin" interop/libreswan_six.sh
row 28s charon "over IPv6, it begins, we begin" interop/charon_six.sh
row 28o oed "over IPv6" net/oe_six.sh
row 29 OpenIKED "ECDSA, AES-CBC, we begin" interop/peers.sh iked
row 30 OpenIKED "it begins"
row 31 "oed with IKEv1 alone" "fallback; IKEv2 eaten: no way back" net/oe_version.sh
row 32 charon "it rekeys the IKE SA through rsipd, port 500" interop/charon_rsip.sh
row 32f "ours, fake network" "the peer rekeys its IKE SA: the probe" unit test_ike2_rekey
row 33 "ours, hostile" "each truncation, each byte" unit test_ike2_hostile
printf '%u rows: %u shown, %u failed, %u skipped, %u that nothing shows\n' "$rows" \
    "$shown" "$failed" "$skipped" $((rows - shown - failed - skipped))
[ "$failed" = 0 ]
