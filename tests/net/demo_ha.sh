#!/bin/sh
# demo_ha.sh - shows a laptop downloading while the active one of two gateways dies; leaves nothing behind
. "$(dirname "$0")/lib.sh"
. "$NET_HERE/pairlib.sh"
pair_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1

cat <<'PICTURE'

              10.0.0.0/24                  198.51.100.0/24
                    .2 +--[ N rsipd ]--+ .2
  x1 laptop --+ .11    |     |         |               +-- y1 .10  oed: publishes a key
    rsipc     +-- .1 --+   s store     +-- .1 ---------+
  x2 laptop --+ .12    |     |         |               +-- dns .53 signed zones
                    .3 +--[ M rsipd ]--+ .3

  Both .1 are one gateway's at a time: keepalived moves them, and rsipd follows.

PICTURE
demo_start=$(date +%s)
net_say "* cables, keys, signed zones, nginx and oed on y1, a store on s"
pair_picture
net_keys
net_zones
net_dns
net_web y1
net_oed y1
pair_store
net_say "* rsipd and keepalived on N and on M, rsipc on x1 and x2"
pair_rsipd N
pair_rsipd M
pair_keepalived N 150
net_until 15 pair_is N active || net_fail "N does not become active"
pair_keepalived M 100
net_rsipc x1
net_rsipc x2
net_ctl rsipd_N leases
net_say
for g in N M; do
	net_say "  $g\$ rsipctl status: $(net_ctl rsipd_$g status | head -n 1)"
done
net_say
net_say "* x1 fetches 10 MB from y1, encrypted; in the middle of it N loses power"
net_say
# Else curl takes large bites, seconds apart.
net_on x1 sysctl -qw net.ipv4.tcp_rmem='4096 65536 131072'
net_start fetch x1 curl -sS --fail --limit-rate 1500k --max-time 60 \
    -o "$NET_RUN/x1.y1" "http://$NET_Y1/file"

# How much came, as a bar, and who is active.
show()
{
	size=$(stat -c %s x1.y1 2>/dev/null) || size=0
	awk -v n="$size" -v d="$((size - last))" -v who="$1" 'BEGIN {
	    bar = ""; for (i = 0; i < n / 250000; i++) bar = bar "#"
	    printf "  %4.1f MB %-42s +%4.0f kB  %s\n", n / 1e6, bar, d / 1000, who }'
	last=$size
}

last=0
i=0
who="N is active"
while net_alive fetch && [ $i -lt 100 ]; do
	sleep 0.25
	if [ $i = 10 ]; then
		for net_ns in lan wire back; do
			ip -n $net_ns link set N nomaster
		done
		kill -9 "$(net_pid rsipd_N)" "$(net_pid keepalived_N)"
		died=$(date +%s.%N)
		who="N is dead"
	fi
	if [ -n "$died" ] && [ -z "$took" ] && pair_is M active; then
		took=$(awk -v a="$died" -v b="$(date +%s.%N)" \
		    'BEGIN { printf "%.1f", b - a }')
		who="M is active"
	fi
	show "$who"
	i=$((i + 1))
done
wait "$(net_pid fetch)" || net_fail "the download: $(cat fetch.log)"
net_say
net_same x1.y1 || net_fail "what came is not what y1 has"
[ -n "$took" ] || net_fail "M never became active"
net_ctl rsipd_M leases
net_say
net_say "  x1\$ rsipctl why $NET_Y1"
net_say "    $(net_ctl rsipc_x1 why "$NET_Y1")"
net_say
net_say "M had everything within $took s, under the same ids, ports and SPIs; the download and its keys lived on."
net_say "Shown in $(($(date +%s) - demo_start)) s. Nothing of it is left on this machine."
