#!/bin/sh
# attack_paranoid.sh - networks and gateways that want a laptop's paranoid prefix in the clear, and daemons that die
. "$(dirname "$0")/lib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill curl nginx ping
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
tool=$NET_HERE/attack_paranoid.py
peer=$NET_HERE/../peer/gateway.py
y3=198.51.100.40
prefix=198.51.100.0/27	# y1, which has a key, and y2, which has none

net_picture
# A second link of the laptop, with a router that is not to be trusted.
net_place cafe M 10.7.0
net_namespaces y3
net_cable M eth0 198.51.100.2 wire &&
    net_cable x1 eth1 10.7.0.11 cafe && net_cable y3 eth0 "$y3" wire &&
    ip -n x1 route add default via 10.7.0.1 metric 100 &&
    ip -n y3 route add default dev eth0 || net_fail "the cables"
net_keys
net_zones
net_dns
net_web y1 y3
net_oed y1
net_rsipd
(sleep 600 | exec nsenter --net=/run/netns/M python3 "$peer" \
    --address 10.7.0.1 --local 198.0.0.0/255.0.0.0 \
    198.51.100.0/255.255.255.224 "$NET_Y2/255.255.255.255") >M.log 2>&1 &
net_until 10 grep -q ready M.log || net_fail "no hostile gateway"

# [LINE...]
configure()
{
	net_rsipc_config x1 "permissive = {\"0.0.0.0/0\"}
		paranoid = {\"$prefix\"}" "state = \"\"
	$(printf '%s\n' "$@")"
}

start()
{
	net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf
	net_ready rsipc_x1 10 net_ctl rsipc_x1 status
}

reached()
{
	net_on x1 curl -sf -m 2 -o /dev/null -r 0-999 "http://$1/file"
}

why()
{
	net_ctl rsipc_x1 why "$1"
}

encrypted()
{
	reached "$NET_Y1" && why "$NET_Y1" | grep -q ': encrypted'
}

clear_now()
{
	wc -l <clear.log | tr -d ' '
}

# SECONDS WAY: for so long nothing of the flood leaves.
shut()
{
	sleep "$1"
	net_alive flood || net_fail "the flood ended"
	[ "$(clear_now)" = 0 ] || net_fail "$2: $(clear_now) clear datagrams: $(
	    sort clear.log | uniq -c | head -n 5)"
	net_ok "$2: 0 clear datagrams"
}

: >clear.log
net_start watch x1 python3 "$tool" watch --net "$prefix" --out clear.log \
    --links eth0 eth1
net_ready watch 10 grep -q watching watch.log
net_start flood x1 python3 "$tool" flood --target "$NET_Y2" \
    --links eth0 eth1 --sources "$NET_X1" 10.7.0.11
net_ready flood 10 grep -q flooding flood.log
sees_both()
{
	grep -q eth0 clear.log && grep -q eth1 clear.log
}
net_until 5 sees_both || net_fail "the watcher does not see clear datagrams"
net_ok "control: without rsipc $(clear_now) clear datagrams are seen, on both links"

# --- while it runs

configure
start
net_ready rsipc_x1 15 net_leased rsipc_x1
grep -q 'direct = true: without a lease' rsipc_x1.log ||
    net_fail "no warning about direct = true"
sleep 0.3
: >clear.log
net_until 15 encrypted || net_fail "y1 is not reached encrypted: $(why "$NET_Y1")"
net_until 5 reached "$y3" || net_fail "the plain host is not reached"
net_ok "control: y1, paranoid and keyed, is reached encrypted; a plain host too"
why "$NET_Y2" | grep -q -e denied -e held || net_fail "why: $(why "$NET_Y2")"
shut 1 "with a lease"

ip -n x1 route add "$NET_Y2/32" via 10.7.0.1
ip -n x1 route add 198.51.100.0/25 via 10.0.0.1
ip -n x1 route add "$NET_Y1/32" via 10.7.0.1
shut 1 "longer routes, as DHCP option 121 brings them"
encrypted || net_fail "a longer route keeps y1 from being reached"
net_until 5 reached "$y3" || net_fail "a longer route breaks a plain host"
ip -n x1 address add 198.51.100.30/24 dev eth1
shut 1 "an address in that network, as DHCP gives it"
ip -n x1 address del 198.51.100.30/24 dev eth1

configure 'gateway = "10.7.0.1"'
kill -HUP "$(net_pid rsipc_x1)"
net_until 10 net_holds rsipc_x1 leases \
    'any(r["address"].startswith("192.0.2.") for r in rows)' || net_fail "no lease from the hostile gateway"
