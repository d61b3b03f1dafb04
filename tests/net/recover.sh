#!/bin/sh
# recover.sh - a killed rsipc is forgotten at lease end; rsipc gets over a restarted rsipd within seconds
. "$(dirname "$0")/lib.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"

# HOST: true while the gateway has a lease for it.
leased_to()
{
	net_leases rsipd host "$1"
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

# --- killed and started again before its keeper has put things back ----------------
# What rsipc sets is x1's port range: the leased ports while it has a lease.
range()
{
	net_on x1 sysctl -n net.ipv4.ip_local_port_range | tr '\t' ' '
}
leased=$(range)
keepers=$(ip netns pids x1 | grep -Fx "$(pgrep -x rsipc-keeper)")
[ -n "$keepers" ] || net_fail "no process keeps x1's settings"
# shellcheck disable=SC2086
kill -STOP $keepers
net_stop rsipc_x1 KILL
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c "$NET_RUN/rsipc_x1.conf"
net_ready rsipc_x1 15 net_leased rsipc_x1
# shellcheck disable=SC2086
kill -CONT $keepers
old_gone()
{
	! pgrep -x rsipc-keeper | grep -qFx "$keepers"
}
net_until 10 old_gone || net_fail "the old keeper stays"
fetches x1 30 || net_fail "x1 cannot transfer after its rsipc was killed"
sleep 1
[ "$(range)" = "$leased" ] || net_fail "the old keeper took the new one's" \
    "settings: $(range), leased are $leased"
net_stop rsipc_x1
[ "$(range)" = "32768 60999" ] || net_fail "x1's ports stay $(range)"
net_rsipc x1
net_ok "a new rsipc waits for the keeper of the one that was killed"

# The kernel checks sources strictly before rsipd, which must then be so again.
net_stop rsipd
strict="net.ipv4.conf.eth0.rp_filter net.ipv4.conf.eth1.rp_filter"
# shellcheck disable=SC2086
for net_job in $strict; do
	net_on N sysctl -qw "$net_job=1"
done
settings()
{
	# shellcheck disable=SC2086
	net_on N sysctl -n $strict | tr '\n' ' '
}
before=$(settings)
net_rsipd
net_until 15 leased_to "$NET_X1" || net_fail "x1 does not register"
[ "$(settings)" != "$before" ] || net_fail "rsipd leaves the check strict"
keepers=$(pgrep -x rsip-rules)
[ -n "$keepers" ] || net_fail "no process keeps rules"
# shellcheck disable=SC2086
kill -STOP $keepers
net_stop rsipd KILL
: >"$NET_RUN/rsipd.log"
net_start rsipd N "$NET_TOP/rsipd/rsipd" -f -c "$NET_RUN/rsipd.conf" \
    -p "$NET_RUN/rsipd.pid"
net_until 2 net_ctl rsipd status && early=" (it did not wait)" || early=
# shellcheck disable=SC2086
kill -CONT $keepers
net_ready rsipd 25 net_ctl rsipd status
net_until 15 leased_to "$NET_X1" || net_fail "x1 does not register$early"
fetches x1 30 || net_fail "x1 cannot transfer$early"
sleep 2.5
! grep -q 'changed or removed' "$NET_RUN/rsipd.log" ||
    net_fail "the old keeper took the new one's rules$early"
[ "$(settings)" != "$before" ] || net_fail "the old keeper took the new one's settings$early"
net_stop rsipd INT
[ "$(settings)" = "$before" ] ||
    net_fail "settings were $before, now they stay $(settings)$early"
net_ok "a new rsipd waits for the keeper of the one that was killed"
