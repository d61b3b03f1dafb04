# nat_net.py - namespaces Y-N-X, packets made and seen on both wires, and a gateway run by lines
"""Everything here is named with the pid and goes away with it."""
import atexit, ctypes, fcntl, json, os, select, signal, socket, struct, subprocess, sys, tempfile, threading, time

Y, NB, NA = "198.51.100.10", "198.51.100.1", "10.0.0.1"
Y2 = "198.51.100.20"
X1, X2, X3 = "10.0.0.11", "10.0.0.12", "10.0.0.13"
ICMP, IPIP, TCP, UDP, GRE, ESP, AH = 1, 4, 6, 17, 47, 50, 51
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def run(cmd, check=True):
    return subprocess.run(cmd, shell=True, check=check, text=True,
                          capture_output=True).stdout


class Inside:
    """with Inside(ns): sockets made here belong to that namespace."""
    def __init__(self, ns):
        self.ns = ns

    def __enter__(self):
        self.old = os.open("/proc/self/ns/net", os.O_RDONLY)
        fd = os.open("/run/netns/" + self.ns, os.O_RDONLY)
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(fd)

    def __exit__(self, *a):
        libc.setns(self.old, CLONE_NEWNET)
        os.close(self.old)


# --- packets -------------------------------------------------------------------

def csum(b):
    if len(b) % 2:
        b += b"\0"
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ip(src, dst, proto, payload, ttl=64, df=False, tos=0, ident=7, frag=0, mf=False):
    h = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), ident,
                    (0x4000 if df else 0) | (0x2000 if mf else 0) | frag >> 3,
                    ttl, proto, 0, socket.inet_aton(src), socket.inet_aton(dst))
    return h[:10] + struct.pack("!H", csum(h)) + h[12:] + payload


def udp(src, dst, sport, dport, data, **k):
    n = 8 + len(data)
    u = struct.pack("!HHHH", sport, dport, n, 0) + data
    ps = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 17, n)
    c = csum(ps + u) or 0xffff
    return ip(src, dst, UDP, u[:6] + struct.pack("!H", c) + data, **k)


def tcp(src, dst, sport, dport, flags=2, data=b"", seq=1, **k):
    t = struct.pack("!HHIIBBHHH", sport, dport, seq, 0, 0x50, flags, 8192, 0, 0) + data
    ps = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 6, len(t))
    return ip(src, dst, TCP, t[:16] + struct.pack("!H", csum(ps + t)) + t[18:], **k)


def icmp(src, dst, typ, code, rest, data=b"", **k):
    m = struct.pack("!BBH", typ, code, 0) + rest + data
    return ip(src, dst, ICMP, m[:2] + struct.pack("!H", csum(m)) + m[4:], **k)


def echo(src, dst, ident, reply=False, data=b"ping", **k):
    return icmp(src, dst, 0 if reply else 8, 0, struct.pack("!HH", ident, 1), data, **k)


def error(src, dst, quoted, typ=3, code=3, mtu=0, n=None):
    return icmp(src, dst, typ, code, struct.pack("!HH", 0, mtu), quoted[:n])


def esp(src, dst, spi, data=b"cipher text here", **k):
    return ip(src, dst, ESP, struct.pack("!II", spi, 1) + data, **k)


def ah(src, dst, spi, data=b"x" * 12, **k):
    return ip(src, dst, AH, struct.pack("!BBHII", 17, 4, 0, spi, 1) + data, **k)


def ike(src, dst, cookie, rcookie=0, sport=500, dport=500, data=b"", marker=b"", **k):
    h = marker + struct.pack("!QQBBBBII", cookie, rcookie, 1, 0x10, 2, 0, 0, 28 + len(data))
    return udp(src, dst, sport, dport, h + data, **k)


def fragments(packet, size):
    """Splits a packet into fragments with size bytes (a multiple of 8) of payload."""
    f = Ip(packet)
    out = []
    for off in range(0, len(f.payload), size):
        part = f.payload[off:off + size]
        out.append(ip(f.src, f.dst, f.proto, part, ident=f.ident, frag=off,
                      mf=off + size < len(f.payload), ttl=f.ttl, tos=f.tos))
    return out


