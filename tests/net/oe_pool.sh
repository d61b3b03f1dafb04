#!/bin/sh
# oe_pool.sh - two laptops without a name behind a NAT that knows no RSIP, and a server that lends them addresses
#
# y1 sees but one address and ports that a NAT chose; within ESP each laptop has an
# address of y1's, which stands in for its own in what it sends and receives, the
# errors of y1's kernel too.
. "$(dirname "$0")/lib.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill iptables
net_needs_built rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"
# shellcheck disable=SC2034  # lib.sh uses it
NET_KEYLESS=yes

why()
{
	net_ctl "rsipc_$1" why "$NET_Y1"
}

serves()
{
	net_on "$1" curl -sS --fail --max-time 5 -r 0-9 -o /dev/null \
	    "http://$NET_Y1/file" 2>"$NET_RUN/$1.curl.log" &&
	    why "$1" | grep -q ': encrypted with .* as 100\.64\.'
}

inner()
{
	net_json "rsipc_$1" spd \
	    '[r["inner"] for r in rows if r["dst"] == words[0] and r["inner"]][0]' \
	    "$NET_Y1"
}

# Refused at once, which takes the port unreachable of y1's kernel.
udp_refused()
{
	net_on "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect((sys.argv[1], 9))
s.send(b"?")
try:
    s.recv(9)
except ConnectionRefusedError:
    sys.exit(0)
sys.exit(1)
' "$NET_Y1"
}

net_picture
net_keys
net_zones
net_dns
net_web y1
cat >"$NET_RUN/oed_y1.conf" <<-EOF
	control = "$NET_RUN/oed_y1.sock"
	oe {
		key = "$NET_RUN/y1.pem"
		state = ""
		$NET_RESOLVER
		dns-timeout = 3000
		pool = {"100.64.0.0/16"}
	}
EOF
net_start oed_y1 y1 "$NET_TOP/oe/oed" -f -c "$NET_RUN/oed_y1.conf"
net_ready oed_y1 10 net_ctl oed_y1 status
net_on N iptables -w -t nat -A POSTROUTING -o eth0 -j MASQUERADE ||
    net_skip "no NAT in this kernel"
for host in x1 x2; do
	net_rsipc_config $host "paranoid = {\"$NET_Y1\"}" 'direct = true'
	net_start rsipc_$host $host "$NET_TOP/rsipc/rsipc" -f \
	    -c "$NET_RUN/rsipc_$host.conf"
	net_ready rsipc_$host 10 net_ctl rsipc_$host status
done
net_start sniff_wire wire python3 "$NET_HERE/wire.py" capture --interface y1 \
    --out "$NET_RUN/wire.pcap" --mb 256
net_ready sniff_wire 10 test -s "$NET_RUN/wire.pcap"
for host in x1 x2; do
	net_until 20 serves $host || net_fail "$host: $(why $host)"
done
net_fetch_both "$NET_Y1" file || net_fail "$(cat "$NET_RUN"/x?.file.log
    why x1; why x2)"
for host in x1 x2; do
	net_same "$NET_RUN/$host.file" || net_fail "$host's file is not whole"
	net_ok "$host, 10 MB at the same moment: $(cat "$NET_RUN/$host.file.time")"
	net_ok "$(why $host | sed 's/, because.*//')"
	net_on $host ping -q -c 3 -i 0.2 -W 5 "$NET_Y1" >/dev/null ||
	    net_fail "$host: no answer to a ping"
	udp_refused $host || net_fail "$host: an ICMP error did not come"
done
one=$(inner x1)
two=$(inner x2)
[ -n "$one" ] && [ "$one" != "$two" ] || net_fail "lent: $one and $two"
net_holds oed_y1 spd 'sorted(r["dst"] for r in rows if r["right"] == "lent") == sorted(words)' \
    "$one" "$two" || net_fail "y1: $(net_ctl oed_y1 spd)"
net_ok "y1 knows them as $one and $two; pings and ICMP errors come through"

# y1 begins; what it has lent to nobody is nobody's.
net_on y1 ping -q -c 3 -i 0.2 -W 5 "$one" >/dev/null ||
    net_fail "y1 does not reach x1 by the address that it lent"
net_on y1 ping -q -c 1 -W 1 100.64.255.1 >/dev/null 2>&1 &&
    net_fail "who has 100.64.255.1?"
kill -TERM "$(net_pid sniff_wire)"
wait "$(net_pid sniff_wire)" || net_fail "the sniffer missed packets"
python3 "$NET_HERE/wire.py" only --file "$NET_RUN/wire.pcap" \
    --address "$NET_Y1" UDP || net_fail "something went in the clear"
