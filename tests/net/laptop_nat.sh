#!/bin/sh
# laptop_nat.sh - behind a plain NAT, with a name and no address of the public realm: encrypted in UDP 4500, when the NAT maps anew, and when an RSIP gateway comes and goes
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill tcpdump \
    iptables conntrack
net_needs_built oe/oed rsipc/rsipc rsipd/rsipd ctl/rsipctl
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1
tool=$NET_HERE/laptop_gap.py

# PORTS: what the NAT maps UDP to.
nat()
{
	net_on N iptables -t nat -F POSTROUTING
	net_on N iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -o eth0 -p udp \
	    -j SNAT --to-source "$NET_NB:$1" &&
	    net_on N iptables -t nat -A POSTROUTING -s 10.0.0.0/24 -o eth0 \
	    -j MASQUERADE
}

# FILE FILTER: how many bytes of a capture match, of which a busy machine may lose
# some; a packet may be 64 KiB of them.
bytes()
{
	oe_read "$@" | awk '{ n += $NF } END { print n + 0 }'
}

nat 21000-21999 || net_skip "no NAT in this kernel"
net_keys
net_zones
net_dns
net_web y1 y2
net_oed y1
sed "s/oed_y1/oed_x1/; s/y1\\./x1./; s/^oe {/oe {\n\tid = \"@x1.lab\"/" \
    oed_y1.conf >oed_x1.conf
net_start oed_x1 x1 "$NET_TOP/oe/oed" -f -c oed_x1.conf
net_ready oed_x1 10 net_ctl oed_x1 status
oe_sniff N wire.pcap "host $NET_Y1"

net_fetch x1 "$NET_Y1" got && net_same got || net_fail "no file: $(cat got.log)"
sleep 0.5
n=$(bytes wire.pcap "host $NET_NB and udp port 4500")
[ "$n" -gt 2000000 ] || net_fail "only $n bytes in UDP 4500"
[ "$(oe_count wire.pcap "host $NET_NB and not udp port 4500 and not udp port 500 \
    and not arp")" = 0 ] || net_fail "something else passed: $(oe_read wire.pcap \
    "not udp port 4500 and not udp port 500 and not arp" | head -n 5)"
net_ctl oed_x1 why "$NET_Y1" | grep -q ': encrypted' ||
    net_fail "why says: $(net_ctl oed_x1 why "$NET_Y1")"
net_ok "10 MB from y1: $n bytes in UDP 4500, 0 packets of others but IKE's"
# Larger than any link takes: cut by the last card on the way, here by none.
n=$(oe_count wire.pcap "src $NET_Y1 and udp port 4500 and greater 3000")
[ "$n" -gt 10 ] || net_fail "y1 has sent $n segments"
net_ok "y1 has sent them by the segment, $n times"
net_ok "why: $(net_ctl oed_x1 why "$NET_Y1")"

# --- the NAT forgets, and maps to other ports ------------------------------------------
net_start echo y1 python3 "$tool" echo 7007
net_ready echo 10 grep -q echo echo.log
net_start udp x1 python3 "$tool" udp "$NET_Y1" 7007
net_start tcp x1 python3 "$tool" tcp "$NET_Y1" 7007
net_ready tcp 10 grep -q connected tcp.log

for ports in 31000-31999 41000-41999; do
	sleep 1
	net_gap udp >/dev/null
	net_gap tcp >/dev/null
	nat "$ports"
	net_on N conntrack -F >/dev/null 2>&1
	sleep 3
	[ "$(oe_count wire.pcap "src $NET_NB and udp src portrange $ports")" -gt 0 ] ||
	    net_fail "the NAT has not mapped to $ports"
	udp=$(net_gap udp) || exit 1
	gap=$(net_gap tcp) || exit 1
	net_alive tcp || net_fail "the TCP connection: $(cat tcp.log)"
	verdict=$(awk -v a="$udp" -v b="$gap" \
	    'BEGIN { print a <= 2 && b <= 2 ? "within 2 s" : "longer than 2 s" }')
	net_ok "the mapping is forgotten, now $ports: $udp s of silence for UDP, $gap s for TCP, $verdict"
done
grep -q 'maps anew: at' oed_y1.log || net_fail "y1 did not follow in ESP"
# The router says of ESP in UDP to a mapping that it has just forgotten that nobody
# is there: its own words, not x1's.
clear="host $NET_NB and not udp port 4500 and not udp port 500 and not arp and
    not (icmp[0] = 3 and icmp[17] = 17 and icmp[28:2] = 4500)"