grep -q 'calls 198.0.0.0/8 local: it is not believed' rsipc_x1.log &&
    grep -q "calls $NET_Y2/32 local: it is not believed" rsipc_x1.log ||
    net_fail "what the gateway calls local is believed"
shut 1 "a gateway that calls it local"
ip -n x1 route | grep -q '^198.0.0.0/8' && net_fail "a route for the /8"

# --- without a lease

configure 'port = 4999'
kill -HUP "$(net_pid rsipc_x1)"
unleased()
{
	! net_leased rsipc_x1 && reached "$y3"
}
net_until 10 unleased || net_fail "direct = true: a plain host is not reached"
shut 2 "without a lease, direct = true"
configure 'port = 4999' 'direct = false'
kill -HUP "$(net_pid rsipc_x1)"
blocked()
{
	! reached "$y3"
}
net_until 10 blocked || net_fail "direct = false: a plain host is reached"
shut 1 "the same, direct = false"

# --- when it dies

configure
kill -HUP "$(net_pid rsipc_x1)"
net_until 15 encrypted || net_fail "y1 is not reached again"
net_stop rsipc_x1 KILL
shut 2 "after kill -9"
net_until 5 reached "$y3" || net_fail "after kill -9 a plain host is not reached"
reached "$NET_Y1" && net_fail "y1 is reached in the clear"
start
net_until 15 encrypted || net_fail "y1 is not reached after the restart"
shut 0 "while it starts again"
configure 'key-id = -1'
net_stop rsipc_x1 KILL
net_on x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf >wrong.log 2>&1 &&
    net_fail "a wrong configuration starts"
shut 1 "a start that fails after kill -9"
configure 'stay-shut = true'
start
net_until 15 encrypted || net_fail "y1 is not reached"
net_stop rsipc_x1
shut 1 "stay-shut = true, after an orderly end"
start
net_until 15 encrypted || net_fail "y1 is not reached"
shut 0 "while that is started again"

# --- what the operator does

net_on x1 ip rule del priority 21076
net_on x1 ip rule del priority 21075
net_on x1 ip route flush table 21076
back()
{
	[ "$(net_on x1 ip rule | grep -c '^2107[56]:')" = 2 ] &&
	    net_on x1 ip route show table 21076 | grep -q prohibit
}
net_until 5 back || net_fail "rules that somebody deletes do not come back"
sleep 0.2
: >clear.log
encrypted || net_fail "y1 is not reached"
shut 1 "rules that somebody deleted are put back: from then on"
configure
kill -HUP "$(net_pid rsipc_x1)"
sleep 0.5
net_stop rsipc_x1
grep -q 'open again: nothing encrypts now' rsipc_x1.log ||
    net_fail "an orderly end does not say what it opens"
[ -z "$(net_on x1 ip rule | grep '^2107')" ] || net_fail "rules stay"
[ -z "$(net_on x1 ip route show table 21076 2>/dev/null)" ] ||
    net_fail "routes stay"
net_until 5 sees_both || net_fail "after an orderly end it stays shut"
net_ok "an orderly end takes all of it away, and says so"
net_stop flood
net_say "$(grep tried flood.log) datagrams and connections in all"

# --- oed alike

net_stop watch
net_stop oed_y1 KILL
sed -i 's/^oe {/oe {\nparanoid = {"198.51.100.16\/28"}\npermissive = {"0.0.0.0\/0"}/' \
    oed_y1.conf
: >clear.log
net_start watch y1 python3 "$tool" watch --net 198.51.100.16/28 \
    --out clear.log --links eth0
net_start flood y1 python3 "$tool" flood --target "$NET_Y2" \
    --sources "$NET_Y1"
net_until 5 test -s clear.log || net_fail "the watcher sees nothing on y1"
net_start oed_y1 y1 "$NET_TOP/oe/oed" -f -c oed_y1.conf
net_ready oed_y1 10 net_ctl oed_y1 status
sleep 0.3
: >clear.log
ip -n y1 route add "$NET_Y2/32" dev eth0
shut 1 "oed, with a longer route"
net_stop oed_y1 KILL
shut 2 "oed after kill -9"
net_on y1 ping -q -c 1 -W 2 "$y3" >/dev/null ||
    net_fail "after kill -9 of oed a plain host is not reached"
net_start oed_y1 y1 "$NET_TOP/oe/oed" -f -c oed_y1.conf
net_ready oed_y1 10 net_ctl oed_y1 status
shut 1 "oed while it starts again"
net_stop oed_y1
net_until 5 test -s clear.log || net_fail "oed: an orderly end opens nothing"
net_ok "oed: an orderly end opens it"
net_say "clear datagrams that got through: 0; honest peers lost nothing: y1" \
    "was reached encrypted after each, the plain host all the while"
