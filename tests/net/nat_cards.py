# nat_cards.py - eBPF programs at the cards (XDP): as by NFQUEUE and at tc, and only where nothing is lost by it
import sys
sys.dont_write_bytecode = True
import re
from nat_fast import *

# Which drivers send by XDP, kernels before do not say.
SAYS = tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) >= (6, 3)
XDP_PASS, BPF_PROG_LOAD, BPF_LINK_CREATE, BPF_XDP, DRIVER = 2, 5, 28, 37, 4


def ethtool(ns, dev, words):
    run("ip netns exec %s ethtool -K %s %s" % (ns, dev, words))


def far_ends(words):
    """What is sent by XDP into a veth arrives where the other end receives by NAPI."""
    for ns in (net.x, net.y):
        ethtool(ns, "eth0", words)


def where(g, want, seconds=20):
    """Where eBPF stands, within the time that the daemon takes to see what changed; packets keep it awake."""
    end = time.time() + seconds
    while g.status()["offload"] != want and time.time() < end:
        wy.send(udp(Y, NB, 53, 9, b"so that it looks"))
        time.sleep(0.2)
    return g.status()["offload"]


def by_card():
    return g.status()["offloaded_xdp"]


def neighbour(address):
    """Its link-layer address as the gateway has it."""
    return json.loads(run("ip -j -n %s neigh show %s dev prv" % (net.n, address)))[0].get("lladdr")


def bpf(command, attr):
    """bpf(2), or an OSError"""
    attr = ctypes.create_string_buffer(attr.ljust(128, b"\0"))
    fd = libc.syscall({"x86_64": 321, "aarch64": 280}[os.uname().machine], command, attr, 128)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return fd


def another_program(dev):
    """Somebody else's at that card, as long as the descriptors that are returned are open."""
    code = ctypes.create_string_buffer(struct.pack("=BBhiBBhi", 0xb7, 0, 0, XDP_PASS, 0x95, 0, 0, 0))
    name = ctypes.create_string_buffer(b"GPL")
    prog = bpf(BPF_PROG_LOAD, struct.pack("=IIQQ", 6, 2, ctypes.addressof(code), ctypes.addressof(name)))
    with Inside(net.n):
        return prog, bpf(BPF_LINK_CREATE, struct.pack("=IIII", prog, socket.if_nametoindex(dev), BPF_XDP, DRIVER))


def refused(words, what, others=0):
    """Where it cannot be, it is at tc, and says why."""
    g = start("offload-xdp")
    r.ok(g.status()["offload"] == "tc" and words in g.errors() and programs().count("prog/xdp") == others,
         what + ": " + ([l for l in g.errors().split("\n") if "eBPF offload" in l] or [""])[0])
    r.ok(g.stop() == 0, "the gateway ends")


net.inside_n("sysctl -qw net.ipv4.icmp_ratelimit=0")
packets = corpus()

# The same packets by NFQUEUE alone, by eBPF at tc, and at the cards
g = begin_with()
by_queue = play(net, packets)
r.ok(g.stop() == 0, "the gateway without eBPF ends")
before = programs()
g = begin_fast("offload")
play_fast(packets, by_queue)
r.ok(g.stop() == 0, "the gateway at tc ends")

refused("rxvlan off", "who takes off VLAN tags")
net.inside_n("ethtool -K pub rxvlan off; ethtool -K prv rxvlan off")
fds = another_program("prv")
refused("another", "where another's program stands at one card", 1)
r.ok(programs().count("prog/xdp") == 1, "and that one stays")
for fd in fds[::-1]:
    os.close(fd)

if not SAYS:
    far_ends("gro on")
g = begin_fast("offload-xdp")
if SAYS:
    r.ok(g.status()["offload"] == "tc", "a veth whose other end does not receive by NAPI sends nothing by XDP")
    arrives(udp(Y, NB, 53, 20000, b"by tc"), X1, "all is as ever")
    far_ends("gro on")
r.ok(where(g, "xdp") == "xdp", "when it does, the programs at the cards begin")
r.ok(programs().count("prog/xdp ") == 2, "in the driver, at both")
r.ok(g.stop() == 0 and programs() == before, "it ends, and they go")

g = begin_fast("offload-xdp")
r.ok(g.status()["offload"] == "xdp", "at both cards")
began = time.time()
want = play_fast(packets, by_queue)
# A packet a second for each next hop is the kernel's, so that it keeps looking for its neighbours.
least = want - 5 * (int(time.time() - began) + 1)
r.ok(by_card() >= least, "%d of %d by the cards" % (by_card(), want))
play_simple()

# Sums that are left to a card are not the card's that receives: the kernel has such a packet
for what, fn, packet, k in (
        ("TCP in", wy.send_joined, tcp(Y, NB, 81, 20064, 0x10, b"s" * 900, df=True), {}),
        ("UDP in", wy.send_joined, udp(Y, NB, 86, 20064, b"u" * 99), {"udp": True}),
        ("TCP out", wx.send_joined, tunnel(X2, tcp(NB, Y, 20064, 80, 0x10, b"s" * 900, df=True), df=True), {}),
        ("UDP out", wx.send_joined, tunnel(X2, udp(NB, Y, 20064, 80, b"u" * 99, df=True), df=True), {"udp": True})):
    net.inside_n("ethtool -K prv tx off; ethtool -K pub tx off")
    to = wx if fn == wy.send_joined else wy
    a, ours = offloaded(), by_card()
    to.drain()
    fn(packet, 1400, **k)
    p = to.recv(lambda p: b"s" * 50 in p.raw or b"u" * 50 in p.raw)
    i = p and (p.inner() or p)
    pseudo = i and i.raw[12:20] + struct.pack("!BBH", 0, i.proto, len(i.payload))
    r.ok(i is not None and csum(pseudo + i.payload) == 0 and by_card() == ours and offloaded() != a,
         what + " without its sum: comes out with it, by eBPF at tc")
net.inside_n("ethtool -K prv tx on; ethtool -K pub tx on")

# Whoever has another link-layer address now is found by the kernel, though it sees no packet but one now and then
real = neighbour(X1)
net.inside_n("ip neigh replace %s lladdr %s dev prv nud stale" % (X1, ELSEWHERE))
end = time.time() + 60
while neighbour(X1) != real and time.time() < end:
    for _ in range(20):
        wy.send(udp(Y, NB, 53, 20000, b"where are you"))
        time.sleep(0.01)
r.ok(neighbour(X1) == real, "a neighbour with another address is found")
arrives(udp(Y, NB, 53, 20000, b"found"), X1, "and gets its packets")

play_ends()
a = by_card()
play_bulk()
r.ok(by_card() - a >= 900, "%d of these by the card" % (by_card() - a))
play_rules()
play_counted()

# Where it stops sending, what comes goes by tc: nothing is lost but in the second before it is seen
if SAYS:
    far_ends("gro off")
    r.ok(where(g, "tc") == "tc", "an end that no longer receives by NAPI is seen")
    at_once(arrives, esp(Y, NB, 0x2001, b"by tc again"), X2, "and has its packets from tc")
    far_ends("gro on")
    r.ok(where(g, "xdp") == "xdp", "and back")

g = play_killed("offload-xdp", before)
r.ok(g.status()["offload"] == "xdp", "it is at the cards again")
r.ok(g.stop() == 0, "the gateway ends")
r.ok(programs() == before, "no program stays: " + programs())
r.end()
