#!/bin/sh
# oe_version.sh - which version of IKE: IKEv2 first, IKEv1 with who has nothing else, and no way back for who had better
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nft
oe_enter "$@"

oe_lab left 198.51.100.61 right 198.51.100.62
left=$(oe_addr left)
right=$(oe_addr right)
# HOST [LINE...]
run()
{
	host=$1
	shift
	oe_daemon "$host" 'paranoid = {"198.51.100.61/32", "198.51.100.62/32"}' \
	    "lifespan-short = 2" "give-up = $patience" "$@"
	oe_ready "$host"
}
# HOST: the version of IKE that its keys are from.
version()
{
	net_json "oed_$1" spd '[r["ike_version"] for r in rows if r["state"] == "keyed"]'
}
# FILE VERSION: messages of IKE of that version.
messages()
{
	oe_count "$1" "udp port 500 and udp[25] = 0x${2}0"
}

oe_sniff left "$NET_RUN/first.pcap" udp port 500
# IKEv2 has longer than a busy machine takes to start a daemon anew.
patience=30
run left
patience=3
run right 'ike = "1"'
from=$(date +%s%N)
oe_ping left "$right" 10 || net_fail "an old peer: $(net_ctl oed_left why "$right")"
ms=$((($(date +%s%N) - from) / 1000000))
[ "$(version left)" = 1 ] || net_fail "the version is $(version left)"
sleep 0.3
[ "$(messages "$NET_RUN/first.pcap" 2)" -ge 2 ] || net_fail "IKEv2 was not tried first"
[ "$(messages "$NET_RUN/first.pcap" 1)" -ge 9 ] || net_fail "no whole negotiation of IKEv1"
net_ok "a peer of IKEv1 alone: encrypted after $ms ms, $(messages "$NET_RUN/first.pcap" 2)" \
    "messages of IKEv2 before"

# It is upgraded: nobody has to say so.  It is asked in both versions at once, and
# what IKEv2 brings later takes the place of what IKEv1 brought.
upgraded()
{
	[ "$(version left)" = 2 ]
}
net_stop oed_right
run right
net_until 10 oe_ping left "$right" 2 || net_fail "an upgraded peer"
net_until 20 upgraded || net_fail "upgraded, but the version is $(version left)"
net_ok "upgraded, the same peer is asked by IKEv2"

# Somebody on the way eats what is of IKEv2; both have forgotten their SAs.  What
# they were is on the disk.
net_stop oed_left
net_stop oed_right
net_on right nft -f - <<'EOF' || net_fail "nft"
table ip eat {
	chain in { type filter hook input priority 0; udp dport 500 @th,200,8 0x20 drop; }
}
EOF
grep -q '^ikev2 [0-9a-f]* [0-9]* ours' "$NET_RUN/oe_left.peers" ||
    net_fail "left does not remember: $(cat "$NET_RUN/oe_left.peers")"
net_stop sniff_left
oe_sniff left "$NET_RUN/eaten.pcap" udp port 500
run left
run right
oe_ping left "$right" 6 && net_fail "by IKEv1, with a peer that had better"
[ "$(messages "$NET_RUN/eaten.pcap" 1)" = 0 ] || net_fail "left went back to IKEv1"
[ "$(messages "$NET_RUN/eaten.pcap" 2)" -ge 3 ] || net_fail "left did not try"
net_ok "IKEv2 eaten on the way: left tries $(messages "$NET_RUN/eaten.pcap" 2) times by it, 0 by IKEv1"
# Nor does right take it: left has lost its memory, and goes back.
net_stop oed_left
rm -f "$NET_RUN/oe_left.peers"
run left
oe_ping left "$right" 6 && net_fail "right took IKEv1"
net_until 10 grep -q "comes by IKEv1 with a key that spoke IKEv2 before: refused" \
    "$NET_RUN/oed_right.log" || net_fail "right does not say that it refuses"
net_ok "left without memory: right refuses it, and says so"
net_on right nft delete table ip eat
net_until 20 oe_ping left "$right" 2 || net_fail "nothing is eaten any more, and nothing comes"
[ "$(version left)" = 2 ] || net_fail "at the end the version is $(version left)"
net_ok "nothing is eaten any more: IKEv2"
