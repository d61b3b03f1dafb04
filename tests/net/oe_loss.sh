#!/bin/sh
# oe_loss.sh - 30 % of all packets are lost: how many first contacts are encrypted, at once and in the end
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs tc
oe_enter "$@"

case $FAMILY in
4)	net=203.0.113. whole=203.0.113.0/24 zone=113.0.203.in-addr.arpa type=TXT ;;
6)	net=2001:db8:71:: whole=2001:db8:71::/64 type=IPSECKEY
	zone=1.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa ;;
esac
# Eight destinations behind "gw"; "host" asks two resolvers over a lossy link.
oe_wire
oe_host gw 198.51.100.32
oe_key gw
oe_host host 198.51.100.41
oe_key host
ip -n dns address add 198.51.100.54/24 dev eth0
[ "$FAMILY" = 4 ] || net_on gw sysctl -qw net.ipv6.conf.lo.disable_ipv6=0
net_zone_head "$zone." >"$NET_RUN/zone.$zone"
destinations="11 12 13 14 15 16 17 18"
for last in $destinations; do
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/gw.pem" \
	    --id "$(oe_addr gw)" --for "$net$last" --type "$type" |
	    grep "$zone\\..*[[:space:]]${type}[[:space:]]" >>"$NET_RUN/zone.$zone"
	ip -n gw address add "$net$last/$OE_HOST" dev lo
done
# Over IPv4 gw answers for them on the wire as well.
[ "$FAMILY" = 4 ] || ip -n host -6 route add "$whole" via "$(oe_addr gw)"
oe_zones
oe_zones_signed
oe_zone "$zone"
oe_servers
sed "s/interface: .*/interface: 198.51.100.54/; s/unbound\.pid/unbound2.pid/" \
    "$NET_RUN/unbound.conf" >"$NET_RUN/unbound2.conf"
net_start unbound2 dns unbound -d -c "$NET_RUN/unbound2.conf"
net_ready unbound2 10 net_answers 198.51.100.54 53 ns.lab. A

# 30 % each way, where the kernel can; else the same by a rule, which no ARP meets,
# and so no neighbour discovery either.
lossy()
{
	net_on host tc qdisc add dev eth0 root netem loss 30% 2>/dev/null &&
	    net_on wire tc qdisc add dev host root netem loss 30% 2>/dev/null &&
	    return
	net_on host tc qdisc del dev eth0 root 2>/dev/null
	net_on host nft -f - <<-RULES
	table inet loss {
	  chain in { type filter hook prerouting priority -300;
	    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept;
	    iifname eth0 numgen random mod 100 < 30 drop; }
	  chain out { type filter hook postrouting priority 300;
	    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept;
	    oifname eth0 numgen random mod 100 < 30 drop; }
	}
	RULES
}
lossy || net_skip "neither netem nor nft's numgen here"
oe_daemon gw "networks = {\"$whole\"}"
oe_daemon host "resolvers = {\"$NET_DNS\", \"198.51.100.54\"}" \
    "lifespan-short = 5"
oe_ready gw host
oe_sniff host "$NET_RUN/host.pcap"

encrypted()
{
	n=0
	for last in $destinations; do
		net_ctl oed_host why "$net$last" |
		    grep -q ": encrypted" && n=$((n + 1))
	done
	echo "$n"
}
# One datagram a second to each, as a program that tries again does, whatever it is told
# meanwhile: with a deadline ping would end with the first error.
for last in $destinations; do
	net_on host ping -q -n -i 1 -c 45 "$net$last" >/dev/null 2>&1 &
done
begun=$(date +%s)
for after in 3 10 20 30 40; do
	while [ $(($(date +%s) - begun)) -lt $after ]; do
		sleep 0.2
	done
	n=$(encrypted)
	printf '  after %2s s: %s of 8 encrypted\n' "$after" "$n"
	[ "$n" = 8 ] && break
done
unanswered=$(grep -c "DNS time-out" "$NET_RUN/oed_host.log")
net_say "  searches that ended with \"DNS time-out\": $unanswered"
[ "$n" = 8 ] || {
	for last in $destinations; do
		net_ctl oed_host why "$net$last"
	done
	net_fail "$n of 8 first contacts were encrypted in the end"
}
net_ok "30 % loss: 8 of 8 first contacts encrypted after $after s"
