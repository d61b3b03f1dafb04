#!/usr/bin/env python3
"""attack_address.py - small programs of the hosts in attack_address.sh"""
import json
import random
import socket
import struct
import sys
import time

MARK = b"for-the-honest-one-only"


def udp_echo(port):
    """Answers what comes, with the marker."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", int(port)))
    print("ready", flush=True)
    while True:
        data, peer = s.recvfrom(2048)
        print(peer[1], flush=True)
        s.sendto(MARK + data, peer)


def udp_ask(dst, port, count):
    """Each question from a port of its own; prints how many were answered."""
    answered = 0
    for n in range(int(count)):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(3)
        try:
            s.sendto(b"%d" % n, (dst, int(port)))
            answered += s.recv(2048) == MARK + b"%d" % n
        except OSError:
            pass
        s.close()
    print(answered)


def udp_talk(dst, port, seconds):
    """One flow, a question every 50 ms; prints "answered asked"."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1)
    asked = answered = 0
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        asked += 1
        try:
            s.sendto(b"%d" % asked, (dst, int(port)))
            answered += s.recv(2048) == MARK + b"%d" % asked
        except OSError:
            pass
        time.sleep(0.05)
    print(answered, asked)


def udp_send(dst, ports, count):
    """Datagrams with the marker that nobody asked for."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for n in range(int(count)):
        for port in ports.split(","):
            try:
                s.sendto(MARK, (dst, int(port)))
            except OSError:
                pass
        time.sleep(0.05)


def tcp_stream(port, lines):
    """To whoever connects: a line with the marker every 50 ms."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", int(port)))
    s.listen(8)
    print("ready", flush=True)
    while True:
        c, peer = s.accept()
        print(peer[1], flush=True)
        try:
            for n in range(int(lines)):
                c.sendall(MARK + b"\n")
                time.sleep(0.05)
        except OSError:
            pass
        c.close()


def tcp_read(dst, port):
    """Prints how many lines came before the end."""
    s = socket.create_connection((dst, int(port)), 10)
    s.settimeout(20)
    data = b""
    try:
        while True:
            got = s.recv(65536)
            if not got:
                break
            data += got
    except OSError:
        pass
    print(data.count(MARK))


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def inject(src, dst, protocol, sport, dport, count):
    """Datagrams that claim another's flow, from a host that may write any."""
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    a, b = socket.inet_aton(src), socket.inet_aton(dst)
    for _ in range(int(count)):
        if protocol == "udp":
            body = struct.pack("!HHHH", int(sport), int(dport), 12, 0) + b"evil"
            number = 17
        else:
            body = struct.pack("!HHIIBBHHH", int(sport), int(dport),
                               random.getrandbits(32), random.getrandbits(32),
                               0x50, 0x10, 8192, 0, 0)
            number = 6
            pseudo = a + b + struct.pack("!BBH", 0, 6, len(body))
            body = body[:16] + struct.pack("!H", checksum(pseudo + body)) + \
                body[18:]
        s.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64,
                             number, 0, a, b) + body, (dst, 0))
        time.sleep(0.05)


def why(control, address, source_port, port):
    """What the daemon says of one UDP flow, as librsipstatus asks it."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(control)
    s.sendall((json.dumps({"command": "why", "address": address,
                           "protocol": "17", "source_port": source_port,
                           "port": port}) + "\n").encode())
    answer = json.loads(s.makefile().readline())
    print(answer["policy"], answer.get("peer", ""), answer["right"])


if __name__ == "__main__":
    {"udp-echo": udp_echo, "udp-ask": udp_ask, "udp-talk": udp_talk,
     "udp-send": udp_send, "tcp-stream": tcp_stream, "tcp-read": tcp_read,
     "inject": inject, "why": why}[sys.argv[1]](*sys.argv[2:])
