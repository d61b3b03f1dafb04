#!/bin/sh
# rsipc_life.sh - rsipc as a daemon: privileges, reload, networks that change, routes that vanish, no lease and no leak
. "$(dirname "$0")/lib.sh"
net_needs_built rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
peer=$NET_HERE/../peer/gateway.py

net_links lan
net_namespaces N M x1
net_cable N eth1 10.0.0.1 lan && net_cable M eth1 10.0.0.2 lan &&
    net_cable x1 eth0 "$NET_X1" lan &&
    ip -n x1 route add default via 10.0.0.1 || net_fail "the cables"
# What leaks out beside the tunnel shows as a route's traffic on N.
net_on N sysctl -qw net.ipv4.ip_forward=0
routes_before=$(ip -n x1 route)
rules_before=$(ip -n x1 rule)
range_before=$(net_on x1 cat /proc/sys/net/ipv4/ip_local_port_range)

cat >udp.py <<-EOF
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(float(sys.argv[2]))
try:
    s.connect((sys.argv[1], 7))
    s.send(b"hello")
    print(s.recv(100).decode(), s.getsockname()[0], s.getsockname()[1])
except OSError as e:
    print(e.strerror or e)
EOF

# NAMESPACE ADDRESS: a gateway, which says what it sees in NAMESPACE.log
gateway()
{
	(sleep 600 | exec nsenter --net="/run/netns/$1" python3 "$peer" \
	    --address "$2") >"$1.log" 2>&1 &
	net_until 10 grep -q ready "$1.log" || net_fail "no gateway $1"
}

# [LINE...]
configure()
{
	{
		printf 'state = ""\ncontrol = "%s/rsipc.sock"\n' "$NET_RUN"
		printf '%s\n' "$@"
	} >rsipc.conf
}

start()
{
	net_on x1 "$NET_TOP/rsipc/rsipc" -c rsipc.conf -p "$NET_RUN/rsipc.pid" \
	    >rsipc.log 2>&1 || net_fail "rsipc does not start"
	pid=$(cat rsipc.pid)
	[ -n "$pid" ] && kill -0 "$pid" || net_fail "no process of the pid file"
}

stop()
{
	kill -TERM "$pid"
	gone()
	{
		! kill -0 "$pid" 2>/dev/null
	}
	net_until 5 gone || net_fail "it does not end"
	[ "$(ip -n x1 route)" = "$routes_before" ] || net_fail "routes stay"
	[ "$(ip -n x1 rule)" = "$rules_before" ] || net_fail "rules stay"
	[ "$(net_on x1 cat /proc/sys/net/ipv4/ip_local_port_range)" = \
	    "$range_before" ] || net_fail "the port range stays"
	[ -z "$(net_on x1 ip -o link show type tun)" ] ||
	    net_fail "devices stay"
}

leased()
{
	net_holds rsipc leases \
	    'any(r["address"].startswith("192.0.2.") for r in rows)'
}

works()
{
	net_on x1 python3 udp.py 203.0.113.9 1 | grep -q 'hello 192\.0\.2\.'
}

status()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status"
}

gateway N 10.0.0.1
configure
start
net_until 5 leased || net_fail "no lease"
net_until 5 works || net_fail "no packets"
net_ok "a daemon: the parent returned, the pid file is right"

# CAP_NET_BIND_SERVICE: its port is how a gateway knows it from our users.
[ "$(status CapEff)" = 0000000000003400 ] ||
    net_fail "capabilities $(status CapEff)"
[ "$(status CapPrm)" = 0000000000003400 ] || net_fail "permitted ones"
[ "$(status NoNewPrivs)" = 1 ] || net_fail "no_new_privs is off"
[ "$(status Seccomp)" = 2 ] || net_fail "no seccomp filter"
if [ "$(sed -n 1p /proc/self/uid_map | tr -s ' ')" = " 0 0 4294967295" ]; then
	[ "$(status Uid | cut -f1)" != 0 ] || net_fail "it is still root"
fi
net_ok "privileges: CAP_NET_ADMIN and CAP_NET_RAW only, seccomp, not root"

configure 'oe { deny = {"203.0.113.0/24"} }'
kill -HUP "$pid"
denied()
{
	! works
}
net_until 5 denied || net_fail "SIGHUP does not bring the new policy"
configure 'oe { deny = {"203.0.113.0/99"} }'
kill -HUP "$pid"
sleep 0.3
kill -0 "$pid" || net_fail "a wrong configuration ended it"
works && net_fail "a wrong configuration replaced the right one"
configure
net_ctl rsipc reload >/dev/null || net_fail "rsipctl reload"
net_until 5 works || net_fail "rsipctl reload does not bring the policy back"
net_ok "SIGHUP and rsipctl reload; a wrong file changes nothing"

ip -n x1 route flush table 21075
ip -n x1 rule del priority 21075
net_until 5 works || net_fail "flushed routes do not come back"
net_ok "routes that somebody flushes are put back"

ip -n x1 link set eth0 down
sleep 1
ip -n x1 link set eth0 up
ip -n x1 route add default via 10.0.0.1 2>/dev/null
net_until 20 works || net_fail "not over a cable that was pulled"
net_ok "a cable is pulled and put back"

gateway M 10.0.0.2
ip -n x1 route replace default via 10.0.0.2
net_until 10 grep -q bound M.log || net_fail "does not go to the new gateway"
net_until 10 works || net_fail "no packets through the new gateway"
net_ok "the default route moves: registers with the new gateway"
ip -n x1 route replace default via 10.0.0.1
net_until 15 works || net_fail "does not come back to the old gateway"
stop
net_ok "everything is put back"

# --- nothing goes out in the clear where that is not wanted

net_on N python3 - >leak.log 2>&1 <<-EOF &
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
s.bind(("eth1", 0x0800))
while True:
    p = s.recv(2000)
    if p[16:20] == bytes([203, 0, 113, 9]):
        print("leak", flush=True)
EOF
configure 'port = 4999'
start
leaks()
{
	net_on x1 python3 udp.py 203.0.113.9 0.1 >out
	[ -s leak.log ]
}
net_until 5 leaks || net_fail "the sniffer does not see what goes out directly"
stop
net_ok "no RSIP gateway there: the network is used as it is"
: >leak.log
configure 'direct = false' 'port = 4999'
start
sleep 0.5
net_on x1 python3 udp.py 203.0.113.9 1 >out
[ ! -s leak.log ] || net_fail "a packet went out beside the tunnel: $(cat leak.log)"
configure 'direct = false'
kill -HUP "$pid"
net_until 5 works || net_fail "no lease after the right port is configured"
[ ! -s leak.log ] || net_fail "a packet went out beside the tunnel"
stop
net_ok "direct = false: nothing goes out without a lease"
