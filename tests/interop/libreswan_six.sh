#!/bin/sh
# libreswan_six.sh - IKEv2 over IPv6 with a stock libreswan and the kernel's ESP, in a VM: each end begins, in a tunnel and in transport mode
#
# LIBRESWAN: see libreswanlib.sh.  No key, no record, as in libreswan_null.sh.
export FAMILY=6
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/libreswanlib.sh"
swan_wants
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping
net_needs_built oe/oed ctl/rsipctl
vm_enter 600
oe_enter "$@"

oe_wire
oe_host ours 198.51.100.61
oe_host swan 198.51.100.70
ours=$(oe_addr ours)
pluto=$(oe_addr swan)
oe_dns_up

swan_prepare
swan_nobodies "$ours" "$pluto"
swan_run swan
# shellcheck disable=SC2034  # oelib.sh uses it
OE_KEYLESS=yes
oe_daemon ours 'anonymous = "try"' 'transport = "ask"'
oe_ready ours
oe_sniff swan "$NET_RUN/wire.pcap"

# NAME MODE WHO: what it has come to; all that its kernel has is in that mode.
both_ways()
{
	net_until 20 swan_keyed || net_fail "$3: $(net_ctl oed_ours why "$pluto")
$(tail -n 4 "$NET_RUN/whack.log")"
	oe_ping swan "$ours" 10 || net_fail "$3: no answer to libreswan"
	# What is new goes in the clear while a pair of our own is tried.
	net_until 20 oe_ping ours "$pluto" 5 || net_fail "$3: no answer to us"
	net_on swan ip xfrm state | grep -q "mode $2" ||
	    net_fail "$3: not in $2 mode: $(net_on swan ip xfrm state)"
	net_ok "row 28, $3, $2: $(net_ctl oed_ours why "$pluto" | cut -c1-120)"
	swan_forget "$1"
}

for net_job in "null tunnel" "bare transport"; do
	name=${net_job% *}
	swan_add "$name"
	swan_whack --initiate --name "$name"
	both_ways "$name" "${net_job#* }" "libreswan begins"
	swan_add "$name"
	oe_ping ours "$pluto" 10
	both_ways "$name" "${net_job#* }" "we begin"
done
sleep 1
esp=$(oe_count "$NET_RUN/wire.pcap" "$OE_ESP")
[ "$esp" -ge 16 ] || net_fail "on the wire: $esp packets of ESP"
net_ok "on the wire: $esp packets of ESP over IPv6"
