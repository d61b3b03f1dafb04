#!/usr/bin/env python3
"""silence.py - how long nothing came back: a datagram every 20 ms, answered or not

echo ADDRESS PORT       answers every datagram until it is ended
ask ADDRESS PORT SECONDS FILE
                        asks; each silence above 100 ms becomes a line of FILE:
                        when it began (seconds of the Epoch) and how long it was
worst FILE SINCE        the longest silence, in seconds, that ended after SINCE"""
import select
import socket
import sys
import time

INTERVAL = 0.02
TOLD = 0.1


def echo(address, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, int(port)))
    while True:
        data, peer = s.recvfrom(64)
        try:
            s.sendto(data, peer)
        except OSError:
            pass


def connected(address, port):
    """A new socket has the source address that the host has now."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.connect((address, int(port)))
    except OSError:
        s.close()
        return None
    s.setblocking(False)
    return s


def ask(address, port, seconds, path):
    end = time.time() + float(seconds)
    heard = source_seen = time.time()
    s = connected(address, port)
    with open(path, 'w', encoding='ascii') as out:
        while time.time() < end:
            now = time.time()
            try:
                if s is not None:
                    s.send(b'%f' % now)
            except OSError:
                pass
            # Programs begin anew after a while, as people do.
            if now - heard > 0.5 and now - source_seen > 0.5:
                if s is not None:
                    s.close()
                s = connected(address, port)
                source_seen = now
            until = now + INTERVAL
            while (left := until - time.time()) > 0:
                if s is None:
                    time.sleep(left)
                    continue
                if not select.select([s], [], [], left)[0]:
                    break
                try:
                    s.recv(64)
                except OSError:
                    continue
                now = time.time()
                if now - heard > TOLD:
                    print(f'{heard:.3f} {now - heard:.3f}', file=out,
                          flush=True)
                heard = now
        now = time.time()
        if now - heard > TOLD:
            print(f'{heard:.3f} {now - heard:.3f} not over', file=out)


def worst(path, since):
    longest = 0.0
    with open(path, encoding='ascii') as f:
        for line in f:
            began, length = (float(w) for w in line.split()[:2])
            if began + length > float(since):
                longest = max(longest, length)
    print(f'{longest:.2f}')


if __name__ == '__main__':
    {'echo': echo, 'ask': ask, 'worst': worst}[sys.argv[1]](*sys.argv[2:])
