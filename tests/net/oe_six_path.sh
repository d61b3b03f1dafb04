#!/bin/sh
# oe_six_path.sh - ESP over a path of IPv6 that takes less and less: Packet Too Big is heard and passed on, what every link takes goes through
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

near=2001:db8:64::41
far=2001:db8:65::42
oe_wire
oe_host near 198.51.100.41
oe_six near "$near"
# A router, and behind it a link of its own.
net_links beyond
net_namespaces R far
net_cable R eth0 198.51.100.9 wire && net_cable R eth1 198.18.0.1 beyond &&
    net_cable far eth0 198.18.0.42 beyond || net_fail "the router"
oe_six R 2001:db8:64::9
net_on R sysctl -qw net.ipv6.conf.all.forwarding=1
ip -n R -6 address add 2001:db8:65::1/64 dev eth1 nodad
net_on far sysctl -qw net.ipv6.conf.all.disable_ipv6=0 \
    net.ipv6.conf.eth0.accept_ra=0
ip -n far -6 address add "$far/64" dev eth0 nodad &&
    ip -n far -6 route add default via 2001:db8:65::1 || net_fail "far"
ip -n near -6 route replace default via 2001:db8:64::9
# far has no key, and nothing of it is in DNS: it comes to near.
oe_key near "$near"
oe_six dns 2001:db8:64::53
ip -n dns -6 route replace default via 2001:db8:64::9
oe_dns_up
oe_daemon near 'hold-dual-stack = 20000' 'hold = 20'
cat >"$NET_RUN/oed_far.conf" <<-EOF
	control = "$NET_RUN/oed_far.sock"
	oe { resolvers = {"2001:db8:64::53"} state = "" }
EOF
net_start oed_far far "$NET_TOP/oe/oed" -f -c "$NET_RUN/oed_far.conf"
oe_ready near far
oe_ping far "$near" 8 || net_fail "far: $(net_ctl oed_far why "$near")"
net_ctl oed_far why "$near" | grep -q "encrypted" ||
    net_fail "why: $(net_ctl oed_far why "$near")"
oe_sniff R "$NET_RUN/path.pcap"

dd if=/dev/urandom of="$NET_RUN/sent" bs=64k count=8 2>/dev/null
# far fetches from near, near from far: 512 KB each way on one connection.
net_start echo near python3 "$NET_HERE/oe_six_tcp.py" echo "$near"
net_ready echo 10 grep -q "^ready" "$NET_RUN/echo.log"
for mtu in 1500 1400 1320 1280; do
	ip -n R link set eth1 mtu "$mtu"
	ip -n far link set eth0 mtu "$mtu"
	net_on far python3 "$NET_HERE/oe_six_tcp.py" send "$near" \
	    "$NET_RUN/sent" 20 || net_fail "TCP over a link of $mtu: $(net_ctl oed_far why "$near")"
	# The largest that every link takes, and no fragments of it before ESP.
	net_until 10 net_on far ping -q -c 1 -W 2 -M "do" -s 1232 "$near" ||
	    net_fail "1280 bytes over a link of $mtu"
	net_ok "a link of $mtu: 512 KB there and back, and an echo of 1280 bytes"
done
sleep 0.3
told=$(oe_count "$NET_RUN/path.pcap" "icmp6 and ip6[40] = 2")
cut=$(oe_count "$NET_RUN/path.pcap" "ip6 proto 44")
clear=$(oe_count "$NET_RUN/path.pcap" "host $far and host $near and not ip6 proto 50 and not ip6 proto 44 and not udp port 500 and not udp port 4500")
if [ "$told" -lt 2 ] || [ "$cut" -lt 4 ] || [ "$clear" != 0 ]; then
	net_fail "on the wire: $told Packet Too Big, $cut fragments, $clear clear"
fi
net_ok "on the wire: $told Packet Too Big, $cut fragments of ESP, $clear clear packets"
