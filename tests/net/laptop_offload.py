# laptop_offload.py - a laptop's packets of every kind, as programs send them and as they leave it
"""usage: laptop_offload.py WHAT ADDRESS RANGE IKE-PORT [FILE]
in the picture of lib.sh, where x1 has the lease: ADDRESS is leased, programs choose from RANGE."""
import sys
sys.dont_write_bytecode = True
from nat_corpus import *

FAST, SLOW, NONE = "by eBPF", "by user space", "not at all"
SHUT = {"203.0.113.9": "denied", "203.0.113.17": "paranoid", "203.0.113.25": "held"}
MARK = os.environ.get("MARK", Y2)        # all is passed to it
RESOLVER = socket.inet_aton("198.51.100.53")
TUNNEL_PROBE = bytes((1, ICMP))          # of an echo request that ends at the gateway: TTL and protocol
NEVER = "203.0.113.40"


class Laptop:
    """Packets into a device of x1, and what comes to N's port."""
    def __init__(self):
        with Inside("x1"):
            self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.s.bind(("oe0", 0x0800))
            self.gso = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.gso.setsockopt(263, 15, 1)      # SOL_PACKET, PACKET_VNET_HDR
            self.gso.bind(("oe0", 0x0800))
        mac = json.loads(run("ip -j -n x1 link show eth0"))[0]["address"]
        self.wire = Wire("N", "eth1", mac)
        self.clear = Wire("x1", "rsip0", mac)
        self.marks = 0

    def send(self, packet):
        self.s.send(packet)

    def send_joined(self, packet, mss):
        """As the kernel hands it over: no Ethernet header, sums to be filled in."""
        vnet, body = joined(packet, mss)
        flags, kind, headers, size, start, at = struct.unpack("=BBHHHH", vnet)
        self.gso.send(struct.pack("=BBHHHH", flags, kind, headers - 14, size, start - 14, at) + body)

    def until_mark(self):
        """Inner packets that left up to one that is user space's, which is behind all before it."""
        self.marks += 1
        tag = b"<mark %d of %d>" % (self.marks, os.getpid())
        self.send(echo(ADDRESS, MARK, 77, data=tag))
        got = []
        while True:
            p = self.wire.recv(lambda p: p.proto == IPIP and p.dst == NA)
            if p is None:
                sys.exit("FAIL: user space forwards nothing any more")
            if tag in p.raw:
                return got
            # Keys are asked for; and the gateway, whether nothing comes for want of a tunnel.
            if RESOLVER not in p.raw[32:40] and p.raw[28:30] != TUNNEL_PROBE:
                got.append(p)


    def until_mark_in(self):
        """The same of what comes to programs."""
        self.marks += 1
        tag = b"<mark %d of %d>" % (self.marks, os.getpid())
        self.wire.send(ip(NA, X1, IPIP, echo(MARK, ADDRESS, 77, True, tag)))
        got = []
        while True:
            p = self.clear.recv(lambda p: p.src != NA)      # an error about what our kernel answers
            if p is None:
                sys.exit("FAIL: user space brings nothing any more")
            if tag in p.raw:
                return got
            if b"<mark " not in p.raw:       # else the answer to one that left
                got.append(p)


