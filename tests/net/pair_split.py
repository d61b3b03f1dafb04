"""pair_split.py load FIRST FILE [GATEWAY [PAUSE]] | check FILE... | same LEASES LEASES KEYS - hosts of two gateways, and whether anything is in two hands

A host has a port and an SPI from when it has read the answer until it asks to
free them, or for the first time since it last heard a gateway asks to be
registered, if what comes of that is another registration.  FILE has a line for
each: times are of one clock.  same: both gateways and the store (its keys)
know of the same leases, and no port is in two of them.
"""
import json
import os
import sys
import time

import rsip
from rsip import ADDRESS, BIND, PORTS, SPI
from session import Closed, Session, error_of, find

KEPT = 4            # bindings of a host, the oldest freed first
HOSTS = 10


class Host:
    def __init__(self, address, out, gateway):
        self.address, self.out, self.gateway = address, out, gateway
        self.session, self.client, self.held = None, None, []
        self.begun = None       # asks to be registered, unanswered, since

    def end(self, what):
        self.out.write('%f %f %s %s\n' % (what[0], time.monotonic(),
                                          self.address, what[1]))

    def connect(self):
        """registered; under another id it has nothing of what it had"""
        s = Session(self.gateway, source=self.address, timeout=0.5)
        self.begun = self.begun or time.monotonic()
        got = s.register()
        client = find(got[1], rsip.CLIENT)
        if got[0] != rsip.REGISTER_RESPONSE and error_of(got) != 302:
            raise Closed()
        if client is None:      # not before its former connection has ended
            s.close()
            raise Closed()
        if client != self.client:
            if self.client is not None:
                print('%f %s: registered anew as %s, was %s, asked since %f' % (
                    time.monotonic(), self.address, client, self.client,
                    self.begun))
            for since, what, _ in self.held:
                self.out.write('%f %f %s %s\n' % (since, self.begun,
                                                  self.address, what))
            self.held = []
        s.client = self.client = client
        self.begun = None
        self.session = s

    def turn(self):
        if self.session is None:
            self.connect()
        s = self.session
        if len(self.held) >= KEPT:
            since, what, bind = self.held.pop(0)
            self.end((since, what))
            s.free(bind)
            return 'freed'
        got = s.assign_ipsec(None, (1,), None, (1,), (1,))
        if got[0] != rsip.ASSIGN_RESPONSE_RSIPSEC:
            if error_of(got) in (301, 302, 303):
                self.session = None
            return 'error %s' % error_of(got)
        self.held.append((time.monotonic(), 'of %s port %d spi %s' % (
            find(got[1], ADDRESS)[1], find(got[1], PORTS)[1][0],
            find(got[1], SPI)[1][0]),
            find(got[1], BIND)))
        return 'granted'


def load(first, path, gateway='10.0.0.1', pause='0'):
    out = open(path, 'w', buffering=1)
    hosts = [Host('10.0.0.%d' % (int(first) + n), out, gateway)
             for n in range(HOSTS)]
    counts, phase = {}, None
    while not os.path.exists(path + '.stop'):
        time.sleep(float(pause))
        for h in hosts:
            try:
                said = h.turn()
            except (OSError, Closed, AssertionError):
                h.session, said = None, 'silence'
            now = open('phase').read().strip()
            counts[now, said] = counts.get((now, said), 0) + 1
            if counts[now, said] == 1:
                open('%s.%s.%s' % (path, now, said), 'w').close()
            if said != 'granted' and said != 'freed':
                time.sleep(0.02)
            if now != phase:
                phase = now
            if os.path.exists(path + '.stop'):
                break
    for h in hosts:
        for since, what, _ in h.held:
            h.end((since, what))
    for (p, said), n in sorted(counts.items()):
        print('phase %s: %s %d' % (p, said, n))
    print('done', flush=True)


def check(*paths):
    spans = {}
    grants = 0
    for path in paths:
        for line in open(path):
            begin, end, host, _, of, _, port, _, spi = line.split()
            grants += 1
            for key in (of + ' port ' + port, of + ' spi ' + spi):
                spans.setdefault(key, []).append((float(begin), float(end),
                                                  host))
    two = 0
    for key, list_ in spans.items():
        list_.sort()
        for a, b in zip(list_, list_[1:]):
            if b[0] < a[1] and a[2] != b[2]:
                two += 1
                print('%s: %s until %f, %s from %f' % (key, a[2], a[1], b[2],
                                                       b[0]))
    ports = sum(' port ' in key for key in spans)
    print('%d grants of %d ports, %d in two hands' % (grants, ports, two))
    return two == 0 and grants > 0


def same(one, other, keys):
    """what they differ in"""
    sides = []
    for path in one, other:
        rows = [r for r in json.load(open(path))['rows'] if r.get('bind_id')]
        sides.append({'%s g:%08x:%08x' % (
            r['gateway'], r['client_id'], r['bind_id']): ' '.join(
                [r['host'], r['address']] + r['ports'] + r['spis'])
                      for r in rows})
        ports = [r['address'] + ' ' + p for r in rows for p in r['ports']]
        assert len(set(ports)) == len(ports)
    sides.append(set(line.strip() for line in open(keys)))
    n, m, store = sides
    for key in sorted(set(n) | set(m) | store):
        has = n.get(key), m.get(key), key in store
        if has[0] is None or has[0] != has[1] or not has[2]:
            print('%s: N %s, M %s, %s' % ((key,) + has[:2] + (
                'stored' if has[2] else 'not stored',)))
    return n == m and set(n) == store


if sys.argv[1] == 'load':
    load(*sys.argv[2:])
elif sys.argv[1] == 'check':
    sys.exit(0 if check(*sys.argv[2:]) else 1)
elif sys.argv[1] == 'same':
    sys.exit(0 if same(*sys.argv[2:]) else 1)
