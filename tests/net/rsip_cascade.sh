#!/bin/sh
# rsip_cascade.sh - a gateway behind a gateway: what rsipc leased from N, rsipd on the same machine leases on
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/laptoplib.sh"
net_needs_built rsipc/rsipc
net_rsip_enter "$@"

# x1 becomes a router with a network of its own, where h lives.
net_namespace h || net_fail "no namespace h"
ip link add name eth1 netns x1 type veth peer name eth0 netns h &&
    ip -n x1 address add 10.1.0.1/24 dev eth1 &&
    ip -n x1 link set eth1 up &&
    ip -n h address add 10.1.0.2/24 dev eth0 &&
    ip -n h link set eth0 up &&
    ip -n h route add default via 10.1.0.1 &&
    net_on x1 sysctl -qw net.ipv4.ip_forward=1 || net_fail "h's cable"

NET_LEASE=60
net_rsipd
cat >rsipc_x1.conf <<-EOT
control = "$NET_RUN/rsipc_x1.sock"
state = ""
gateway = "10.0.0.1"
ports = 32
spis = 8
cascade = true
EOT
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c "$NET_RUN/rsipc_x1.conf"
net_ready rsipc_x1 15 net_leased rsipc_x1
cat >child.conf <<-EOT
parent = "$NET_RUN/rsipc_x1.sock"
private-interface = "eth1"
control = "$NET_RUN/child.sock"
leases = "${NET_STORE:+$NET_RUN/child.mdb}"
lease-time = 3600
napt = false
EOT
net_start child x1 "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/child.conf"
net_ready child 10 net_ctl child status
net_start echo y2 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 9999))
while True:
    data, to = s.recvfrom(65535)
    s.sendto(("%s:%d" % to).encode(), to)'
net_until 5 net_listens y2 9999 || net_fail "no echo on y2"
net_ctl rsipc_x1 leases --json >parent.json || net_fail "rsipc's leases"
net_on h python3 "$NET_HERE/rsip_cascade.py" "$NET_RUN/parent.json" ||
    exit 1

# The parent's lease is another: its hosts follow.
cat >rsipc_h.conf <<-EOT
control = "$NET_RUN/rsipc_h.sock"
state = ""
ports = 16
spis = 0
# Nobody answers questions to DNS here.
oe { clear = {"0.0.0.0/0"} }
EOT
laptop_echo y2
net_start rsipc_h h "$NET_TOP/rsipc/rsipc" -f -c "$NET_RUN/rsipc_h.conf"

# ADDRESS: true once h has leased it, and is answered.
h_has()
{
	net_leases rsipc_h address "$1" && laptop_answered h "$NET_Y2"
}

net_until 15 h_has "$NET_NB" || net_fail "h has no lease"
net_start udp h python3 "$LAPTOP_GAP" udp "$NET_Y2" 7007
sleep 1

# WHAT ADDRESS
follows()
{
	net_gap udp >/dev/null
	net_rsipd_config "" | sed "s/^pool \"[^\"]*/pool \"$2/" >rsipd.conf
	net_ctl rsipd reload >/dev/null || net_fail "N does not read its file"
	net_until 20 h_has "$2" || net_fail "$1: h: $(net_ctl rsipc_h status)"
	silent=$(net_gap udp) || exit 1
	awk "BEGIN { exit !($silent <= 5) }" ||
	    net_fail "$1: $silent s of silence"
	net_say "| $1 | $silent s | within 5 s |"
}
follows "the parent leases another address" 198.51.100.8
follows "and its first one again" "$NET_NB"
grep -q 'restart rsipd' child.log && net_fail "a restart is asked for"
net_stop udp
net_stop rsipc_h

# When the parent goes, nothing can be leased on any more.
net_stop rsipc_x1
net_alive child || net_fail "the gateway died with its rsipc"
net_ok "a gateway behind a gateway leases on what it has leased"
