#!/bin/sh
# openwrt.sh - OpenWrt's package: what its configuration becomes is what the daemons accept
set -u

files=$(cd "$(dirname "$0")/../contrib/openwrt/files" && pwd) || exit 99
build=$(cd "${top_builddir:-.}" && pwd)
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

fail()
{
	echo "FAIL: $*"
	exit 1
}

# Stands in for /lib/functions.sh: options are variables SECTION_OPTION.
config_get()
{
	eval "$1=\${$2_$3-}"
}

config_get_bool()
{
	config_get "$@"
	eval "case \$$1 in '') $1=$4 ;; 1 | on | true | yes) $1=1 ;; *) $1=0 ;; esac"
}

config_list_foreach()
{
	eval "for item in \${$1_$2-}; do $3 \"\$item\"; done"
}

# ... and for network.sh.
network_find_wan()
{
	eval "$1=wan"
}

network_get_device()
{
	[ "$2" = wan ] && eval "$1=eth0" || eval "$1=br-lan"
}

# shellcheck source=contrib/openwrt/files/rsip.sh
. "$files/rsip.sh"
for script in "$files"/*.init; do
	sh -n "$script" || fail "${script##*/}"
done

# The package's own /etc/config/rsip, and then with every kind of option.
rsipd_private=lan
rsip_rsipd_conf rsipd >"$dir/rsipd.conf"
cat >"$dir/want" <<'EOF'
# made of /etc/config/rsip: changes here are lost
private-interface = "br-lan"
public-interface = "eth0"
EOF
cmp -s "$dir/rsipd.conf" "$dir/want" || {
	cat "$dir/rsipd.conf"
	fail "rsipd.conf is not what it was"
}
# Only interfaces that exist here are accepted.
network_get_device()
{
	eval "$1=lo"
}
rsipd_lease_time=3600 rsipd_local_ipsec=on rsipd_udp=0
rsipd_local_policy=macro rsipd_tunnels="ipip gre" rsipd_gateway=10.0.0.1
rsipd_offload=xdp rsipd_include=$dir/more
echo 'pool "198.51.100.1" { ports = {"20000-49999"} }' >"$dir/more"
rsip_rsipd_conf rsipd >"$dir/rsipd.conf"
"$build/rsipd/rsipd" -n -c "$dir/rsipd.conf" >"$dir/log" 2>&1 || {
	cat "$dir/rsipd.conf" "$dir/log"
	fail "rsipd does not accept it"
}
grep -q '^offload = xdp$' "$dir/rsipd.conf" || fail "offload has two words more"
grep -q 'local-ipsec = true' "$dir/rsipd.conf" &&
    grep -q 'udp = false' "$dir/rsipd.conf" || fail "truth values"

# A router whose public address is private leases it if its owner says so.
echo 'pool "192.168.1.1" { ports = {"20000-49999"} }' >"$dir/more"
# "yes" or "no": does rsipd accept it?
accepted()
{
	rsip_rsipd_conf rsipd >"$dir/rsipd.conf"
	"$build/rsipd/rsipd" -n -c "$dir/rsipd.conf" >"$dir/log" 2>&1 &&
	    echo yes || echo no
}
[ "$(accepted)" = no ] && grep -q private-pools "$dir/log" ||
    fail "a private pool is leased unasked"
rsipd_private_pools=1
[ "$(accepted)" = yes ] || {
	cat "$dir/rsipd.conf" "$dir/log"
	fail "private_pools"
}

# A router that is two gateways, the second in the included file.
echo 'pool "198.51.100.1" { }
pool "198.51.100.5" { gateway = "10.0.0.5" }' >"$dir/more"
[ "$(accepted)" = yes ] || {
	cat "$dir/rsipd.conf" "$dir/log"
	fail "two gateways"
}

# The options that PROGRAM prints (-o): at its top, and with SECTION those in there.
options()
{
	"$1" -n -o 2>/dev/null | if [ $# = 2 ]; then
		sed -n "/^#*$2 {/,/^#*}/s/^#*	#*\([a-z0-9-]*\) = .*/\1/p"
	else
		sed -n 's/^#\([a-z0-9-]*\) = .*/\1/p'
	fi
}

# FUNCTION [OPTION...]: every option in $dir/options has its word in UCI, but those;
# what is a section of its own is for the included file, and so are secrets.
words()
{
	function=$1
	shift
	# shellcheck disable=SC2046
	set -- "$@" $(sed -n "/^$function()/,/^}/p" "$files/rsip.sh" |
	    tr ' \t;' '\n' | tr _ -)
	[ -s "$dir/options" ] || fail "$function: no options"
	while read -r option; do
		for word in "$@"; do
			[ "$word" != "$option" ] || continue 2
		done
		fail "/etc/config/rsip has no word for $option in $function"
	done <"$dir/options"
	echo "$function: $(wc -l <"$dir/options") options have their words"
}
options "$build/rsipd/rsipd" >"$dir/options"
words rsip_rsipd_conf control parent secret key-id metrics-token
options "$build/oe/oed" >"$dir/options"
options "$build/oe/oed" oe >>"$dir/options"
words rsip_oed_conf interface control state tunnel metrics-token

oed_address=198.51.100.1
oed_clear="192.0.2.0/24 198.51.100.0/24"
oed_id='@a"b'
rsip_oed_conf oed >"$dir/oed.conf"
grep -q 'id = "@a\\"b"' "$dir/oed.conf" || fail "quotes get out"
oed_id=@router.lab
rsip_oed_conf oed >"$dir/oed.conf"
"$build/oe/oed" -n -c "$dir/oed.conf" >"$dir/log" 2>&1 || {
	cat "$dir/oed.conf" "$dir/log"
	fail "oed does not accept it"
}
# What a package depends on is what the programs are linked with.
grep -q 'libconfuse' "$files/../Makefile" || fail "no libconfuse"
grep -q '/etc/rsip/' "$files/rsip.keep" || fail "keys are lost at sysupgrade"
echo "ok: rsipd and oed accept what /etc/config/rsip becomes"
