# nat_offload.py - the eBPF path: the same packets, the same refusals, and what ends with a binding
import sys
sys.dont_write_bytecode = True
from nat_corpus import *

fw, r, net, path = begin()
wy, wx = net.wy, net.wx


def programs():
    return net.inside_n("for i in pub prv; do tc filter show dev $i ingress; tc filter show dev $i egress; done; "
                        "tc qdisc show dev pub; tc qdisc show dev prv; ip -br link show type veth", check=False)


UNJUDGED, JUDGED = "ebpf, nfqueue for what is judged or learnt", "nfqueue and the router's rules, then ebpf"


def goes_by(g, way):
    end = time.time() + 20
    while g.status()["path"] != way and time.time() < end:
        time.sleep(0.05)
    return g.status()["path"] == way


def start(*more):
    g = Gateway(net, "firewall=" + fw, "queues=1", "remote-pool=" + W, *more)
    if "offload" in more and "offloaded_in" in g.status():
        r.ok(goes_by(g, UNJUDGED), "the router has no rules of its own: " + g.status()["path"])
    return g


def cut(packet, mss, count, **k):
    """What comes out at the host where the gateway's card cuts nothing."""
    wx.drain()
    try:
        wy.send_joined(packet, mss, **k)
    except OSError:
        return None         # UDP, before Linux 6.2
    got = []
    for i in range(count):
        p = wx.recv(lambda p: p.proto == IPIP and p.inner().dst == NB)
        if p is None:
            break
        got.append(p)
    return got


def seen(packets, ident=True):
    """All that must be the same, and whether each checksum is right; ident: also of what must not be fragmented, of
    which it says nothing (RFC 6864 section 4.1)."""
    out = []
    for o in packets:
        i = o.inner() or o
        pseudo = i.raw[12:20] + struct.pack("!BBH", 0, i.proto, len(i.payload))
        out.append((o.src, o.dst, o.tos, o.df, o.total, i.ttl, i.df, i.tos, i.total,
                    i.payload[:16], i.payload[18:], i.ident if i.df and ident else None, csum(pseudo + i.payload) == 0,
                    o.good(), i.good()))
    return out


def cards(words, card="prv"):
    net.inside_n("ethtool -K %s %s" % (card, words))


def joins(on):
    """The private card waits for more of a stream to join it, and hands all over at a PSH."""
    run("ip netns exec %s ethtool -K eth0 tso %s" % (net.x, "off" if on else "on"))
    cards("gro " + ("on" if on else "off"))
    net.inside_n("echo %d >/sys/class/net/prv/gro_flush_timeout" % (200000000 if on else 0))


def stream(host, port, mss, data, kind=IPIP, tos=0, df=True, step=1):
    """What a host's card sends of data; step: from one identification to the next."""
    starts = range(0, len(data), mss)
    return [tunnel(host, tcp(NB, Y, port, 80, 0x18 if at == starts[-1] else 0x10, data[at:at + mss], seq=1 + at,
                             df=df, tos=tos, ident=7 + i * step), kind, df=df, tos=tos, ident=7 + i)
            for i, at in enumerate(starts)]


def carried(packets):
    return sum(max(1, len(p.payload) - 20) for p in packets)


def come_out(packets):
    """What Y's card gets of packets that the gateway's joined, and how many went by eBPF."""
    with Inside(net.n):
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        tap.bind(("prv", 3))    # ETH_P_ALL: before tc
    want, data = sum(len(p) for p in packets), carried(Ip(p).inner() for p in packets)
    for _ in range(20):             # on a busy machine the card has waited long enough
        wy.drain()
        before = offloaded()[1]
        for p in packets:
            wx.send(p)
        got = []
        while carried(got) < data and (p := wy.recv(lambda p: p.proto == TCP and p.src == NB, 5)) is not None:
            got.append(p)
        whole = 0
        while select.select([tap], [], [], 0)[0]:
            whole = max(whole, len(tap.recv(70000)))
        if whole > want - 60 * len(packets):
            break
    else:
        r.ok(False, "nothing was joined: %d bytes of %d" % (whole, want))
    return got, offloaded()[1] - before


