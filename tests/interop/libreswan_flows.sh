#!/bin/sh
# libreswan_flows.sh - two rsipc laptops behind one rsipd to one stock libreswan by IKEv1, with the kernel's ESP, in a VM
#
# LIBRESWAN: see libreswanlib.sh.  What it does with two hosts at one address is
# its own choice; here is printed what the laptops make of it.  WATCH=SECONDS: how long both try to fetch (60).
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
watch=${WATCH:-60}
. "$here/libreswanlib.sh"
swan_wants
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill nft
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
vm_enter 1200
net_enter "$@"

# HOST: its public key, base64 (RFC 3110).
public()
{
	sed -n 's/.*IN KEY [0-9]* [0-9]* [0-9]* //p' "$NET_RUN/$1.records" | tr -d ' "'
}

pluto_key()
{
	swan_prepare
	swan_keygen
	# shellcheck disable=SC2154  # libreswanlib.sh sets it
	key=$(swan showhostkey --nssdir "$NET_RUN/nss" --left --ckaid "$swan_key" |
	    sed -n 's/.*rsasigkey=0s//p')
	name=10.100.51.198.in-addr.arpa.
	{
		echo "$name IN KEY 16896 4 1 $key"
		printf '%s IN TXT "X-IPsec-Server(10)=%s "' "$name" "$NET_Y1"
		echo "$key" | fold -w 200 | sed 's/.*/ "&"/' | tr -d '\n'
		echo
	} >"$NET_RUN/y1.records"
}

pluto_connection()
{
	cat <<-EOF
	conn $1
	  left=$NET_Y1
	  leftid=$NET_Y1
	  leftrsasigkey=0s$key
	  right=$NET_NB
	  rightid=@$1.lab
	  rightrsasigkey=0s$(public "$1")
	  authby=rsasig
	  ikev2=no
	  type=tunnel
	  pfs=yes
	  ike=aes256-sha2_256;modp2048
	  esp=aes256-sha2_256;modp2048
	  leftupdown=%disabled
	  auto=add
	EOF
}

pluto_start()
{
	{
		printf 'config setup\n  ikev1-policy=accept\n'
		printf '  nssdir=%s/nss\n  protostack=xfrm\n' "$NET_RUN"
		printf '  plutodebug=none\n\n'
		pluto_connection x1
		echo
		pluto_connection x2
	} >"$NET_RUN/ipsec.conf"
	swan_run y1
	swan_add x1
	swan_add x2
}

# HOST: tries to fetch until the time is over; HOST.got has the bytes of each.
fetch_on()
{
	: >"$NET_RUN/$1.got"
	while [ "$(date +%s)" -lt "$end" ]; do
		net_on "$1" curl -sS --fail --max-time 30 -r 0-99999 -o /dev/null \
		    -w '%{size_download}\n' "http://$NET_Y1/file" \
		    >>"$NET_RUN/$1.got" 2>>"$NET_RUN/$1.curl.log" || sleep 1
	done
}

fetched()
{
	awk '{ n += $1 == 100000 } END { print n + 0 }' "$NET_RUN/$1.got"
}

lost()
{
	awk '{ n += $1 != 100000 } END { print n + 0 }' "$NET_RUN/$1.got"
}

# PATTERN: how often pluto has said so.
said()
{
	grep -c -E "$1" "$NET_RUN/pluto.log"
}

why()
{
	net_ctl "rsipc_$1" why "$NET_Y1"
}

x1_serves()
{
	net_on x1 curl -sS --fail --max-time 30 -r 0-9 -o /dev/null \
	    "http://$NET_Y1/file"
}

another_has_it()
{
	why x2 | grep -q -E 'our address for another host|one host at our address only|another host at our address'
}

net_picture
net_key x1 @x1.lab
net_key x2 @x2.lab
pluto_key
net_zones
net_dns
net_web y1
pluto_start
net_rsipd
net_start sniff_wire wire python3 "$NET_HERE/wire.py" capture --interface y1 \
    --out "$NET_RUN/wire.pcap" --mb 64
net_ready sniff_wire 10 test -s "$NET_RUN/wire.pcap"
net_rsipc x1 "paranoid = {\"$NET_Y1\"} ike = \"1\""
net_rsipc x2 "paranoid = {\"$NET_Y1\"} ike = \"1\""
net_until 15 x1_serves || net_fail "x1 alone: $(why x1)"
why x1 | grep -q ': encrypted' || net_fail "x1 alone: $(why x1)"
net_ok "x1 alone is served, encrypted"

# The second comes: it may have keys for its flows, or nothing; x1 loses nothing.
main=$(said 'responding to Main Mode')
quick=$(said 'the peer proposed')
deleted=$(said '"x1".*(received Delete SA payload|deleting state.*STATE_QUICK)')
end=$(($(date +%s) + watch))
fetch_on x1 &
one=$!
fetch_on x2 &
two=$!
wait "$one" "$two"
main=$(($(said 'responding to Main Mode') - main))
quick=$(($(said 'the peer proposed') - quick))
deleted=$(($(said '"x1".*(received Delete SA payload|deleting state.*STATE_QUICK)') - deleted))
net_ok "in $watch s: x1 $(fetched x1) transfers, x2 $(fetched x2);" \
    "Main Modes $main, Quick Modes $quick; of x1's keys deleted $deleted"
[ "$(fetched x1)" -ge 1 ] || net_fail "x1 fetched nothing: $(why x1)"
[ "$(lost x1)" = 0 ] || net_fail "x1 lost $(lost x1) transfers: $(why x1)"
[ "$deleted" = 0 ] || net_fail "x1's keys were deleted"
why x1 | grep -q ': encrypted' || net_fail "x1: $(why x1)"
if [ "$(fetched x2)" = 0 ]; then
	net_until 15 another_has_it || net_fail "x2 is not served: $(why x2)"
	net_ok "why, of x2: $(why x2)"
else
	why x2 | grep -q ': encrypted' || net_fail "x2: $(why x2)"
fi
[ "$main" -le 3 ] && [ "$quick" -le 6 ] || net_fail "they negotiate in turn"
kill -TERM "$(net_pid sniff_wire)"
wait "$(net_pid sniff_wire)" || net_fail "the sniffer missed packets"
python3 "$NET_HERE/wire.py" only --file "$NET_RUN/wire.pcap" \
    --address "$NET_NB" UDP ESP ||
    net_fail "something of a paranoid host's went in the clear"

# OE-permissive: whatever it does then, it says why.
net_rsipc_config x2 'ike = "1"'
kill -HUP "$(net_pid rsipc_x2)"
end=$(($(date +%s) + 40))
fetch_on x2
another_has_it || net_fail "x2, permissive: $(why x2)"
net_ok "permissive, x2 $(fetched x2) transfers: $(why x2)"
x1_serves || net_fail "x1 is disturbed: $(why x1)"
[ -z "$LOGS" ] || for net_host in pluto rsipc_x1 rsipc_x2 addconn; do
	echo "--- $net_host"; cat "$NET_RUN/$net_host.log"
done
