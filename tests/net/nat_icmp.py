# nat_icmp.py - ICMP errors, path MTU both ways, fragments, DSCP and ECN, TTL, packets between hosts
# Shows: RFC 3103 §9.16.3; RFC 3102 §3.1, §6.2, §6.3.
import sys
sys.dont_write_bytecode = True
import threading
from nat_net import *

fw, r, net, path = begin()
wy, wx = net.wy, net.wx
arrives, nobody, leaves = path.arrives, path.nobody, path.leaves
g = Gateway(net, "firewall=" + fw, "queues=2")
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001,1002" % (X1, NB))
g.say("add 2 1 %s %s ipip ports=20064-20127 spis=2001" % (X2, NB))
g.say("add 3 1 %s %s gre ports=20128-20191 spis=3001" % (X3, NB))
HOP = "198.51.100.77"        # a router beyond, which sends errors


def big(n, **k):
    """A UDP packet of n bytes from Y for X1."""
    return udp(Y, NB, 53, 20000, bytes(i % 251 for i in range(n - 28)), **k)


# --- errors about what hosts sent -------------------------------------------------
for host, packet, name in (
        (X1, esp(NB, Y, 0x9001), "ESP"), (X2, esp(NB, Y, 0x9002), "ESP of the other host"),
        (X1, ah(NB, Y, 0x9003), "AH"), (X1, ike(NB, Y, 0x11), "IKE"),
        (X2, ike(NB, Y, 0x22, sport=4500, dport=4500, marker=b"\0" * 4), "IKE at 4500"),
        (X1, udp(NB, Y, 4500, 4500, struct.pack("!II", 0x9004, 1) + b"esp in udp"), "ESP in UDP"),
        (X2, udp(NB, Y, 20064, 53, b"question"), "UDP"), (X1, tcp(NB, Y, 20001, 80), "TCP"),
        (X2, echo(NB, Y, 99), "an echo request")):
    leaves(packet, host, name + " leaves")
    for typ, code, mtu, n in ((3, 4, 1400, 28), (3, 1, 0, 60), (11, 0, 0, 36)):
        if n < 60 and (b"esp in udp" in packet or "IKE" in name):
            n = 56            # a cookie or SPI lies beyond the first eight bytes
        arrives(error(HOP, NB, packet, typ, code, mtu, n), host,
                "  error %d/%d about it comes back" % (typ, code))
nobody(error(HOP, NB, esp(NB, Y, 0x9999), 3, 4, 1400), "an error about ESP that nobody sent: nobody")
nobody(error(HOP, NB, esp(NB, Y2, 0x9001), 3, 4, 1400), "an error naming another peer: nobody")
nobody(error(HOP, NB, udp(NB, Y, 20500, 53, b"")), "an error about a port nobody leased: nobody")
nobody(error(HOP, NB, esp(Y, NB, 0x1001)), "an error quoting an inbound packet: nobody")

# --- errors that hosts send ----------------------------------------------------------
leaves(error(NB, Y, udp(Y, NB, 53, 20000, b"unwanted")), X1, "a host's port unreachable leaves")
nobody(tunnel(X2, error(NB, Y, udp(Y, NB, 53, 20000, b"unwanted"))),
       "not about another host's port", wx, wy)
time.sleep(1)                # one of a kind a second is told

leaves(echo(NB, Y, 98), X1, "a ping leaves")
arrives(echo(Y, NB, 98, True), X1, "its reply comes back")
leaves(error(NB, Y, echo(Y, NB, 98, True), 11), X1, "a host's time exceeded about a ping's reply leaves")
nobody(tunnel(X2, error(NB, Y, echo(Y, NB, 98, True), 11)),
       "not about another host's ping", wx, wy)
g.say("status")
told = [l for l in g.misuses if "addrport" in l]
r.ok(told == ["misuse %s addrport 2 1" % X2],
     "of all these errors only the one about another's port is misuse: %r" % g.misuses)

# --- TTL -------------------------------------------------------------------------------
wy.drain()
wy.send(esp(Y, NB, 0x1001, ttl=1))
p = wy.recv(lambda p: p.proto == ICMP and p.payload[0] == 11)
r.ok(p is not None and p.src == NB and Ip(p.payload[8:]).payload[:4] == b"\0\0\x10\x01",
     "TTL 1 inbound: time exceeded to the sender")
wx.drain()
wx.send(tunnel(X1, udp(NB, Y, 20000, 53, b"traceroute", ttl=1)))
p = wx.recv(lambda p: p.proto == IPIP and p.dst == X1)
i = p and p.inner()
r.ok(i is not None and i.proto == ICMP and i.payload[0] == 11 and i.dst == NB and
     b"traceroute" in i.payload, "TTL 1 outbound: time exceeded into the host's tunnel")

