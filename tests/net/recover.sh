#!/bin/sh
# recover.sh - a killed rsipc is forgotten at lease end; rsipc gets over a restarted rsipd within seconds
. "$(dirname "$0")/lib.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"

# HOST: true while the gateway has a lease for it.
leased_to()
{
	net_ctl rsipd leases --json | grep -q "\"$1\""
}

fetches()
{
	NET_FETCH_TIME=$2 net_fetch "$1" "$NET_Y1" "$NET_RUN/$1.again" &&
	    net_same "$NET_RUN/$1.again"
}

NET_LEASE=6
NET_REGISTRATION=6
net_all
fetches x1 30 || net_fail "no transfer before anything happens"
leased_to "$NET_X1" && leased_to "$NET_X2" || net_fail "no leases at first"

net_stop rsipc_x2 KILL
leased_to "$NET_X2" || net_fail "the lease did not outlive its client"
killed=$(date +%s)
gone()
{
	! leased_to "$NET_X2"
}
net_until 15 gone || net_fail "a killed client is never forgotten"
net_ok "a killed rsipc is forgotten after $(($(date +%s) - killed)) s" \
    "(lease: $NET_LEASE s)"
leased_to "$NET_X1" || net_fail "the living client's lease went too"

# The kernel lets go of the killed client's devices; it may come again.
net_rsipc x2
fetches x2 30 || net_fail "no transfer by the client that came again"
net_ok "it comes again and transfers"

old=$(net_ctl rsipc_x1 leases --json)
net_stop rsipd KILL
net_rsipd
started=$(date +%s)
net_until 15 leased_to "$NET_X1" || net_fail "x1 does not register again"
net_until 15 leased_to "$NET_X2" || net_fail "x2 does not register again"
net_ok "both register again $(($(date +%s) - started)) s after a crash of" \
    "rsipd"
net_alive rsipc_x1 && net_alive rsipc_x2 || net_fail "an rsipc ended"
fetches x1 30 || net_fail "x1 cannot transfer after the restart: $old," \
    "then $(net_ctl rsipc_x1 leases --json)"
fetches x2 30 || net_fail "x2 cannot transfer after the restart"
net_ok "transfers work after it"

net_stop rsipd
net_rsipd
net_until 15 leased_to "$NET_X1" || net_fail "x1 does not register after TERM"
fetches x1 30 || net_fail "x1 cannot transfer after an orderly restart"
net_ok "an orderly restart too"