big = bytes(range(250)) * 20
joints = (("a TCP packet without its sum", tcp(Y, NB, 81, 20064, 0x10, b"s" * 900, df=True), 1400, 1, {}),
          ("five joined segments", tcp(Y, NB, 82, 20064, 0x18, big, df=True), 1000, 5, {}),
          ("segments that may be fragmented", tcp(Y, NB, 83, 20064, 0x10, big), 1250, 4, {}),
          ("DSCP and ECN on segments", tcp(Y, NB, 84, 20064, 0x10, big, tos=0xb9, df=True), 1250, 4, {}),
          ("the longest segments that pass", tcp(Y, NB, 85, 20064, 0x10, big, df=True), 1440, 4, {}),
          ("a UDP packet without its sum", udp(Y, NB, 86, 20064, b"u" * 99), 1400, 1, {"udp": True}),
          ("joined UDP", udp(Y, NB, 86, 20064, big), 1000, 5, {"udp": True}))
streams = (("a stream", 5, stream(X1, 20010, 1000, big)),
           ("a stream whose identification stays", 5, stream(X1, 20011, 1000, big, step=0)),
           ("a stream that may be fragmented", 5, stream(X1, 20012, 1000, big, df=False)),
           ("a stream with DSCP and ECN", 4, stream(X1, 20013, 1300, big, tos=0xb9)),
           ("the longest segments", 4, stream(X2, 20064, 1440, big)),
           ("a stream in GRE", 0, stream(X2, 20136, 1000, big, GRE)))
unsummed = (("TCP", tunnel(X1, tcp(NB, Y, 20014, 80, 0x10, b"s" * 900, df=True), df=True), {}),
            ("UDP", tunnel(X1, udp(NB, Y, 20014, 80, b"u" * 99, df=True), df=True), {"udp": True}))


def streams_out():
    """What comes of all of them, cut before they leave, and how many went by eBPF."""
    joins(True)
    cards("tx off tso off", "pub")
    out = []
    for _, _, made in streams:
        got, by = come_out(made)
        out.append((by, seen(got, ident=Ip(made[0]).inner().ident != Ip(made[1]).inner().ident)))
    joins(False)
    for _, packet, k in unsummed:
        a = offloaded()[1]
        wy.drain()
        wx.send_joined(packet, 1400, **k)
        p = wy.recv(lambda p: p.src == NB)
        out.append((offloaded()[1] - a, seen([p] if p else [])))
    cards("tx on tso on", "pub")
    return out


def offloaded():
    s = g.status()
    return s.get("offloaded_in", 0), s.get("offloaded_out", 0)


# Every kind of packet, first through NFQUEUE alone, then with eBPF beside it
net.inside_n("sysctl -qw net.ipv4.icmp_ratelimit=0")
packets = corpus()
g = start()
for line in BINDINGS:
    g.say(line)
by_queue = play(net, packets)
cards("tx off tso off tx-ipxip4-segmentation off")
cut_by_queue = [cut(packet, mss, count, **k) for _, packet, mss, count, k in joints]
cards("tx on tso on tx-ipxip4-segmentation on")
out_by_queue = streams_out()
r.ok(g.stop() == 0, "the gateway without eBPF ends")

before = programs()
g = start("offload")
if "offloaded_in" not in g.status():
    if "Permission denied" in g.errors():      # what the kernel's verifier says
        r.ok(False, g.errors().strip().split("\n")[0])
        r.end()
    print("skipped: " + (g.errors().strip().split("\n")[0] or "built without eBPF"))
    sys.exit(77)
for line in BINDINGS:
    g.say(line)
arrives, nobody, leaves = path.arrives, path.nobody, path.leaves

by_ebpf = play(net, packets)
passed = 0
for what, side, _, _, fast in packets:
    q, e = by_queue[what], by_ebpf[what]
    passed += len(q) > 0
    r.ok(q == e and (not fast or len(e) == 1),
         "the same with eBPF: %s (%d came)%s" % (what, len(e), "" if q == e else "\n  %s\n  %s" % (q, e)))
