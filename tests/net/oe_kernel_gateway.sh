#!/bin/sh
# oe_kernel_gateway.sh - a gateway whose kernel does ESP for the hosts behind it, led there by eBPF, against a peer in user space, in a VM
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill tcpdump ping curl nginx nft
net_needs_built oe/oed ctl/rsipctl
net_vm 900
[ -n "$NET_INSIDE" ] || modprobe -qa tun veth bridge xfrm_user esp4 \
    xfrm_interface sch_ingress cls_bpf nf_tables
net_enter "$@"

#     alice 192.0.1.66 ---+
#                         +-- 192.0.1.0/24 -- gate 198.51.100.61 --- peer 198.51.100.62
#     carol 192.0.1.67 ---+
oe_wire
oe_host gate 198.51.100.61
oe_host peer 198.51.100.62
gate=$(oe_addr gate)
peer=$(oe_addr peer)
net_links home
net_namespaces alice carol
net_cable gate eth1 192.0.1.1 home
for host in "alice 192.0.1.66" "carol 192.0.1.67"; do
	# shellcheck disable=SC2086
	set -- $host
	net_cable "$1" eth0 "$2" home
	ip -n "$1" route add default via 192.0.1.1
done
net_on gate sysctl -qw net.ipv4.ip_forward=1
ip -n peer route add 192.0.1.0/24 via "$gate"
oe_key gate
oe_key peer
oe_zones
{
	net_zone_head 1.0.192.in-addr.arpa.
	for host in 192.0.1.66 192.0.1.67; do
		"$NET_TOP/ctl/rsipctl" dns-records -k "$NET_RUN/gate.pem" \
		    --id "$gate" --for $host --type TXT
	done | grep "in-addr"
} >"$NET_RUN/zone.1.0.192.in-addr.arpa"
: >"$NET_RUN/anchors"
oe_zones_signed
oe_zone 1.0.192.in-addr.arpa
oe_servers
run()
{
	# shellcheck disable=SC2034 # of oelib.sh
	OE_DATAPLANE=$2
	oe_name=$1
	shift 2
	oe_daemon "$oe_name" "$@" "give-up = 20" "lifespan-first = 60" \
	    "idle = 20" "phase2-lifetime = 120"
	oe_ready "$oe_name"
}
gate()
{
	run gate auto 'networks = {"192.0.1.0/24"}' "paranoid = {\"$peer/32\"}"
}
gate
workers=${OE_WORKERS-}
OE_WORKERS=
run peer user 'paranoid = {"192.0.1.0/24"}'
OE_WORKERS=$workers
net_ctl oed_gate status | grep '^dataplane  *kernel' ||
    net_fail "ESP is not the kernel's: $(net_ctl oed_gate status) $(cat "$NET_RUN/oed_gate.log")"
oe_sniff gate "$NET_RUN/gate.pcap"
net_on gate nft -f - <<-'EOF'
	table ip seen {
		chain forward {
			type filter hook forward priority filter
			iifname "oe0" counter name by_oe0
		}
		counter by_oe0 { }
	}
	EOF
clear()
{
	oe_count "$NET_RUN/gate.pcap" "ip and (host 192.0.1.66 or host 192.0.1.67)"
}
# Bytes that the daemon has read and written, those of the TUN among them.
seen()
{
	awk '/^[rw]char/ { n += $2 } END { print n }' "/proc/$(net_pid oed_gate)/io"
}

net_until 20 oe_ping alice "$peer" 20 || net_fail "no answer for Alice"
net_until 20 oe_ping carol "$peer" 20 || net_fail "no answer for Carol"
net_holds oed_gate spd 'len(rows) >= 2 and all(r["dataplane"] == "kernel" for r in rows)' ||
    net_fail "spd does not say that the kernel does it: $(net_ctl oed_gate spd)"
[ "$(net_on gate ip xfrm state | grep -c "src $gate dst $peer")" -ge 2 ] ||
    net_fail "no SAs in the kernel"
net_ok "two hosts behind, keyed; SAs are in the kernel"

net_web peer alice carol
fetch()
{
	NET_FETCH_TIME=120 net_fetch "$1" "$2" "$NET_RUN/out.$1" ||
	    net_fail "transfer at $1: $(cat "$NET_RUN/out.$1.log")"
	net_same "$NET_RUN/out.$1" || net_fail "the file is not the same"
	net_ok "10 MB at $1: $(cat "$NET_RUN/out.$1.time")"
}
before=$(seen)
fetch alice "$peer"
fetch peer 192.0.1.66
fetch alice "$peer" &
one=$!
fetch carol "$peer" &
two=$!
wait "$one" && wait "$two" || exit 1
sleep 2
after=$(seen)
[ $((after - before)) -lt 2000000 ] ||
    net_fail "the daemon had $((after - before)) bytes in hand"
