#!/bin/sh
# laptop_six.sh - a dual-stack laptop behind rsipd encrypts to a host with IPv4, one with IPv6 and one with both: by the lease, and past it
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"

six=2001:db8:64:
lan=2001:db8:10:
y3=$six:30
shut=$six:40
net_picture
net_namespaces y3
net_cable y3 eth0 198.51.100.30 wire || net_fail "y3"
: >"$NET_RUN/lab.records"
: >"$NET_RUN/reverse.records"
: >"$NET_RUN/six.records"
# N routes IPv6, as homes do: no translation, and nothing of RSIP.
for host in "N $six:1" "dns $six:53" "y1 $six:10" "y3 $y3"; do
	# shellcheck disable=SC2086
	oe_six $host
done
net_on N sysctl -qw net.ipv6.conf.all.forwarding=1
ip -n N address add "$lan:1/64" dev eth1 nodad
for host in dns y1 y3; do
	ip -n "$host" -6 route add "$lan:/64" via "$six:1" || net_fail "route"
done
oe_six x1 "$lan:11"
ip -n x1 -6 route replace default via "$lan:1" || net_fail "x1's IPv6"
# One of them has no IPv4.
ip -n y3 -4 address flush dev eth0

# Of the laptop nothing is in DNS: it has no key.
oe_key y1 "$NET_Y1"
"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/y1.pem" --id "$six:10" \
    >"$NET_RUN/y1.six" 2>/dev/null || net_fail "dns-records"
oe_publish "$NET_RUN/y1.six"
oe_key y2 "$NET_Y2"
oe_key y3 "$y3"
oe_dns_up
net_oed y1
net_oed y2
cat >"$NET_RUN/oed_y3.conf" <<-EOF
	control = "$NET_RUN/oed_y3.sock"
	oe {
		key = "$NET_RUN/y3.pem"
		state = "$NET_RUN/y3.peers"
		resolvers = {"$six:53"}
	}
EOF
net_start oed_y3 y3 "$NET_TOP/oe/oed" -f -c "$NET_RUN/oed_y3.conf"
net_ready oed_y3 10 net_ctl oed_y3 status
net_ctl oed_y3 status >"$NET_RUN/status"
grep -q "^address  *none" "$NET_RUN/status" &&
    grep -q "^address6  *$y3" "$NET_RUN/status" ||
    net_fail "y3: $(cat "$NET_RUN/status")"
found()
{
	net_ctl oed_y3 status | grep -q "our key is at .*ip6.arpa"
}
net_until 10 found || net_fail "y3 asks no resolver of IPv6: $(net_ctl oed_y3 status)"
net_ok "a host without IPv4 asks its resolver over IPv6: $(net_ctl oed_y3 status |
    sed -n 's/^identity_in_dns *//p')"

net_rsipd
cat >"$NET_RUN/rsipc_x1.conf" <<-EOF
	control = "$NET_RUN/rsipc_x1.sock"
	state = "$NET_RUN/x1.lease"
	oe {
		state = "$NET_RUN/x1.peers"
		resolvers = {"$NET_DNS"}
		dns-timeout = 3000
		hold-dual-stack = 20000
		hold = 20
		permissive = {"0.0.0.0/0", "::/0"}
		paranoid = {"$shut/124"}
	}
EOF
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c "$NET_RUN/rsipc_x1.conf"
net_ready rsipc_x1 15 net_leased rsipc_x1
oe_sniff N "$NET_RUN/wire.pcap"
OE_SWITCH=lan
oe_sniff N "$NET_RUN/lan.pcap"
OE_SWITCH=

for dst in "$NET_Y1" "$NET_Y2" "$six:10" "$y3"; do
	oe_ping x1 "$dst" 8 ||
	    net_fail "$dst: $(net_ctl rsipc_x1 why "$dst")"
	net_ctl rsipc_x1 why "$dst" >"$NET_RUN/why"
	grep -q "^$dst: encrypted .*with .* to $dst at $dst " "$NET_RUN/why" ||
	    net_fail "why: $(cat "$NET_RUN/why")"
	net_ok "$(cut -c1-130 "$NET_RUN/why")"
done
# Who has no key is spoken to in the clear over IPv6, too.
oe_ping x1 "$six:1" 5 ||
    net_fail "who has no key is not reached over IPv6: $(net_ctl rsipc_x1 why "$six:1")"

# FILE FILTER
count()
{
	oe_count "$NET_RUN/$1.pcap" "$2"
}
sleep 0.3
echo="icmp6 and (ip6[40] = 128 or ip6[40] = 129)"
four=$(count wire "ip proto 50 and host $NET_NB and (host $NET_Y1 or host $NET_Y2)")
native=$(count wire "ip6 proto 50 and host $lan:11 and (host $six:10 or host $y3)")
clear=$(count wire "(icmp and (host $NET_Y1 or host $NET_Y2)) or ($echo and (host $six:10 or host $y3))")
plain=$(count lan "$echo and host $six:1")
tunnel=$(count lan "ip proto 4 or ip proto 47")
wrapped=$(count lan "ip proto 41 or ((ip proto 4) and ip[20] & 0xf0 = 0x60)")
if [ "$four" -lt 4 ] || [ "$native" -lt 4 ] || [ "$clear" != 0 ] ||
    [ "$plain" -lt 2 ] || [ "$tunnel" -lt 4 ] || [ "$wrapped" != 0 ]; then
	net_fail "on the wire: ESP over IPv4 $four, over IPv6 $native, clear $clear; to N in the clear $plain; in the tunnel $tunnel, of IPv6 $wrapped"
fi
net_ok "on the wire ESP over IPv4 $four from the lease, over IPv6 $native from the laptop itself, $clear in the clear"

# What must be encrypted and cannot be is not sent, also without rsipc.
oe_ping x1 "$shut" 1 && net_fail "a paranoid prefix is reached"
net_stop rsipc_x1 KILL
oe_ping x1 "$shut" 1 && net_fail "a paranoid prefix is reached after kill -9"
oe_ping x1 "$y3" 3 || net_fail "after kill -9 nothing goes over IPv6"
sleep 0.2
clear=$(count lan "dst host $shut")
[ "$clear" = 0 ] || net_fail "$clear packets to a paranoid prefix"
net_ok "to a paranoid prefix $clear packets, also after kill -9"
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c "$NET_RUN/rsipc_x1.conf"
net_ready rsipc_x1 15 net_leased rsipc_x1
net_stop rsipc_x1
# Nobody is there, but it may be asked.
oe_ping x1 "$shut" 1
oe_ping x1 "$y3" 3 || net_fail "IPv6 stays cut after rsipc ended"
rules=$(ip -n x1 -6 rule show | grep -cv "from all lookup \(local\|main\|default\)")
clear=$(count lan "dst host $shut")
[ "$clear" -ge 1 ] || net_fail "an orderly end opens nothing"
[ "$rules" = 0 ] || net_fail "rules stay: $(ip -n x1 -6 rule show)"
net_ok "after its end IPv6 goes as it did before"
