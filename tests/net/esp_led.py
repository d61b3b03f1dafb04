# esp_led.py - packets of every kind at the devices of a lease whose ESP is the kernel's, and which way each takes
"""usage: esp_led.py [COMMAND...] DRIVER (esp_led.c), in network namespaces of its own"""
import itertools, sys
sys.dont_write_bytecode = True
from nat_net import *

OURS, GATEWAY, LINK = "198.51.100.1", "10.0.0.1", "10.0.0.11"
P1, P2, P3, P4, P9 = ["203.0.113.%d" % i for i in (1, 2, 3, 4, 9)]
TUNNEL_MARK, ESP_MARK, TUNNEL_MTU = 0x5253, 0x5252, 1480
OUTGOING = socket.PACKET_OUTGOING
SO_RCVMARK, SO_MARK, SOL_PACKET, VNET_HDR = 75, 36, 263, 15
BIG = bytes(range(250)) * 20
checks = 0


def check(what, got, want):
    global checks
    if got != want:
        sys.exit("FAIL: %s: %r instead of %r" % (what, got, want))
    checks += 1


def tun(name, vnet=False, kind=1):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH14x", name.encode(), (0x5000 if vnet else 0x1000) | kind))
    if vnet:
        fcntl.ioctl(fd, 0x400454d0, 3)       # TUNSETOFFLOAD: sums, and TCP over IPv4
    run("sysctl -qw net.ipv6.conf.%s.disable_ipv6=1 net.ipv4.conf.%s.rp_filter=0; "
        "ip link set %s up mtu 2000" % (name, name, name))
    return fd


class Seen:
    """What passes a device: (packet, mark, segment size or 0, kind), one way."""
    def __init__(self, dev, outgoing, protocol=3):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.s.setsockopt(SOL_PACKET, VNET_HDR, 1)
        self.s.setsockopt(socket.SOL_SOCKET, SO_RCVMARK, 1)
        self.s.bind((dev, protocol))
        self.outgoing = outgoing

    def get(self):
        out = []
        while select.select([self.s], [], [], 0)[0]:
            b, anc, _, a = self.s.recvmsg(70000, 100)
            if (a[2] == OUTGOING) != self.outgoing:
                continue
            mark = [struct.unpack("=I", d[:4])[0] for _, kind, d in anc if kind == SO_MARK]
            out.append((b[10:], mark[0] if mark else 0, struct.unpack("=H", b[4:6])[0] if b[1] else 0,
                        a[2]))
        return out


