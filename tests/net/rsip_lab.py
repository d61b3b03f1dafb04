"""rsip_lab.py - hosts of every policy, and what a test of rsip_gateway.sh may expect

Runs on the laptop of rsip_gateway.sh, which has the gateway's configuration
and many addresses of the laptop.  A test's name says what it proves; the
number in its first line is where the RFC says so.
"""
import ipaddress
import socket
import struct
import subprocess
import sys
import threading

import rsip
from rsip import BIND, CLIENT
from session import Session, error_of, find

GATEWAY = '10.0.0.1'
NB = '198.51.100.1'
SECRET = b'between x1 and N'

# Which addresses have which policy; rsip_gateway.sh has the other half.
CLASSES = {
    'any': [*range(100, 128), *range(60, 84)], 'macro': range(128, 144), 'micro': range(144, 160),
    'one-port': range(160, 176), 'auth': range(176, 192),
    'may-auth': range(192, 200), 'short': range(200, 208),
    'small': range(208, 224), 'denied': range(224, 232),
    'plain': range(232, 240), 'limited': range(240, 248),
    'ipip': range(248, 255), 'wire': range(20, 45), 'data': range(84, 96),
    'plain-gateway': range(50, 60), 'whole': range(97, 100),
}
used = {name: 0 for name in CLASSES}
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def take_over(kind):
    """In a second program: other hosts stand for 'any', and of the rest some are used."""
    CLASSES['any'] = CLASSES[kind]
    for name in ('macro', 'micro'):
        used[name] = 8 if kind == 'wire' else 12


def address(kind='any'):
    """A host that the gateway has not heard of."""
    at = used[kind]
    used[kind] += 1
    return '10.0.0.%d' % CLASSES[kind][at]


def host(kind='any', register=True, **kw):
    kw.setdefault('timeout', 20)
    s = Session(GATEWAY, source=address(kind), **kw)
    if register:
        is_type(s.register(), rsip.REGISTER_RESPONSE)
    return s


def is_type(got, mtype):
    assert got[0] == mtype, 'got %s %s' % (rsip.name(got[0]), got[1])
    return got[1]


def is_error(got, code, client=None, bind=None):
    assert error_of(got) == code, 'got %s %s, not error %d' % (
        rsip.name(got[0]), got[1], code)
    assert client is None or find(got[1], CLIENT) == client, got
    assert bind is None or find(got[1], BIND) == bind, got


def expand(value):
    number, fields = value
    return fields if len(fields) == number else [fields[0] + i
                                                 for i in range(number)]


def silence(s, seconds=0.5):
    try:
        got = s.receive(seconds)
    except (TimeoutError, socket.timeout):
        return
    raise AssertionError('got %s %s' % (rsip.name(got[0]), got[1]))


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_packet(src, sport, dst, dport):
    body = struct.pack('!HHHH', sport, dport, 12, 0) + b'lost'
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0) + \
        ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + body


def tunnel(s, packet, protocol=4):
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    raw.bind((s.sock.getsockname()[0], 0))
    raw.sendto((b'\0\0\x08\0' if protocol == 47 else b'') + packet, (GATEWAY, 0))
    raw.close()


class Outside:
    """Sends from a host on the public side, whatever it is told to."""

    PROGRAM = '''
import socket, sys
print("ready", flush=True)
for line in sys.stdin:
    protocol, sport, to, data = line.split()
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, int(protocol))
    s.sendto(bytes.fromhex(data), (to, 0))
    s.close()
'''

    def __init__(self, name):
        self.child = subprocess.Popen(
            ['nsenter', '--net=/run/netns/' + name, sys.executable, '-c',
             self.PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        assert self.child.stdout.readline() == 'ready\n'

    def send(self, protocol, to, data):
        self.child.stdin.write('%d 0 %s %s\n' % (protocol, to, data.hex()))
        self.child.stdin.flush()

    def udp(self, sport, to, dport, data=b'hello'):
        self.send(17, to, struct.pack('!HHHH', sport, dport, 8 + len(data), 0) +
                  data)

    def esp(self, to, spi, data=b'sealed'):
        self.send(50, to, struct.pack('!II', spi, 1) + data)

    def ah(self, to, spi):
        self.send(51, to, struct.pack('!BBHII', 59, 4, 0, spi, 1) + bytes(12))


class Inside:
    """What comes out of one host's tunnel."""

    def __init__(self, s, protocol=4):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
        self.sock.bind((s.sock.getsockname()[0], 0))
        self.skip = 20 if protocol == 4 else 24

    def next(self, seconds=5):
        """(source, destination, protocol, payload) of the next inner packet."""
        self.sock.settimeout(seconds)
        inner = bytes(20)
        while inner[9] in (0, 1):       # y1 answers some of it with ICMP
            inner = self.sock.recv(65535)[self.skip:]
        hlen = (inner[0] & 15) * 4
        assert checksum(inner[:hlen]) == 0
        return (str(ipaddress.ip_address(inner[12:16])),
                str(ipaddress.ip_address(inner[16:20])), inner[9], inner[hlen:])

    def nothing(self, seconds=0.5):
        try:
            got = self.next(seconds)
        except (TimeoutError, socket.timeout):
            return
        raise AssertionError('got %s' % (got,))


class Names(threading.Thread):
    """A DNS server that knows two names and is slow with one."""

    A = {'y1.lab': '198.51.100.10', 'slow.lab': '198.51.100.20',
         'evil.lab': '192.0.2.66', 'private.lab': '10.20.60.7'}

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(('10.0.0.11', 53))
        self.asked = []

    def run(self):
        while True:
            query, peer = self.sock.recvfrom(1500)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            name = '.'.join(labels).lower()
            self.asked.append(name)
            addr = self.A.get(name)
            kind = struct.unpack_from('!H', query, at + 1)[0]
            hit = addr is not None and kind == 1
            head = query[:2] + struct.pack(
                '!HHHHH', 0x8180 if addr else 0x8183, 1, hit, 0, 0)
            answer = head + query[12:at + 5]
            if hit:
                answer += b'\xc0\x0c' + struct.pack('!HHIH', 1, 1, 60, 4) + \
                    ipaddress.ip_address(addr).packed
            delay = 1.5 if name == 'slow.lab' else 0
            threading.Timer(delay, self.sock.sendto, (answer, peer)).start()


def run(only):
    """Runs the tests in their order; returns how many failed."""
    ran = failed = 0
    for one in TESTS:
        if only and one.__name__ not in only:
            continue
        ran += 1
        title = one.__name__.replace('_', ' ')
        try:
            one()
            print('ok: %s (%s)' % (title, one.__doc__.strip()))
        except Exception as e:      # the next one still says something
            failed += 1
            print('FAIL: %s: %s: %s' % (title, type(e).__name__, e))
    print('%d tests, %d failed' % (ran, failed))
    return failed
