#!/bin/sh
# oe_peers.sh - a TCP stream from behind a NAT: OE in user space beside charon's ESP in user space and wireguard-go
#
# Run in the build folder: sh SOURCE/tests/bench/oe_peers.sh [SECONDS-A-ROUND [ROUNDS]].
# Each has both ends, in turns, through the same NAT; medians, and the median of
# the rounds' ratios.  Who is not installed is left out.  KERNEL=1: ESP in the
# kernel, of OE and of charon, without a NAT, in a VM whose kernel has it
# (OE_KERNEL_VM=1: this one has).
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/../net/oelib.sh"
. "$(dirname "$0")/pathlib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill iperf3 iptables
net_needs_built oe/oed ctl/rsipctl
[ -z "$KERNEL" ] || net_vm 900 "$@"
[ -z "$KERNEL" ] || [ -n "$NET_INSIDE" ] || modprobe -qa tun veth bridge \
    xfrm_user esp4
net_enter "$@"
seconds=${1:-3}
rounds=${2:-3}
cd "$NET_RUN" || exit 1
# Of two hosts one is always user space's where there is a NAT.
nat=nat
[ -z "$KERNEL" ] || nat=
path_hosts "$nat"

begin_clear()
{
	to=$(oe_addr right)
}
end_clear() { :; }

# What both have to have in common, or one would have less to do.
encrypted_by_kernel()
{
	net_on left ip xfrm state | grep -q "aead rfc4106(gcm(aes)) .* 128" ||
	    net_fail "ESP is not in the kernel: $(net_on left ip xfrm state)"
}
begin_oed()
{
	to=$(oe_addr right)
	oe_daemon left "permissive = {\"$OE_ALL\"}" \
	    ${nat:+'id = "@left.lab"'}
	oe_daemon right "permissive = {\"$OE_ALL\"}"
	oe_ready left right
	oe_ping left "$to" 20 || net_fail "no answer through OE"
	net_ctl oed_left spd | grep -q ' keyed ' || net_fail "not encrypted"
	[ -z "$KERNEL" ] || encrypted_by_kernel
}
end_oed()
{
	net_stop oed_left
	net_stop oed_right
}

# NAME OWN-INNER PEER-INNER LINES: a charon, which does ESP itself or has the
# kernel do it.
charon_end()
{
	ip -n "$1" addr replace "$2/32" dev lo
	cat >"$1.strongswan" <<-END
	charon {
		load = random nonce openssl drbg hmac kdf pem pkcs1 pkcs8 pubkey $libipsec kernel-netlink socket-default vici updown
		plugins { vici { socket = unix://$NET_RUN/$1.vici } }
		filelog { stderr { default = 1 } }
	}
	END
	mkdir -p "$1.swanctl"
	cat >"$1.swanctl/swanctl.conf" <<-END
	connections { peer {
		version = 2
		proposals = aes256-sha256-modp2048
		$4
		local { auth = psk
			id = $1 }
		remote { auth = psk }
		children { net { local_ts = $2/32
			remote_ts = $3/32
			esp_proposals = aes256gcm16 } }
	} }
	secrets { ike-peer { secret = "correct horse" } }
	END
	rm -f /run/charon.pid "$1.vici"
	STRONGSWAN_CONF=$NET_RUN/$1.strongswan net_start "charon_$1" "$1" \
	    /usr/lib/ipsec/charon
	net_ready "charon_$1" 20 test -S "$1.vici"
	net_until 10 swan "$1" --load-all || net_fail "charon's configuration"
}
# NAME ARGUMENT...
swan()
{
	swan_name=$1
	shift
	SWANCTL_DIR=$NET_RUN/$swan_name.swanctl \
	    STRONGSWAN_CONF=$NET_RUN/$swan_name.strongswan \
	    timeout 20 swanctl "$@" --uri "unix://$NET_RUN/$swan_name.vici"
}
begin_charon()
{
	to=10.9.0.1
	charon_end right 10.9.0.1 10.8.0.1 ''
	charon_end left 10.8.0.1 10.9.0.1 "remote_addrs = $(oe_addr right)"
	swan left --initiate --child net >initiate.log 2>&1 ||
	    net_fail "charon does not begin: $(tail -n 3 initiate.log)"
	net_until 5 net_on left ping -c 1 -W 1 -I 10.8.0.1 10.9.0.1 ||
	    net_fail "nothing through charon"
	[ -z "$KERNEL" ] || encrypted_by_kernel
}
end_charon()
{
	net_stop charon_left
	net_stop charon_right
	for net_host in left right; do
		ip -n "$net_host" rule del lookup 220
		ip -n "$net_host" route flush table 220
	done 2>/dev/null
}

# NAME OWN-INNER PEER-NAME PEER-INNER [ENDPOINT]
wireguard_end()
{
	WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1 \
	    net_start "wireguard_$1" "$1" wireguard-go -f "wg$1"
	net_until 5 net_on "$1" wg show "wg$1" || net_fail "wireguard-go"
	net_on "$1" wg set "wg$1" private-key "$1.wg" listen-port 51820 \
	    peer "$(wg pubkey <"$3.wg")" allowed-ips "$4/32" \
	    ${5:+endpoint "$5"} ${5:+persistent-keepalive 20} &&
	    ip -n "$1" addr add "$2/32" dev "wg$1" &&
	    ip -n "$1" link set "wg$1" mtu 1420 up &&
	    ip -n "$1" route add "$4/32" dev "wg$1" || net_fail "wg of $1"
}
begin_wireguard()
{
	to=10.7.0.2
	(umask 077 && wg genkey >left.wg && wg genkey >right.wg)
	wireguard_end right 10.7.0.2 left 10.7.0.1
	wireguard_end left 10.7.0.1 right 10.7.0.2 "$(oe_addr right):51820"
	net_until 10 net_on left ping -c 1 -W 1 10.7.0.2 ||
	    net_fail "nothing through wireguard-go"
}
end_wireguard()
{
	net_stop wireguard_left
	net_stop wireguard_right
}

all="clear oed"
libipsec=kernel-libipsec
plugin=$libipsec
if [ -n "$KERNEL" ]; then
	OE_DATAPLANE=kernel libipsec='' plugin=kernel-netlink
fi
if [ -x /usr/lib/ipsec/charon ] &&
    [ -e "/usr/lib/ipsec/plugins/libstrongswan-$plugin.so" ] &&
    command -v swanctl >/dev/null; then
	all="$all charon"
fi
if [ -z "$KERNEL" ] && command -v wireguard-go >/dev/null && command -v wg >/dev/null; then
	all="$all wireguard"
fi
round=0
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	for what in $all; do
		"begin_$what"
		echo "$what up $(path_gbps "$seconds" "$to")" >>rows
		echo "$what down $(path_gbps "$seconds" "$to" -R)" >>rows
		"end_$what"
	done
done
python3 - rows <<'END'
import collections, statistics, sys
rows = collections.defaultdict(list)
for line in open(sys.argv[1]):
    what, way, gbps = line.split()
    rows[way, what].append(float(gbps))
print("%-6s %-10s %8s  %s" % ("way", "", "Gb/s", "oed's beside it"))
for (way, what), got in sorted(rows.items()):
    ratios = [a / b for a, b in zip(rows[way, "oed"], got) if b]
    print("%-6s %-10s %8.2f  %.2f" % (way, what, statistics.median(got),
                                      statistics.median(ratios)))
END