want = tuple(sum(fast for _, s, _, _, fast in packets if s == side) for side in ("in", "out"))
r.ok(offloaded() == want, "%d packets, of which %d come out somewhere; by eBPF, each the first of its flow: %s of %s" %
     (len(packets), passed, offloaded(), want))
r.ok(min(want) >= 6 and passed >= 35, "and these are many")


def at_once(fn, packet, host, what, **k):
    """What is leased needs no packet that teaches the kernel."""
    a = offloaded()
    fn(packet, host, what, **k)
    b = offloaded()
    side = 0 if fn == arrives else 1
    r.ok(b[side] == a[side] + 1, what + " was forwarded by eBPF: %s -> %s" % (a, b))


def twice(fn, packet, host, what, **k):
    """The first packet is learnt from or judged; the kernel then does the second."""
    a = offloaded()
    fn(packet, host, what + ", slow path", **k)
    r.ok(offloaded() == a, what + ", the first by NFQUEUE")
    at_once(fn, packet, host, what + ", in the kernel", **k)


at_once(arrives, udp(Y, NB, 53, 20000, b"to x1"), X1, "UDP by port", check=lambda o, i: i.df == o.df)
at_once(arrives, tcp(Y, NB, 80, 20127, 0x10, b"x" * 1000, df=True), X2, "TCP by port",
        check=lambda o, i: o.df)
twice(leaves, esp(NB, Y, 0x9001), X1, "ESP out, whose SPI is learnt")
at_once(leaves, udp(NB, Y, 20001, 80, b"from x1"), X1, "UDP out",
        check=lambda p: p.ident != 7)      # what may be fragmented has an id of the gateway's
at_once(leaves, udp(NB, Y, 20001, 80, b"whole", df=True), X1, "UDP out that must not be fragmented",
        check=lambda p: p.ident == 7)
at_once(leaves, tcp(NB, Y, 20070, 80, 0x10, b"y" * 1200), X2, "TCP out")

# Under flow policy each flow is judged by itself
twice(arrives, udp(Y, NB, 53, 20129, b"allowed"), X3, "a flow that policy lets in")
twice(leaves, udp(NB, Y, 20129, 53, b"allowed"), X3, "a flow that policy lets out")
nobody(udp(Y2, NB, 53, 20129, b"not allowed"), "the same port from elsewhere reaches nobody")
nobody(tunnel(X3, udp(NB, Y2, 20129, 53, b"not allowed")), "nor may it send there", wx, wy)

# An address that is leased whole, beside what its host has of it by name
g.say("add 6 1 %s %s ipip ports=300-301 spis=6001 remote=%s" % (X3, W, Y))
nobody(udp(Y2, W, 53, 300, b"not allowed"), "a part of it under flow policy is no more open")
arrives(udp(Y2, W, 53, 302, b"allowed"), X3, "the rest of it is")
g.say("remove 6 1")
at_once(arrives, udp(Y2, W, 53, 300, b"allowed again"), X3, "a whole address again")

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
cards("tx off tso off tx-ipxip4-segmentation off")
for slow, (what, packet, mss, count, k) in zip(cut_by_queue, joints):
    if slow is None:
        print("skipped: %s: this kernel takes no such packet" % what)
        continue
    a = offloaded()[0]
    fast = cut(packet, mss, count, **k)
    by = offloaded()[0] - a
    r.ok(len(slow) == len(fast) == count and by == (0 if what == "joined UDP" else count),
         what + ": %d of %d by eBPF" % (by, count))
    r.ok(seen(fast) == seen(slow) and all(s[-1] and s[-2] and s[-3] for s in seen(fast)),
         what + ": as by NFQUEUE, sums right")
cards("tx on tso on tx-ipxip4-segmentation on")
a = offloaded()[0]
whole = cut(tcp(Y, NB, 82, 20064, 0x18, big, df=True), 1000, 1)
r.ok(offloaded()[0] - a == 5 and len(whole) == 1 and whole[0].inner().payload[20:] == big,
     "where the card cuts tunnels the segments stay joined: %d bytes" % (whole[0].total if whole else 0))
