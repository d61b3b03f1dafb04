#!/bin/sh
# gro.sh - cards that join what they receive into large segments: at the laptops, the gateway and the servers
#
# veth has NAPI, and so joins as a card does, where its peer cannot take
# segments: then what crosses is what a wire carries.
. "$(dirname "$0")/lib.sh"
net_needs curl nginx ethtool ping
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
net_picture

# LINK HOST INTERFACE: a cable whose host's end joins.
joins()
{
	net_on "$1" ethtool -K "$2" tso off >>ethtool.log 2>&1 &&
	    net_on "$2" ethtool -K "$3" tso off gro on >>ethtool.log 2>&1 ||
	    net_skip "veth does not join here: $(tail -1 ethtool.log)"
	# Packets that come one by one are joined as well.
	net_on "$2" sh -c "mount -t sysfs none /sys && echo 200000 >/sys/class/net/$3/gro_flush_timeout"
}
joins wire N eth0
joins wire y2 eth0
joins lan x1 eth0
joins lan x2 eth0
# The gateway's port in the LAN has the gateway's name too.
joins lan N eth1

net_web y2
net_rsipd
for host in x1 x2; do
	net_rsipc_clear "$host" "listen = {\"2808${host#x}\"}"
done

# shellcheck disable=SC2034	# net_fetch() looks there
NET_FETCH_TIME=20
# The proof that they do: more than a wire carries, in a tunnel to x1.
net_start joined x1 timeout 60 tcpdump -ni eth0 -c 1 \
    'ip proto 4 and greater 3000'
net_ready joined 10 grep -q listening joined.log
net_fetch x1 "$NET_Y2" x1.y2 && net_same x1.y2 ||
    net_fail "a download: $(cat x1.y2.log) $(net_on x1 nstat -az TcpInCsumErrors)"
net_ok "10 MB down in the clear: $(cat x1.y2.time)"
net_fetch_both "$NET_Y2" both || net_fail "two downloads: $(cat x?.both.log)"
net_ok "10 MB to two laptops at once: $(cat x1.both.time x2.both.time)"
net_until 5 grep -q '1 packet captured' joined.log ||
    net_fail "nothing was joined: $(cat joined.log)"
net_ok "x1's card joined segments inside the tunnel"
net_start serve x1 python3 -m http.server -d www 28081
net_ready serve 10 net_on x1 curl -sf -o /dev/null -r 0-9 \
    http://127.0.0.1:28081/file
net_fetch y2 "$NET_NB:28081" up && net_same up || net_fail "from x1: $(cat up.log)"
net_ok "10 MB up in the clear: $(cat up.time)"
