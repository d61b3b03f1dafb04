# nat_path.py - real packets through the data plane: whose each is, on both wires
import sys
sys.dont_write_bytecode = True
from nat_net import *

fw, r, net, path = begin()
wy, wx = net.wy, net.wx


def rules():
    if fw == "iptables":
        return net.inside_n("iptables-save", check=False)
    return net.inside_n("nft list ruleset", check=False)


def settings():
    return net.inside_n("cat /proc/sys/net/ipv4/ip_forward "
        "/proc/sys/net/ipv4/ip_local_reserved_ports "
        "/proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/accept_local")


net.inside_n("echo 1 > /proc/sys/net/ipv4/conf/prv/rp_filter; "
             "echo 1 > /proc/sys/net/ipv4/conf/pub/rp_filter")
before = settings()
g = Gateway(net, "firewall=" + fw, "queues=2")
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001,1002" % (X1, NB))
g.say("add 2 1 %s %s ipip ports=20064-20127 spis=2001" % (X2, NB))


arrives, nobody, leaves = path.arrives, path.nobody, path.leaves

# Inbound
arrives(esp(Y, NB, 0x1001), X1, "ESP by SPI to the first host")
arrives(esp(Y, NB, 0x2001), X2, "ESP by SPI to the second host")
arrives(ah(Y, NB, 0x1002), X1, "AH by SPI")
nobody(esp(Y, NB, 0x3001), "an unknown SPI reaches nobody")
nobody(ah(Y, NB, 0x3001), "an unknown SPI of AH reaches nobody")
arrives(udp(Y, NB, 53, 20000, b"to x1"), X1, "UDP by port to the first host")
arrives(udp(Y, NB, 53, 20064, b"to x2"), X2, "UDP by port to the second host")
arrives(tcp(Y, NB, 80, 20127, 0x12), X2, "TCP by port")
nobody(udp(Y, NB, 53, 20500, b"for nobody"), "a port that nobody leased reaches nobody")
nobody(ike(Y, NB, 0xaaaaaaaaaaaaaaaa, 5), "IKE with an unknown cookie reaches nobody")

# Outbound, and what it teaches
leaves(esp(NB, Y, 0x9001), X1, "ESP leaves the first host's tunnel")
leaves(udp(NB, Y, 20001, 80, b"from x1"), X1, "UDP from a leased port leaves")
leaves(tcp(NB, Y, 20070, 80), X2, "TCP from a leased port leaves")
leaves(ike(NB, Y, 0x1111111111111111), X1, "IKE of the first host leaves")
leaves(ike(NB, Y, 0x2222222222222222), X2, "IKE of the second host leaves")
arrives(ike(Y, NB, 0x1111111111111111, 7), X1, "IKE by its cookie to the first host")
arrives(ike(Y, NB, 0x2222222222222222, 7), X2, "IKE by its cookie to the second host")
nobody(tunnel(X2, ike(NB, Y, 0x1111111111111111, 8)),
       "a cookie that another host holds is not sent", wx, wy)
arrives(ike(Y, NB, 0x2222222222222222, 7, 4500, 4500, marker=b"\0" * 4), X2,
        "the same exchange goes on at port 4500")
arrives(udp(Y, NB, 4500, 4500, struct.pack("!II", 0x1002, 1) + b"esp in udp"), X1,
        "ESP in UDP at 4500 by its SPI")
nobody(udp(Y, NB, 4500, 4500, struct.pack("!II", 0x1003, 1) + b"esp in udp"),
       "ESP in UDP with an unknown SPI reaches nobody")
arrives(ike(Y, NB, 0x3333333333333333, 7, 500, 20002), X1, "IKE at a leased port")
leaves(ike(NB, Y, 0x3333333333333333, 0, 20002, 500), X1, "IKE from a leased port")


def tracked():
    return int(net.inside_n("cat /proc/sys/net/netfilter/nf_conntrack_count"))


net.inside_n("iptables -P FORWARD DROP" if fw == "iptables" else "true")
n = tracked()
for i in range(64):
    wy.send(udp(Y, NB, 6000 + i, 20003, b"one of many"))
    wx.send(tunnel(X1, udp(NB, Y, 20003, 6000 + i, b"answers")))
arrives(esp(Y, NB, 0x1001, b"after them all"), X1, "a firewall that forwards nothing lets hosts' packets pass")
r.ok(tracked() - n < 16, "connection tracking does not see them")
net.inside_n("iptables -P FORWARD ACCEPT" if fw == "iptables" else "true")
leaves(echo(NB, Y, 77), X1, "an echo request leaves")
arrives(echo(Y, NB, 77, reply=True), X1, "its reply comes back")
leaves(echo(NB, Y, 78), X2, "an echo request of the second host leaves")
arrives(echo(Y, NB, 78, reply=True), X2, "and its reply")

