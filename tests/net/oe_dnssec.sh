#!/bin/sh
# oe_dnssec.sh - DNSSEC checked on the laptop itself: what resolvers that forge, strip or do not validate, and a broken trust anchor, do to permissive and paranoid destinations
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"
grep -q 'HAVE_UNBOUND 1' "$NET_TOP/config.h" ||
    net_skip "built without libunbound"

# The root of a world of its own: zones below it that are signed, and one that is
# not.  "peer" has all their addresses; last octet .1x is permissive, .2x paranoid;
# .x1 is somebody whose record the forger changes.
six=2001:db8:64:
oe_wire
oe_host peer 198.51.100.32
oe_key peer
oe_six peer "$six:32"
"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/peer.pem" --id "$six:32" \
    >"$NET_RUN/peer.six" 2>/dev/null || net_fail "dns-records"
oe_publish "$NET_RUN/peer.six"
oe_zones
zone()
{
	net_zone_head "$1.in-addr.arpa."
	for last in 10 11 20 21; do
		"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/peer.pem" \
		    --id "$(oe_addr peer)" --for "$2.$last" --type TXT
		ip -n peer address add "$2.$last/32" dev lo
	done
}
zone 2.0.192 192.0.2 >"$NET_RUN/zone.2.0.192.in-addr.arpa"
zone 113.0.203 203.0.113 >"$NET_RUN/zone.113.0.203.in-addr.arpa"
: >"$NET_RUN/anchors"
oe_zone lab
oe_zone 100.51.198.in-addr.arpa
oe_zone "$OE_ZONE6"
oe_zone 2.0.192.in-addr.arpa
oe_zone 113.0.203.in-addr.arpa unsigned
oe_root
oe_six dns "$six:53"
oe_six_dns=$six:53
oe_servers

# Who does not validate, who lies, and who vouches for its lies.
for last in 54 55 56; do
	ip -n dns address add "198.51.100.$last/24" dev eth0
done
sed "s/interface: .*/interface: 198.51.100.54/; s/validator iterator/iterator/
    s/unbound.pid/plain.pid/" "$NET_RUN/unbound.conf" >"$NET_RUN/plain.conf"
net_start plain dns unbound -d -c "$NET_RUN/plain.conf"
net_start forger dns python3 "$NET_HERE/oe_liar.py" --listen 198.51.100.55 \
    --server 198.51.100.54 --forge 11 =198.51.100.32 =198.51.100.66 \
    --forge 21 =198.51.100.32 =198.51.100.66
net_start stripper dns python3 "$NET_HERE/oe_liar.py" --listen 198.51.100.56 \
    --server 198.51.100.54 --strip
for last in 54 55 56; do
	net_until 10 net_answers "198.51.100.$last" 53 y1.lab. A ||
	    net_fail "the resolver 198.51.100.$last does not answer"
done

cat "$NET_RUN"/Kroot.key >"$NET_RUN/root.key"
sed 's/\(DNSKEY.*257 3 [0-9]* \)..../\1AAAA/' "$NET_RUN/root.key" \
    >"$NET_RUN/broken.key"
