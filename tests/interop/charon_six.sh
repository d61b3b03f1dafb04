#!/bin/sh
# charon_six.sh - IKEv2 over IPv6 with a stock charon, key from ip6.arpa, either side beginning; charon does ESP itself, in UDP over IPv6
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/charonlib.sh"
charon_wants own-esp
net_needs openssl
[ "$(id -u)" = 0 ] || net_skip "needs root (charon does)"
oe_enter "$@"

one=2001:db8:64::41
stock=2001:db8:64::42
oe_wire
oe_host one 198.51.100.41
oe_host stock 198.51.100.42
oe_six one "$one"
oe_six stock "$stock"
oe_key one "$one"
oe_key stock "$stock"
oe_dns_up
charon_settings "gcm kernel-libipsec"
charon_keys stock one
cat >"$SWANCTL_DIR/swanctl.conf" <<-EOF
connections {
	one {
		version = 2
		local_addrs = $stock
		remote_addrs = $one
		proposals = aes256-sha256-ecp256
		local { auth = pubkey
			id = $stock
			pubkeys = stock.pub }
		remote { auth = pubkey
			id = $one
			pubkeys = one.pub }
		children { oe { local_ts = $stock/128
			remote_ts = $one/128
			esp_proposals = aes256gcm16 } }
	}
}
EOF
charon_run stock
charon_loaded 1
net_until 5 net_on stock ip link show ipsec0 || net_fail "no ipsec0"
# Its routes would send its own ESP in UDP to itself.
ip -n stock -6 rule del lookup 220 2>/dev/null
ip -n stock -6 rule add ipproto ipv6-icmp to "$one" lookup 221 priority 10
ip -n stock -6 route add "$one" dev ipsec0 table 221
oe_daemon one 'hold-dual-stack = 20000' 'hold = 20'
oe_ready one
oe_sniff one "$NET_RUN/one.pcap"

# They find each other first: its neighbour messages must not go into ipsec0.
net_until 20 oe_ping one "$stock" 3 ||
    net_fail "no answer: $(net_ctl oed_one why "$stock")
$(tail -n 30 "$NET_RUN/charon.log")"
net_ctl oed_one why "$stock" >"$NET_RUN/why"
grep -q "^$stock: encrypted .*IKEv2" "$NET_RUN/why" ||
    net_fail "why: $(cat "$NET_RUN/why")"
net_ok "row 28s, we begin: $(cut -c1-140 "$NET_RUN/why")"

# charon begins, after all that was is gone.
net_stop oed_one
oe_daemon one 'hold-dual-stack = 20000' 'hold = 20' 'initiate = false'
oe_ready one
swanctl --initiate --child oe --uri "unix://$NET_RUN/vici" --timeout 20 \
    >"$NET_RUN/initiate.log" 2>&1 ||
    net_fail "charon begins: $(tail -n 20 "$NET_RUN/initiate.log")"
net_until 10 oe_ping one "$stock" 3 ||
    net_fail "no answer after charon began: $(net_ctl oed_one why "$stock")"
net_ctl oed_one why "$stock" | grep -q "^$stock: encrypted" ||
    net_fail "why: $(net_ctl oed_one why "$stock")"
net_ok "row 28s, charon begins: $(net_ctl oed_one why "$stock" | cut -c1-140)"
sleep 0.3
esp=$(oe_count "$NET_RUN/one.pcap" "ip6 and udp port 4500")
clear=$(oe_count "$NET_RUN/one.pcap" "icmp6 and (ip6[40] = 128 or ip6[40] = 129) and host $stock")
[ "$esp" -ge 8 ] && [ "$clear" = 0 ] || net_fail "on the wire: $esp in UDP 4500, $clear clear"
net_ok "on the wire: $esp datagrams of IKE and ESP on UDP 4500 over IPv6, $clear clear packets"
