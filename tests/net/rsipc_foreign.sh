#!/bin/sh
# rsipc_foreign.sh - behind a gateway that is broken or not for us a laptop uses the network as if rsipc was not there
# Shows: RFC 3103 §7.2, §9.7.3, §9.9.3.
. "$(dirname "$0")/lib.sh"
net_needs curl nginx
net_needs_built rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
PYTHONPATH=$NET_HERE/../peer
export PYTHONPATH

# A router without RSIP: y2 knows the way back.
net_links lan wire
net_namespaces N y2
net_cable N eth0 "$NET_NB" wire && net_cable y2 eth0 "$NET_Y2" wire &&
    net_cable N eth1 10.0.0.1 lan &&
    ip -n y2 route add 10.0.0.0/24 via "$NET_NB" &&
    net_on N sysctl -qw net.ipv4.ip_forward=1 || net_fail "the cables"
net_web y2
prefix=198.51.100.32/27		# paranoid: nobody there, and nothing may get there

# NAME WHY OPTION...: a laptop and its gateway; WHY: what status must say.
cases=
number=0
laptop()
{
	name=$1
	number=$((number + 1))
	cases="$cases $name"
	eval "why_$name=\$2"
	shift 2
	net_namespace "$name" &&
	    net_cable "$name" eth0 "10.0.0.$((20 + number))" lan &&
	    ip -n "$name" route add default via 10.0.0.1 &&
	    ip -n N address add "10.0.0.$((120 + number))/24" dev eth1 ||
	    net_fail "$name"
	net_start "gateway_$name" N python3 "$NET_HERE/../peer/any_gateway.py" \
	    --address "10.0.0.$((120 + number))" --log "$@"
	cat >"$name.conf" <<-END
	gateway = "10.0.0.$((120 + number))"
	control = "$NET_RUN/$name.sock"
	state = ""
	oe {
		id = "@x.lab"
		state = ""
		resolvers = {"$NET_Y2"}
		dns-timeout = 300
		permissive = {"0.0.0.0/0"}
		paranoid = {"$prefix"}
	}
	END
}

reached()
{
	net_on "$1" curl -sf -m 2 -o /dev/null -r 0-999 "http://$NET_Y2/file"
}

# A program that wants y2's page all the time.
cat >talk.py <<-EOF
import socket, time
while True:
    try:
        s = socket.create_connection(("$NET_Y2", 80), 2)
        s.sendall(b"HEAD /file HTTP/1.0\\r\\n\\r\\n")
        print("reached" if s.recv(9).startswith(b"HTTP/1") else "lost", flush=True)
        s.close()
    except OSError as e:
        print("lost", e, flush=True)
    time.sleep(0.3)
EOF

paranoid=$NET_HERE/attack_paranoid.py
laptop errors 'refuses' --habit REGISTER=refuse
laptop noise 'is not RSIP|no answer' --habit REGISTER=noise
laptop policy 'leases nothing' --policy 1 1 --habit ASSIGN=refuse
laptop unheard 'leases nothing' --policy 1 2 --habit ASSIGN=silent
laptop other 'leases nothing' --policy 1 1 --habit ASSIGN=other-remote
laptop useless 'nothing comes back' --policy 1 2
laptop mute 'nothing comes back' --policy 1 3
laptop silent 'nothing comes back' --policy 1 3 --habit EXTEND=silent \
    --habit QUERY=silent
begun=$(date +%s)
for name in $cases; do
	net_ready "gateway_$name" 10 grep -q ready "gateway_$name.log"
	reached "$name" || net_fail "$name: y2 is not reached without rsipc"
	net_start "watch_$name" "$name" python3 "$paranoid" watch --net "$prefix" \
	    --out "$name.clear" --links eth0
	net_ready "watch_$name" 10 grep -q watching "watch_$name.log"
	: >"$name.clear"
	net_start "rsipc_$name" "$name" "$NET_TOP/rsipc/rsipc" -d -c "$name.conf"
done
for name in $cases; do
	net_ready "rsipc_$name" 10 net_ctl "$name" status
	net_start "flood_$name" "$name" python3 "$paranoid" flood \
	    --target 198.51.100.40 --links eth0 --sources 127.0.0.1
	net_start "talk_$name" "$name" python3 talk.py
done

# Whom a gateway captures it must first be given up for: six cases at once.
captured()
{
	for name in policy unheard other useless mute silent; do
		grep -q 'request ASSIGN' "gateway_$name.log" || return 1
	done
}
net_until 20 captured || net_fail "not all gateways were asked for a lease"

# NAME: reached, five times running, and status says why.
free()
{
	[ "$(tail -n 5 "talk_$1.log" | grep -c reached)" = 5 ] &&
	    net_ctl "$1" status | grep 'in the clear: ' |
	    grep -Eq "$(eval echo "\"\$why_$1\"")"
}
for name in $cases; do
	net_until 60 free "$name" || net_fail "$name: $(net_ctl "$name" status |
	    head -n 12; net_on "$name" ip rule; tail -n 5 "rsipc_$name.log")"
	net_ok "$name: $(net_ctl "$name" status | grep -m 1 'in the clear')"
done
net_ok "plain traffic flows through all after $(($(date +%s) - begun)) s"
is_denied()
{
	net_ctl "$1" why 198.51.100.40 | grep -q denied
}
for name in $cases; do
	net_alive "flood_$name" || net_fail "$name: the flood ended"
	[ "$(wc -l <"$name.clear")" = 0 ] ||
	    net_fail "$name: $(head -n 3 "$name.clear")"
	# Held in between, while DNS is asked once more.
	net_until 10 is_denied "$name" ||
	    net_fail "$name: why: $(net_ctl "$name" why 198.51.100.40)"
done
# What is left of the lease's connections brings no second end about.
for name in $cases; do
	[ "$(grep -c 'going on without it' "rsipc_$name.log")" -le 1 ] ||
	    net_fail "$name: given up again: $(grep without "rsipc_$name.log")"
done
net_ok "paranoid prefixes stayed shut: 0 clear datagrams"

for name in $cases; do
	net_stop "rsipc_$name"
	reached "$name" || net_fail "$name: not without rsipc"
done
net_ok "and after the end of rsipc as well"
