#!/bin/sh
# attack_records.sh - a zone's owner cuts hosts off, or makes them send IKE where it must not go
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

# All of 203.0.113.0/24 are addresses of "gw"; each has records of its own.
oe_wire
oe_host gw 198.51.100.32
oe_key gw
oe_host host 198.51.100.41
oe_key host
# Where IKE would show: a second address of the host, and its private neighbour.
ip -n host address add 198.51.100.42/32 dev lo
ip -n host address add 10.0.0.41/24 dev eth0
net_namespace near && net_cable near eth0 10.0.0.9 wire || net_fail "near"
ip -n near route add default dev eth0

key=$(sed -n 's/.* KEY [0-9]* [0-9]* [0-9]* //p' "$NET_RUN/gw.records" | tr -d ' ')
# BITS: an odd number of so many bits as a key of RFC 3110.
any_key()
{
	python3 -c 'import base64, os, sys
n = int(sys.argv[1]) // 8
m = bytearray(os.urandom(n)); m[0] |= 128; m[-1] |= 1
print(base64.b64encode(b"\3\1\0\1" + m).decode())' "$1"
}

zone=113.0.203.in-addr.arpa
net_zone_head "$zone." >"$NET_RUN/zone.$zone"
: >"$NET_RUN/cases"
# LAST TXT: one more TXT record, in strings of at most 200 characters.
txt()
{
	printf '%s TXT %s\n' "$1" "$(printf '%s' "$2" | fold -w 200 |
	    sed 's/.*/"&"/' | tr '\n' ' ')" >>"$NET_RUN/zone.$zone"
}
# LAST HOW WORDS: traffic goes esp, clear or none, and why says the words.
must()
{
	printf '%s %s %s\n' "$1" "$2" "$3" >>"$NET_RUN/cases"
	ip -n gw address add "203.0.113.$1/32" dev lo
}
forged="224.0.0.1 127.0.0.1 0.0.0.0 255.255.255.255 198.51.100.41 \
    198.51.100.42 10.0.0.9 $NET_DNS"

txt 1 "X-IPsec-Server(10)=198.51.100.32 $key"
must 1 esp 'encrypted (the control)'
txt 2 "X-IPsec-Server(1000)=198.51.100.32 $key"
must 2 esp 'encrypted (preference 1000)'
txt 3 "X-IPsec-Server (10) = 198.51.100.32 $key"
must 3 esp 'encrypted (spaces)'
txt 4 "X-IPsec-Server(10)=198.51.100.32 $(any_key 1024)"
must 4 clear 'no use to us (1024 bits)'
txt 5 "X-IPsec-Server(10)=198.51.100.32 $(any_key 16384)"
must 5 clear 'no use to us (16384 bits)'
txt 6 "X-IPsec-Server(5)=198.51.100.32 $(any_key 1024)"
txt 6 "X-IPsec-Server(10)=198.51.100.32 $key"
must 6 esp 'encrypted (beside a key too small)'
txt 7 "X-IPsec-Server(x)=198.51.100.32"
"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/gw.pem" --id 198.51.100.32 \
    --for 203.0.113.7 --type IPSECKEY | grep '^7\.' >>"$NET_RUN/zone.$zone"
must 7 esp 'encrypted (IPSECKEY beside a bad TXT)'
txt 8 "X-IPsec-Server(10)=2001:db8::1 $key"
must 8 clear 'no use to us (IPv6)'
# RFC 4322 §3.2: what cannot be read at all denies.
txt 9 "X-IPsec-Server(10)=@a..lab $key"
must 9 none 'malformed (an empty label)'
n=20
for address in $forged; do
	txt $n "X-IPsec-Server(10)=$address $key"
	must $n clear 'no use to us ('"$address)"
	n=$((n + 1))
done
n=1
for address in $forged; do
	txt 40 "X-IPsec-Server($n)=$address $key"
	n=$((n + 1))
done
txt 40 "X-IPsec-Server(99)=198.51.100.32 $key"
must 40 esp 'encrypted (the last after all of these)'

oe_zones
for name in lab 100.51.198.in-addr.arpa $zone; do
	oe_zone "$name"
done
oe_servers
oe_daemon gw 'networks = {"203.0.113.0/24"}'
oe_daemon host "give-up = 3"
oe_ready gw host
oe_sniff host "$NET_RUN/host.pcap"
net_start sniff_lo host tcpdump -i lo -n -U -Z root --immediate-mode \
    -w "$NET_RUN/lo.pcap" udp
net_ready sniff_lo 10 test -s "$NET_RUN/lo.pcap"

while read -r last how words; do
	(
		oe_ping host "203.0.113.$last" 6 && echo yes || echo no
	) >"$NET_RUN/answered.$last" &
	sleep 0.1
done <"$NET_RUN/cases"
while read -r last how words; do
	net_until 10 test -s "$NET_RUN/answered.$last"
done <"$NET_RUN/cases"
sleep 0.3
bad=0
honest=0
lost=0
while read -r last how words; do
	clear=$(oe_count "$NET_RUN/host.pcap" "icmp and dst 203.0.113.$last")
	net_ctl oed_host why "203.0.113.$last" >"$NET_RUN/why" 2>&1
	got=none
	grep -q ": encrypted" "$NET_RUN/why" && got=esp
	[ "$clear" -gt 0 ] && got=clear
	honest=$((honest + 1))
	[ "$how" = none ] || [ "$(cat "$NET_RUN/answered.$last")" = yes ] ||
	    lost=$((lost + 1))
	if [ "$got" != "$how" ] || ! grep -q "${words%% (*}" "$NET_RUN/why"; then
		net_say "203.0.113.$last: $got, must be $how: $words"
		cat "$NET_RUN/why"
		bad=1
	else
		printf '  203.0.113.%-3s %-5s %s\n' "$last" "$how" "$words"
	fi
done <"$NET_RUN/cases"
[ "$bad" = 0 ] && [ "$lost" = 0 ] || net_fail "records ($lost unanswered)"
net_ok "$honest kinds of records: 0 hosts cut off that RFC 4322 does not cut off"

filter="udp and (port 500 or port 4500)"
out=$(oe_count "$NET_RUN/host.pcap" "$filter and not host 198.51.100.32")
own=$(oe_count "$NET_RUN/lo.pcap" "$filter")
[ "$out" = 0 ] && [ "$own" = 0 ] || {
	oe_read "$NET_RUN/host.pcap" "$filter and not host 198.51.100.32"
	oe_read "$NET_RUN/lo.pcap" "$filter"
	net_fail "$out IKE messages went to forged gateways, $own to ourselves"
}
[ "$(oe_count "$NET_RUN/host.pcap" "$filter and host 198.51.100.32")" -gt 0 ] ||
    net_fail "no IKE at all was seen"
net_ok "0 IKE messages to forged gateways: $forged"
