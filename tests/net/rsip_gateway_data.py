"""rsip_gateway_data.py [TEST...] - what hosts lease brings them packets, through rsipd, from y1 and y2"""
import socket
import struct
import subprocess
import sys
import time

import rsip
import rsip_lab as lab
from rsip import ADDRESS, BIND, PORTS, SPI
from rsip_lab import (NB, Inside, Outside, checksum, expand, host, is_type, test,
                      tunnel, udp_packet)
from session import find

Y1, Y2 = '198.51.100.10', '198.51.100.20'


def listener(s, *args):
    p = is_type(s.listen(*args), rsip.LISTEN_RESPONSE)
    return expand(find(p, PORTS))[0], find(p, BIND)


@test
def strangers_reach_a_listener():
    """9.16.3: without having been contacted; not after it was freed; also §7.3.2, §7.3.3; RFC 3102 §3.1"""
    for kind in (1, 2):     # IP-IP, GRE
        s = host()
        port, bind = listener(s, None, (1,), None, (1,), (rsip.TUNNEL, kind))
        box = Inside(s, 4 if kind == 1 else 47)
        y1.udp(7777, NB, port)
        assert box.next() == (Y1, NB, 17, struct.pack(
            '!HHHH', 7777, port, 13, 0) + b'hello')
        y2.udp(1, NB, port)
        assert box.next()[0] == Y2
        y1.udp(7777, NB, port + 1)
        box.nothing()
        is_type(s.free(bind), rsip.FREE_RESPONSE)
        y1.udp(7777, NB, port)
        box.nothing()


@test
def what_ended_by_its_time_brings_nothing():
    """6, 9.13: while packets come all the time, until the lease is over and no longer"""
    s = host('short', udp=True)
    p = is_type(s.assign_ipsec(None, (1,), None, (1,), (1,), (rsip.LEASE, 1)),
                rsip.ASSIGN_RESPONSE_RSIPSEC)
    spi = expand(find(p, SPI))[0]
    box = Inside(s)
    y1.esp(NB, spi)
    assert box.next()[2] == 50
    while not s.waiting:
        y1.esp(NB, spi)
        try:
            s.waiting.append(s.receive(0.02))
        except (TimeoutError, socket.timeout):
            pass
    is_type(s.waiting.pop(0), rsip.FREE_RESPONSE)
    try:
        while True:
            box.next(0.3)           # what was on its way
    except (TimeoutError, socket.timeout):
        pass
    y1.esp(NB, spi)
    box.nothing()


@test
def remote_policy_holds_inbound_too():
    """7.2, 7.3.3: "in both the ingress and egress directions" """
    s = host('macro')
    port, _ = listener(s, None, (1,), Y1, (1,))
    box = Inside(s)
    y2.udp(7777, NB, port)
    box.nothing()
    y1.udp(7777, NB, port)
    assert box.next()[0] == Y1
    t = host('micro')
    port, _ = listener(t, None, (1,), Y1, (1, 80))
    box = Inside(t)
    y1.udp(81, NB, port)
    box.nothing()
    y1.udp(80, NB, port)
    assert box.next()[0] == Y1


@test
def the_spi_says_whose_it_is():
    """RFC 3104 5: ESP and AH by SPI; what nobody leased is dropped; also RFC 3102 §3.2"""
    s, t = host(), host()
    boxes = Inside(s), Inside(t)
    spis = [expand(find(is_type(x.assign_ipsec(spis=(2,)),
                                rsip.ASSIGN_RESPONSE_RSIPSEC), SPI))
            for x in (s, t)]
    for n in (0, 1):
        for spi in spis[n]:
            y1.esp(NB, spi)
            got = boxes[n].next()
            assert got[:3] == (Y1, NB, 50) and got[3][:4] == struct.pack('!I', spi)
            y2.ah(NB, spi)
            got = boxes[n].next()
            assert got[:3] == (Y2, NB, 51) and got[3][4:8] == struct.pack('!I', spi)
    free = next(x for x in range(0x100, 0x10000) if x not in spis[0] + spis[1])
    y1.esp(NB, free)
    boxes[0].nothing()
    boxes[1].nothing()
    is_type(s.deregister(), rsip.DEREGISTER_RESPONSE)
    y1.esp(NB, spis[0][0])
    boxes[0].nothing()
    boxes[1].nothing()


