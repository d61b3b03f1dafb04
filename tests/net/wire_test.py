#!/usr/bin/env python3
"""wire_test.py - the witness is right about captures whose truth is known."""
import io
import json
import os
import random
import socket
import struct
import sys
import tempfile
from contextlib import redirect_stdout
from types import SimpleNamespace

import wire

NB, Y1, Y2, X1, X2, NA = ("198.51.100.1", "198.51.100.10", "198.51.100.20",
                          "10.0.0.11", "10.0.0.12", "10.0.0.1")


def ipv4(src, dst, proto, payload):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst)) + payload


def esp(spi, body):
    return struct.pack("!II", spi, 1) + body


def udp(sport, dport, body):
    return struct.pack("!HHHH", sport, dport, 8 + len(body), 0) + body


def ike(body=b"x" * 60, version=2):
    return b"cookie01" + bytes(8) + struct.pack("!BBBBII", 1, version << 4, 2, 0, 0, 28 + len(body)) + body


def write(path, datagrams):
    with open(path, "wb") as f:
        f.write(wire.PCAP_HEADER)
        for d in datagrams:
            frame = bytes(12) + b"\x08\x00" + d
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


class Scene:
    """A good run; each test spoils one thing."""

    def __init__(self, folder):
        rng = random.Random(3102)
        self.folder = folder
        self.file = rng.randbytes(20001)
        self.public = [ipv4(NB, Y1, 17, udp(500, 500, ike())),
                       ipv4(Y2, NB, 6, bytes(20) + self.file[:1000])]
        self.private = []
        for host, spi in ((X1, 0x1111), (X2, 0x2222)):
            for _ in range(20):
                inbound = ipv4(Y1, NB, 50, esp(spi, rng.randbytes(1000)))
                self.public.append(inbound)
                self.private.append(ipv4(NA, host, 4, inbound))
                self.public.append(ipv4(NB, Y1, 50, esp(spi + 7, rng.randbytes(100))))
        self.options = {"owner": ["0x00001111=x1", "0x00002222=x2"], "least": 40000, "lost": 0}

    def verdict(self):
        names = {n: os.path.join(self.folder, n) for n in ("public", "private", "file")}
        write(names["public"], self.public)
        write(names["private"], self.private)
        with open(names["file"], "wb") as f:
            f.write(self.file)
        out = io.StringIO()
        with redirect_stdout(out):
            status = wire.check(SimpleNamespace(ike=2, nb=NB, y1=Y1, y2=Y2, x1=X1, x2=X2,
                                                **names, **self.options))
        return status, json.loads(out.getvalue())


def expect(title, spoil, reason):
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(folder)
        spoil(scene)
        status, answer = scene.verdict()
    faults = answer["faults"]
    good = (status == 0 and not faults) if reason is None else \
        (status == 1 and any(reason in f for f in faults))
    print(f"{'ok' if good else 'FAIL'}: {title}" + ("" if good else f": {faults}"))
    return good


def main():
    def clear(offset, length):
        def spoil(s):
            s.public.append(ipv4(Y1, NB, 50, esp(0x1111, b"z" * 33 + s.file[offset:offset + length])))
        return spoil

    def crossed(s):
        s.private.append(ipv4(NA, X2, 4, s.public[2]))

    def swapped(s):
        s.options["owner"] = ["0x00001111=x2", "0x00002222=x1"]

    def swallowed(s):
        s.private = [d for d in s.private if socket.inet_aton(X2) not in d[:20]]

    def add(*datagrams):
        return lambda s: s.public.extend(datagrams)

    def no_y2(s):
        del s.public[1]

    def gre(s):
        s.private = [d[:9] + b"\x2f" + d[10:20] + b"\0\0\x08\0" + d[20:] for d in s.private]
        s.private = [d[:2] + struct.pack("!H", len(d)) + d[4:] for d in s.private]

    tests = [
        ("a good run", lambda s: None, None),
        ("the same over GRE", gre, None),
        ("an IKE answer from another port of Nb", add(ipv4(NB, Y1, 17, udp(20001, 500, ike()))), None),
        ("the file in the clear as TCP", add(ipv4(Y1, NB, 6, bytes(20))), "neither ESP nor IKE"),
        ("a peer that speaks IKEv1", add(ipv4(Y1, NB, 17, udp(500, 500, ike(version=1)))), "IKE of versions"),
        ("ESP in UDP 4500", add(ipv4(Y1, NB, 17, udp(4500, 4500, b"q" * 90))), "UDP 4500"),
        ("ESP in UDP 500", add(ipv4(Y1, NB, 17, udp(500, 500, b"q" * 90))), "neither ESP nor IKE"),
        ("ICMP between them", add(ipv4(Y1, NB, 1, bytes(8))), "neither ESP nor IKE"),
        ("a private address outside", add(ipv4(X1, Y2, 6, bytes(20))), "private address"),
        ("one laptop's SPI at both", crossed, "reached both laptops"),
        ("SPIs at the wrong laptops", swapped, "'s but reached"),
        ("one laptop gets nothing", swallowed, "none reached a laptop"),
        ("no clear transfer to compare with", no_y2, "proves nothing"),
        ("too little ESP", lambda s: s.options.update(least=10**6), "bytes of ESP"),
    ]
    # Any 16 bytes, wherever they stand in the file and in the packet.
    rng = random.Random(4322)
    for _ in range(8):
        offset = rng.randrange(20001 - 16)
        tests.append((f"16 bytes of the file from {offset} inside ESP", clear(offset, 16), "in the clear"))
    results = [expect(*t) for t in tests]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