def corpus_in():
    """[(what, how, packets)], in the tunnel."""
    out = []
    big = b"d" * 1300

    def add(what, how, *packets, **outer):
        out.append((what + ", in", how, [from_gateway(p, **outer) for p in packets]))

    def from_gateway(p, src=NA, dst=X1, proto=IPIP, **k):
        return ip(src, dst, proto, p, **k)

    def u(src=Y2, dport=LO, dst=None, data=b"udp data", **k):
        return udp(src, dst or ADDRESS, 5300, dport, data, **k)

    def t(src=Y2, dport=HI, flags=0x10, data=big, **k):
        return tcp(src, ADDRESS, 5300, dport, flags, data, **k)

    add("UDP", FAST, u())
    add("UDP that must not be fragmented", FAST, u(df=True), df=True)
    add("TCP", FAST, t(df=True), df=True)
    add("TCP SYN", FAST, t(flags=2, data=b""))
    add("TCP to IKE's port", FAST, t(dport=IKE))
    add("DSCP and ECT(0)", FAST, u(tos=0xba), tos=0xba)
    add("other DSCP outside", FAST, u(tos=0x28), tos=0xb8)
    add("congestion on both", FAST, u(tos=3), tos=3)
    add("congestion in the tunnel", SLOW, u(tos=2), tos=3)
    add("ECT(1) in the tunnel", SLOW, u(tos=2), tos=1)
    add("congestion that nobody hears", NONE, u(), tos=3)
    add("TTL 1", FAST, u(ttl=1), ttl=1)
    add("a port that is not leased", SLOW, u(dport=9))
    add("a service's", SLOW, t(dport=22))
    add("to IKE's port", NONE, u(dport=IKE))
    add("options", SLOW, options(u()))
    add("a broken header", NONE, broken(u()))
    add("a fragment", SLOW, fragments(u(data=b"f" * 600), 304)[0])
    add("ICMP", SLOW, echo(Y2, ADDRESS, 5, True))
    add("ESP of nobody's", NONE, esp(Y2, ADDRESS, 0x7777))
    add("SCTP", SLOW, ip(Y2, ADDRESS, 132, struct.pack("!HHII", 5300, LO, 1, 0)))
    add("in GRE", NONE, b"\0\0\x08\0" + u(), proto=GRE)
    add("from another than the gateway", NONE, u(), src=X2)
    add("for another address", NONE, u(dst="198.51.100.9"))
    add("from ourselves", NONE, u(src=ADDRESS))
    add("from nobody so far", SLOW, u(src="203.0.113.50"))
    for src, how in sorted(SHUT.items()):
        add(how, SLOW if how == "held" else NONE, u(src=src), t(src=src))
    return out


def corpus():
    """[(what, how, packets, size of joined ones or 0)]"""
    out = []
    lo, hi, ike_port = LO, HI, IKE
    big = bytes(range(250)) * 20

    def add(what, how, *packets, mss=0):
        out.append((what, how, packets, mss))

    def u(sport=lo, dst=Y2, data=b"udp data", dport=5300, **k):
        return udp(ADDRESS, dst, sport, dport, data, **k)

    def t(sport=hi, dst=Y2, flags=0x10, data=b"tcp data", dport=5300, **k):
        return tcp(ADDRESS, dst, sport, dport, flags, data, **k)

    add("UDP", FAST, u())
    add("UDP that must not be fragmented", FAST, u(df=True))
    add("UDP without data", FAST, u(data=b""))
    add("DSCP and ECT(0)", FAST, u(tos=0xba))
    add("congestion", FAST, u(tos=3))
    add("TTL 1", FAST, u(ttl=1))
    add("TCP SYN", SLOW, t(flags=2, data=b"", df=True))
    add("TCP data", FAST, t(data=b"d" * 1380, df=True))
    add("TCP RST", FAST, t(flags=4, data=b""))
    add("TCP from IKE's port", FAST, t(sport=ike_port))
    add("as long as the tunnel takes", FAST, t(data=b"d" * (1480 - 40), df=True))
    add("joined segments", FAST, t(data=big, df=True), mss=1000)
    add("joined, the last one full", FAST, t(data=big[:4000], df=True), mss=1000)
    add("joined, marked", FAST, t(data=big, tos=0xb9, df=True), mss=1200)
    add("joined, which may be fragmented", FAST, t(data=big), mss=1200)
    add("joined, as long as the tunnel takes", FAST, t(data=big, df=True), mss=1440)
    add("joined, one byte too long, with DF", SLOW, t(data=big, df=True), mss=1441)
    add("one byte too long, with DF", NONE, u(data=b"d" * (1481 - 28), df=True))
    add("one byte too long", SLOW, u(data=b"d" * (1481 - 28)))
    add("UDP from IKE's port", SLOW, u(sport=ike_port))
    add("UDP from 500", SLOW, u(sport=500))
    add("a port that is not leased", NONE, u(sport=9))
    add("TCP from a port that is not leased", NONE, t(sport=9))
    add("joined, from a port that is not leased", NONE, t(sport=9, data=big, df=True), mss=1000)
    add("fragments", SLOW, *fragments(u(data=b"f" * 600), 304))
    add("options", SLOW, options(u()))
    add("a broken header, which is not looked at", FAST, broken(u()))
    add("longer than it is", NONE, u()[:-3])
    add("ICMP", SLOW, echo(ADDRESS, Y2, 5))
    add("ESP", SLOW, esp(ADDRESS, Y2, 0x1001))
    add("SCTP", SLOW, ip(ADDRESS, Y2, 132, struct.pack("!HHII", lo, 5300, 1, 0)))
    add("from an address that is not leased", NONE, udp("198.51.100.9", Y2, lo, 5300, b"spoofed"))
    add("to a group", NONE, u(dst="224.0.0.9"))
    add("to nobody so far", SLOW, u(dst=NEVER))
    for dst, how in sorted(SHUT.items()):
        add(how + ": UDP", NONE, u(dst=dst))
        add(how + ": TCP", NONE, t(dst=dst))
        add(how + ": joined", NONE, t(dst=dst, data=big, df=True), mss=1000)
    return out


