#!/bin/sh
# oe_napt.sh - a gateway that translates addresses and encrypts: translation comes first (draft -17 §6.1)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping iptables
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"

# "home" 10.1.0.2 -- 10.1.0.1 "router" 198.51.100.61 -- wire -- "server", "plain"
oe_wire
oe_host router 198.51.100.61
oe_host server 198.51.100.62
oe_host plain 198.51.100.63
net_namespaces home
net_links lan
net_cable router eth1 10.1.0.1 lan
net_cable home eth0 10.1.0.2 lan
ip -n home route add default via 10.1.0.1
net_on router sysctl -qw net.ipv4.ip_forward=1
# The three rules of oed(8).
net_on router iptables -t nat -A POSTROUTING -s 10.1.0.0/24 \
    ! -d 10.1.0.0/24 -j SNAT --to-source 198.51.100.61 &&
    net_on router iptables -t raw -A OUTPUT -m mark --mark 0x4f45 \
    -j NOTRACK || net_skip "no NAT in this kernel"
ip -n router rule add to 10.1.0.0/24 lookup main priority 20000
oe_key router
oe_key server
oe_dns_up
oe_daemon router
oe_daemon server 'paranoid = {"0.0.0.0/0"}'
oe_ready router server
oe_sniff router "$NET_RUN/router.pcap"

oe_ping home 198.51.100.62 6 || net_fail "home does not reach the server"
oe_ping home 198.51.100.62 2 || net_fail "home does not reach it again"
sleep 0.3
[ "$(oe_count "$NET_RUN/router.pcap" "esp and host 198.51.100.62")" -ge 4 ] ||
	net_fail "it was not encrypted"
[ "$(oe_count "$NET_RUN/router.pcap" "icmp and host 198.51.100.62")" = 0 ] ||
	net_fail "it crossed in the clear"
net_ctl oed_server spd | grep '198\.51\.100\.61 *encrypt' ||
	net_fail "the server does not know the router's address"
net_ok "translated, then encrypted, with the router's own address in Phase 2"
oe_ping home 198.51.100.63 6 || net_fail "home does not reach a plain host"
sleep 0.3
[ "$(oe_count "$NET_RUN/router.pcap" \
    "icmp and src 198.51.100.61 and dst 198.51.100.63")" -ge 1 ] ||
	net_fail "a plain host is not reached in the clear and translated"
# By now the kernel forwards it past oed.
oe_ping home 198.51.100.63 2 || net_fail "home does not reach it again"
[ "$(oe_count "$NET_RUN/router.pcap" "host 10.1.0.2")" = 0 ] ||
	net_fail "a private address went out"
net_ok "a plain host in the clear, translated too"
