# nat_corpus.py - packets of every kind, each of a flow of its own, and what comes out of a gateway for each
from nat_net import *

W = "198.51.100.77"                     # an address that one host has whole
FAR = "203.0.113.9"                     # no route leads there
ELSEWHERE = "02:99:99:99:99:98"         # another machine of the same wire
COOKIE, STRANGE = 0xc0ffee0000000001, 0xc0ffee0000000002
BINDINGS = ["add 1 1 %s %s ipip ports=20000-20063 spis=1001,1002 cookies=%x" % (X1, NB, COOKIE),
            "add 2 1 %s %s ipip ports=20064-20127 spis=2001" % (X2, NB),
            "add 3 1 %s %s ipip ports=20128-20135 spis=3001 remote=%s" % (X3, NB, Y),
            "add 4 1 %s %s gre ports=20136-20143 spis=4001" % (X2, NB),
            "add 5 1 %s %s ipip whole" % (X3, W)]


def options(packet):
    """The same with an option in its header: nothing, four times."""
    h = bytearray(packet[:20])
    h[0] = 0x46
    h[2:4] = struct.pack("!H", len(packet) + 4)
    h[10:12] = b"\0\0"
    h += b"\1\1\1\0"
    h[10:12] = struct.pack("!H", csum(bytes(h)))
    return bytes(h) + packet[20:]


def broken(packet):
    """The same with a header whose sum is wrong."""
    return packet[:10] + bytes([packet[10] ^ 0x55]) + packet[11:]


