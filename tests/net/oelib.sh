# oelib.sh - hosts that run oed on the public wire of the picture, for the oe_*.sh tests
#
# Sourced after lib.sh.  FAMILY=6, which a twin sets (oe_twin), makes each host's
# address one of IPv6: 2001:db8:64::10 for 198.51.100.10, which it keeps for DNS; what
# differs else is said by oe_addr, oe_net and the OE_ words.  Zones: lab. and 100.51.198.in-addr.arpa., where a host has an
# address in 2001:db8:64::/64 that network's, and what a test adds.
# shellcheck shell=sh

case ${FAMILY:=4} in
4)	OE_ALL=0.0.0.0/0
	OE_OTHER=::/0
	OE_HOST=32
	OE_ECHO="icmp and (icmp[0] = 8 or icmp[0] = 0)"
	OE_ESP="ip proto 50"
	OE_CLEAR="ip and not ip proto 50 and not port 500 and not port 4500"
	OE_ZONE=100.51.198.in-addr.arpa ;;
6)	OE_ALL=::/0
	OE_OTHER=0.0.0.0/0
	OE_HOST=128
	OE_ECHO="icmp6 and (ip6[40] = 128 or ip6[40] = 129)"
	OE_ESP="ip6 proto 50"
	OE_CLEAR="ip6 and not ip6 proto 50 and not port 500 and not port 4500
	    and not (icmp6 and (ip6[40] > 129 or ip6[6] = 0))"
	OE_ZONE=0.0.0.0.4.6.0.0.8.b.d.0.1.0.0.2.ip6.arpa ;;
esac
OE_ZONE6=0.0.0.0.4.6.0.0.8.b.d.0.1.0.0.2.ip6.arpa

# ARGUMENT...: the script's.  Returns inside.
oe_enter()
{
	net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping
	net_needs_built oe/oed ctl/rsipctl
	net_enter "$@"
}

# The wire and the host of the DNS servers, nothing else of the picture.
oe_wire()
{
	net_links wire
	net_namespaces dns
	net_cable dns eth0 "$NET_DNS" wire || net_fail "the wire"
	ip -n dns route add default dev eth0
	printf 'nameserver %s\n' "$NET_DNS" >"$NET_RUN/resolv.conf"
	mount --bind "$NET_RUN/resolv.conf" "$(readlink -f /etc/resolv.conf)"
	: >"$NET_RUN/lab.records"
	: >"$NET_RUN/reverse.records"
	: >"$NET_RUN/six.records"
}

# NAME ADDRESS: a host on the wire.
oe_host()
{
	net_namespace "$1" && net_cable "$1" eth0 "$2" wire ||
	    net_fail "host $1"
	ip -n "$1" route add default dev eth0
	[ "$FAMILY" = 4 ] || oe_six "$1" "$(oe_net "$2")"
	eval "oe_addr_$1=$(oe_net "$2")"
}

# ADDRESS[/LENGTH]: of this family, for one of 198.51.100.0/24.
oe_net()
{
	[ "$FAMILY" = 4 ] && printf '%s' "$1" ||
	    printf '%s' "$1" | sed 's/198\.51\.100\.0\/24/2001:db8:64::\/64/
		s/198\.51\.100\./2001:db8:64::/g'
}

# NAME ADDRESS: an IPv6 address for a host on the wire, at once, and the way out.
oe_six()
{
	net_on "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 \
	    net.ipv6.conf.default.disable_ipv6=0 \
	    net.ipv6.conf.eth0.accept_ra=0 2>/dev/null ||
	    net_skip "no IPv6 in this kernel"
	ip -n "$1" address add "$2/64" dev eth0 nodad &&
	    ip -n "$1" -6 route add default dev eth0 ||
	    net_fail "IPv6 of $1"
	eval "oe_six_$1=$2"
}

oe_addr()
{
	eval "printf '%s' \"\$oe_addr_$1\""
}

# NAME [ID [FOR]]: its key, and the records for the zones.
oe_key()
{
	oe_id=${2:-$(oe_addr "$1")}
	"$NET_TOP/ctl/rsipctl" keygen -o "$NET_RUN/$1.pem" --id "$oe_id" \
	    ${3:+--for "$3"} >"$NET_RUN/$1.records" \
	    2>"$NET_RUN/keygen.log" || net_fail "rsipctl keygen"
	oe_publish "$NET_RUN/$1.records"
}

