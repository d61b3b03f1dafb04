"""lease_store.py hosts | load FILE | check FILE | free | rests PORT | full FILE REST | kept FILE | room - asks, and compares what was answered with what is held"""
import json
import os
import sys
import time

import rsip
from rsip import BIND, PORTS, SPI
from session import Closed, Session, error_of, find

GATEWAY = '10.0.0.1'
HOSTS = ['10.0.0.%d' % n for n in range(100, 120)]


def session(host):
    """registered, in spite of a gateway that is killed meanwhile"""
    for _ in range(100):
        try:
            s = Session(GATEWAY, source=host, timeout=2)
            got = s.register()
            if error_of(got) == 302:        # ALREADY_REGISTERED: as it should be
                s.client = find(got[1], rsip.CLIENT)
                return s
            if got[0] == rsip.REGISTER_RESPONSE:
                return s
        except (OSError, Closed, AssertionError):
            time.sleep(0.05)
    raise SystemExit('no registration of %s' % host)


KEPT = 20           # bindings of a host, the oldest freed first


def load(path):
    """a line for each thing asked, before it is, and for each answer"""
    out = open(path, 'w', buffering=1)
    n = 0
    sessions, bindings = {}, {host: [] for host in HOSTS}
    while not os.path.exists(path + '.stop'):
        host = HOSTS[n % len(HOSTS)]
        n += 1
        mine = bindings[host]
        try:
            s = sessions.get(host) or session(host)
            sessions[host] = s
            if len(mine) > KEPT:
                name = '%s %d %d' % (host, s.client, mine.pop(0))
                out.write('free %s\n' % name)
                if s.free(int(name.split()[2]))[0] == rsip.FREE_RESPONSE:
                    out.write('freed %s\n' % name)
                continue
            out.write('ask\n')
            mtype, got = s.assign_ipsec(None, (2,), None, (1,), (1,))
        except (OSError, Closed, AssertionError):
            sessions.pop(host, None)
            continue
        if mtype == rsip.ASSIGN_RESPONSE_RSIPSEC:
            mine.append(find(got, BIND))
            out.write('answered %s %d %d\n' % (host, s.client, mine[-1]))
    print('done', flush=True)


def check(path):
    """nothing that was answered is missing; what was not answered was at least asked"""
    said = {'answered': set(), 'free': set(), 'freed': set()}
    asked = 0
    for line in open(path):
        word, *rest = line.split()
        if word == 'ask':
            asked += 1
        else:
            said[word].add((rest[0], int(rest[1]), int(rest[2])))
    held = set()
    for row in json.load(sys.stdin)['rows']:
        if row['host'] in HOSTS:
            held.add((row['host'], row['client_id'], row['bind_id']))
    missing = said['answered'] - said['free'] - held
    more = held - said['answered']
    back = held & said['freed']
    assert not missing, (len(missing), sorted(missing)[:5])
    assert not back, (len(back), sorted(back)[:5])
    unanswered = asked - len(said['answered'])
    assert len(more) <= unanswered, (len(more), unanswered)
    print('%d bindings answered and %d freed: %d missing, %d there again; %d '
          'held of the %d that were asked and not answered' %
          (len(said['answered']), len(said['freed']), len(missing), len(back),
           len(more), unanswered))


def full(path, rest):
    """grants while there is room, and until there is none; what was granted into path"""
    s = session(HOSTS[0])
    granted = []
    for n in range(200):
        if n == 20:
            with open(rest, 'wb', buffering=0) as out:
                try:
                    while out.write(bytes(4096)):
                        pass
                except OSError:
                    pass
        got = s.assign_rsap(ports=(1,))
        if got[0] != rsip.ASSIGN_RESPONSE_RSAP_IP:
            break
        granted.append(find(got[1], BIND))
    else:
        raise SystemExit('a full disk is never noticed')
    assert len(granted) >= 20, got
    assert error_of(got) in (104, 309), got
    with open(path, 'w') as out:
        print(*granted, file=out)
    print('a full disk: %d granted, then %s' % (len(granted), error_of(got)))


def kept(path):
    """all that was granted, and nothing that was refused"""
    granted = set(map(int, open(path).read().split()))
    held = set(row['bind_id'] for row in json.load(sys.stdin)['rows']
               if row['host'] == HOSTS[0])
    assert held == granted, (held, granted)
    print('all %d are there, and nothing else' % len(granted))


def room():
    s = session(HOSTS[1])
    got = s.assign_rsap(ports=(1,))
    assert got[0] == rsip.ASSIGN_RESPONSE_RSAP_IP, got


def free():
    """a port, which is told, is leased and freed: from now on it rests"""
    s = session(HOSTS[2])
    got = s.assign_rsap(ports=(1,))
    assert got[0] == rsip.ASSIGN_RESPONSE_RSAP_IP, got
    assert s.free(find(got[1], BIND))[0] == rsip.FREE_RESPONSE
    print(find(got[1], PORTS)[1][0])


def rests(port):
    """for others, but not for who had it last"""
    got = session(HOSTS[3]).assign_rsap(ports=(1, int(port)))
    assert error_of(got) == 311, got    # LOCAL_ADDRPORT_INUSE
    got = session(HOSTS[2]).assign_rsap(ports=(1, int(port)))
    assert got[0] == rsip.ASSIGN_RESPONSE_RSAP_IP, got


if sys.argv[1] == 'hosts':
    print('\n'.join(HOSTS))
else:
    {'load': load, 'check': check, 'full': full, 'room': room, 'free': free,
     'rests': rests, 'kept': kept}[sys.argv[1]](*sys.argv[2:])
