#!/bin/sh
# oe_transport.sh - transport mode (RFC 7296 §1.3.1): who asks for it has it from who takes it, a tunnel from who does not, and both carry all sizes
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

oe_lab takes 198.51.100.32 not 198.51.100.33
takes=$(oe_addr takes)
not=$(oe_addr not)
oe_host asks 198.51.100.41
oe_host plain 198.51.100.42
oe_daemon takes
oe_daemon not 'transport = "no"'
OE_KEYLESS=yes
oe_daemon asks 'transport = "ask"' "phase2-lifetime = 60"
oe_daemon plain
OE_KEYLESS=
oe_ready takes not asks plain
oe_sniff asks "$NET_RUN/asks.pcap"
oe_sniff plain "$NET_RUN/plain.pcap"

# 128 octets of IPv4, in ESP; of IPv6 tcpdump tells of what is behind the header.
[ "$FAMILY" = 4 ] && length=' length [0-9]*)' what="128 octets" sizes="164 184 184" ||
    length='payload length: [0-9]*)' what="100 octets of echo" sizes="144 184 184"
# HOST ADDRESS: octets of the IP packet with an echo request of 100 octets there.
size()
{
	oe_ping "$1" "$2" 5 || net_fail "$1 to $2: $(net_ctl "oed_$1" why "$2")"
	net_on "$1" ping -q -n -c 1 -W 3 -s 100 "$2" >/dev/null 2>&1 ||
	    net_fail "$1 to $2: no answer to 128 octets"
	sleep 0.3
	oe_read "$NET_RUN/$1.pcap" -v "$OE_ESP and dst $2" |
	    grep -o "$length" |
	    tail -n 1 | tr -dc 0-9
}

# What a header of IP more takes, and GCM pads to four octets.
transport=$(size asks "$takes")
tunnel=$(size asks "$not")
other=$(size plain "$takes")
[ "$transport $tunnel $other" = "$sizes" ] || net_fail "128 octets are $transport, $tunnel, $other on the wire"
net_ok "$what are $transport on the wire in transport mode, $tunnel in the tunnel of who does not take it, $other of who does not ask"

NET_SIX=${FAMILY#4}
net_web takes
for host in asks plain; do
	NET_FETCH_TIME=60 net_fetch $host "$takes" "$NET_RUN/out" ||
	    net_fail "transfer at $host: $(cat "$NET_RUN/out.log")"
	net_same "$NET_RUN/out" || net_fail "the file is not the same"
done
[ "$FAMILY" = 4 ] && largest=1372 || largest=1352
for length in 0 1 500 1300 $largest; do
	net_on asks ping -q -n -c 1 -W 3 -s $length "$takes" >/dev/null 2>&1 ||
	    net_fail "no answer to $length octets"
done
# Larger than the path: told so, as from any router (RFC 4301 §8.2).
net_on asks ping -n -c 1 -W 1 -M "do" -s 1472 "$takes" >"$NET_RUN/big" 2>&1 &&
    net_fail "1500 octets, and ESP around them"
grep -q "mtu\|too long" "$NET_RUN/big" ||
    net_fail "too large, and not told so: $(cat "$NET_RUN/big")"
clear=$(oe_count "$NET_RUN/asks.pcap" "tcp or ($OE_ECHO)")
[ "$clear" = 0 ] || net_fail "$clear packets in the clear"
net_ok "10 MB both ways of making them, 28 to 1400 octets, $clear in the clear"
