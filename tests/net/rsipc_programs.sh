#!/bin/sh
# rsipc_programs.sh - unmodified programs on a laptop behind rsipd: servers, ports of their own, many connections, ping, signed RSIP
. "$(dirname "$0")/lib.sh"
net_needs curl nginx ping
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
net_picture
net_web y2 x1
printf 'a secret that both have\n' >secret
printf 'a secret that nobody has\n' >wrong
chmod 600 secret wrong

net_rsipd "client \"$NET_X1\" { secret = \"$NET_RUN/secret\" key-id = 7
require-auth = true }"
net_rsipc_clear x1 "secret = \"$NET_RUN/secret\"" 'key-id = 7' 'require-auth = true' \
    'listen = {"28080"}' 'port-idle = 0'
net_rsipc_clear x2
net_ok "signed RSIP between rsipc and rsipd, which demands it of this host"

port=$(net_json rsipd leases 'next(p for p in range(24321, 25000) if not any(
    int(lo) <= p <= int(hi) for r in rows for lo, hi in
    (x.split("-") for x in r["ports"])))')
net_on x1 curl -sf --max-time 10 --local-port "$port" -o got \
    "http://$NET_Y2/file" && net_same got ||
    net_fail "a program with a source port of its own"
net_holds rsipd leases 'any(words[0] in r["ports"] for r in rows)' \
    "$port-$port" || net_fail "port $port was not leased"
net_ok "a program binds a port that is not leased: it is, on demand"

net_on x1 ping -c 3 -i 0.2 -W 2 "$NET_Y2" >ping.out || net_fail "x1 cannot ping"
net_on x2 ping -c 3 -i 0.2 -W 2 "$NET_Y2" >ping.out || net_fail "x2 cannot ping"
mtu=$(ip -n x1 -o link show oe0 | sed 's/.* mtu \([0-9]*\) .*/\1/')
net_on x1 ping -c 1 -W 2 -M "do" -s $((mtu - 28)) "$NET_Y2" >ping.out ||
    net_fail "a packet of $mtu bytes does not fit the tunnel"
net_on x1 ping -c 1 -W 2 -M "do" -s $((mtu - 27)) "$NET_Y2" >ping.out 2>&1 &&
    net_fail "a packet of $mtu + 1 bytes passed with DF set"
net_on x1 ping -c 2 -i 0.2 -W 2 -s 4000 "$NET_Y2" >ping.out ||
    net_fail "fragments do not pass"
net_ok "ping from both, the tunnel's MTU, fragments"

net_on x1 sh -c "for i in \$(seq 150); do
	curl -sf --max-time 5 -o /dev/null -r 0-9 http://$NET_Y2/file || exit 1
done" || net_fail "150 connections one after another to one server"
net_ok "150 short connections to one server"

cat >many.py <<-EOF
import socket, sys
s = [socket.create_connection(("$NET_Y2", 80), timeout=10) for i in range(100)]
print(len(set(x.getsockname()[1] for x in s)))
EOF
net_until 10 net_on x1 python3 many.py ||
    net_fail "100 connections to one server at once"
net_leases rsipc_x1 purpose "more ports" ||
    net_fail "no other block of ports was leased"
net_on x1 curl -sf --max-time 5 -o /dev/null -r 0-9 "http://$NET_Y2/file" ||
    net_fail "no new connection from the next block"
net_ok "100 connections to it at once: blocks of ports are added"

sed 's/listen 80;/listen 28080;/' nginx.x1.conf >nginx.listen.conf
sed -i "s|nginx.x1/|nginx.listen/|; s|nginx.x1.pid|nginx.listen.pid|" \
    nginx.listen.conf
mkdir -p nginx.listen
net_start nginx_listen x1 nginx -p "$NET_RUN" -c "$NET_RUN/nginx.listen.conf" \
    -e stderr
net_ready nginx_listen 10 net_on x1 curl -sf -o /dev/null -r 0-9 \
    http://127.0.0.1:28080/file
net_on y2 curl -sf --max-time 10 -o got "http://$NET_NB:28080/file" &&
    net_same got || net_fail "a stranger does not reach the server"
