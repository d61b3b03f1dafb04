#!/bin/sh
# rsipd_ends.sh - an orderly end, and a start: nobody resets what hosts have; an end for good, and one that nobody follows
. "$(dirname "$0")/lib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
[ -n "$NET_STORE" ] || net_skip "built without LMDB"
net_enter "$@"
cd "$NET_RUN" || exit 1
tool=$NET_HERE/laptop_gap.py

net_picture
net_keys
net_zones
net_dns
net_oed y1
net_rsipd
net_rsipc x1
# The server speaks, whether the gateway is there or not.
for y in y1 y2; do
	net_start drip_$y $y python3 "$tool" drip 7007
	net_ready drip_$y 10 grep -q drips drip_$y.log
done
streams()
{
	for y in y1 y2; do
		: >take_$y.log
		at=$NET_Y1
		[ $y = y1 ] || at=$NET_Y2
		net_start take_$y x1 python3 "$tool" take "$at" 7007
		net_ready take_$y 15 grep -q connected take_$y.log
	done
}
# NAME: has it heard something just now?
hears()
{
	net_gap "$1" >/dev/null
	sleep 0.2
	awk -v g="$(net_gap "$1")" 'BEGIN { exit !(g < 0.2) }'
}
rules()
{
	net_on N sh -c 'nft list table ip rsip; iptables-save -t raw' 2>/dev/null |
	    grep -ci 'rsip'
}
no_rules()
{
	[ "$(rules)" = 0 ]
}
# What crossed at N while it was away, either side.
said()
{
	net_sniff_end
	for net_ns in wire lan; do
		python3 "$NET_HERE/wire.py" refused --file $net_ns.pcap --port 7007 ||
		    refused=yes
		rm $net_ns.pcap
	done
}
streams
grep -q "$NET_Y1: encrypted with" rsipc_x1.log || net_fail "not encrypted"

for i in 1 2; do
	refused=
	net_sniff
	net_stop rsipd
	# As long as a package takes.
	sleep 1
	[ "$(rules)" -gt 0 ] || net_fail "the rules went with the daemon"
	net_rsipd
	for y in y1 y2; do
		net_until 40 hears take_$y ||
		    net_fail "$i: the stream of $y stands still: $(tail -n 3 take_$y.log)"
	done
	said >said
	[ -z "$refused" ] || net_fail "ended, and started: $(cat said)"
	if grep -q 'REGISTER_FIRST' rsipc_x1.log; then
		net_fail "the host had to register: $(cat rsipc_x1.log)"
	fi
	net_ok "SIGTERM and a start, $i: streams in ESP and in the clear live; $(sort -u said)"
done

# The witness sees it where it happens, and an end for good is one.
refused=
net_sniff
net_stop rsipd INT
no_rules || net_fail "SIGINT: rules stay"
net_until 20 grep -q ConnectionReset drip_y2.log || net_fail "the control: nobody resets a stream in the clear"
said >said
[ -n "$refused" ] || net_fail "the witness does not see a reset"
net_ok "SIGINT: the rules go at once, and the router resets: $(tr '\n' ' ' <said)"

net_rsipd 'linger = 2'
net_stop rsipd
[ "$(rules)" -gt 0 ] || net_fail "linger: the rules went at once"
net_until 10 no_rules || net_fail "linger: the rules stay"
no_settings()
{
	[ "$(net_on N sysctl -n net.ipv4.conf.eth0.accept_local)" = 0 ]
}
net_until 10 no_settings || net_fail "linger: settings stay"
net_ok "nobody takes over: rules and settings go after 2 s"

net_rsipd
: >rsipd.log
net_stop rsipd
net_until 5 grep -q 'stay for 30 s' rsipd.log || net_fail "nothing is said"
keeper=$(pgrep -x rsip-rules | tail -n 1)
[ -n "$keeper" ] || net_fail "nobody keeps rules"
kill -TERM "$keeper"
net_until 5 no_rules || net_fail "the keeper does not heed SIGTERM"
net_ok "who cannot wait: SIGTERM to rsip-rules"
