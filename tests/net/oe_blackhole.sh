#!/bin/sh
# oe_blackhole.sh - a link of 1280 bytes that says nothing of it: encrypted works where plain does (RFC 4821 §7.7)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
case $FAMILY in
# Of IPv6 no link takes less than 1280, and ESP around that is cut for it.
4)	small=1280 tables=iptables
	told="-p icmp --icmp-type fragmentation-needed" ;;
6)	small=1400 tables=ip6tables
	told="-p icmpv6 --icmpv6-type packet-too-big" ;;
esac
net_needs nsd unbound ldns-keygen ldns-signzone drill ping curl nginx $tables
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"

# left - wire - mid - right; mid's router mends the MSS of what it can read, as
# those of PPPoE and of tunnels do, and tells nobody what does not fit.
oe_wire
oe_host left 198.51.100.61
net_namespace mid && net_namespace right || net_fail "no namespaces"
net_cable mid eth0 198.51.100.60 wire || net_fail "the wire"
ip link add far0 netns mid type veth peer name eth0 netns right &&
    ip -n mid link set far0 mtu $small up &&
    ip -n right address add 198.51.100.62/32 dev eth0 &&
    ip -n right link set eth0 up && ip -n right link set lo up &&
    ip -n right route add default dev eth0 &&
    ip -n mid route add 198.51.100.62 dev far0 || net_fail "the link"
oe_addr_right=$(oe_net 198.51.100.62)
[ "$FAMILY" = 4 ] || {
	oe_six mid "$(oe_net 198.51.100.60)"
	oe_six right "$oe_addr_right"
	net_on mid sysctl -qw net.ipv6.conf.far0.disable_ipv6=0 \
	    net.ipv6.conf.all.forwarding=1
	for host in left right; do
		ip -n $host -6 address flush dev eth0 scope global
		ip -n $host -6 address add "$(oe_addr $host)/128" dev eth0 nodad
		link=$(ip -n mid -6 -o address show scope link | awk -v \
		    dev="$([ $host = left ] && echo eth0 || echo far0)" \
		    '$2 == dev { sub("/.*", "", $4); print $4 }')
		ip -n $host -6 route replace default via "$link" dev eth0
	done
	ip -n mid -6 route add "$oe_addr_right" dev far0
}
net_on mid sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.eth0.proxy_arp=1 \
    net.ipv4.conf.far0.proxy_arp=1 net.ipv4.conf.all.send_redirects=0 \
    net.ipv4.conf.eth0.send_redirects=0
# shellcheck disable=SC2086	# words
net_on mid $tables -A OUTPUT $told -j DROP &&
    net_on mid $tables -t mangle -A FORWARD -p tcp --syn -j TCPMSS \
    --set-mss $((small - 40 - (FAMILY - 4) * 10)) || net_skip "no TCPMSS in this kernel"
oe_key left
oe_key right
oe_dns_up
NET_SIX=${FAMILY#4}
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
printf '%-36s %10s\n' "10 MB over $small bytes, no ICMP" time
fetch plain

for host in left right; do
	oe_daemon $host "paranoid = {\"$(oe_addr left)\", \"$right\"}"
done
oe_ready left right
net_until 15 oe_ping left "$right" 2 || net_fail "not encrypted"
fetch "encrypted, the first"
fetch "encrypted, the next"
grep -q "path MTU taken as [0-9]" oed_right.log ||
    net_fail "it was not the path MTU: $(cat oed_right.log)"
net_ctl oed_left why "$right" | grep -q "encrypted with" ||
    net_fail "why: $(net_ctl oed_left why "$right")"
net_ok "encrypted over a black hole"
