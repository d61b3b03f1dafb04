#!/bin/sh
# oe_kernel_roams.sh - clients behind one NAT, whose ESP in UDP the server's kernel does: the NAT maps to other ports, to another address and back, and nobody forges that, in a VM
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
. "$(dirname "$0")/../bench/pathlib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping curl nginx \
    iptables conntrack iperf3
net_needs_built oe/oed ctl/rsipctl
net_vm 600
[ -n "$NET_INSIDE" ] || modprobe -qa tun veth bridge xfrm_user esp4 \
    sch_ingress cls_bpf
net_enter "$@"
cd "$NET_RUN" || exit 1
path_hosts nat
# Beside "left": one more, and one to which IKEv1 lends no address: it has flows of its
# own and no more.
net_namespaces near named
net_cable near eth0 10.1.0.3 lan && net_cable named eth0 10.1.0.4 lan ||
    net_fail "the network behind the NAT"
ip -n near route add default via 10.1.0.1
ip -n named route add default via 10.1.0.1
# shellcheck disable=SC2034	# oe_addr() looks there
{
	oe_addr_near=10.1.0.3
	oe_addr_named=10.1.0.4
}
cp left.pem named.pem
oe_host evil 198.51.100.66
ip -n router address add 198.51.100.35/24 dev eth0
right=$(oe_addr right)

run_right()
{
	OE_DATAPLANE=kernel oe_daemon right "permissive = {\"$OE_ALL\"}" \
	    'pool = {"100.64.0.0/16"}' "give-up = 20" "idle = 60" \
	    "phase2-lifetime = 600"
	oe_ready right
}
# HOST LINES...
run()
{
	oe_who=$1
	shift
	oe_daemon "$oe_who" "paranoid = {\"$right\"}" "give-up = 20" \
	    "idle = 60" "phase2-lifetime = 90" "$@"
	oe_ready "$oe_who"
}
run_right
OE_KEYLESS=yes
run left
run near
OE_KEYLESS=
run named 'id = "@left.lab"' 'ike = "1"'
# What the kernel has decrypted is not shown here: the wire's own port.
oe_sniff right wire.pcap "host $right"
in_clear="host $right and not host $NET_DNS and not arp and not udp port 500 and not udp port 4500 and
    not (icmp[0] = 3 and icmp[17] = 17)"
clear()
{
	oe_count wire.pcap "$in_clear"
}
all_clear()
{
	[ "$(clear)" = 0 ] || net_fail "clear packets on the wire: $(
	    oe_read wire.pcap "$in_clear" | tail -n 5)"
}
inner()
{
	net_json "oed_$1" spd \
	    '[r["inner"] for r in rows if r["dst"] == words[0] and r["inner"]][0]' \
	    "$right"
}
# HOST INNER
lent()
{
	oe_ping "$1" "$right" 20 && inner "$1" >"$1.inner" 2>/dev/null
}
for host in left near; do
	net_until 30 lent $host || net_fail "$host: $(net_ctl oed_$host why "$right")"
done
left=$(cat left.inner)
near=$(cat near.inner)
net_until 20 oe_ping named "$right" 20 || net_fail "named: no answer"
plane()
{
	net_holds oed_right spd \
	    'all(r["dataplane"] == words[1] for r in rows if r["dst"] == words[0]) and any(r["dst"] == words[0] for r in rows)' \
	    "$1" "$2"
}
plane "$left" kernel && plane "$near" kernel ||
    net_fail "the kernel does not do it: $(net_ctl oed_right spd)"
plane 10.1.0.4 user || net_fail "who has but flows of its own is not user space's: $(
    net_ctl oed_right spd)"
# ADDRESS [PORT]: the kernel's outbound SAs to there.
towards()
{
	net_on right ip xfrm state | grep -A9 "^src $right dst $1" |
	    grep -c "sport 4500 dport ${2:-[0-9]*} "
}
[ "$(towards 198.51.100.31)" = 2 ] ||
    net_fail "not in UDP: $(net_on right ip xfrm state)"
net_ok "two at one address, $left and $near, are the kernel's; beside them one in user space"

net_web right left
fetched()
{
	NET_FETCH_TIME=240 net_fetch "$1" "$2" "got.$1" &&
	    net_same "got.$1"
}
fetched near "$right" &
job=$!
fetched left "$right" || net_fail "left: $(cat got.left.log)"
wait "$job" || net_fail "near: $(cat got.near.log)"
net_ok "10 MB from there to each at the same time: $(cat got.left.time got.near.time | tr '\n' ' ')"
fetched right "$left" || net_fail "to $left: $(cat got.right.log)"
net_ok "10 MB to there, from $left: $(cat got.right.time)"
all_clear
net_ok "ESP in UDP only on the wire"