# FILE: its TXT and KEY records go into the zones.
oe_publish()
{
	grep -E '^[0-9]+\.100\.51\.198\.in-addr\.arpa\..*[[:space:]](TXT|KEY)[[:space:]]' \
	    "$1" >>"$NET_RUN/reverse.records"
	grep -E "$OE_ZONE6\\..*[[:space:]](KEY|IPSECKEY)[[:space:]]" \
	    "$1" >>"$NET_RUN/six.records"
	grep -E '\.lab\..*[[:space:]]KEY[[:space:]]' "$1" \
	    >>"$NET_RUN/lab.records"
	return 0
}

# The two zones from the records so far.
oe_zones()
{
	{
		net_zone_head lab.
		printf 'ns A %s\ny1 A %s\n' "$NET_DNS" "$NET_Y1"
		cat "$NET_RUN/lab.records"
	} >"$NET_RUN/zone.lab"
	{
		net_zone_head 100.51.198.in-addr.arpa.
		printf '53 PTR ns.lab.\n'
		cat "$NET_RUN/reverse.records"
	} >"$NET_RUN/zone.100.51.198.in-addr.arpa"
	{
		net_zone_head "$OE_ZONE6."
		cat "$NET_RUN/six.records"
	} >"$NET_RUN/zone.$OE_ZONE6"
}

# Those that there are records for.
oe_zones_signed()
{
	oe_zone lab
	oe_zone 100.51.198.in-addr.arpa
	[ ! -s "$NET_RUN/six.records" ] || oe_zone "$OE_ZONE6"
}

# NAME LINES...: oed there with these lines in its section "oe".  OE_KEYLESS: it has
# no key.  OE_DATAPLANE: who does ESP; "auto" is the program's own choice, by what
# this kernel has.  OE_WORKERS: so many threads encrypt.
oe_daemon()
{
	oe_name=$1
	shift
	{
		printf 'control = "%s"\n' "$NET_RUN/oed_$oe_name.sock"
		printf 'address%s = "%s"\n' "${FAMILY%4}" \
		    "$(oe_addr "$oe_name")"
		[ -z "${OE_WORKERS-}" ] || printf 'workers = %s\n' "$OE_WORKERS"
		printf 'oe {\n  %s\n' "$NET_RESOLVER"
		[ -n "${OE_KEYLESS-}" ] ||
		    printf '  key = "%s"\n' "$NET_RUN/$oe_name.pem"
		printf '  state = "%s"\n' "$NET_RUN/oe_$oe_name.peers"
		printf '  dataplane = "%s"\n' "${OE_DATAPLANE:-user}"
		# Whom IPv4 would reach at once still waits for keys.
		[ "$FAMILY" = 4 ] || printf '  %s\n' "hold-dual-stack = 20000"
		printf '  %s\n' "$@"
		printf '}\n'
	} >"$NET_RUN/oed_$oe_name.conf"
	net_start "oed_$oe_name" "$oe_name" "$NET_TOP/oe/oed" "${OE_DEBUG:--f}" \
	    -c "$NET_RUN/oed_$oe_name.conf"
}

oe_ready()
{
	for oe_name in "$@"; do
		net_ready "oed_$oe_name" 10 net_ctl "oed_$oe_name" status
	done
}

# DAEMON: true if its kernel refuses what comes in the clear and must not; over IPv6 it
# says so where the kernel cannot.
oe_refuses()
{
	ip xfrm policy list >/dev/null 2>&1 &&
	    ! grep -q "cannot tell them from decrypted ones" "$NET_RUN/$1.log"
}

# True in a user namespace of one user, where nobody can become another:
# neither a test nor tcpdump, which insists on it.
oe_alone()
{
	grep -q deny /proc/self/setgroups
}

# FILE ARGUMENT...: tcpdump's words about a capture.
oe_read()
{
	oe_file=$1
	shift
	if oe_alone; then
		unshare --user --map-user=1000 tcpdump -n -r "$oe_file" "$@"
	else
		tcpdump -n -r "$oe_file" "$@"
	fi 2>/dev/null
}

# NAME FILE [FILTER...]: captures what passes NAME's port of the wire, all of it
# where nothing filters.  OE_SWITCH: the switch's namespace, if it is another.
oe_sniff()
{
	oe_file=$2
	oe_port=$1
	oe_sniffer=sniff_${OE_SWITCH:+${OE_SWITCH}_}$1
	shift 2
	if oe_alone; then
		net_start "$oe_sniffer" "${OE_SWITCH:-wire}" python3 \
		    "$NET_HERE/wire.py" capture --interface "$oe_port" \
		    --out "$oe_file" --mb 16
	else
		net_start "$oe_sniffer" "${OE_SWITCH:-wire}" tcpdump \
		    -i "$oe_port" -n -U -B 16384 -Z root --immediate-mode \
		    -w "$oe_file" "$@"
	fi
	net_ready "$oe_sniffer" 10 test -s "$oe_file"
}