def corpus():
    """[(what, side, packets, tag, eBPF has it at once)]; a tag is in nothing else."""
    out = []

    def add(side, fast, what, make):
        tag = b"<%04d>" % len(out)
        made = make(tag + b"." * 40)
        out.append((what, side, made if isinstance(made, list) else [made], tag, fast))

    def inward(fast, what, make):
        add("in", fast, what + ", in", make)

    def outward(fast, what, make, host=X1, **outer):
        add("out", fast, what + ", out", lambda t: tunnel(host, make(t), **outer))

    n = iter(range(1024, 5000))          # no flow is another's
    inward(True, "ESP", lambda t: esp(Y, NB, 0x1001, t))
    inward(True, "ESP of the second SPI, marked", lambda t: esp(Y2, NB, 0x1002, t, tos=0xb9, df=True))
    inward(False, "ESP of nobody's SPI", lambda t: esp(Y, NB, 0x9999, t))
    inward(True, "AH", lambda t: ah(Y, NB, 0x2001, t))
    inward(True, "UDP", lambda t: udp(Y, NB, next(n), 20000, t))
    inward(True, "TCP SYN", lambda t: tcp(Y, NB, next(n), 20063, 2, t, df=True))
    inward(True, "TCP to the second host", lambda t: tcp(Y, NB, next(n), 20064, 0x10, t, tos=3))
    inward(True, "TTL 2", lambda t: udp(Y, NB, next(n), 20001, t, ttl=2))
    inward(False, "TTL 1", lambda t: udp(Y, NB, next(n), 20001, t, ttl=1))
    inward(False, "options", lambda t: options(udp(Y, NB, next(n), 20001, t)))
    inward(False, "a broken header", lambda t: broken(udp(Y, NB, next(n), 20001, t)))
    inward(False, "fragments", lambda t: fragments(udp(Y, NB, next(n), 20001, t + b"f" * 600, ident=9), 304))
    inward(False, "too big with DF", lambda t: udp(Y, NB, next(n), 20002, t + b"z" * 1410, df=True))
    inward(False, "a port that is nobody's", lambda t: udp(Y, NB, next(n), 20200, t))
    inward(False, "a port outside of the pool", lambda t: udp(Y, NB, next(n), 9, t))
    inward(False, "from the gateway's inside address", lambda t: udp(NA, NB, next(n), 20003, t))
    inward(False, "from a host's address", lambda t: udp(X1, NB, next(n), 20003, t))
    inward(False, "from the leased address itself", lambda t: udp(NB, NB, next(n), 20003, t))
    inward(False, "from an address that is leased whole", lambda t: udp(W, NB, next(n), 20003, t))
    inward(False, "from a group", lambda t: udp("224.0.0.9", NB, next(n), 20003, t))
    inward(False, "from this very machine", lambda t: udp("127.0.0.1", NB, next(n), 20003, t))
    inward(False, "from nowhere", lambda t: udp("0.0.0.0", NB, next(n), 20003, t))
    inward(True, "ESP in UDP", lambda t: udp(Y, NB, 4500, 4500, struct.pack("!II", 0x1001, 9) + t))
    inward(False, "ESP in UDP, nobody's", lambda t: udp(Y, NB, 4500, 4500, struct.pack("!II", 0x9999, 9) + t))
    inward(False, "a NAT-keepalive", lambda t: udp(Y, NB, 4500, 4500, b"\xff"))
    inward(True, "IKE with a leased cookie", lambda t: ike(Y, NB, COOKIE, 7, data=t))
    inward(True, "the same on 4500", lambda t: ike(Y, NB, COOKIE, 7, 4500, 4500, t, b"\0\0\0\0"))
    inward(False, "IKE with a stranger's cookie", lambda t: ike(Y, NB, STRANGE, 7, data=t))
    inward(False, "under flow policy", lambda t: udp(Y, NB, next(n), 20128, t))
    inward(False, "against flow policy", lambda t: udp(Y2, NB, next(n), 20128, t))
    inward(False, "ESP under flow policy", lambda t: esp(Y, NB, 0x3001, t))
    inward(False, "ESP against flow policy", lambda t: esp(Y2, NB, 0x3001, t))
    inward(False, "a GRE host's UDP", lambda t: udp(Y, NB, next(n), 20136, t))
    inward(False, "a GRE host's ESP", lambda t: esp(Y, NB, 0x4001, t))
    inward(True, "UDP to a whole address", lambda t: udp(Y, W, next(n), 7, t))
    inward(True, "ESP to a whole address", lambda t: esp(Y, W, 0x77777777, t))
    inward(False, "IKE to a whole address", lambda t: ike(Y, W, STRANGE, 7, data=t))
    inward(False, "ping to a whole address", lambda t: echo(Y, W, next(n), data=t))
    inward(False, "an error about a leased port", lambda t: error(Y, NB, udp(NB, Y, 20004, next(n), t)))
    inward(False, "SCTP", lambda t: ip(Y, NB, 132, struct.pack("!HHII", next(n), 20004, 1, 0) + t))

    outward(True, "UDP", lambda t: udp(NB, Y, 20000, next(n), t))
    outward(True, "UDP that must not be fragmented", lambda t: udp(NB, Y, 20000, next(n), t, df=True))
    outward(True, "TCP SYN", lambda t: tcp(NB, Y, 20063, next(n), 2, t, df=True))
    outward(True, "DSCP on both headers", lambda t: udp(NB, Y, 20000, next(n), t, tos=0xb8), tos=0xb8)
    outward(True, "TTL 2", lambda t: udp(NB, Y, 20000, next(n), t, ttl=2))
    outward(False, "TTL 1", lambda t: udp(NB, Y, 20000, next(n), t, ttl=1))
    outward(False, "options", lambda t: options(udp(NB, Y, 20000, next(n), t)))
    outward(False, "congestion in the tunnel", lambda t: udp(NB, Y, 20000, next(n), t, tos=2), tos=3)
    outward(False, "another host's port", lambda t: udp(NB, Y, 20064, next(n), t))
    outward(False, "nobody's port", lambda t: udp(NB, Y, 20200, next(n), t))
    outward(False, "another host's tunnel", lambda t: udp(NB, Y, 20000, next(n), t), host=X2)
    outward(False, "an address that is not leased", lambda t: udp(Y2, Y, 20000, next(n), t))
    outward(False, "to another host's port", lambda t: udp(NB, NB, 20000, 20064, t))
    outward(False, "to an address that is leased whole", lambda t: udp(NB, W, 20000, next(n), t))
    outward(False, "to a neighbour", lambda t: udp(NB, X2, 20000, next(n), t))
    outward(False, "to the gateway", lambda t: udp(NB, NA, 20000, next(n), t))
    outward(False, "to a group", lambda t: udp(NB, "224.0.0.9", 20000, next(n), t))
    outward(False, "to this very machine", lambda t: udp(NB, "127.0.0.1", 20000, next(n), t))
    outward(False, "to where no route leads", lambda t: udp(NB, FAR, 20000, next(n), t))
    outward(False, "ESP", lambda t: esp(NB, Y, 0x8001, t))
    outward(False, "AH", lambda t: ah(NB, Y, 0x8002, t))
    outward(False, "IKE", lambda t: ike(NB, Y, COOKIE, data=t))
    outward(False, "IKE with another cookie", lambda t: ike(NB, Y, COOKIE + 7, data=t))
    outward(False, "under flow policy", lambda t: udp(NB, Y, 20128, next(n), t), host=X3)
    outward(False, "against flow policy", lambda t: udp(NB, Y2, 20128, next(n), t), host=X3)
    outward(False, "a GRE host's in GRE", lambda t: udp(NB, Y, 20136, next(n), t), host=X2, kind=GRE)
    outward(False, "a GRE host's in IP-IP", lambda t: udp(NB, Y, 20136, next(n), t), host=X2)
    outward(False, "an IP-IP host's in GRE", lambda t: udp(NB, Y, 20000, next(n), t), kind=GRE)
    outward(True, "from a whole address", lambda t: tcp(W, Y, 7, next(n), 2, t), host=X3)
    outward(False, "another's whole address", lambda t: tcp(W, Y, 7, next(n), 2, t))
    outward(False, "ping", lambda t: echo(NB, Y, next(n), data=t))
    add("out", False, "a tunnel with options", lambda t: options(tunnel(X1, udp(NB, Y, 20000, next(n), t))))
    add("out", False, "a tunnel whose header is broken", lambda t: broken(tunnel(X1, udp(NB, Y, 20000, next(n), t))))
    add("out", False, "a broken header in a tunnel", lambda t: tunnel(X1, broken(udp(NB, Y, 20000, next(n), t))))
    add("out", False, "a tunnel in fragments", lambda t: fragments(tunnel(X1, udp(NB, Y, 20000, next(n), t + b"g" * 600), ident=5), 304))
    inward(False, "in a frame for another machine", lambda t: Stray(udp(Y, NB, next(n), 20001, t), mac=ELSEWHERE))
    inward(False, "of a VLAN", lambda t: Stray(udp(Y, NB, next(n), 20001, t), vlan=5))
    add("out", False, "a tunnel in a frame for another machine",
        lambda t: Stray(tunnel(X1, udp(NB, Y, 20000, next(n), t)), mac=ELSEWHERE))
    add("out", False, "a tunnel of a VLAN", lambda t: Stray(tunnel(X1, udp(NB, Y, 20000, next(n), t)), vlan=5))
    add("in", False, "a tunnel from outside", lambda t: tunnel(X1, udp(NB, Y, 20000, next(n), t)))
    return out


