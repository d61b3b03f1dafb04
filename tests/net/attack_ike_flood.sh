#!/bin/sh
# attack_ike_flood.sh - a stranger: 5000 first messages of each version of IKE a second, in the gateway's name and in random ones; four laptops 50 ms away connect all the same
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill nginx curl tcpdump ping
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl tests/net/flood
net_enter "$@"

net_picture
for n in 3 4; do
	net_namespace x$n && net_cable x$n eth0 10.0.0.1$n lan &&
	    ip -n x$n route add default via 10.0.0.1 || net_fail "x$n"
done
net_namespace evil && net_cable evil eth0 198.51.100.66 wire ||
	net_fail "evil"
# Answers to forged addresses go to one neighbour, as on the Internet.
ip -n y1 route replace default via 198.51.100.66
# 25 ms of cable between the laptops and N: the flood does not pass it.
ip -n lan link set N nomaster
ip link add name far netns lan type veth peer name near netns lan
ip -n lan link set far up
ip -n lan link set near master switch0 up
net_start delay lan python3 "$NET_HERE/oe_delay.py" N far --ms 25
net_until 5 oe_ping x1 10.0.0.1 1 || net_skip "no AF_PACKET relay here"
net_keys
net_key x3 @x3.lab
net_key x4 @x4.lab
net_zones
grep -h '^x[34]\.lab\..*[[:space:]]KEY[[:space:]]' "$NET_RUN/x3.records" \
    "$NET_RUN/x4.records" >>"$NET_RUN/zone.lab"
net_dns
net_web y1
head -c 2000 "$NET_RUN/www/file" >"$NET_RUN/www/small"
chmod a+r "$NET_RUN/www/small"
net_oed y1
net_rsipd
for n in 1 2 3 4; do
	net_rsipc x$n
done
oe_sniff y1 "$NET_RUN/y1.pcap" "tcp port 80"

# WORD: each laptop fetches a page; the slowest one's milliseconds.
connect()
{
	jobs=
	for n in 1 2 3 4; do
		net_on x$n curl -sS --fail --max-time 30 -o "$NET_RUN/x$n.page" \
		    -w '%{time_total}\n' "http://$NET_Y1/small" \
		    >"$NET_RUN/x$n.time" 2>"$NET_RUN/x$n.curl.log" &
		jobs="$jobs $!"
	done
	failed=
	n=0
	for job in $jobs; do
		n=$((n + 1))
		wait "$job" && cmp -s "$NET_RUN/x$n.page" \
		    "$NET_RUN/www/small" || failed="$failed x$n"
	done
	for n in 1 2 3 4; do
		net_ctl rsipc_x$n why "$NET_Y1" | grep -q 'encrypted with' ||
		    failed="$failed x$n: $(net_ctl rsipc_x$n why "$NET_Y1")"
	done
	slowest=$(sort -n "$NET_RUN"/x[1234].time | tail -n 1 |
	    awk '{ print int(1000 * $1) }')
	net_say "  $1: $(cat "$NET_RUN"/x[1234].time | tr '\n' ' ')s"
	[ -z "$failed" ] || net_fail "$1: not encrypted:$failed"
}

# What y1 has done so far of Diffie-Hellman.
work()
{
	net_json oed_y1 status 'it["ike2"]["dh_operations"]'
}

# Nobody has keys any more, nor a past: all say goodbye and begin anew.  TCP has
# ended by then: what it says to nobody's keys is not what is counted.
anew()
{
	sleep 1
	for n in 1 2 3 4; do
		kill "$(net_pid rsipc_x$n)"
	done
	net_stop oed_y1
	for n in 1 2 3 4; do
		net_stop rsipc_x$n
	done
	net_oed y1
	for n in 1 2 3 4; do
		net_rsipc x$n
		! net_ctl rsipc_x$n why "$NET_Y1" | grep -q 'encrypted with' ||
		    net_fail "x$n has keys before it asked"
	done
}

connect quiet
quiet=$slowest
[ "$quiet" -gt 0 ] || net_fail "nothing was measured"
worst=0
# Under ThreadSanitizer a datagram costs several times as much: as much load, not as
# many datagrams.
rate=5000
! net_sanitizer tsan || rate=1000
for flood in "ike $NET_NB" "ike random" "ike2 $NET_NB" "ike2 random"; do
	anew
	before=$(work)
	# shellcheck disable=SC2086	# two words
	net_on evil "$NET_TOP/tests/net/flood" $flood "$NET_Y1" "$rate" 6 \
	    >"$NET_RUN/flood.out" &
	flooding=$!
	case $flood in
	ike2*)
		# Nobody else has come so far: what is done is the flood's.
		net_until 10 net_holds oed_y1 status 'it["ike2"]["cookies"] > 1000' ||
		    net_fail "no flood"
		[ "$(work)" = "$before" ] ||
		    net_fail "forged messages cost $(($(work) - before)) public-key operations"
		;;
	*)
		sleep 1
		;;
	esac
	connect "flood of $flood"
	[ "$slowest" -le "$worst" ] || worst=$slowest
	wait "$flooding" || net_fail "flood"
	net_say "  $(cat "$NET_RUN/flood.out")"
	net_holds oed_y1 status 'it["ike"]["half_open"] == 0' ||
	    net_fail "the flood left state"
	case $flood in ike2*) ;; *) continue ;; esac
	# Whoever has shown no cookie is nobody's work, but for the first few.
	sent=$(sed -n 's/.*: \([0-9]*\) in .*/\1/p' "$NET_RUN/flood.out")
	net_say "  $(net_json oed_y1 status 'it["ike2"]["cookies"]') cookies," \
	    "$(net_json oed_y1 status 'it["ike2"]["half_open"]') half open," \
	    "$(($(work) - before)) public-key operations for four laptops," \
	    "0 for the flood"
	# A secret for each and the next pair, and as much if it begins once more.
	[ $(($(work) - before)) -le 16 ] ||
	    net_fail "$(($(work) - before)) public-key operations"
	net_holds oed_y1 status \
	    'it["ike2"]["half_open"] <= 32 and it["ike2"]["cookies"] > float(words[0]) / 2' "$sent" ||
	    net_fail "it cost more than cookies"
done
sleep 0.3
clear=$(oe_count "$NET_RUN/y1.pcap" tcp)
net_say "got through: $clear packets in the clear; honest peers waited" \
    "$worst ms instead of $quiet, $(awk "BEGIN { printf \"%.1f\", \
    $worst / $quiet }") times as long"
[ "$clear" = 0 ] || {
	oe_read "$NET_RUN/y1.pcap" tcp | head
	net_fail "$clear packets in the clear"
}
[ "$worst" -le 10000 ] || net_fail "an honest peer waited $worst ms"
net_ok "four laptops connect, encrypted, under a flood of first messages"
