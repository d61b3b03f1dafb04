#!/bin/sh
# first.sh - doc/guides/first.md: two machines with nothing on them but the programs, a name server that takes updates; how many commands, and how long
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/../net/oelib.sh"
. "$(dirname "$0")/guidelib.sh"
net_needs named tsig-keygen
[ -e /usr/share/dns/root.key ] || net_skip "no dns-root-data"
guide_enter net_picture "N x1 y1" "$@"
grep -q 'HAVE_LDNS 1' "$NET_TOP/config.h" &&
    grep -q 'HAVE_UNBOUND 1' "$NET_TOP/config.h" ||
    net_skip "built without libldns or libunbound"

ip -n dns address add 198.51.100.54/24 dev eth0
printf 'y1 A %s\n' "$NET_Y1" >lab.records
oe_primary 198.51.100.54 "$NET_DNS"
mkdir -p www
echo 'Hello.' >www/index.html
net_web y1
guide_type N rsipd >rsipd.log 2>&1 || net_fail "no gateway"

guide_do_zone_key()
{
	began=$(date +%s)
	mkdir -p root/y1/etc/rsip && cp publisher.key root/y1/etc/rsip/publish.key &&
	    chmod 600 root/y1/etc/rsip/publish.key
}

guide_do_wait_for_oed()
{
	server=$(($(date +%s) - began))
	net_until 10 guide_type y1 'rsipctl status'
}

guide_do_clock()
{
	began=$(date +%s)
}

guide_follow first.md server.example.org=y1.lab
net_ok "server: 3 commands in $server s; laptop: 1, and the first encrypted page after $(($(date +%s) - began)) s"