[ "$(oe_count wire.pcap "$clear")" = 0 ] ||
    net_fail "something went in the clear: $(oe_read wire.pcap "$clear" | head -n 5)"
net_ok "0 clear datagrams to y1, which permissive would have allowed"
net_ok "y1: $(grep 'maps anew' oed_y1.log | tail -n 1)"

# --- rsipc: no gateway at first, and a destination that is paranoid and has no key -------
net_stop oed_x1
net_stop udp KILL
net_stop tcp KILL
net_stop sniff_N
sleep 1
# Beside the ports that rsipd leases.  The strict check of the way back is what many have.
nat 51000-51999
net_on x1 sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=1
net_start watch x1 python3 "$NET_HERE/attack_paranoid.py" watch \
    --net "$NET_Y2/32" --out clear.log --links eth0
net_start flood x1 python3 "$NET_HERE/attack_paranoid.py" flood \
    --target "$NET_Y2" --links eth0 --sources "$NET_X1"
net_until 10 test -s clear.log || net_fail "the watcher does not see the flood"
net_rsipc_config x1 "permissive = {\"0.0.0.0/0\"}
	paranoid = {\"$NET_Y2/32\"}" 'state = ""'

# DAEMON TEXT: how the first line of its status begins.
status_is()
{
	net_ctl "$1" status | head -n 1 | grep -q "^$2"
}

# CASE FIGURE VERDICT: a row of the table, if the paranoid destination got nothing.
row()
{
	[ ! -s clear.log ] || net_fail "$1: clear datagrams to y2: $(
	    sort clear.log | uniq -c | head -n 5)"
	net_ok "$(printf '%-40s %-34s %s' "$1" "$2" "$3")"
}

# NAME ADDRESS FILTER: 10 MB from y1 go from that address, in packets that match.
leaves_from()
{
	oe_sniff N "$1.pcap" "host $NET_Y1 or host $NET_Y2"
	net_on x1 curl -sS --fail --max-time 30 -o got -w '%{local_ip}' \
	    "http://$NET_Y1/file" >from 2>got.log && net_same got ||
	    net_fail "$1: no file: $(cat got.log)"
	sleep 0.3
	net_stop sniff_N
	[ "$(cat from)" = "$2" ] || net_fail "$1: it left from $(cat from)"
	n=$(bytes "$1.pcap" "$3")
	[ "$n" -gt 2000000 ] || net_fail "$1: only $n bytes are \"$3\""
	# Without rsipd its machine's kernel knows no ESP, and says so.
	other=$(oe_read "$1.pcap" "not arp and not udp port 500 and not esp \
	    and not udp port 4500 and not icmp" | head -n 3)
	[ -z "$other" ] || net_fail "$1: in the clear: $other"
}

# PROGRAM CASE: its TCP connection goes on, and how long it did not.
lives()
{
	gap=$(net_gap "$1") || exit 1
	net_alive "$1" || net_fail "$2: the TCP connection: $(cat "$1.log")"
	verdict=$(awk -v g="$gap" \
	    'BEGIN { print "lives" (g <= 2 ? "" : ", longer than 2 s") }')
}

net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf
net_ready rsipc_x1 10 net_ctl rsipc_x1 status
none='rsipc: no RSIP gateway here; encrypting through NAT; '
net_until 5 status_is rsipc_x1 "$none" ||
    net_fail "status: $(net_ctl rsipc_x1 status | head -n 1)"
sleep 0.2
: >clear.log
leaves_from cafe "$NET_X1" "host $NET_NB and udp port 4500"
row "no gateway: 10 MB from y1" "$n bytes in UDP 4500" "encrypted, 0 clear"
status_is rsipc_x1 "${none}1 peer$" ||
    net_fail "status: $(net_ctl rsipc_x1 status | head -n 1)"
net_ok "status: $(net_ctl rsipc_x1 status | head -n 1)"
net_ctl rsipc_x1 why "$NET_Y1" | grep -q ': encrypted .*; through NAT, because: no RSIP' ||
    net_fail "why says: $(net_ctl rsipc_x1 why "$NET_Y1")"
net_ctl rsipc_x1 why "$NET_Y2" | grep -q -e ': denied' -e ': held' ||
    net_fail "why says: $(net_ctl rsipc_x1 why "$NET_Y2")"

