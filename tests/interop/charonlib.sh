# charonlib.sh - charon, and on y1 its connections with the two laptops of the picture; sourced after lib.sh
# shellcheck shell=sh

# [own-esp]: it is here, with what it needs to do ESP by itself.
charon_wants()
{
	[ -x "${CHARON:-/usr/lib/ipsec/charon}" ] ||
	    net_skip "no charon (apt-get install strongswan-charon)"
	[ -e /usr/lib/ipsec/plugins/libstrongswan-openssl.so ] ||
	    net_skip "strongSwan without openssl (apt-get install libstrongswan-standard-plugins)"
	[ -z "$1" ] ||
	    [ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] ||
	    net_skip "strongSwan without ESP of its own (apt-get install libcharon-extra-plugins)"
	net_needs swanctl
}

# HOST ESP-PROPOSALS [LINES]: a connection of charon's for one laptop, with more
# lines for its child.
charon_connection()
{
	cat <<-EOF
	$1 {
		version = 1
		local_addrs = $NET_Y1
		remote_addrs = $NET_NB
		proposals = aes256-sha256-modp2048
		local { auth = pubkey
			id = $NET_Y1
			pubkeys = y1.pub }
		remote { auth = pubkey
			id = $1.lab
			pubkeys = $1.pub }
		children { oe { local_ts = $NET_Y1/32
			remote_ts = $NET_NB/32
			esp_proposals = $2
			$3 } }
	}
	EOF
}

# COUNT: that many connections are loaded.
charon_load()
{
	swanctl --load-all --uri "unix://$NET_RUN/vici" \
	    >"$NET_RUN/load.log" 2>&1 &&
	    grep -q "loaded $1 connections" "$NET_RUN/load.log"
}

# COUNT: charon, which runs, takes its configuration.
charon_loaded()
{
	net_until 10 charon_load "$1" ||
	    net_fail "charon does not load its configuration: $(
	    cat "$NET_RUN/load.log")"
}

# OWN HOST...: the key of its host, and what it knows of others.
charon_keys()
{
	cp "$NET_RUN/$1.pem" "$SWANCTL_DIR/private/"
	for net_host; do
		openssl pkey -in "$NET_RUN/$net_host.pem" -pubout \
		    -out "$SWANCTL_DIR/pubkey/$net_host.pub" ||
		    net_fail "the public key of $net_host"
	done
}

# PLUGINS [LINES]: strongswan.conf, with what it loads before the usual kernel's
# and more lines.  Keys and connections go into SWANCTL_DIR.
charon_settings()
{
	export SWANCTL_DIR="$NET_RUN/swanctl" STRONGSWAN_CONF="$NET_RUN/strongswan.conf"
	mkdir -p "$SWANCTL_DIR/private" "$SWANCTL_DIR/pubkey" /run/lock
	cat >"$STRONGSWAN_CONF" <<-EOF
	charon {
		load = random nonce drbg aes sha1 sha2 hmac kdf gmp openssl pem pkcs1 pkcs8 pubkey $1 kernel-netlink socket-default vici updown
		install_routes = no
		$2
		plugins { vici { socket = unix://$NET_RUN/vici }
			kernel-libipsec { allow_peer_ts = yes } }
		filelog { stderr { default = 1
			ike = 2 } }
	}
	EOF
}

# NAMESPACE: starts it there; its messages are in charon.log.
charon_run()
{
	rm -f "$NET_RUN/vici" /run/charon.pid
	net_start charon "$1" "${CHARON:-/usr/lib/ipsec/charon}"
	net_ready charon 20 test -S "$NET_RUN/vici"
}

# PLUGINS CONNECTIONS [LINES]: as charon_settings(), with both laptops' connections.
charon_start()
{
	charon_settings "$1" "$3"
	charon_keys y1 x1 x2
	printf 'connections {\n%s\n}\n' "$2" >"$SWANCTL_DIR/swanctl.conf"
	charon_run y1
	charon_loaded 2
}