class Ip:
    def __init__(self, b):
        self.raw = b
        self.hlen = (b[0] & 15) * 4
        self.tos, self.total, self.ident, fr = struct.unpack("!BHHH", b[1:8])
        self.raw = b = b[:self.total]
        self.ttl, self.proto = b[8], b[9]
        self.df, self.mf, self.frag = bool(fr & 0x4000), bool(fr & 0x2000), (fr & 0x1fff) * 8
        self.src, self.dst = socket.inet_ntoa(b[12:16]), socket.inet_ntoa(b[16:20])
        self.payload = b[self.hlen:]

    def good(self):
        return csum(self.raw[:self.hlen]) == 0

    def inner(self):
        if self.proto == IPIP:
            return Ip(self.payload)
        if self.proto == GRE:
            return Ip(self.payload[4:])
        return None

    def __repr__(self):
        return "<%s>%s proto %d len %d %s>" % (self.src, self.dst, self.proto,
                                              len(self.raw), self.payload[:24].hex())


def tunnel(host, packet, kind=IPIP, gw=NA, **k):
    if kind == GRE:
        packet = b"\0\0\x08\0" + packet
    return ip(host, gw, kind, packet, **k)


def joined(packet, mss, udp=False):
    """A packet as a sender's kernel hands it to a card that cuts it: checksums are to be filled in."""
    f = Ip(packet).inner() or Ip(packet)
    at = 6 if udp else 16
    start = len(packet) - len(f.payload)
    pseudo = f.raw[12:20] + struct.pack("!BBH", 0, f.proto, len(f.payload))
    body = bytearray(packet)
    struct.pack_into("!H", body, start + at, ~csum(pseudo) & 0xffff)
    headers = start + (8 if udp else 20)
    # struct virtio_net_hdr: its lengths count the Ethernet header
    vnet = struct.pack("=BBHHHH", 1, (5 if udp else 1) if len(packet) - headers > mss else 0,
                       14 + headers, mss, 14 + start, at)
    return vnet, bytes(body)


class Stray(bytes):
    """A packet in a frame of its own: for another machine, or of a VLAN."""
    def __new__(cls, packet, mac=None, vlan=None):
        s = super().__new__(cls, packet)
        s.mac, s.tag = mac and bytes.fromhex(mac.replace(":", "")), b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
        return s


class Wire:
    """An interface that we send on and look at."""
    def __init__(self, ns, dev, gwmac):
        with Inside(ns):
            self.s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
            self.s.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)       # SO_RCVBUFFORCE
            self.s.bind((dev, 0x0800))
            # So that the kernel does not answer "protocol unreachable" for us.
            self.quiet = [socket.socket(socket.AF_INET, socket.SOCK_RAW, p)
                          for p in (IPIP, GRE, ESP, AH)]
        self.ns, self.dev, self.mac = ns, dev, bytes.fromhex(gwmac.replace(":", ""))

    def send(self, packet):
        if isinstance(packet, Stray):
            self.send_frame(packet, packet.mac, packet.tag)
        else:
            self.s.sendto(packet, (self.dev, 0x0800, 0, 0, self.mac))

    def send_frame(self, packet, mac=None, tag=b"", vnet=b""):
        """With an Ethernet header of ours; vnet: what the kernel is told of it."""
        with Inside(self.ns):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            s.setsockopt(263, 15, vnet != b"")      # SOL_PACKET, PACKET_VNET_HDR
            s.bind((self.dev, 0x0800))
        try:
            s.send(vnet + (mac or self.mac) + bytes(6) + tag + b"\x08\0" + packet)
        finally:
            s.close()

    def send_joined(self, packet, mss, udp=False):
        """The same as one packet of many segments."""
        vnet, body = joined(packet, mss, udp)
        self.send_frame(body, vnet=vnet)

    def recv(self, want, timeout=10.0):
        """The first packet that came in for which want(Ip) holds, or None."""
        end = time.time() + timeout
        while True:
            left = end - time.time()
            if left <= 0 or not select.select([self.s], [], [], left)[0]:
                return None
            b, a = self.s.recvfrom(70000)
            if a[2] == socket.PACKET_OUTGOING:
                continue
            p = Ip(b)
            if want(p):
                return p

    def drain(self):
        while select.select([self.s], [], [], 0)[0]:
            self.s.recvfrom(70000)


