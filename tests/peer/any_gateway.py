"""any_gateway.py - an RSIP gateway that answers anything at all, over real TCP and UDP

Run as root in the gateway's namespace.  What it does with each kind of request
is a habit; a seed draws habits, flow policy, methods, addresses and numbers.

  any_gateway.py --habit ASSIGN=refuse --policy 1 1
        one gateway with these habits, for ever; it says "ready".  Whatever it
        grants, its tunnels lead nowhere.
  any_gateway.py --seeds 0 200 --seconds 1.1 --host ADDRESS PID CONFIG...
        each host meets so many of the seeds, one after the other: at each the
        configuration gets another port and the daemon a SIGHUP, so that it
        begins anew with a gateway that it has never seen.  At the end one line
        says how many requests came, how close eleven of them came together, how
        the daemons' memory grew, and the exit code whether that was too much.

A request for a port that a program has bound is none of those that are counted:
it is as many as programs ask for.
"""
import argparse
import os
import random
import selectors
import signal
import socket
import struct
import sys
import threading
import time

import rsip

SO_TIMESTAMPNS = 35
RATE = 10               # of one host in any second
SLACK = 0.1             # seconds between a daemon's look at its clock and its packet
PORTS = (4555, 4556)

HABITS = ['grant', 'no-time', 'short', 'refuse', 'already', 'forgotten', 'wrong-id',
          'use-tcp', 'other-bind', 'take-back', 'silent', 'close', 'reset', 'flip',
          'cut', 'noise', 'any-type', 'twice', 'dribble', 'flood', 'endless',
          'counter', 'hostile', 'other-remote']
ERRORS = list(range(101, 107)) + list(range(201, 209)) + list(range(301, 316)) + \
    [401, 402, 403, 0, 9, 65535]
ADDRESSES = ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '10.0.0.1',
             '10.0.0.100', '10.0.0.101', '169.254.1.1', '192.0.2.1', '198.51.100.20',
             '203.0.113.7', '8.8.8.8']


def say(*words):
    print(*words, flush=True)


