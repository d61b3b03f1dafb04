# peerslib.sh - each server of doc/peers.md: is it there, how is it started; sourced by peers.sh
# shellcheck shell=sh
# shellcheck disable=SC2154  # peers.sh has "here"
. "$here/libreswanlib.sh"

peers_page=$here/../../doc/peers.md

# KIND NAME: what stands on the page behind such a mark, without its indentation.
page()
{
	awk -v mark="<!-- $1: $2 -->" '
		$0 == mark { found = 1; next }
		found && /^    / { sub(/^    /, ""); print; there = 1; next }
		found && /^$/ { if (there) print; next }
		found { exit }
	' "$peers_page" >"$NET_RUN/page/$2.$1"
	[ -s "$NET_RUN/page/$2.$1" ] || net_fail "doc/peers.md has no $1 $2"
	cat "$NET_RUN/page/$2.$1"
}

# NAME FOLDER: runs the commands of the page there; what they print.
page_run()
{
	page run "$1" >/dev/null
	(cd "$2" && PATH=$NET_TOP/ctl:$PATH sh -e "$NET_RUN/page/$1.run" \
	    2>"$NET_RUN/page/$1.err") ||
	    net_fail "$1: $(cat "$NET_RUN/page/$1.err")"
}

# LINES...: the zones, and the laptop's oed, with its key and name if it has them.
laptop_up()
{
	oe_dns_up
	{
		printf 'control = "%s"\n' "$NET_RUN/oed_laptop.sock"
		printf 'address = "198.51.100.1"\noe {\n'
		printf '  %s\n  state = ""\n' "$NET_RESOLVER"
		printf '  ike = "2"\n  give-up = 60\n'
		[ ! -e "$NET_RUN/laptop.pem" ] ||
		    printf '  key = "%s"\n  id = "@laptop.lab"\n' \
		    "$NET_RUN/laptop.pem"
		printf '  %s\n' "$@"
		printf '}\n'
	} >"$NET_RUN/oed_laptop.conf"
	net_start oed_laptop laptop "$NET_TOP/oe/oed" -f \
	    -c "$NET_RUN/oed_laptop.conf"
	oe_ready laptop
	oe_sniff laptop "$NET_RUN/laptop.pcap"
}

laptop_down()
{
	for daemon in oed_laptop sniff_laptop unbound nsd; do
		net_stop "$daemon"
	done
}

why()
{
	net_ctl oed_laptop why 198.51.100.10
}

# NAME KIND: pings go and come, nothing of them in the clear, and why says what it is
# and of which kind the server's key is.
laptop_serves()
{
	net_until 20 oe_ping laptop 198.51.100.10 ||
	    net_fail "$1: $(why)"
	net_on laptop ping -q -c 5 -i 0.2 -W 5 198.51.100.10 >/dev/null ||
	    net_fail "$1: packets are lost: $(why)"
	sleep 0.5
	[ "$(oe_count "$NET_RUN/laptop.pcap" "icmp and host 198.51.100.10")" = 0 ] ||
	    net_fail "$1: something went in the clear"
	why | grep -q ': encrypted' || net_fail "$1: $(why)"
	net_ctl oed_laptop why 198.51.100.10 --json |
	    python3 "$NET_HERE/answer.py" 'it["key"] == words[0]' "$2" >/dev/null ||
	    net_fail "$1: $(net_ctl oed_laptop why 198.51.100.10 --json)"
	net_ok "$1, $2: $(why | head -n 1)"
	laptop_down
}

# NAME: nothing waits for keys, and nobody knows whose they are.
laptop_serves_anonymous()
{
	net_until 20 encrypted_anonymous || net_fail "$1: $(why)"
	net_on laptop ping -q -c 5 -i 0.2 -W 5 198.51.100.10 >/dev/null ||
	    net_fail "$1: packets are lost: $(why)"
	[ "$(oe_count "$NET_RUN/laptop.pcap" 'esp and src 198.51.100.10')" -gt 4 ] ||
	    net_fail "$1: no ESP comes"
	net_ok "$1: $(why | head -n 1)"
	laptop_down
}

encrypted_anonymous()
{
	oe_ping laptop 198.51.100.10 && why | grep -q 'encrypted, peer unknown'
}

# --- strongSwan -------------------------------------------------------------------

peer_charon_wants()
{
	charon_wants own-esp
}