class Driver:
    def __init__(self, log="esp_led.log", esp="esp0"):
        with open(log, "w+") as log:
            self.p = subprocess.Popen(sys.argv[1:] + ["oe0", esp, "rsip0"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=log, text=True)
            atexit.register(self.p.kill)
            if self.p.stdout.readline() == "ready\n":
                return
            log.seek(0)
            why = [line for line in log if "eBPF" in line] or ["it ends"]
        # The verifier's word for what it refuses, which is no lack of the kernel's.
        if "cannot load: Permission denied" in why[0]:
            sys.exit("FAIL: this kernel refuses the programs")
        print("skipped: " + why[0].strip())
        sys.exit(77)

    def __call__(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return self.p.stdout.readline().strip()

    def numbers(self, line):
        return [int(n) for n in self(line).split()]


def out_of(dev, mark=0, vnet=False):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
    s.setsockopt(SOL_PACKET, VNET_HDR, vnet)
    s.bind((dev, 0x0800))
    return s


def on_a_tun(packet, mss):
    """As joined(), which has a frame's header."""
    vnet, body = joined(packet, mss)
    flags, kind, headers, size, start, at = struct.unpack("=BBHHHH", vnet)
    return struct.pack("=BBHHHH", flags, kind, headers - 14, size, start - 14, at) + body


def options(packet):
    f = Ip(packet)
    b = bytearray(bytes([0x46]) + packet[1:20] + b"\x01\x01\x01\x00" + packet[20:])
    struct.pack_into("!H", b, 2, len(b))
    struct.pack_into("!H", b, 10, 0)
    struct.pack_into("!H", b, 10, csum(bytes(b[:24])))
    return bytes(b)


def read_all(fd, version=4):
    out = []
    while select.select([fd], [], [], 0)[0]:
        b = os.read(fd, 70000)
        if b[0] >> 4 == version:
            out.append(b)
    return out


def gather(count, *gets):
    """What all of them have seen, when that is so many packets; a busy kernel may be late."""
    out, end = [[] for _ in gets], time.time() + 10
    while True:
        for seen, get in zip(out, gets):
            seen += get()
        if sum(map(len, out)) >= count or time.time() > end:
            return out
        time.sleep(.01)


# --- out ------------------------------------------------------------------------

after = itertools.count(1, 10000)


def u(sport=3000, dst=P1, src=OURS, data=b"udp data", **k):
    return udp(src, dst, sport, 5300, data, **k)


def t(sport=2000, dst=P1, flags=0x10, data=b"tcp data", seq=None, **k):
    """Each after the one before, if nothing is said."""
    return tcp(OURS, dst, sport, 5300, flags, data, next(after) if seq is None else seq, **k)


def corpus_out(n1, n2, n4):
    """[(what, the mark that it gets or None, packets, segment size)]"""
    out = []

    def add(what, number, *packets, mss=0):
        out.append((what, number, packets, mss))

    for port, led in ((2999, None), (3000, n1), (3050, n1), (3099, n1), (3100, None)):
        add("UDP from %d" % port, led, u(port))
    for port, led in ((1999, None), (2000, n1), (2099, n1), (2100, None)):
        add("TCP from %d" % port, led, t(port))
    add("UDP from TCP's part", None, u(2000))
    add("TCP from UDP's part", None, t(3000))
    add("UDP without data", n1, u(data=b""))
    add("UDP, DF, TTL 1, ECT(0)", n1, u(df=True, ttl=1, tos=0xba))
    for name, flags, led in (("SYN", 2, None), ("SYN ACK", 0x12, None), ("FIN", 0x11, n1), ("RST", 4, n1)):
        add("TCP " + name, led, t(flags=flags, data=b""))
    add("as long as may be", n1, u(data=b"d" * (1400 - 28)))
    add("a byte longer", None, u(data=b"d" * (1401 - 28)))
    add("ICMP", None, echo(OURS, P1, 5))
    add("ESP", None, esp(OURS, P1, 0x1111))
    add("SCTP", None, ip(OURS, P1, 132, struct.pack("!HHII", 3000, 5300, 1, 0)))
    add("options", None, options(u()))
    add("fragments", None, *fragments(u(data=b"f" * 600), 304))
    add("longer than it is", None, u()[:-3])
    add("shorter than it is", None, u() + b"abc")
    add("no whole header of TCP", None, ip(OURS, P1, TCP, t()[20:36]))
    add("no whole header of UDP", None, ip(OURS, P1, UDP, u()[20:26]))
    add("from another address", None, u(src="198.51.100.9"))
    add("to another host", None, u(dst=P9))
    add("to a host that leads nothing", None, u(dst=P3))
    add("joined segments", n1, t(data=BIG, df=True), mss=1000)
    add("joined, the last one full", n1, t(data=BIG[:4000]), mss=1000)
    add("joined, as long as may be", n1, t(data=BIG), mss=1360)
    add("joined, a byte longer", None, t(data=BIG), mss=1361)
    add("joined, from another port", None, t(2100, data=BIG), mss=1000)
    add("joined, to another host", None, t(dst=P9, data=BIG), mss=1000)
    # What large segments are lost to a path shows what is sent again: from 577 bytes on
    first, top = 0x70000000, 0xffffff00
    large = BIG[:1000]
    add("TCP", n1, t(2001, seq=first, data=large))
    add("TCP sent again", None, t(2001, seq=first, data=large))
    add("TCP sent again in part", None, t(2001, seq=first + 500, data=large))
    add("TCP sent again, joined", None, t(2001, seq=first, data=BIG), mss=1000)
    add("TCP that goes on", n1, t(2001, seq=first + 1000, data=large))
    add("TCP that leaves a gap", n1, t(2001, seq=first + 9000, data=BIG), mss=1000)
    add("TCP sent again, of what was joined", None, t(2001, seq=first + 13000, data=large))
    add("TCP sent again, small", n1, t(2001, seq=first, data=BIG[:536]))
    add("TCP sent again, no more small", None, t(2001, seq=first, data=BIG[:537]))
    add("TCP of another port", n1, t(2002, seq=first, data=large))
    add("TCP to another host", n2, t(2001, dst=P2, seq=first, data=large))
    add("TCP before all numbers begin anew", n1, t(2003, seq=top, data=large))
    add("TCP after that", n1, t(2003, seq=(top + 1000) % 2**32, data=large))
    add("TCP sent again, from before that", None, t(2003, seq=top, data=large))
    add("TCP SYN of a new connection", None, t(2001, flags=2, seq=5, data=b""))
    add("TCP of a new connection", n1, t(2001, seq=6, data=large))
    for port in (1, 500, 65535):
        add("whatever port: UDP from %d" % port, n2, u(port, dst=P2))
        add("whatever port: TCP from %d" % port, n2, t(port, dst=P2))
    add("whatever port: SCTP", None, ip(OURS, P2, 132, struct.pack("!HHII", 3000, 5300, 1, 0)))
    add("the last of many parts", n4, u(5015, dst=P4))
    add("after the last of many parts", None, u(5016, dst=P4))
    return out


def on_wire(packet, mss):
    """(packets, bytes) that it is in the end."""
    if not mss:
        return 1, len(packet)
    n = -(-(len(packet) - 40) // mss)
    return n, len(packet) - 40 + 40 * n


class Out:
    def __init__(self, tun_fd):
        self.fd = tun_fd
        self.plain, self.joined = out_of("oe0", 0x77), out_of("oe0", 0x77, True)
        self.led, self.sent = Seen("esp0", True), Seen("oe0", True)

    def send(self, packet, mss=0, count=1):
        """What is led, and what comes to the reader, so many packets."""
        if mss:
            self.joined.send(on_a_tun(packet, mss))
        else:
            self.plain.send(packet)
        led, left = gather(count, self.led.get, lambda: read_all(self.fd))
        for _, mark, _, _ in self.sent.get():
            check("the mark of what is not led", mark, 0x77)
        return [s[:3] for s in led], left

    def clear(self, tn, packet):
        """What comes to the reader or is led, and what goes into the tunnel."""
        self.plain.send(packet)
        led, left, clear = gather(1, self.led.get, lambda: read_all(self.fd), tn.wire.get)
        return led + left, [Ip(f[0][14:]).payload for f in clear]

    def goes(self, what, packet, number, mss=0):
        led, left = self.send(packet, mss, on_wire(packet, mss)[0] if number is None else 1)
        if number is None:
            check(what + ", led", led, [])
            check(what + ", left", [p[40:] for p in left] if mss else left,
                  [packet[n:n + mss] for n in range(40, len(packet), mss)] if mss else [packet])
        else:
            check(what + ", left", left, [])
            body = on_a_tun(packet, mss)[10:] if mss else packet
            check(what + ", led", led, [(body, number, mss)])


def play_out(driver, o, n1, n2, n4):
    want, ports = {}, set()
    for what, number, packets, mss in corpus_out(n1, n2, n4):
        for p in packets:
            o.goes(what, p, number, mss)
            if number is not None:
                n, size = on_wire(p, mss)
                a, b = want.get(number, (0, 0))
                want[number] = a + n, b + size
                ports.add(struct.unpack("!H", p[20:22])[0])
    for number, (n, size) in want.items():
        check("counters of %d" % number, driver.numbers("led %d" % number), [n, size, 0, 0])
    check("ports", set(driver.numbers("ports")), ports)
    check("ports once more", driver.numbers("ports"), [])


def joined_udp(o):
    """As a program hands it over."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_UDP, 103, 1000)          # UDP_SEGMENT
    s.setsockopt(socket.SOL_SOCKET, 25, b"oe0")      # SO_BINDTODEVICE
    s.bind((OURS, 3010))
    try:
        s.sendto(BIG, (P1, 5300))
    except OSError:     # some kernels (6.1) leave that to devices which make sums
        return
    led, left = gather(5, o.led.get, lambda: read_all(o.fd))
    check("joined UDP, led", led, [])
    check("joined UDP, left", [p[28:] for p in left], [BIG[n:n + 1000] for n in range(0, 5000, 1000)])
    o.sent.get()


def six(o):
    """IPv6 is the daemon's."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind(("oe0", 0x86dd))
    p = struct.pack("!IHBB", 6 << 28, 8, UDP, 64) + bytes(15) + b"\1" + bytes(15) + b"\2" + u()[20:28]
    s.send(p)
    check("IPv6", gather(1, o.led.get, lambda: read_all(o.fd, 6)), [[], [p]])
    check("IPv6, its mark", [s[1] for s in o.sent.get()], [0])


# --- in -------------------------------------------------------------------------

def corpus_in(n1, n2, n3, spi):
    """[(what, "led", "daemon" or None, mark, hash, packets, segment size)]"""
    out = []

    def add(what, where, *packets, mark=n1, hash=spi[n1], mss=0):
        out.append((what, where, mark, hash, packets, mss))

    def w(dport=3000, src=P1, dst=OURS, data=b"udp data", **k):
        return udp(src, dst, 5300, dport, data, **k)

    def v(dport=2000, src=P1, flags=0x10, data=b"tcp data", **k):
        return tcp(src, OURS, 5300, dport, flags, data, **k)

    for port in (2999, 3000, 3099, 3100):
        add("UDP to %d" % port, "led" if 3000 <= port < 3100 else "daemon", w(port))
    for port in (1999, 2000, 2099, 2100):
        add("TCP to %d" % port, "led" if 2000 <= port < 2100 else "daemon", v(port))
    add("with another hash, but not joined", "led", w(), hash=0x9999)
    add("TCP SYN ACK", "led", v(flags=0x12, data=b""))
    add("UDP to TCP's part", "daemon", w(2000))
    add("from another host", "daemon", w(src=P9))
    add("from the host of another pair", "daemon", w(src=P2))
    add("on another pair", "daemon", w(), mark=n2)
    add("on a pair that leads nothing", "daemon", w(), mark=n3)
    add("on no pair", "daemon", w(), mark=0)
    add("on a pair that there is not", "daemon", w(), mark=4000)
    add("beyond all pairs", "daemon", w(), mark=4096 + n1)
    add("far beyond all pairs", "daemon", w(), mark=0x10000 + n1)
    add("for another address", "daemon", w(dst="198.51.100.9"))
    add("for whatever port", "led", w(77, src=P2), mark=n2)
    add("options", "daemon", options(w()))
    add("fragments", "daemon", *fragments(w(data=b"f" * 600), 304))
    add("longer than it is", "daemon", w()[:-3])
    add("ICMP", "daemon", echo(P1, OURS, 5))
    add("SCTP", "daemon", ip(P1, OURS, 132, struct.pack("!HHII", 5300, 3000, 1, 0)))
    add("joined", "led", v(data=BIG), mss=1000)
    add("joined, to another port", "daemon", v(2100, data=BIG), mss=1000)
    add("joined of two pairs", None, v(data=BIG), hash=spi[n2], mss=1000)
    add("joined of two pairs, to another port", None, v(2100, data=BIG), hash=spi[n2], mss=1000)
    add("joined without a hash", None, v(data=BIG), hash=0, mss=1000)
    add("joined on a pair that leads nothing", "daemon", v(data=BIG), mark=n3, hash=spi[n3], mss=1000)
    add("joined on no pair", None, v(data=BIG), mark=0, hash=0, mss=1000)
    add("joined on a pair that there is not", None, v(data=BIG), mark=4000, hash=0, mss=1000)
    add("joined beyond all pairs", None, v(data=BIG), mark=4096 + n1, mss=1000)
    return out


class In:
    """Packets as if the kernel had decrypted them, and the host's own programs."""
    def __init__(self, driver, esp_fd, esp="esp0", frame=b""):
        self.driver, self.fd, self.frame = driver, esp_fd, frame
        self.daemon, self.came = Seen(esp, False, 0x0800), Seen("oe0", False)
        self.programs = []
        for port in (77, 2000, 2100, 2999, 3000, 3099, 3100):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((OURS, port))
            self.programs.append(s)

    def heard(self):
        out = []
        for s in self.programs:
            while select.select([s], [], [], 0)[0]:
                out.append(s.recv(2000))
        return out

    def put(self, packet, mark, hash, mss=0, count=1):
        """What comes by oe0, to the daemon and to programs, so much in all."""
        self.driver("stamp %x %x" % (mark, hash))
        vnet, body = joined(packet, mss) if mss else (bytes(10), packet)
        os.write(self.fd, vnet + self.frame + body if self.frame else
                 on_a_tun(packet, mss) if mss else vnet + body)
        came, told, heard = gather(count, self.came.get, self.daemon.get, self.heard)
        return [p[:3] for p in came], [(p[len(self.frame):], *rest) for p, *rest in told], heard

    def close(self):
        for s in self.programs:
            s.close()


def play_in(driver, i, n1, n2, n3, spi):
    want = {}
    for what, where, mark, hash, packets, mss in corpus_in(n1, n2, n3, spi):
        for p in packets:
            body = on_a_tun(p, mss)[10:] if mss else p
            hears = where == "led" and p[9] == UDP
            came, told, heard = i.put(p, mark, hash, mss, 2 if hears else 1 if where else 0)
            check(what + ", in, led", came, [(body, 0, mss)] if where == "led" else [])
            check(what + ", in, for the daemon", told,
                  [(body, mark, mss, socket.PACKET_OTHERHOST)] if where == "daemon" else [])
            check(what + ", in, for programs", heard, [p[28:]] if hears else [])
            if where == "led":
                n, size = on_wire(p, mss)
                a, b = want.get(mark, (0, 0))
                want[mark] = a + n, b + size
    for number, (n, size) in want.items():
        check("counters of %d, in" % number, driver.numbers("led %d" % number)[2:], [n, size])


def play_frames(i):
    """The kernel leaves the header of the link that ESP came by before what it has decrypted."""
    i.close()
    esp1 = tun("esp1", True, 2)
    mac = json.loads(run("ip -j link show esp1"))[0]["address"]
    driver, spi = Driver(esp="esp1"), (0x1111, 0x2222, 0x3333)
    n1, n2, n3 = [int(driver("pair %x" % s)) for s in spi]
    driver("lead %d %s %s 1400 tcp 2000 2099 udp 3000 3099" % (n1, OURS, P1))
    driver("lead %d %s %s 1500" % (n2, OURS, P2))
    frame = bytes.fromhex(mac.replace(":", "")) + b"\2\0\0\0\0\1\x08\0"
    play_in(driver, In(driver, esp1, "esp1", frame), n1, n2, n3, dict(zip((n1, n2, n3), spi)))


# --- what leads when ------------------------------------------------------------

def play_changes(driver, o, i, n1, n2):
    def comes(what, led, number, src, port=3000):
        came, told, _ = i.put(udp(src, OURS, 5300, port, b"x"), number, 0, count=1 + led)
        check(what, (len(came), len(told)), (1, 0) if led else (0, 1))

    check("another lead", driver("lead %d %s %s 1300 udp 3000 3001" % (n1, OURS, P9)), "0")
    o.goes("the one before", u(), None)
    o.goes("the other one", u(dst=P9), n1)
    o.goes("its ports", u(3002, dst=P9), None)
    o.goes("its length", u(dst=P9, data=bytes(1301 - 28)), None)
    comes("from the one before", False, n1, P1)
    comes("from the other one", True, n1, P9)
    driver("unlead %d" % n1)
    o.goes("ended", u(dst=P9), None)
    comes("from one that ended", False, n1, P9)
    check("no part of ours", driver("lead %d %s %s 1300 sctp 1 9999" % (n1, OURS, P1)), "0")
    o.goes("without a part", u(), None)
    check("IPv6", driver("lead %d 2001:db8::1 2001:db8::2 1300" % n1), "-1")
    o.goes("after IPv6", u(), None)
    # New keys: a pair takes over what another leads, whose end is not its own.
    n5 = int(driver("pair 5555"))
    check("a lead of the same hosts", driver("lead %d %s %s 1400" % (n5, OURS, P2)), "0")
    o.goes("the newer pair", u(dst=P2), n5)
    comes("on the older pair still", True, n2, P2)
    driver("unpair %d" % n2)
    o.goes("the older pair gone", u(dst=P2), n5)
    comes("on the older pair, gone", False, n2, P2)
    check("another number", int(driver("pair 6666")) in (n1, n2, n5), False)
    # As many as there are, and a number that is used again begins anew.
    numbers = [int(driver("pair 7777")) for _ in range(4095)]
    check("no more pairs", numbers[-1], 0)
    numbers = [n for n in numbers if n]
    check("all of them", len(set(numbers)), len(numbers))
    check("the last is the first to be used again", numbers[-1], n2)
    check("nothing was led", driver.numbers("led %d" % n2), [0, 0, 0, 0])
    for n in numbers:
        driver("unpair %d" % n)


# --- the tunnel -----------------------------------------------------------------

class Tunnel:
    """The gateway's end, and rsip0."""
    def __init__(self, driver, rsip_fd):
        mac = [json.loads(run("ip -j link show " + d))[0]["address"] for d in ("wire0", "wire1")]
        run("ip neigh replace %s lladdr %s dev wire0 nud permanent" % (GATEWAY, mac[1]))
        self.driver, self.fd = driver, rsip_fd
        self.header = b"".join(bytes.fromhex(m.replace(":", "")) for m in mac) + b"\x08\0"
        self.wire, self.clear = Seen("wire1", False), Seen("rsip0", False, 0x0800)
        self.daemon = socket.socket(socket.AF_INET, socket.SOCK_RAW, IPIP)
        self.gateway = out_of("wire1")
        self.ours, self.other = out_of("rsip0", ESP_MARK), out_of("rsip0", 0x77)

    def send(self, packet, sock=None):
        """What goes by the tunnel, and what comes to the reader of rsip0."""
        (sock or self.ours).send(packet)
        sent, left = gather(1, self.wire.get, lambda: read_all(self.fd))
        return [Ip(f[0][14:]) for f in sent], left

    def told(self):
        out = []
        while select.select([self.daemon], [], [], 0)[0]:
            out.append(Ip(self.daemon.recv(2000)).payload)
        return out

    def bring(self, packet, src=GATEWAY, proto=IPIP, count=1, **k):
        """What comes by rsip0, and what to a reader of the tunnel."""
        self.gateway.send(self.header + ip(src, LINK, proto, packet, **k))
        came, told = gather(count, self.clear.get, self.told)
        return [p[:2] for p in came], told


def play_tunnel(driver, tn):
    packets, size = [0, 0], [0, 0]

    def out(what, packet, goes=True, sock=None):
        sent, left = tn.send(packet, sock)
        check(what + ": for the reader", left, [] if goes else [packet])
        check(what + ": in the tunnel", [(p.src, p.dst, p.proto, p.tos, p.df, p.good(), p.payload) for p in sent],
              [(LINK, GATEWAY, IPIP, Ip(packet).tos, Ip(packet).df, True, packet)] if goes else [])
        if goes:
            packets[0] += 1
            size[0] += len(packet)

    def come(what, packet, goes=True, known=True, **k):
        came, told = tn.bring(packet, count=int(goes or known), **k)
        check(what + ": by rsip0", came, [(packet, struct.unpack("!I", packet[20:24])[0])] if goes else [])
        check(what + ": for the daemon", told, [packet] if known and not goes else [])
        if goes:
            packets[1] += 1
            size[1] += len(packet)

    driver("esp abcd1234 on")
    driver("esp 1111 on")
    driver("show")
    driver("way %s %s %s wire0 %d %x %x" %
           (OURS, LINK, GATEWAY, TUNNEL_MTU, TUNNEL_MARK, ESP_MARK))
    driver("wake")
    e, i = lambda **k: esp(OURS, P1, 0x77, **k), lambda spi=0x1111, **k: esp(P1, OURS, spi, **k)
    vouched = time.time() + 10
    while not tn.send(e())[0]:
        if time.time() > vouched:
            sys.exit("FAIL: ESP never goes into the tunnel")
        time.sleep(.05)
    begun = driver.numbers("passed")[:4]
    out("ESP", e())
    out("ESP, DF, ECT(1)", e(df=True, tos=1))
    out("ESP, as long as may be", e(data=bytes(TUNNEL_MTU - 28)))
    out("ESP, a byte longer", e(data=bytes(TUNNEL_MTU - 27)), False)
    out("ESP from another address", esp("198.51.100.9", P1, 0x77), False)
    out("ESP without the mark", e(), False, tn.other)
    out("a fragment of ESP", fragments(e(data=bytes(800)), 400)[0], False)
    out("ESP with options", options(e()), False)
    out("ESP that is longer than it says", e() + b"abc", False)
    out("UDP", u(), False)
    come("ESP", i())
    come("ESP of another SPI", i(0xabcd1234))
    come("ESP, ECT(0)", i(tos=2), tos=2)
    come("ESP with congestion in the tunnel", i(tos=2), False, tos=3)
    come("ESP of nobody's", i(0x7777), False)
    come("ESP of the kernel's SPI backwards", i(0x11110000), False)
    come("ESP for another address", esp(P1, "198.51.100.9", 0x1111), False)
    come("ESP from ourselves", esp(OURS, OURS, 0x1111), False)
    come("ESP not from the gateway", i(), False, src="10.0.0.7")
    come("ESP in GRE", i(), False, False, proto=GRE)
    come("a fragment of ESP", fragments(i(data=bytes(800)), 400)[0], False)
    come("ESP with options", options(i()), False)
    come("ESP that is longer than it says", i() + b"abc", False)
    come("too little for ESP", ip(P1, OURS, ESP, b"\0\0\x11\x11"), False)
    driver("esp 1111 off")
    come("ESP that is not the kernel's any more", i(), False)
    driver("esp 1111 on")
    come("ESP that is once more", i())
    want = [begun[0] + packets[0], begun[1] + size[0], begun[2] + packets[1], begun[3] + size[1]]
    got = driver.numbers("passed")
    check("the tunnel's counters", got[:4], want)
    end = time.time() + 10
    while driver.numbers("passed")[4:] != want:
        if time.time() > end:
            sys.exit("FAIL: told of %r instead of %r" % (driver.numbers("passed")[4:], want))
        time.sleep(.1)
    sleeps(driver, tn, e, i)


def sleeps(driver, tn, e, i):
    """Nobody vouches while nothing moves, nor without a way."""
    end = time.time() + 30
    time.sleep(7)
    while tn.send(e())[0]:
        if time.time() > end:
            sys.exit("FAIL: it vouches though nothing moves")
        time.sleep(7)
    check("asleep, in", tn.bring(i()), ([], [i()]))
    driver("wake")
    end = time.time() + 10
    while not tn.send(e())[0]:
        if time.time() > end:
            sys.exit("FAIL: it does not wake for ESP alone")
        time.sleep(.05)
    check("awake, in", tn.bring(i()), ([(i(), 0x1111)], []))
    driver("way")
    check("no way, out", tn.send(e()), ([], [e()]))
    check("no way, in", tn.bring(i()), ([], [i()]))


def play_hash(tn):
    """What else comes by rsip0, and the mark that show gives it for its hash."""
    def hashed(what, packet, hash):
        os.write(tn.fd, packet)
        check(what, [p[1] for p in gather(1, tn.clear.get)[0]], [hash])

    hashed("the hash of ESP", esp(P1, OURS, 0x80000001), 0x80000001)
    hashed("of ESP in UDP", udp(P1, OURS, 4500, 4500, struct.pack("!II", 0xfedcba98, 1)), 0xfedcba98)
    hashed("of a first fragment", fragments(esp(P1, OURS, 0x2222, data=bytes(800)), 400)[0], 0x2222)
    hashed("of a later fragment", fragments(esp(P1, OURS, 0x2222, data=bytes(800)), 400)[1], 0)
    hashed("of TCP", tcp(P1, OURS, 1, 2, data=b"x" * 20), 0)
    hashed("of ESP that is cut off", ip(P1, OURS, ESP, b"\1\2"), 0)


def play_order(driver, o, tn, n):
    """A pair's lead counts before what may pass in the clear."""
    driver("lead %d %s %s 1400 udp 3000 3000" % (n, OURS, P1))
    driver("clear %s %s on" % (OURS, P1))
    driver("port 3000")
    driver("port 3001")
    driver("way %s %s %s wire0 %d %x %x" %
           (OURS, LINK, GATEWAY, TUNNEL_MTU, TUNNEL_MARK, ESP_MARK))
    end = time.time() + 10
    tn.wire.get()
    while True:
        left, clear = o.clear(tn, u(3001))
        if clear:
            break
        if time.time() > end:
            sys.exit("FAIL: nothing passes in the clear")
        driver("wake")
        time.sleep(.05)
    check("in the clear", (left, clear), ([], [u(3001)]))
    o.goes("led, though it might pass", u(), n)
    check("led and in the clear", tn.wire.get(), [])
    driver("close")
    o.goes("closed, by the daemon", u(2000), None)
    check("closed, in the clear", o.clear(tn, u()), ([], [u()]))


def main():
    os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
    run("ip link set lo up; sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0")
    oe, esp0, rsip = tun("oe0"), tun("esp0", True), tun("rsip0")
    run("ip link add wire0 type veth peer name wire1; sysctl -qw net.ipv6.conf.wire0.disable_ipv6=1 "
        "net.ipv6.conf.wire1.disable_ipv6=1; ip addr add %s/24 dev wire0; ip addr add %s/32 dev rsip0; "
        "ip link set wire0 up; ip link set wire1 up" % (LINK, OURS))
    driver = Driver()
    spi = {}
    n1, n2, n3, n4 = [int(driver("pair %x" % s)) for s in (0x1111, 0x2222, 0x3333, 0x4444)]
    check("marks", 0x4f450000 < n1 < 0x4f451000 and len({n1, n2, n3, n4}) == 4, True)
    spi = {n1: 0x1111, n2: 0x2222, n3: 0x3333}
    check("lead", driver("lead %d %s %s 1400 tcp 2000 2099 sctp 1 65535 udp 3000 3099" % (n1, OURS, P1)), "0")
    check("lead of all", driver("lead %d %s %s 1500" % (n2, OURS, P2)), "0")
    check("lead of many parts", driver("lead %d %s %s 1500%s" % (n4, OURS, P4, "".join(
        " udp %d %d" % (p, p) for p in range(5000, 5016)))), "0")
    o, i, tn = Out(oe), In(driver, esp0), Tunnel(driver, rsip)
    play_out(driver, o, n1, n2, n4)
    joined_udp(o)
    six(o)
    print("ok: out: %d checks" % checks)
    play_in(driver, i, n1, n2, n3, spi)
    print("ok: in: %d checks with these" % checks)
    play_changes(driver, o, i, n1, n2)
    print("ok: leads that change: %d checks with these" % checks)
    play_tunnel(driver, tn)
    play_hash(tn)
    print("ok: the tunnel: %d checks with these" % checks)
    play_order(driver, o, tn, n1)
    print("ok: beside what passes in the clear: %d checks with these" % checks)
    driver.p.kill()
    play_frames(i)
    print("ok: in, behind a link's header: %d checks with these" % checks)


if __name__ == "__main__":
    main()
