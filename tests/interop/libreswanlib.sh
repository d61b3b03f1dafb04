# libreswanlib.sh - libreswan, installed or unpacked: its programs, its store of keys, pluto; sourced after lib.sh
#
# Debian's libreswan conflicts with strongSwan: LIBRESWAN names a folder into
# which its packages were unpacked (dpkg -x), / where it is installed.
# shellcheck shell=sh

swan_root=${LIBRESWAN:-/}
swan_root=${swan_root%/}
swan_bin=$swan_root/usr/libexec/ipsec
swan_lib=$swan_root/usr/lib/x86_64-linux-gnu

swan_wants()
{
	[ -x "$swan_bin/pluto" ] ||
	    net_skip "no $swan_bin/pluto (apt-get download libreswan and what it depends on; dpkg -x)"
}

# PROGRAM...: one of libreswan's.
swan()
{
	swan_name=$1
	shift
	LD_LIBRARY_PATH="$swan_lib" "$swan_bin/$swan_name" "$@"
}

# Its programs are where they look for each other, strongSwan has an ipsec too; and
# there is an empty store of keys.
swan_prepare()
{
	if [ -n "$swan_root" ]; then
		mkdir -p /usr/libexec/ipsec && touch -a /usr/sbin/ipsec &&
		    mount --bind "$swan_bin" /usr/libexec/ipsec &&
		    mount --bind "$swan_root/usr/sbin/ipsec" /usr/sbin/ipsec ||
		    net_fail "no place for libreswan's programs"
	fi
	mkdir -p "$NET_RUN/nss" "$NET_RUN/ipsec.d/policies"
	LD_LIBRARY_PATH="$swan_lib" "$swan_root/usr/bin/certutil" -N \
	    -d "sql:$NET_RUN/nss" --empty-password ||
	    net_fail "libreswan's store of keys"
}

# A key of its own; swan_key names it from there on.
swan_keygen()
{
	swan rsasigkey --nssdir "$NET_RUN/nss" 2560 >"$NET_RUN/nss.log" 2>&1 ||
	    net_fail "libreswan's key"
	# shellcheck disable=SC2034  # who sources this uses it
	swan_key=$(swan showhostkey --nssdir "$NET_RUN/nss" --list |
	    sed -n 's/.*ckaid: *//p')
}

# NAMESPACE: pluto there, with what ipsec.conf says; it listens, and has no connection.
swan_run()
{
	swan_at=$1
	rm -f "$NET_RUN/pluto.ctl" "$NET_RUN/pluto.pid"
	: >"$NET_RUN/ipsec.secrets"
	# Between an SPI and its keys it takes, in an emulated machine, longer than
	# the kernel waits for those.
	net_on "$swan_at" sysctl -qw net.core.xfrm_acq_expires=600
	net_start pluto "$swan_at" env LD_LIBRARY_PATH="$swan_lib" \
	    "$swan_bin/pluto" --nofork --stderrlog --use-xfrm \
	    --config "$NET_RUN/ipsec.conf" --ipsecdir "$NET_RUN/ipsec.d" \
	    --nssdir "$NET_RUN/nss" --secretsfile "$NET_RUN/ipsec.secrets" \
	    --rundir "$NET_RUN"
	net_ready pluto 20 test -S "$NET_RUN/pluto.ctl"
	swan_whack --listen
}

swan_whack()
{
	net_on "$swan_at" env LD_LIBRARY_PATH="$swan_lib" "$swan_bin/whack" \
	    --ctlsocket "$NET_RUN/pluto.ctl" "$@" >>"$NET_RUN/whack.log" 2>&1
}

# NAME, or --autoall: it has that connection of ipsec.conf, or all, from here on.
swan_add()
{
	net_on "$swan_at" env LD_LIBRARY_PATH="$swan_lib" "$swan_bin/addconn" \
	    --ctlsocket "$NET_RUN/pluto.ctl" --config "$NET_RUN/ipsec.conf" \
	    "$1" >>"$NET_RUN/addconn.log" 2>&1
}

# --- with an oed "ours", and neither proves who it is: libreswan_null, libreswan_six

# OURS ITS: ipsec.conf with two connections, "null" in a tunnel, "bare" in transport
# mode.
swan_nobodies()
{
	swan_with=$2
	{
		printf 'config setup\n  uniqueids=no\n  nssdir=%s/nss\n' "$NET_RUN"
		printf '  protostack=xfrm\n  plutodebug=none\n\n'
		for swan_kind in "null tunnel" "bare transport"; do
			cat <<-EOF
			conn ${swan_kind% *}
			  hostaddrfamily=ipv$FAMILY
			  left=$2
			  leftid=%null
			  right=$1
			  rightid=%null
			  authby=null
			  ikev2=insist
			  type=${swan_kind#* }
			  leftupdown=%disabled
			  auto=add

			EOF
		done
	} >"$NET_RUN/ipsec.conf"
}

swan_keyed()
{
	net_json oed_ours spd '[r["auth"] for r in rows if r["dst"] == words[0]
	    and r["state"] == "keyed"]' "$swan_with" | grep -q "${1:-null}"
}

swan_unkeyed()
{
	! swan_keyed .
}

# NAME: it ends what there is, and forgets it: else it begins anew by itself.
swan_forget()
{
	swan_whack --delete --name "$1"
	net_until 20 swan_unkeyed || net_fail "the end of $1 was not heard"
}
