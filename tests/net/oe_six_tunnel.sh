#!/bin/sh
# oe_six_tunnel.sh - configured tunnels between networks of either family through gateways of either: IPv6 in IPv4, IPv4 in IPv6, IPv6 in IPv6
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

left=2001:db8:64::61
right=2001:db8:64::62
oe_wire
oe_host left 198.51.100.61
oe_host right 198.51.100.62
oe_six left "$left"
oe_six right "$right"
# Networks that the tunnels alone know: by what they go through, and their family.
for host in left:1 right:2; do
	n=${host#*:}
	host=${host%:*}
	net_on "$host" sysctl -qw net.ipv6.conf.lo.disable_ipv6=0
	ip -n "$host" address add "192.168.$n.1/32" dev lo &&
	    ip -n "$host" -6 address add "2001:db8:4$n::1/128" dev lo &&
	    ip -n "$host" -6 address add "2001:db8:6$n::1/128" dev lo ||
	    net_fail "addresses of $host"
done
oe_dns_up
printf 'the same 32 bytes at both ends..\n' >"$NET_RUN/secret"
chmod 600 "$NET_RUN/secret"

# NAME PEER LOCAL REMOTE OURS THEIRS: names, since one peer has two tunnels.
tunnel()
{
	printf '%s ' "tunnel \"$1\" { peer = \"$2\" local = \"$3\"" \
	    "remote = \"$4\" secret = \"$NET_RUN/secret\"" \
	    "id = \"@$1.$5\" peer-id = \"@$1.$6\" }"
}
# HOST OURS THEIRS PEER PEER6
gateway()
{
	OE_KEYLESS=yes
	oe_daemon "$1" "networks = {\"192.168.$2.0/24\", \"2001:db8:4$2::/64\", \"2001:db8:6$2::/64\"}" \
	    "$(tunnel six-in-four "$4" "2001:db8:4$2::/64" "2001:db8:4$3::/64" "$2" "$3")" \
	    "$(tunnel six-in-six "$5" "2001:db8:6$2::/64" "2001:db8:6$3::/64" "$2" "$3")" \
	    "$(tunnel four-in-six "$5" "192.168.$2.0/24" "192.168.$3.0/24" "$2" "$3")"
}
gateway left 1 2 198.51.100.62 "$right"
gateway right 2 1 198.51.100.61 "$left"
oe_ready left right
oe_sniff left "$NET_RUN/left.pcap"

# HOST SOURCE ADDRESS
ping_from()
{
	net_on "$1" ping -q -n -c 2 -i 0.2 -W 5 -I "$2" "$3" >/dev/null 2>&1
}
for way in "2001:db8:41::1 2001:db8:42::1" "2001:db8:61::1 2001:db8:62::1" \
    "192.168.1.1 192.168.2.1"; do
	# shellcheck disable=SC2086
	ping_from left $way || net_fail "$way: $(net_ctl oed_left why "${way#* }")
$(net_ctl oed_right spd)"
	ping_from right "${way#* }" "${way% *}" || net_fail "$way, back"
	net_ok "$(net_ctl oed_left why "${way#* }" | cut -c1-130)"
done
sleep 0.3
four=$(oe_count "$NET_RUN/left.pcap" "ip proto 50")
six=$(oe_count "$NET_RUN/left.pcap" "ip6 proto 50")
clear=$(oe_count "$NET_RUN/left.pcap" "net 192.168.0.0/16 or net 2001:db8:41::/48 or net 2001:db8:42::/48 or net 2001:db8:61::/48 or net 2001:db8:62::/48")
if [ "$four" -lt 8 ] || [ "$six" -lt 16 ] || [ "$clear" != 0 ]; then
	net_fail "on the wire: ESP over IPv4 $four, over IPv6 $six, in the clear $clear"
fi
net_ok "on the wire: ESP over IPv4 $four, over IPv6 $six, in the clear $clear"
