#!/bin/sh
# rsipc_discover.sh - where the next hop speaks no RSIP, DNS names the gateway; where it does, nobody is asked
. "$(dirname "$0")/lib.sh"
net_needs nsd drill
net_needs_built rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
peer=$NET_HERE/../peer/gateway.py

net_links lan
net_namespaces N G x1
net_cable N eth1 10.0.0.1 lan && net_cable G eth0 10.0.0.2 lan &&
    net_cable x1 eth0 "$NET_X1" lan &&
    ip -n x1 route add default via 10.0.0.1 || net_fail "the cables"
printf '# as DHCP leaves it\nsearch nothing.example HOME.lab.\nnameserver 10.0.0.1\n' \
    >resolv.conf
mount -n --bind resolv.conf "$(readlink -f /etc/resolv.conf)"

# RECORD...: the domain's zone, and who serves it.
dns()
{
	{
		net_zone_head home.lab.
		printf 'ns A 10.0.0.1\ngw A 10.0.0.2\nold A 10.0.0.77\n'
		printf '%s\n' "$@"
	} >zone.home.lab
	cat >nsd.conf <<-EOF
	$(net_nsd_head 10.0.0.1)
	zone:
	  name: home.lab
	  zonefile: zone.home.lab
	EOF
	[ -z "$dns_runs" ] || net_stop nsd
	dns_runs=yes
	net_start nsd N nsd -d -c "$NET_RUN/nsd.conf"
	net_ready nsd 10 net_on N drill @10.0.0.1 gw.home.lab. A
}

# NAMESPACE ADDRESS PORT
gateway()
{
	# It ends when nobody can give it a command any more.
	[ -p commands ] || mkfifo commands
	(exec nsenter --net="/run/netns/$1" python3 "$peer" --address "$2" \
	    --port "$3" <>commands) >gateway.log 2>&1 &
	gateway=$!
	net_until 10 grep -q ready gateway.log || net_fail "no gateway: $(cat gateway.log)"
}

gateway_end()
{
	kill "$gateway"
	wait "$gateway" 2>/dev/null || :
}

# [LINE...]
client()
{
	{
		printf 'state = ""\ncontrol = "%s/rsipc.sock"\n' "$NET_RUN"
		printf '%s\n' "$@"
	} >rsipc.conf
	: >rsipc.log
	net_start rsipc x1 "$NET_TOP/rsipc/rsipc" -d -c rsipc.conf
	net_ready rsipc 10 net_ctl rsipc status
}

leased_from()
{
	net_holds rsipc leases \
	    'any(r["address"].startswith("192.0.2.") for r in rows)' &&
	    net_ctl rsipc status | grep -q "session.gateway *$1\$"
}

# ADDRESS WHAT
must_lease()
{
	net_until 20 leased_from "$1" ||
	    net_fail "$2: $(net_ctl rsipc status | head -n 9; tail -n 20 rsipc.log)"
	net_ok "$2"
	net_stop rsipc
}

# SRV (RFC 2782), and one of lower priority that is not there any more.
gateway G 10.0.0.2 4777
dns '_rsip._tcp SRV 10 5 4777 gw.home.lab.' '_rsip._tcp SRV 1 5 4555 old.home.lab.' \
    'gw A 10.0.0.2'
client
must_lease 10.0.0.2 "SRV: the gateway that DNS names is found, after one that is gone"
grep -q 'port 4777' rsipc.log || net_fail "not by its port"

# The same without a way out but by a lease.
client 'direct = false'
must_lease 10.0.0.2 "direct = false: DNS is asked past the shut device"

# DNS-SD (RFC 6763): an instance with a name of its own, behind an alias.
dns '_rsip._tcp PTR home\032router._rsip._tcp' \
    'home\032router._rsip._tcp SRV 0 0 4777 alias.home.lab.' \
    'home\032router._rsip._tcp TXT ""' 'alias CNAME gw'
client
must_lease 10.0.0.2 "PTR: an instance of the service leads to it"

# What an answer may not do.
dns '_rsip._tcp SRV 0 0 4555 .' '_rsip._tcp PTR nowhere.home.lab.' \
    '_rsip._tcp PTR _rsip._tcp.home.lab.' 'lo A 127.0.0.1' \
    '_rsip._tcp SRV 0 0 4777 lo.home.lab.' '_rsip._tcp SRV 0 0 0 gw.home.lab.'
client
sleep 3
net_alive rsipc || net_fail "it ended"
grep -q 'DNS names' rsipc.log && net_fail "found: $(grep 'DNS names' rsipc.log)"
net_ctl rsipc status >status.out
grep -q "no RSIP gateway here" status.out &&
    grep -q '^session.gateway *10\.0\.0\.1$' status.out ||
    net_fail "status: $(net_ctl rsipc status)"
net_ok "\"no service\", loops, loopback and port 0 lead nowhere"
net_stop rsipc

dns '_rsip._tcp SRV 0 0 4777 gw.home.lab.'
client 'discover = false'
sleep 2
grep -q 'DNS names' rsipc.log && net_fail "discover = false asks"
net_ok "discover = false: only the next hop"
net_stop rsipc
gateway_end

# The next hop comes first, and then nothing is asked.
gateway N 10.0.0.1 4555
client
must_lease 10.0.0.1 "a next hop that speaks RSIP is taken"
grep -q 'DNS names' rsipc.log && net_fail "DNS was asked though"

# One that refuses is as good as none.
gateway_end
gateway G 10.0.0.2 4777
net_start refuses N python3 "$NET_HERE/../peer/any_gateway.py" \
    --address 10.0.0.1 --habit REGISTER=refuse
net_ready refuses 10 grep -q ready refuses.log
client
must_lease 10.0.0.2 "a next hop that registers nobody gives way to one that does"
gateway_end
