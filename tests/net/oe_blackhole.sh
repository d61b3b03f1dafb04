#!/bin/sh
# oe_blackhole.sh - a link of 1280 bytes that says nothing of it: encrypted works where plain does (RFC 4821 §7.7)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill ping curl nginx iptables
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"

# left - wire - mid - right; mid's router mends the MSS of what it can read, as
# those of PPPoE and of tunnels do, and tells nobody what does not fit.
oe_wire
oe_host left 198.51.100.61
net_namespace mid && net_namespace right || net_fail "no namespaces"
net_cable mid eth0 198.51.100.60 wire || net_fail "the wire"
ip link add far0 netns mid type veth peer name eth0 netns right &&
    ip -n mid link set far0 mtu 1280 up &&
    ip -n right address add 198.51.100.62/32 dev eth0 &&
    ip -n right link set eth0 up && ip -n right link set lo up &&
    ip -n right route add default dev eth0 &&
    ip -n mid route add 198.51.100.62 dev far0 || net_fail "the link"
oe_addr_right=198.51.100.62
net_on mid sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth0.proxy_arp=1 \
    net.ipv4.conf.far0.proxy_arp=1 net.ipv4.conf.all.send_redirects=0 \
    net.ipv4.conf.eth0.send_redirects=0
net_on mid iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP &&
    net_on mid iptables -t mangle -A FORWARD -p tcp --syn -j TCPMSS \
    --set-mss 1240 || net_skip "no TCPMSS in this kernel"
oe_key left
oe_key right
oe_dns_up
net_web right
right=$(oe_addr right)
cd "$NET_RUN" || exit 1

# WHAT: one fetch, its time in a table.
fetch()
{
	NET_FETCH_TIME=30 net_fetch left "$right" fetched ||
	    net_fail "$1: $(cat fetched.log)"
	net_same fetched || net_fail "$1: another file"
	printf '%-36s %8s s\n' "$1" "$(cut -d ' ' -f 2 fetched.time)"
}
net_until 10 oe_ping left "$right" 1 || net_fail "no path"
net_on left ping -q -c 1 -W 1 -M "do" -s 1400 "$right" >/dev/null 2>&1 &&
    net_fail "large packets pass: no black hole"
printf '%-36s %10s\n' "10 MB over 1280 bytes, no ICMP" time
fetch plain

for host in left right; do
	oe_daemon $host 'paranoid = {"198.51.100.61/32", "198.51.100.62/32"}'
done
oe_ready left right
net_until 15 oe_ping left "$right" 2 || net_fail "not encrypted"
fetch "encrypted, the first"
fetch "encrypted, the next"
grep -q "path MTU taken as 1280" oed_right.log ||
    net_fail "it was not the path MTU: $(cat oed_right.log)"
net_ctl oed_left why "$right" | grep -q "encrypted with" ||
    net_fail "why: $(net_ctl oed_left why "$right")"
net_ok "encrypted over a black hole"