wy.drain()
wy.send_joined(tcp(Y, NB, 85, 20064, 0x10, big, df=True), 1441)
p = wy.recv(lambda p: p.proto == ICMP and p.payload[:2] == b"\3\4")
r.ok(p is not None and struct.unpack("!H", p.payload[6:8])[0] == 1480,
     "segments one byte too long with DF: the sender is told 1480")

# The same out of tunnels, joined by the gateway's own card
r.ok(g.status()["offload_joined"] == "ebpf", "joined segments come out of tunnels without NFQUEUE")
wanted = [(what, count) for what, count, _ in streams] + [(what + " without its sum", 1) for what, *_ in unsummed]
for (what, count), (_, slow), (by, fast) in zip(wanted, out_by_queue, streams_out()):
    r.ok(by == count and len(slow) == len(fast) >= count,
         what + ", out: %d of %d by eBPF, %d as before" % (by, len(fast), len(slow)))
    r.ok(fast == slow and all(s[-1] and s[-2] and s[-3] for s in fast),
         what + ", out: as by NFQUEUE, sums right" + ("" if fast == slow else "\n  %r\n  %r" % (slow, fast)))
joins(True)
whole, by = come_out(stream(X1, 20015, 1000, big))
r.ok(by == 5 and len(whole) == 1 and whole[0].payload[20:] == big,
     "where the public card cuts they leave joined: %d bytes" % (whole[0].total if whole else 0))
made = stream(X1, 20016, 1000, big)
late = tunnel(X1, tcp(NB, Y, 20016, 80, 0x11, b"", seq=1 + len(big), df=True), df=True)
whole, by = come_out(made + [late])
r.ok(by == 6 and [len(p.payload) for p in whole] == [20 + len(big), 20], "what comes behind them stays behind them")
for what, made in (("another host's port", stream(X2, 20017, 1000, big)),
                   ("another's whole address", [tunnel(X1, tcp(W, Y, 7, 80, 0x18, big[:900]))])):
    wy.drain()
    for p in made:
        wx.send(p)
    r.ok(wy.recv(lambda p: p.proto == TCP and p.src in (NB, W), 0.7) is None, "joined, nobody gets out by " + what)
_, by = come_out(stream(X3, 20130, 1000, big))
again, by_again = come_out(stream(X3, 20130, 1000, big))
r.ok((by, by_again) == (0, 5) and len(again) == 1,
     "under flow policy the first by NFQUEUE, then joined: %d, %d" % (by, by_again))
joins(False)

# A binding that ends takes its flows along; the next owner gets its own packets
g.say("remove 1 1")
nobody(esp(Y, NB, 0x1001), "a freed SPI reaches nobody at once")
nobody(udp(Y, NB, 53, 20000, b"to x1 no more"), "a freed port reaches nobody at once")
nobody(tunnel(X1, udp(NB, Y, 20001, 80, b"from x1")), "a freed port cannot be sent from", wx, wy)
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001" % (X3, NB))
at_once(arrives, esp(Y, NB, 0x1001), X3, "the next owner's ESP")
at_once(arrives, udp(Y, NB, 53, 20000, b"to x3"), X3, "the next owner's UDP")
nobody(ike(Y, NB, COOKIE, 7, data=b"no more"), "a freed cookie reaches nobody")
g.say("remove 3 1")
nobody(udp(Y, NB, 53, 20129, b"allowed"), "a flow that policy let through ends with its binding")

