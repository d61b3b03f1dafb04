#!/bin/sh
# oe_gateway.sh - Alice, SG-A, SG-D, SG-B and Bob of draft -17's figure 1, with its addresses
#
#     Alice 192.0.1.66 --- 192.0.1.0/24 --- SG-A 192.1.1.5 ---+
#                               |                             +-- 192.1.0.0/16 -- SG-B 192.1.2.6 --- Bob 192.2.1.17
#                               +---------- SG-D 192.1.1.6 ---+
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

# The wire is the Internet of the picture; the resolver stays where it was.
oe_wire
ip -n dns address add 192.1.0.53/16 dev eth0
net_namespaces sga sgd sgb mallory alice bob
net_links homea homeb

# NAME ADDRESS: a gateway's interface on the Internet.
outside()
{
	net_cable "$1" eth0 "$2" wire && ip -n "$1" address del "$2/24" dev eth0 &&
	    ip -n "$1" address add "$2/16" dev eth0 &&
	    ip -n "$1" route add default dev eth0 src "$2" &&
	    net_on "$1" sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv4.conf.all.send_redirects=0 ||
	    net_fail "gateway $1"
	eval "oe_addr_$1=$2"
}
outside sga 192.1.1.5
outside sgd 192.1.1.6
outside sgb 192.1.2.6
outside mallory 192.1.1.9
net_cable sga eth1 192.0.1.1 homea
net_cable sgd eth1 192.0.1.2 homea
net_cable alice eth0 192.0.1.66 homea
net_cable sgb eth1 192.2.1.1 homeb
net_cable bob eth0 192.2.1.17 homeb
ip -n alice route add default via 192.0.1.1
ip -n bob route add default via 192.2.1.1
# Without OE the Internet would route so: Bob's by SG-B, Alice's by SG-A.
for host in sga sgd; do
	ip -n $host route add 192.2.1.0/24 via 192.1.2.6
done
ip -n sgb route add 192.0.1.0/24 via 192.1.1.5

NET_RESOLVER=$(printf '%s\n' "$NET_RESOLVER" | sed "s/$NET_DNS/192.1.0.53/g")
NET_DNS=192.1.0.53
zones="1.0.192 1.1.192 2.1.192 1.2.192"
for host in sga sgd sgb mallory; do
	oe_key $host >/dev/null
done

# CLIENT GATEWAY [PRECEDENCE]: the record with which a host delegates.
delegate()
{
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/$2.pem" \
	    --id "$(oe_addr "$2")" --for "$1" --type TXT \
	    --precedence "${3:-10}"
}
{
	cat "$NET_RUN"/sg?.records "$NET_RUN/mallory.records"
	delegate 192.0.1.66 sga
	delegate 192.0.1.66 sgd
	delegate 192.2.1.17 sgb
} >"$NET_RUN/all.records"
printf 'ns A %s\n' "$NET_DNS" >"$NET_RUN/lab.records"
oe_zones
oe_zone lab
for zone in $zones; do
	{
		net_zone_head "$zone.in-addr.arpa."
		grep "^[0-9]*\.$zone\.in-addr\.arpa\." "$NET_RUN/all.records"
	} >"$NET_RUN/zone.$zone.in-addr.arpa"
	oe_zone "$zone.in-addr.arpa"
done
oe_servers
oe_daemon sga 'networks = {"192.0.1.0/24"}' 'paranoid = {"192.2.1.0/24"}' \
    "give-up = 3" "lifespan-short = 2"
oe_daemon sgd 'networks = {"192.0.1.0/24"}' 'paranoid = {"192.2.1.0/24"}' \
    "give-up = 3" "lifespan-short = 2"
oe_daemon sgb 'networks = {"192.2.1.0/24"}' 'paranoid = {"192.0.1.0/24"}' \
    "give-up = 3" "lifespan-short = 2"
oe_ready sga sgd sgb
for host in sga sgd sgb; do
	oe_sniff $host "$NET_RUN/$host.pcap"
done

# FROM TO: ESP packets of the capture at SG-B from one gateway to another.
esp_of()
{
	oe_count "$NET_RUN/sgb.pcap" "esp and src $(oe_addr "$1") and dst $(oe_addr "$2")"
}

oe_ping alice 192.2.1.17 6 || net_fail "Alice's first datagram to Bob is lost"
sleep 0.3
[ "$(esp_of sga sgb)" -ge 1 ] && [ "$(esp_of sgb sga)" -ge 1 ] ||
	net_fail "it did not go through the tunnel of SG-A and SG-B"
net_ctl oed_sgb spd | tee "$NET_RUN/spd"
grep -q '192\.2\.1\.17.*192\.0\.1\.66' "$NET_RUN/spd" ||
	net_fail "SG-B's connection is not Bob's with Alice"
net_ok "Alice to Bob through SG-A and SG-B, each client named by its own TXT record"

# §8: Alice's router now sends by SG-D.  Both tunnels are heard, SG-B sends to
# the gateway that keyed with it most recently.
ip -n alice route replace default via 192.0.1.2
net_until 20 oe_ping alice 192.2.1.17 3 || net_fail "by SG-D Alice is lost"
before=$(esp_of sgb sgd)
oe_ping alice 192.2.1.17 3 || net_fail "by SG-D once more"
sleep 0.3
[ "$(esp_of sgd sgb)" -ge 1 ] || net_fail "SG-D did not encrypt"
[ "$(esp_of sgb sgd)" -gt "$before" ] ||
	net_fail "SG-B does not answer to the gateway most recently keyed"
net_ok "SG-D as second gateway"

# SG-D leaves and says so; Alice's router notices.  SG-A's tunnel goes on.
net_stop oed_sgd
ip -n alice route replace default via 192.0.1.1
net_until 10 oe_ping alice 192.2.1.17 2 || net_fail "without SG-D Alice is lost"
net_ok "the first gateway takes over again"

# Bob begins: SG-B finds two gateways for Alice of the same precedence.  If it
# takes the one that is gone, it must try the other before it denies.
net_stop oed_sgb
oe_daemon sgb 'networks = {"192.2.1.0/24"}' 'paranoid = {"192.0.1.0/24"}' \
    "give-up = 3" "lifespan-short = 2"
oe_ready sgb
net_until 20 oe_ping bob 192.0.1.66 3 || net_fail "Bob does not reach Alice"
net_ok "Bob to Alice, whichever of the two gateways is tried first"

# One who may not speak for Alice: no record of hers names it.
ip -n mallory address add 192.0.1.66/32 dev lo
ip -n mallory route add 192.2.1.0/24 via 192.1.2.6
oe_daemon mallory 'networks = {"192.0.1.0/24"}' 'paranoid = {"192.2.1.0/24"}' \
    "give-up = 3"
oe_ready mallory
net_on mallory ping -q -n -c 1 -W 5 -I 192.0.1.66 192.2.1.17 >/dev/null 2>&1 &&
	net_fail "Mallory spoke for Alice"
grep -q '192.1.1.9 may not speak for 192.0.1.66' "$NET_RUN/oed_sgb.log" ||
	net_fail "SG-B refused Mallory for another reason"
net_ok "a gateway that Alice's records do not name is refused"

for host in sga sgd sgb; do
	leaks=$(oe_count "$NET_RUN/$host.pcap" "ip and host 192.0.1.66 or host 192.2.1.17")
	[ "$leaks" = 0 ] || net_fail "$leaks clear packets at $host"
done
net_ok "nothing of Alice and Bob crossed in the clear"