# FILE FILTER...: how many packets of a capture match.
oe_count()
{
	oe_read "$@" | wc -l
}

# ADDRESS: its name in DNS.
oe_reverse()
{
	python3 -c 'import ipaddress, sys
print(ipaddress.ip_address(sys.argv[1]).reverse_pointer)' "$1"
}

# VERSION: the filter for messages of IKE of it.
oe_ike()
{
	# tcpdump reads no further than the header of IPv6.
	[ "$FAMILY" = 4 ] && echo "udp port 500 and udp[25] = 0x${1}0" ||
	    echo "ip6 and udp port 500 and ip6[65] = 0x${1}0"
}

# NAME ADDRESS [SECONDS]: true if an echo request is answered.
oe_ping()
{
	net_on "$1" ping -q -n -c 1 -W "${3:-3}" "$2" >/dev/null 2>&1
}

# NAME [HOW [SERVER]]: a zone from zone.NAME for oe_servers.  HOW: signed,
# bogus (changed after signing), expired, or unsigned, of which the resolver
# knows no anchor.  SERVER: where the resolver asks for it.
oe_zone()
{
	oe_how=${2:-signed}
	[ "$oe_how" = expired ] && oe_dates="-i 20200101 -e 20200201" ||
	    oe_dates=
	if [ "$oe_how" = unsigned ]; then
		cp "$NET_RUN/zone.$1" "$NET_RUN/signed.$1"
	else
		# shellcheck disable=SC2086
		(cd "$NET_RUN" &&
		    key=$(ldns-keygen -a ECDSAP256SHA256 -k -r /dev/urandom \
		    "$1.") && cat "$key.key" >>anchors &&
		    ldns-signzone $oe_dates -f "signed.$1" "zone.$1" \
		    "$key") >>"$NET_RUN/sign.log" 2>&1 ||
		    net_fail "signing zone $1"
	fi
	[ "$oe_how" != bogus ] ||
	    sed -i 's/X-IPsec-Server(10)/X-IPsec-Server(11)/' "$NET_RUN/signed.$1"
	printf 'zone:\n  name: %s\n  zonefile: signed.%s\n' "$1" "$1" \
	    >>"$NET_RUN/nsd.zones"
	printf 'stub-zone:\n  name: "%s."\n  stub-addr: %s\n' "$1" \
	    "${3:-127.0.0.1@5353}" >>"$NET_RUN/unbound.zones"
	printf 'server:\n  local-zone: "%s." transparent\n' "$1" \
	    >>"$NET_RUN/unbound.zones"
}

