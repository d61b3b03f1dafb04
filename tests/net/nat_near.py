# nat_near.py - leased ports from the private side and the router, the router's services from a host, pings, port forwards
# Shows: RFC 3102 §3.1, §3.2, §6.1.
import sys
sys.dont_write_bytecode = True
import threading
from nat_net import *

fw, r, net, path = begin()
wy, wx = net.wy, net.wx
WHOLE, GUEST, GUEST_N = "198.51.100.2", "10.9.0.5", "10.9.0.1"
guest = net.guest(GUEST, GUEST_N)

g = Gateway(net, "firewall=" + fw, "queues=2", "rsip=4555", "remote-pool=" + WHOLE)
g.say("add 1 1 %s %s ipip ports=20000-20063 spis=1001" % (X1, NB))
g.say("add 2 1 %s %s ipip ports=20064-20127 spis=2001" % (X2, NB))
g.say("add 4 1 %s %s ipip ports=20200-20201 remote=%s" % (X2, NB, Y))


def inner(host, what, want, timeout=5):
    """The packet that comes out of the tunnel to host for which want(inner) holds."""
    p = wx.recv(lambda p: p.proto == IPIP and p.dst == host and want(p.inner()), timeout)
    r.ok(p is not None and p.src == NA and p.good() and p.inner().good(), what)
    return p.inner() if p else None


def sends(host, packet):
    wx.drain()
    for f in fragments(tunnel(host, packet, ident=78), 1304):
        wx.send(f)


def told(host, packet, typ, code, what):
    sends(host, packet)
    i = inner(host, what, lambda i: i.proto == ICMP and Ip(packet).payload[:8] in i.raw)
    r.ok(i is not None and i.payload[:2] == bytes((typ, code)), "  type %d code %d: %r" % (typ, code, i))
    return i


# --- from a plain neighbour (RFC 3103 §9.16.3: whoever sends them) -------------------------------
wx.drain()
wx.send(udp(X3, NB, 4000, 20000, b"hello from a neighbour"))
i = inner(X1, "a neighbour's datagram reaches the port's host", lambda i: b"hello from" in i.raw)
r.ok(i is not None and i.src == X3 and i.dst == NB and i.ttl == 63, "  as it was sent: %r" % i)
wx.drain()
wx.send(tunnel(X1, udp(NB, X3, 20000, 4000, b"hello yourself")))
p = wx.recv(lambda p: p.proto == UDP and p.payload[8:] == b"hello yourself")
r.ok(p is not None and p.src == NB and p.dst == X3 and p.ttl == 63, "and its answer reaches the neighbour")
told(X1, udp(NB, X3, 20001, 4000, b"not asked"), 3, 13, "from another port it is refused")
told(X1, udp(NB, X3, 20000, 4001, b"not asked"), 3, 13, "and to another port")
told(X2, udp(NB, X3, 20064, 4000, b"not asked"), 3, 13, "and from another host")
big = udp(X3, NB, 4000, 20000, bytes(i % 251 for i in range(4000)), ident=91)
wx.drain()
for f in fragments(big, 1304):
    wx.send(f)
# Other packets come to that host too (a kernel's port unreachable for the answer
# above): what counts is one datagram's fragments.
got = {}
while not any(sum(len(p.payload) for p in f) == len(big) for f in got.values()):
    p = wx.recv(lambda p: p.proto == IPIP and p.dst == X1, 5)
    if p is None:
        break
    got.setdefault(p.ident, []).append(p)
f = sorted(got[p.ident], key=lambda p: p.frag) if p else []
r.ok(len(f) == 3 and [p.mf for p in f] == [True, True, False] and
     Ip(b"".join(p.payload for p in f)).payload == big[20:],
     "a large datagram of a neighbour arrives in fragments" + ("" if f else ": %r" % got))
wx.drain()
wx.send(error(X3, NB, udp(NB, X3, 20000, 4000, b"unwanted")))
inner(X1, "a neighbour's port unreachable reaches the host", lambda i: i.proto == ICMP and i.src == X3)
wx.drain()
wx.send(tunnel(X1, error(NB, X3, udp(X3, NB, 4000, 20000, b"closed"))))
p = wx.recv(lambda p: p.proto == ICMP and p.dst == X3 and b"closed" in p.raw)
r.ok(p is not None and p.src == NB, "and the host's reaches the neighbour")
wx.drain()
wx.send(udp(X3, NB, 4000, 20500, b"nobody's port"))
p = wx.recv(lambda p: p.proto == ICMP and p.dst == X3 and p.payload[:2] == b"\3\3")
r.ok(p is not None, "a port that nobody leased: the router says unreachable")

