#!/bin/sh
# oe_kernel_nat.sh - from behind a NAT the kernel does ESP in UDP, against one in user space that follows the NAT, in a VM
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
. "$(dirname "$0")/../bench/pathlib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping curl nginx \
    iptables conntrack iperf3
net_needs_built oe/oed rsipc/rsipc ctl/rsipctl
net_vm 600
[ -n "$NET_INSIDE" ] || modprobe -qa tun veth bridge xfrm_user esp4 \
    sch_ingress cls_bpf
net_enter "$@"
cd "$NET_RUN" || exit 1
path_hosts nat
right=$(oe_addr right)
inside="$NET_RUN/inside.pcap"

# HOST DATAPLANE LINES: whom a NAT brings nobody but a permissive class takes.
run()
{
	oe_who=$1 OE_DATAPLANE=$2
	shift 2
	oe_daemon "$oe_who" "give-up = 20" "lifespan-first = 60" "idle = 20" \
	    "phase2-lifetime = 60" "$@"
	oe_ready "$oe_who"
}
run_left()
{
	run left kernel "paranoid = {\"$OE_ALL\"}" 'id = "@left.lab"'
}
run right user "permissive = {\"$OE_ALL\"}"
run_left
# What the kernel has decrypted it shows once more at the host's own card.
net_start sniff router tcpdump -i eth1 -n -U -B 16384 -Z root \
    --immediate-mode -w "$inside"
net_ready sniff 10 grep -q listening sniff.log
net_until 20 oe_ping left "$right" 20 || net_fail "no answer"
net_holds oed_left spd 'any(r["dataplane"] == "kernel" for r in rows)' ||
    net_fail "the kernel does not do it: $(net_ctl oed_left spd)"
net_on left ip xfrm state | grep -q 'encap type espinudp' ||
    net_fail "not in UDP: $(net_on left ip xfrm state)"
net_ok "keyed from behind a NAT; the kernel does ESP in UDP"
net_holds oed_right spd 'all(r["dataplane"] == "user" for r in rows)' ||
    net_fail "not in user space as configured: $(net_ctl oed_right spd)"

clear()
{
	oe_count "$inside" "host $right and not udp port 500 and not udp port 4500"
}
net_web right
NET_FETCH_TIME=120 net_fetch left "$right" "$NET_RUN/out" ||
    net_fail "transfer: $(cat "$NET_RUN/out.log")"
net_same "$NET_RUN/out" || net_fail "the file is not the same"
[ "$(oe_count "$inside" 'udp port 4500')" -gt 100 ] ||
    net_fail "no ESP in UDP on the wire"
[ "$(clear)" = 0 ] || net_fail "clear packets on the wire"
net_ok "10 MB: $(cat "$NET_RUN/out.time"), ESP in UDP only on the wire"

# IKE has the same two ports: new keys come through what the kernel has.
spi()
{
	net_json oed_left spd 'rows[0]["spi_out"]'
}
before=$(spi)
net_on left ping -n -q -i 0.5 -w 75 "$right" >ping.out 2>&1
[ "$(spi)" != "$before" ] || net_fail "not rekeyed while in use"
net_holds oed_left spd 'any(r["dataplane"] == "kernel" for r in rows)' ||
    net_fail "the new keys are not the kernel's: $(net_ctl oed_left spd)"
net_ok "rekeyed while in use: $(grep -o '[0-9.]*% packet loss' ping.out)"

# The NAT maps anew: who is not behind it follows.
net_on router iptables -t nat -I POSTROUTING -s 10.1.0.0/24 -p udp -j SNAT \
    --to-source 198.51.100.31:30000-30999
net_on router conntrack -F >/dev/null 2>&1
net_until 20 oe_ping left "$right" 5 || net_fail "no answer after the NAT mapped anew"
grep -q 'maps anew' oed_right.log || net_fail "nobody saw the NAT map anew"
net_ok "the NAT mapped anew, and it goes on"

before=$(clear)
net_stop oed_left KILL
net_on left ping -n -q -c 5 -i 0.2 -W 1 "$right" >ping.out 2>&1
[ "$(clear)" = "$before" ] || net_fail "clear packets beside a killed daemon"
net_ok "killed: nothing in the clear"
run_left
net_until 30 oe_ping left "$right" 5 || net_fail "no way to go on after a crash"
net_ok "after a crash it goes on"
net_stop oed_left
[ -z "$(net_on left ip xfrm state)" ] || net_fail "SAs stay"
net_ok "nothing stays in the kernel"
