#!/bin/sh
# server.sh - doc/guides/server.md, typed as it stands on the picture's host with an address of its own
. "$(dirname "$0")/../net/lib.sh"
. "$(dirname "$0")/guidelib.sh"
guide_enter net_picture "N x1 y1" "$@"

mkdir -p www
echo 'Hello.' >www/index.html
guide_laptop_key
guide_dns
net_web y1
guide_type N rsipd >rsipd.log 2>&1 || net_fail "no gateway"

guide_do_publish()
{
	guide_type y1 'rsipctl dns-records --id 198.51.100.10 --type TXT' \
	    >y1.records && guide_dns
}

guide_leased()
{
	guide_type x1 'rsipctl leases' | grep -q RSIPSEC
}

guide_do_laptop()
{
	guide_type x1 rsipc >rsipc.log 2>&1 && net_until 15 guide_leased &&
	    net_until 20 guide_encrypted
}

guide_do_laptop_again()
{
	net_until 20 guide_encrypted
}

guide_encrypted()
{
	guide_type x1 'curl -s -m 5 http://y1.lab/ && rsipctl why 198.51.100.10' |
	    grep -q encrypted
}

guide_follow server.md laptop.example.org=x1.lab
