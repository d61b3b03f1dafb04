#!/bin/sh
# demo.sh - shows the whole path live: three laptops, one of them without a key, one public address, end-to-end IPsec; leaves nothing behind
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proof.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"

cat <<'PICTURE'

              10.0.0.0/24              198.51.100.0/24
  x1 laptop --+ .11        .1      .1                  +-- y1 .10  oed: publishes a key
    rsipc     +-----------[ N rsipd ]------------------+-- y2 .20  plain host
  x2 laptop --+ .12          router                    +-- dns .53 signed zones
  x3 laptop --+ .13: has no key, and DNS has nothing of it

PICTURE
demo_start=$(date +%s)
net_say "* cables, keys and signed zones (lab., 100.51.198.in-addr.arpa.)"
net_picture
net_keys
net_zones
net_say "* nsd and a validating unbound on dns, nginx on y1 and y2, oed on y1"
net_dns
net_web y1 y2
net_oed y1
net_say "* rsipd on N, rsipc on x1 and x2: both lease the one address of N"
net_rsipd
net_rsipc x1
net_rsipc x2
net_ctl rsipd leases
net_say "* both fetch 10 MB from y1 at the same time, then from y2, with sniffers on both sides of N"
proof_transfers || net_fail "a transfer: $(cat "$NET_RUN"/x?.y?.log)"
rc=0
proof_check >"$NET_RUN/wire.json" || rc=1
python3 "$NET_HERE/report.py" "$NET_RUN" "$NET_Y1" "$NET_Y2" || rc=1
for file in x1.y1 x2.y1 x1.y2 x2.y2; do
	net_same "$NET_RUN/$file" || rc=1
done
net_say
for net_host in x1 x2; do
	for addr in "$NET_Y1" "$NET_Y2"; do
		net_say "  $net_host\$ rsipctl why $addr"
		net_say "    $(net_ctl "rsipc_$net_host" why "$addr")"
	done
done
net_say
net_say "* x3 comes: no key, no record; rsipc as it is installed, and 10 MB from y1"
net_namespaces x3
net_cable x3 eth0 10.0.0.13 lan && ip -n x3 route add default via 10.0.0.1 ||
    net_fail "the cable of x3"
cat >"$NET_RUN/rsipc_x3.conf" <<-EOF
	control = "$NET_RUN/rsipc_x3.sock"
	state = "$NET_RUN/x3.lease"
	oe {
	    state = "$NET_RUN/x3.peers"
	    $NET_RESOLVER
	}
EOF
net_start rsipc_x3 x3 "$NET_TOP/rsipc/rsipc" -f -c "$NET_RUN/rsipc_x3.conf"
net_ready rsipc_x3 15 net_leased rsipc_x3
net_start sniff_x3 wire python3 "$NET_HERE/wire.py" capture --interface N \
    --out "$NET_RUN/x3.pcap"
net_ready sniff_x3 10 test -s "$NET_RUN/x3.pcap"
net_fetch x3 "$NET_Y1" "$NET_RUN/x3.y1" && net_same "$NET_RUN/x3.y1" ||
    net_fail "x3: $(net_ctl rsipc_x3 why "$NET_Y1")"
net_stop sniff_x3
python3 "$NET_HERE/wire.py" only --file "$NET_RUN/x3.pcap" --address "$NET_Y1" \
    ESP UDP || rc=1
net_say "  x3\$ rsipctl why $NET_Y1"
net_say "    $(net_ctl rsipc_x3 why "$NET_Y1")"
net_ctl rsipc_x3 why "$NET_Y1" | grep -q "encrypted with .* (IKEv2, " || rc=1
net_say "  y1\$ rsipctl spd     # auth: null, who it is y1 does not know"
net_ctl oed_y1 spd
[ "$(net_json oed_y1 spd '[r["auth"] for r in rows if r["method"] == "null"]')" = null ] ||
    rc=1
net_say
[ "$rc" = 0 ] || net_fail "the picture is not as it should be"
net_say "It works; shown in $(($(date +%s) - demo_start)) s. Nothing of it is left on this machine."
