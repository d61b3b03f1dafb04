# nat_offload.py - the eBPF path: the same packets, the same refusals, and what ends with a binding
import sys
sys.dont_write_bytecode = True
from nat_fast import *


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


# Every kind of packet, first through NFQUEUE alone, then with eBPF beside it
net.inside_n("sysctl -qw net.ipv4.icmp_ratelimit=0")
packets = corpus()
g = begin_with()
by_queue = play(net, packets)
cards("tx off tso off tx-ipxip4-segmentation off")
cut_by_queue = [cut(packet, mss, count, **k) for _, packet, mss, count, k in joints]
cards("tx on tso on tx-ipxip4-segmentation on")
out_by_queue = streams_out()
r.ok(g.stop() == 0, "the gateway without eBPF ends")

before = programs()
g = begin_fast("offload")
r.ok(g.status()["offload"] == "tc" and "prog/xdp" not in programs(), "no program stands at what is no card")
play_fast(packets, by_queue)
play_simple()

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

play_ends()
play_bulk()
play_rules()
play_counted()
g = play_killed("offload", before)
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
g = begin_with("offload")
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
g = begin_with("offload")
r.ok(g.status()["offload_joined"] == "nfqueue", "somebody else has a device of that name")
joins(True)
got, by = come_out(streams[0][2])
joins(False)
r.ok(by == 0 and len(got) == 5, "joined segments come out by NFQUEUE: %d" % len(got))
at_once(leaves, udp(NB, Y, 20001, 80, b"from x1"), X1, "all else as ever")
r.ok(g.stop() == 0, "the gateway ends")
net.inside_n("ip link del taken")
r.ok(programs() == before, "no program stays: " + programs())
r.end()
