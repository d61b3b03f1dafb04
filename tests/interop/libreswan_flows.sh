#!/bin/sh
# libreswan_flows.sh - two rsipc laptops behind one rsipd to one stock libreswan by IKEv1, with the kernel's ESP, in a VM
#
# Debian's libreswan conflicts with strongSwan: LIBRESWAN names a folder into
# which its packages were unpacked (dpkg -x), / where it is installed.  What it
# does with two hosts at one address is its own choice; here is printed what the
# laptops make of it.  WATCH=SECONDS: how long both try to fetch (60).
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../net/lib.sh"
# shellcheck disable=SC2034  # lib.sh uses it
NET_HERE=$(cd "$here/../net" && pwd)
watch=${WATCH:-60}
root=${LIBRESWAN:-/}
root=${root%/}
bin=$root/usr/libexec/ipsec

if [ -z "$FLOWS_INSIDE" ]; then
	[ -x "$bin/pluto" ] ||
	    net_skip "no $bin/pluto (apt-get download libreswan and what it depends on; dpkg -x)"
	net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill nft
	net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
	exec "$here/vm.sh" "${TIMEOUT:-1200}" env FLOWS_INSIDE=1 NET_SLOW=8 \
	    LIBRESWAN="${root:-/}" WATCH="$watch" NET_FETCH_TIME=300 \
	    LOGS="$LOGS" NET_LOG_LINES="${NET_LOG_LINES:-40}" \
	    top_builddir="$NET_TOP" sh "$here/libreswan_flows.sh"
fi
modprobe -qa esp4 xfrm_user tun veth bridge nfnetlink_queue nft_ct nft_queue \
    nft_masq nft_chain_nat ip_tables iptable_nat xt_NFQUEUE xt_MASQUERADE
net_enter "$@"

# PROGRAM...: one of libreswan's.
swan()
{
	swan_name=$1
	shift
	LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu" "$bin/$swan_name" "$@"
}

# HOST: its public key, base64 (RFC 3110).
public()
{
	sed -n 's/.*IN KEY [0-9]* [0-9]* [0-9]* //p' "$NET_RUN/$1.records" | tr -d ' "'
}

pluto_key()
{
	mkdir -p "$NET_RUN/nss"
	LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu" \
	    "$root/usr/bin/certutil" -N -d "sql:$NET_RUN/nss" --empty-password &&
	    swan rsasigkey --nssdir "$NET_RUN/nss" 2560 >"$NET_RUN/nss.log" 2>&1 ||
	    net_fail "libreswan's key"
	ckaid=$(swan showhostkey --nssdir "$NET_RUN/nss" --list |
	    sed -n 's/.*ckaid: *//p')
	key=$(swan showhostkey --nssdir "$NET_RUN/nss" --left --ckaid "$ckaid" |
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
	# It knows its helpers by their place.
	if [ -n "$root" ]; then
		mkdir -p /usr/libexec/ipsec &&
		    mount --bind "$bin" /usr/libexec/ipsec ||
		    net_fail "no place for libreswan's programs"
	fi
	{
		printf 'config setup\n  ikev1-policy=accept\n'
		printf '  nssdir=%s/nss\n  protostack=xfrm\n' "$NET_RUN"
		printf '  plutodebug=none\n\n'
		pluto_connection x1
		echo
		pluto_connection x2
	} >"$NET_RUN/ipsec.conf"
	: >"$NET_RUN/ipsec.secrets"
	net_start pluto y1 env \
	    LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu" "$bin/pluto" \
	    --nofork --stderrlog --config "$NET_RUN/ipsec.conf" \
	    --nssdir "$NET_RUN/nss" --secretsfile "$NET_RUN/ipsec.secrets" \
	    --rundir "$NET_RUN" --use-xfrm
	net_ready pluto 20 test -S "$NET_RUN/pluto.ctl"
	net_on y1 "$bin/whack" --ctlsocket "$NET_RUN/pluto.ctl" --listen
	for net_host in x1 x2; do
		net_on y1 "$bin/addconn" --ctlsocket "$NET_RUN/pluto.ctl" \
		    --config "$NET_RUN/ipsec.conf" "$net_host" \
		    >>"$NET_RUN/addconn.log" 2>&1
	done
}

fetch_on()
{
	: >"$NET_RUN/$1.got"
	while [ "$(date +%s)" -lt "$end" ]; do
		net_on "$1" curl -sS --fail --max-time 30 -r 0-99999 -o /dev/null \
		    -w '%{size_download}\n' "http://$NET_Y1/file" \
		    >>"$NET_RUN/$1.got" 2>>"$NET_RUN/$1.curl.log" || sleep 1
	done
}

deletes()
{
	grep -c -i -E 'received delete SA payload|deleting state.*STATE_QUICK|sent.*delete' "$NET_RUN/pluto.log"
}

net_picture
net_key x1 @x1.lab
net_key x2 @x2.lab
pluto_key
net_zones
net_dns
net_web y1
LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu"; export LD_LIBRARY_PATH
pluto_start
unset LD_LIBRARY_PATH
net_rsipd
net_rsipc x1
net_rsipc x2
end=$(($(date +%s) + watch))
fetch_on x1 &
one=$!
fetch_on x2 &
two=$!
wait "$one" "$two"
for net_host in x1 x2; do
	net_say "$net_host: $(awk '{ n += $1 > 0; b += $1 } END { print n + 0 " transfers, " b + 0 " bytes" }' \
	    "$NET_RUN/$net_host.got") in $watch s; $(net_ctl "rsipc_$net_host" why "$NET_Y1")"
done
net_say "deletes in pluto's log: $(deletes)"
[ -z "$LOGS" ] || for net_host in pluto rsipc_x1 rsipc_x2 addconn; do
	echo "--- $net_host"; cat "$NET_RUN/$net_host.log"
done