# --- the NAT maps anew ------------------------------------------------------------------
spis()
{
	net_json oed_right spd '" ".join(sorted("%s %s" % (r["spi_in"], r["spi_out"]) for r in rows if r["dst"] in words))' \
	    "$left"
}
# WORDS ADDRESS PORTS: for left alone.  As the NAT forgets near too, that may come to
# have the port that left had, and what is under way to left.
anew()
{
	before=$(spis)
	net_start from left ping -n -i 0.2 "$right"
	net_start to right ping -n -i 0.2 "$left"
	net_start other near ping -n -i 0.2 "$right"
	sleep 3
	net_on router iptables -t nat -I POSTROUTING -s 10.1.0.2 -p udp \
	    -j SNAT --to-source "$2:$3"
	net_on router conntrack -F >/dev/null 2>&1
	sleep 6
	for job in from to other; do
		net_stop $job INT
		tail -n 3 $job.log | grep -o '[0-9]* packets.*received' >$job.said ||
		    net_fail "$1: $job: $(tail -n 3 $job.log)"
	done
	lost=
	for job in from to other; do
		n=$(awk '{ print $1 - $4 }' $job.said)
		[ "$n" -le 6 ] || net_fail "$1: $job: $(cat $job.said)"
		lost="$lost $n of $(awk '{ print $1 }' $job.said)"
	done
	[ "$(spis)" = "$before" ] || net_fail "$1: other keys: $before, $(spis)"
	[ "$(towards "$2" "${3%-*}")" = 1 ] ||
	    net_fail "$1: $(net_on right ip xfrm state)"
	net_ok "$1: on with the same keys; lost of pings from left, to left, and of near's:$lost"
}
anew "another port" 198.51.100.31 31000-31000
anew "another address" 198.51.100.35 32000-32000
[ "$(towards 198.51.100.31)" = 1 ] ||
    net_fail "the old SA stays: $(net_on right ip xfrm state)"
net_on right ip xfrm policy | grep -A3 "dst $left/32" | grep -q "dst 198.51.100.35" ||
    net_fail "the policy leads elsewhere: $(net_on right ip xfrm policy)"
anew "the first address again" 198.51.100.31 33000-33000
anew "and its port of before" 198.51.100.31 31000-31000
grep -c 'maps anew' oed_right.log | grep -qx '[4-9]' ||
    net_fail "not followed four times: $(grep 'maps anew' oed_right.log)"
NET_FETCH_TIME=240 fetched left "$right" || net_fail "left: $(cat got.left.log)"
all_clear
net_ok "10 MB after that: $(cat got.left.time), 0 packets in the clear"

# --- somebody else says so --------------------------------------------------------------
# A packet of left's that has come, from another host: to the kernel it is a replay.
net_start copy router tcpdump -i eth0 -n -U -c 40 -Z root --immediate-mode \
    -w copy.pcap "src 198.51.100.31 and udp src port 31000 and udp dst port 4500 and udp[8:4] != 0"
net_ready copy 10 grep -q listening copy.log
net_on left ping -n -q -i 0.1 -c 60 "$right" >ping.out
stat()
{
	net_on right awk -v n="$1" '$1 == n { print $2 }' /proc/net/xfrm_stat
}
seen=$(stat XfrmInStateSeqError)
before=$(grep -c 'maps anew' oed_right.log)
net_on evil python3 - copy.pcap "$right" >evil.log 2>&1 <<'END' || net_fail "evil: $(cat evil.log)"
import socket, struct, sys
data = open(sys.argv[1], "rb").read()
at, n = 24, 0
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 4500))
while at + 16 <= len(data):
    size = struct.unpack("<I", data[at + 8:at + 12])[0]
    # Ethernet, IPv4 without options, UDP
    s.sendto(data[at + 16 + 42:at + 16 + size], (sys.argv[2], 4500))
    at, n = at + 16 + size, n + 1
print(n)
END
sleep 1
now=$(stat XfrmInStateSeqError)
[ "$((now - seen))" -ge 30 ] ||
    net_fail "the kernel has seen $((now - seen)) of $(cat evil.log) replays"
[ "$(grep -c 'maps anew' oed_right.log)" = "$before" ] &&
    ! net_on right ip xfrm state | grep -q 198.51.100.66 ||
    net_fail "a replay has moved left: $(grep 'maps anew' oed_right.log)"
oe_ping left "$right" 5 || net_fail "no answer after the replays"
net_ok "$(cat evil.log) replays from another host: $((now - seen)) refused by the kernel, nothing moved"

# --- new keys ---------------------------------------------------------------------------
before=$(spis)
net_on left ping -n -q -i 0.5 -w 100 "$right" >ping.out 2>&1
[ "$(spis)" != "$before" ] || net_fail "not rekeyed while in use"
plane "$left" kernel || net_fail "the new keys are not the kernel's: $(net_ctl oed_right spd)"
grep -q ' 0% packet loss' ping.out || net_fail "rekeyed: $(tail -n 2 ping.out)"
net_ok "rekeyed while in use: $(grep -o '[0-9.]*% packet loss' ping.out)"

# --- the end ----------------------------------------------------------------------------
before=$(clear)
net_stop oed_right KILL
net_on right ping -n -q -c 5 -i 0.2 -W 1 "$left" >ping.out 2>&1
sleep 1
[ "$(clear)" = "$before" ] || net_fail "clear packets beside a killed daemon"
net_ok "killed: $(grep -o '[0-9.]*% packet loss' ping.out), nothing in the clear"
run_right
net_until 60 lent left || net_fail "no way to go on after a crash"
net_ok "after a crash it goes on"
net_stop oed_right
[ -z "$(net_on right ip xfrm state)" ] || net_fail "SAs stay"
[ -z "$(net_on right ip xfrm policy | grep -v '^\(socket\|src 0.0.0.0/0\|src ::/0\)' | grep src)" ] ||
    net_fail "policies stay: $(net_on right ip xfrm policy)"
net_ok "nothing stays in the kernel"