sed -i '1i direct = false' rsipc_x1.conf
kill -HUP "$(net_pid rsipc_x1)"
net_until 5 status_is rsipc_x1 'rsipc: shut (direct = false)' ||
    net_fail "status: $(net_ctl rsipc_x1 status | head -n 1)"
oe_ping x1 "$NET_Y1" 1 && net_fail "direct = false: y1 is reached"
sed -i 1d rsipc_x1.conf
kill -HUP "$(net_pid rsipc_x1)"
net_until 10 oe_ping x1 "$NET_Y1" 1 || net_fail "direct = true again: no answer"
grep -e 'Permission denied' -e 'not permitted' rsipc_x1.log &&
    net_fail "what root opened is not to be had again"
row "direct = false by SIGHUP, and true again" "y1 is out of reach, then answers" "0 clear"

net_start old x1 python3 "$tool" tcp "$NET_Y1" 7007
net_ready old 10 grep -q "connected $NET_X1" old.log
net_gap old >/dev/null
net_rsipd
net_until 20 net_leased rsipc_x1 || net_fail "no lease"
leaves_from lease "$NET_NB" "host $NET_NB and esp"
row "a gateway comes: 10 MB from y1" "$n bytes of plain ESP" "by the lease, 0 clear"
sleep 1
lives old "a gateway comes"
row "... TCP of before" "$gap s of silence" "$verdict"
n=$(oe_count lease.pcap "src $NET_NB and udp port 4500")
[ "$n" -gt 0 ] || net_fail "the old connection is not where it was"

net_stop rsipd
from=$(date +%s%N)
net_until 10 status_is rsipc_x1 "$none" || net_fail "status without the gateway: $(
    net_ctl rsipc_x1 status | head -n 1)"
took=$(awk -v a="$from" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }')
leaves_from back "$NET_X1" "host $NET_NB and udp port 4500"
row "it goes: 10 MB from y1" "after $took s: $n in UDP 4500" "encrypted, 0 clear"
lives old "it goes"
row "... TCP of before it came" "$gap s of silence" "$verdict"

net_rsipd
net_until 20 status_is rsipc_x1 "rsipc: encrypting; " || net_fail "no lease again: $(
    net_ctl rsipc_x1 status | head -n 1)"
leaves_from again "$NET_NB" "host $NET_NB and esp"
row "it is back: 10 MB from y1" "$n bytes of plain ESP" "by the lease, 0 clear"
sleep 1
lives old "it is back"
row "... TCP of before it came" "$gap s of silence" "$verdict"

net_stop rsipc_x1 KILL
sleep 1
row "rsipc is killed" "y2 tried all the time" "0 clear to y2"
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf
net_until 20 net_leased rsipc_x1 || net_fail "no lease after kill -9"
row "... and starts again" "y2 tried all the time" "0 clear to y2"
net_stop flood
net_ok "y2, paranoid and without a key: $(tail -n 1 flood.log) times, 0 clear in all of it"
net_stop rsipc_x1

# --- a public address of its own, and no gateway ---------------------------------------------
# No neighbour of y1, which would be local.
ip -n y2 address flush dev eth0
ip -n y2 address add "$NET_Y2/32" dev eth0
ip -n y2 route replace default dev eth0
sed "s/x1/x2/g; /paranoid/d" rsipc_x1.conf >rsipc_x2.conf
net_start rsipc_x2 y2 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x2.conf
net_ready rsipc_x2 10 net_ctl rsipc_x2 status
net_until 10 net_on y2 ping -q -c 1 -W 1 "$NET_Y1" || net_fail "no answer from y1"
net_until 10 status_is rsipc_x2 \
    "rsipc: no RSIP gateway here; encrypting with this host's own address; 1 peer" ||
    net_fail "status: $(net_ctl rsipc_x2 status | head -n 1)"
oe_sniff y2 own.pcap "host $NET_Y1"
net_on y2 ping -q -c 3 -i 0.2 -W 1 "$NET_Y1" >/dev/null || net_fail "no echo"
sleep 0.3
n=$(oe_count own.pcap esp)
[ "$n" -ge 6 ] && [ "$(oe_count own.pcap icmp)" = 0 ] ||
    net_fail "not in ESP: $(oe_read own.pcap | head -n 5)"
net_ok "$(printf '%-40s %-34s %s' "a public address of its own" "$n packets of plain ESP" "encrypted, 0 clear")"
