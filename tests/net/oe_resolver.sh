#!/bin/sh
# oe_resolver.sh - the resolver that oed asks runs on the same host: its own questions wait for nothing
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

# Name servers at .55, a validating resolver to forward to at NET_DNS.
oe_wire
ip -n dns address add 198.51.100.55/24 dev eth0
oe_host peer 198.51.100.32
oe_key peer
oe_host host 198.51.100.41
oe_key host
printf 'server:\n  ip-address: 198.51.100.55@53\n' >"$NET_RUN/nsd.zones"
oe_dns_up
oe_daemon peer
oe_ready peer
oe_sniff host "$NET_RUN/host.pcap"

# FORWARD: the configuration of an unbound on the host, that recurses or forwards.
local_unbound()
{
	sed "s/interface: .*/interface: 127.0.0.1/
	    s/unbound\.pid/local.pid/; /unbound\.zones/d" "$NET_RUN/unbound.conf"
	if [ "$1" = forward ]; then
		sed '/^stub-zone/,/stub-addr/d' "$NET_RUN/unbound.zones"
		printf 'forward-zone:\n  name: "."\n  forward-addr: %s\n' \
		    "$NET_DNS"
	else
		sed 's/stub-addr: .*/stub-addr: 198.51.100.55/' \
		    "$NET_RUN/unbound.zones"
	fi
}

is_encrypted()
{
	net_ctl oed_host why 198.51.100.32 | grep -q ": encrypted"
}

# KIND WORDS [LINE...]: with that resolver running, oed begins anew and is asked for
# the peer; the words stand in why.
with()
{
	with_kind=$1
	with_words=$2
	shift 2
	net_until 10 net_listens host 53 || net_fail "$with_kind does not listen"
	: >"$NET_RUN/oed_host.log"
	oe_daemon host "resolvers = {\"${with_resolver:-127.0.0.1}\"}" "$@"
	oe_ready host
	from=$(date +%s%N)
	oe_ping host 198.51.100.32 10 || net_fail "$with_kind: no answer"
	ms=$((($(date +%s%N) - from) / 1000000))
	net_until 5 is_encrypted ||
	    net_fail "$with_kind: $(net_ctl oed_host why 198.51.100.32)"
	net_ctl oed_host why 198.51.100.32 | grep -q -- "$with_words" ||
	    net_fail "$with_kind: $(net_ctl oed_host why 198.51.100.32)"
	[ "$ms" -lt 3000 ] || net_fail "$with_kind: answered after $ms ms"
	grep -q "time-out\|has not answered" "$NET_RUN/oed_host.log" &&
	    net_fail "$with_kind: $(grep "time-out\|not answered" \
		"$NET_RUN/oed_host.log" | head -1)"
	lines=$(wc -l <"$NET_RUN/oed_host.log")
	[ "$lines" -le 12 ] || net_fail "$with_kind: $lines lines in the log"
	net_ok "$with_kind: answered after $ms ms, encrypted, $lines lines in the log"
	net_stop oed_host
}

local_unbound recurse >"$NET_RUN/recurse.conf"
net_start recurse host unbound -d -c "$NET_RUN/recurse.conf"
with "recursing unbound" "DNSSEC" "require-dnssec = true"
net_stop recurse

local_unbound forward >"$NET_RUN/forward.conf"
net_start forward host unbound -d -c "$NET_RUN/forward.conf"
with "forwarding unbound" "DNSSEC" "require-dnssec = true"
net_stop forward

# Paranoid prefixes stay shut for its questions too; whom it forwards to is named.
net_start forward host unbound -d -c "$NET_RUN/forward.conf"
with "forwarding unbound, all paranoid" "DNSSEC" \
    "paranoid = {\"0.0.0.0/0\"}" "clear = {\"$NET_DNS/32\"}"
net_stop forward
net_start recurse host unbound -d -c "$NET_RUN/recurse.conf"
net_until 10 net_listens host 53
oe_daemon host 'resolvers = {"127.0.0.1"}' 'paranoid = {"0.0.0.0/0"}'
oe_ready host
before=$(oe_count "$NET_RUN/host.pcap" "src 198.51.100.41 and port 53")
oe_ping host 198.51.100.32 2 && net_fail "all paranoid, and yet an answer"
sleep 0.3
after=$(oe_count "$NET_RUN/host.pcap" "src 198.51.100.41 and port 53")
[ "$before" = "$after" ] ||
    net_fail "all paranoid: $((after - before)) questions left in the clear"
net_ok "all paranoid, nothing named: 0 questions leave"
net_stop oed_host
net_stop recurse

if command -v dnsmasq >/dev/null; then
	net_start dnsmasq host dnsmasq -k --conf-file=/dev/null --user=root \
	    --listen-address=127.0.0.1 --bind-interfaces --no-resolv \
	    --no-hosts --server="$NET_DNS" --proxy-dnssec --pid-file=
	with dnsmasq "encrypted"
	net_stop dnsmasq
else
	net_say "not run: dnsmasq is not installed"
fi

resolved=${RESOLVED:-/usr/lib/systemd/systemd-resolved}
if [ ! -x "$resolved" ]; then
	net_say "not run: systemd-resolved is not installed"
elif ! getent passwd systemd-resolve >/dev/null; then
	net_say "not run: systemd-resolved wants a user systemd-resolve"
else
	mkdir -p /run/systemd/resolve /run/systemd/resolved.conf.d
	chown systemd-resolve: /run/systemd/resolve
	printf '[Resolve]\nDNS=%s\nDomains=~.\nDNSSEC=no\nLLMNR=no\nMulticastDNS=no\n' \
	    "$NET_DNS" >/run/systemd/resolved.conf.d/lab.conf
	net_start resolved host "$resolved"
	with_resolver=127.0.0.53
	with systemd-resolved "encrypted"
	net_stop resolved
fi
