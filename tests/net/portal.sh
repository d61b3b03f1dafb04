#!/bin/sh
# portal.sh - a laptop behind a captive portal: the portal is reached, what is paranoid never in the clear, status says it, and once it is passed OE begins by itself
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/oelib.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill tcpdump \
    iptables dnsmasq
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
grep -q 'HAVE_UNBOUND 1' "$NET_TOP/config.h" ||
    net_skip "built without libunbound"
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1

portal=203.0.113.80
shut=198.51.100.30
: >lab.records
: >reverse.records
: >six.records
: >anchors
ip -n y1 address add "$shut/24" dev eth0
ip -n N address add "$portal/32" dev lo
oe_key y1 "$NET_Y1"
oe_key x1 @x1.lab
"$NET_TOP/ctl/rsipctl" dns-records -k y1.pem --id "$NET_Y1" --for "$shut" \
    --type TXT >>reverse.records
oe_zones
oe_zone lab
oe_zone 100.51.198.in-addr.arpa
oe_root
oe_servers
net_web y1
oe_addr_y1=$NET_Y1
oe_daemon y1 "networks = {\"$shut/32\"}"
oe_ready y1

# What the portal answers to whatever is asked for.
mkdir -p nginx.N www.N
echo "log in here" >www.N/index.html
chmod -R a+rX www.N
{
	sed 's/nginx\.y1/nginx.N/g; /server { listen/,$d' nginx.y1.conf
	cat <<-EOT
	  server { listen 80; server_name portal.example; root $NET_RUN/www.N; }
	  server { listen 80 default_server; return 302 http://portal.example/; }
	}
	EOT
} >nginx.N.conf
mkdir -p nginx.N
net_start nginx_N N nginx -p "$NET_RUN" -c "$NET_RUN/nginx.N.conf" -e stderr
net_ready nginx_N 10 net_on N curl -sf -o /dev/null http://portal.example/ \
    --resolve "portal.example:80:$portal"

lan="-s 10.0.0.0/24"
# shellcheck disable=SC2086
net_on N iptables -t nat -A POSTROUTING $lan -o eth0 -j MASQUERADE ||
    net_skip "no NAT in this kernel"
# All names are the portal's; DNS to whomever comes here; web pages, too; and
# nothing else leaves.
# ROUND [OPTION]
# shellcheck disable=SC2086
closed()
{
	net_start "names$1" N dnsmasq -k --conf-file=/dev/null --user=root \
	    --listen-address=10.0.0.1 --bind-interfaces --no-resolv --no-hosts \
	    --address="/#/$portal" --local-ttl=5 --pid-file= $2
	net_on N iptables -t nat -A PREROUTING $lan -p udp --dport 53 -j DNAT \
	    --to-destination 10.0.0.1 &&
	    net_on N iptables -t nat -A PREROUTING $lan -p tcp --dport 80 \
	    -j DNAT --to-destination "$portal" &&
	    net_on N iptables -A FORWARD $lan -j REJECT ||
	    net_skip "no NAT in this kernel"
	net_until 5 net_listens N 53 || net_fail "the portal's names"
}
# shellcheck disable=SC2086
opened()
{
	net_on N iptables -t nat -F PREROUTING
	net_on N iptables -F FORWARD
	net_stop "names$1"
	net_start "opened$1" N dnsmasq -k --conf-file=/dev/null --user=root \
	    --listen-address=10.0.0.1 --bind-interfaces --no-resolv --no-hosts \
	    --server="$NET_DNS" --cache-size=0 --proxy-dnssec --pid-file=
	net_until 5 net_listens N 53 || net_fail "names"
}
says()
{
	net_ctl rsipc_x1 status >says && grep -q "$1" says
}
unsaid()
{
	! says "captive portal"
}
printf 'nameserver 10.0.0.1\n' >resolv.conf
cat >rsipc_x1.conf <<EOT
control = "$NET_RUN/rsipc_x1.sock"
state = ""
oe {
	id = "@x1.lab"
	key = "$NET_RUN/x1.pem"
	state = "$NET_RUN/x1.peers"
	trust-anchor = "$NET_RUN/Kroot.key"
	permissive = {"0.0.0.0/0"}
	paranoid = {"$shut/32"}
}
EOT
OE_SWITCH=lan
oe_sniff N lan.pcap
OE_SWITCH=
# As somebody does who opens a laptop: any page, and then the portal's.
visit()
{
	net_on x1 curl -sS -L --max-time 15 -o page -w '%{url_effective} %{time_total}\n' \
	    "http://$1/" >visited 2>curl.log
}
encrypts()
{
	net_on x1 curl -sf --max-time 3 -o /dev/null -r 0-9 "http://$1/file" &&
	    net_ctl rsipc_x1 why "$1" | grep -q ": encrypted"
}
# ROUND [OPTION]: a portal whose names come with that option of dnsmasq.
round()
{
	closed "$1" "$2"
	net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c "$NET_RUN/rsipc_x1.conf"
	net_ready rsipc_x1 10 net_ctl rsipc_x1 status

	for place in y1.lab "$NET_Y1"; do
		visit "$place" || net_fail "the portal is not reached by $place: $(cat curl.log)
$(net_ctl rsipc_x1 why "$NET_Y1") $(net_ctl rsipc_x1 status)"
		grep -q "log in here" page || net_fail "another page: $(cat page visited)"
		net_ok "http://$place/ shows $(cat visited) s"
	done
	net_on x1 curl -sS --max-time 3 -o page "http://$shut/" 2>curl.log &&
	    net_fail "paranoid, and yet a page: $(cat page)"
	net_until 30 says "captive portal" || net_fail "status: $(cat says)"
	net_ok "status: $(grep "captive portal" says | head -1)"
	net_ctl rsipc_x1 why "$NET_Y1" >why
	net_say "why: $(cat why)"
	grep -q "captive portal" why || net_fail "why: $(cat why)"

	# Passed: with nothing but that.
	opened "$1"
	from=$(date +%s)
	net_until 60 encrypts "$NET_Y1" || net_fail "y1: $(net_ctl rsipc_x1 why "$NET_Y1") $(net_ctl rsipc_x1 status)"
	net_ok "encrypted $(($(date +%s) - from)) s after the portal was passed: $(net_ctl rsipc_x1 why "$NET_Y1")"
	net_until 60 encrypts "$shut" || net_fail "paranoid: $(net_ctl rsipc_x1 why "$shut")"
	net_ok "paranoid: $(net_ctl rsipc_x1 why "$shut")"
	net_until 30 unsaid || net_fail "status: $(cat says)"
	net_stop rsipc_x1
	net_stop "opened$1"
}
# Whatever else is asked for is refused; or there is none of it.
round 1
round 2 --local=/#/
sleep 0.3
clear=$(oe_count lan.pcap "host $NET_Y1 and tcp")
leaks=$(oe_count lan.pcap "host $shut and tcp")
[ "$leaks" = 0 ] && [ "$clear" -gt 0 ] ||
    net_fail "in the clear: $leaks packets of what is paranoid, $clear of what is not"
net_ok "in the clear: $leaks packets of what is paranoid, $clear of what is not"
