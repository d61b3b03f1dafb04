#!/bin/sh
# charon_flows.sh - two rsipc laptops behind one rsipd to one stock charon, which chooses its SA by addresses alone
#
# Nothing is told to charon of marks or of two hosts at one address (laptops.sh
# does that): what it has for both is one outbound policy, and the later
# laptop's SA carries what is for either.  The other must find out, and ask for
# its flows alone (RFC 3104 §3).  charon does ESP itself, in UDP always, on any
# kernel.  WATCH=SECONDS: how long both fetch (12).
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/charonlib.sh"
watch=${WATCH:-12}
charon_wants own-esp
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill \
    openssl python3
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
[ "$(id -u)" = 0 ] || net_skip "needs root (charon does)"
net_enter "$@"

# HOST: fetches until the time is over; HOST.got has the bytes of each.
fetch_on()
{
	: >"$NET_RUN/$1.got"
	while [ "$(date +%s)" -lt "$end" ]; do
		net_on "$1" curl -sS --fail --max-time 15 --limit-rate 4M -o \
		    "$NET_RUN/$1.file" -w '%{size_download}\n' \
		    "http://$NET_Y1/file" >>"$NET_RUN/$1.got" \
		    2>>"$NET_RUN/$1.curl.log" && net_same "$NET_RUN/$1.file" ||
		    echo bad >>"$NET_RUN/$1.got"
	done
}

# PATTERN: how often charon has said so.
said()
{
	grep -c -E "$1" "$NET_RUN/charon.log"
}

why()
{
	net_ctl "rsipc_$1" why "$NET_Y1"
}

net_picture
net_keys
net_zones
net_dns
net_web y1
esp=aes256-sha256-modp2048
charon_start kernel-libipsec "$(charon_connection x1 $esp
    charon_connection x2 $esp)"
net_until 5 net_on y1 ip link show ipsec0 || net_fail "no ipsec0"
# Its routes would send its own ESP in UDP to itself.
ip -n y1 rule del lookup 220
ip -n y1 rule add ipproto tcp lookup 221
ip -n y1 route add "$NET_NB" dev ipsec0 table 221
net_rsipd
net_rsipc x1
net_rsipc x2
net_start sniff_wire wire python3 "$NET_HERE/wire.py" capture --interface y1 \
    --out "$NET_RUN/wire.pcap" --mb 256
net_ready sniff_wire 10 test -s "$NET_RUN/wire.pcap"
net_fetch x1 "$NET_Y1" "$NET_RUN/x1.file" || net_fail "x1 alone"
net_ok "x1 alone: $(cat "$NET_RUN/x1.file.time")"

# x2's keys take what is x1's, in the middle of x1's transfer.  Who only receives
# sends nothing that could be missed: it is the next attempt that finds out.
net_on x1 sysctl -qw net.ipv4.tcp_rmem='4096 65536 131072'
rm "$NET_RUN/x1.file"
net_on x1 curl -sS --fail --max-time 90 --limit-rate 1M -o "$NET_RUN/x1.file" \
    "http://$NET_Y1/file" 2>"$NET_RUN/x1.curl.log" &
first=$!
net_until 10 test -s "$NET_RUN/x1.file" || net_fail "x1's transfer"
net_fetch x2 "$NET_Y1" "$NET_RUN/x2.file" || net_fail "x2 beside x1"
kill "$first" 2>/dev/null
wait "$first"
began=$(date +%s%N)
net_fetch x1 "$NET_Y1" "$NET_RUN/x1.file" ||
    net_fail "x1 is not served beside x2: $(why x1)"
net_same "$NET_RUN/x1.file" || net_fail "x1's file is not whole"
net_ok "x1, whose SA x2's keys had taken, has its file after" \
    "$((($(date +%s%N) - began) / 1000000)) ms"
why x1 | grep -q 'for each flow alone' || net_fail "why: $(why x1)"
net_ok "why says: $(why x1 | sed 's/.*because/because/; s/;.*//')"

sent=$(said 'sending DELETE for ESP CHILD_SA')
got=$(said 'received DELETE for ESP CHILD_SA')
quick=$(said 'CHILD_SA .* established')
end=$(($(date +%s) + watch))
fetch_on x1 &
one=$!
fetch_on x2 &
two=$!
wait "$one" "$two"
for net_host in x1 x2; do
	grep -q bad "$NET_RUN/$net_host.got" &&
	    net_fail "$net_host lost a transfer: $(cat "$NET_RUN/$net_host.got" \
	    "$NET_RUN/$net_host.curl.log") $(why "$net_host")"
	[ -s "$NET_RUN/$net_host.got" ] || net_fail "$net_host fetched nothing"
	net_ok "$net_host, both at the same moment:" \
	    "$(awk '{ n++; b += $1 } END { print n " transfers, " b " bytes" }' \
	    "$NET_RUN/$net_host.got") in $watch s"
done
# One negotiation a flow of x1's at most, and deletes of flows that are over.
sent=$(($(said 'sending DELETE for ESP CHILD_SA') - sent))
got=$(($(said 'received DELETE for ESP CHILD_SA') - got))
quick=$(($(said 'CHILD_SA .* established') - quick))
flows=$(wc -l <"$NET_RUN/x1.got")
net_ok "in these $watch s: $quick negotiations for $flows flows of x1's;" \
    "deletes charon sent: $sent, got for flows that are over: $got"
[ "$sent" = 0 ] && [ "$got" -le "$flows" ] && [ "$quick" -le $((flows + 2)) ] ||
    net_fail "keys were negotiated or deleted in turn"
kill -TERM "$(net_pid sniff_wire)"
wait "$(net_pid sniff_wire)" || net_fail "the sniffer missed packets"
python3 "$NET_HERE/wire.py" only --file "$NET_RUN/wire.pcap" \
    --address "$NET_NB" UDP ||
    net_fail "something went in the clear"
