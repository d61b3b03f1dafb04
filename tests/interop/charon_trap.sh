#!/bin/sh
# charon_trap.sh - a stock charon whose trap catches a packet for us: transport mode by IKEv2, the kernel's ESP at its end, in a VM
#
# It knows our key and we find its in DNS; oed is as it comes (transport = accept).
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/charonlib.sh"
charon_wants
net_needs openssl nsd unbound ldns-keygen ldns-signzone drill \
    tcpdump ping
net_needs_built oe/oed ctl/rsipctl
vm_enter 600
oe_enter "$@"

one=198.51.100.41
stock=198.51.100.42
oe_wire
oe_host one $one
oe_host stock $stock
for host in one stock; do
	oe_key $host
	grep IPSECKEY "$NET_RUN/$host.records" >>"$NET_RUN/reverse.records"
done
oe_dns_up
charon_settings gcm
charon_keys stock one
cat >"$SWANCTL_DIR/swanctl.conf" <<-EOF
connections {
	one {
		version = 2
		local_addrs = $stock
		remote_addrs = $one
		unique = never
		proposals = aes256-sha256-ecp256
		local { auth = pubkey
			id = $stock
			pubkeys = stock.pub }
		remote { auth = pubkey
			id = $one
			pubkeys = one.pub }
		children { any { mode = transport
			start_action = trap
			esp_proposals = aes256gcm16 } }
	}
}
EOF
oe_daemon one
oe_ready one
oe_sniff stock "$NET_RUN/wire.pcap"
charon_run stock
charon_loaded 1

why()
{
	net_ctl oed_one why $stock
}

net_until 20 oe_ping stock $one 3 ||
    net_fail "no answer: $(why) $(tail -n 30 "$NET_RUN/charon.log")"
grep -q "initiating IKE_SA one" "$NET_RUN/charon.log" ||
    net_fail "charon did not begin: $(tail -n 30 "$NET_RUN/charon.log")"
why | grep -q "^$stock: encrypted .*IKEv2" || net_fail "why: $(why)"
net_on stock ip xfrm state >"$NET_RUN/states"
[ "$(grep -c 'proto esp spi' "$NET_RUN/states")" -ge 2 ] &&
    ! grep 'mode ' "$NET_RUN/states" | grep -qv 'mode transport' ||
    net_fail "its kernel's SAs: $(cat "$NET_RUN/states")"
for way in "stock $one" "one $stock"; do
	# shellcheck disable=SC2086
	set -- $way
	net_on "$1" ping -q -c 10 -i 0.2 -W 5 -s 1300 "$2" >"$NET_RUN/ping" ||
	    net_fail "$1 to $2: $(cat "$NET_RUN/ping")"
	net_ok "row 15, $1 to $2: $(grep received "$NET_RUN/ping")"
done
net_ok "row 15: $(why)"
sleep 1
there=$(oe_count "$NET_RUN/wire.pcap" "esp and src $stock")
back=$(oe_count "$NET_RUN/wire.pcap" "esp and src $one")
clear=$(oe_count "$NET_RUN/wire.pcap" "icmp and host $one")
[ "$there" -ge 20 ] && [ "$back" -ge 20 ] && [ "$clear" = 0 ] ||
    net_fail "on the wire: $there and $back of ESP, $clear in the clear"
net_ok "on the wire: $there packets of ESP from charon, $back from oed, $clear of ICMP in the clear"
[ -z "$LOGS" ] || for host in charon oed_one; do
	echo "--- $host"; cat "$NET_RUN/$host.log"
done
