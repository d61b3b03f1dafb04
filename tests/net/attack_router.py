# attack_router.py - what a host on the private side, and a stranger, may not do because a gateway runs on the router
# Shows: RFC 3102 §2.
import sys
sys.dont_write_bytecode = True
from nat_net import *

fw, r, net, path = begin()
wy, wx = net.wy, net.wx
RSIP = 4555
GUEST, GUEST_N = "10.9.0.5", "10.9.0.1"      # another inside network of the router
BEHIND = "10.8.0.5"                          # routed to the private side, not its network

# --- the router: another inside network, strict source checks, a network behind a neighbour
guest = net.guest(GUEST, GUEST_N)
run("ip -n %s route add 10.8.0.0/24 dev prv" % net.n)
run("ip -n %s neigh add %s lladdr %s dev prv" % (net.n, BEHIND, json.loads(
    run("ip -j -n %s link show eth0" % net.x))[0]["address"]))
run("ip -n %s route add default via %s" % (net.n, Y))
net.inside_n("echo 1 > /proc/sys/net/ipv4/ip_forward; "
             "for i in prv pub grd; do echo 1 > /proc/sys/net/ipv4/conf/$i/rp_filter; done")
wg = Wire(guest, "eth0", net.mac("grd"))
net.ping(guest, GUEST, GUEST_N)

FORGED = ["203.0.113.9", "198.51.100.77", GUEST, "192.0.2.1", "10.77.0.1"]


def seen(wire, mark, timeout=0.7):
    """How many different packets with mark in them come out of a wire."""
    got = set()
    while True:
        p = wire.recv(lambda p: mark in p.raw, timeout)
        if p is None:
            return len(got)
        got.add(p.src)


def forged_leave():
    wy.drain()
    for a in FORGED:
        wx.send(udp(a, Y, 4000, 4242, b"forged source"))
    return seen(wy, b"forged source")


def forged_enter():
    """From outside, with addresses of the inside."""
    wx.drain()
    wg.drain()
    for a in (GUEST, X3, NA, BEHIND):
        wy.send(udp(a, NB, 53, 20000, b"forged outside"))
        wy.send(udp(a, GUEST, 53, 53, b"forged outside"))
    return seen(wx, b"forged outside") + seen(wg, b"forged outside")


r.ok(forged_leave() == 0, "without a gateway no forged datagram leaves")

g = Gateway(net, "firewall=" + fw, "queues=2", "rsip=%d" % RSIP)
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001" % (X1, NB))
g.say("add 2 1 %s %s ipip ports=20064-20127 spis=2001" % (X2, NB))

n = forged_leave()
r.ok(n == 0, "forged datagrams of the private side that left: %d of %d" % (n, len(FORGED)))
n = forged_enter()
r.ok(n == 0, "forged datagrams of the public side that came in: %d of 8" % n)

# --- what comes out of a tunnel -------------------------------------------------------


def listen(ns, addr, port):
    with Inside(ns):
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        t = socket.create_server((addr, port))
    u.bind((addr, port))
    u.settimeout(0.7)
    t.settimeout(0.7)
    return u, t


def heard(sock):
    try:
        return sock.recv(2000)
    except TimeoutError:
        return b""


def refused(packet, what, wire=None, sock=None, code=13):
    """Not seen where it was to go; the host hears of it in its tunnel."""
    wx.drain()
    if wire is not None:
        wire.drain()
    wx.send(tunnel(X1, packet))
    mark = Ip(packet).payload[:8]
    p = wx.recv(lambda p: p.proto == IPIP and p.dst == X1 and p.inner().proto == ICMP and
                mark in p.raw, 5)
    through = (wire is not None and
               wire.recv(lambda p: p.proto in (UDP, TCP) and mark in p.raw, 0.5) is not None
               or sock is not None and heard(sock) != b"")
    r.ok(not through, what + (": came through" if through else ": does not pass"))
    r.ok(p is not None and p.inner().payload[:2] == bytes((3, code)),
         "  and the host is told: %r" % (p and p.inner()))


na, _ = listen(net.n, NA, 53)
gn, _ = listen(net.n, GUEST_N, 53)
nb, nbt = listen(net.n, NB, RSIP)
rsip, rsipt = listen(net.n, NA, RSIP)
refused(udp(NB, GUEST, 20000, 53, b"to the guests"), "out of a tunnel to another inside network", wg)
refused(udp(NB, X3, 20000, 53, b"to a neighbour"), "to a neighbour", wx)
refused(udp(NB, BEHIND, 20000, 53, b"to one behind"), "to a network behind a neighbour", wx)
refused(udp(NB, NA, 20000, 53, b"to the gateway"), "to the gateway's private address", None, na)
refused(udp(NB, GUEST_N, 20000, 53, b"to the router"), "to another address of the router", None, gn)
refused(udp(NB, NA, 20000, RSIP, b"RSIP in a tunnel"), "RSIP out of a tunnel", None, rsip)
refused(udp(NB, NB, 20000, RSIP, b"RSIP in a tunnel"), "RSIP at the public address, out of a tunnel",
        None, nb)
