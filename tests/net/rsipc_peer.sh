#!/bin/sh
# rsipc_peer.sh - rsipc against a gateway written from the RFCs alone: exchanges, transports, tunnels, failures
# Shows: RFC 3103 §4, §5, §9.1.3, §9.5.1, §9.7.3, §9.9.3, §9.17.3, §10.2.1, §10.2.2; RFC 3102
# §3.1, §3.3.
. "$(dirname "$0")/lib.sh"
net_needs_built rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
peer=$NET_HERE/../peer/gateway.py

for net_ns in N x1; do
	net_namespace "$net_ns" || net_fail "no namespace $net_ns"
done
ip link add name eth1 netns N type veth peer name eth0 netns x1 &&
    ip -n N address add 10.0.0.1/24 dev eth1 && ip -n N link set eth1 up &&
    ip -n x1 address add "$NET_X1/24" dev eth0 && ip -n x1 link set eth0 up &&
    ip -n x1 route add default via 10.0.0.1 || net_fail "the cable"
range_before=$(net_on x1 cat /proc/sys/net/ipv4/ip_local_port_range)
routes_before=$(ip -n x1 route)

cat >udp.py <<-EOF
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[3]))
if int(sys.argv[2]):
    s.bind(("0.0.0.0", int(sys.argv[2])))
s.connect((sys.argv[1], 7))
s.send(b"hello")
try:
    print(s.recv(100).decode(), s.getsockname()[0], s.getsockname()[1])
except OSError as e:
    print(e.strerror or e)
EOF

# [OPTION...]: the gateway, with its commands on file descriptor 5.
gateway()
{
	rm -f commands && mkfifo commands
	(exec nsenter --net=/run/netns/N python3 "$peer" "$@" <commands) \
	    >gateway.log 2>&1 &
	gateway=$!
	exec 5>commands
	net_until 10 grep -q ready gateway.log || net_fail "no gateway"
}

gateway_end()
{
	exec 5>&-
	wait "$gateway"
}

# COMMAND...: the gateway has carried it out when this returns.
tell()
{
	done_before=$(grep -c '^done' gateway.log)
	echo "$*" >&5
	net_until 10 carried_out || net_fail "the gateway does not: $*"
}

carried_out()
{
	[ "$(grep -c '^done' gateway.log)" -gt "$done_before" ]
}

# [LINE...]: rsipc with that configuration, until it has a lease.
client()
{
	{
		printf 'state = ""\ncontrol = "%s/rsipc.sock"\n' "$NET_RUN"
		# Nobody answers questions to DNS here, and none may ask the
		# gateway for a port while a silence is measured.
		printf '%s\n' 'oe { clear = {"0.0.0.0/0"} validate = "no" }' "$@"
	} >rsipc.conf
	net_start rsipc x1 "$NET_TOP/rsipc/rsipc" -d -c rsipc.conf
	net_ready rsipc 10 leased
}

leased()
{
	net_holds rsipc leases \
	    'any(r["address"].startswith("192.0.2.") for r in rows)'
}

# rsipc must leave and put everything back.
client_end()
{
	net_stop rsipc
	net_until 5 grep -q deregistered gateway.log ||
	    net_fail "$1: no DE-REGISTER_REQUEST at the end"
	range=$(net_on x1 cat /proc/sys/net/ipv4/ip_local_port_range)
	[ "$range" = "$range_before" ] || net_fail "$1: port range stays $range"
	[ "$(ip -n x1 route)" = "$routes_before" ] || net_fail "$1: routes stay"
	[ -z "$(net_on x1 ip -o link show type tun)" ] ||
	    net_fail "$1: devices stay"
	if grep -q unreadable gateway.log; then
		net_fail "$1: the gateway could not read what rsipc sent"
	fi
	: >rsipc.log
}

# TITLE ADDRESS PORT PATTERN: what a program that sends from PORT gets.
udp()
{
	answer=$(net_on x1 python3 udp.py "$2" "$3" "${5:-3}")
	printf '%s\n' "$answer" | grep -Eq "$4" ||
	    net_fail "$1: got \"$answer\", not /$4/"
}

saw()
{
	grep -Eq "$1" gateway.log
}