def told(p, inner=False):
    """All that must be the same whoever forwarded it: who may draw an id of his own draws one."""
    drawn = not inner and not p.df and p.proto != AH or p.proto == ICMP
    payload = p.payload
    if p.proto == ICMP and payload[0] in (3, 11):      # quotes a packet, with its id
        payload = payload[:2] + payload[4:12] + payload[14:18] + payload[20:]
    said = (p.src, p.dst, p.proto, p.tos, p.df, p.mf, p.frag, p.ttl, p.total, p.good(),
            None if drawn else p.ident)
    i = p.inner()
    return said + ((told(i, True),) if i else (payload,))


def play(net, packets):
    """{what: sorted packets that came out, each with the wire it was on}"""
    # The hosts' own kernels say nothing to what they do not know.
    for ns in (net.x, net.y):
        run("ip netns exec %s iptables -I OUTPUT -j DROP" % ns)
    # Frames for others come up, too, as where somebody looks at the wire.
    net.inside_n("ip link set pub promisc on; ip link set prv promisc on")
    wires = (("x", net.wx), ("y", net.wy))
    found = {what: [] for what, *_ in packets}

    def collect(seconds):
        for name, w in wires:
            while (p := w.recv(lambda p: True, seconds)) is not None:
                for what, _, _, tag, _ in packets:
                    if tag in p.raw:
                        found[what].append((name, told(p)))
    for _, w in wires:
        w.drain()
    for what, side, made, *_ in packets:
        for p in made:
            (net.wy if side == "in" else net.wx).send(p)
        collect(0.004)
    collect(0.7)
    return {what: sorted(got, key=repr) for what, got in found.items()}