# Spoofing
g.misuses.clear()
nobody(tunnel(X2, udp(NB, Y, 20001, 80, b"not mine")),
       "a port of another host is refused", wx, wy)
nobody(tunnel(X3, udp(NB, Y, 20001, 80, b"spoofed!")),
       "a tunnel source that holds no lease is refused", wx, wy)
nobody(tunnel(X1, udp("192.0.2.9", Y, 20001, 80, b"wrong src")),
       "an address that is not leased is refused", wx, wy)
nobody(tunnel(X1, udp(NB, Y, 20001, 80, b"from outside"), gw=NA),
       "a tunnel cannot begin on the public side", wy, wy)
nobody(udp(NB, Y, 20001, 80, b"no tunnel"), "a leased address without a tunnel is refused", wx, wy)
nobody(tunnel(X1, udp(NB, Y, 20001, 80, b"wrong kind"), GRE), "the wrong tunnel is refused", wx, wy)
end = time.time() + 10
while len(g.misuses) < 4 and time.time() < end:
    time.sleep(0.1)
    g.say("status")
r.ok(any(l.startswith("misuse %s addrport" % X2) for l in g.misuses) and
     any(l.startswith("misuse %s addr " % X3) for l in g.misuses),
     "misuse is reported to the control thread: %s" % g.misuses)

# GRE
g.say("add 3 1 %s %s gre ports=20128-20191 spis=3001" % (X3, NB))
arrives(esp(Y, NB, 0x3001), X3, "GRE: ESP arrives", GRE)
leaves(udp(NB, Y, 20130, 80, b"by gre"), X3, "GRE: UDP leaves", GRE)

# Beside: an ordinary host, and the router itself
wy.drain()
wx.send(udp(X3, Y, 40000, 4242, b"ordinary"))
p = wy.recv(lambda p: p.proto == UDP and p.payload[8:] == b"ordinary")
good = p is not None and p.src == NB
sport = struct.unpack("!H", p.payload[:2])[0] if good else 0
r.ok(good and not 20000 <= sport <= 49999, "NAPT takes a port outside of the leased ranges: %d" % sport)
if good:
    wx.drain()
    wy.send(udp(Y, NB, 4242, sport, b"answer"))
    p = wx.recv(lambda p: p.proto == UDP and p.dst == X3 and p.payload[8:] == b"answer")
    r.ok(p is not None, "and its answer comes back")
r.ok(net.ping(net.x, X3, Y), "an ordinary host's ping")
r.ok(net.ping(net.n, NB, Y), "the router's own ping")
r.ok(net.ping(net.y, Y, NB), "a ping of the router from outside")
with Inside(net.y):
    ls = socket.create_server((Y, 7777))
with Inside(net.n):
    c = socket.create_connection((Y, 7777), 10)
    c2 = socket.create_connection((Y, 7777), 10)
    r.ok(not any(20000 <= s.getsockname()[1] <= 49999 for s in (c, c2)),
         "the router's own TCP uses ports outside of the leased ranges")
    ls2 = socket.create_server((NB, 30000))
with Inside(net.y):
    c = socket.create_connection((NB, 30000), 10)
r.ok(True, "a service of the router on a port nobody leased answers")

# Freed
g.say("remove 1 1")
nobody(esp(Y, NB, 0x1001), "a freed SPI reaches nobody")
nobody(udp(Y, NB, 53, 20000, b"to x1 no more"), "a freed port reaches nobody")
nobody(ike(Y, NB, 0x1111111111111111, 7), "a freed lease's cookie reaches nobody")
arrives(esp(Y, NB, 0x2001), X2, "the other host's go on")

# Rules that vanish
ours = ("iptables -t raw -F; iptables -t raw -X; iptables -t nat -F; iptables -t filter -F"
        if fw == "iptables" else "nft flush ruleset")
net.inside_n(ours)
start = time.time()          # they want five seconds; a busy test machine may need more
while time.time() < start + 20 and g.status()["rules_mended"] == 0:
    time.sleep(0.1)
r.ok(g.status()["rules_mended"] == 1 and "putting them back" in g.errors(),
     "wiped rules are back %.1f s later" % (time.time() - start))
arrives(esp(Y, NB, 0x2001), X2, "and packets pass again")
print(json.dumps(g.status()))

# The end
r.ok(g.stop() == 0, "the gateway ends")
r.ok("rsip" not in rules().lower(), "no rule stays: " + repr(rules()) if "rsip" in rules().lower() else "no rule stays")
r.ok(settings() == before, "settings are as before")

# A second one that is killed: the helper tidies up
g = Gateway(net, "firewall=" + fw)
os.kill(g.p.pid, signal.SIGKILL)
g.p.wait()
for i in range(200):
    if "rsip" not in rules().lower():
        break
    time.sleep(0.1)
r.ok("rsip" not in rules().lower() and settings() == before, "killed: the helper tidies up")

