# dataplane.py - what the gateway's packet path carries, beside kernel forwarding and kernel NAPT in the same run
"""usage: dataplane.py [quick|full|overload|offload]   (as root, from the build directory, on an idle machine)
       dataplane.py cards   eBPF at the cards (XDP) beside tc, 64 bytes, one CPU, BENCH_ROUNDS (5) in turns
       dataplane.py edge    what a provider's router asks: 64 bytes, one CPU, 1 and 100 000 flows and new ones
       dataplane.py compare PROGRAM... with tests/net/nat_gateway of other builds: BENCH_ROUNDS rounds (11),
                     in turns, forwards and backwards, so that what else the machine does is in all of them

Namespaces Y-N-X; a sender on CPU 0.
one CPU   reception, forwarding and the gateway's thread share CPU 1
two       the sender's CPU also receives and forwards, the thread has CPU 1 for itself
softirq   one CPU, with reception left in soft interrupts (what the gateway changes)
kpps      the highest rate with less than 1 % lost: minimum/median/maximum
ns        of one CPU a packet (one CPU only: 1 / kpps)
NAPT      share of kernel NAPT with one flow, same CPUs and length
flat out  kpps that get through when the sender sends all it can
at 2x     what gets through at twice the rate, as a share of the rate

With BENCH_BUSY=1 in the environment everything that is measured, ksoftirqd too, is favoured
(and goes back after), so that ratios mean something on a machine that has other work.
"""
import fcntl, os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
from nat_net import *

mode = sys.argv[1] if len(sys.argv) > 1 else "quick"
LOAD = os.environ.get("DATAPLANE_LOAD", "tests/bench/dataplane_load")
WRONG = "02:99:99:99:99:99"       # so that the last hop drops what arrives, cheaply
RUNS = 3 if mode == "full" else 1
STEP = 0.4 if mode in ("quick", "edge") else 0.7

net = Net()
for ns, dev, addr in ((net.n, "prv", X1), (net.n, "prv", X3), (net.n, "pub", Y)):
    run("ip -n %s neigh replace %s lladdr %s dev %s nud permanent" % (ns, addr, WRONG, dev))
net.inside_n("echo 1 > /proc/sys/net/ipv4/ip_forward")


def ethtool(ns, dev, what, value):
    v = ctypes.create_string_buffer(struct.pack("II", what, value))
    with Inside(ns):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(s, 0x8946, struct.pack("16sP16x", dev.encode(), ctypes.addressof(v)))


def use_napi(ns, dev, peer_ns, peer):
    """veth receives through NAPI, as real interfaces do, if it has GRO and its peer no TSO."""
    ethtool(peer_ns, peer, 0x1f, 0)
    ethtool(ns, dev, 0x2c, 1)


def steer(cpus):
    """Which CPU handles what N receives, where that is not a thread."""
    for dev in ("pub", "prv"):
        net.inside_n("echo %s > /sys/class/net/%s/queues/rx-0/rps_cpus" %
                     ("0" if cpus in ("two", "thread") else "2", dev))


def favour(names, nice):
    """Kernel threads whose names begin so; returns them."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open("/proc/%s/comm" % pid).read().startswith(names):
                os.setpriority(os.PRIO_PROCESS, int(pid), nice)
        except OSError:
            pass


busy = os.environ.get("BENCH_BUSY") == "1"
if busy:
    try:
        os.setsid()               # autogroups share the CPU by session
    except OSError:
        pass
    if os.path.exists("/proc/self/autogroup"):
        open("/proc/self/autogroup", "w").write("-19")
    else:
        os.setpriority(os.PRIO_PROCESS, 0, -19)
    favour("ksoftirqd/", -19)
    atexit.register(favour, "ksoftirqd/", 0)


def receivers(names, cpu):
    """The threads in which interfaces of these names receive, now on that CPU."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if open("/proc/%s/comm" % pid).read().startswith(names):
                os.sched_setaffinity(int(pid), {cpu})
                found.append(int(pid))
        except OSError:
            pass
    return found


