#!/bin/sh
# device_gone.sh - somebody takes a TUN device away: the daemon says so and ends for its supervisor, and nothing leaves in the clear
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping
net_needs_built oe/oed rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1

oe_lab host 198.51.100.31 peer 198.51.100.32
peer=$(oe_addr peer)
oe_sniff host "$NET_RUN/host.pcap"

# NAME DEVICE: the device goes, then the daemon, with status 1.
takes_away()
{
	ip -n host link del "$2" || net_fail "no device $2"
	net_until 10 eval '! net_alive '"$1" ||
	    net_fail "$1 runs on without $2"
	wait "$(net_pid "$1")"
	[ $? = 1 ] || net_fail "$1 does not end as one that has to start anew"
	grep -q "$2 is gone: ending" "$1.log" ||
	    net_fail "$1 does not say why: $(tail -n 3 "$1.log")"
	net_on host ping -c 2 -i 0.2 -W 1 "$peer" >/dev/null 2>&1
	[ "$(oe_count "$NET_RUN/host.pcap" "$OE_ECHO")" = 0 ] ||
	    net_fail "in the clear without $2"
	net_ok "$1 ends without $2, 0 clear packets"
}

for OE_WORKERS in '' 2; do
	oe_daemon host "paranoid = {\"$OE_ALL\"}"
	oe_ready host
	takes_away oed_host oe0
done
for device in rsip0 oe0; do
	{
		printf 'control = "%s"\nstate = ""\ndiscover = false\n' \
		    "$NET_RUN/rsipc_host.sock"
		printf 'oe {\n  key = "%s"\n  %s\n  state = ""\n' \
		    "$NET_RUN/host.pem" "$NET_RESOLVER"
		printf '  paranoid = {"%s"}\n}\n' "$OE_ALL"
	} >rsipc_host.conf
	net_start rsipc_host host "$NET_TOP/rsipc/rsipc" -f -c rsipc_host.conf
	net_ready rsipc_host 20 net_ctl rsipc_host status
	takes_away rsipc_host "$device"
done
