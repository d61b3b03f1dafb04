#!/bin/sh
# resolved.sh - a host whose resolv.conf names systemd-resolved's stub: DNSSEC is checked here, by the resolvers that the network has, whatever resolved itself checks
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
resolved=${RESOLVED:-/usr/lib/systemd/systemd-resolved}
[ -x "$resolved" ] || net_skip "systemd-resolved is not installed"
grep -q 'HAVE_UNBOUND 1' "$NET_TOP/config.h" ||
    net_skip "built without libunbound"
oe_enter "$@"
cd "$NET_RUN" || exit 1

oe_wire
oe_host peer 198.51.100.32
oe_key peer
oe_host host 198.51.100.41
oe_zones
: >anchors
oe_zone lab
oe_zone 100.51.198.in-addr.arpa
oe_root
oe_servers
oe_daemon peer
oe_ready peer

# Who resolved becomes.
getent passwd systemd-resolve >/dev/null || {
	cat /etc/passwd >passwd
	echo 'systemd-resolve:x:60777:60777::/:/bin/false' >>passwd
	cat /etc/group >group
	echo 'systemd-resolve:x:60777:' >>group
	mount -n --bind passwd /etc/passwd && mount -n --bind group /etc/group ||
	    net_skip "cannot mount here"
}
mkdir -p /run/systemd/resolve /run/systemd/resolved.conf.d
chown systemd-resolve: /run/systemd/resolve 2>/dev/null ||
    net_skip "nobody can become another here"
printf 'nameserver 127.0.0.53\n' >resolv.conf

says()
{
	net_ctl oed_host status | grep "^dnssec " >says && grep -q "$1" says
}
# ADDRESS WORDS
answered()
{
	oe_ping host "$1" 3 && net_ctl oed_host why "$1" >why && grep -q "$2" why
}
# RESOLVED'S DNSSEC
with()
{
	printf '[Resolve]\nDNS=%s\nDomains=~.\nDNSSEC=%s\nLLMNR=no\nMulticastDNS=no\n' \
	    "$NET_DNS" "$1" >/run/systemd/resolved.conf.d/lab.conf
	net_start resolved host "$resolved"
	net_ready resolved 10 net_listens host 53
	cat >oed_host.conf <<-EOT
	control = "$NET_RUN/oed_host.sock"
	oe {
		state = ""
		trust-anchor = "$NET_RUN/Kroot.key"
		require-dnssec = true
		paranoid = {"198.51.100.32/32"}
	}
	EOT
	net_start oed_host host "$NET_TOP/oe/oed" -f -c "$NET_RUN/oed_host.conf"
	oe_ready host
	net_until 15 says "checked on this host" ||
	    net_fail "DNSSEC=$1: $(cat says)"
	net_until 15 answered 198.51.100.32 "key vouched for by DNSSEC" ||
	    net_fail "DNSSEC=$1: $(net_ctl oed_host why 198.51.100.32)"
	# Programs of the host still ask resolved, which asks the network.
	net_on host getent ahostsv4 y1.lab | grep -q "$NET_Y1" ||
	    net_fail "DNSSEC=$1: resolved has no answer for programs"
	net_ok "DNSSEC=$1 in resolved: $(cat says), paranoid and encrypted"
	net_stop oed_host
	net_stop resolved
}
with no