class Mind:
    """What one seed makes of a gateway."""

    def __init__(self, seed, fixed=None, policy=None):
        self.rng = rng = random.Random(seed)
        self.loyal = fixed is not None or rng.random() < 0.6
        # Most register, so that there is something to get wrong later.
        self.habits = {t: 'grant' if rng.random() < (
            0.8 if t == rsip.REGISTER_REQUEST else 0.5) else rng.choice(HABITS)
                       for t in rsip.MESSAGES}
        self.errors = {t: rng.choice(ERRORS) for t in rsip.MESSAGES}
        self.policy = policy or rng.choice(
            [(1, 3)] * 5 + [(1, 1), (1, 2), (2, 3), (2, 2), (2, 1)])
        self.methods = rng.choice([[], [2], [2, 3], [1], [3], [1, 2, 3], [7, 200]])
        self.address = rng.choice(ADDRESSES) if rng.random() < 0.3 else '192.0.2.%d' \
            % rng.randint(1, 254)
        self.lease = rng.choice([1, 2, 3, 60, 600, 0x7fffffff, 0xffffffff])
        self.bind = rng.randrange(1 << 32)
        self.client = rng.randrange(1 << 32)
        if fixed is not None:
            self.habits = dict.fromkeys(rsip.MESSAGES, 'grant')
            self.address, self.lease, self.methods = '192.0.2.1', 600, [2]
        for name, habit in fixed or ():
            for t in rsip.MESSAGES:
                if rsip.name(t).startswith(name):
                    self.habits[t] = habit

    def habit(self, mtype):
        if self.loyal:
            return self.habits[mtype]
        return 'grant' if self.rng.random() < 0.5 else self.rng.choice(HABITS)

    # --- what a good gateway would say ---

    def good(self, mtype, params):
        rng = self.rng
        get = lambda kind, n=0: ([v for k, v in params if k == kind] + [None] * 9)[n]
        out = [(rsip.CLIENT, get(rsip.CLIENT) or self.client)]
        if mtype == rsip.REGISTER_REQUEST:
            out += [(rsip.LEASE, self.lease), (rsip.POLICY, self.policy)] + \
                [(rsip.METHOD, m) for m in self.methods]
        elif mtype == rsip.EXTEND_REQUEST:
            out += [(rsip.BIND, get(rsip.BIND)), (rsip.LEASE, self.lease)]
        elif mtype == rsip.FREE_REQUEST:
            out += [(rsip.BIND, get(rsip.BIND))]
        elif mtype == rsip.QUERY_REQUEST:
            for _ in range(rng.choice([0, 0, 1, 3, 80])):
                out += [(rsip.INDICATOR, 2),
                        (rsip.ADDRESS, (rsip.IPV4, rng.choice(ADDRESSES))),
                        (rsip.ADDRESS, (rsip.NETMASK, rng.choice(
                            ['0.0.0.0', '255.0.0.0', '255.255.255.0',
                             '255.255.255.255', '255.0.255.0'])))]
        elif mtype != rsip.DEREGISTER_REQUEST:
            out += self.granted(mtype, params, get)
        return mtype + 1, out

    def granted(self, mtype, params, get):
        rng = self.rng
        whole = mtype == rsip.ASSIGN_REQUEST_RSA_IP
        self.bind = (self.bind + 1) % (1 << 32)
        out = [(rsip.BIND, self.bind),
               (rsip.ADDRESS, (rsip.IPV4, get(rsip.ADDRESS)[1] or self.address))]
        if not whole:
            ports = get(rsip.PORTS)
            if ports and not ports[1]:
                ports = (ports[0], [rng.randint(1024, 65535 - ports[0])])
            out.append((rsip.PORTS, ports))
        out += [(rsip.ADDRESS, get(rsip.ADDRESS, 1)),
                (rsip.PORTS, get(rsip.PORTS, 0 if whole else 1))]
        if mtype == rsip.ASSIGN_REQUEST_RSIPSEC:
            number, fields = get(rsip.SPI)
            out.append((rsip.SPI, (number, fields or [rng.randint(256, 1 << 31)])))
        last = [(rsip.LEASE, self.lease), (rsip.TUNNEL, get(rsip.TUNNEL) or 1)]
        if mtype == rsip.LISTEN_REQUEST:
            last.reverse()
        return out + last

    def error(self, params, code):
        return rsip.ERROR_RESPONSE, [(rsip.ERROR, code)] + [
            (k, v) for k, v in params if k in (rsip.CLIENT, rsip.BIND)]

    # --- and what this one says ---

    def turn(self, kind, value):
        """One parameter, made worse."""
        rng = self.rng
        if rng.random() < 0.5:
            return kind, value
        if kind in (rsip.LEASE, rsip.BIND, rsip.CLIENT, rsip.COUNTER):
            return kind, rng.choice([0, 1, 0xffffffff, rng.randrange(1 << 32)])
        if kind == rsip.ADDRESS:
            return kind, rng.choice([
                (rsip.IPV4, None), (rsip.IPV4, rng.choice(ADDRESSES)),
                (rsip.FQDN, 'x' * rng.randint(1, 255)), (rsip.IPV6, '2001:db8::1'),
                (rsip.NETMASK, '255.0.255.0')])
        if kind == rsip.PORTS:
            return kind, rng.choice([
                None, (1, [rng.randrange(65536)]), (255, [65300]), (255, []),
                (3, [1, 1, 1]), (0, []), (64, [1])])
        if kind == rsip.SPI:
            return kind, rng.choice([
                (1, [rng.randrange(256)]), (65535, [1]), (3, [7, 7, 7]), (0, [])])
        if kind == rsip.TUNNEL:
            return kind, rng.randrange(256)
        return kind, value

    @staticmethod
    def elsewhere(params):
        """The second address, which is the remote one, is somebody else's."""
        at = [i for i, (k, _) in enumerate(params) if k == rsip.ADDRESS]
        if len(at) > 1:
            params[at[1]] = rsip.address('203.0.113.99')
        return params

    def messages(self, mtype, params, counter):
        """The bytes to send one after another; or None to close, False to reset."""
        rng = self.rng
        how = self.habit(mtype)
        kind, out = self.good(mtype, params)
        if how == 'refuse':
            kind, out = self.error(params, self.errors[mtype] if self.loyal
                                   else rng.choice(ERRORS))
        elif how == 'already':
            kind, out = self.error([(rsip.CLIENT, self.client)], 302)
        elif how == 'forgotten':
            kind, out = self.error(params, rng.choice([301, 305]))
        elif how == 'use-tcp':
            kind, out = self.error(params, 102)
        elif how in ('no-time', 'short'):
            time_left = 0 if how == 'no-time' else rng.randint(1, 2)
            out = [(k, time_left if k == rsip.LEASE else v) for k, v in out]
        elif how == 'wrong-id':
            out = [(k, v ^ 1 if k == rsip.CLIENT else v) for k, v in out]
        elif how == 'other-bind':
            out = [(k, v ^ 5 if k == rsip.BIND else v) for k, v in out]
        elif how == 'other-remote':
            out = self.elsewhere(out)
        elif how == 'any-type':
            kind = rng.choice(list(rsip.MESSAGES) + [0, 18, 99, 255])
        elif how == 'hostile':
            out = [self.turn(k, v) for k, v in out]
        if counter is not None and rng.random() < 0.97:
            if how == 'counter':
                counter = rng.choice([0, counter + 1, counter - 1, 0xffffffff]) \
                    & 0xffffffff
            out.append((rsip.COUNTER, counter))
        data = rsip.encode(kind, out)
        if how == 'silent':
            return []
        if how == 'close':
            return None
        if how == 'reset':
            return False
        if how == 'flip':
            data = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return [bytes(data)]
        if how == 'cut':
            return [data[:rng.randrange(len(data))]]
        if how == 'noise':
            return [rng.randbytes(rng.choice([0, 1, 3, 4, 100, 2000]))]
        if how == 'twice':
            return [data, data]
        if how == 'dribble':
            return [data[i:i + 1] for i in range(len(data))]
        if how == 'endless':
            return [struct.pack('!BBH', 1, kind, 65535) + rng.randbytes(60000)]
        if how in ('take-back', 'flood'):
            return [data] + [self.unasked(params) for _ in range(
                1 if how == 'take-back' else 300)]
        return [data]

    def unasked(self, params):
        rng = self.rng
        kind = rng.choice([rsip.DEREGISTER_RESPONSE, rsip.FREE_RESPONSE,
                           rsip.ERROR_RESPONSE])
        out = [(rsip.CLIENT, next((v for k, v in params if k == rsip.CLIENT),
                                  self.client))]
        if kind == rsip.FREE_RESPONSE:
            out.append((rsip.BIND, self.bind))
        if kind == rsip.ERROR_RESPONSE:
            out.insert(0, (rsip.ERROR, rng.choice(ERRORS)))
        return rsip.encode(kind, out + [(rsip.COUNTER, 0)])


