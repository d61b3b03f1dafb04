#!/usr/bin/env python3
"""oe_workers.py - TCP connections that carry known bytes both ways at once, and datagrams beside them, for as long as it runs

  oe_workers.py serve ADDRESS STATUS
  oe_workers.py flows ADDRESS STATUS COUNT RATE

RATE: bytes a second of each connection, each way; 0: all that goes.  STATUS is a
file of one line, five times a second: "broken" (connections on which other bytes
came than were sent), "ended" (that ended), and what came on each of COUNT so far.
"""
import os
import random
import socket
import sys
import threading
import time

PORT = 4000
BLOCK = random.Random(1).randbytes(65536)


class Totals:
    def __init__(self, path, count):
        self.path, self.came = path, [0] * count
        self.broken = self.ended = 0

    def write(self):
        with open(self.path + '.new', 'w', encoding='ascii') as f:
            print(self.broken, self.ended, *self.came, file=f)
        os.rename(self.path + '.new', self.path)


def family(address):
    return socket.AF_INET6 if ':' in address else socket.AF_INET


def send_on(s, rate):
    piece = min(len(BLOCK), max(1000, rate // 50)) if rate else len(BLOCK)
    at = 0
    try:
        while True:
            s.sendall(BLOCK[at:at + piece])
            at = (at + piece) % len(BLOCK) if at + piece < len(BLOCK) else 0
            if rate:
                time.sleep(piece / rate)
    except OSError:
        pass


def receive_on(s, totals, slot):
    at = 0
    try:
        while got := s.recv(65536):
            here = 0
            while here < len(got):
                n = min(len(got) - here, len(BLOCK) - at)
                if got[here:here + n] != BLOCK[at:at + n]:
                    totals.broken += 1
                    return
                at, here = (at + n) % len(BLOCK), here + n
            totals.came[slot] += len(got)
    except OSError:
        pass
    totals.ended += 1


def start(fn, *args):
    threading.Thread(target=fn, args=args, daemon=True).start()


def serve(address, totals):
    door = socket.socket(family(address))
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((address, PORT))
    door.listen(16)
    datagrams = socket.socket(family(address), socket.SOCK_DGRAM)
    datagrams.bind((address, PORT))

    def count():
        while True:
            totals.came[1] += len(datagrams.recv(2048))
    start(count)
    while True:
        s = door.accept()[0]
        rate = int.from_bytes(s.recv(8, socket.MSG_WAITALL), 'big')
        start(send_on, s, rate)
        start(receive_on, s, totals, 0)


def flow(address, totals, slot, rate):
    while True:
        s = socket.socket(family(address))
        try:
            s.connect((address, PORT))
            s.sendall(rate.to_bytes(8, 'big'))
        except OSError:
            time.sleep(0.2)
            continue
        start(send_on, s, rate)
        receive_on(s, totals, slot)
        s.close()


def blast(address):
    s = socket.socket(family(address), socket.SOCK_DGRAM)
    while True:
        try:
            s.sendto(BLOCK[:1000], (address, PORT))
        except OSError:
            pass
        time.sleep(0.002)


def main():
    what, address, status, *rest = sys.argv[1:]
    if what == 'serve':
        totals = Totals(status, 2)
        start(serve, address, totals)
    else:
        totals = Totals(status, int(rest[0]))
        for slot in range(int(rest[0])):
            start(flow, address, totals, slot, int(rest[1]))
        start(blast, address)
    while True:
        totals.write()
        time.sleep(0.2)


main()
