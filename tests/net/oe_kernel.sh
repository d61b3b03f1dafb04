#!/bin/sh
# oe_kernel.sh - dataplane = "auto" chooses the kernel's ESP where it is, against one in user space, in a VM
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping curl nginx
net_needs_built oe/oed rsipc/rsipc ctl/rsipctl
net_vm 600
[ -n "$NET_INSIDE" ] || modprobe -qa tun veth bridge xfrm_user esp4 esp6 \
    sch_ingress cls_bpf
net_enter "$@"

oe_lab kern 198.51.100.61 user 198.51.100.62 lap 198.51.100.63
kern=$(oe_addr kern)
user=$(oe_addr user)
lap=$(oe_addr lap)
# By itself it leaves IPv6 to user space.
[ "$FAMILY" = 4 ] && plane=auto || plane=kernel
run()
{
	OE_DATAPLANE=$2
	oe_daemon "$1" "paranoid = {\"$OE_ALL\"}" \
	    "give-up = 20" "lifespan-first = 60" "idle = 20" \
	    "phase2-lifetime = 120"
	oe_ready "$1"
}
run kern "$plane"
run user user
net_ctl oed_user status | grep -q '^dataplane  *user space$' ||
    net_fail "oed is not in user space as configured"
net_ctl oed_kern status | grep -q '^dataplane  *kernel' ||
    net_fail "oed does not use the kernel's ESP"
oe_sniff kern "$NET_RUN/kern.pcap"

net_until 20 oe_ping kern "$user" 20 || net_fail "no answer"
net_on kern ip xfrm state | grep -q "src $kern dst $user" ||
    net_fail "no SA in the kernel"
net_ok "keyed; SAs are in the kernel"
net_on kern ip xfrm state | grep -A3 "src $kern dst $user" | sed 's/0x[0-9a-f]\{17,\}/(key)/g'
net_ctl oed_kern why "$user"
net_holds oed_kern spd 'any(r["dataplane"] == "kernel" for r in rows)' ||
    net_fail "spd does not say that the kernel does it"
NET_SIX=${FAMILY#4}
net_web user
for way in "kern $user" "user $kern"; do
	# shellcheck disable=SC2086
	set -- $way
	[ "$1" = kern ] || net_web kern
	NET_FETCH_TIME=120 net_fetch "$1" "$2" "$NET_RUN/out" ||
	    net_fail "transfer at $1: $(cat "$NET_RUN/out.log")"
	net_same "$NET_RUN/out" || net_fail "the file is not the same"
	net_ok "10 MB at $1: $(cat "$NET_RUN/out.time")"
done
[ "$(oe_count "$NET_RUN/kern.pcap" "tcp or ($OE_ECHO)")" = 0 ] ||
    net_fail "clear packets on the wire"
[ "$(oe_count "$NET_RUN/kern.pcap" "$OE_ESP")" -gt 10000 ] ||
    net_fail "no ESP on the wire"
net_ok "ESP only on the wire"

# Traffic that only the kernel sees keeps the connection, which is rekeyed.
spi()
{
	net_json oed_kern spd 'rows[0]["spi_out"]'
}
rekeyed()
{
	oe_ping kern "$user" 20
	before=$(spi)
	net_on kern ping -n -q -i 0.5 -w 130 "$user" >"$NET_RUN/ping.out" 2>&1
	grep -q ' 0% packet loss' "$NET_RUN/ping.out" ||
	    net_say "$(tail -n 2 "$NET_RUN/ping.out")"
	[ "$(spi)" != "$before" ] || net_fail "not rekeyed while in use"
	net_ok "rekeyed while in use:" \
	    "$(grep -o '[0-9.]*% packet loss' "$NET_RUN/ping.out")"
}
# Of no family.
[ "$FAMILY" = 6 ] || rekeyed

# A daemon that is killed leaves SAs, so that nothing leaves in the clear; the next
# one takes them away.
clear()
{
	oe_count "$NET_RUN/kern.pcap" "tcp or ($OE_ECHO)"
}
before=$(clear)
net_stop oed_kern KILL
net_on kern ping -n -q -c 5 -i 0.2 -W 1 "$user" >"$NET_RUN/ping.out" 2>&1
[ "$(clear)" = "$before" ] || net_fail "clear packets beside a killed daemon"
net_ok "killed: $(grep -o '[0-9.]*% packet loss' "$NET_RUN/ping.out"), and nothing in the clear"
[ -n "$(net_on kern ip xfrm policy)" ] || net_fail "nothing left to clean"
run kern "$plane"
net_until 20 oe_ping kern "$user" 5 || net_fail "no way to go on after a crash"
net_ok "after a crash it goes on"
net_stop oed_kern
[ -z "$(net_on kern ip xfrm policy | grep -v '^\(socket\|src 0.0.0.0/0\|src ::/0\)' | grep src)" ] ||
    net_fail "policies stay: $(net_on kern ip xfrm policy)"
[ -z "$(net_on kern ip xfrm state)" ] || net_fail "SAs stay"
net_ok "nothing stays in the kernel"

# A laptop without a lease: the same, from its own address.
{
	printf 'control = "%s"\nstate = ""\ndiscover = false\n' \
	    "$NET_RUN/rsipc_lap.sock"
	printf 'oe {\n  key = "%s"\n  %s\n  state = ""\n' \
	    "$NET_RUN/lap.pem" "$NET_RESOLVER"
	printf '  paranoid = {"%s"}\n' "$OE_ALL"
	printf '  dataplane = "%s"\n' "$plane"
	printf '  give-up = 20\n  hold-dual-stack = 20000\n}\n'
} >"$NET_RUN/rsipc_lap.conf"
net_start rsipc_lap lap "$NET_TOP/rsipc/rsipc" -f -c "$NET_RUN/rsipc_lap.conf"
net_ready rsipc_lap 20 net_ctl rsipc_lap status
net_ctl rsipc_lap status | grep -q 'dataplane  *kernel' ||
    net_fail "rsipc does not use the kernel's ESP: $(net_ctl rsipc_lap status)"
oe_sniff lap "$NET_RUN/lap.pcap"
net_until 30 oe_ping lap "$user" 20 || net_fail "rsipc: no answer"
net_on lap ip xfrm state | grep -q "src $lap dst $user" ||
    net_fail "rsipc: no SA in the kernel"
net_on lap ping -n -q -c 20 -i 0.2 -s 1200 -W 20 "$user" >"$NET_RUN/ping.out" 2>&1
grep -q ' 0% packet loss' "$NET_RUN/ping.out" ||
    net_fail "rsipc: $(tail -n 2 "$NET_RUN/ping.out")"
net_holds rsipc_lap spd 'any(r["dataplane"] == "kernel" for r in rows)' ||
    net_fail "rsipc: spd does not say that the kernel does it"
[ "$(oe_count "$NET_RUN/lap.pcap" "$OE_ECHO")" = 0 ] ||
    net_fail "rsipc: clear packets on the wire"
[ "$(oe_count "$NET_RUN/lap.pcap" "$OE_ESP")" -ge 40 ] ||
    net_fail "rsipc: no ESP on the wire"
net_ok "rsipc: ESP of the kernel from its own address, 0 clear packets"
net_stop rsipc_lap
[ -z "$(net_on lap ip xfrm state)" ] || net_fail "rsipc: SAs stay"
net_ok "rsipc: nothing stays in the kernel"
