#!/bin/sh
# oe_dns.sh - what DNS can be like: good, bogus, expired, insecure, truncated, missing, slow, dead (draft -17 §3.2.4, §9.1)
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

# "sgb" is the gateway of 203.0.113.0/24 and 192.0.2.0/24, whose hosts are all its
# own addresses: one for each condition, each with a reverse zone of its own.
oe_wire
oe_host sgb 198.51.100.32
oe_key sgb
for host in permissive paranoid strict; do
	last=$((${last:-40} + 1))
	oe_host "$host" "198.51.100.$last"
	oe_key "$host"
done
# Initiators only: no TXT record lets anybody come back to them.
sed -i '/^4[0-9]\.100.*TXT/d' "$NET_RUN/reverse.records"

# ADDRESS [OPTION...]: the TXT record with which it delegates to sgb.
delegate()
{
	address=$1
	shift
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/sgb.pem" \
	    --id "$(oe_addr sgb)" --for "$address" --type TXT "$@"
}

# LAST HOW [SERVER]: a zone for 203.0.113.LAST alone, with its record in it.
condition()
{
	zone=$1.113.0.203.in-addr.arpa
	{
		net_zone_head "$zone."
		case $2 in
		missing) printf '@ TXT "v=spf1 -all"\n' ;;
		malformed) printf '@ TXT "X-IPsec-Server(x)=192.0.2.1"\n' ;;
		truncated)
			delegate "203.0.113.$1"
			# Weaker ones that nobody will need.
			for n in 20 30 40 50; do
				delegate "203.0.113.$1" --precedence $n |
				    sed 's/=198\.51\.100\.32/=198.51.100.9'$n'/;
					s/\.9\([2-5]\)0/.9\1/'
			done
			;;
		*) delegate "203.0.113.$1" ;;
		esac
	} >"$NET_RUN/zone.$zone"
	case $2 in
	bogus | expired | unsigned) oe_zone "$zone" "$2" "$3" ;;
	*) oe_zone "$zone" signed "$3" ;;
	esac
	ip -n sgb address add "203.0.113.$1/32" dev lo
}
oe_zones
oe_zone lab
oe_zone 100.51.198.in-addr.arpa
condition 10 good
condition 20 bogus
condition 30 expired
condition 40 unsigned
condition 50 truncated
condition 60 missing
condition 65 malformed
condition 70 slow 127.0.0.1@5354
condition 80 dead 127.0.0.1@5355

# In a zone with others: an alias into another zone (RFC 2317), and IPSECKEY only.
{
	net_zone_head 2.0.192.in-addr.arpa.
	printf '96 CNAME 96.rev.lab.\n'
	"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/sgb.pem" \
	    --id "$(oe_addr sgb)" --for 192.0.2.97 --type IPSECKEY |
	    grep '^97\.'
	printf '98 TXT "X-IPsec-Server(10)=%s"\n' "$(oe_addr sgb)"
} >"$NET_RUN/zone.2.0.192.in-addr.arpa"
oe_zone 2.0.192.in-addr.arpa
delegate 192.0.2.96 | sed 's/^96[^ \t]*/96.rev.lab./' >>"$NET_RUN/zone.lab"
(cd "$NET_RUN" && ldns-signzone -f signed.lab zone.lab \
    "$(basename "$(ls Klab.*.key)" .key)") >>"$NET_RUN/sign.log" 2>&1
for last in 96 97 98 99; do
	ip -n sgb address add "192.0.2.$last/32" dev lo
done
for delay in "5354 --delay 0.4" 5355; do
	port=${delay%% *}
	# shellcheck disable=SC2086
	net_start "slow_$port" dns python3 "$NET_HERE/oe_slow.py" \
	    --server 5353 --listen $delay
	net_ready "slow_$port" 10 net_listens dns "$port"
done
oe_servers
oe_daemon sgb 'networks = {"203.0.113.0/24", "192.0.2.0/24"}' "give-up = 3"
for host in permissive paranoid; do
	oe_daemon "$host" "$host = {\"0.0.0.0/0\"}" "give-up = 3" \
	    "dns-timeout = 700" "dns-tries = 2"
done
oe_daemon strict "require-dnssec = true" "give-up = 3" "dns-timeout = 700" \
    "dns-tries = 2"