class Net:
    def __init__(self, n="rn%d" % os.getpid(), mtu=1500):
        self.y, self.n, self.x = n + "y", n + "n", n + "x"
        atexit.register(self.close)
        for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(s, lambda *a: sys.exit(1))
        for ns in (self.y, self.n, self.x):
            run("ip netns add " + ns)
            run("ip -n %s link set lo up" % ns)
        run("ip -n %s link add pub type veth peer name eth0 netns %s" % (self.n, self.y))
        run("ip -n %s link add prv type veth peer name eth0 netns %s" % (self.n, self.x))
        for ns, dev, addrs in ((self.n, "pub", [NB + "/24"]), (self.n, "prv", [NA + "/24"]),
                               (self.y, "eth0", [Y + "/24", Y2 + "/24"]),
                               (self.x, "eth0", [a + "/24" for a in (X1, X2, X3)])):
            for a in addrs:
                run("ip -n %s addr add %s dev %s" % (ns, a, dev))
            run("ip -n %s link set %s up" % (ns, dev))
        run("ip -n %s route add default via %s" % (self.x, NA))
        self.wy = Wire(self.y, "eth0", self.mac("pub"))
        self.wx = Wire(self.x, "eth0", self.mac("prv"))
        # Learn each other's link addresses before anything is counted.
        self.ping(self.y, Y, NB)
        for a in (X1, X2, X3):
            self.ping(self.x, a, NA)

    def mac(self, dev):
        return json.loads(run("ip -j -n %s link show %s" % (self.n, dev)))[0]["address"]

    def ping(self, ns, src, dst, timeout=10):
        """True if dst answers an echo request of the kernel's in ns."""
        with Inside(ns):
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, ICMP)
        s.bind((src, 0))
        s.settimeout(timeout)
        ident = 60000 + os.getpid() % 5000
        m = struct.pack("!BBHHH", 8, 0, 0, ident, 1) + b"are you there"
        s.sendto(m[:2] + struct.pack("!H", csum(m)) + m[4:], (dst, 0))
        try:
            while True:
                p = Ip(s.recvfrom(2000)[0])
                if p.src == dst and p.payload[0] == 0 and p.payload[8:] == m[8:]:
                    return True
        except TimeoutError:
            return False

    def guest(self, host, router):
        """Another inside network of the router, grd there; returns its host's namespace."""
        guest = self.n[:-1] + "g"
        atexit.register(lambda: subprocess.run(["ip", "netns", "del", guest],
                                               stderr=subprocess.DEVNULL))
        run("ip netns add " + guest)
        run("ip -n %s link add grd type veth peer name eth0 netns %s" % (self.n, guest))
        for ns, dev, a in ((self.n, "grd", router), (guest, "eth0", host)):
            run("ip -n %s addr add %s/24 dev %s; ip -n %s link set %s up" %
                (ns, a, dev, ns, dev))
        run("ip -n %s route add default via %s" % (guest, router))
        return guest

    def laptop(self, host, address, realm):
        """X is a host with that leased address, and a TCP/IP stack of its own for realm."""
        with Inside(self.x):
            t = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(t, 0x400454ca, struct.pack("16sH14x", b"rsip0", 0x1001))
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, IPIP)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            s.bind((host, 0))
        run("ip -n %s addr add %s/32 dev rsip0; ip -n %s link set rsip0 up mtu 1480" %
            (self.x, address, self.x))
        run("ip -n %s route add %s dev rsip0 src %s" % (self.x, realm, address))

        def out():
            while True:
                s.sendto(os.read(t, 2000), (NA, 0))

        def back():
            while True:
                os.write(t, Ip(s.recv(70000)).payload)
        for f in (out, back):
            threading.Thread(target=f, daemon=True).start()

    def inside_n(self, cmd, check=True):
        return run("ip netns exec %s sh -c '%s'" % (self.n, cmd), check=check)

    def close(self):
        for ns in (self.y, self.n, self.x):
            subprocess.run(["ip", "netns", "del", ns], stderr=subprocess.DEVNULL)