class Lag(threading.Thread):
    """How long this machine kept us waiting lately: so much later than it was sent
    may a message have been seen."""

    def __init__(self):
        super().__init__(daemon=True)
        self.late = []

    def run(self):
        while True:
            before = time.time()
            time.sleep(0.005)
            over = time.time() - before - 0.005
            if over > 0.02:
                self.late.append((before, over))
                del self.late[:-2000]

    def around(self, start, end):
        return sum(over for at, over in self.late if start - 1 < at < end + 1)


class Host:
    def __init__(self, address, pid=0, config=''):
        self.address, self.pid, self.config = address, int(pid), config
        self.mind = None
        self.seed = -1
        self.times = []         # of what counts, the last eleven
        self.count = self.exempt = 0
        self.closest = float('inf')     # eleven, in seconds, ...
        self.owed = 0.0                 # ... less than a second that nobody excuses
        self.rss = []
        self.worst = ''

    def came(self, when, what, lag):
        self.count += 1
        self.times = self.times[-RATE:] + [(when, what)]
        if len(self.times) <= RATE:
            return
        first = self.times[0][0]
        self.closest = min(self.closest, when - first)
        owed = 1 - SLACK - (when - first)
        # Seen late, messages come closer to those behind them.
        if owed > self.owed and owed > self.owed + lag.around(first, when):
            self.owed = owed - lag.around(first, when)
            self.worst = 'seed %d: %s' % (self.seed, ' '.join(
                '%.3f %s' % (t - first, w) for t, w in self.times))

    def memory(self):
        with open('/proc/%d/status' % self.pid) as f:
            for line in f:
                if line.startswith('VmRSS'):
                    return int(line.split()[1])
        return 0

    def alive(self):
        try:
            with open('/proc/%d/stat' % self.pid) as f:
                return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
        except OSError:
            return False

    def meet(self, seed):
        """Another gateway: the daemon is told that it has moved."""
        self.seed, self.mind = seed, Mind(seed)
        udp = self.mind.rng.random() < 0.4
        with open(self.config) as f:
            lines = [x for x in f if not x.startswith(('port =', 'transport ='))]
        with open(self.config, 'w') as f:
            f.write('port = %d\ntransport = "%s"\n' % (
                PORTS[seed % 2], 'udp' if udp else 'tcp'))
            f.writelines(lines)
        os.kill(self.pid, signal.SIGHUP)


