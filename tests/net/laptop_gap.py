# laptop_gap.py - how long nothing came back: a datagram every 20 ms, or a TCP stream, and the longest gap between answers
#
# SIGUSR1: prints "gap SECONDS" since the last such signal, the present one
# included, and begins anew.  An echo server is "laptop_gap.py echo PORT [ADDRESS]";
# "ask HOST PORT" is one question.  "drip PORT" speaks to who connects, "take HOST PORT"
# only listens to it.
import itertools
import select
import signal
import socket
import sys
import threading
import time

REMAKE = 0.15          # without an answer: another socket, as programs would


class Gaps:
    def __init__(self):
        self.last = time.monotonic()
        self.worst = 0.0
        signal.signal(signal.SIGUSR1, self.tell)
        print('ready', flush=True)

    def heard(self):
        now = time.monotonic()
        self.worst = max(self.worst, now - self.last)
        self.last = now

    def tell(self, *_):
        now = time.monotonic()
        print('gap %.2f' % max(self.worst, now - self.last), flush=True)
        self.worst = 0.0


def family(host):
    return socket.AF_INET6 if ':' in host else socket.AF_INET


def echo(port, host='0.0.0.0'):
    u = socket.socket(family(host), socket.SOCK_DGRAM)
    u.bind((host, port))
    t = socket.socket(family(host))
    t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    t.bind((host, port))
    t.listen(8)
    socks = [u, t]
    print('echo', flush=True)
    while True:
        for s in select.select(socks, [], [])[0]:
            try:
                if s is u:
                    data, peer = u.recvfrom(2000)
                    u.sendto(data, peer)
                elif s is t:
                    socks.append(t.accept()[0])
                else:
                    data = s.recv(2000)
                    if not data:
                        raise OSError
                    s.sendall(data)
            except OSError:
                if s not in (u, t):
                    socks.remove(s)
                    s.close()


def datagrams(host, port, heard, every=0.02, remake=REMAKE):
    """One after another, for ever; calls heard() for each answer."""
    s, made, last = None, 0.0, 0.0
    while True:
        now = time.monotonic()
        if s is None or now - max(last, made) > remake:
            if s is not None:
                s.close()
            s = socket.socket(family(host), socket.SOCK_DGRAM)
            s.setblocking(False)
            made = now
        try:
            s.sendto(b'x', (host, port))
        except OSError:
            pass
        time.sleep(every)
        try:
            while s.recv(100):
                last = time.monotonic()
                heard()
        except OSError:
            pass


def udp(host, port):
    datagrams(host, port, Gaps().heard)


def ask(host, port):
    """One datagram; fails if nothing comes within 0.3 s."""
    s = socket.socket(family(host), socket.SOCK_DGRAM)
    s.settimeout(0.3)
    s.sendto(b'x', (host, port))
    s.recv(10)


def tcp(host, port):
    s = socket.create_connection((host, port), 10)
    s.settimeout(120)
    gaps = Gaps()
    print('connected', *s.getsockname(), flush=True)
    while True:
        try:
            s.sendall(b'x')
            if not s.recv(1):
                raise OSError('closed')
        except OSError as e:
            print('dead', e, flush=True)
            sys.exit(1)
        gaps.heard()
        time.sleep(0.02)


def drip(port):
    """Numbers, one every 20 ms, to each that connects."""
    def tell(s):
        for n in itertools.count():
            s.sendall(b'%d\n' % n)
            time.sleep(0.02)

    with socket.create_server(('0.0.0.0', port)) as t:
        print('drips', flush=True)
        while True:
            threading.Thread(target=tell, args=t.accept()[:1],
                             daemon=True).start()


def take(host, port):
    s = socket.create_connection((host, port), 10)
    gaps = Gaps()
    print('connected', *s.getsockname(), flush=True)
    with s.makefile('rb') as lines:
        for n in itertools.count():
            try:
                line = lines.readline()
            except OSError as e:
                line = str(e).encode()
            if line != b'%d\n' % n:
                print('dead', n, line, flush=True)
                sys.exit(1)
            gaps.heard()


if __name__ == '__main__':
    if sys.argv[1] in ('echo', 'drip'):
        {'echo': echo, 'drip': drip}[sys.argv[1]](int(sys.argv[2]),
                                            *sys.argv[3:])
    {'udp': udp, 'tcp': tcp, 'ask': ask, 'take': take}[sys.argv[1]](sys.argv[2],
                                                      int(sys.argv[3]))