net_ok "LISTEN: a stranger reaches a server behind the shared address"

net_stop rsipc_x2
printf 'state = ""\ncontrol = "%s/rsipc_x1b.sock"\nsecret = "%s/wrong"\nkey-id = 7\n%s\n' \
    "$NET_RUN" "$NET_RUN" 'oe { clear = {"0.0.0.0/0"} }' >wrong.conf
net_stop rsipc_x1
net_start rsipc_x1b x1 "$NET_TOP/rsipc/rsipc" -f -c wrong.conf
net_until 10 grep -q 'REGISTRATION_DENIED\|right authentication' rsipc_x1b.log ||
    net_fail "a wrong secret is not refused"
net_leased rsipc_x1b && net_fail "a wrong secret gets a lease"
net_ok "a wrong secret is refused"
net_stop rsipc_x1b

# --- remote flow policy: each remote side has to be named

fetch()
{
	net_on x1 curl -sf --max-time 5 -o got "http://$NET_Y2/file" &&
	    net_same got
}

# RESOLVER: x1's client under it, nobody to be named by it yet.
policy_rsipc()
{
	printf 'state = ""\ncontrol = "%s/rsipc_x1.sock"\n%s\n' "$NET_RUN" "oe {
	    clear = {\"0.0.0.0/0\"} resolvers = {\"$1\"} }" >policy.conf
	net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -d -c policy.conf
	net_ready rsipc_x1 10 net_ctl rsipc_x1 status
}

for policy in macro micro; do
	net_stop rsipd
	net_rsipd "remote-policy = \"$policy\""
	# With a resolver to name first, and with nobody.
	for resolver in "$NET_DNS" 10.0.0.53; do
		policy_rsipc "$resolver"
		net_until 10 fetch ||
		    net_fail "$policy policy, resolver $resolver: no transfer"
		fetch || net_fail "$policy policy: no second transfer"
		net_holds rsipd leases 'words[0] in str(rows)' "$NET_Y2" ||
		    net_fail "$policy policy: $NET_Y2 was not named"
		[ "$policy" = micro ] || net_on x1 ping -c 2 -i 0.2 -W 2 \
		    "$NET_DNS" >ping.out || net_fail "macro policy: no ping"
		net_stop rsipc_x1
	done
	net_ok "$policy-flow remote policy: flows are leased one by one"
done

# --- ports one by one, and programs that choose none which is not to be had

net_stop rsipd
net_rsipd_config 'remote-policy = "micro"' |
    sed 's/20000-49999/20000-20255/' >rsipd.conf
net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c rsipd.conf -p rsipd.pid
net_ready rsipd 10 net_ctl rsipd status
policy_rsipc "$NET_DNS"
net_until 10 fetch || net_fail "a gateway of 256 ports: no transfer"
for i in 1 2 3 4 5 6 7 8 9 10; do
	fetch || net_fail "a gateway of 256 ports: transfer $i of 10"
done
net_stop rsipc_x1
net_ok "a gateway's last ports: programs choose none beyond them"

net_stop rsipd
policy_rsipc 10.0.0.53
keepers=$(ip netns pids x1 | grep -Fx "$(pgrep -x rsipc-keeper)")
[ -n "$keepers" ] || net_fail "no process keeps x1's settings"
# The lease is there, and the range of ports comes half a second later.
kill -STOP $keepers
net_rsipd 'remote-policy = "micro"'
net_until 20 net_holds rsipd leases 'rows' || net_fail "no lease"
(sleep 0.5; kill -CONT $keepers) &
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	fetch || sleep 0.1
done
wait $!
net_until 10 fetch || net_fail "no transfer after the settings were made"
net_holds rsipd leases '(lambda p: len(p) > 1 and max(p) - min(p) <= 2048)(
    [int(r["ports"][0].split("-")[0]) for r in rows])' ||
    net_fail "ports chosen before the range was set: $(net_ctl rsipd leases)"
net_stop rsipc_x1
net_ok "the lease is not used before programs choose their ports from it"