oe_ready sgb permissive paranoid strict
for host in permissive paranoid strict; do
	oe_sniff "$host" "$NET_RUN/$host.pcap"
done

# HOST ADDRESS WIRE WORDS: traffic for ADDRESS goes so, and why says the words.
expect()
{
	why=$NET_RUN/why.$1
	before_esp=$(oe_count "$NET_RUN/$1.pcap" esp)
	before_clear=$(oe_count "$NET_RUN/$1.pcap" "icmp and dst $2")
	answered=no
	oe_ping "$1" "$2" 6 && answered=yes
	sleep 0.2
	esp=$(($(oe_count "$NET_RUN/$1.pcap" esp) - before_esp))
	clear=$(($(oe_count "$NET_RUN/$1.pcap" "icmp and dst $2") - before_clear))
	wire=none
	[ "$esp" -gt 0 ] && wire=esp
	[ "$clear" -gt 0 ] && wire=clear
	net_ctl "oed_$1" why "$2" >"$why" 2>&1
	grep -q -- "$4" "$why" && [ "$wire" = "$3" ] && {
		[ "$wire" = none ] || [ "$answered" = yes ]
	} && {
		printf '  %-10s %-14s %-6s %s\n' "$1" "$2" "$wire" "$4"
		return
	}
	net_say "$1 to $2: $wire, answered: $answered, must be $3 ($4)"
	cat "$why"
	bad=1
}
# HOST: all conditions, one after the other.
conditions()
{
	bad=
	no=clear
	[ "$1" = paranoid ] && no=none
	expect "$1" 203.0.113.10 esp encrypted
	expect "$1" 203.0.113.20 none DNSSEC
	expect "$1" 203.0.113.30 none DNSSEC
	if [ "$1" = strict ]; then
		expect "$1" 203.0.113.40 clear DNSSEC
	else
		expect "$1" 203.0.113.40 esp encrypted
	fi
	expect "$1" 203.0.113.50 esp encrypted
	expect "$1" 203.0.113.60 $no "no OE record"
	expect "$1" 203.0.113.65 none malformed
	expect "$1" 203.0.113.70 esp encrypted
	expect "$1" 203.0.113.80 $no "DNS"
	expect "$1" 192.0.2.96 esp encrypted
	expect "$1" 192.0.2.97 esp encrypted
	expect "$1" 192.0.2.98 esp encrypted
	[ -z "$bad" ]
}
for host in permissive paranoid strict; do
	{
		conditions $host && echo good >"$NET_RUN/$host.verdict" ||
		    echo bad >"$NET_RUN/$host.verdict"
	} >"$NET_RUN/$host.table" 2>&1 &
done
for host in permissive paranoid strict; do
	net_until 90 test -s "$NET_RUN/$host.verdict" ||
	    net_say "$host does not end"
	cat "$NET_RUN/$host.table"
	[ "$(cat "$NET_RUN/$host.verdict")" = good ] || bad=1
done
[ -z "$bad" ] || net_fail "conditions of DNS"
net_ok "12 conditions of DNS for OE-permissive, OE-paranoid and require-dnssec"

[ "$(oe_count "$NET_RUN/permissive.pcap" \
    "tcp and dst $NET_DNS and port 53")" -gt 0 ] ||
	net_fail "the truncated answer was not asked for again over TCP"
net_ok "a truncated answer is asked for again over TCP"

# The resolver itself is dead: local policy decides (§9.1).
expect permissive 203.0.113.10 esp encrypted
net_stop unbound
expect permissive 192.0.2.99 clear "time-out"
expect paranoid 192.0.2.99 none "time-out"
[ -z "$bad" ] || net_fail "a dead resolver"
# What is keyed lives on, and is found again without DNS.
expect permissive 203.0.113.10 esp encrypted
[ -z "$bad" ] || net_fail "keyed connections with a dead resolver"
net_ok "a dead resolver"

leaks=$(oe_count "$NET_RUN/paranoid.pcap" "ip and src $(oe_addr paranoid) and \
    not esp and not port 500 and not port 4500 and not host $NET_DNS")
[ "$leaks" = 0 ] || net_fail "OE-paranoid sent $leaks clear packets"
net_ok "OE-paranoid never sent a clear datagram"
