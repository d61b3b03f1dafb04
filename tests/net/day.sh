#!/bin/sh
# day.sh - one laptop's day: home, five minutes of sleep, cafe, office, train, home; how long it is silent, what is encrypted, what it says
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump iptables dnsmasq
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl tests/net/day_clock.so
net_enter "$@"
cd "$NET_RUN" || exit 1
day=$NET_HERE/day.py
NET_Y3=198.51.100.30
most=5		# seconds of silence after a network is back

# --- the places -------------------------------------------------------------------------

net_picture
net_place cafe K 10.7.0
net_place office G 10.8.0
net_place train R 10.9.0
net_cable K eth0 198.51.100.4 wire && net_cable G eth0 198.51.100.5 wire &&
    net_namespace y3 && net_cable y3 eth0 "$NET_Y3" wire || net_fail "the cables"
# The train's own network is good; its way out is not.
net_namespace air || net_fail "no namespace air"
ip link add name R netns wire type veth peer name ground netns air &&
    ip -n wire link set R master switch0 up && ip -n air link set ground up &&
    ip link add name eth0 netns R type veth peer name roof netns air &&
    ip -n air link set roof up && ip -n R address add 198.51.100.6/24 dev eth0 &&
    ip -n R link set eth0 up || net_fail "the train's way out"
for net_ns in K G R y3; do
	ip -n "$net_ns" route add default dev eth0 || net_fail "route of $net_ns"
done
# Of what is asked 30 % stay without an answer: 1 - sqrt(0.7) each way.
net_start air air python3 "$NET_HERE/oe_delay.py" roof ground --ms 150 \
    --loss 0.163 ${DAY_SEED:+--seed "$DAY_SEED"}

# The cafe: its own resolver says that everything is the portal, until somebody has
# clicked there; nothing else gets through.
net_on K iptables -t nat -A POSTROUTING -s 10.7.0.0/24 -o eth0 -j MASQUERADE ||
    net_skip "no NAT in this kernel"
portal()
{
	net_start portal K dnsmasq --keep-in-foreground --conf-file=/dev/null \
	    --bind-interfaces --listen-address=10.7.0.1 --no-hosts --no-resolv \
	    --user=root --pid-file= --log-facility=- "$@"
	net_until 10 net_listens K 53 || net_fail "no resolver in the cafe"
}
net_on K iptables -A FORWARD -i eth1 -j DROP
portal --address=/#/10.7.0.1

net_keys
net_zones
net_key y3 "$NET_Y3"
grep -E '^30\.100\.51\.198.*[[:space:]]TXT[[:space:]]' y3.records \
    >>zone.100.51.198.in-addr.arpa
net_dns
for link in lan:N cafe:K office:G train:R wire:N wire:K wire:G wire:R; do
	OE_SWITCH=${link%:*} oe_sniff "${link#*:}" "${link%:*}_${link#*:}.pcap" ip
done

# --- who lives there --------------------------------------------------------------------

# Daemons by whose clocks five minutes pass in ten seconds; the laptop's has a
# clock of its own, which does what a suspend does to clocks.
python3 "$day" clock world.clock 1 1
python3 "$day" clock x1.clock 1 1

# NAME NAMESPACE CLOCK PROGRAM
clocked()
{
	net_start "$1" "$2" env LD_PRELOAD="$NET_TOP/tests/net/day_clock.so" \
	    DAY_CLOCK="$NET_RUN/$3.clock" \
	    ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" \
	    "$NET_TOP/$4" -f -c "$NET_RUN/$1.conf"
	net_ready "$1" 15 net_ctl "$1" status
}

for host in y1 y3; do
	cat >"oed_$host.conf" <<-END
	control = "$NET_RUN/oed_$host.sock"
	oe {
		key = "$NET_RUN/$host.pem"
		state = "$NET_RUN/$host.peers"
		$NET_RESOLVER
	}
	END
	clocked "oed_$host" "$host" world oe/oed
done
net_rsipd_config "" >rsipd.conf
sed "s/rsipd.sock/rsipd_G.sock/; s/leases.mdb/leases_G.mdb/; s/$NET_NB/198.51.100.5/" rsipd.conf >rsipd_G.conf
sed "s/rsipd.sock/rsipd_R.sock/; s/leases.mdb/leases_R.mdb/; s/$NET_NB/198.51.100.6/" rsipd.conf >rsipd_R.conf
clocked rsipd N world rsipd/rsipd
clocked rsipd_G G world rsipd/rsipd
clocked rsipd_R R world rsipd/rsipd