# --- path MTU --------------------------------------------------------------------------
for host, kind, port, head in ((X1, IPIP, 20000, 20), (X3, GRE, 20128, 24)):
    name = "IP-IP" if kind == IPIP else "GRE"
    wy.drain()
    wy.send(udp(Y, NB, 53, port, b"d" * (1500 - head - 28 + 1), df=True))
    p = wy.recv(lambda p: p.proto == ICMP and p.payload[0] == 3)
    r.ok(p is not None and p.payload[1] == 4 and p.payload[6:8] == struct.pack("!H", 1500 - head)
         and p.src == NB and csum(p.payload) == 0,
         name + ": DF and one byte too big: the sender is told %d" % (1500 - head))
    arrives(udp(Y, NB, 53, port, b"d" * (1500 - head - 28), df=True), host,
            name + ": DF and just right arrives", kind, lambda p, i: p.df and i.df)
    wx.drain()
    wy.send(udp(Y, NB, 53, port, bytes(i % 251 for i in range(1472))))
    parts = []
    while sum(len(p.payload) for p in parts) < 1500 + head - 20:
        p = wx.recv(lambda p: p.proto == kind and p.dst == host)
        if p is None:
            break
        parts.append(p)
    whole = b"".join(p.payload for p in sorted(parts, key=lambda p: p.frag))
    whole = whole[4:] if kind == GRE else whole
    r.ok(len(parts) == 2 and len({p.ident for p in parts}) == 1 and
         Ip(whole).payload[8:] == bytes(i % 251 for i in range(1472)),
         name + ": too big without DF: the tunnel packet is fragmented")

net.inside_n("ip link set pub mtu 1400")
run("ip -n %s link set eth0 mtu 1400" % net.y)
time.sleep(1.2)
wx.drain()
wx.send(tunnel(X2, udp(NB, Y, 20064, 53, b"o" * 1420, df=True)))
p = wx.recv(lambda p: p.proto == IPIP and p.dst == X2)
i = p and p.inner()
r.ok(i is not None and i.proto == ICMP and i.payload[:2] == b"\3\4" and
     i.payload[6:8] == struct.pack("!H", 1400), "outbound DF too big: the host is told 1400 in its tunnel")
wx.drain()
wx.send(tunnel(X2, esp(NB, Y, 0x9002, b"o" * 1420, df=True)))
p = wx.recv(lambda p: p.proto == IPIP and p.dst == X2)
i = p and p.inner()
r.ok(i is not None and i.proto == ICMP and i.payload[:2] == b"\3\4" and
     Ip(i.payload[8:]).proto == ESP, "the same with ESP")
wy.drain()
wx.send(tunnel(X2, udp(NB, Y, 20064, 53, b"o" * 1420)))
a = wy.recv(lambda p: p.proto == UDP)
b = wy.recv(lambda p: p.proto == UDP)
r.ok(a is not None and b is not None and len(a.payload) + len(b.payload) == 1428,
     "outbound without DF: fragmented on the public wire")
net.inside_n("ip link set pub mtu 1500")
run("ip -n %s link set eth0 mtu 1500" % net.y)
time.sleep(1.2)

# --- fragments ---------------------------------------------------------------------------
def whole_arrives(parts, host, want, what):
    wx.drain()
    for f in parts:
        wy.send(f)
    got, p = [], None
    while True:
        p = wx.recv(lambda p: p.proto == IPIP and p.dst == host, 5)
        if p is None:
            break
        got.append(p)
        if not p.mf and sum(len(q.payload) for q in got) == p.frag + len(p.payload):
            break
    b = b"".join(p.payload for p in sorted(got, key=lambda p: p.frag))
    r.ok(len(b) > 20 and Ip(b).payload == want, what + ("" if b else ": nothing"))


def with_df(f):
    f = f[:6] + bytes((f[6] | 0x40,)) + f[7:10] + b"\0\0" + f[12:]
    return f[:10] + struct.pack("!H", csum(f[:20])) + f[12:]


e = esp(Y, NB, 0x1001, bytes(i % 241 for i in range(1000)), ident=31)
f = fragments(e, 400)
whole_arrives([f[2], f[0], f[1]], X1, e[20:], "ESP in three fragments out of order arrives")
e = esp(Y, NB, 0x2001, bytes(i % 241 for i in range(3900)), ident=32)
whole_arrives(fragments(e, 1304), X2, e[20:], "a large ESP packet in fragments arrives")
e = udp(Y, NB, 53, 20064, bytes(i % 241 for i in range(4000)), ident=33)
whole_arrives([with_df(f) for f in fragments(e, 1304)], X2, e[20:], "fragments with DF arrive")
e = ike(Y, NB, 0x11, 5, data=bytes(2000), ident=34)
whole_arrives(fragments(e, 1304), X1, e[20:], "a large IKE message in fragments arrives")