class Gateway:
    def __init__(self, args):
        self.args = args
        self.sel = selectors.DefaultSelector()
        self.hosts = {}
        self.streams = {}
        self.lag = Lag()
        self.lag.start()
        for port in PORTS:
            tcp = socket.socket()
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((args.address, port))
            tcp.listen(100)
            tcp.setblocking(False)
            self.sel.register(tcp, selectors.EVENT_READ, self.accept)
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            udp.bind((args.address, port))
            udp.setblocking(False)
            self.sel.register(udp, selectors.EVENT_READ, self.datagram)
        self.raw = {}
        for proto in (4, 47):
            self.raw[proto] = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
            self.raw[proto].bind((args.address, 0))
            # What comes out of the tunnel ends here.
            self.sel.register(self.raw[proto], selectors.EVENT_READ,
                              lambda s: s.recv(65535))

    def host(self, address):
        if address not in self.hosts:
            self.hosts[address] = h = Host(address)
            h.mind = Mind(0, self.args.habit, self.args.policy)
        return self.hosts[address]

    @staticmethod
    def stamp(control):
        """When the kernel got it."""
        for level, kind, data in control:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                return struct.unpack('qq', data[:16])[0] + \
                    struct.unpack('qq', data[:16])[1] / 1e9
        return time.time()

    def answer(self, host, data, when):
        try:
            mtype, params = rsip.decode(data)
        except rsip.Bad as bad:
            say('unreadable', host.address, bad)
            return []
        counter = next((v for k, v in params if k == rsip.COUNTER), None)
        ports = next((v for k, v in params if k == rsip.PORTS), None)
        if ports is not None and ports[0] == 1 and ports[1] and \
                mtype != rsip.LISTEN_REQUEST:
            host.exempt += 1
        else:
            host.came(when, rsip.name(mtype), self.lag)
        if self.args.log:
            say('request', rsip.name(mtype))
        if host.mind is None:
            return []
        out = host.mind.messages(mtype, [p for p in params if p[0] != rsip.COUNTER],
                                 counter)
        if out and host.pid and host.mind.rng.random() < 0.2:
            self.strays(host)
        return out

    def strays(self, host):
        """Tunnel packets of any kind: none is well formed but by chance."""
        rng = host.mind.rng
        inner = bytearray(rng.randbytes(rng.choice([0, 1, 19, 20, 28, 60, 1400])))
        if len(inner) >= 20 and rng.random() < 0.8:
            inner[0] = 0x45
            inner[2:4] = struct.pack('!H', rng.choice([len(inner), 65535, 20]))
            inner[9] = rng.choice([1, 4, 6, 17, 47, 50, 51])
            inner[16:20] = socket.inet_aton(host.mind.address)
        proto = rng.choice([4, 47])
        head = rng.choice([b'\0\0\x08\0', rng.randbytes(4)]) if proto == 47 else b''
        try:
            self.raw[proto].sendto(head + bytes(inner), (host.address, 0))
        except OSError:
            pass

    def accept(self, sock):
        try:
            conn, peer = sock.accept()
        except OSError:
            return
        conn.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        conn.setblocking(False)
        self.host(peer[0]).came(time.time(), 'connection', self.lag)
        self.streams[conn] = (self.host(peer[0]), bytearray())
        self.sel.register(conn, selectors.EVENT_READ, self.stream)

    def close(self, conn, reset=False):
        self.sel.unregister(conn)
        del self.streams[conn]
        if reset:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack('ii', 1, 0))
        conn.close()

    def stream(self, conn):
        host, have = self.streams[conn]
        try:
            data, control, _, _ = conn.recvmsg(65535, 100)
        except BlockingIOError:
            return
        except OSError:
            data = b''
        if not data:
            self.close(conn)
            return
        have += data
        while len(have) >= 4:
            length = struct.unpack_from('!H', have, 2)[0]
            if len(have) < length or length < 4:
                break
            one = bytes(have[:length])
            del have[:length]
            out = self.answer(host, one, self.stamp(control))
            if out is None or out is False:
                self.close(conn, out is False)
                return
            for piece in out:
                try:
                    conn.send(piece)
                except OSError:
                    break

    def datagram(self, sock):
        try:
            data, control, _, peer = sock.recvmsg(65535, 100)
        except OSError:
            return
        for piece in self.answer(self.host(peer[0]), data, self.stamp(control)) or []:
            try:
                sock.sendto(piece, peer)
            except OSError:
                pass

    # --- what it does besides ---

    def wait(self, until):
        while True:
            left = until - time.monotonic()
            if left <= 0:
                return
            for key, _ in self.sel.select(left):
                key.data(key.fileobj)

    def serve(self):
        say('ready')
        while True:
            for key, _ in self.sel.select():
                key.data(key.fileobj)

    def walk(self):
        hosts = [Host(*h) for h in self.args.host]
        self.hosts = {h.address: h for h in hosts}
        seeds = list(range(*self.args.seeds))
        done = 0
        while seeds:
            for h in hosts:
                if seeds and h.alive():
                    h.meet(seeds.pop(0))
                    done += 1
                self.wait(time.monotonic() + self.args.seconds / len(hosts))
            if not any(h.alive() for h in hosts):
                break
            for h in hosts:
                if h.alive():
                    h.rss.append(h.memory())
        return hosts, done

    def judge(self, hosts, done):
        """True if all is as it should be."""
        good = True
        for h in hosts:
            if not h.alive():
                say('FAIL: the daemon of %s ended at seed %d' % (h.address, h.seed))
                good = False
        grown = []
        for h in hosts:
            part = max(1, len(h.rss) // 4)
            if len(h.rss) > 3:
                grown.append(max(h.rss[-part:]) - max(h.rss[part:2 * part]))
        say('%d gateways, %d hosts, %d messages and connections (and %d ports for '
            'programs): the closest eleven of a host took %.3f s; memory grew by at '
            'most %d of %d kB' % (
                done, len(hosts), sum(h.count for h in hosts),
                sum(h.exempt for h in hosts), min(h.closest for h in hosts),
                max(grown, default=0), max(h.rss[-1] for h in hosts if h.rss)))
        for h in hosts:
            if h.owed > 0:
                say('FAIL: more than ten in a second: %s: %s' % (h.address, h.worst))
                good = False
        if grown and max(grown) > 512 + max(h.rss[-1] for h in hosts) // 10:
            say('FAIL: memory grows')
            good = False
        return good


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--address', default='10.0.0.1')
    p.add_argument('--habit', action='append', default=[],
                   type=lambda s: tuple(s.split('=')),
                   help='REQUEST=HABIT, of: ' + ' '.join(HABITS))
    p.add_argument('--policy', nargs=2, type=int, help='local and remote')
    p.add_argument('--log', action='store_true', help='a line a request')
    p.add_argument('--seeds', nargs=2, type=int)
    p.add_argument('--seconds', type=float, default=1.1, help='of one seed')
    p.add_argument('--host', nargs=3, action='append', default=[])
    args = p.parse_args()
    g = Gateway(args)
    if not args.seeds:
        g.serve()
    sys.exit(0 if g.judge(*g.walk()) else 1)


if __name__ == '__main__':
    main()
