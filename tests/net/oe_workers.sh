#!/bin/sh
# oe_workers.sh - threads that encrypt beside the one of IKE: flows both ways at once, rekeyed, taken down and killed under traffic; not one clear packet
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
oe_enter "$@"

oe_lab left 198.51.100.61 right 198.51.100.62 third 198.51.100.63
left=$(oe_addr left)
right=$(oe_addr right)
third=$(oe_addr third)

# HOST [LINE]: OE-paranoid, so that what is not encrypted is not sent.
run()
{
	oe_daemon "$1" "paranoid = {\"$OE_ALL\"}" "give-up = 3" \
	    "phase2-lifetime = 30" "lifespan-short = 2" ${2:+"$2"}
	oe_ready "$1"
}
OE_WORKERS=2
run left
run right
OE_WORKERS=''
run third
OE_WORKERS=2
oe_sniff left "$NET_RUN/left.pcap" "$OE_CLEAR and src $left and dst $right"

# HOST KEY: of its status.
value()
{
	net_json "oed_$1" status \
	    "[at('$2') if '.' in '$2' else it.get('$2', 0)]"
}
spi()
{
	net_json "oed_$1" spd '[r["spi_out"] for r in rows
	    if r["dst"] == words[0] and r["spi_out"]]' "$2"
}
# COUNT RATE: so many connections from left to right (oe_workers.py).
flows()
{
	rm -f "$NET_RUN/flows.status"
	net_start flows left python3 -B "$NET_HERE/oe_workers.py" flows \
	    "$right" "$NET_RUN/flows.status" "$1" "$2"
	net_ready flows 10 test -s "$NET_RUN/flows.status"
	all_flow "at first"
}
# WHEN: bytes come on each, and those that were sent; at right as well.
all_flow()
{
	cat "$NET_RUN/flows.status" >"$NET_RUN/flows.before"
	net_until 60 more_came || net_fail "$1: not all connections carry bytes:" \
	    "$(cat "$NET_RUN/flows.before" "$NET_RUN/flows.status")"
	for status in flows serve; do
		read -r broken _ <"$NET_RUN/$status.status"
		[ "$broken" = 0 ] || net_fail "$1: other bytes came than were sent"
	done
}
more_came()
{
	awk 'FNR == NR { for (i = 3; i <= NF; i++) before[i] = $i; next }
	    { for (i = 3; i <= NF; i++) { n++; if ($i < before[i] + 20000) exit 1 } }
	    END { exit n == 0 }' "$NET_RUN/flows.before" "$NET_RUN/flows.status"
}

oe_ping left "$right" 5 || net_fail "no keys"
net_start serve right python3 -B "$NET_HERE/oe_workers.py" serve "$right" \
    "$NET_RUN/serve.status"
net_ready serve 10 test -s "$NET_RUN/serve.status"

# Both ways at once, and new keys under them.
first=$(spi left "$right")
rekeyed()
{
	now=$(spi left "$right") && [ -n "$now" ] && [ "$now" != "$first" ]
}
flows 4 1000000
net_until 60 rekeyed || net_fail "not rekeyed"
all_flow "after new keys"
for host in left right; do
	for what in worker_frames worker_opened; do
		[ "$(value $host $what)" -gt 1000 ] ||
		    net_fail "$host: $what is $(value $host $what)"
	done
	[ "$(value $host worker_handed)" -lt 500 ] ||
	    net_fail "$host: $(value $host worker_handed) handed over"
	for what in worker_lost worker_refused packets.bad_esp packets.ingress_filtered; do
		[ "$(value $host $what)" = 0 ] ||
		    net_fail "$host: $what is $(value $host $what)"
	done
done
net_ok "four connections, both ways at once, and new keys under them: by workers" \
    "$(value left worker_frames) frames and $(value left worker_opened) packets," \
    "$(value left worker_handed) handed over, none replayed or lost"

# IKE does not wait for packets.
net_stop flows
flows 4 0
start=$(date +%s%N)
oe_ping left "$third" 10 || net_fail "no keys beside a bulk stream"
net_ok "keys with another host, and its answer, beside connections that take all" \
    "there is: $((($(date +%s%N) - start) / 1000000)) ms"
net_stop flows

# What was keyed goes away under traffic, and what is sent meanwhile goes nowhere.
flows 4 1000000
for signal in TERM KILL; do
	[ $signal = TERM ] && how="told of its end" || how="killed"
	net_stop oed_right $signal
	sleep 2
	net_alive oed_left || net_fail "left ended"
	run right
	all_flow "its peer $how"
	net_ok "its peer $how under traffic, and begun anew: all connections go on"
done
net_stop flows

# In UDP, of which workers do what is sent.
in_udp()
{
	# An orderly end would open what is shut.
	net_stop oed_left KILL
	net_stop oed_right
	run left 'encapsulate = "always"'
	run right
	flows 4 1000000
	sleep 1
	[ "$(value left worker_frames)" -gt 100 ] ||
	    net_fail "in UDP workers did $(value left worker_frames) frames"
	all_flow "in UDP"
	net_stop flows
	net_ok "in UDP: the same"
}
[ "$FAMILY" = 6 ] || in_udp

sleep 0.5
clear=$(oe_count "$NET_RUN/left.pcap" "$OE_CLEAR and src $left and dst $right")
[ "$clear" = 0 ] || {
	oe_read "$NET_RUN/left.pcap" | head -n 20
	net_fail "$clear clear packets"
}
net_ok "not one clear packet in all of this"
