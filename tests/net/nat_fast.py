# nat_fast.py - what must hold wherever eBPF programs stand: helpers of nat_offload.py and nat_cards.py
from nat_corpus import *

fw, r, net, path = begin()
wy, wx = net.wy, net.wx
arrives, nobody, leaves = path.arrives, path.nobody, path.leaves
g = None                    # the gateway that was started last

UNJUDGED, JUDGED = "ebpf, nfqueue for what is judged or learnt", "nfqueue and the router's rules, then ebpf"


def programs():
    return net.inside_n("for i in pub prv; do tc filter show dev $i ingress; tc filter show dev $i egress; done; "
                        "tc qdisc show dev pub; tc qdisc show dev prv; ip -br link show type veth; for i in pub prv; do ip -d link show dev $i | grep prog/; done", check=False)


def goes_by(g, way):
    end = time.time() + 20
    while g.status()["path"] != way and time.time() < end:
        time.sleep(0.05)
    return g.status()["path"] == way


def start(*more):
    global g
    g = Gateway(net, "firewall=" + fw, "queues=1", "remote-pool=" + W, *more)
    if more and "offloaded_in" in g.status():
        r.ok(goes_by(g, UNJUDGED), "the router has no rules of its own: " + g.status()["path"])
    return g


def begin_with(*more):
    """The same, with the corpus' bindings."""
    start(*more)
    for line in BINDINGS:
        g.say(line)
    return g


def begin_fast(way):
    """The same with eBPF, or the test is skipped."""
    start(way)
    if "offloaded_in" not in g.status():
        if "Permission denied" in g.errors():      # what the kernel's verifier says
            r.ok(False, g.errors().strip().split("\n")[0])
            r.end()
        print("skipped: " + (g.errors().strip().split("\n")[0] or "built without eBPF"))
        sys.exit(77)
    for line in BINDINGS:
        g.say(line)
    return g


def play_fast(packets, by_queue):
    """The corpus by eBPF: the same comes out as by NFQUEUE alone."""
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
    return sum(want)


def offloaded():
    s = g.status()
    return s.get("offloaded_in", 0), s.get("offloaded_out", 0)


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


def play_simple():
    """What is leased, learnt, under flow policy, whole, and what the daemon must have."""
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


def play_ends():
    """A binding that ends takes its flows along; the next owner gets its own packets."""
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


def play_bulk():
    """Nothing is lost, and nearly all of it stays in the kernel."""
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


def play_rules():
    """What the router's own rules drop is dropped, the first packet and all that follow; the rest goes on in the kernel."""
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


def play_counted():
    """Counters and last use come from the maps."""
    said = g.say("usage 2 1")[0].split()
    a = offloaded()
    at_once(arrives, esp(Y, NB, 0x2001, b"counted" * 9), X2, "one more")
    now = g.say("usage 2 1")[0].split()
    r.ok(int(now[2]) == int(said[2]) + 1 and int(now[3]) == int(said[3]) + 28 + 63,
         "and is counted: %s -> %s" % (said, now))


def play_killed(way, before):
    """A daemon that dies without a word: its map is dead seconds later."""
    os.kill(g.p.pid, signal.SIGKILL)
    g.p.wait()
    time.sleep(4)
    nobody(esp(Y, NB, 0x2001), "killed: nothing is forwarded on its word")
    r.ok(programs() == before, "killed: no program stays")
    start(way)
    nobody(esp(Y, NB, 0x2001), "the next one begins with nothing")
    g.say("add 2 1 %s %s ipip ports=20064-20127 spis=2001" % (X2, NB))
    at_once(arrives, esp(Y, NB, 0x2001), X2, "and goes on from there")

    # The next one is there at once, while the maps of the one before are still vouched for
    os.kill(g.p.pid, signal.SIGKILL)
    g.p.wait()
    start(way)
    g.say("add 9 1 %s %s ipip ports=20064-20127 spis=2001" % (X3, NB))
    at_once(arrives, esp(Y, NB, 0x2001), X3, "killed and started: the SPI is its new owner's, at once")
    nobody(tunnel(X2, udp(NB, Y, 20064, 80, b"was mine")), "and the former one sends nothing from its ports", wx, wy)
    return g
