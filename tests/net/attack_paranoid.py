# attack_paranoid.py - a host's own programs that try to reach a prefix in the clear, and who watches every link for it
import argparse
import errno
import ipaddress
import signal
import socket
import struct
import sys
import time

SO_BINDTODEVICE = 25
IKE = (500, 4500)


def to(packet, net, depth=0):
    """This IPv4 packet, or the one in its tunnel, if it is for net, else None."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    inner = packet[(packet[0] & 15) * 4:]
    if packet[9] == 4 and depth == 0:
        return to(inner, net, 1)
    if packet[9] == 47 and depth == 0:
        return to(inner[4:], net, 1)
    if struct.unpack('!I', packet[16:20])[0] & net.netmask != net.net:
        return None
    return packet


def clear(packet, net):
    """Is it for net and not encrypted?"""
    packet = to(packet, net)
    if packet is None or packet[9] == 50:
        return False
    if packet[9] == 17 and struct.unpack('!H', packet[6:8])[0] & 0x1fff == 0:
        inner = packet[(packet[0] & 15) * 4:]
        return struct.unpack('!H', inner[2:4])[0] not in IKE
    return True


class Net:
    def __init__(self, text):
        n = ipaddress.ip_network(text)
        self.net, self.netmask = int(n.network_address), int(n.netmask)


def watch(args):
    net = Net(args.net)
    socks = []
    for link in args.links:
        s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                          socket.htons(0x0003))
        s.bind((link, 0x0003))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.setblocking(False)
        socks.append((link, s))
    print('watching', flush=True)
    log = open(args.out, 'a')
    while True:
        idle = True
        for link, s in socks:
            try:
                packet, where = s.recvfrom(65536)
            except BlockingIOError:
                continue
            idle = False
            # 4: ours, on its way out.
            if where[1] == 0x0800 and where[2] == 4 and clear(packet, net):
                log.write('%s %s protocol %d\n' % (
                    link, socket.inet_ntoa(packet[16:20]), packet[9]))
                log.flush()
        if idle:
            time.sleep(0.002)


def tries(args):
    """A socket a way: as programs do it, by device, by source address."""
    for link in [None] + args.links:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if link:
            s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, link.encode())
        yield s
    for source in args.sources:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((source, 0))
        yield s


def flood(args):
    sent = refused = 0
    running = True

    def stop(*_):
        nonlocal running
        running = False
    signal.signal(signal.SIGTERM, stop)
    socks = list(tries(args))
    tcp = []
    print('flooding', flush=True)
    while running:
        for s in socks:
            try:
                s.sendto(b'secret', (args.target, 7))
                sent += 1
            except OSError as e:
                refused += 1
        # Connections too, which choose their source themselves.
        if sent + refused & 63 < len(socks):
            t = socket.socket()
            t.setblocking(False)
            try:
                t.connect((args.target, 80))
            except OSError as e:
                if e.errno != errno.EINPROGRESS:
                    refused += 1
            tcp.append(t)
            if len(tcp) > 8:
                tcp.pop(0).close()
        time.sleep(args.every)
    print('tried', sent + refused, flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('what', choices=('watch', 'flood'))
    p.add_argument('--net')
    p.add_argument('--out')
    p.add_argument('--every', type=float, default=0.004)
    p.add_argument('--target')
    p.add_argument('--links', nargs='*', default=[])
    p.add_argument('--sources', nargs='*', default=[])
    args = p.parse_args()
    watch(args) if args.what == 'watch' else flood(args)


if __name__ == '__main__':
    sys.exit(main())
