#!/bin/sh
# oe_ports.sh - two laptops without a name behind one gateway and one address, told apart by the ports that they lease
#
# Each asks for SAs for its blocks of ports; y1's oed knows whose a flow is before
# it hears anything of it: what it begins itself to a leased port is encrypted to
# who leased that.
. "$(dirname "$0")/lib.sh"
net_needs curl nginx nsd unbound ldns-keygen ldns-signzone drill
net_needs_built rsipd/rsipd rsipc/rsipc oe/oed ctl/rsipctl
net_enter "$@"
# shellcheck disable=SC2034  # lib.sh uses it
NET_KEYLESS=yes

why()
{
	net_ctl "rsipc_$1" why "$NET_Y1"
}

# HOST: the second port of its lease: the kernel prefers the even ones for
# connections, so no fetch has left it busy.
second_port()
{
	# Of a block: a port leased on demand has no second.
	net_json "rsipc_$1" leases '1 + min(int(lo) for r in rows for lo, hi in __import__("re").findall("([0-9]+)-([0-9]+)", str(r["ports"])) if int(lo) < int(hi))'
}

# HOST: waits on a leased port for a line.
listen_on()
{
	net_on "$1" timeout 20 python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", int(sys.argv[1])))
s.listen(1)
print("ready", flush=True)
c = s.accept()[0]
print(c.recv(64).decode(), flush=True)
' "$2" >"$NET_RUN/$1.heard" 2>&1 &
}

tell()
{
	net_on y1 timeout 10 python3 -c '
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 8)
s.sendall(sys.argv[3].encode())
s.close()
' "$NET_NB" "$1" "$2"
}

net_picture
net_keys
net_zones
net_dns
net_web y1
net_oed y1
net_rsipd
net_rsipc x1 "paranoid = {\"$NET_Y1\"}"
net_rsipc x2 "paranoid = {\"$NET_Y1\"}"
net_sniff
net_fetch_both "$NET_Y1" file || net_fail "$(cat "$NET_RUN"/x?.file.log
    why x1; why x2)"
for host in x1 x2; do
	net_same "$NET_RUN/$host.file" || net_fail "$host's file is not whole"
	why $host | grep -q 'encrypted with .* for [0-9]* of our ports (IKEv2' ||
	    net_fail "$host: $(why $host)"
	net_ok "$host, 10 MB at the same moment: $(cat "$NET_RUN/$host.file.time")"
	net_ok "$(why $host | sed 's/, because.*//')"
done

# Both pairs of SAs are y1's, for ports that have nothing in common.
net_json oed_y1 sa '"; ".join(sorted(r["flow"] for r in rows if r.get("flow")))' \
    >"$NET_RUN/flows"
net_ok "y1 has: $(cat "$NET_RUN/flows")"
net_holds oed_y1 sa 'len({r["flow"] for r in rows if r.get("flow")}) == 2' ||
    net_fail "y1: $(net_ctl oed_y1 sa)"

# y1 begins: to a port of x2's that nothing was ever sent from, then to x1's.
for host in x2 x1; do
	port=$(second_port $host)
	listen_on $host "$port"
	net_until 10 grep -q "^ready" "$NET_RUN/$host.heard" ||
	    net_fail "$host does not listen: $(cat "$NET_RUN/$host.heard")"
	tell "$port" "for $host" || net_fail "y1 does not reach $host"
	net_until 10 grep -q "for $host" "$NET_RUN/$host.heard" ||
	    net_fail "$host heard: $(cat "$NET_RUN/$host.heard")"
done
net_ok "y1 began to a port of each: encrypted to whose it is"
net_sniff_end
python3 "$NET_HERE/wire.py" only --file "$NET_RUN/wire.pcap" \
    --address "$NET_Y1" UDP ESP ||
    net_fail "something went in the clear"