# --- from the router's own programs ------------------------------------------------------------------
with Inside(net.n):
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ub = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ub.bind((NA, 0))
for s, src, name in ((u, NB, "public"), (ub, NA, "private")):
    s.settimeout(5)
    wx.drain()
    s.sendto(b"from the router", (NB, 20001))
    i = inner(X1, "the router's program at its %s address reaches the port" % name,
              lambda i: b"from the router" in i.raw)
    r.ok(i is not None and i.src == src, "  from there: %r" % i)
    wx.send(tunnel(X1, udp(NB, src, 20001, s.getsockname()[1], b"to the router")))
    try:
        r.ok(s.recv(100) == b"to the router", "and gets the answer")
    except TimeoutError:
        r.ok(False, "and gets the answer")

# --- a host at the router's public address ---------------------------------------------------------------
with Inside(net.n):
    dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    web = socket.create_server((NB, 80))
dns.bind((NB, 53))
dns.settimeout(5)


def serve(server, say):
    def run_it():
        while True:
            c = server.accept()[0]
            c.sendall(c.recv(1000) + say)
            c.close()
    threading.Thread(target=run_it, daemon=True).start()


serve(web, b" says the router" * 1000)
sends(X1, udp(NB, NB, 20002, 53, b"who is y1"))
try:
    q, a = dns.recvfrom(100)
    dns.sendto(b"it is 10", a)
except TimeoutError:
    q, a = b"", None
r.ok(q == b"who is y1" and a == (NB, 20002), "a host reaches a service of the router: %s" % (a,))
inner(X1, "and gets its answer", lambda i: i.src == NB and i.payload[8:] == b"it is 10")
sends(X1, tcp(NB, NB, 20003, 80))
inner(X1, "so with TCP", lambda i: i.proto == TCP and i.payload[13] == 0x12)
sends(X1, tcp(NB, NB, 20003, 81))
inner(X1, "a port that is closed is refused", lambda i: i.proto == TCP and i.payload[13] & 4)
sends(X1, echo(NB, NB, 9, data=b"ping of the router"))
inner(X1, "it answers pings", lambda i: i.proto == ICMP and i.payload[0] == 0 and b"ping of" in i.raw)
deny = ("iptables -A INPUT -p udp --dport 53 -j REJECT" if fw == "iptables" else
        "nft add table ip op; nft add chain ip op i \"{ type filter hook input priority 0; }\"; "
        "nft add rule ip op i udp dport 53 reject")
net.inside_n(deny)
i = told(X1, udp(NB, NB, 20002, 53, b"who is y2"), 3, 3, "subject to the operator's firewall")
r.ok(i is not None and i.src == NA, "  told by the gateway, not in the host's own name")
told(X1, udp(NB, NB, 20002, 4555, b"RSIP"), 3, 13, "RSIP is not spoken there")
told(X1, udp(NB, NB, 20002, 20200, b"policy"), 3, 13, "another host's port that flow policy keeps from it")

# --- errors between two hosts are the sender's -----------------------------------------------------------
told(X1, udp(NB, NB, 20000, 20064, b"last hop", ttl=1), 11, 0, "time exceeded between two hosts")
i = told(X1, udp(NB, NB, 20000, 20064, bytes(1460), df=True), 3, 4, "too big between two hosts")
r.ok(i is not None and i.payload[6:8] == struct.pack("!H", 1480), "  with the tunnel's MTU")

# --- pings of two hosts with one identifier (RFC 3102 §6.2) ------------------------------------------------


def ping(src, dst, ident, seq, typ=8):
    return icmp(src, dst, typ, 0, struct.pack("!HH", ident, seq), b"%d %d" % (ident, seq))


# Its own answers would come before ours.
run("ip netns exec %s sh -c 'echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all'" % net.y)
for seq, host in ((1, X1), (2, X2), (3, X1), (4, X2)):
    path.leaves(ping(NB, Y, 1, seq), host, "identifier 1, sequence %d leaves" % seq)
for seq, host in ((2, X2), (1, X1), (4, X2), (3, X1)):
    path.arrives(ping(Y, NB, 1, seq, 0), host, "and its reply finds the host")
path.leaves(ping(NB, Y, 1, 7), X1, "sequence 7 of the first host leaves")
path.nobody(tunnel(X2, ping(NB, Y, 1, 7)), "while it is asked, the second's must wait", wx, wy)
path.arrives(ping(Y, NB, 1, 7, 0), X1, "the answer is the first's")
path.leaves(ping(NB, Y, 1, 7), X2, "then the second's leaves")
path.arrives(ping(Y, NB, 1, 7, 0), X2, "and its answer finds it")