def received(ns):
    return json.loads(run("ip -j -s -n %s link show eth0" % ns))[0]["stats64"]["rx"]["packets"]


class Road:
    """A sender, a way through N and the counter at the other end."""
    def __init__(self, name, src, dst, args):
        self.name, self.src, self.dst, self.args = name, src, dst, args

    def send(self, rate, seconds=STEP):
        """Packets a second sent and delivered."""
        mac = net.mac("pub" if self.src == net.y else "prv")
        a = received(self.dst)
        out = run("ip netns exec %s %s eth0 %s %s" % (self.src, LOAD, mac,
                  self.args % {"rate": rate, "s": seconds}))
        sent, took = out.split()
        before, b = -1, received(self.dst)
        while b != before:        # what still waits in queues
            time.sleep(0.05)
            before, b = b, received(self.dst)
        return int(sent) / float(took), (b - a) / float(took)

    def best(self):
        """The highest rate with less than 1 % lost, and what flat out delivers."""
        self.send(20000, 0.2)
        top, flat = self.send(0)
        lo, hi = 0, top
        for _ in range(8):
            mid = (lo + hi) / 2 if lo else max(hi / 4, 1000) if hi == top else hi / 2
            # Once more if in doubt: another program's burst is not our loss.
            for _ in range(2):
                sent, got = self.send(int(mid))
                if got >= sent * 0.99:
                    break
            if got >= sent * 0.99:
                lo = max(lo, min(got, mid))
            else:
                hi = mid
            if hi - lo < 0.04 * hi:
                break
        return lo, flat


def udp_args(src, dst, size, flows):
    return "%s %s udp %d %d %%(rate)d %%(s).2f 0" % (src, dst, size, flows)


rows, base = [], {}