# All day a program tries to reach two paranoid destinations, one of which has no
# key.  The witnesses see it as long as nothing encrypts or forbids.
for host in y2:$NET_Y2 y3:$NET_Y3; do
	net_start "try_${host%:*}" x1 python3 "$NET_HERE/attack_paranoid.py" \
	    flood --target "${host#*:}" --links eth0 --every 0.05
done

# HOST FROM: clear and sealed packets to it, on all links.
sent()
{
	python3 "$day" sent "$1" "$2" 9e9 ./*_?.pcap
}
seen()
{
	[ "$(sent "$1" 0 | cut -d' ' -f1)" -gt 10 ]
}
net_until 5 seen "$NET_Y2" && net_until 5 seen "$NET_Y3" ||
    net_fail "the witnesses do not see clear datagrams"
net_ok "control: without rsipc the links show $(sent "$NET_Y2" 0 | cut -d' ' -f1) and $(
    sent "$NET_Y3" 0 | cut -d' ' -f1) clear packets to the paranoid destinations"
printf 'nameserver %s\n' "$NET_DNS" >resolv.conf
net_rsipc_config x1 "permissive = {\"0.0.0.0/0\"}
	paranoid = {\"$NET_Y2/32\", \"$NET_Y3/32\"}"
sed '/dns-timeout/d; s/resolvers = {[^}]*} validate/validate/; s/rsipc_x1\.sock/rsipc.sock/' rsipc_x1.conf >rsipc.conf
clocked rsipc x1 x1 rsipc/rsipc
sleep 0.5
begun=$(date +%s.%N)
net_ready rsipc 15 net_leased rsipc
net_start echo y1 python3 "$NET_HERE/laptop_gap.py" echo 7007
net_ready echo 10 grep -q echo echo.log
net_start udp x1 python3 "$day" udp "$NET_Y1" 7007 udp.times

# --- the day ----------------------------------------------------------------------------

# NETWORK: the cable is pulled out here and put in there.
plug()
{
	ip -n "$place" link set x1 netns "$1" &&
	    ip -n "$1" link set x1 master switch0 up || net_fail "no cable to $1"
	place=$1
}
place=lan

# ADDRESS GATEWAY RESOLVER...: as DHCP gives it.
configured()
{
	ip -n x1 address flush dev eth0
	ip -n x1 address add "$1/24" dev eth0
	ip -n x1 route replace default via "$2"
	shift 2
	printf 'nameserver %s\n' "$@" >resolv.conf
	back=$(date +%s.%N)
}

# NETWORK ADDRESS GATEWAY RESOLVER...
go()
{
	left=$(date +%s.%N)
	plug "$1"
	shift
	configured "$@"
}

# NAME: keys are typed in a session of that name, until it dies.
session()
{
	session=$1
	net_start "$1" x1 python3 "$day" tcp "$NET_Y1" 7007 "$1.times"
	net_until 20 test -s "$1.times" || net_fail "no session $1"
}

# FILE FROM TO LINE: the longest silence.
gap()
{
	python3 "$day" gap "$@"
}

within()
{
	awk "BEGIN { exit !($1 <= $most) }"
}

# Clear and sealed packets of the last two seconds, into "opened" and "sealed".
lately()
{
	end=$(date +%s.%N)
	counts=$(python3 "$day" sent "$NET_Y1" \
	    "$(awk "BEGIN { printf \"%.3f\", $end - 2 }")" "$end" wire_?.pcap)
	opened=${counts% *}
	sealed=${counts#* }
}
is_sealed()
{
	lately
	[ "$opened" = 0 ] && [ "$sealed" -gt 0 ]
}

# STEP SECONDS [FREE]: what it was like for so long since the network is back;
# the session's silence too, if it is to live.  FREE: encrypted or not, silent or
# not; "late": the same, but encrypted at last, when loss has cost what it may.
printf '%-31s %8s %8s %8s %7s %6s  %s\n' "" "silent" "since it" "session" \
    "" "" ""
printf '%-31s %8s %8s %8s %7s %6s  %s\n' step "in all" "is back" silent \
    sealed clear verdict
failed=
step()
{
	sleep "$2"
	[ "$3" != late ] || net_until 20 is_sealed
	# The last two seconds show what it has come to.
	lately
	silent=$(gap udp.times "$back" "$end")
	tcp=-
	[ -z "$session" ] || tcp=$(gap "$session.times" "$back" "$end")
	verdict=encrypted
	[ "$sealed" -gt 0 ] || verdict="not encrypted"
	[ "$opened" = 0 ] || verdict="in the clear"
	if ! within "$silent"; then
		verdict="$verdict, longer than $most s"
	elif [ "$tcp" != - ] && ! within "$tcp"; then
		verdict="$verdict, session longer than $most s"
	fi
	printf '%-31s %8s %8s %8s %7s %6s  %s\n' "$1" \
	    "$(gap udp.times "$left" "$end")" "$silent" "$tcp" "$sealed" \
	    "$opened" "$verdict"
	net_ctl rsipc status | head -n 1 | sed 's/^/    status: /'
	printf '    why: %s\n' "$(net_ctl rsipc why "$NET_Y1")"
	[ "$verdict" = encrypted ] || [ -n "$3" ] ||
	    failed="$failed $1: $verdict;"
}

answered()
{
	[ "$(wc -l <udp.times)" -gt 20 ]
}

left=$begun
net_until 15 answered || net_fail "y1 does not answer: $(net_ctl rsipc why "$NET_Y1")"
session ssh_home
back=$(date +%s.%N)
step "home (RSIP)" 3

# Five minutes of sleep in ten seconds: the world's clocks go thirty times as fast;
# the laptop is stopped, its monotonic clock stands still, the one that counts
# sleep goes with the world's, and its link is down.
family()
{
	printf '%s\n' "$1"
	for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
		(family "$child")
	done
}
sleepers=$(for name in rsipc udp ssh_home try_y2 try_y3; do
	family "$(net_pid "$name")"
done)
left=$(date +%s.%N)
# shellcheck disable=SC2086
kill -STOP $sleepers
python3 "$day" clock x1.clock 0 30
python3 "$day" clock world.clock 30 30
ip -n x1 link set eth0 down
sleep 10
python3 "$day" clock world.clock 1 1
python3 "$day" clock x1.clock 1 1
# shellcheck disable=SC2086
kill -CONT $sleepers
sleep 1.5
ip -n x1 link set eth0 up
configured "$NET_X1" 10.0.0.1 "$NET_DNS"
step "awake after 5 min" 7

session=
# It calls a paranoid destination a resolver, too, to have it spoken to in the clear.
go cafe 10.7.0.11 10.7.0.1 10.7.0.1 "$NET_Y2"
step "cafe, before the portal" 5 free
grep -q "nameserver $NET_Y2 is not asked: it is OE-paranoid" rsipc.log ||
    net_fail "a paranoid destination may call itself a resolver"
left=$(date +%s.%N)
net_stop portal
portal --server="$NET_DNS" --proxy-dnssec
net_on K iptables -F FORWARD
back=$(date +%s.%N)
cafe_is_told()
{
	net_ctl rsipc status | head -n 1 |
	    grep -q 'no RSIP gateway here; encrypting through NAT'
}
net_until 10 cafe_is_told ||
    net_fail "cafe: $(net_ctl rsipc status | head -n 1)"
step "cafe (plain NAT), portal passed" 9

go office 10.8.0.11 10.8.0.1 "$NET_DNS"
step "office (another RSIP gateway)" 5
session ssh_office
back=$(date +%s.%N)
left=$back
step "office, a session there" 2

# Chance decides how often a message is lost: of three arrivals the middle one counts.
session=
for n in 1 2 3; do
	go train 10.9.0.11 10.9.0.1 "$NET_DNS"
	step "train (30 % loss, 300 ms), $n" 9 late
	printf '%s %s\n' "$silent" "$verdict" >>trains
	go office 10.8.0.11 10.8.0.1 "$NET_DNS"
	[ "$n" = 3 ] || sleep 2
done
middle=$(sort -n trains | sed -n 2p)
within "${middle%% *}" && [ "$(grep -Ec ' encrypted(,|$)' trains)" -ge 2 ] ||
    failed="$failed train: $(tr '\n' ';' <trains)"
net_ok "train, the middle of three arrivals: ${middle%% *} s of silence"

go lan "$NET_X1" 10.0.0.1 "$NET_DNS"
step "home again" 5
session ssh_again
back=$(date +%s.%N)
left=$back
step "home again, a session there" 2

net_stop try_y2
net_stop try_y3
sleep 0.3
net_say "tried to reach the paranoid: $(sed -n 's/^tried //p' try_y2.log) and $(
    sed -n 's/^tried //p' try_y3.log) times"
for host in "$NET_Y2" "$NET_Y3"; do
	counts=$(DAY_SHOW=1 sent "$host" "$begun" 2>clear.log)
	[ "${counts% *}" = 0 ] || failed="$failed ${counts% *} clear packets to $host: $(
	    head -n 5 clear.log);"
	net_say "packets to paranoid $host on all links, clear and sealed: $counts"
done
[ "${counts#* }" -gt 0 ] || failed="$failed $NET_Y3 was never reached;"
[ -z "$failed" ] || net_fail "$failed (day from $begun)"
net_ok "a day: at most $most s of silence, 0 clear packets to the paranoid"
