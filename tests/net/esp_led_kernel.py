# esp_led_kernel.py - files between two hosts by the kernel's ESP, led there by eBPF, and packets of two pairs that come at once
"""usage: esp_led_kernel.py DRIVER (esp_led.c), in network namespaces of its own, where the kernel has ESP"""
import sys
sys.dont_write_bytecode = True
from esp_led import *

A, B, LINK_A, LINK_B = "198.51.100.1", "203.0.113.1", "10.0.0.11", "10.0.0.1"
KEYS = "aead 'rfc4106(gcm(aes))' 0x0123456789abcdef0123456789abcdef01020304 128"
IF_ID, SIZE = 7, 3000000


class Host:
    """One end: its devices, and for a daemon who passes on whatever comes."""
    def __init__(self, ns, addr, link, remote, mac):
        self.ns, self.addr, self.pairs, self.asked, self.leads = ns, addr, {}, 0, None
        with Inside(ns):
            self.oe, rsip = tun("oe0", True), tun("rsip0")
        self.run("ip addr add %s/32 dev rsip0; ip link set oe0 mtu 1400; ip route add default dev oe0 src %s" % (addr, addr))
        self.run("ip rule add from %s fwmark %d lookup 100; ip route add default dev rsip0 table 100" % (addr, ESP_MARK))
        self.run("ip neigh replace %s lladdr %s dev wire nud permanent" % (remote, mac))
        self.run("ip link add esp0 type xfrm dev rsip0 if_id %d; ip link set esp0 mtu 1400" % IF_ID)
        with Inside(ns):
            self.driver = Driver(ns + ".log")
        self.run("ip link set esp0 up")
        self.driver("way %s %s %s wire %d %x %x" % (addr, link, remote, TUNNEL_MTU, TUNNEL_MARK, ESP_MARK))
        with Inside(ns):
            self.came = Seen("esp0", False, 0x0800)
        threading.Thread(target=self.serve, daemon=True).start()

    def run(self, cmd):
        run("nsenter --net=/run/netns/%s sh -c \"%s\"" % (self.ns, cmd))

    def pair(self, peer, spi_in, spi_out):
        mark = int(self.driver("pair %x" % spi_in))
        name = mark & 0xfff
        sa = "ip xfrm state add src %s dst %s proto esp spi %d reqid %d mode tunnel " + KEYS + \
            " if_id %d output-mark %d flag af-unspec replay-window 128"
        self.run(sa % (self.addr, peer, spi_out, name, IF_ID, ESP_MARK))
        self.run(sa % (peer, self.addr, spi_in, 0x1000 + name, IF_ID, mark))
        self.run("ip xfrm policy add dir out mark %d if_id %d tmpl src %s dst %s proto esp reqid %d mode tunnel" %
                 (mark, IF_ID, self.addr, peer, name))
        self.driver("esp %x on" % spi_in)
        self.driver("wake")
        with Inside(self.ns):
            self.pairs[mark] = out_of("esp0", mark, True)
        return mark

    def lead(self, mark, peer):
        check("lead", self.driver("lead %d %s %s 1400" % (mark, self.addr, peer)), "0")
        self.leads = self.pairs[mark]

    def serve(self):
        """What is not led goes the same way by us."""
        while True:
            select.select([self.oe], [], [])
            b = os.read(self.oe, 70000)
            if b[10] >> 4 == 4 and self.leads:
                self.asked += 1
                self.leads.send(b)


def fetch(what, x, y, port, data):
    """data from x to y, by TCP; the daemons see as good as nothing."""
    got = []
    with Inside(y.ns):
        door = socket.socket()
    door.bind((y.addr, port))
    door.listen()

    def take():
        c = door.accept()[0]
        while True:
            b = c.recv(1 << 16)
            if not b:
                return
            got.append(b)
    t = threading.Thread(target=take, daemon=True)
    t.start()
    before = x.asked + y.asked
    with Inside(x.ns):
        s = socket.socket()
    s.settimeout(60)
    s.bind((x.addr, 0))
    s.connect((y.addr, port))
    s.sendall(data)
    s.close()
    t.join(60)
    check(what, b"".join(got) == data, True)
    asked = x.asked + y.asked - before
    check("%s: %d packets by the daemons" % (what, asked), 1 <= asked <= 20, True)
    check("opened for the daemons", x.came.get() + y.came.get(), [])


