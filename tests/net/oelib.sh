# oelib.sh - hosts that run oed on the public wire of the picture, for the oe_*.sh tests
#
# Sourced after lib.sh.  Zones: lab. and 100.51.198.in-addr.arpa., and what a test adds.
# shellcheck shell=sh

# The wire and the host of the DNS servers, nothing else of the picture.
oe_wire()
{
	net_namespace wire && net_namespace dns ||
	    net_fail "no namespaces"
	ip -n wire link add switch0 type bridge &&
	    ip -n wire link set switch0 up ||
	    net_skip "no bridge device in this kernel"
	net_cable dns eth0 "$NET_DNS" wire || net_fail "the wire"
	ip -n dns route add default dev eth0
	printf 'nameserver %s\n' "$NET_DNS" >"$NET_RUN/resolv.conf"
	mount --bind "$NET_RUN/resolv.conf" "$(readlink -f /etc/resolv.conf)"
	: >"$NET_RUN/lab.records"
	: >"$NET_RUN/reverse.records"
}

# NAME ADDRESS: a host on the wire.
oe_host()
{
	net_namespace "$1" && net_cable "$1" eth0 "$2" wire ||
	    net_fail "host $1"
	ip -n "$1" route add default dev eth0
	eval "oe_addr_$1=$2"
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
}

# NAME LINES...: oed there with these lines in its section "oe".
oe_daemon()
{
	oe_name=$1
	shift
	{
		printf 'control = "%s"\n' "$NET_RUN/oed_$oe_name.sock"
		printf 'address = "%s"\n' "$(oe_addr "$oe_name")"
		printf 'oe {\n  key = "%s"\n  resolvers = {"%s"}\n' \
		    "$NET_RUN/$oe_name.pem" "$NET_DNS"
		printf '  %s\n' "$@"
		printf '}\n'
	} >"$NET_RUN/oed_$oe_name.conf"
	net_start "oed_$oe_name" "$oe_name" "$NET_TOP/oe/oed" -f \
	    -c "$NET_RUN/oed_$oe_name.conf"
}

oe_ready()
{
	for oe_name in "$@"; do
		net_ready "oed_$oe_name" 10 net_ctl "oed_$oe_name" status
	done
}

# NAME FILE [FILTER...]: captures what passes NAME's port of the wire.
oe_sniff()
{
	oe_file=$2
	oe_port=$1
	shift 2
	net_start "sniff_$oe_port" wire tcpdump -i "$oe_port" -n -U -Z root \
	    --immediate-mode -w "$oe_file" "$@"
	net_ready "sniff_$oe_port" 10 test -s "$oe_file"
}

# FILE FILTER...: how many packets of a capture match.
oe_count()
{
	oe_file=$1
	shift
	tcpdump -n -r "$oe_file" "$@" 2>/dev/null | wc -l
}

# NAME ADDRESS WORDS: what its oed says of ADDRESS holds the words.
oe_why()
{
	net_ctl "oed_$1" why "$2" >"$NET_RUN/why.out" 2>&1
	grep -q -- "$3" "$NET_RUN/why.out"
}

# NAME ADDRESS [SECONDS]: true if an echo request is answered.
oe_ping()
{
	net_on "$1" ping -q -n -c 1 -W "${3:-3}" "$2" >/dev/null 2>&1
}
