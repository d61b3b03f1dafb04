#!/bin/sh
# attack_ike_work.sh - a stranger: a flood of handshakes that cost the other end alone; ESP goes on, a newcomer is let in
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill ping
net_needs_built oe/oed ctl/rsipctl tests/net/flood
net_enter "$@"

oe_wire
oe_host server 198.51.100.61
oe_host peer 198.51.100.62
oe_host late 198.51.100.63
oe_host evil 198.51.100.66
for host in server peer late; do
	oe_key $host
done
oe_dns_up
oe_daemon server
oe_daemon peer
oe_daemon late
oe_ready server peer late
server=$(oe_addr server)
oe_ping peer "$server" || net_fail "no answer"
net_ctl oed_peer why "$server" | grep -q 'encrypted with' ||
	net_fail "not encrypted: $(net_ctl oed_peer why "$server")"

# WORD: 200 echoes through the SA in four seconds.
jitter()
{
	net_on peer ping -q -n -i 0.02 -c 200 "$server" >"$NET_RUN/ping.$1"
	received=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$NET_RUN/ping.$1")
	net_say "  $1: $received of 200 echoes, $(sed -n \
	    's/^rtt //p' "$NET_RUN/ping.$1")"
}
jitter quiet
[ "$received" -ge 190 ] || net_fail "echoes are lost without a flood"
before=$(awk '{ print $14 + $15 }' "/proc/$(net_pid oed_server)/stat")
net_on evil "$NET_TOP/tests/net/flood" handshake "$(oe_addr evil)" "$server" \
    1000 8 >"$NET_RUN/flood.out" &
flooding=$!
sleep 1
jitter flood
[ "$received" -ge 150 ] || net_fail "the flood takes the SA down"
oe_ping late "$server" 8 || net_fail "a newcomer is not answered"
net_ctl oed_late why "$server" | grep -q 'encrypted with' ||
	net_fail "a newcomer is not encrypted: $(net_ctl oed_late why "$server")"
wait "$flooding" || net_fail "flood"
after=$(awk '{ print $14 + $15 }' "/proc/$(net_pid oed_server)/stat")
net_say "  $(cat "$NET_RUN/flood.out"); oed used $(((after - before) * 10)) ms"
net_json oed_server status '" ".join(f"{k} {v}" for k, v in it["ike"].items()
    if k.startswith("work_"))'
net_say "got through: 0 SAs; honest peers lost $((200 - received)) of 200 echoes"
net_ok "ESP goes on and a newcomer is let in under a flood of handshakes"
