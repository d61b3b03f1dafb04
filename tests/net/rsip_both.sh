#!/bin/sh
# rsip_both.sh - rsipc and rsipd together in the ways that the other tests do not take: UDP, GRE, secrets, cookies, policy, restarts
# Shows: RFC 3102 §1.2.
. "$(dirname "$0")/lib.sh"
net_needs nginx curl
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
net_enter "$@"
net_picture
cd "$NET_RUN" || exit 1
net_web y2
printf 'between x1 and N, both' >secret
chmod 600 secret

# [LINE...]: rsipc on x1 with that configuration, until it has a lease.
client()
{
	{
		printf 'state = ""\ncontrol = "%s/rsipc.sock"\n' "$NET_RUN"
		printf '%s\n' "$@"
	} >rsipc.conf
	net_start rsipc x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc.conf
	net_ready rsipc 15 leased
}

leased()
{
	net_leases rsipc address "$NET_NB"
}

# TITLE: a page from y2 comes through, from the leased address.
fetch()
{
	# A port from before the lease, in its first moment, is refused.
	net_on x1 curl -sf -m 20 --retry 2 --retry-all-errors -o page \
	    "http://$NET_Y2/file" || net_fail "$1: no page"
	cmp -s page www/file || net_fail "$1: another page"
	net_holds rsipd flows 'any(r["host"] == words[0] for r in rows)' "$NET_X1" ||
	    net_fail "$1: no flow of x1 at the gateway"
	net_ok "$1: 10 MB as they are on the server"
}

# KIND: of the tunnel of one of the gateway's leases.
tunnelled()
{
	net_leases rsipd tunnel "$1" ||
	    net_fail "no lease with $1: $(net_ctl rsipd leases --json)"
}

net_rsipd 'client "10.0.0.11" { secret = "secret" key-id = 9 require-auth = true }'
client 'transport = "udp"' 'tunnel = "gre"' 'cookies = 4' 'secret = "secret"' \
    'key-id = 9' 'require-auth = true' 'name = "x1.lab"'
tunnelled GRE
fetch "UDP, GRE, signed messages, negotiated cookies"

# The gateway crashes; counters, leases and routes must come again.
net_stop rsipd KILL
net_rsipd 'client "10.0.0.11" { secret = "secret" key-id = 9 require-auth = true }'
forgotten()
{
	net_on x1 curl -sf -m 2 -o /dev/null -r 0-9 "http://$NET_Y2/file"
}
net_until 40 forgotten || net_fail "a signed session does not survive a restart"
fetch "after the gateway's crash"
net_stop rsipc
none_left()
{
	net_holds rsipd leases 'all(r["host"] != words[0] for r in rows)' "$NET_X1"
}
net_until 5 none_left || net_fail "leases stay after rsipc left"
net_ok "rsipc leaves nothing leased"

# A host with the wrong secret gets nothing.
printf 'another secret, another' >wrong
chmod 600 wrong
printf 'state = ""\ncontrol = "%s/rsipc.sock"\nsecret = "wrong"\nkey-id = 9\n' "$NET_RUN" \
    >rsipc.conf
net_start rsipc x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc.conf
net_until 10 grep -q REGISTRATION_DENIED rsipc.log ||
    net_fail "a wrong secret is not refused"
net_stop rsipc
: >rsipc.log
net_ok "a wrong secret: REGISTRATION_DENIED"
net_stop rsipd

# One port at a time, and RSAP-IP only.
net_rsipd 'local-policy = "micro"
ipsec-allowed = false
tunnels = {"ipip"}'
client 'tunnel = "gre"'
tunnelled IP-IP
# A program's port in the first moment of a lease is from before it, and may be refused.
net_until 20 net_on x1 curl -sf -m 10 -o page "http://$NET_Y2/file" ||
    net_fail "local micro-flow policy: no page"
net_ok "local micro-flow policy, IP-IP where GRE was asked for"
net_stop rsipc
net_stop rsipd

# Remote flow policy: each remote side is named when a program asks for it.
for policy in macro micro; do
	net_rsipd "remote-policy = \"$policy\""
	printf 'state = ""\ncontrol = "%s/rsipc.sock"\n' "$NET_RUN" >rsipc.conf
	net_start rsipc x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc.conf
	net_until 10 grep -q 'registered as client' rsipc.log ||
	    net_fail "$policy: no registration"
	fetched()
	{
		net_on x1 curl -sf -m 5 -o page "http://$NET_Y2/file" &&
		    cmp -s page www/file &&
		    net_holds rsipd leases 'words[0] in str(rows)' "$NET_Y2"
	}
	net_until 20 fetched || net_fail "remote $policy policy: no page"
	net_holds rsipd status '"FLOW_POLICY_VIOLATION" not in it.get("errors", {})' ||
	    net_fail "remote $policy policy: asked without a remote"
	net_ok "remote $policy-flow policy: leased for y2 when it was asked for"
	net_stop rsipc
	net_stop rsipd
	: >rsipc.log
done

# UDP is switched off: rsipc takes TCP.
net_rsipd 'udp = false'
client 'transport = "udp"'
fetch "USE_TCP"
net_stop rsipc
net_stop rsipd
net_ok "rsipc and rsipd agree"
