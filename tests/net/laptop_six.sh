#!/bin/sh
# laptop_six.sh - a dual-stack laptop behind rsipd encrypts to a host with IPv4, one with IPv6 and one with both: by the lease, and past it
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping curl nginx
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"

six=2001:db8:64:
lan=2001:db8:10:
y3=$six:30
shut=$six:40
net_picture
# y3 has no IPv4; plain has both, and no key; evil is where all must be encrypted.
net_namespaces y3 plain evil
net_cable y3 eth0 198.51.100.30 wire &&
    net_cable plain eth0 198.51.100.44 wire &&
    net_cable evil eth0 198.51.100.45 wire || net_fail "the cables"
for host in y3 plain evil; do
	ip -n "$host" route add default dev eth0
done
: >"$NET_RUN/lab.records"
: >"$NET_RUN/reverse.records"
: >"$NET_RUN/six.records"
# N routes IPv6, as homes do: no translation, and nothing of RSIP.
for host in "N $six:1" "dns $six:53" "y1 $six:10" "y3 $y3" "plain $six:90" \
    "evil $shut"; do
	# shellcheck disable=SC2086
	oe_six $host
done
net_on N sysctl -qw net.ipv6.conf.all.forwarding=1
ip -n N address add "$lan:1/64" dev eth1 nodad
for host in dns y1 y3 plain evil; do
	ip -n "$host" -6 route add "$lan:/64" via "$six:1" || net_fail "route"
done
oe_six x1 "$lan:11"
ip -n x1 -6 route replace default via "$lan:1" || net_fail "x1's IPv6"
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

# NAME IPV6 IPV4: milliseconds that a program needs which tries IPv6 first, and
# IPv4 200 ms later (RFC 8305), and which it took.
eyeballs()
{
	net_on x1 curl -sS --fail --max-time 20 -r 0-99 -o /dev/null \
	    --resolve "$1:80:[$2],$3" -w '%{time_total} %{remote_ip}\n' \
	    "http://$1/file" | awk '{ printf "%.0f ms %s\n", $1 * 1000, $2 }'
}
# Once without rsipc, then beside it.
all_eyes()
{
	eyeballs keyed.lab "$six:10" "$NET_Y1"
	eyeballs plain.lab "$six:90" 198.51.100.44
	eyeballs dead.lab "$six:99" 198.51.100.44
}
net_rsipd
NET_SIX=yes
net_web y1 plain
all_eyes >"$NET_RUN/eyes.without" || net_fail "curl without rsipc"
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

# What is larger than fits is answered, and not lost.
net_on x1 ping -n -c 2 -W 2 -M "do" -s 1452 "$y3" >"$NET_RUN/big" 2>&1 &&
    net_fail "1500 bytes, and ESP around them"
grep -q "mtu\|too big\|too long" "$NET_RUN/big" ||
    net_fail "too large, and not told so: $(cat "$NET_RUN/big")"

# Who has to be encrypted is not heard in the clear; others are.
net_start listener x1 python3 -u -c '
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 7777))
while True:
    print(s.recv(2000).decode())'
net_ready listener 10 net_listens x1 7777
# HOST: a datagram with its name.
shout()
{
	net_on "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.sendto(sys.argv[2].encode(), (sys.argv[1], 7777))' "$lan:11" "$1"
}
heard()
{
	grep -q "^$1\$" "$NET_RUN/listener.log"
}
if oe_refuses rsipc_x1; then
	shout evil
	shout plain
	net_until 10 heard plain || net_fail "a plain host is not heard"
	! heard evil || net_fail "a paranoid prefix is heard in the clear"
	oe_ping x1 "$lan:11" 2 || net_fail "its own address is not heard"
	net_ok "in the clear plain is heard, and nothing of a paranoid prefix"
fi

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
# A program that may take either family is not slower for it.
sed -i 's/hold-dual-stack = .*/hold-dual-stack = 300/' "$NET_RUN/rsipc_x1.conf"
net_ctl rsipc_x1 reload >/dev/null || net_fail "reload"
all_eyes >"$NET_RUN/eyes.with" || net_fail "curl beside rsipc"
printf '%-12s %-34s %s\n' "a host" "without rsipc" "beside it"
for n in 1 2 3; do
	printf '%-12s %-34s %s\n' \
	    "$(echo keyed plain "IPv6-dead" | cut -d ' ' -f $n)" "$(sed -n ${n}p "$NET_RUN/eyes.without")" \
	    "$(sed -n ${n}p "$NET_RUN/eyes.with")"
done
[ "$(wc -l <"$NET_RUN/eyes.with")" = 3 ] || net_fail "not all are reached"
grep -q 'ms 198.51.100.44$' "$NET_RUN/eyes.with" ||
    net_fail "IPv4 is not taken where IPv6 is dead"
net_stop rsipc_x1
# Nobody is there, but it may be asked.
oe_ping x1 "$shut" 1
oe_ping x1 "$y3" 3 || net_fail "IPv6 stays cut after rsipc ended"
rules=$(ip -n x1 -6 rule show | grep -cv "from all lookup \(local\|main\|default\)")
clear=$(count lan "dst host $shut")
[ "$clear" -ge 1 ] || net_fail "an orderly end opens nothing"
[ "$rules" = 0 ] || net_fail "rules stay: $(ip -n x1 -6 rule show)"
net_ok "after its end IPv6 goes as it did before"