def datagrams_leave(parts, want, what):
    """Sent on the private wire, all of want (whole packets) must come out, each whole, with
    an id of its own."""
    wy.drain()
    for f in parts:
        wx.send(f)
    got, whole = {}, []
    while len(whole) < len(want):
        p = wy.recv(lambda p: p.src == NB and p.dst == Y and p.proto in (UDP, ESP), 5)
        if p is None:
            break
        got.setdefault((p.proto, p.ident), []).append(p)
        of = sorted(got[p.proto, p.ident], key=lambda p: p.frag)
        if not of[-1].mf and sum(len(q.payload) for q in of) == of[-1].frag + len(of[-1].payload):
            whole.append(b"".join(q.payload for q in of))
    r.ok(sorted(whole) == sorted(w[20:] for w in want) and len(got) == len(want),
         what + ("" if len(whole) == len(want) else ": %d of %d" % (len(whole), len(want))))


o = udp(NB, Y, 20001, 53, bytes(i % 239 for i in range(2500)), ident=35)
datagrams_leave([tunnel(X1, f) for f in fragments(o, 1304)], [o], "a host's fragments leave")
datagrams_leave(fragments(tunnel(X1, o, ident=36), 1304), [o],
                "a tunnel packet that was fragmented leaves")
f = [tunnel(X1, p) for p in fragments(o, 504)]
datagrams_leave(f[::-1], [o], "a host's fragments in reverse order leave")
datagrams_leave(f[:2] + f[1:] + f[:1], [o], "so do fragments of which some came twice")
o2 = udp(NB, Y, 20064, 53, bytes(i % 233 for i in range(2500)), ident=35)
f2 = [tunnel(X2, p) for p in fragments(o2, 504)]
datagrams_leave([p for pair in zip(f, f2) for p in pair], [o, o2],
                "two hosts' fragments with one IP id, mixed: both whole, ids apart")
o3 = esp(NB, Y, 0x9001, bytes(i % 229 for i in range(3000)), ident=35)
datagrams_leave([tunnel(X1, p) for p in fragments(o3, 1304)][::-1], [o3], "ESP in fragments leaves")
a, b = fragments(udp(NB, Y, 20000, 53, bytes(64), ident=41), 32)[:2]
wy.drain()
for p in (a, ip(NB, Y, UDP, struct.pack("!HH", 20064, 53) + bytes(36), ident=41, frag=0, mf=True), b):
    wx.send(tunnel(X1, p))
r.ok(wy.recv(lambda p: p.src == NB and p.proto == UDP, 1) is None,
     "fragments that overlap leave not at all")
nobody(tunnel(X1, fragments(udp(NB, Y, 20064, 53, bytes(64), ident=40), 32)[1]),
       "a later fragment alone does not leave", wx, wy)

# --- DSCP and ECN (RFC 6040) ----------------------------------------------------------------
for tos, name in ((0xb8, "DSCP EF"), (0x02, "ECT(0)"), (0x01, "ECT(1)"), (0x03, "CE")):
    arrives(esp(Y, NB, 0x1001, tos=tos), X1, name + " is on both headers inbound",
            check=lambda p, i, tos=tos: p.tos == tos and i.tos == tos)
for outer, inner, want in ((0, 0xb8, 0xb8), (0x48, 0xb8, 0xb8), (3, 2, 3), (3, 1, 3), (2, 2, 2),
                           (1, 2, 1), (0, 3, 3)):
    leaves(udp(NB, Y, 20000, 53, b"ecn%d%d" % (outer, inner), tos=inner), X1,
           "outbound %#x in %#x leaves as %#x" % (inner, outer, want),
           check=lambda p, want=want: p.tos == want, tos=outer)
nobody(tunnel(X1, udp(NB, Y, 20000, 53, b"ecn drop", tos=0), tos=3),
       "congestion marked on a packet that cannot say so: dropped", wx, wy)

# --- between two hosts -----------------------------------------------------------------------
wx.drain()
wx.send(tunnel(X1, udp(NB, NB, 20000, 20064, b"neighbour", tos=2), tos=3))
p = wx.recv(lambda p: p.proto == IPIP and p.dst == X2)
i = p and p.inner()
r.ok(i is not None and i.payload[8:] == b"neighbour" and i.ttl == 63 and i.tos == 3 and i.good(),
     "a packet for another host's port goes into that host's tunnel")
wx.send(tunnel(X2, esp(NB, NB, 0x1001)))
p = wx.recv(lambda p: p.proto == IPIP and p.dst == X1)
r.ok(p is not None and p.inner().proto == ESP, "so does ESP")