class Gateway:
    all, reports = [], []    # what a sanitizer said, also of those that are gone

    def __init__(self, net, *options, ports="20000-49999", log=None):
        prog = os.environ.get("NAT_GATEWAY", "tests/net/nat_gateway")
        self.net = net
        # Process IDs are those of a namespace: two tests have the same.
        self.log = open(log, "w+") if log else tempfile.NamedTemporaryFile(
            "w+", prefix="nat_gateway.", suffix=".log", delete=False)
        atexit.register(self.kill)
        self.p = subprocess.Popen(
            ["ip", "netns", "exec", net.n, prog, "pub", "prv", NA, "pool=%s:%s" % (NB, ports),
             *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, bufsize=0)
        self.misuses, self.unread = [], b""
        self.all.append(self)
        if self.line(30) != "ready":
            raise RuntimeError("gateway: " + self.errors())

    def errors(self):
        self.log.flush()
        return open(self.log.name).read()

    def line(self, timeout=10):
        while b"\n" not in self.unread:
            if not select.select([self.p.stdout], [], [], timeout)[0]:
                raise RuntimeError("the gateway does not answer")
            more = os.read(self.p.stdout.fileno(), 65536)
            if not more:
                return ""
            self.unread += more
        line, self.unread = self.unread.split(b"\n", 1)
        return line.decode()

    def say(self, cmd):
        """Answer lines before "ok"; raises on "error"."""
        self.p.stdin.write((cmd + "\n").encode())
        out = []
        while True:
            l = self.line()
            if l == "ok":
                return out
            if l == "" or l.startswith("error"):
                raise RuntimeError(cmd + ": " + (l or self.errors()))
            if l.startswith("misuse"):
                self.misuses.append(l)
            else:
                out.append(l)

    def status(self):
        said = json.loads(self.say("status")[0])
        return {**said["demux"], **said["dataplane"]}

    def look(self):
        """What the log has of sanitizers, once."""
        if self in self.all:
            said = self.errors()
            if "Sanitizer: " in said or ": runtime error: " in said:
                self.reports.append(said)
            if self.p.poll() is not None:
                self.all.remove(self)

    def stop(self):
        self.p.stdin.close()
        return self.p.wait(20)

    def kill(self):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()
        self.look()
        try:
            os.unlink(self.log.name)
        except OSError:
            pass


class Report:
    def __init__(self):
        self.failed = 0

    def ok(self, cond, what):
        print(("ok      " if cond else "NOT OK  ") + what, flush=True)
        if not cond:
            self.failed += 1
        return cond

    def end(self):
        for g in list(Gateway.all):
            g.look()
        for said in Gateway.reports:
            self.ok(False, "a sanitizer reports:\n" + said)
        if self.failed:
            print("%d failed" % self.failed)
        sys.exit(1 if self.failed else 0)


def begin():
    """Which firewall, the report, the three namespaces, and what is asked of packets."""
    r, net = Report(), Net()
    return sys.argv[1] if len(sys.argv) > 1 else "iptables", r, net, Path(net, r)


class Path:
    """What is asked of nearly every packet, each one line of the report."""
    def __init__(self, net, report):
        self.net, self.r = net, report

    def arrives(self, packet, host, what, kind=IPIP, check=None, hop=1):
        """Sent by Y, it must come out of the tunnel to host unchanged but for the TTL."""
        wx = self.net.wx
        wx.drain()
        sent = Ip(packet)
        self.net.wy.send(packet)
        # Kernels beside us answer what they do not know: not what we look for.
        p = wx.recv(lambda p: p.proto == kind and sent.payload in p.raw)
        good = p is not None and p.dst == host and p.src == NA and p.good()
        if good:
            i = p.inner()
            good = (i.good() and i.payload == sent.payload and i.src == sent.src and
                    i.dst == sent.dst and i.ttl == sent.ttl - hop and
                    (check is None or check(p, i)))
        return self.r.ok(good, what + ("" if good else ": %r" % p))

    def nobody(self, packet, what, wire_in=None, wire_out=None, soon=0):
        """Sent by Y (or on wire_in), nothing of it may be seen at X (or on wire_out);
        soon: from some moment within so many seconds."""
        wire_in, wire_out = wire_in or self.net.wy, wire_out or self.net.wx
        s, end = Ip(packet), time.time() + soon
        inner = s.inner() or s
        mark, protos = inner.payload, (IPIP, GRE, s.proto, inner.proto)
        while True:
            wire_out.drain()
            wire_in.send(packet)
            p = wire_out.recv(lambda p: p.proto in protos and mark[:8] in p.raw, 0.7)
            if p is None or time.time() >= end:
                break
        return self.r.ok(p is None, what + ("" if p is None else ": %r" % p))

    def leaves(self, packet, host, what, kind=IPIP, check=None, **outer):
        """Sent by host in its tunnel, it must go to Y unchanged but for the TTL."""
        wy = self.net.wy
        wy.drain()
        sent = Ip(packet)
        self.net.wx.send(tunnel(host, packet, kind, **outer))
        p = wy.recv(lambda p: p.payload == sent.payload)
        good = (p is not None and p.src == sent.src and p.ttl == sent.ttl - 1 and p.good() and
                (check is None or check(p)))
        return self.r.ok(good, what + ("" if good else ": %r" % p))