must_see()
{
	net_until "${3:-5}" saw "$2" || net_fail "$1: the gateway saw no /$2/"
}

# --- TCP: the usual life, with on-demand ports and the gateway's messages

gateway --local 172.16.0.0/255.240.0.0
client
udp "a leased port" 203.0.113.9 0 'hello 192\.0\.2\.1 300[0-6][0-9]'
net_ok "register, query, assign RSIPSEC; a program's port is from the lease"
ip -n x1 route get 172.16.1.1 | grep -q 'via 10.0.0.1 dev eth0' ||
    net_fail "a network that QUERY calls local is tunnelled"
net_ok "networks that QUERY_RESPONSE calls local stay direct"
[ "$(net_on x1 cat /proc/sys/net/ipv4/conf/eth0/arp_ignore)" = 1 ] ||
    net_fail "the host would answer ARP for the leased address"
net_ok "no ARP answers for the leased address"

udp "on demand" 203.0.113.9 4000 'hello 192\.0\.2\.1 4000'
must_see "on demand" 'bound [0-9]+ 192.0.2.1 1 \[4000\]'
net_ok "an unleased source port: packet held, port leased, packet sent"
cat >many.py <<-EOF
import socket, sys
s = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for i in range(60)]
for x in s:
    x.settimeout(3)
    x.connect(("203.0.113.9", 7))
    x.send(b"hello")
    x.recv(100)
EOF
net_on x1 python3 many.py || net_fail "60 ports of a block of 64"
must_see "more ports" 'bound [0-9]+ 192.0.2.1 64 \[30064\]'
udp "the next block" 203.0.113.9 0 'hello 192\.0\.2\.1 30(0[6-9]|1[0-2])'
net_ok "ports get scarce: another block is leased, and programs go on there"
tell refuse 4001
udp "refused" 203.0.113.9 4001 'No route to host|unreachable'
net_ok "a port that is refused: ICMP error to the program"

tell error 313
tell error 104
tell free
must_see "free" 'command free'
net_until 5 grep -q 'takes binding' rsipc.log || net_fail "FREE_RESPONSE ignored"
net_until 8 leased || net_fail "no lease after an asynchronous FREE_RESPONSE"
udp "after FREE_RESPONSE" 203.0.113.9 0 hello
net_ok "an asynchronous FREE_RESPONSE: leases anew; errors are survived"
tell deregister
net_until 3 grep -q 'ended the registration' rsipc.log
net_until 8 leased || net_fail "no lease after DE-REGISTER_RESPONSE"
udp "after DE-REGISTER_RESPONSE" 203.0.113.9 0 hello
net_ok "an asynchronous DE-REGISTER_RESPONSE: registers anew"

tell close
must_see "a closed connection" EXTEND
udp "after close" 203.0.113.9 0 hello
net_ok "a closed TCP connection: resumed, the lease proved by EXTEND_REQUEST"
counter()
{
	net_json rsipc status 'it["tunnel"][words[0]]' "$1"
}
ip -n N address add 10.0.0.77/24 dev eth1
tell stray 10.0.0.77
sees_strays()
{
	[ "$(counter dropped_foreign)" -ge 1 ] && [ "$(counter dropped_malformed)" -ge 1 ]
}
net_until 5 sees_strays || net_fail "strays: $(net_ctl rsipc status)"
udp "after strays" 203.0.113.9 0 hello
net_ok "packets of others, cut ones and those for others are not taken"
tell garbage
net_until 5 grep -q 'Protocol error' rsipc.log ||
    net_fail "garbage on TCP is not noticed"
net_until 5 leased || net_fail "no lease after garbage"
udp "after garbage" 203.0.113.9 0 hello
net_ok "garbage on TCP: a new connection, the lease goes on"
tell forget
must_see "restart" 'answer error 301'
net_until 5 leased || net_fail "no lease after the gateway's restart"
udp "after restart" 203.0.113.9 0 hello
net_ok "a restarted gateway (REGISTER_FIRST): registers, asks for the same again"
client_end "TCP"

# --- the host's own crash: ALREADY_REGISTERED

client
net_stop rsipc KILL
sleep 0.3
[ "$(net_on x1 cat /proc/sys/net/ipv4/ip_local_port_range)" = \
    "$range_before" ] || net_fail "a killed rsipc leaves its port range"