def measure(name, road, cpus, size, baseline=False):
    best, flat, over = [], [], []
    for _ in range(RUNS):
        b, f = road.best()
        best.append(b)
        flat.append(f)
        over.append(road.send(int(2 * b))[1] / b if b else 0)
    med = sorted(best)[len(best) // 2]
    key = ("two" if cpus == "two" else "one", size)
    if baseline:
        base[key] = med
    share = med / base[key] if base.get(key) else 0
    ns = "%5.0f" % (1e9 / med) if cpus != "two" and med else "    -"
    print("%-28s %-8s %5d  %14s %s  %5.2f  %8.0f %6.2f" % (
        name, cpus, size, "/".join("%.0f" % (x / 1000) for x in sorted(best)), ns,
        share, sorted(flat)[len(flat) // 2] / 1000, sorted(over)[len(over) // 2]), flush=True)
    return med


def kernel(cpus, size):
    steer(cpus)
    net.inside_n("iptables -t nat -A POSTROUTING -o pub -p udp -j MASQUERADE --to-ports 50000-65535")
    measure("kernel NAPT, one flow", Road("napt", net.x, net.y, udp_args(X3, Y, size, 1)),
            cpus, size, True)
    if size == 64:
        net.inside_n("iptables -t nat -F; iptables -t nat -A POSTROUTING -o pub -p udp -j MASQUERADE")
        road = Road("napt", net.x, net.y, udp_args(X3, Y, size, 50000))
        road.send(50000, 1.5)     # every flow is known before anything is counted
        measure("kernel NAPT, 50000 flows", road, cpus, size)
    net.inside_n("iptables -t nat -F")
    measure("kernel forwarding", Road("forward", net.x, net.y, udp_args(X3, Y, size, 1)),
            cpus, size)


def gateway(cpus, bindings, *more):
    steer("thread" if cpus == "one" else cpus)
    os.sched_setaffinity(0, {1})
    g = Gateway(net, "firewall=iptables", "queues=1", "entries=400000",
                *([] if cpus == "one" else ["keep-softirq"]), *more)
    os.sched_setaffinity(0, {0, 1})
    receivers(("napi/pub-", "napi/prv-"), 0 if cpus == "two" else 1)
    if busy:
        favour(("napi/pub-", "napi/prv-"), -19)
    g.say("many 0 %d %s %s ipip" % (bindings, X1, NB))
    return g


def inward(size, bindings):
    return Road("in", net.y, net.x, "%s %s esp %d %d %%(rate)d %%(s).2f 0" % (Y, NB, size, bindings))


def ours(cpus, size, bindings):
    g = gateway(cpus, bindings)
    measure("NFQUEUE in, %d bindings" % bindings, inward(size, bindings), cpus, size)
    if bindings == 1:
        measure("NFQUEUE out, 1 binding", Road("out", net.x, net.y,
                "%s %s esp %d 1 %%(rate)d %%(s).2f 0 %s %s" % (NB, Y, size, X1, NA)), cpus, size)
    g.stop()


def memory(pid):
    return [int(l.split()[1]) for l in open("/proc/%d/status" % pid) if l.startswith("VmRSS")][0]


def offloaded(cpus, size, bindings):
    g = gateway(cpus, bindings, "offload")
    if "ebpf" not in g.status()["path"]:
        g.stop()
        return False
    road = inward(size, bindings)
    road.send(40000, 0.5 + bindings / 35000)        # NFQUEUE decides about each flow once
    measure("eBPF in, %d bindings" % bindings, road, cpus, size)
    if bindings == 1:
        measure("eBPF out, 1 binding", Road("out", net.x, net.y,
                "%s %s esp %d 1 %%(rate)d %%(s).2f 0 %s %s" % (NB, Y, size, X1, NA)), cpus, size)
    g.stop()
    return True


def overload():
    """Thirty seconds at twice the rate: nothing lost but packets."""
    g = gateway("one", 1000)
    road = inward(64, 1000)
    rate, _ = road.best()
    before = memory(g.p.pid)
    child = os.fork()
    if child == 0:
        road.send(int(2 * rate), 30)
        os._exit(0)
    slowest, n = 0, 0
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        t = time.time()
        s = g.status()
        slowest, n = max(slowest, time.time() - t), n + 1
        time.sleep(0.2)
    s = g.status()
    sent, got = road.send(int(rate / 2))
    print("overload: 30 s at %d kpps: control answered %d times, the slowest in %.3f s; %d bindings of "
          "1000; memory %+d KiB; %d packets dropped and counted; at half the rate after it %.1f %% get through" %
          (2 * rate / 1000, n, slowest, s["bindings"], memory(g.p.pid) - before, s["dropped_overload"],
           100 * got / sent))
    g.stop()


def receive_by_napi():
    use_napi(net.n, "pub", net.y, "eth0")
    use_napi(net.n, "prv", net.x, "eth0")


def table():
    print("%-28s %-8s %5s  %14s %5s  %5s  %8s %6s" % (
        "path", "CPUs", "bytes", "kpps", "ns", "NAPT", "flat out", "at 2x"))
    sizes = (64, 1400)
    for size in sizes:
        for cpus in ("one", "two"):
            kernel(cpus, size)
        if mode != "offload":
            ours("softirq", size, 1)
    receive_by_napi()
    for cpus in ("one", "two") if mode != "offload" else ():
        for size in sizes:
            for bindings in (1, 1000, 100000):
                ours(cpus, size, bindings)
    for cpus in ("one", "two"):
        for size in sizes:
            for bindings in (1, 1000, 100000):
                if not offloaded(cpus, size, bindings):
                    print("eBPF: not in this build or kernel")
                    return


def udp_road(name, side, kind, flows):
    """64 bytes between Y and a leased port, or of a host that NAPT translates."""
    src, dst, more = {"in": (net.y, net.x, (Y, NB)), "napt": (net.x, net.y, (X3, Y)),
                      "out": (net.x, net.y, (NB, Y))}[side]
    return Road(name, src, dst, "%s %s %s 64 %d %%(rate)d %%(s).2f 0%s" %
                (*more, kind, flows, " %s %s" % (X1, NA) if side == "out" else ""))


def edge():
    """Rows in pairs, in turns: NAPT, then ours, BENCH_ROUNDS (3) times; medians and ratios of neighbours."""
    rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
    receive_by_napi()
    steer("one")
    # Entries of packets without an answer are gone when the next run begins.
    net.inside_n("sysctl -qw net.netfilter.nf_conntrack_udp_timeout=1", check=False)
    roads = {"one flow": ("udp", "udp:20000", 1), "many flows": ("udp", "udp:20000", 100000),
             "new flows": ("new", "new:20000", 60000 * 64)}
    got = {(what, side): [] for what in roads for side in ("napt", "in", "out")}
    for _ in range(rounds):
        net.inside_n("iptables -t nat -A POSTROUTING -o pub -p udp -j MASQUERADE")
        for what, (kind, _, flows) in roads.items():
            n = 50000 if what == "many flows" else flows
            road = udp_road("napt", "napt", kind, n)
            if what == "many flows":
                road.send(50000, 1.2)
            got[what, "napt"].append(road.best()[0])
            time.sleep(1.5 if what == "new flows" else 0)
        net.inside_n("iptables -t nat -F")
        g = gateway("one", 100000, "offload")
        g.say("add 1 1 %s %s ipip ports=20000-20063" % (X1, NB))
        if "ebpf" not in g.status()["path"]:
            print("eBPF: not in this build or kernel")
            return
        for what, (_, kind, flows) in roads.items():
            got[what, "in"].append(udp_road("in", "in", kind, flows).best()[0])
            # A host sends from 64 ports to as many as it likes.
            got[what, "out"].append(Road("out", net.x, net.y, "%s %s esp 64 1 %%(rate)d %%(s).2f 0 %s %s" % (
                NB, Y, X1, NA)).best()[0] if what == "one flow" else 0)
        got.setdefault(("SPIs", "in"), []).append(inward(64, 100000).best()[0])
        got.setdefault(("SPIs", "napt"), []).append(got["many flows", "napt"][-1])
        s = g.status()
        g.stop()
    print("64 bytes, one CPU, eBPF, %d rounds; kpps, medians; NAPT has 50000 flows where there are many" % rounds)
    print("%-34s %8s %8s %8s" % ("", "NAPT", "eBPF", "ratio"))
    for what, side, name in (("one flow", "in", "one flow in"), ("one flow", "out", "one flow out (ESP)"),
                             ("many flows", "in", "100000 flows in, one port range"),
                             ("SPIs", "in", "100000 SPIs in, one binding each"),
                             ("new flows", "in", "new flows in (packets the first)")):
        a, b = got[what, "napt"], got[what, side]
        print("%-34s %8.0f %8.0f %8.2f" % (name, quartiles(a)[1] / 1000, quartiles(b)[1] / 1000,
                                           quartiles([y / x for x, y in zip(a, b)])[1]))
    print("to NFQUEUE in the last round: %d packets of %d" % (s["packets_in"], s["packets_in"] + s["offloaded_in"]))


def cpu_time(pid):
    """ns that its threads have run."""
    return sum(int(open("/proc/%d/task/%s/schedstat" % (pid, t)).read().split()[0])
               for t in os.listdir("/proc/%d/task" % pid))


def cards():
    """What a packet costs the gateway's receiving thread, at tc and at the cards, in turns: the program's part and
    the kernel's, without what a card's driver saves, which veth has not."""
    rounds, rate = int(os.environ.get("BENCH_ROUNDS", "5")), 100000
    receive_by_napi()
    steer("one")
    for ns in (net.x, net.y):
        ethtool(ns, "eth0", 0x2c, 1)     # what is sent by XDP arrives by NAPI
        run("ip netns exec %s sh -c 'echo 1 >/sys/class/net/eth0/threaded'" % ns)
    receivers("napi/eth0-", 0)
    if busy:
        favour("napi/eth0-", -19)
    net.inside_n("ethtool -K pub rxvlan off; ethtool -K prv rxvlan off")
    roads = {"in": udp_road("in", "in", "udp:20000", 1),
             "out": Road("out", net.x, net.y, "%s %s esp 64 1 %%(rate)d %%(s).2f 0 %s %s" % (NB, Y, X1, NA))}
    cost, lost, by = {(way, side): [] for way in ("tc", "xdp") for side in roads}, 0, 0
    for n in range(rounds):
        for way in ("tc", "xdp") if n % 2 == 0 else ("xdp", "tc"):
            g = gateway("one", 1, "offload" if way == "tc" else "offload-xdp")
            g.say("add 1 1 %s %s ipip ports=20000-20063" % (X1, NB))
            if g.status().get("offload") != way:
                print("no eBPF at %s in this build or kernel: %s" % (way, g.errors()))
                return
            threads = receivers(("napi/pub-", "napi/prv-"), 1)
            for side, road in roads.items():
                road.send(20000, 0.2)
                before, done = sum(map(cpu_time, threads)), g.status()["offloaded_" + side]
                sent, came = road.send(rate, 1.0)
                s = g.status()
                cost[way, side].append((sum(map(cpu_time, threads)) - before) / max(s["offloaded_" + side] - done, 1))
                lost = max(lost, 1 - came / sent)
            g.stop()
            by = s["offloaded_xdp"] if way == "xdp" else by
    print("64 bytes, one flow, %d kpps, %d rounds in turns; ns of the gateway's CPU a packet, medians" %
          (rate / 1000, rounds))
    for side in roads:
        a, b = cost["tc", side], cost["xdp", side]
        print("%-4s tc %5.0f  XDP %5.0f  ratio %.2f" % (side, quartiles(a)[1], quartiles(b)[1],
                                                       quartiles([y / x for x, y in zip(a, b)])[1]))
    print("by the cards in the last round %d packets; lost at most %.1f %%" % (by, 100 * lost))


def quartiles(values):
    v = sorted(values)
    return tuple(v[round(q * (len(v) - 1))] for q in (0.25, 0.5, 0.75))


def compare(programs):
    """Each program's own CPU time a packet at a rate that all carry, and what flat out delivers."""
    rounds = int(os.environ.get("BENCH_ROUNDS", "11"))
    what = {"in, 64 bytes": inward(64, 1), "in, 1400 bytes": inward(1400, 1),
            "out, 64 bytes": Road("out", net.x, net.y, "%s %s esp 64 1 %%(rate)d %%(s).2f 0 %s %s" %
                                  (NB, Y, X1, NA))}
    cost = {(p, w): [] for p in programs for w in what}
    flat = {(p, w): [] for p in programs for w in what}
    for n in range(rounds):
        for p in programs if n % 2 == 0 else programs[::-1]:
            os.environ["NAT_GATEWAY"] = p
            g = gateway("one", 1)
            for w, road in what.items():
                road.send(20000, 0.1)
                before = cpu_time(g.p.pid)
                sent, got = road.send(30000, 1.0)
                cost[p, w].append((cpu_time(g.p.pid) - before) / max(got, 1))
                flat[p, w].append(road.send(0, 0.5)[1])
            g.stop()
    print("%d rounds in turns; quarter/median/three quarters" % rounds)
    for w in what:
        for p in programs:
            print("%-15s %s\n    %5.0f/%5.0f/%5.0f ns of CPU a packet   %4.0f/%4.0f/%4.0f kpps flat out" % (
                (w, p) + quartiles(cost[p, w]) + tuple(x / 1000 for x in quartiles(flat[p, w]))))
            if p == programs[0]:
                continue
            for name, of in (("CPU a packet", cost), ("kpps", flat)):
                print("    to the first, round by round: %-12s %.3f/%.3f/%.3f" % ((name,) +
                      quartiles([a / b for a, b in zip(of[p, w], of[programs[0], w])])))


if mode == "compare":
    compare(sys.argv[2:])
    sys.exit()
if mode == "cards":
    cards()
    sys.exit()
if mode == "edge":
    edge()
    sys.exit()
if mode == "overload":
    receive_by_napi()
else:
    table()
if mode in ("full", "overload"):
    overload()