@test
def the_cookie_says_whose_it_is():
    """RFC 3104 4, 6.1: learnt from the first packet; another's is dropped;
    also RFC 3102 §5.1; RFC 3104 §3, Appendix E"""
    def ike(initiator, responder=0):
        return struct.pack('!QQBBBBII', initiator, responder, 0, 0x10, 2, 0, 0, 28)

    def packet(initiator):
        data = ike(initiator)
        whole = udp_packet(NB, 500, Y1, 500)[:20]
        body = struct.pack('!HHHH', 500, 500, 8 + len(data), 0) + data
        head = whole[:2] + struct.pack('!H', 20 + len(body)) + whole[4:10] + \
            b'\0\0' + whole[12:]
        return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + body
    s, t = host(), host()
    boxes = Inside(s), Inside(t)
    for x in (s, t):
        is_type(x.assign_ipsec(), rsip.ASSIGN_RESPONSE_RSIPSEC)
    tunnel(s, packet(0x1111))
    tunnel(t, packet(0x2222))
    time.sleep(0.3)
    tunnel(t, packet(0x1111))       # s has it: dropped, and s keeps it
    time.sleep(0.3)
    for n, cookie in ((0, 0x1111), (1, 0x2222)):
        y1.udp(500, NB, 500, ike(cookie, 7))
        got = boxes[n].next()
        assert got[:3] == (Y1, NB, 17)
        assert got[3][8:16] == struct.pack('!Q', cookie)
    y1.udp(500, NB, 500, ike(0x3333, 7))
    boxes[0].nothing()
    boxes[1].nothing()


@test
def a_whole_address_gets_everything():
    """7.3.1: RSA-IP; also RFC 3102 §2"""
    s = host()
    p = is_type(s.assign_rsa(), rsip.ASSIGN_RESPONSE_RSA_IP)
    mine = find(p, ADDRESS)[1]
    box = Inside(s)
    y1.udp(9, mine, 9)
    assert box.next()[1:3] == (mine, 17)
    y1.esp(mine, 0x7777)
    assert box.next()[1:3] == (mine, 50)
    y1.udp(500, mine, 500, bytes(28))
    assert box.next()[1:3] == (mine, 17)
    is_type(s.deregister(), rsip.DEREGISTER_RESPONSE)
    y1.udp(9, mine, 9)
    box.nothing()


@test
def what_is_sent_arrives_unchanged():
    """7, 3104 1: end to end, address and port as leased"""
    s = host()
    p = is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
    port = expand(find(p, PORTS))[0]
    seen = subprocess.Popen(
        ['nsenter', '--net=/run/netns/y1', sys.executable, '-c',
         'import socket\n'
         's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n'
         's.bind(("0.0.0.0", 9)); s.settimeout(5); print("up", flush=True)\n'
         'print(*s.recvfrom(100))'], stdout=subprocess.PIPE, text=True)
    seen.stdout.readline()
    tunnel(s, udp_packet(NB, port, Y1, 9))
    assert seen.stdout.readline().strip() == "b'lost' ('%s', %d)" % (NB, port)
    seen.wait()


@test
def misuse_is_dropped():
    """10.4: no packet of an address, port, remote side or tunnel that was not granted gets out;
    also §7.2; RFC 3102 §2"""
    seen = subprocess.Popen(
        ['nsenter', '--net=/run/netns/y1', sys.executable, '-c',
         'import socket\n'
         's = socket.socket(socket.AF_INET, socket.SOCK_RAW, 17)\n'
         's.settimeout(5); print("up", flush=True)\n'
         'p = b""\n'
         'while p[22:24] != bytes([0, 99]):\n'
         '    p = s.recv(100)\n'
         '    print(socket.inet_ntoa(p[12:16]), *p[20:24], flush=True)'],
        stdout=subprocess.PIPE, text=True)
    assert seen.stdout.readline() == 'up\n'
    s, t, u = host(), host('macro'), host('micro')
    port = expand(find(is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP),
                       PORTS))[0]
    far = expand(find(is_type(t.assign_rsap(None, (1,), Y2),
                              rsip.ASSIGN_RESPONSE_RSAP_IP), PORTS))[0]
    near = expand(find(is_type(u.assign_rsap(None, (1,), Y1, (1, 80)),
                               rsip.ASSIGN_RESPONSE_RSAP_IP), PORTS))[0]
    for x, packet, protocol in (
            (s, udp_packet('198.51.100.77', port, Y1, 9), 4),
            (s, udp_packet('198.51.100.2', port, Y1, 9), 4),
            (s, udp_packet(NB, 19000, Y1, 9), 4),
            (s, udp_packet(NB, far, Y1, 9), 4),
            (s, udp_packet(NB, port, Y1, 9), 47),
            (t, udp_packet(NB, far, Y1, 9), 4),
            (u, udp_packet(NB, near, Y1, 81), 4)):
        tunnel(x, packet, protocol)
    time.sleep(0.3)
    tunnel(u, udp_packet(NB, near, Y1, 80))
    time.sleep(0.3)         # what policy is about takes longer than what it is not
    tunnel(s, udp_packet(NB, port, Y1, 99))
    got = seen.communicate(timeout=10)[0].split('\n')
    got = sorted(x for x in got if x)
    assert got == sorted('%s %d %d %d %d' % (NB, *divmod(p, 256), 0, d)
                         for p, d in ((near, 80), (port, 99))), got


if __name__ == '__main__':
    lab.take_over('data')
    y1, y2 = Outside('y1'), Outside('y2')
    sys.exit(1 if lab.run(sys.argv[1:]) else 0)
