#!/bin/sh
# laptop_inward.sh - clear datagrams of IPv4 in the name of a laptop's paranoid prefix: from beyond its router none is heard; forged on its own link they are, and have no answer; after kill -9 alike
. "$(dirname "$0")/lib.sh"
net_needs nsd unbound ldns-keygen ldns-signzone drill ping
net_needs_built rsipd/rsipd rsipc/rsipc ctl/rsipctl
net_enter "$@"
cd "$NET_RUN" || exit 1
net_picture
net_keys
net_zones
net_dns
net_rsipd
# y2 has to be encrypted, y1 need not.
net_rsipc_config x1 "permissive = {\"0.0.0.0/0\"}
	paranoid = {\"$NET_Y2/32\"}" 'state = ""'
net_start rsipc_x1 x1 "$NET_TOP/rsipc/rsipc" -f -c rsipc_x1.conf
net_ready rsipc_x1 15 net_leased rsipc_x1
port=$(net_json rsipc_x1 leases \
    '[int(r["ports"][0].split("-")[0]) + 7 for r in rows if r["ports"]][0]')
[ -n "$port" ] || net_fail "no leased port"

# Says what it hears, and answers.
net_start listener x1 python3 -u -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", int(sys.argv[1])))
print("bound")
while True:
    text, who = s.recvfrom(2000)
    print(text.decode())
    try:
        s.sendto(b"an answer to " + text, who)
    except OSError as e:
        print("no answer:", e)' "$port"
net_ready listener 10 grep -q bound listener.log
# What leaves x1 with an answer in it, encrypted or in a tunnel or not.
net_start watch x1 python3 -u -c '
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 3))
print("watching")
while True:
    frame = s.recv(70000)
    at = frame.find(b"an answer to ")
    if at != -1:
        print(frame[at:].decode())'
net_ready watch 10 grep -q watching watch.log

# HOST TEXT DESTINATION [SOURCE]: a datagram; with a forged source if one is named.
shout()
{
	net_on "$1" python3 -c '
import socket, struct, sys
text, to, port = sys.argv[1].encode(), sys.argv[2], int(sys.argv[3])
if len(sys.argv) == 4:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", 7777))
    s.sendto(text, (to, port))
else:
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    s.sendto(struct.pack("!BBHHHBBH4s4sHHHH", 0x45, 0, 28 + len(text), 0, 0, 64,
        17, 0, socket.inet_aton(sys.argv[4]), socket.inet_aton(to), 7777, port,
        8 + len(text), 0) + text, (to, 0))' "$2" "$3" "$port" ${4+"$4"}
}

heard()
{
	grep -qx "$1" listener.log
}

answered()
{
	grep -q "an answer to $1" watch.log
}

# Each that must not be heard goes before one that is.
shout y2 beyond-paranoid "$NET_NB"
shout y1 beyond-permissive "$NET_NB"
net_until 10 heard beyond-permissive || net_fail "y1 is not heard at the lease"
! heard beyond-paranoid || net_fail "y2 is heard in the clear at the lease"
net_ok "by the lease y1 is heard, and 0 clear datagrams of y2"

shout x2 link-paranoid "$NET_X1" "$NET_Y2"
shout x2 link-permissive "$NET_X1" "$NET_Y1"
net_until 10 heard link-permissive || net_fail "nothing is heard on the link"
got=$(grep -cx link-paranoid listener.log)
shout y1 last "$NET_NB"
net_until 10 answered last || net_fail "the watcher sees no answer"
! answered link-paranoid || net_fail "y2 is answered in the clear"
net_ok "forged on the link in the name of y2: $got of 1 heard, 0 answered"

# A daemon that was killed leaves its program at the link, which nobody vouches for.
at_link()
{
	net_on x1 ping -q -c 2 -i 0.2 -W 2 "$NET_Y1" >/dev/null
	net_on x1 tc filter show dev eth0 ingress | grep -q pass_in
}
left=none
if net_holds rsipc_x1 status '"ebpf" in it["tunnel"]["path"]'; then
	net_until 20 at_link || net_fail "no program at the link"
	left=one
fi
net_stop rsipc_x1 KILL
shout y1 dead-permissive "$NET_NB"
shout y2 dead-paranoid "$NET_NB"
shout x2 dead-link "$NET_X1"
net_until 10 heard dead-link || net_fail "killed: what comes to $NET_X1 is lost"
! heard dead-paranoid || net_fail "killed: y2 is heard in the clear"
! heard dead-permissive || net_fail "killed: something is taken out of a tunnel"
net_on x1 ping -q -c 1 -W 5 10.0.0.1 >/dev/null || net_fail "killed: no way to N"
[ $left = none ] ||
    net_on x1 tc filter show dev eth0 ingress | grep -q pass_in || left="none, it went,"
net_on x1 ip route get "$NET_Y2" 2>&1 | grep -q 'Permission denied' ||
	net_fail "killed: y2 is open"
net_ok "after kill -9, $left of our programs at the link: the laptop's own address is" \
    "reached, nothing comes out of the tunnel, y2 stays shut"
net_say "clear datagrams of a paranoid address that got through: 0 from beyond" \
    "the router, $got of 1 from the link, 0 answers; honest peers lost nothing"
