"""pair_cross.py - a host of one of two gateways, and what it may have of the other

  asks GATEWAY SOURCE ADDRESS       leases of that address: prints the error, 0 for none
  tunnel GATEWAY SOURCE NA HOST PORT [N]   sends through the tunnel to NA, of what it leased
                                    at GATEWAY: prints "answered" or "silence", and the
                                    error that it is told; N times
  holds GATEWAY SOURCE              leases, and is gone without a word
  listens GATEWAY SOURCE            prints "at ADDRESS PORT", and from whom it hears
"""
import socket
import struct
import sys
import time

import nat_net
import rsip
from rsip import ADDRESS, PORTS
from session import Closed, Session, error_of, find

TRIES = 15          # a second apart: the other end may not be there yet


class Host:
    def __init__(self, gateway, source):
        self.gateway, self.source = gateway, source
        self.connect()
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, nat_net.IPIP)
        self.raw.bind((source, 0))

    def connect(self):
        self.session = Session(self.gateway, source=self.source, timeout=5)
        got = self.session.register()
        assert got[0] == rsip.REGISTER_RESPONSE or error_of(got) == 302, got
        self.session.client = find(got[1], rsip.CLIENT)

    def lease(self):
        got = self.session.assign_rsap()
        assert got[0] == rsip.ASSIGN_RESPONSE_RSAP_IP, got
        self.address = find(got[1], ADDRESS)[1]
        self.port = find(got[1], PORTS)[1][0]

    def send(self, na, to, port, data):
        self.raw.sendto(nat_net.udp(self.address, to, self.port, port, data),
                        (na, 0))

    def heard(self, seconds):
        """(tunnel's end, source, port, data) of a datagram, or None"""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.raw.settimeout(max(end - time.monotonic(), 0.01))
            try:
                outer = nat_net.Ip(self.raw.recv(65535))
            except socket.timeout:
                return None
            inner = outer.inner()
            if inner.proto == nat_net.UDP and inner.dst == self.address:
                sport, dport = struct.unpack('!HH', inner.payload[:4])
                if dport == self.port:
                    return outer.src, inner.src, sport, inner.payload[8:]
        return None

    def told(self, seconds):
        try:
            return error_of(self.session.receive(seconds))
        except socket.timeout:
            return None
        except Closed:
            self.connect()
            return None


def asks(gateway, source, address):
    h = Host(gateway, source)
    got = h.session.assign_rsap(local=address)
    print(error_of(got) or 0)
    got = h.session.assign_ipsec(local=address, ports=(1,))
    print(error_of(got) or 0)
    h.session.deregister()


def tunnel(gateway, source, na, to, port, more='1'):
    h = Host(gateway, source)
    h.lease()
    got = error = None
    answers = 0
    for _ in range(TRIES):
        h.send(na, to, int(port), b'through ' + na.encode())
        got = h.heard(1)
        if got is not None:
            assert got[0] == gateway, got
            answers += 1
            if answers == int(more):
                break
        error = h.told(0.01)
        if error is not None:
            break
    print('silence' if got is None else 'answered', error or 0)
    h.session.deregister()


def holds(gateway, source):
    Host(gateway, source).lease()


def listens(gateway, source):
    h = Host(gateway, source)
    h.lease()
    print('at', h.address, h.port, flush=True)
    while True:
        got = h.heard(60)
        if got is None:
            return
        end, address, port, data = got
        print('heard', end, address, data.decode(), flush=True)
        h.send(gateway, address, port, data)


{'asks': asks, 'tunnel': tunnel, 'holds': holds, 'listens': listens}[sys.argv[1]](*sys.argv[2:])