# Others get it while packets for it come all the time: not one is for who had it
last = None
wx.drain()
for i in range(40):
    host = (X1, X2)[i % 2]
    g.say("add 7 %d %s %s ipip ports=20300-20300 spis=7001" % (i, host, NB))
    for packet in (esp(Y, NB, 0x7001, b"%06d" % i), udp(Y, NB, 53, 20300, b"%06d" % i)):
        wy.send(packet)
        p = wx.recv(lambda p: p.proto == IPIP and b"%06d" % i in p.raw, 5)
        if p is None or p.dst != host:
            last = (i, p)
    g.say("remove 7 %d" % i)
    wy.send(esp(Y, NB, 0x7001, b"late %04d" % i))
    wy.send(udp(Y, NB, 53, 20300, b"late %04d" % i))
late = []           # one that is slow may be its next owner's, never the former one's
while (p := wx.recv(lambda p: p.proto == IPIP and b"late" in p.raw, 0.5)) is not None:
    i = int(p.raw[p.raw.index(b"late") + 5:][:4])
    if p.dst == (X1, X2)[i % 2]:
        late.append((i, p))
r.ok(last is None and not late, "40 owners in turn: each had its own and nothing later: %r %r" % (last, late))

# More bindings than the maps have room for: the rest goes by NFQUEUE, and to its owner
g.say("many 0 140000 %s %s ipip" % (X1, NB))
at_once(arrives, esp(Y, NB, 0x10000 + 5), X1, "ESP of a binding that found room")
a = offloaded()
arrives(esp(Y, NB, 0x10000 + 139999), X1, "ESP of one that did not")
r.ok(offloaded() == a, "by NFQUEUE")
for i in range(200):
    g.say("remove %d 1" % (1000 + i))
g.say("add 8 1 %s %s ipip ports=20301-20301 spis=8001" % (X2, NB))
arrives(esp(Y, NB, 0x8001), X2, "what is granted when the maps are full, at once or not")
nobody(esp(Y, NB, 0x10000 + 5), "what was freed of them reaches nobody")

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

# Rules of the router's own: what they drop is dropped, the first packet and all that follow, and what
# they let pass goes on in the kernel
at_once(arrives, udp(Y, NB, 53, 20100, b"before the rule"), X2, "a flow before there are rules")
net.inside_n("iptables -A FORWARD -d %s -m comment --comment none -j DROP; "
             "iptables -A FORWARD -p udp --dport 7777 -j DROP" % X2)
r.ok(goes_by(g, JUDGED), "the router's own rules are seen: " + g.status()["path"])
for i in range(3):
    nobody(udp(Y, NB, 53, 20100, b"to who is shut out"), "a rule drops what is for a host, packet %d" % (i + 1))
    nobody(tunnel(X3, udp(NB, Y, 20001, 7777, b"shut out")), "and what one sends, packet %d" % (i + 1), wx, wy)
twice(arrives, udp(Y, NB, 53, 20002, b"what no rule is about"), X3, "what no rule is about")
twice(leaves, udp(NB, Y, 20002, 80, b"nor about this"), X3, "what a host sends")
twice(arrives, esp(Y, NB, 0x1001, b"judged"), X3, "ESP")
net.inside_n("iptables -F FORWARD")
nobody(tunnel(X1, udp(NB, Y, 20001, 80, b"still not mine")), "our own rules are back, and a stranger is still one", wx, wy)
r.ok(goes_by(g, UNJUDGED), "without the rules again: " + g.status()["path"])
at_once(arrives, udp(Y, NB, 53, 20101, b"at once again"), X2, "without rules")

# Counters and last use come from the maps
said = g.say("usage 2 1")[0].split()
a = offloaded()
at_once(arrives, esp(Y, NB, 0x2001, b"counted" * 9), X2, "one more")
now = g.say("usage 2 1")[0].split()
r.ok(int(now[2]) == int(said[2]) + 1 and int(now[3]) == int(said[3]) + 28 + 63,
     "and is counted: %s -> %s" % (said, now))

# A daemon that dies without a word: its map is dead seconds later
os.kill(g.p.pid, signal.SIGKILL)
g.p.wait()
time.sleep(4)
nobody(esp(Y, NB, 0x2001), "killed: nothing is forwarded on its word")
r.ok(programs() == before, "killed: no program stays")
g = start("offload")
nobody(esp(Y, NB, 0x2001), "the next one begins with nothing")
g.say("add 2 1 %s %s ipip ports=20064-20127 spis=2001" % (X2, NB))
at_once(arrives, esp(Y, NB, 0x2001), X2, "and goes on from there")

