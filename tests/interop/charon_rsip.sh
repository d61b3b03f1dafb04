#!/bin/sh
# charon_rsip.sh - two rsipc behind one rsipd to a stock charon by IKEv2, with the kernel's ESP, in a VM: blocks of ports, and rekeys that charon begins
#
# charon knows the laptops' keys and one address for both; that their selectors are
# blocks of ports of it is the laptops' wish.  IKE goes from port 500 through the
# gateway, which knows an IKE SA by its initiator's SPI alone: of one that charon
# begins by a rekey it hears when the laptop sends something on it (RFC 3104,
# Appendix E).
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/charonlib.sh"
charon_wants
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone \
    drill nft openssl
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
vm_enter 1500
net_enter "$@"

# HOST: a connection by IKEv2 for it, whose IKE SA charon renews.
connection()
{
	charon_connection "$1" aes256gcm16,aes256-sha256 "rekey_time = 3600s" |
	    sed "s/version = 1/version = 2\\
		unique = never\\
		rekey_time = 40s/; s/proposals = aes256-sha256-modp2048/proposals = aes256-sha256-x25519/"
}

charon()
{
	swanctl "$@" --uri "unix://$NET_RUN/vici"
}

why()
{
	net_ctl "rsipc_$1" why "$NET_Y1"
}

# PATTERN: how often charon has said so.
said()
{
	grep -c -E "$1" "$NET_RUN/charon.log"
}

more_than()
{
	[ "$(said "$1")" -gt "$2" ]
}

# HOST: something comes, encrypted.
serves()
{
	net_on "$1" curl -sS --fail --max-time 30 -r 0-99999 -o /dev/null \
	    "http://$NET_Y1/file" 2>"$NET_RUN/$1.curl.log"
}

net_picture
net_keys
net_zones
"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/y1.pem" --id "$NET_Y1" \
    --type IPSECKEY 2>/dev/null | sed 's/^10\.[^[:space:]]*/10/' \
    >>"$NET_RUN/zone.100.51.198.in-addr.arpa"
net_dns
net_web y1
charon_start gcm "$(connection x1; connection x2)"
net_rsipd
net_start sniff_wire wire python3 "$NET_HERE/wire.py" capture --interface y1 \
    --out "$NET_RUN/wire.pcap" --mb 64
net_ready sniff_wire 10 test -s "$NET_RUN/wire.pcap"
for host in x1 x2; do
	net_rsipc $host "paranoid = {\"$NET_Y1\"} ike = \"2\" give-up = 60" \
	    'ike-source-port = "500"'
done
net_fetch_both "$NET_Y1" file || net_fail "$(cat "$NET_RUN"/x?.file.log
    why x1; why x2; tail -n 30 "$NET_RUN/charon.log")"
for host in x1 x2; do
	net_same "$NET_RUN/$host.file" || net_fail "$host's file is not whole"
	net_ok "row 22s, $host, 10 MB at the same moment: $(cat "$NET_RUN/$host.file.time")"
	net_ok "row 22s, $(why $host | sed 's/, because.*//')"
	why $host | grep -q 'of our ports' || net_fail "$host: $(why $host)"
done
net_on y1 ip xfrm policy | grep -A1 "^src $NET_Y1/32 dst $NET_NB/32 proto tcp" |
    grep '^src' | sed 's/^/policy: /'

# Row 32: charon renews the IKE SA; then it asks for something on it.
renewed='IKE_SA x[12]\[[0-9]+\] rekeyed between|sending DELETE for IKE_SA x[12]'
before=$(said "$renewed")
for host in 1 2 3 4 5 6; do
	serves x1 && serves x2 || net_fail "while keys grow old: $(why x1)"
	sleep 5
done
net_until 30 more_than "$renewed" "$((before + 1))" ||
    net_fail "charon renews nothing: $(tail -n 30 "$NET_RUN/charon.log")"
sleep 3
before=$(said 'CHILD_SA oe.* established|outbound CHILD_SA')
charon --rekey --child oe >"$NET_RUN/rekey.log" 2>&1
net_until 20 more_than 'CHILD_SA oe.* established|outbound CHILD_SA' "$before" ||
    net_fail "charon's request on the IKE SA that it renewed is not answered: \
$(cat "$NET_RUN/rekey.log"; tail -n 30 "$NET_RUN/charon.log")"
serves x1 && serves x2 || net_fail "after charon's rekeys: $(why x1)"
net_ok "row 32: charon renewed its IKE SAs, and its requests on them arrive"

# Control: without what the laptop sends on the new one at once.
for host in x1 x2; do
	net_on $host nft -f - <<-'EOF' || net_fail "nft"
	table ip control {
		chain out {
			type filter hook output priority 0
			ip protocol 4 @nh,528,8 37 counter drop
		}
	}
	EOF
done
before=$(said "$renewed")
charon --rekey --ike x1 >"$NET_RUN/rekey.log" 2>&1
net_until 20 more_than "$renewed" "$before" || net_fail "no rekey of x1's IKE SA"
sleep 3
before=$(said 'retransmit [0-9] of request')
charon --rekey --child oe --ike x1 --timeout 20 >"$NET_RUN/rekey.log" 2>&1
net_until 30 more_than 'retransmit [0-9] of request' "$before" ||
    net_fail "without the laptop's first message charon's request arrives too"
net_ok "control: without the laptop's first message on it, charon's do not arrive"
kill -TERM "$(net_pid sniff_wire)"
wait "$(net_pid sniff_wire)" || net_fail "the sniffer missed packets"
python3 "$NET_HERE/wire.py" only --file "$NET_RUN/wire.pcap" \
    --address "$NET_NB" UDP ESP || net_fail "something went in the clear"
[ -z "$LOGS" ] || for host in charon rsipc_x1 rsipc_x2; do
	echo "--- $host"; cat "$NET_RUN/$host.log"
done