oe_daemon peer 'networks = {"192.0.2.0/24", "203.0.113.0/24"}'
# NAME RESOLVER ANCHOR [LINES]
laptop()
{
	last=$((${last:-70} + 1))
	oe_host "$1" "198.51.100.$last"
	OE_KEYLESS=yes oe_daemon "$1" 'permissive = {"0.0.0.0/0"}' \
	    'paranoid = {"192.0.2.20/31", "203.0.113.20/31"}' \
	    'validate = "local"' 'trusted-resolvers = {}' "give-up = 2" \
	    "hold = 8" "resolvers = {\"198.51.100.$2\"}" \
	    "trust-anchor = \"$NET_RUN/$3.key\"" "$4"
	laptops="${laptops-} $1"
}
laptop plain 54 root
laptop forger 55 root
laptop stripper 56 root
laptop broken 53 broken
laptop trusting 53 broken 'trusted-resolvers = {"198.51.100.53"}'
# On a network of IPv6 only, and on one whose IPv4 resolver is silent.
oe_host six 198.51.100.91
oe_six six "$six:91"
ip -n six -4 address flush dev eth0
oe_host dual 198.51.100.92
oe_six dual "$six:92"
for laptop in "six \"$six:53\"" "dual \"198.51.100.9\", \"$six:53\""; do
	name=${laptop%% *}
	cat >"$NET_RUN/oed_$name.conf" <<-EOT
	control = "$NET_RUN/oed_$name.sock"
	oe {
		state = "$NET_RUN/oe_$name.peers"
		resolvers = {${laptop#* }}
		trust-anchor = "$NET_RUN/root.key"
		paranoid = {"$six:32/128", "192.0.2.20/32"}
		require-dnssec = true
	}
	EOT
	net_start "oed_$name" "$name" "$NET_TOP/oe/oed" -f -c "$NET_RUN/oed_$name.conf"
done
oe_ready six dual
following=
if mount -n --bind "$NET_RUN/root.key" /usr/share/dns/root.key 2>/dev/null; then
	following=following
	oe_host following 198.51.100.90
	OE_KEYLESS=yes oe_daemon following 'validate = "local"' \
	    'resolvers = {"198.51.100.54"}'
	oe_ready following
fi
# shellcheck disable=SC2086
oe_ready peer $laptops

# LAPTOP WORDS: its status says so of DNSSEC.
says()
{
	net_ctl "oed_$1" status | grep "^oe.dnssec \|^dnssec " >"$NET_RUN/says"
	grep -q "$2" "$NET_RUN/says"
}
while read -r laptop words; do
	net_until 15 says "$laptop" "$words" ||
	    net_fail "$laptop says $(cat "$NET_RUN/says"), not $words"
done <<EOT
plain checked on this host
forger checked on this host
stripper not checked
broken not checked
trusting 198.51.100.53 is believed
EOT
for name in six dual; do
	net_until 15 says "$name" "checked on this host" ||
	    net_fail "$name says $(cat "$NET_RUN/says")"
	net_until 20 oe_ping "$name" "$six:32" 5
	net_ctl "oed_$name" why "$six:32" >"$NET_RUN/why"
	grep -q "encrypted.*key vouched for by DNSSEC" "$NET_RUN/why" ||
	    net_fail "$name: $(cat "$NET_RUN/why")"
done
net_until 20 oe_ping dual 192.0.2.20 5 || net_fail "dual: $(
    net_ctl oed_dual why 192.0.2.20)"
net_ok "two laptops with an IPv6 resolver, one without IPv4: paranoid and encrypted"
net_on dns "$NET_TOP/ctl/rsipctl" check "$six:32" --resolver "$six:53" \
    --trust-anchor "$NET_RUN/root.key" >"$NET_RUN/check" 2>&1 &&
    grep -qi "dnssec" "$NET_RUN/check" || net_fail "check: $(cat "$NET_RUN/check")"
net_ok "rsipctl check by that resolver: $(grep -i dnssec "$NET_RUN/check")"
for laptop in $laptops; do
	oe_sniff "$laptop" "$NET_RUN/$laptop.pcap"
done

# LAPTOP ADDRESS WORDS: why says so.
why_says()
{
	net_ctl "oed_$1" why "$2" >"$NET_RUN/why.$1" 2>&1
	grep -q -- "$3" "$NET_RUN/why.$1"
}
# LAPTOP ADDRESS WIRE WORDS: traffic goes so, and why says the words.
expect()
{
	[ "$3" = none ] && patience=1 || patience=6
	oe_ping "$1" "$2" "$patience" || {
		net_until 15 why_says "$1" "$2" "$4"
		oe_ping "$1" "$2" "$patience"
	}
	esp=$(oe_count "$NET_RUN/$1.pcap" esp)
	clear=$(oe_count "$NET_RUN/$1.pcap" "icmp and dst $2")
	before=0
	eval "before=\${esp_$1:-0}"
	wire=none
	[ "$esp" -gt "$before" ] && wire=esp
	[ "$clear" -gt 0 ] && wire=clear
	eval "esp_$1=$esp"
	net_say "  $1 $2 $wire $4"
	[ "$wire" = "$3" ] && why_says "$1" "$2" "$4" && return
	net_say "must be $3: $(cat "$NET_RUN/why.$1")"
	bad=1
}
# LAPTOP SIGNED CHANGED UNSIGNED, each as WIRE:WORDS for permissive, then paranoid.
row()
{
	for address in 192.0.2.10 192.0.2.11 203.0.113.10 192.0.2.20 192.0.2.21 \
	    203.0.113.20; do
		expect "$1" "$address" "${2%%:*}" "${2#*:}"
		row_name=$1
		shift 2
		set -- "$row_name" "$@"
	done
	[ -z "${bad-}" ] && echo good >"$NET_RUN/$1.verdict" ||
	    echo bad >"$NET_RUN/$1.verdict"
}
checked='esp:key vouched for by DNSSEC'
as_without='esp:key from DNS'
refused='none:DNSSEC'
row plain "$checked" "$checked" "$as_without" \
    "$checked" "$checked" "$as_without" >"$NET_RUN/plain.table" &
row forger "$checked" "$refused" "$as_without" \
    "$checked" "$refused" "$as_without" >"$NET_RUN/forger.table" &
row stripper "$as_without" "$as_without" "$as_without" \
    "$refused" "$refused" "$refused" >"$NET_RUN/stripper.table" &
row broken "$as_without" "$as_without" "$as_without" \
    "$refused" "$refused" "$refused" >"$NET_RUN/broken.table" &
row trusting "$checked" "$checked" "$as_without" \
    "$checked" "$checked" "$as_without" >"$NET_RUN/trusting.table" &
for laptop in $laptops; do
	net_until 60 test -s "$NET_RUN/$laptop.verdict" ||
	    net_say "$laptop does not end"
	cat "$NET_RUN/$laptop.table"
	[ "$(cat "$NET_RUN/$laptop.verdict")" = good ] || bad=1
done
[ -z "${bad-}" ] || net_fail "resolvers that are not to be trusted"
net_ok "5 resolvers and trust anchors, 6 destinations each"

# Nobody went where the forger sent them, and what is paranoid was never clear.
for laptop in $laptops; do
	leaks=$(oe_count "$NET_RUN/$laptop.pcap" "dst 198.51.100.66 or (not esp and
	    not udp and (dst net 192.0.2.20/31 or dst net 203.0.113.20/31))")
	[ "$leaks" = 0 ] || net_fail "$laptop: $leaks packets to the forger's host, or clear"
done
net_ok "nothing went to the forger's host, nothing paranoid in the clear"

# The process that checks has nothing but its folder and its sockets.
pid=$(pgrep -n -x rsip-validate)
grep -q '^CapEff:[[:space:]]*0*$' "/proc/$pid/status" ||
    net_fail "the process that checks has capabilities"
grep -q '^Seccomp:[[:space:]]*2$' "/proc/$pid/status" ||
    net_fail "the process that checks has no seccomp filter"
net_ok "who checks has no rights"

# The distribution's anchor is followed as its keys roll (RFC 5011).
if [ -n "$following" ]; then
	net_until 15 says following "checked on this host" &&
	    net_until 5 grep -q 'VALID' \
	    "$NET_RUN/oe_following.peers.dnssec/root.key" ||
	    net_fail "the root's key is not followed: $(ls -ld \
	    "$NET_RUN"/*.dnssec; cat "$NET_RUN"/*.dnssec/root.key)"
	net_ok "the root's keys are followed in a folder of their own"
else
	net_say "not tried: no /usr/share/dns/root.key (dns-root-data)"
fi

# It is killed, and comes back.
# A guard waits for each, by the same name.
for pid in $(pgrep -x rsip-validate -P "$(pgrep -x -d, rsip-validate)"); do
	kill -KILL "$pid"
done
net_until 15 grep -q "started again" "$NET_RUN/oed_plain.log" &&
    net_until 15 says plain "checked on this host" || net_fail "it does not come back"
ip -n peer address add 192.0.2.99/32 dev lo
expect plain 192.0.2.99 clear "no OE record"
[ -z "${bad-}" ] || net_fail "after the process was killed"
net_ok "killed, it is started again"