# The next one is there at once, while the maps of the one before are still vouched for
os.kill(g.p.pid, signal.SIGKILL)
g.p.wait()
g = start("offload")
g.say("add 9 1 %s %s ipip ports=20064-20127 spis=2001" % (X3, NB))
at_once(arrives, esp(Y, NB, 0x2001), X3, "killed and started: the SPI is its new owner's, at once")
nobody(tunnel(X2, udp(NB, Y, 20064, 80, b"was mine")), "and the former one sends nothing from its ports", wx, wy)
r.ok(g.stop() == 0, "the gateway ends")

# A packet of nobody's for the device that decapsulates is nobody's: its address is one of its link alone
def smuggle(mac, times):
    """What a host might send to have a packet of another's address put on the public wire."""
    sid = socket.inet_pton(socket.AF_INET6, "fe80::5253")
    inner = b"\x02RSIP\0" * 2 + b"\x08\0" + tcp(NB, Y, 20099, 80, 0x18, b"smuggled", df=True)
    frame = mac + b"\x02RSIP\0" + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(inner), 143, 1) + \
            sid * 2 + inner
    with Inside(net.x):
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        out.bind(("eth0", 0))
    for _ in range(times):
        out.send(frame)


def device(what):
    return json.loads(run("ip -j -n %s link show %s" % (net.n, what)))[0]


index = device("prv")["ifindex"]
g = start("offload")
for line in BINDINGS:
    g.say(line)
wy.drain()
for mac in (device("prv")["address"], device("rsip-dec%d" % index)["address"]):
    smuggle(bytes.fromhex(mac.replace(":", "")), 10)
r.ok(wy.recv(lambda p: b"smuggled" in p.raw, 1) is None, "from the private wire nothing gets to that device")

# A firewall's check of IPv6's sources, as firewalld's, lets it pass
joins(True)
net.inside_n("ip6tables -t raw -A PREROUTING -m rpfilter --invert -j DROP")
got, by = come_out(streams[0][2])
r.ok((by, len(got)) == (5, 1), "with strict sources of IPv6: %d by eBPF, in %d" % (by, len(got)))
net.inside_n("ip6tables -t raw -F PREROUTING")

# Where the kernel may not do it any more, NFQUEUE has what is joined a second later, and it is said
net.inside_n("sysctl -qw net.ipv6.conf.rsip-dec%d.disable_ipv6=1" % index)
end = time.time() + 20
while g.status()["offload_joined"] == "ebpf" and time.time() < end:
    for p in streams[0][2]:
        wx.send(p)
    time.sleep(0.2)
r.ok(g.status()["offload_joined"] == "nfqueue" and "nothing comes out of rsip-dec%d" % index in g.errors(),
     "IPv6 is forbidden there: NFQUEUE has what is joined, and the log says so")
got, by = come_out(streams[0][2])
r.ok(by == 0 and len(got) == 5, "and it comes out: %d" % len(got))
joins(False)
r.ok(g.stop() == 0 and "rsip-" not in run("ip -br -n %s link" % net.n), "the gateway ends, and the devices with it")

# Where the devices cannot be made, NFQUEUE has it, too
net.inside_n("ip link add rsip-end%d type veth peer name taken" % index)
g = start("offload")
r.ok(g.status()["offload_joined"] == "nfqueue", "somebody else has a device of that name")
for line in BINDINGS:
    g.say(line)
joins(True)
got, by = come_out(streams[0][2])
joins(False)
r.ok(by == 0 and len(got) == 5, "joined segments come out by NFQUEUE: %d" % len(got))
at_once(leaves, udp(NB, Y, 20001, 80, b"from x1"), X1, "all else as ever")
r.ok(g.stop() == 0, "the gateway ends")
net.inside_n("ip link del taken")
r.ok(programs() == before, "no program stays: " + programs())
r.end()
