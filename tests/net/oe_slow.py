#!/usr/bin/env python3
# oe_slow.py - a UDP forwarder that is slow, or says nothing, before a name server
import argparse
import heapq
import select
import socket
import time


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--listen", type=int, required=True)
    p.add_argument("--server", type=int, required=True)
    p.add_argument("--delay", type=float, help="seconds; none: never answers")
    a = p.parse_args()
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.bind(("127.0.0.1", a.listen))
    waiting, asked, n = [], {}, 0
    while True:
        wait = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([front, *asked], [], [], wait)
        for s in ready:
            data, peer = s.recvfrom(65535)
            if s is not front:
                heapq.heappush(waiting, (time.monotonic() + a.delay, n, data,
                                         asked.pop(s)))
                n += 1
                s.close()
            elif a.delay is not None:
                back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                back.sendto(data, ("127.0.0.1", a.server))
                asked[back] = peer
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, data, peer = heapq.heappop(waiting)
            front.sendto(data, peer)


if __name__ == "__main__":
    main()
