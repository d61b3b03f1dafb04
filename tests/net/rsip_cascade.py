"""rsip_cascade.py PARENT-LEASES - a host two gateways away from the public network"""
# Shows: RFC 3102 §1.2.
import ipaddress
import json
import socket
import struct
import subprocess
import sys
import time

import rsip
from rsip import ADDRESS, LEASE, PORTS, SPI
from session import Session, find, error_of

ME, GATEWAY, NB = '10.1.0.2', '10.1.0.1', '198.51.100.1'
Y2 = '198.51.100.20'

rows = json.load(open(sys.argv[1]))['rows']
parent_ports = set()
parent_spis = set()
for row in rows:
    for text in row['ports']:
        lo, _, hi = text.partition('-')
        parent_ports |= set(range(int(lo), int(hi or lo) + 1))
    parent_spis |= {int(x, 16) for x in row['spis']}


def packet(protocol, src, dst, payload):
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 1, 0, 64,
                       protocol, 0, ipaddress.ip_address(src).packed,
                       ipaddress.ip_address(dst).packed)
    total = sum(struct.unpack('!10H', head))
    total = (total & 0xffff) + (total >> 16)
    return head[:10] + struct.pack('!H', 0xffff ^ total) + head[12:] + payload


def expand(value):
    number, fields = value
    if len(fields) == 1:
        return [fields[0] + i for i in range(number)]
    return fields


box = socket.socket(socket.AF_INET, socket.SOCK_RAW, 4)
box.bind((ME, 0))


def next_inner(protocol, seconds=3):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        box.settimeout(max(0.01, end - time.monotonic()))
        try:
            inner = box.recv(65535)[20:]
        except (TimeoutError, socket.timeout):
            return None
        if inner[9] == protocol:
            return inner
    return None


s = Session(GATEWAY, source=ME)
assert s.register()[0] == rsip.REGISTER_RESPONSE

# Only what the parent gave, for no longer than it gave it (RFC 3102 4.2.1).
got = s.assign_ipsec(ports=(4,), spis=(2,))
assert got[0] == rsip.ASSIGN_RESPONSE_RSIPSEC, error_of(got)
ports, spis = expand(find(got[1], PORTS)), expand(find(got[1], SPI))
assert find(got[1], ADDRESS)[1] == NB, got
assert set(ports) <= parent_ports, (ports, parent_ports)
assert set(spis) <= parent_spis, (spis, parent_spis)
assert 0 < find(got[1], LEASE) <= 60, got
print('ok: ports and SPIs are the parent\'s, the lease ends with it')
other = next(x for x in range(1000, 2000) if x not in parent_spis)
assert error_of(s.assign_ipsec(spis=(1, other))) == 402
assert error_of(s.assign_rsap(ports=(1, max(parent_ports) + 1))) == 313
assert error_of(s.assign_rsap(ports=(200,))) == 309
print('ok: and nothing else')

# Out through both tunnels and back.
for _ in range(5):
    udp = struct.pack('!HHHH', ports[0], 9999, 8 + 5, 0) + b'hello'
    box.sendto(packet(17, NB, Y2, udp), (GATEWAY, 0))
    inner = next_inner(17, 1)
    if inner:
        break
assert inner, 'no answer from y2'
assert inner[28:] == b'%s:%d' % (NB.encode(), ports[0]), inner[28:]
print('ok: a port leads through both gateways and back, unchanged')

for spi in spis + [other]:
    subprocess.run(['nsenter', '--net=/run/netns/y1', sys.executable, '-c', '''
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50)
s.sendto(struct.pack("!II", int(sys.argv[1]), 1) + b"sealed", ("%s", 0))
''' % NB, str(spi)], check=True)
    inner = next_inner(50, 3 if spi != other else 0.5)
    if spi == other:
        assert inner is None, 'somebody else\'s SPI came'
    else:
        assert inner and inner[20:24] == struct.pack('!I', spi), spi
print('ok: an SPI leads through both gateways')
assert s.deregister()[0] == rsip.DEREGISTER_RESPONSE
