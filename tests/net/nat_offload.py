# nat_offload.py - the eBPF path: the same packets, the same refusals, and what ends with a binding
import sys
sys.dont_write_bytecode = True
from nat_net import *

fw, r, net, path = begin()
wy, wx = net.wy, net.wx


def programs():
    return net.inside_n("tc filter show dev pub ingress; tc filter show dev prv ingress; "
                        "tc qdisc show dev pub; tc qdisc show dev prv", check=False)


before = programs()
g = Gateway(net, "firewall=" + fw, "queues=1", "offload")
if "offloaded_in" not in g.status():
    if "Permission denied" in g.errors():      # what the kernel's verifier says
        r.ok(False, g.errors().strip().split("\n")[0])
        r.end()
    print("skipped: " + (g.errors().strip().split("\n")[0] or "built without eBPF"))
    sys.exit(77)
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001,1002" % (X1, NB))
g.say("add 2 1 %s %s ipip ports=20064-20127 spis=2001" % (X2, NB))
arrives, nobody, leaves = path.arrives, path.nobody, path.leaves


def offloaded():
    s = g.status()
    return s["offloaded_in"], s["offloaded_out"]


def twice(fn, packet, host, what, **k):
    """The first packet teaches the kernel, which then does the second."""
    fn(packet, host, what + ", slow path", **k)
    a = offloaded()
    fn(packet, host, what + ", in the kernel", **k)
    b = offloaded()
    side = 0 if fn == arrives else 1
    r.ok(b[side] == a[side] + 1, what + " was forwarded by eBPF: %s -> %s" % (a, b))


twice(arrives, esp(Y, NB, 0x1001), X1, "ESP by SPI")
twice(arrives, esp(Y, NB, 0x2001), X2, "ESP of the second host")
twice(arrives, ah(Y, NB, 0x1002), X1, "AH by SPI")
twice(arrives, udp(Y, NB, 53, 20000, b"to x1"), X1, "UDP by port", check=lambda o, i: i.df == o.df)
twice(arrives, tcp(Y, NB, 80, 20127, 0x10, b"x" * 1000, df=True), X2, "TCP by port",
      check=lambda o, i: o.df)
twice(arrives, udp(Y, NB, 5000, 20000, b"marked", tos=0xb9), X1, "DSCP and ECN",
      check=lambda o, i: o.tos == i.tos == 0xb9)
twice(leaves, esp(NB, Y, 0x9001), X1, "ESP out")
twice(leaves, udp(NB, Y, 20001, 80, b"from x1"), X1, "UDP out",
      check=lambda p: p.ident != 7)      # what may be fragmented has an id of the gateway's
twice(leaves, udp(NB, Y, 20001, 80, b"whole", df=True), X1, "UDP out that must not be fragmented",
      check=lambda p: p.ident == 7)
twice(leaves, tcp(NB, Y, 20070, 80, 0x10, b"y" * 1200), X2, "TCP out")

# What the kernel must leave to the daemon
a = offloaded()
arrives(udp(Y, NB, 53, 20000, b"last hop but one", ttl=2), X1, "TTL 2 arrives")
nobody(udp(Y, NB, 53, 20000, b"last hop", ttl=1), "TTL 1 reaches nobody")
leaves(udp(NB, Y, 20001, 80, b"congested", tos=2), X1, "congestion of the tunnel is told inside",
       tos=3, check=lambda p: p.tos & 3 == 3)
nobody(tunnel(X2, udp(NB, Y, 20001, 80, b"from x1")),
       "another host cannot use an offloaded flow", wx, wy)
nobody(tunnel(X1, udp(NB, Y, 20001, 80, b"from x1"), gw=NA),
       "a tunnel cannot begin on the public side", wy, wy)
wy.drain()
wy.send(udp(Y, NB, 53, 20000, b"z" * 1460, df=True))
p = wy.recv(lambda p: p.proto == ICMP and p.payload[:2] == b"\3\4")
r.ok(p is not None and struct.unpack("!H", p.payload[6:8])[0] == 1480,
     "too big with DF: the sender is told 1480")
for f in fragments(udp(Y, NB, 53, 20000, b"f" * 600, ident=99), 304):
    wy.send(f)
p = wx.recv(lambda p: p.proto == IPIP and b"f" * 200 in p.raw)
r.ok(p is not None and p.dst == X1, "fragments arrive by the slow path")
leaves(ike(NB, Y, 0x1111111111111111), X1, "IKE of the first host leaves")
leaves(ike(NB, Y, 0x2222222222222222), X2, "IKE of the second host, the same ports, leaves")
arrives(ike(Y, NB, 0x1111111111111111, 7), X1, "IKE by its cookie to the first host")
arrives(ike(Y, NB, 0x2222222222222222, 7), X2, "IKE by its cookie to the second host")

# Segments that a card or a sender's kernel joined, and checksums left to a card
def cut(packet, mss, count, **k):
    """What comes out at the host where the gateway's card cuts nothing."""
    wx.drain()
    before = offloaded()[0]
    wy.send_joined(packet, mss, **k)
    got = []
    for i in range(count):
        p = wx.recv(lambda p: p.proto == IPIP and p.inner().dst == NB)
        if p is None:
            break
        got.append(p)
    return got, offloaded()[0] - before


