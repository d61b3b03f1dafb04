#!/usr/bin/env python3
"""oe_echo.py - datagrams of UDP and their echoes, of which none may be lost or changed

usage: oe_echo.py serve | oe_echo.py ADDRESS COUNT SECONDS LENGTH

One datagram each SECONDS; says how many came back, and fails if not all did.
"""
import os
import socket
import sys
import time

PORT = 7
PATIENCE = 20           # seconds, for the last ones


def serve():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('', PORT))
        while True:
            s.sendto(*s.recvfrom(65535))


def take(s, sent, until):
    """Takes what comes back until then."""
    while sent and time.monotonic() < until:
        s.settimeout(max(0.001, until - time.monotonic()))
        try:
            sent.discard(s.recv(65535))
        except (TimeoutError, socket.timeout):
            return


def ask(address, count, interval, length):
    sent = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((address, PORT))
        start = time.monotonic()
        for n in range(count):
            datagram = os.urandom(length)
            sent.add(datagram)
            s.send(datagram)
            take(s, sent, start + (n + 1) * interval)
            time.sleep(max(0, start + (n + 1) * interval - time.monotonic()))
        take(s, sent, time.monotonic() + PATIENCE)
    print(f'{count - len(sent)} of {count}')
    return 1 if sent else 0


if sys.argv[1] == 'serve':
    serve()
sys.exit(ask(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