peer_charon_run()
{
	charon_settings kernel-libipsec
	page_run laptop "$NET_RUN" >>"$NET_RUN/lab.records"
	page_run server "$NET_RUN" >>"$NET_RUN/reverse.records"
	cp "$NET_RUN/server.pem" "$SWANCTL_DIR/private"
	cp "$NET_RUN/server.pub" "$NET_RUN/laptop.pub" "$SWANCTL_DIR/pubkey"
	page file swanctl.conf >"$SWANCTL_DIR/swanctl.conf"
	charon_run server
	charon_loaded 1
	net_until 5 net_on server ip link show ipsec0 || net_fail "no ipsec0"
	# Its routes would send its own ESP in UDP to itself.
	ip -n server rule del lookup 220
	ip -n server rule add ipproto icmp lookup 221
	ip -n server route add 198.51.100.1 dev ipsec0 table 221
	laptop_up 'paranoid = {"198.51.100.10"}'
	laptop_serves "$(grep -o 'strongSwan [0-9.]*' "$NET_RUN/charon.log" | head -n 1)" Ed25519
	net_stop charon
}

# --- libreswan --------------------------------------------------------------------

peer_libreswan_wants()
{
	swan_wants
}

# CONNECTION CONFIGURATION [SED]: pluto with that file of the page, for everybody;
# in the namespace PLUTO_AT, or server.
pluto_up()
{
	rm -rf "$NET_RUN/ipsec.d/policies"
	mkdir -p "$NET_RUN/ipsec.d/policies"
	page file clear-or-private >"$NET_RUN/ipsec.d/policies/$1"
	page file "$2" | sed "s/CKAID/$swan_key/; ${3-}" >"$NET_RUN/ipsec.conf"
	swan_run "${PLUTO_AT:-server}"
	swan_add --autoall
	# It reads the groups' files then.
	swan_whack --listen
}

# It has a key, and ipseckey its record.
pluto_prepare()
{
	swan_prepare
	swan_keygen
	# Its own words, but for the owner's name, which it cannot know.
	page run libreswan | sed "s/^ipsec /swan /; s/CKAID/$swan_key/;
		s|showhostkey|& --nssdir $NET_RUN/nss|" >"$NET_RUN/show"
	. "$NET_RUN/show" >"$NET_RUN/ipseckey" || net_fail "showhostkey"
	cat "$NET_RUN/ipseckey"
}

peer_libreswan_run()
{
	pluto_prepare
	tr -d '\n' <"$NET_RUN/ipseckey" | grep -o 'IN *IPSECKEY.*' |
	    sed 's/^/10.100.51.198.in-addr.arpa. /; s/$/\n/' \
	    >>"$NET_RUN/reverse.records"
	pluto_up clear-or-private libreswan.conf
	laptop_up 'paranoid = {"198.51.100.10"}'
	laptop_serves "libreswan, IPSECKEY of its own making" "RSA 2560"
	net_stop pluto
	sed -i '/IPSECKEY/d' "$NET_RUN/reverse.records"
	rm -f "$NET_RUN"/K* "$NET_RUN"/*.zones
	# With its scripts five seconds pass on an emulated machine, and ours tries for two.
	pluto_up private-or-clear libreswan-anonymous.conf \
	    's/^    type=tunnel/&\n    leftupdown=%disabled/'
	laptop_up 'anonymous = "try"'
	laptop_serves_anonymous "libreswan, no key at all"
	net_stop pluto
}

# --- OpenIKED ---------------------------------------------------------------------

peer_iked_wants()
{
	iked_root=${IKED:-/}
	iked_root=${iked_root%/}
	[ -x "$iked_root/usr/sbin/iked" ] ||
	    net_skip "no $iked_root/usr/sbin/iked (apt-get download openiked; dpkg -x)"
}

peer_iked_run()
{
	page_run laptop-ecdsa "$NET_RUN" >>"$NET_RUN/lab.records"
	for folder in ca certs crls ocsp private pubkeys/fqdn pubkeys/ipv4 \
	    pubkeys/ipv6 pubkeys/ufqdn; do
		mkdir -p "/etc/iked/$folder"
	done
	page_run server-ecdsa "$NET_RUN" >>"$NET_RUN/reverse.records"
	cp "$NET_RUN/local.key" /etc/iked/private/
	chmod 600 /etc/iked/private/local.key
	cp "$NET_RUN/local.pub" /etc/iked/
	cp "$NET_RUN/laptop.pub" /etc/iked/pubkeys/fqdn/laptop.lab
	page file iked.conf >"$NET_RUN/iked.conf"
	chmod 600 "$NET_RUN/iked.conf"
	# It locks itself up in the home of that user, which its package makes.
	id _iked >/dev/null 2>&1 || useradd -r -d /run/iked _iked ||
	    net_fail "no user _iked"
	mkdir -p "$(getent passwd _iked | cut -d : -f 6)"
	net_start iked server "$iked_root/usr/sbin/iked" -dvv -f "$NET_RUN/iked.conf"
	net_ready iked 20 net_listens server 500
	laptop_up 'paranoid = {"198.51.100.10"}'
	laptop_serves OpenIKED "ECDSA P-256"
	net_stop iked
}