def told(packet, host, code, typ, what, mtu=None):
    """Sent by host in its tunnel: an ICMP error comes back in its tunnel, and nothing else."""
    wx.drain()
    for f in fragments(tunnel(host, packet, ident=77), 1304):
        wx.send(f)
    mark = Ip(packet).payload[:8]
    p = wx.recv(lambda p: p.proto == IPIP and mark in p.raw, 5)
    i = p and p.inner()
    r.ok(i is not None and p.dst == host and i.proto == ICMP and i.payload[:2] == bytes((typ, code))
         and i.good() and csum(i.payload) == 0 and
         (mtu is None or i.payload[6:8] == struct.pack("!H", mtu)), what + ": %r" % i)


told(udp(NB, NB, 20000, 20500, b"to nobody"), X1, 3, 3, "to a port nobody leased: port unreachable")
told(esp(NB, NB, 0x7777), X1, 13, 3, "ESP that nobody owns: prohibited")
told(udp(NB, NB, 20000, 20064, b"last hop", ttl=1), X1, 0, 11, "TTL 1 to another host: time exceeded")
told(udp(NB, NB, 20000, 20064, bytes(1460), df=True), X1, 4, 3,
     "DF and too big for another host's tunnel: told 1480", 1480)

# --- real TCP over a 1400-byte hop -------------------------------------------------------------
# Z lives behind a router R whose two routes are 1400 bytes wide, X1 is a real TCP/IP stack
# behind a TUN.  Path MTU discovery has to work in both directions through the tunnel.
Z = "203.0.113.10"



def add_far_side():
    rn, zn = net.n[:-1] + "r", net.n[:-1] + "z"
    atexit.register(lambda: [subprocess.run(["ip", "netns", "del", n]) for n in (rn, zn)])
    for n in (rn, zn):
        run("ip netns add " + n)
    run("ip -n %s link add r1 type veth peer name eth0 netns %s" % (rn, zn))
    # N's public side is one interface: R takes Y's place on it.
    run("ip -n %s link set eth0 down" % net.y)
    run("ip -n %s addr flush dev eth0" % net.y)
    run("ip -n %s link set eth0 netns %s" % (net.y, rn))
    run("ip -n %s addr add 198.51.100.2/24 dev eth0" % rn)
    run("ip -n %s addr add 203.0.113.1/24 dev r1" % rn)
    run("ip -n %s addr add %s/24 dev eth0" % (zn, Z))
    for n, d in ((rn, "eth0"), (rn, "r1"), (zn, "eth0")):
        run("ip -n %s link set %s up" % (n, d))
    run("ip -n %s route add default via 203.0.113.1" % zn)
    run("ip -n %s route add 203.0.113.0/24 via 198.51.100.2" % net.n)
    run("ip netns exec %s sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'" % rn)
    run("ip -n %s route replace 203.0.113.0/24 dev r1 mtu lock 1400" % rn)
    run("ip -n %s route replace 198.51.100.0/24 dev eth0 mtu lock 1400" % rn)
    return zn


if os.path.exists("/dev/net/tun"):
    zn = add_far_side()
    net.laptop(X1, NB, "203.0.113.0/24")
    run("ip netns exec %s sh -c 'echo 20000 20063 > /proc/sys/net/ipv4/ip_local_port_range'" % net.x)
    blob = os.urandom(1 << 21)
    with Inside(zn):
        server = socket.create_server((Z, 80))

    def serve():
        c = server.accept()[0]
        got = b""
        while len(got) < len(blob):
            d = c.recv(1 << 16)
            if not d:
                break
            got += d
        c.sendall(got)
        c.close()
    threading.Thread(target=serve, daemon=True).start()
    with Inside(net.x):
        c = socket.create_connection((Z, 80), 20)
    c.settimeout(60)
    start, got = time.time(), b""
    try:
        c.sendall(blob)
        sent = time.time()
        while len(got) < len(blob):
            d = c.recv(1 << 16)
            if not d:
                break
            got += d
    except TimeoutError:
        pass
    r.ok(got == blob, "2 MB by TCP each way over a 1400-byte hop: %.2f s and %.2f s" %
         (sent - start, time.time() - sent) if got == blob else
         "TCP over a 1400-byte hop: %d of %d bytes came back" % (len(got), len(blob)))
    snmp = [l.split() for l in run("ip netns exec %s cat /proc/net/snmp" % zn).splitlines()
            if l.startswith("Tcp:")]
    tcp_says = dict(zip(snmp[0][1:], snmp[1][1:]))
    # Path MTU discovery itself costs a few; lost GSO segments would be a third.
    r.ok(int(tcp_says["RetransSegs"]) < int(tcp_says["OutSegs"]) // 10,
         "of %s segments %s were sent again" % (tcp_says["OutSegs"], tcp_says["RetransSegs"]))
    print(json.dumps(g.status()))
else:
    print("skipped: TCP over a 1400-byte hop (no /dev/net/tun)")
r.ok(g.stop() == 0, "the gateway ends")
r.end()