# --- the largest datagrams (a verdict's length has 16 bits) --------------------------------------------------


def largest(n):
    """A datagram of n bytes, in fragments; what comes of it at the private side."""
    wx.drain()
    p = udp(Y, NB, 53, 20000, bytes(n - 28), ident=n & 0xffff)
    with Inside(net.n):
        spy = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    spy.bind((NB, 20000))
    for k, f in enumerate(fragments(p, 1480)):
        wy.send(f)
        if k % 8 == 7:
            time.sleep(0.01)
    data = {}
    while sum(map(len, data.values())) < n:
        q = wx.recv(lambda q: q.proto == IPIP and q.dst == X1, 1)
        if q is None:
            break
        data[q.frag] = q.payload
    b = b"".join(data[k] for k in sorted(data))
    spy.settimeout(0.3)
    try:
        leaked = len(spy.recv(70000))
    except TimeoutError:
        leaked = 0
    spy.close()
    return len(b) == n and Ip(b).payload == p[20:], leaked


whole, leaked = largest(65511)
r.ok(whole and not leaked, "65511 bytes: tunnelled whole")
for n in (65512, 65515, 65516, 65535):
    whole, leaked = largest(n)
    r.ok(not whole and not leaked, "%d bytes: dropped, and not the router's (%d bytes)" % (n, leaked))

# --- a host with a whole address and a TCP/IP stack of its own ------------------------------------------------


def fetch(ns, src, dst, port):
    with Inside(ns):
        c = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    c.settimeout(10)
    got = b""
    try:
        c.bind((src, 0))
        c.connect((dst, port))
        c.sendall(b"question")
        while True:
            d = c.recv(65536)
            if not d:
                break
            got += d
    except OSError as e:
        print("        %s" % e)
    return got


if os.path.exists("/dev/net/tun"):
    g.say("add 3 1 %s %s ipip whole" % (X2, WHOLE))
    net.laptop(X2, WHOLE, "198.51.100.0/24")
    r.ok(fetch(net.x, WHOLE, NB, 80) == b"question" + b" says the router" * 1000,
         "TCP from a host to a service of the router")
    with Inside(guest):
        forwarded = socket.create_server((GUEST, 80))
    serve(forwarded, b" says the guest" * 1000)
    net.inside_n("iptables -t nat -A PREROUTING -d %s -p tcp --dport 8080 -j DNAT --to %s:80" %
                 (NB, GUEST) if fw == "iptables" else
                 "nft add chain ip op d \"{ type nat hook prerouting priority -100; }\"; "
                 "nft add rule ip op d ip daddr %s tcp dport 8080 dnat to %s:80" % (NB, GUEST))
    if fw == "nftables":
        r.ok(fetch(net.x, WHOLE, NB, 8080) == b"question" + b" says the guest" * 1000,
             "and to a port forward, whose server is elsewhere")
        sends(X1, tcp(NB, NB, 20004, 8080))
        inner(X1, "a host at the shared address gets the port forward's answer",
              lambda i: i.proto == TCP and i.src == NB and
              i.payload[:4] == struct.pack("!HH", 8080, 20004))
    else:
        # No table of iptables comes behind NAT, where the answer could be had.
        told(X1, tcp(NB, NB, 20004, 8080), 3, 13, "a port forward to elsewhere is refused")
    net.inside_n("iptables -t nat -A PREROUTING -d %s -p tcp --dport 8081 -j DNAT --to %s:80" % (NB, NB)
                 if fw == "iptables" else
                 "nft add rule ip op d ip daddr %s tcp dport 8081 dnat to %s:80" % (NB, NB))
    sends(X1, tcp(NB, NB, 20005, 8081))
    inner(X1, "a port forward to the router itself",
          lambda i: i.proto == TCP and i.src == NB and i.payload[13] == 0x12 and
          i.payload[:4] == struct.pack("!HH", 8081, 20005))
    with Inside(net.x):
        listener = socket.create_server((WHOLE, 9000))
    serve(listener, b" says the host" * 1000)
    r.ok(fetch(net.n, NB, WHOLE, 9000) == b"question" + b" says the host" * 1000,
         "TCP from a program of the router to a host")
else:
    print("skipped: a host with a TCP/IP stack of its own (no /dev/net/tun)")
print(json.dumps(g.status()))
r.ok(g.stop() == 0, "the gateway ends")
r.end()