# All killed at once: the next one takes over
g = Gateway(net, "firewall=" + fw)
def children(pid):
    return [int(k) for k in open("/proc/%d/task/%d/children" % (pid, pid)).read().split()]
kids = children(g.p.pid)        # who starts the helper again, and the helper
kids += [k for kid in kids for k in children(kid)]
for k in kids:
    os.kill(k, signal.SIGSTOP)
os.kill(g.p.pid, signal.SIGKILL)
for k in kids:
    os.kill(k, signal.SIGKILL)
g.p.wait()
r.ok(len(kids) == 2 and "rsip" in rules().lower(), "all killed: rules stay")
g = Gateway(net, "firewall=" + fw)
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001" % (X1, NB))
arrives(esp(Y, NB, 0x1001), X1, "the next one takes over")
g.stop()
r.ok("rsip" not in rules().lower() and settings() == before, "and leaves nothing behind")

# A stranger's IKEv2 to an address that several hosts have: silence would make it wait
g = Gateway(net, "firewall=" + fw, "refuse-ike")
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001 cookies=1111" % (X1, NB))
def sa_init(spi, version=0x20, exchange=34):
    return udp(Y, NB, 500, 500, struct.pack("!QQBBBBII", spi, 0, 33, version, exchange, 8, 0, 88) + bytes(60))
refusal = struct.pack("!QQBBBBII", 0x7778, 0, 41, 0x20, 34, 0x20, 0, 36) + b"\0\0\0\x08\0\0\0\x0e"
def from_nb(timeout=10.0):
    return wy.recv(lambda p: p.proto == UDP and p.src == NB and p.payload[:4] == b"\1\xf4\1\xf4", timeout)
wy.drain()
wy.send(sa_init(0x7778))
p = from_nb()
r.ok(p is not None and p.payload[8:] == refusal, "refuse-ike: a stranger's IKE_SA_INIT is answered NO_PROPOSAL_CHOSEN")
wy.drain()
for spi in range(0x8000, 0x8064):
    wy.send(sa_init(spi))
time.sleep(1)
n = 0
while from_nb(1.0) is not None:
    n += 1
r.ok(1 <= n <= 25, "refuse-ike: ten a second, of 100 at once %d" % n)
arrives(sa_init(0x1111), X1, "refuse-ike: a host's own is the host's")
g.stop()

# The router's own IPsec, and an address that a host has to itself
WHOLE = "198.51.100.2"
routes = run("ip -n %s route; ip -n %s neigh show proxy" % (net.n, net.n))
g = Gateway(net, "firewall=" + fw, "local-ipsec", "keep-root", "remote-pool=" + WHOLE)
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001" % (X1, NB))
g.say("add 2 1 %s %s ipip whole" % (X2, WHOLE))
with Inside(net.n):
    s50 = socket.socket(socket.AF_INET, socket.SOCK_RAW, ESP)
    s500 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s500.bind((NB, 500))
for s in (s50, s500):
    s.settimeout(10)
wy.send(esp(Y, NB, 0x7001, b"for the router"))
r.ok(b"for the router" in s50.recv(2000), "local-ipsec: ESP that no host owns is the router's")
wy.send(ike(Y, NB, 0x7777, data=b"for its IKE daemon"))
r.ok(b"for its IKE" in s500.recv(2000), "local-ipsec: so is IKE")
wy.drain()
s500.sendto(struct.pack("!QQ", 0x7777, 1) + b"answer", (Y, 500))
p = wy.recv(lambda p: p.proto == UDP and p.payload.endswith(b"answer"))
r.ok(p is not None and p.payload[:2] == b"\1\xf4", "and its answer leaves from port 500")
arrives(esp(Y, NB, 0x1001), X1, "a host's ESP is the host's still")
arrives(esp(Y, WHOLE, 0x7001), X2, "a whole address: any SPI")
arrives(udp(Y, WHOLE, 1, 500, b"any port at all"), X2, "a whole address: any port")
leaves(udp(WHOLE, Y, 7, 7, b"from my own"), X2, "a whole address: any source port leaves")
nobody(tunnel(X1, udp(WHOLE, Y, 7, 7, b"not my own")), "but of that host only", wx, wy)
nobody(udp(WHOLE, Y, 7, 7, b"without tunnel"), "and only by its tunnel", wx, wy)
wx.drain()
with Inside(net.y):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(15):           # the kernel answers for others after up to 0.8 s
    s.sendto(b"who has it", (WHOLE, 9))
    p = wx.recv(lambda p: p.proto == IPIP and p.dst == X2 and b"who has it" in p.raw, 1)
    if p is not None:
        break
r.ok(p is not None, "neighbours learn by ARP where it is")
g.stop()
r.ok(routes == run("ip -n %s route; ip -n %s neigh show proxy" % (net.n, net.n)) and
     settings() == before, "and forget it")
r.end()
