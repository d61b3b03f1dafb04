#!/bin/sh
# libreswan_six.sh - IKEv2 over IPv6 with a stock libreswan and the kernel's ESP, in a VM: each end begins, in a tunnel and in transport mode
#
# LIBRESWAN: as in libreswan_flows.sh.  No key, no record, as in libreswan_null.sh.
export FAMILY=6
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../net/lib.sh"
# shellcheck disable=SC2034  # lib.sh uses it
NET_HERE=$(cd "$here/../net" && pwd)
. "$here/../net/oelib.sh"
root=${LIBRESWAN:-/}
root=${root%/}
bin=$root/usr/libexec/ipsec

if [ -z "$SIX_INSIDE" ]; then
	[ -x "$bin/pluto" ] ||
	    net_skip "no $bin/pluto (apt-get download libreswan and what it depends on; dpkg -x)"
	net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping
	net_needs_built oe/oed ctl/rsipctl
	exec "$here/vm.sh" "${TIMEOUT:-600}" env SIX_INSIDE=1 NET_SLOW=8 \
	    LIBRESWAN="${root:-/}" LOGS="$LOGS" \
	    NET_LOG_LINES="${NET_LOG_LINES:-40}" top_builddir="$NET_TOP" \
	    sh "$here/libreswan_six.sh"
fi
modprobe -qa esp4 esp6 xfrm_user tun veth bridge nft_ct nft_queue ip_tables gcm \
    seqiv echainiv ghash_generic aes_generic authenc
oe_enter "$@"

oe_wire
oe_host ours 198.51.100.61
oe_host swan 198.51.100.70
ours=$(oe_addr ours)
pluto=$(oe_addr swan)
oe_dns_up

# NAME TYPE: a connection with us, in a tunnel or in transport mode.
connection()
{
	cat <<-CONN
	conn $1
	  hostaddrfamily=ipv6
	  left=$pluto
	  leftid=%null
	  right=$ours
	  rightid=%null
	  authby=null
	  ikev2=insist
	  type=$2
	  leftupdown=%disabled
	  auto=add
	CONN
}

swan()
{
	net_on swan env LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu" "$@"
}

whack()
{
	swan "$bin/whack" --ctlsocket "$NET_RUN/pluto.ctl" "$@"
}

# NAME: pluto has that connection from here on.
pluto_add()
{
	swan "$bin/addconn" --ctlsocket "$NET_RUN/pluto.ctl" \
	    --config "$NET_RUN/ipsec.conf" "$1" >>"$NET_RUN/addconn.log" 2>&1
}

pluto_start()
{
	if [ -n "$root" ]; then
		mkdir -p /usr/libexec/ipsec &&
		    mount --bind "$bin" /usr/libexec/ipsec ||
		    net_fail "no place for libreswan's programs"
	fi
	mkdir -p "$NET_RUN/nss"
	swan "$root/usr/bin/certutil" -N -d "sql:$NET_RUN/nss" \
	    --empty-password || net_fail "libreswan's keys"
	{
		printf 'config setup\n  uniqueids=no\n  nssdir=%s/nss\n' "$NET_RUN"
		printf '  protostack=xfrm\n  plutodebug=none\n\n'
		connection null tunnel
		connection bare transport
	} >"$NET_RUN/ipsec.conf"
	: >"$NET_RUN/ipsec.secrets"
	net_start pluto swan env \
	    LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu" "$bin/pluto" \
	    --nofork --stderrlog --config "$NET_RUN/ipsec.conf" \
	    --nssdir "$NET_RUN/nss" --secretsfile "$NET_RUN/ipsec.secrets" \
	    --rundir "$NET_RUN" --use-xfrm
	net_ready pluto 20 test -S "$NET_RUN/pluto.ctl"
	whack --listen
}

grade()
{
	net_json oed_ours spd '[r["auth"] for r in rows if r["dst"] == words[0] and r["state"] == "keyed"]' "$pluto"
}
keyed()
{
	grade | grep -q null
}
unkeyed()
{
	[ -z "$(grade)" ]
}

pluto_start
OE_KEYLESS=yes
oe_daemon ours 'anonymous = "try"' 'transport = "ask"'
oe_ready ours
oe_sniff swan "$NET_RUN/wire.pcap"

# NAME MODE WHO: what it has come to; all that its kernel has is in that mode.
both_ways()
{
	net_until 20 keyed || net_fail "$3: $(net_ctl oed_ours why "$pluto")
$(tail -n 4 "$NET_RUN/initiate.log" 2>/dev/null)"
	oe_ping swan "$ours" 10 || net_fail "$3: no answer to libreswan"
	# What is new goes in the clear while a pair of our own is tried.
	net_until 20 oe_ping ours "$pluto" 5 || net_fail "$3: no answer to us"
	net_on swan ip xfrm state | grep -q "mode $2" ||
	    net_fail "$3: not in $2 mode: $(net_on swan ip xfrm state)"
	net_ok "row 28, $3, $2: $(net_ctl oed_ours why "$pluto" | cut -c1-120)"
	whack --delete --name "$1" >/dev/null 2>&1
	net_until 20 unkeyed || net_fail "the end of $1 was not heard"
}

for net_job in "null tunnel" "bare transport"; do
	name=${net_job% *}
	pluto_add "$name"
	whack --initiate --name "$name" >"$NET_RUN/initiate.log" 2>&1
	both_ways "$name" "${net_job#* }" "libreswan begins"
	pluto_add "$name"
	oe_ping ours "$pluto" 10
	both_ways "$name" "${net_job#* }" "we begin"
done
sleep 1
esp=$(oe_count "$NET_RUN/wire.pcap" "$OE_ESP")
[ "$esp" -ge 16 ] || net_fail "on the wire: $esp packets of ESP"
net_ok "on the wire: $esp packets of ESP over IPv6"
