#!/usr/bin/env python3
# oe_many.py - one echo request to each of many destinations, evenly in time; prints who answered how late
import argparse
import ipaddress
import select
import socket
import struct
import time


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def main():
    p = argparse.ArgumentParser()
    p.add_argument("ranges", nargs="+", help="FIRST:COUNT")
    p.add_argument("--seconds", type=float, required=True)
    p.add_argument("--wait", type=float, default=10)
    a = p.parse_args()
    lists = []
    for r in a.ranges:
        first, count = r.rsplit(":", 1)
        first = int(ipaddress.ip_address(first))
        lists.append([str(ipaddress.ip_address(first + i))
                      for i in range(int(count))])
    # Each range spread over the whole time.
    targets = [t for _, t in sorted((i / len(one), t) for one in lists
                                    for i, t in enumerate(one))]
    six = ":" in targets[0]
    # Of IPv6 the kernel makes the checksum, and gives no header.
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                      socket.IPPROTO_ICMPV6) if six else socket.socket(
                          socket.AF_INET, socket.SOCK_RAW,
                          socket.IPPROTO_ICMP)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sent, late = {}, {}
    start = time.monotonic()
    gap = a.seconds / len(targets)
    while True:
        now = time.monotonic()
        n = len(sent)
        if n < len(targets) and now >= start + n * gap:
            body = struct.pack("!BBHHH", 128 if six else 8,
                               0, 0, 0x4f45, n) + b"oe" * 28
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
            s.sendto(body, (targets[n], 0))
            sent[targets[n]] = now
            continue
        if n == len(targets):
            if len(late) == n or now > start + a.seconds + a.wait:
                break
            until = start + a.seconds + a.wait
        else:
            until = start + n * gap
        if not select.select([s], [], [], max(0, until - now))[0]:
            continue
        packet, (peer, *_) = s.recvfrom(2048)
        icmp = packet if six else packet[(packet[0] & 15) * 4:]
        if icmp[0] == (129 if six else 0) and icmp[4:6] == b"OE" and peer in sent:
            late.setdefault(peer, time.monotonic() - sent[peer])
    times = sorted(late.values())
    lost = [t for t in targets if t not in late]
    print(f"sent {len(targets)} answered {len(late)} "
          f"median_ms {1000 * times[len(times) // 2]:.0f} "
          f"worst_ms {1000 * times[-1]:.0f}" if times else "answered 0")
    if lost:
        print("lost", *lost[:20])


if __name__ == "__main__":
    main()
