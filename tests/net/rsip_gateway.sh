#!/bin/sh
# rsip_gateway.sh - a host written from the RFCs alone drives rsipd: every exchange and error, TCP and UDP
. "$(dirname "$0")/lib.sh"
net_rsip_enter "$@"

# Many hosts on one laptop: each test takes addresses that nobody used yet.
python3 -c '
for n in range(20, 255): print("address add 10.0.0.%d/24 dev eth0" % n)' |
    ip -n x1 -batch - || net_fail "addresses"
# For good: the table of neighbours is the whole machine's, and small.
mac=$(ip -n x1 -o link show eth0 | sed "s/.*ether \([^ ]*\).*/\1/")
python3 -c '
import sys
for n in range(20, 255):
    print("neigh replace 10.0.0.%d lladdr %s dev eth1 nud permanent"
          % (n, sys.argv[1]))' "$mac" |
    ip -n N -batch - || net_fail "neighbours"
printf 'between x1 and N' >secret
chmod 600 secret

# As many as QUERY can tell: its longest answer.
many=$(for n in $(seq 100 129); do printf ', "10.%d.0.0/24"' "$n"; done)
far=$(for n in $(seq 1 31); do printf ', "192.168.%d.0/24"' "$n"; done)
lines='
limits { neighbour-registrations = 4096 }
resolvers = {"10.0.0.11"}
local-networks = {"10.0.0.0/24", "10.20.60.0/24"'"$many"'}
remote-networks = {"203.0.113.0/24"'"$far"'}
pool "198.51.100.2" { exclusive = true }
pool "198.51.100.3" { exclusive = true }
pool "198.51.100.5" { ports = {"30000-30007"} }
addresses = {"198.51.100.1", "198.51.100.2", "198.51.100.3"}
network "10.0.0.96/30" { addresses = {"198.51.100.3"} }
network "10.0.0.128/28" { remote-policy = "macro"
	remote-allowed = {"198.51.100.10/32", "198.51.100.20/32"} }
network "10.0.0.144/28" { remote-policy = "micro"
	remote-allowed = {"198.51.100.10/32 80-443"} }
network "10.0.0.160/28" { local-policy = "micro" }
network "10.0.0.176/28" { require-auth = true secret = "secret" key-id = 9 }
network "10.0.0.192/29" { secret = "secret" key-id = 9 }
network "10.0.0.200/29" { registration-time = 1 lease-time = 1 lease-max = 4 }
network "10.0.0.208/28" { addresses = {"198.51.100.5"} }
network "10.0.0.224/29" { register-allowed = false }
network "10.0.0.232/29" { ipsec-allowed = false listen-allowed = false
	rsa-ip-allowed = false }
network "10.0.0.240/29" { max-ports = 8 max-spis = 4 max-bindings = 3 }
network "10.0.0.248/29" { tunnels = {"ipip"} }'
net_rsipd "$lines"
failed=0
net_on x1 python3 "$NET_HERE/rsip_gateway.py" || failed=1
net_on x1 python3 "$NET_HERE/rsip_gateway_wire.py" || failed=1
net_on x1 python3 "$NET_HERE/rsip_gateway_data.py" || failed=1

# Another gateway in its place: no UDP, nothing optional, its tunnels end elsewhere.
# The one before has no time to tell its hosts, and this one knows nothing of them.
net_on x1 python3 "$NET_HERE/rsip_gateway_plain.py" --before || failed=1
net_stop rsipd KILL
NET_LEASES=
net_rsipd '
udp = false
listen-allowed = false
ipsec-allowed = false
tunnel-endpoint = "10.0.0.2"'
net_on x1 python3 "$NET_HERE/rsip_gateway_plain.py" || failed=1
[ "$failed" = 0 ] || exit 1
net_ok "an independent host and rsipd understand each other"