# The root above the zones there are, which vouches for those that are signed: the one
# anchor (Kroot.key).
oe_root()
{
	{
		net_zone_head .
		printf 'ns.lab. A %s\n' "$NET_DNS"
		for oe_file in "$NET_RUN"/zone.*; do
			oe_name=${oe_file##*/zone.}
			printf '%s. NS ns.lab.\n' "$oe_name"
			# shellcheck disable=SC2086
			for oe_key in "$NET_RUN"/K$oe_name.*.key; do
				[ ! -e "$oe_key" ] ||
				    ldns-key2ds -n -2 "$oe_key"
			done
		done
	} >"$NET_RUN/root"
	(cd "$NET_RUN" && key=$(ldns-keygen -a ECDSAP256SHA256 -k \
	    -r /dev/urandom .) && cp "$key.key" Kroot.key &&
	    ldns-signzone -f signed.root root "$key") \
	    >>"$NET_RUN/sign.log" 2>&1 || net_fail "signing the root"
	cp "$NET_RUN/Kroot.key" "$NET_RUN/anchors"
	printf 'zone:\n  name: .\n  zonefile: signed.root\n' \
	    >>"$NET_RUN/nsd.zones"
	printf 'stub-zone:\n  name: .\n  stub-addr: 127.0.0.1@5353\n' \
	    >>"$NET_RUN/unbound.zones"
	oe_refuse=transparent
}

# An authoritative server for all zones and a validating resolver before it.
oe_servers()
{
	cat >"$NET_RUN/nsd.conf" <<-EOF
	$(net_nsd_head 127.0.0.1@5353)
	include: "$NET_RUN/nsd.zones"
	EOF
	cat >"$NET_RUN/unbound.conf" <<-EOF
	$(net_unbound_head "${oe_refuse:-}")
	  cache-max-negative-ttl: 5
	${oe_six_dns:+  do-ip6: yes}
	${oe_six_dns:+  interface: $oe_six_dns}
	${oe_six_dns:+  access-control: 2001:db8::/32 allow}
	${oe_six_dns:+  local-zone: "8.b.d.0.1.0.0.2.ip6.arpa." nodefault}
	remote-control:
	  control-enable: no
	include: "$NET_RUN/unbound.zones"
	EOF
	net_start nsd dns nsd -d -c "$NET_RUN/nsd.conf"
	net_ready nsd 10 net_listens dns 5353
	oe_resolver
}

oe_resolver()
{
	net_start unbound dns unbound -d -c "$NET_RUN/unbound.conf"
	net_ready unbound 10 net_listens dns 53
}

# The two zones as they are, signed, and who answers for them.
oe_dns_up()
{
	oe_zones
	: >"$NET_RUN/anchors"
	oe_zones_signed
	oe_servers
}

# NAME ADDRESS...: these hosts on the wire, each with a key that DNS has.
oe_lab()
{
	oe_wire
	while [ $# -gt 1 ]; do
		oe_host "$1" "$2"
		oe_key "$1"
		shift 2
	done
	oe_dns_up
}

# A zone's records changed: signed again and served at once, caches forgotten.
oe_serve_again()
{
	net_stop unbound
	net_stop nsd
	: >"$NET_RUN/nsd.zones"
	: >"$NET_RUN/unbound.zones"
	: >"$NET_RUN/anchors"
	oe_zones
	oe_zones_signed
	oe_servers
}

# PRIMARY RESOLVER: BIND at the one, which signs the two zones and takes updates by
# publisher.key (stranger.key it knows, and refuses), and a validating resolver at the
# other; both in namespace dns, in NET_RUN.  More of zone lab is in lab.records.
oe_primary()
{
	for oe_key in publisher stranger; do
		tsig-keygen "$oe_key" >"$oe_key.key" && chmod 600 "$oe_key.key"
	done
	{
		cat publisher.key stranger.key
		printf 'options { directory "%s"; listen-on { %s; };\n' \
		    "$NET_RUN" "$1"
		printf 'listen-on-v6 { none; }; pid-file none; recursion no;\n'
		printf 'session-keyfile none; dnssec-validation no; };\n'
		printf 'controls { };\n'
		for oe_zone in lab 100.51.198.in-addr.arpa; do
			net_zone_head "$oe_zone." | sed 's/86400 10$/86400 1/' \
			    >"dynamic.$oe_zone"
			printf 'zone "%s" { type primary; file "dynamic.%s";\n' \
			    "$oe_zone" "$oe_zone"
			printf 'dnssec-policy default;\n'
			printf 'update-policy { grant publisher zonesub ANY; }; };\n'
		done
	} >named.conf
	printf 'ns A %s\n' "$1" >>dynamic.lab
	cat lab.records >>dynamic.lab
	printf '10 TXT "v=spf1 -all"\n' >>dynamic.100.51.198.in-addr.arpa
	net_start named dns named -g -n 1 -u root -c "$NET_RUN/named.conf"
	net_ready named 10 net_answers "$1" 53 ns.lab. A
	net_until 20 oe_signed "$1" lab. &&
	    net_until 20 oe_signed "$1" 100.51.198.in-addr.arpa. ||
	    net_fail "BIND does not sign"
	cat Klab.*.key K100.*.key >anchors
	{
		net_unbound_head transparent | sed "s/interface: .*/interface: $2/"
		printf '  cache-max-negative-ttl: 1\nremote-control:\n'
		printf '  control-enable: no\n'
		for oe_zone in lab 100.51.198.in-addr.arpa; do
			printf 'server:\n  local-zone: "%s." transparent\n' \
			    "$oe_zone"
			printf 'stub-zone:\n  name: "%s."\n  stub-addr: %s\n' \
			    "$oe_zone" "$1"
		done
	} >unbound.conf
	net_start unbound dns unbound -d -c "$NET_RUN/unbound.conf"
	net_ready unbound 10 net_answers "$2" 53 ns.lab. A
}

# SERVER ZONE
oe_signed()
{
	net_on dns drill -D "@$1" "$2" SOA | grep -q RRSIG
}