net_ok "killed: the port range is put back all the same"
client
must_see "crash" 'answer error 302'
udp "after a crash" 203.0.113.9 0 hello
net_ok "ALREADY_REGISTERED: de-registers the old client ID, registers anew"
client_end "after a crash"
gateway_end

# --- UDP

gateway --no-tcp --drop 2
client 'transport = "udp"' 'tunnel = "gre"' 'cookies = 4' 'name = "x1.lab"'
[ "$(grep -c dropped gateway.log)" = 2 ] || net_fail "no retransmission"
udp "GRE" 203.0.113.9 0 'hello 192\.0\.2\.1 300[0-6][0-9]'
net_ok "UDP: retransmits what is lost; GRE carries packets"
must_see "cookies" 'cookies 4'
must_see "name" 'fqdn x1\.lab'
net_ok "initiator cookies are negotiated, the host's name is told"
tell garbage
udp "after garbage on UDP" 203.0.113.9 0 hello
net_until 5 grep -q 'cannot be read' rsipc.log || net_fail "garbage on UDP"
tell error 301
must_see "async 301" 'deregistered'
net_until 5 leased || net_fail "no lease after REGISTER_FIRST on UDP"
udp "after 301" 203.0.113.9 0 hello
net_ok "UDP: an asynchronous REGISTER_FIRST resynchronizes"
tell forget
begun=$(date +%s)
udp_again()
{
	net_on x1 python3 udp.py 203.0.113.9 0 1 | grep -q hello
}
net_until 15 udp_again || net_fail "UDP: a silent restart is never noticed"
saw 'unregistered data' || net_fail "the gateway did not forget"
net_ok "UDP: a restart that nobody tells is noticed by the silence," \
    "$(($(date +%s) - begun)) s"
client_end "UDP"
gateway_end

gateway --use-tcp
client 'transport = "udp"'
udp "USE_TCP" 203.0.113.9 0 hello
net_ok "USE_TCP: takes TCP instead"
client_end "USE_TCP"
gateway_end

# --- less than asked for

gateway --methods 2 --tunnels 1 --no-counters
client 'tunnel = "gre"'
must_see "fallback" 'request ASSIGN_REQUEST_RSAP_IP'
udp "RSAP-IP" 203.0.113.9 0 hello
net_ok "a gateway with RSAP-IP and IP-IP only: that is used"
client_end "RSAP-IP"
gateway_end

gateway --methods 1
client 'listen = {"8080"}'
must_see "RSA-IP" 'request ASSIGN_REQUEST_RSA_IP'
udp "RSA-IP" 203.0.113.9 0 hello
udp "RSA-IP" 203.0.113.9 4000 'hello 192\.0\.2\.1 4000'
must_see "LISTEN" 'request LISTEN_REQUEST'
net_ok "RSA-IP: a whole address, of which every port may be used"
client_end "RSA-IP"
gateway_end

gateway
client 'listen = {"8080"}'
must_see "LISTEN" 'bound [0-9]+ 192\.0\.2\.1 1 \[8080\]'
net_ok "LISTEN for a port of the configuration"
client_end "LISTEN"
gateway_end

# --- authentication

printf 'a secret of enough bytes\n' >secret
chmod 600 secret
gateway --secret 'a secret of enough bytes' --key-id 7
client "secret = \"$NET_RUN/secret\"" 'key-id = 7' 'require-auth = true'
udp "authentication" 203.0.113.9 0 hello
saw unauthentic && net_fail "the gateway refused a signature"
net_ok "messages are signed and verified"
client_end "authentication"
gateway_end

gateway
printf 'state = ""\ncontrol = "%s/rsipc.sock"\nsecret = "%s/secret"\nrequire-auth = true\n' \
    "$NET_RUN" "$NET_RUN" >rsipc.conf
net_start rsipc x1 "$NET_TOP/rsipc/rsipc" -d -c rsipc.conf
net_until 5 grep -q 'without authentication is ignored' rsipc.log ||
    net_fail "an unsigned answer is believed"
leased && net_fail "a gateway without the secret gives leases"
net_stop rsipc
net_ok "a gateway that does not sign is ignored where it must"
gateway_end
