#!/bin/sh
# attack_kernel.sh - where the kernel does ESP, a peer deletes a newer pair that only user space has, to have the older one's packets in the clear
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping iptables openssl
net_needs_built oe/oed ctl/rsipctl tests/interop/ike_probe
# A kernel with ESP, and all of it ours.
net_vm 300
[ -n "$NET_INSIDE" ] || modprobe -qa tun veth bridge xfrm_user esp4 \
    xt_nat iptable_nat nft_compat nft_chain_nat nf_nat
# ESP in UDP is user space's where the port cannot be shared out: the program that
# does so finds no room.
[ -n "$NET_INSIDE" ] || sysctl -qw net.core.optmem_max=80
net_enter "$@"

oe_wire
oe_host kern 198.51.100.61
oe_host peer 198.51.100.63
oe_host plain 198.51.100.64
oe_key kern
oe_key peer
oe_zones
: >"$NET_RUN/anchors"
oe_zone lab
oe_zone 100.51.198.in-addr.arpa
oe_servers
kern=$(oe_addr kern)
peer=$(oe_addr peer)
# Permissive: no paranoid route of the guard hides what the data plane lets out.
OE_DATAPLANE=auto
oe_daemon kern 'permissive = {"0.0.0.0/0"}' \
    "idle = 600" "initiate = false" "dpd = 0"
oe_ready kern
net_ctl oed_kern status | grep -q '^dataplane  *kernel' ||
    net_skip "no ESP in this kernel"
# What must not be seen, and what must: ESP as the kernel sends it, in UDP as we
# do; and the control.  A file of its own for each: that it grew is seen at once.
watch()
{
	net_start "sniff_$1" wire tcpdump -i kern -n -U -Z root --immediate-mode \
	    -w "$NET_RUN/$1.pcap" ip and src "$kern" and "$2"
	net_ready "sniff_$1" 10 test -s "$NET_RUN/$1.pcap"
}
watch clear "dst $peer and not esp and not udp port 500 and not
    udp port 4500 and not udp dst portrange 10500-14599"
watch esp "dst $peer and esp"
watch udp "dst $peer and udp dst portrange 14500-14599 and udp[8:4] != 0"
watch plain "dst $(oe_addr plain) and icmp"

# The peer: IKE that does as it is told, and ESP at a TUN device.
for net_job in kern peer; do
	openssl rsa -in "$NET_RUN/$net_job.pem" -pubout \
	    -out "$NET_RUN/$net_job.pub" 2>/dev/null ||
	    net_fail "no public key of $net_job"
done
mkfifo "$NET_RUN/orders"
net_start probe peer sh -c 'exec "$@" <"$0"' "$NET_RUN/orders" \
    "$NET_TOP/tests/interop/ike_probe" -l "$peer" -r "$kern" -I "$kern" \
    -k "$NET_RUN/peer.pem" -K "$NET_RUN/kern.pub" -T tun0 -B eth0 \
    -L 3600
exec 9>"$NET_RUN/orders"
net_ready probe 20 grep -q ready "$NET_RUN/probe.log"
ip -n peer link set tun0 up
ip -n peer route add "$kern/32" dev tun0
net_on peer sysctl -qw net.ipv4.conf.all.rp_filter=0 \
    net.ipv4.conf.eth0.rp_filter=0 net.ipv4.conf.tun0.rp_filter=0

# WORD PATTERN: the peer does it, and says so (once more than before).
told=0
tell()
{
	told=$(grep -c "$2" "$NET_RUN/probe.log")
	echo "$1" >&9
	net_until 30 said_again "$2" || net_fail "the peer: $1: no $2"
}
said_again()
{
	[ "$(grep -c "$1" "$NET_RUN/probe.log")" -gt "$told" ]
}

# FILE: its size.
size()
{
	stat -c %s "$NET_RUN/$1.pcap"
}
empty=$(size clear)

grown()
{
	[ "$(size "$1")" -gt "$before" ] || [ "$(size clear)" != "$empty" ]
}

# FILE WORDS: from now on it is that which leaves, and nothing is clear.
now()
{
	before=$(size "$1")
	net_until 10 grown "$1" || net_fail "$2: none leaves: $(net_ctl oed_kern spd)"
	[ "$(size clear)" = "$empty" ] || net_fail "$2: got through in the clear:
$(sleep 1; oe_read "$NET_RUN/clear.pcap" | tail -n 3)
$(oe_count "$NET_RUN/clear.pcap") packets"
	net_say "$2: leaves; nothing in the clear"
}

policy()
{
	net_on kern ip xfrm policy | grep -q "src $kern/32 dst $peer/32"
}

tell request '^up '
net_until 30 oe_ping peer "$kern" 5 || net_fail "no answer over ESP"
net_until 30 policy || net_fail "no policy in the kernel"
# Two senders that never stop: one asks for a route each time, one keeps its own.
net_start flood kern ping -n -q -i 0.02 "$peer"
net_start socket kern python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 7))
while True:
    try:
        s.send(b"in the clear")
    except OSError:
        pass
    time.sleep(0.02)' "$peer"
now esp "ESP of the kernel"

# From here on a router before the peer translates ports: what is agreed upon
# now is ESP in UDP, and that is user space's (see above).
translate()
{
	net_on peer iptables -t nat -A POSTROUTING -o eth0 -p udp --sport "$1" \
	    -j SNAT --to-source "$peer:$2"
}
translate 500 10500-10599 && translate 4500 14500-14599 ||
    net_skip "no NAT in this kernel"
for round in 1 2; do
	tell renew '^up '
	! policy || net_fail "the kernel has a policy for keys that it has not"
	now udp "round $round: ESP in UDP of the newer pair"
	tell delete '^deleting '
	now esp "round $round: deleted; ESP of the older pair"
	policy || net_fail "no policy for the pair that is left"
done
net_alive flood && net_alive socket || net_fail "nobody sends any more"

# Control: the same witness sees a host that has no key in the clear.
oe_ping kern "$(oe_addr plain)" 10 || net_fail "permissive: no answer"
[ "$(oe_count "$NET_RUN/plain.pcap")" -gt 0 ] ||
    net_fail "the witness sees nothing"
net_say "in the clear: $(oe_count "$NET_RUN/clear.pcap"), ESP:" \
    "$(oe_count "$NET_RUN/esp.pcap"), ESP in UDP: $(oe_count "$NET_RUN/udp.pcap");" \
    "control, in the clear to a host without a key: $(oe_count "$NET_RUN/plain.pcap")"
net_ok "no packet is in the clear when the newer pair is deleted"