def told_inside(p):
    """All of it but the outer header's id, which each draws."""
    return repr((p.src, p.dst, p.tos, p.df, p.mf, p.frag, p.ttl, p.total, p.good(), p.payload.hex()))


def play(out):
    """Writes what came of each packet; and, beside it, how many eBPF is to have had."""
    l = Laptop()
    fast = 0
    with open(out, "w", encoding="ascii") as f:
        for what, how, packets, mss in corpus():
            for p in packets:
                if mss:
                    l.send_joined(p, mss)
                else:
                    l.send(p)
            got = l.until_mark()
            if (how == NONE) != (not got):
                sys.exit("FAIL: %s (%s): %d packets left" % (what, how, len(got)))
            if how == FAST:
                fast += len(got)
            print(what, *[told_inside(p) for p in got], sep="\n  ", file=f)
            print("ok: %s: %d left" % (what, len(got)))
        fast_in = 0
        l.clear.drain()
        for what, how, packets in corpus_in():
            for p in packets:
                l.wire.send(p)
            got = l.until_mark_in()
            if (how == NONE) != (not got):
                sys.exit("FAIL: %s (%s): %r came in" % (what, how, got))
            if how == FAST:
                fast_in += len(got)
            print(what, *[p.raw.hex() for p in got], sep="\n  ", file=f)
            print("ok: %s: %d came" % (what, len(got)))
    print(fast, fast_in, file=open(out + ".fast", "w", encoding="ascii"))


def mark(_):
    Laptop().until_mark()


def many(out):
    """Goes on for ever: numbered packets of a flow that is passed."""
    l = Laptop()
    n = 0
    while True:
        n += 1
        l.send(udp(ADDRESS, Y2, LO, 5300, b"<many %08d>" % n))
        with open(out + ".new", "w", encoding="ascii") as f:
            print(n, file=f)
        os.replace(out + ".new", out)
        time.sleep(0.002)


def seen(out):
    """The number of the last of these at N's port, for ever."""
    w = Wire("N", "eth1", "00:00:00:00:00:00")
    last = 0
    with open(out, "w", encoding="ascii") as f:
        print("looking", file=f, flush=True)
        while True:
            p = w.recv(lambda p: b"<many " in p.raw, 0.2)
            if p is not None:
                at = p.raw.index(b"<many ") + 6
                last = int(p.raw[at:at + 8])
                print(last, p.proto, file=f, flush=True)


def first(_):
    """Policy decides on the first packet."""
    l = Laptop()
    l.send(udp(ADDRESS, Y2, LO, 5301, b"first"))
    l.until_mark()


what, ADDRESS, span, IKE = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
LO, HI = (int(x) for x in span.split("-"))
if HI == IKE:
    HI -= 1
{"play": play, "many": many, "seen": seen, "first": first, "mark": mark}[what](sys.argv[5] if len(sys.argv) > 5 else None)
