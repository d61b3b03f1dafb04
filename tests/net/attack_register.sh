#!/bin/sh
# attack_register.sh - 1 000 forged registrations a second take nothing from an honest host, nor do a host's own users
. "$(dirname "$0")/lib.sh"
net_needs_built rsipc/rsipc
net_rsip_enter "$@"
gateway_mac=$(ip -n N -o link show eth1 | sed 's/.*ether \([^ ]*\).*/\1/')

milliseconds()
{
	echo "$(($(date +%s%N) / 1000000))"
}

# TRANSPORT: how long until a lease is there; rsipc goes on.
lease_time()
{
	# Nobody answers questions to DNS here.
	printf 'state = ""\ncontrol = "%s/rsipc_x1.sock"\ntransport = "%s"\n%s\n' \
	    "$NET_RUN" "$1" 'oe { clear = {"0.0.0.0/0"} }' >rsipc.conf
	begun=$(milliseconds)
	net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc.conf
	until net_leased rsipc_x1 2>/dev/null; do
		[ "$(($(milliseconds) - begun))" -lt 15000 ] ||
		    net_fail "no lease within 15 s by $1"
		sleep 0.02
	done
	took=$(($(milliseconds) - begun))
}

# NAME: of rsipd's status
count()
{
	net_json rsipd status 'dict(it, **it["transport"])[words[0]]' "$1"
}

NET_REGISTRATION=60
net_rsipd
for udp in tcp udp; do
	lease_time "$udp"
	eval "quiet_$udp=$took"
	net_stop rsipc_x1
done

flood()
{
	exec nsenter --net=/run/netns/x2 python3 \
	    "$NET_HERE/attack_register.py" flood 12 1000 "$gateway_mac"
}
(flood) >flood.out 2>&1 &
flood=$!
sleep 2
lease_time udp
stormy_udp=$took
net_stop rsipc_x1
lease_time tcp
stormy_tcp=$took
lost=$(net_on x1 ping -qc 20 -i 0.1 -I rsip0 "$NET_Y2" |
    sed -n 's/.* \([0-9]*\)% packet loss.*/\1/p')
registrations=$(count registrations)
wait "$flood" || net_fail "the flood: $(cat flood.out)"
net_leased rsipc_x1 || net_fail "the honest lease is gone"
# shellcheck disable=SC2154
net_ok "$(cat flood.out); $registrations registrations of 4096; an honest \
lease took $stormy_tcp ms by TCP ($quiet_tcp quiet), $stormy_udp by UDP \
($quiet_udp quiet), and lost $lost % of its pings"
[ "$lost" = 0 ] || net_fail "the honest host lost packets"
[ "$registrations" -lt 600 ] || net_fail "$registrations registrations"

# --- users of the laptop ------------------------------------------------------
id=$(net_json rsipc_x1 leases 'rows[0]["client_id"]')
[ -n "$id" ] || net_fail "root is not told the client ID"
uid=
if setpriv --reuid 12345 --regid 12345 --clear-groups true 2>/dev/null; then
	uid=12345
	setpriv --reuid $uid --regid $uid --clear-groups "$NET_TOP/ctl/rsipctl" \
	    -s "$NET_RUN/rsipc_x1.sock" leases --json >leases ||
	    net_fail "a user may ask for leases"
	python3 "$NET_HERE/answer.py" 'all("bind_id" in r and
	    "client_id" not in r for r in rows) and len(rows)' <leases ||
	    net_fail "a user sees no leases, or the client ID: $(cat leases)"
fi
said=$(net_on x1 python3 "$NET_HERE/attack_register.py" user "$id" $uid) ||
    net_fail "$said"
net_leased rsipc_x1 || net_fail "a user ended the registration"
net_on x1 ping -qc 2 -i 0.2 -I rsip0 "$NET_Y2" >/dev/null ||
    net_fail "a user ended the lease"
net_ok "$said"

# The control: the host itself, killed without a word, is back at once.
net_stop rsipc_x1 KILL
lease_time tcp
net_ok "killed and started again it has its lease after $took ms"