wx.drain()
wx.send(tunnel(X1, tcp(NB, NB, 20000, RSIP)))
p = wx.recv(lambda p: p.proto == IPIP and p.dst == X1, 5)
r.ok(p is not None and p.inner().proto == ICMP, "by TCP too: %r" % (p and p.inner()))

# --- the operator's rules ------------------------------------------------------------------
if fw == "iptables":
    deny = "iptables -A FORWARD -d %s -j DROP; iptables -A FORWARD -d %s -j DROP" % (Y2, X2)
else:
    deny = ("nft add table ip op; nft add chain ip op f \"{ type filter hook forward priority 0; }\"; "
            "nft add rule ip op f ip daddr { %s, %s } drop" % (Y2, X2))
net.inside_n(deny)
# As soon as ours have been put back behind it.
path.nobody(tunnel(X1, udp(NB, Y2, 20000, 80, b"denied by the operator")),
            "the operator's FORWARD rule is honoured: out", wx, wy, soon=20)
path.nobody(esp(Y, NB, 0x2001), "the operator's FORWARD rule is honoured: in", soon=20)
path.leaves(udp(NB, Y, 20000, 80, b"not denied"), X1, "what it does not name leaves")
path.arrives(esp(Y, NB, 0x1001), X1, "what it does not name arrives")
if fw == "iptables":
    net.inside_n("iptables -P FORWARD DROP; iptables -I FORWARD -d %s -j ACCEPT" % GUEST)
    # Somebody's rule before ours: ours are put before it again.
    path.nobody(tunnel(X1, udp(NB, GUEST, 20000, 53, b"on the way")),
                "a rule before ours", wx, wg, soon=20)
    refused(udp(NB, GUEST, 20000, 53, b"let through"), "a rule that lets all go to the guests", wg)
    path.leaves(udp(NB, Y, 20001, 80, b"by default"), X1, "policy DROP: what no rule named leaves")
    path.arrives(esp(Y, NB, 0x1001, b"by default"), X1, "policy DROP: what no rule named arrives")
    net.inside_n("iptables -P FORWARD ACCEPT; iptables -D FORWARD -d %s -j ACCEPT" % GUEST)

# --- who may speak RSIP ---------------------------------------------------------------------


def asks(wire, src, dst=NA):
    """(UDP, TCP): did RSIP's socket get a message, and did the router answer a SYN."""
    wire.drain()
    wire.send(udp(src, dst, 4000, RSIP, b"RSIP " + src.encode()))
    got = heard(rsip)
    wire.send(tcp(src, dst, 4001, RSIP))
    return got != b"", wire.recv(lambda p: p.proto == TCP and p.dst == src and
                                 p.payload[13] & 0x12 == 0x12, 0.7) is not None


r.ok(asks(wx, X3) == (True, True), "RSIP from the private network is heard")
through = [a for a, w in ((BEHIND, wx), ("203.0.113.9", wx), (GUEST, wx), (GUEST, wg), (Y, wy),
                          (X3, wy)) if asks(w, a) != (False, False)]
r.ok(not through, "RSIP from foreign sources that was heard: %d of 6 %s" % (len(through), through))

# --- the honest --------------------------------------------------------------------------------
path.arrives(udp(Y, NB, 53, 20000, b"an answer"), X1, "an RSIP host's answers arrive")
path.leaves(tcp(NB, Y, 20070, 80), X2, "an RSIP host's packets leave")
r.ok(net.ping(net.x, X3, Y), "a plain host is masqueraded")
r.ok(net.ping(net.x, X3, NA), "the gateway answers a plain host")
with Inside(guest):
    c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
c.bind((GUEST, 4000))
c.sendto(b"guest's own", (Y, 4242))
r.ok(wy.recv(lambda p: p.src == GUEST and b"guest's own" in p.raw) is not None,
     "the other network is forwarded as before")
net.inside_n("ip route del default")
wy.drain()
wx.send(udp("10.8.0.9", Y, 4000, 4242, b"routed by a neighbour"))
r.ok(wy.recv(lambda p: p.src == "10.8.0.9" and p.payload[8:] == b"routed by a neighbour") is not None,
     "hosts behind a neighbour are forwarded as before")
r.ok(g.stop() == 0, "the gateway ends")

g = Gateway(net, "firewall=" + fw, "rsip=%d" % RSIP, "host=10.8.0.0/24")
r.ok(asks(wx, BEHIND)[0], "a network that the configuration names may speak RSIP")
r.ok(asks(wx, "203.0.113.9") == (False, False), "but no other")
g.stop()
r.end()