def seen(packets):
    """All that must be the same, and whether each checksum is right."""
    out = []
    for o in packets:
        i = o.inner()
        pseudo = i.raw[12:20] + struct.pack("!BBH", 0, i.proto, len(i.payload))
        out.append((o.src, o.dst, o.tos, o.df, o.total, i.ttl, i.df, i.tos, i.total,
                    i.payload[:16], i.payload[18:], csum(pseudo + i.payload) == 0,
                    o.good(), i.good()))
    return out


def cards(words):
    net.inside_n("ethtool -K prv " + words)


big = bytes(range(250)) * 20
cards("tx off tso off tx-ipxip4-segmentation off")
for what, packet, mss, count, k in (
        ("a TCP packet without its sum", tcp(Y, NB, 81, 20064, 0x10, b"s" * 900, df=True), 1400, 1, {}),
        ("five joined segments", tcp(Y, NB, 82, 20064, 0x18, big, df=True), 1000, 5, {}),
        ("segments that may be fragmented", tcp(Y, NB, 83, 20064, 0x10, big), 1250, 4, {}),
        ("DSCP and ECN on segments", tcp(Y, NB, 84, 20064, 0x10, big, tos=0xb9, df=True), 1250, 4, {}),
        ("the longest segments that pass", tcp(Y, NB, 85, 20064, 0x10, big, df=True), 1440, 4, {}),
        ("a UDP packet without its sum", udp(Y, NB, 86, 20064, b"u" * 99), 1400, 1, {"udp": True})):
    slow, by = cut(packet, mss, count, **k)
    fast, by2 = cut(packet, mss, count, **k)
    r.ok(by == 0 and len(slow) == count and by2 == count, what + " by eBPF: %d of %d" % (by2, count))
    r.ok(seen(fast) == seen(slow) and all(s[-1] and s[-2] and s[-3] for s in seen(fast)),
         what + ": as on the slow path, sums right")
packet = udp(Y, NB, 86, 20064, big)
slow, by = cut(packet, 1000, 5, udp=True)
r.ok(by == 0 and len(slow) == 5, "joined UDP goes the slow way: %d came" % len(slow))
cards("tx on tso on tx-ipxip4-segmentation on")
whole, by = cut(tcp(Y, NB, 82, 20064, 0x18, big, df=True), 1000, 1)
r.ok(by == 5 and len(whole) == 1 and whole[0].inner().payload[20:] == big,
     "where the card cuts tunnels the segments stay joined: %d bytes" % (whole[0].total if whole else 0))
wy.drain()
wy.send_joined(tcp(Y, NB, 85, 20064, 0x10, big, df=True), 1441)
p = wy.recv(lambda p: p.proto == ICMP and p.payload[:2] == b"\3\4")
r.ok(p is not None and struct.unpack("!H", p.payload[6:8])[0] == 1480,
     "segments one byte too long with DF: the sender is told 1480")

# A binding that ends takes its flows along; the next owner gets its own packets
g.say("remove 1 1")
nobody(esp(Y, NB, 0x1001), "a freed SPI reaches nobody at once")
nobody(udp(Y, NB, 53, 20000, b"to x1 no more"), "a freed port reaches nobody at once")
nobody(tunnel(X1, udp(NB, Y, 20001, 80, b"from x1")), "a freed port cannot be sent from", wx, wy)
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001" % (X3, NB))
twice(arrives, esp(Y, NB, 0x1001), X3, "the next owner's ESP")
twice(arrives, udp(Y, NB, 53, 20000, b"to x3"), X3, "the next owner's UDP")

# Bulk: nothing is lost, and nearly all of it stays in the kernel
a = offloaded()[0]
wx.drain()
pkt = esp(Y, NB, 0x2001, b"bulk" * 64)
for i in range(1000):
    wy.send(pkt)
    if i % 50 == 0:
        time.sleep(0.005)
n = 0
while wx.recv(lambda p: p.proto == IPIP and b"bulkbulk" in p.raw, 2):
    n += 1
r.ok(n == 1000 and offloaded()[0] - a >= 990, "1000 packets: %d came, %d by eBPF" % (n, offloaded()[0] - a))
print(json.dumps(g.status()))

# A daemon that dies without a word: its map is dead seconds later
os.kill(g.p.pid, signal.SIGKILL)
g.p.wait()
time.sleep(4)
nobody(esp(Y, NB, 0x2001), "killed: nothing is forwarded on its word")
r.ok(programs() == before, "killed: no program stays")
g = Gateway(net, "firewall=" + fw, "queues=1", "offload")
nobody(esp(Y, NB, 0x2001), "the next one begins with nothing")
g.say("add 2 1 %s %s ipip ports=20064-20127 spis=2001" % (X2, NB))
twice(arrives, esp(Y, NB, 0x2001), X2, "and goes on from there")
r.ok(g.stop() == 0, "the gateway ends")
r.ok(programs() == before, "no program stays: " + programs())
r.end()
