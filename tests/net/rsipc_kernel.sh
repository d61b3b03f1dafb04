#!/bin/sh
# rsipc_kernel.sh - ESP of a leased address in the kernel, led by eBPF: two laptops at one address, in a VM
# Shows: RFC 3104 §3.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proof.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill ping iperf3 tcpdump
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_vm 900
[ -n "$NET_INSIDE" ] || modprobe -qa tun veth bridge xfrm_user esp4 \
    xfrm_interface aesni_intel sch_ingress cls_bpf nfnetlink_queue xt_NFQUEUE nft_compat \
    nf_tables nft_queue nft_chain_nat iptable_mangle iptable_nat iptable_raw
net_enter "$@"

# DAEMON WORDS...: what its SAs with y1 are.
in_kernel()
{
	net_holds "$1" spd 'any(r["dst"] == words[0] and
	    r["dataplane"] == "kernel" for r in rows)' "$NET_Y1"
}
laptop()
{
	net_rsipc "$1" "paranoid = {\"$NET_Y1\"}
	dataplane = \"kernel\"
	give-up = 20
	phase2-lifetime = 120"
	net_ctl "rsipc_$1" status | grep -q '^lease.dataplane  *kernel' ||
	    net_fail "$1: $(net_ctl "rsipc_$1" status | grep dataplane)"
}
ping_y1()
{
	net_on "$1" ping -n -q -c 1 -W 20 "$NET_Y1" >"$NET_RUN/ping.out" 2>&1
}
# HOST: keys that went unused while others had their turn are there anew.
keyed()
{
	net_until 60 ping_y1 "$1" || net_fail "$1: $(cat "$NET_RUN/ping.out")"
}
# HOST DEVICE: packets that its programs and its daemon see there.
seen()
{
	net_on "$1" awk -v "d=$2:" '$1 == d { print $11 }' /proc/net/dev
}
# HOST ARGUMENTS...: packets of ping, none lost.
pings()
{
	host=$1
	shift
	net_on "$host" ping -n -q "$@" "$NET_Y1" >"$NET_RUN/ping.out" 2>&1
	grep -q ' 0% packet loss' "$NET_RUN/ping.out" ||
	    net_fail "$host, $*: $(tail -n 2 "$NET_RUN/ping.out")"
}

net_picture
net_keys
net_zones
net_dns
net_web y1 y2
net_oed y1
net_rsipd
laptop x1
laptop x2
before=$(seen x1 oe0)
sent=$(seen x1 eth0)
NET_FETCH_TIME=120 proof_transfers ||
    net_fail "a transfer: $(cat "$NET_RUN"/x?.y?.log)"
for file in x1.y1 x2.y1 x1.y2 x2.y2; do
	net_same "$NET_RUN/$file" || net_fail "$file is corrupted"
done
net_ok "four transfers of 10 MB: $(cat "$NET_RUN/x1.y1.time" "$NET_RUN/x2.y1.time" | tr '\n' ' ')"
in_kernel rsipc_x1 && in_kernel rsipc_x2 || net_fail "not the kernel's"
net_on x1 ip xfrm state | grep -q "if_id" || net_fail "no SA in the kernel"
net_ok "two laptops at one address, ESP of both in the kernel"
came=$(($(seen x1 oe0) - before))
sent=$(($(seen x1 eth0) - sent))
[ $((came * 2)) -lt "$sent" ] ||
    net_fail "$came of $sent packets came by the daemon"
net_holds rsipc_x1 spd 'any(r["dst"] == words[0] and r["packets"] > 7000
    for r in rows)' "$NET_Y1" || net_fail "what was led is not counted"
proof_check >"$NET_RUN/wire.json" || {
	cat "$NET_RUN/wire.json"
	net_fail "the witness"
}
net_ok "only ESP and IKE between Nb and y1, each SPI to its own laptop"
net_ok "$came of the $sent packets that x1 sent came by its daemon"

# What is unusual comes by the daemon, and goes on the same SAs.
keyed x1
keyed x2
pings x1 -c 5 -i 0.5 -W 9 -s 3000
pings x2 -c 5 -i 0.5 -W 9 -s 1400 -M dont
net_on x1 ping -n -q -c 3 -i 0.5 -W 3 -s 1400 -M "do" "$NET_Y1" \
    >"$NET_RUN/ping.out" 2>&1
