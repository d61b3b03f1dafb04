#!/usr/bin/env python3
# oe_delay.py - a cable with a delay: frames of one interface come out of the other some time later, or never
import argparse
import collections
import random
import select
import socket
import time

SOL_PACKET, PACKET_VNET_HDR, PACKET_OUTGOING = 263, 15, 4
ETH_P_ALL = 3


def cable_end(name):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                      socket.htons(ETH_P_ALL))
    # Checksums and segmentation that the kernel left undone travel along.
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.bind((name, ETH_P_ALL))
    s.setblocking(False)
    return s


def main():
    p = argparse.ArgumentParser()
    p.add_argument("one")
    p.add_argument("other")
    p.add_argument("--ms", type=float, required=True, help="each way")
    p.add_argument("--loss", type=float, default=0, help="0 to 1, each way")
    p.add_argument("--seed", type=int, help="the same frames are lost again")
    a = p.parse_args()
    dice = random.Random(a.seed)
    ends = cable_end(a.one), cable_end(a.other)
    far = {ends[0]: ends[1], ends[1]: ends[0]}
    # The delay is the same for all: first in, first out.
    queue = collections.deque()
    while True:
        wait = max(0, queue[0][0] - time.monotonic()) if queue else None
        for s in select.select(ends, [], [], wait)[0]:
            frame, address = s.recvfrom(1 << 17)
            if address[2] != PACKET_OUTGOING and dice.random() >= a.loss:
                queue.append((time.monotonic() + a.ms / 1000, far[s], frame))
        while queue and queue[0][0] <= time.monotonic():
            _, out, frame = queue.popleft()
            try:
                out.send(frame)
            except OSError:
                pass


if __name__ == "__main__":
    main()
