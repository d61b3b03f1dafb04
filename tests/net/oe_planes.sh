#!/bin/sh
# oe_planes.sh - who does ESP is found out at the start and said with the reason; a kernel without ESP is no obstacle unless it is demanded
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill ping
net_needs_built oe/oed ctl/rsipctl
net_enter "$@"

oe_lab auto 198.51.100.61 user 198.51.100.62
user=$(oe_addr user)
# HOST WHO: who does it, as "status" says.
plane()
{
	OE_DATAPLANE=$2
	oe_daemon "$1" 'paranoid = {"0.0.0.0/0"}'
	oe_ready "$1"
	net_ctl "oed_$1" status | sed -n 's/^dataplane  *//p'
}
plane auto auto >"$NET_RUN/by_itself"
plane user user >"$NET_RUN/configured"
by_itself=$(cat "$NET_RUN/by_itself")
configured=$(cat "$NET_RUN/configured")
[ "$configured" = "user space" ] || net_fail "configured: $configured"

# What the kernel says to somebody else who asks for an SA.
if net_on auto ip xfrm state add src 127.0.0.1 dst 127.0.0.1 proto esp spi 0x999 mode tunnel \
    enc 'cbc(aes)' 0x00112233445566778899aabbccddeeff \
    auth-trunc 'hmac(sha256)' 0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 128 \
    2>"$NET_RUN/ip.log"; then
	net_on auto ip xfrm state flush
	has=yes
fi
case ${has:-no}:$by_itself in
yes:kernel*|no:"user space: the kernel has no "*) ;;
*)	net_fail "the kernel has ESP: ${has:-no}; by itself: $by_itself" ;;
esac
net_ok "by itself: $by_itself; configured: $configured"
[ -z "$(net_on auto ip xfrm state)" ] || net_fail "a trial stays in the kernel"
net_on auto ip xfrm policy 2>/dev/null | grep -q '0.0.0.0/32' &&
    net_fail "a trial's policy stays in the kernel"
net_ok "the trials leave nothing behind"
net_until 20 oe_ping auto "$user" || net_fail "no answer"
net_ctl oed_auto why "$user" | grep -q 'encrypted with' ||
    net_fail "$(net_ctl oed_auto why "$user")"
net_ok "keyed, and encrypted"

net_stop oed_auto
if [ -z "${has-}" ]; then
	sed 's/dataplane = .*/dataplane = "kernel"/' "$NET_RUN/oed_auto.conf" >"$NET_RUN/demand.conf"
	net_on auto timeout 20 "$NET_TOP/oe/oed" -f -c "$NET_RUN/demand.conf" \
	    >"$NET_RUN/demand.log" 2>&1 && net_fail "it starts without what is demanded"
	grep -q 'dataplane = "kernel": the kernel has no ' "$NET_RUN/demand.log" ||
	    net_fail "it does not say what is missing: $(cat "$NET_RUN/demand.log")"
	net_ok "demanded, it does not start: $(tail -n 1 "$NET_RUN/demand.log")"
fi