grep -q 'errors\|100% packet loss' "$NET_RUN/ping.out" ||
    net_fail "what is too long goes: $(cat "$NET_RUN/ping.out")"
net_ok "large packets: cut, or refused"

# A peer that begins: to a port that is leased, where the laptop listens.
port=$(net_json rsipc_x2 leases '[r["ports"] for r in rows if r["ports"]][0]' |
    grep -o '[0-9]*' | sed -n 2p)
net_start iperf x2 iperf3 -s -p "$port" -B "$NET_NB"
sleep 2
net_on y1 iperf3 -c "$NET_NB" -p "$port" -n 3M >"$NET_RUN/iperf" 2>&1 ||
    net_fail "y1 to x2: $(cat "$NET_RUN/iperf")"
net_on y1 iperf3 -c "$NET_NB" -p "$port" -n 3M -R >>"$NET_RUN/iperf" 2>&1 ||
    net_fail "y1 from x2: $(cat "$NET_RUN/iperf")"
net_stop iperf
net_ok "y1 begins: $(grep -o '[0-9.]* [MK]bits/sec.*\(sender\|receiver\)' "$NET_RUN/iperf" | tr '\n' ' ')"

spi()
{
	net_json "$1" spd '[r["spi_out"] for r in rows if r["dst"] == words[0]][0]' "$NET_Y1"
}
keyed x1
before=$(spi rsipc_x1)
# By their number: the last one sent before a deadline may have no time.
pings x1 -i 0.5 -c 260 -W 9
[ "$(spi rsipc_x1)" != "$before" ] || net_fail "not rekeyed while in use"
in_kernel rsipc_x1 || net_fail "rekeyed to user space"
net_ok "rekeyed while in use, 0% lost"

# After a pause without packets nobody vouches, and the next one wakes all.
sleep 20
pings x1 -c 20 -i 0.2 -W 9
NET_FETCH_TIME=120 net_fetch x1 "$NET_Y1" "$NET_RUN/again" ||
    net_fail "after a pause: $(cat "$NET_RUN/again.log")"
net_same "$NET_RUN/again" || net_fail "after a pause it is not the same"
net_ok "after a pause it goes on"

# A daemon that is killed: its devices go, and nothing leaves otherwise.
clear()
{
	tcpdump -n -r "$NET_RUN/$1.pcap" "host $NET_Y1 and not esp and
	    not udp port 500 and not arp and not proto 4" 2>/dev/null | wc -l
}
net_sniff
net_start dead x1 ping -n -q -i 0.2 "$NET_Y1"
net_start bound x1 ping -n -q -i 0.2 -I "$NET_NB" "$NET_Y1"
sleep 2
net_stop rsipc_x1 KILL
sleep 5
net_stop dead INT
net_stop bound INT
net_sniff_end
[ "$(clear wire)/$(clear lan)" = 0/0 ] || net_fail "in the clear: $(clear wire)/$(clear lan)"
net_ok "a daemon was killed, and nothing left in the clear"
[ -n "$(net_on x1 ip xfrm state)" ] || net_fail "nothing left to clean"
laptop x1
net_until 30 ping_y1 x1 || net_fail "x1: no answer from what comes after"
in_kernel rsipc_x1 || net_fail "x1: after a crash not the kernel's"
net_ok "the next one cleans, and goes on"

# An orderly end.
net_stop rsipc_x1
[ -z "$(net_on x1 ip xfrm state)" ] || net_fail "SAs stay"
[ -z "$(net_on x1 ip xfrm policy | grep if_id)" ] || net_fail "policies stay"
[ -z "$(net_on x1 ip -o link show type xfrm)" ] || net_fail "a device stays"
net_on x1 ip rule | grep -q 0x5252 && net_fail "a rule stays"
[ -z "$(net_on x1 ip route show table 21074 2>/dev/null)" ] ||
    net_fail "routes stay"
net_until 30 ping_y1 x2 || net_fail "x2: no answer"
pings x2 -c 5 -i 0.2 -W 9
net_ok "nothing stays, and the other laptop goes on"