def burst(y, programs, x, *socks):
    """Segments of one connection that come all at once: (length, mark, segment size) for y's programs, and
    for its daemon."""
    x.run("tc qdisc replace dev wire root netem delay 500ms")
    for h in (x, y):
        h.driver("wake")     # as a daemon does that packets come to
    for i, s in enumerate(socks):
        p = tcp(x.addr, y.addr, 5300, 2005, 0x10, b"d" * 1000, seq=1 + 1000 * i, df=True)
        s.send(bytes(10) + p)
    got = [[], []]
    end = time.time() + 5
    while sum(-(-(len(p[0]) - 40) // 1000) for seen in got for p in seen) < len(socks) and time.time() < end:
        time.sleep(.1)
        got[0] += programs.get()
        got[1] += y.came.get()
    x.run("tc qdisc del dev wire root")
    return [[(len(p[0]), p[1], p[2]) for p in seen] for seen in got]


def joins(seen):
    return [s for s in seen if s[2] != 0]


def play_joined(a, b):
    """The peer of one pair says on another what would be the next segment of the first."""
    other = a.pair(B, 0x3333, 0x4444)
    b_other = b.pair(A, 0x4444, 0x3333)
    b_first = b.leads
    with Inside("A"):
        programs = Seen("oe0", False)
    mixed = [b_first, b.pairs[b_other]] * 2
    for _ in range(10):
        for_programs, told = burst(a, programs, b, *[b_first] * 4)
        check("of one pair, for the daemon", told, [])
        if joins(for_programs):
            break
    check("of one pair, joined", joins(for_programs) != [], True)
    for _ in range(5):
        for_programs, told = burst(a, programs, b, *mixed)
        check("of two pairs, for programs", for_programs, [(1040, 0, 0)] * 2)
        check("of two pairs, for the daemon", told, [(1040, other, 0)] * 2)
    # What would be, without the hash, and if nobody looked at that.
    a.run("tc filter del dev rsip0 ingress")
    for _ in range(3):
        for_programs, told = burst(a, programs, b, *mixed)
        check("without the hash, joined", joins(for_programs) + joins(told), [])
    a.run("tc filter del dev esp0 ingress")
    for _ in range(10):
        told = joins(burst(a, programs, b, *mixed)[1])
        if told:
            break
    check("control: neighbours of two pairs, joined", told != [], True)


def main():
    run("ip link set lo up; ip netns add A; ip netns add B; ip link add wire netns A type veth peer name wire netns B")
    mac = {}
    for ns, link in (("A", LINK_A), ("B", LINK_B)):
        run("ip netns exec %s sh -c 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.conf.all.rp_filter=0 "
            "net.ipv4.conf.default.rp_filter=0; ip link set lo up; ip addr add %s/24 dev wire; ip link set wire up'" % (ns, link))
        mac[ns] = json.loads(run("ip -j -n %s link show wire" % ns))[0]["address"]
    a = Host("A", A, LINK_A, LINK_B, mac["B"])
    b = Host("B", B, LINK_B, LINK_A, mac["A"])
    first, second = a.pair(B, 0x1111, 0x2222), b.pair(A, 0x2222, 0x1111)
    a.lead(first, B)
    b.lead(second, A)
    end = time.time() + 60
    while a.driver.numbers("passed")[0] == 0 or b.driver.numbers("passed")[0] == 0:
        if time.time() > end:
            sys.exit("FAIL: nothing goes into the tunnel")
        for x, y in ((a, b), (b, a)):
            with Inside(x.ns):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.sendto(b"?", (y.addr, 9))
        time.sleep(.2)
    for s in (a, b):
        s.came.get()
    data = os.urandom(SIZE)
    fetch("a file from A to B", a, b, 80, data)
    fetch("a file from B to A", b, a, 81, data)
    print("ok: %d bytes each way: led %s, in the tunnel %s, packets and bytes out and in" %
          (SIZE, a.driver("led %d" % first), a.driver("passed")))
    play_joined(a, b)
    print("ok: joined are segments of one pair, never of two: %d checks" % (sys.modules["esp_led"].checks))


if __name__ == "__main__":
    main()
