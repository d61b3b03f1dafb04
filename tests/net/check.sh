#!/bin/sh
# check.sh - "rsipctl check": hosts as peers find them, and broken publications, each by the step that fails
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs openssl
oe_enter "$@"
grep -q 'HAVE_UNBOUND 1' "$NET_TOP/config.h" || net_skip "built without libunbound"

# One address for each condition; "peer" has those where IKE answers.
oe_wire
oe_host peer 198.51.100.32
oe_key peer
"$NET_TOP/ctl/rsipctl" keygen -o "$NET_RUN/other.pem" 2>/dev/null
weak=$(openssl genrsa 1024 2>/dev/null | openssl rsa -pubout -outform DER \
    2>/dev/null | python3 -c '
import base64, sys
der = sys.stdin.buffer.read()
at = der.index(b"\x02\x81\x81\x00") + 4
print(base64.b64encode(b"\x03\1\0\1" + der[at:at + 128]).decode())')
ip -n dns address add 198.51.100.54/24 dev eth0
oe_host silent 198.51.100.33
oe_host near 198.51.100.35

# KEY ID ADDRESS TYPE: one record of ADDRESS's.
record()
{
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/$1.pem" --id "$2" \
	    --for "$3" --type "$4" | grep "^${3##*.}\\."
}
{
	net_zone_head 113.0.203.in-addr.arpa.
	record peer 198.51.100.32 203.0.113.10 TXT
	record peer 198.51.100.32 203.0.113.11 IPSECKEY
	printf '20 PTR nothing.lab.\n'
	printf '21 TXT "X-IPsec-Server(x)=198.51.100.32 AwEAAQ=="\n'
	printf '22 TXT "X-IPsec-Server(10)=198.51.100.32 %s"\n' "$weak"
	record peer 198.51.100.33 203.0.113.23 TXT
	record peer 198.51.100.34 203.0.113.24 TXT
	record peer @gone.lab 203.0.113.25 TXT
	record peer @other.lab 203.0.113.26 TXT
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/peer.pem" \
	    --id 203.0.113.27 --type KEY
	record peer 198.51.100.32 203.0.113.28 TXT
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/other.pem" \
	    --id 203.0.113.28 --type KEY
	printf '30 TXT "X-IPsec-Server(10)=@keyless.lab"\n'
} >"$NET_RUN/zone.113.0.203.in-addr.arpa"
{
	net_zone_head 2.0.192.in-addr.arpa.
	record peer 198.51.100.32 192.0.2.10 TXT
} >"$NET_RUN/zone.2.0.192.in-addr.arpa"
{
	net_zone_head 3.0.192.in-addr.arpa.
	record peer 198.51.100.32 192.0.3.10 TXT
} >"$NET_RUN/zone.3.0.192.in-addr.arpa"
for name in laptop server other half; do
	key=peer
	[ "$name" != other ] || key=other
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/$key.pem" \
	    --id "@$name.lab" --type KEY
done >>"$NET_RUN/lab.records"
printf '%s\n' 'server.lab. A 203.0.113.10' 'half.lab. A 203.0.113.20' \
    'other.lab. A 198.51.100.32' 'keyless.lab. A 198.51.100.32' \
    >>"$NET_RUN/lab.records"
oe_zones
: >"$NET_RUN/anchors"
oe_zone lab
oe_zone 100.51.198.in-addr.arpa
oe_zone 113.0.203.in-addr.arpa
oe_zone 2.0.192.in-addr.arpa bogus
oe_zone 3.0.192.in-addr.arpa unsigned
oe_servers
OE_KEYLESS= oe_daemon peer 'networks = {"203.0.113.0/24"}'
OE_KEYLESS=yes oe_daemon near
oe_ready peer near
net_start drop silent python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 500))
time.sleep(600)'

# STATUS WORDS WHAT [ARGUMENT...]; from: the host that asks
check()
{
	want=$1
	words=$2
	shift 2
	got=0
	net_on "${from:-dns}" "$NET_TOP/ctl/rsipctl" check "$@" --resolver "${resolver:-$NET_DNS}" \
	    --trust-anchor "$NET_RUN/anchors" >"$NET_RUN/out" 2>&1 || got=$?
	[ "$got" = "$want" ] && grep -q "$words" "$NET_RUN/out" ||
	    net_fail "$1: exit $got, must be $want with \"$words\": $(cat "$NET_RUN/out")"
	net_ok "$1: $(tail -n 1 "$NET_RUN/out")"
}
check 0 "198.51.100.32 answers IKEv2" 198.51.100.32
check 0 "dnssec    signed" 203.0.113.10
check 0 "record    11.113.0.203.in-addr.arpa: IPSECKEY" 203.0.113.11
check 0 "laptop.lab has no address" laptop.lab
check 0 "answers IKEv2" @server.lab.
check 0 "warn  dnssec    not signed" 192.0.3.10
net_ok "what is in order is said to be"

check 1 "FAIL  record .* has no TXT, IPSECKEY or KEY" 203.0.113.20
check 1 "FAIL  record .*malformed" 203.0.113.21
check 1 "FAIL  record .*of no use" 203.0.113.22
check 1 "FAIL  record .*KEY record only" 203.0.113.27
check 1 "FAIL  dnssec .*does not stand up" 192.0.2.10
check 1 "FAIL  gateway .*gone.lab.* has no address" 203.0.113.25
check 1 "FAIL  agreement .*different keys" 203.0.113.26
check 1 "FAIL  agreement .*is not the key of its TXT" 203.0.113.28
check 1 "FAIL  agreement .*has no KEY or IPSECKEY" 203.0.113.30
check 1 "FAIL  record .*20.113.0.203.*has no TXT" half.lab
check 1 "FAIL  record .*nobody.lab has no" nobody.lab
check 1 "FAIL  ike .*firewall" 203.0.113.23
check 1 "FAIL  ike .*no answer" 203.0.113.24
check 1 "FAIL  resolver .*no answer" www.example.org
resolver=198.51.100.54 check 1 "FAIL  resolver" 198.51.100.32
net_ok "15 broken ones are told by the step that fails"

# Who asks has keys with that host: a stranger's question would go into them.
near_is_keyed()
{
	net_ctl oed_near why 198.51.100.32 | grep -q ": encrypted"
}
from=near
near="$NET_RUN/oed_near.sock"
check 0 "198.51.100.32 answers IKEv2$" 198.51.100.32 -s "$near"
oe_ping near 198.51.100.32
net_until 20 near_is_keyed || net_fail "near: $(net_ctl oed_near why 198.51.100.32)"
check 0 "answers IKEv2: oed has keys with it" 198.51.100.32 -s "$near"
check 0 "answers IKEv2: oed has keys with it" 203.0.113.10 -s "$near"
# Those of a host that is gone are no answer, as long as they are there.
near_is_silent()
{
	oe_ping near 198.51.100.32 1
	net_ctl oed_near why 198.51.100.32 |
	    grep -q "nothing heard for\|in the clear\|while IKE"
}
net_stop oed_peer KILL
net_until 30 near_is_silent || net_fail "near: $(net_ctl oed_near why 198.51.100.32)"
check 1 "FAIL  ike " 198.51.100.32 -s "$near"
