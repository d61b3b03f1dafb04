#!/bin/sh
# web.sh - the page of numbers: what it tells whom, in a browser, to Prometheus, and to those who attack it
. "$(dirname "$0")/lib.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"

at=127.0.0.1:9478
token=0123456789abcdefABCDEF
printf '%s\n' "$token" >"$NET_RUN/token"
chmod 600 "$NET_RUN/token"
lines="metrics = \"$at\"
metrics-token = \"$NET_RUN/token\""
net_picture
net_keys
net_zones
net_dns
net_web y1 y2
net_oed y1 "$lines"
net_rsipd "$lines"
net_rsipc x1 '' "metrics = \"$at\""
net_fetch x1 "$NET_Y1" "$NET_RUN/x1.y1" || net_fail "x1 and y1"
net_fetch x1 "$NET_Y2" "$NET_RUN/x1.y2" || net_fail "x1 and y2"

# NAMESPACE TOKEN DAEMON TABLE...
probe()
{
	probe_ns=$1
	shift
	net_on "$probe_ns" python3 "$NET_HERE/web_probe.py" "$at" "$@" \
	    >"$NET_RUN/probe.$probe_ns" || net_fail "$(cat "$NET_RUN/probe.$probe_ns")"
	cat "$NET_RUN/probe.$probe_ns"
}
probe N "$token" rsipd leases flows &
one=$!
probe x1 - rsipc &
two=$!
probe y1 "$token" oed sa spd || exit 1
wait "$one" && wait "$two" || exit 1
for host in rsipd rsipc_x1 oed_y1; do
	net_ctl "$host" status >/dev/null || net_fail "$host does not answer any more"
done
net_ok "pages, rows for the token alone, and nothing for strangers; all three live"

# A page on another address of the machine, and from outside: nobody there.
for from in "N $NET_NB" "y1 $NET_NB" "x1 10.0.0.1"; do
	net_on "${from% *}" curl -s -m 2 -o /dev/null "http://${from#* }:9478/" &&
	    net_fail "it answers at ${from#* }"
done
net_ok "it is heard on the loopback interface alone"

net_on N curl -s -H "Authorization: Bearer $token" "http://$at/metrics" \
    >"$NET_RUN/metrics" || net_fail "curl"
python3 "$NET_HERE/metrics_text.py" "$NET_RUN/metrics" ||
    net_fail "$(head "$NET_RUN/metrics")"
net_on N curl -s "http://$at/status.json" >"$NET_RUN/open.json"
grep -q "$NET_X1\|x1\.lab" "$NET_RUN/open.json" && net_fail "hosts are named to all"
net_ok "/metrics is OpenMetrics; without the token no host is named"

if command -v prometheus >/dev/null; then
	cat >"$NET_RUN/prometheus.yml" <<-EOF
	global: { scrape_interval: 1s }
	scrape_configs:
	  - job_name: rsip
	    authorization: { credentials_file: $NET_RUN/token }
	    static_configs: [ { targets: [ "$at" ] } ]
	EOF
	net_start prometheus N prometheus --config.file="$NET_RUN/prometheus.yml" \
	    --storage.tsdb.path="$NET_RUN/tsdb" --web.listen-address=127.0.0.1:9090
	collected()
	{
		net_on N curl -s -m 2 -G 'http://127.0.0.1:9090/api/v1/query' \
		    --data-urlencode 'query=sum by (daemon) (rsip_packets_total{direction="in"}) > 100' |
		    python3 "$NET_HERE/answer.py" 'any(r["metric"]["daemon"] == "rsipd"
		        for r in at("data.result"))' >/dev/null 2>&1
	}
	net_ready prometheus 30 collected
	net_stop prometheus
	net_ok "Prometheus collects them, with the token from a file"
else
	net_say "  no prometheus here (Debian: prometheus): not asked"
fi

browser=$(command -v chromium || command -v chromium-browser) || {
	net_say "  no chromium here (Debian: chromium): the page is not drawn"
	exit 0
}
# NAMESPACE URL OPTION...
browse()
{
	browse_ns=$1 browse_url=$2
	shift 2
	net_on "$browse_ns" env HOME="$NET_RUN" timeout 60 "$browser" --headless \
	    --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
	    --user-data-dir="$NET_RUN/chromium" --virtual-time-budget=9000 "$@" \
	    "$browse_url" 2>"$NET_RUN/chromium.log"
}
browse N "http://$at/#$token" --window-size=390,844 \
    --screenshot="$NET_RUN/phone.png" >/dev/null || net_fail "chromium: $(tail -n 5 "$NET_RUN/chromium.log")"
browse N "http://$at/#$token" --dump-dom >"$NET_RUN/dom" ||
    net_fail "chromium: $(tail -n 5 "$NET_RUN/chromium.log")"
grep -q 'Who is here' "$NET_RUN/dom" && grep -q "$NET_X1" "$NET_RUN/dom" &&
    grep -q '<polyline[^>]*points="[^"]* [^"]*"' "$NET_RUN/dom" &&
    grep -q 'serving at 10.0.0.1' "$NET_RUN/dom" || net_fail "$(cat "$NET_RUN/dom")"
# It asks again by itself, for its own three things, and nobody else.
browse N "http://$at/#$token" --dump-dom --log-net-log="$NET_RUN/netlog" >/dev/null
python3 "$NET_HERE/web_asked.py" "$NET_RUN/netlog" "$at" >"$NET_RUN/asked" ||
    net_fail "$(cat "$NET_RUN/asked")"
net_ok "$(cat "$NET_RUN/asked")"
browse y1 "http://$at/#$token" --window-size=1100,800 \
    --screenshot="$NET_RUN/wide.png" >/dev/null
browse x1 "http://$at/" --dump-dom >"$NET_RUN/dom"
grep -q '<p id="locked" class="note">' "$NET_RUN/dom" &&
    grep -q 'encrypting; 1 peer' "$NET_RUN/dom" || net_fail "$(cat "$NET_RUN/dom")"
for picture in phone wide; do
	[ "$(head -c 8 "$NET_RUN/$picture.png" | od -An -tx1 | tr -d ' \n')" = \
	    89504e470d0a1a0a ] || net_fail "no picture $picture.png"
	[ -z "${NET_PICTURES:-}" ] || cp "$NET_RUN/$picture.png" "$NET_PICTURES/"
done
net_ok "a browser draws it: hosts, traffic, and for who has no token the rest" \
    "($(wc -c <"$NET_RUN/phone.png") and $(wc -c <"$NET_RUN/wide.png") bytes of picture)"

net_start evil y1 python3 "$NET_HERE/web_page.py" "$at" 8080
net_ready evil 10 net_on y1 curl -sf -o /dev/null http://127.0.0.1:8080/
browse y1 http://127.0.0.1:8080/ --dump-dom >"$NET_RUN/dom"
[ "$(grep -o '&lt;img src=x onerror=' "$NET_RUN/dom" | wc -l)" -ge 6 ] ||
    net_fail "the names are not on the page: $(cat "$NET_RUN/dom")"
grep -q '<img\|<script>' "$NET_RUN/dom" && net_fail "a name is markup: $(cat "$NET_RUN/dom")"
net_ok "got through: 0 of $(grep -o '&lt;img' "$NET_RUN/dom" | wc -l) names that are markup"
