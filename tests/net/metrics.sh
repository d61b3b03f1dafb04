#!/bin/sh
# metrics.sh - what daemons say of themselves: keys as doc/control.md has them, and OpenMetrics that strict readers take
. "$(dirname "$0")/lib.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"

net_all "leases = \"$NET_RUN/leases\""
net_fetch x1 "$NET_Y1" "$NET_RUN/x1.y1" || net_fail "x1 and y1"
net_fetch x1 "$NET_Y2" "$NET_RUN/x1.y2" || net_fail "x1 and y2"

doc=$NET_HERE/../../doc/control.md
python3 "$NET_HERE/metrics_schema.py" "$doc" "$NET_TOP/ctl/rsipctl" \
    "$NET_RUN/rsipd.sock" "$NET_RUN/rsipc_x1.sock" "$NET_RUN/oed_y1.sock" \
    >"$NET_RUN/schema" || net_fail "$(cat "$NET_RUN/schema")"
net_ok "status, tables and metrics have what schema and doc/control.md say:" \
    "$(cat "$NET_RUN/schema")"

# FILE
scrape()
{
	"$NET_TOP/ctl/rsipctl" -s "$NET_RUN/rsipd.sock" \
	    -s "$NET_RUN/rsipc_x1.sock" -s "$NET_RUN/oed_y1.sock" metrics \
	    >"$NET_RUN/$1" || net_fail "rsipctl metrics"
}
scrape before
net_fetch x1 "$NET_Y1" "$NET_RUN/x1.y1" || net_fail "x1 and y1 again"
scrape after
said=$(python3 "$NET_HERE/metrics_text.py" "$NET_RUN/after" "$NET_RUN/before") ||
    net_fail "$(head -n 40 "$NET_RUN/after")"
net_ok "three daemons' metrics are one OpenMetrics document: $said"

# METRIC-WITH-LABELS: its value.
value()
{
	sed -n "s/^$1 //p" "$NET_RUN/after"
}
[ "$(value 'rsip_registrations{daemon="rsipd"}')" = 2 ] &&
    [ "$(value 'rsip_bindings{daemon="rsipd",method="RSIPSEC"}')" -ge 2 ] &&
    [ "$(value 'rsip_oe_peers{daemon="oed"}')" = 1 ] &&
    [ "$(value 'rsip_oe_esp_pairs{daemon="oed",grade="dnssec",cipher="[^"]*"}')" -ge 1 ] ||
    net_fail "numbers: $(cat "$NET_RUN/after")"
# METRIC DIRECTION: what the gateway counted, by either of its ways: with eBPF the
# first packets of a flow pass the queue, and the others do not.
passed()
{
	awk -v m="$1_total{" -v d="direction=\"$2\"" '
	    index($0, m "daemon=\"rsipd\"") == 1 && index($0, d) &&
	    /path="(nfqueue|ebpf)"/ { n += $NF } END { printf "%.0f\n", n }' \
	    "$NET_RUN/after"
}
# The least that 30 MB take each way; segments come to the gateway joined.
[ "$(passed rsip_packets in)" -gt 500 ] &&
    [ "$(passed rsip_packets out)" -gt 50 ] ||
    net_fail "packets: $(grep rsip_packets "$NET_RUN/after")"
[ "$(passed rsip_packet_bytes in)" -gt 30000000 ] ||
    net_fail "bytes of three fetches of 10 MB"
for what in dns ike; do
	[ "$(value "rsip_oe_${what}_latency_seconds_count{daemon=\"rsipc\",engine=\"lease\"}")" \
	    -ge 1 ] || net_fail "no latency of $what"
done
net_ok "hosts, bindings, peers, ciphers, 30 MB of packets and latencies are counted"

said=$(python3 "$NET_HERE/grafana.py" "$NET_HERE/../../contrib/grafana.json" \
    "$NET_RUN/after") || net_fail "contrib/grafana.json: $said"
net_ok "contrib/grafana.json: $said"

"$NET_TOP/ctl/rsipctl" -s "$NET_RUN/rsipd.sock" top >"$NET_RUN/top" 2>&1 &
top=$!
moving()
{
	net_fetch x1 "$NET_Y1" "$NET_RUN/x1.y1"
	grep -Eq '^(nfqueue|ebpf) in bytes  *[1-9]' "$NET_RUN/top"
}
net_until 20 moving || net_fail "rsipctl top: $(tail -n 20 "$NET_RUN/top")"
kill "$top"
grep -q '^rsipd: serving at' "$NET_RUN/top" && grep -q "$NET_X1" "$NET_RUN/top" ||
    net_fail "rsipctl top: $(tail -n 20 "$NET_RUN/top")"
net_ok "rsipctl top: $(grep -Em 1 '^(nfqueue|ebpf) in bytes  *[1-9]' "$NET_RUN/top" | tr -s ' ')"

if command -v promtool >/dev/null; then
	# What it reads is the format before, which has no info.
	sed 's/^\(# TYPE .*\) info$/\1 gauge/' "$NET_RUN/after" |
	    promtool check metrics >"$NET_RUN/promtool" 2>&1
	# A lint's line begins with a metric's name, of which one is of errors.
	grep -i '^error' "$NET_RUN/promtool" && net_fail "promtool"
	net_ok "promtool reads them"
else
	net_say "  promtool is not there (Debian: prometheus): not asked"
fi
