#!/bin/sh
# libreswan_pool.sh - two rsipc behind one rsipd, and a host behind a NAT, to one stock libreswan that lends them addresses, in a VM
#
# libreswan, with the configuration of doc/peers.md and the kernel's ESP, is told of
# nobody; the laptops have neither key nor record.  LIBRESWAN: see
# libreswanlib.sh.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/peerslib.sh"
swan_wants
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill nft
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
vm_enter 1200
net_enter "$@"
# shellcheck disable=SC2034  # lib.sh uses it
NET_KEYLESS=yes
# shellcheck disable=SC2034  # peerslib.sh uses it
PLUTO_AT=y1

zones()
{
	: >"$NET_RUN/x1.records"
	: >"$NET_RUN/x2.records"
	: >"$NET_RUN/y1.records"
	net_zones
	tr -d '\n' <"$NET_RUN/ipseckey" | grep -o 'IN *IPSECKEY.*' |
	    sed 's/^/10 /; s/$/\n/' >>"$NET_RUN/zone.100.51.198.in-addr.arpa"
}

# CLIENT: what it says of y1.
why()
{
	net_ctl "$1" why "$NET_Y1"
}

# HOST CLIENT: something comes, encrypted, with an address that is lent.
serves()
{
	net_on "$1" curl -sS --fail --max-time 30 -r 0-9 -o /dev/null \
	    "http://$NET_Y1/file" 2>"$NET_RUN/$1.curl.log" &&
	    why "$2" | grep -q ': encrypted with .* as 100\.64\.0\.'
}

inner()
{
	net_json "$1" spd '[r["inner"] for r in rows if r["dst"] == words[0]][0]' \
	    "$NET_Y1"
}

net_picture
mkdir "$NET_RUN/page"
pluto_prepare >/dev/null
zones
net_dns
net_web y1
pluto_up clear-or-private libreswan-pool.conf
net_rsipd
net_start sniff_wire wire python3 "$NET_HERE/wire.py" capture --interface y1 \
    --out "$NET_RUN/wire.pcap" --mb 64
net_ready sniff_wire 10 test -s "$NET_RUN/wire.pcap"
for host in x1 x2; do
	net_rsipc $host "paranoid = {\"$NET_Y1\"} give-up = 60"
done

# Row 22: 10 MB each, both begun at the same moment, no keys before.
net_fetch_both "$NET_Y1" file || net_fail "$(cat "$NET_RUN"/x?.file.log;
    why rsipc_x1; why rsipc_x2; tail -n 20 "$NET_RUN/pluto.log")"
for host in x1 x2; do
	net_same "$NET_RUN/$host.file" || net_fail "$host's file is not whole"
	why rsipc_$host | grep -q ': encrypted with .* as 100\.64\.0\.' ||
	    net_fail "$host: $(why rsipc_$host)"
	net_ok "row 22, $host, 10 MB at the same moment, first byte, total," \
	    "bytes/s: $(cat "$NET_RUN/$host.file.time")"
	net_ok "$(why rsipc_$host)"
done
# Between these words it does not answer IKE_AUTH.
net_ok "of that, pluto between an IKE SA and its answer:" \
    "$(awk '/established IKE SA|established Child SA/ {
	split($3, t, ":"); now = t[1] * 3600 + t[2] * 60 + t[3]
	if (/IKE SA;/) since = now; else printf "%.1f s ", now - since
    }' "$NET_RUN/pluto.log")"
one=$(inner rsipc_x1)
two=$(inner rsipc_x2)
[ "$one" != "$two" ] || net_fail "one address for both: $one"
grep -q 'keep our address\|each flow alone' "$NET_RUN"/rsipc_x?.log &&
    net_fail "flows were asked for alone"
kill -TERM "$(net_pid sniff_wire)"
wait "$(net_pid sniff_wire)" || net_fail "the sniffer missed packets"
python3 "$NET_HERE/wire.py" only --file "$NET_RUN/wire.pcap" \
    --address "$NET_NB" UDP ESP ||
    net_fail "something of a paranoid host's went in the clear"
net_ok "$(ip netns exec y1 ip xfrm state | grep -c "proto esp spi") SAs of the" \
    "kernel's at y1; raw ESP on the wire, nothing else but IKE"

# Row 21: a host that knows no RSIP, behind the same address by plain NAT.
net_stop rsipc_x1
cat >"$NET_RUN/oed_x1.conf" <<-EOF
	control = "$NET_RUN/oed_x1.sock"
	oe {
		$NET_RESOLVER
		state = ""
		dns-timeout = 3000
		give-up = 60
		paranoid = {"$NET_Y1"}
	}
EOF
net_start oed_x1 x1 "$NET_TOP/oe/oed" -f -c "$NET_RUN/oed_x1.conf"
net_ready oed_x1 10 net_ctl oed_x1 status
net_until 30 serves x1 oed_x1 ||
    net_fail "behind a NAT: $(why oed_x1) $(tail -n 20 "$NET_RUN/pluto.log")"
net_fetch x1 "$NET_Y1" "$NET_RUN/x1.nat" || net_fail "behind a NAT: 10 MB"
net_same "$NET_RUN/x1.nat" || net_fail "behind a NAT: the file is not whole"
net_ok "row 21, x1 behind a NAT: $(cat "$NET_RUN/x1.nat.time")"
net_ok "$(why oed_x1)"
serves x2 rsipc_x2 || net_fail "x2 is disturbed: $(why rsipc_x2)"
[ -z "$LOGS" ] || for host in pluto rsipc_x1 rsipc_x2 oed_x1; do
	echo "--- $host"; cat "$NET_RUN/$host.log"
done