net_holds oed_gate spd 'sum(r["bytes"] for r in rows) > 40000000' ||
    net_fail "what was led is not counted: $(net_ctl oed_gate spd)"
[ "$(net_on gate nft list counter ip seen by_oe0 | sed -n 's/.*packets \([0-9]*\).*/\1/p')" -gt 10000 ] ||
    net_fail "what was opened did not arrive by oe0"
net_ok "40 MB led, $((after - before)) bytes by the daemon; the firewall saw oe0"

# By the daemon: fragments, and what has no ports.
for way in "alice $peer" "carol $peer" "peer 192.0.1.66"; do
	# shellcheck disable=SC2086
	set -- $way
	net_on "$1" ping -n -q -c 5 -i 0.3 -s 3000 -W 20 "$2" \
	    >"$NET_RUN/ping.out" 2>&1
	grep -q ' 0% packet loss' "$NET_RUN/ping.out" ||
	    net_fail "large at $1: $(tail -n 2 "$NET_RUN/ping.out")"
done
net_start echo peer python3 -B "$NET_HERE/oe_echo.py" serve
net_ready echo 10 net_listens peer 7
net_on alice python3 -B "$NET_HERE/oe_echo.py" "$peer" 5 0.3 4000 >"$NET_RUN/echo" ||
    net_fail "large UDP: $(cat "$NET_RUN/echo")"
net_ok "datagrams larger than the path: ICMP, and UDP $(cat "$NET_RUN/echo")"

# In use, and led, the keys are renewed.
spis()
{
	net_json oed_gate spd 'sorted(r["spi_out"] for r in rows if "192.0.1.66" in str(r))'
}
before=$(spis)
net_on alice python3 -B "$NET_HERE/oe_echo.py" "$peer" 520 0.25 1000 >"$NET_RUN/echo" ||
    net_fail "beside new keys: $(cat "$NET_RUN/echo")"
[ "$(spis)" != "$before" ] || net_fail "not rekeyed while in use"
net_ok "rekeyed while led: $(cat "$NET_RUN/echo")"

[ "$(clear)" = 0 ] || net_fail "$(clear) clear packets on the wire"
net_ok "ESP only on the wire"

# SPIs in the kernel.
spis_there()
{
	net_on gate ip xfrm state | sed -n 's/.*spi \(0x[0-9a-f]*\).*/\1/p'
}
spis_there >"$NET_RUN/left"
net_stop oed_gate KILL
net_on alice ping -n -q -c 5 -i 0.2 -W 1 "$peer" >"$NET_RUN/ping.out" 2>&1
net_on peer ping -n -q -c 5 -i 0.2 -W 1 192.0.1.66 >>"$NET_RUN/ping.out" 2>&1
[ "$(clear)" = 0 ] || net_fail "clear packets beside a killed daemon"
ip -n gate link show oe0-esp >/dev/null 2>&1 ||
    net_fail "nothing left to clean"
net_ok "killed: nothing in the clear"
gate
# At once it has new ones, with whom it had some.
spis_there | grep -qFf "$NET_RUN/left" && net_fail "a successor leaves SAs"
net_until 40 oe_ping peer 192.0.1.66 5 || net_fail "no way to go on after a crash"
net_until 20 oe_ping carol "$peer" 5 || net_fail "nor for Carol"
net_holds oed_gate spd 'any(r["dataplane"] == "kernel" for r in rows)' ||
    net_fail "after a crash spd does not say that the kernel does it"
fetch peer 192.0.1.66
net_ok "after a crash it goes on; the peer began"

net_stop oed_gate
[ -z "$(net_on gate ip xfrm state)" ] || net_fail "SAs stay"
net_on gate ip xfrm policy | grep -v '^\(socket\|src 0.0.0.0/0\|src ::/0\)' | grep -q src &&
    net_fail "policies stay: $(net_on gate ip xfrm policy)"
net_on gate ip xfrm policy | grep -q 'if_id' &&
    net_fail "policies of the device stay: $(net_on gate ip xfrm policy)"
ip -n gate link show oe0-esp >/dev/null 2>&1 && net_fail "the device stays"
[ "$(clear)" = 0 ] || net_fail "$(clear) clear packets on the wire"
net_ok "nothing stays in the kernel"
