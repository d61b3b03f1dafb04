# arp_asks.py - who answers ARP for an address: all of them, within a second
#
# usage: arp_asks.py INTERFACE OWN ADDRESS       prints each hardware address that answers
import select
import socket
import struct
import sys
import time

ETH_P_ARP = 0x0806
WAIT = 1.0


def main():
    interface, us, address = sys.argv[1:]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
    s.bind((interface, ETH_P_ARP))
    own = s.getsockname()[4]
    s.send(b'\xff' * 6 + own + struct.pack('!HHHBBH6s4s6s4s', ETH_P_ARP, 1, 0x0800, 6, 4, 1, own, socket.inet_aton(us),
                                           bytes(6), socket.inet_aton(address)))
    found, end = set(), time.monotonic() + WAIT
    while select.select([s], [], [], max(0.0, end - time.monotonic()))[0]:
        frame, where = s.recvfrom(2000)
        if (where[2] != socket.PACKET_OUTGOING and len(frame) >= 42 and frame[20:22] == b'\0\2'
                and frame[28:32] == socket.inet_aton(address)):
            found.add(frame[22:28].hex(':'))
    print(*sorted(found), sep='\n', end='\n' if found else '')


main()
