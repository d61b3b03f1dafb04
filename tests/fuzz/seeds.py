#!/usr/bin/env python3
"""seeds.py DIRECTORY - writes the corpora that the fuzz targets begin with

One file a thing that a parser knows, small, so that replay.c can try all that
lies one byte away.  What a fuzzer finds beside them is added by hand.
"""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'peer'))
import rsip  # noqa: E402

RNG = random.Random(4322)


# --- IPv4 -------------------------------------------------------------------

def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(proto, payload, src='10.0.0.11', dst='198.51.100.10', options=b'',
       frag=0x4000, tos=0):
    def packed(a):
        return bytes(map(int, a.split('.')))
    hlen = 20 + len(options)
    head = struct.pack('!BBHHHBBH', 0x40 | hlen // 4, tos, hlen + len(payload),
                       7, frag, 64, proto, 0) + packed(src) + packed(dst) + options
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload


def ip6(proto, payload, src=1, dst=2, tos=0, label=0):
    def packed(host):
        return bytes([0x20, 1, 0xd, 0xb8]) + bytes(11) + bytes([host])
    return struct.pack('!IHBB', 6 << 28 | tos << 20 | label, len(payload),
                       proto, 64) + packed(src) + packed(dst) + payload


def udp(sport, dport, data=b''):
    return struct.pack('!HHHH', sport, dport, 8 + len(data), 0) + data


def tcp(sport, dport):
    return struct.pack('!HHIIBBHHH', sport, dport, 1, 0, 0x50, 2, 8192, 0, 0)


def esp(spi, n=32):
    return struct.pack('!II', spi, 1) + bytes(range(n))


def icmp_error(kind, code, inner):
    body = struct.pack('!BBHI', kind, code, 0, 1400) + inner
    return body[:2] + struct.pack('!H', checksum(body)) + body[4:]


def packets():
    plain = ip(6, tcp(20000, 80), src='198.51.100.1')
    yield 'tcp', plain
    yield 'udp', ip(17, udp(20000, 53, b'query'), src='198.51.100.1')
    yield 'echo', ip(1, struct.pack('!BBHHH', 8, 0, 0xf7fd, 1, 1))
    yield 'esp', ip(50, esp(0x80001000))
    yield 'ah', ip(51, struct.pack('!BBHII', 4, 4, 0, 0x80001000, 1) + bytes(12))
    yield 'options', ip(17, udp(1, 2), options=b'\x94\x04\0\0')
    yield 'fragment', ip(17, bytes(16), frag=0x2001)
    yield 'ipip', ip(4, plain, dst='10.0.0.1')
    yield 'gre', ip(47, b'\0\0\x08\0' + plain, dst='10.0.0.1')
    yield 'gre-checksum', ip(47, b'\x80\0\x08\0\0\0\0\0' + plain, dst='10.0.0.1')
    yield 'ipip-ce', ip(4, ip(17, udp(1, 2), tos=2), dst='10.0.0.1', tos=3)
    yield 'icmp-of-esp', ip(1, icmp_error(3, 4, ip(50, esp(0x1234, 0))),
                            src='192.0.2.1', dst='198.51.100.1')
    yield 'icmp-of-tcp', ip(1, icmp_error(11, 0, plain[:28]), src='192.0.2.1')
    yield 'ike', ip(17, udp(500, 500, isakmp(2, [(1, sa_phase1())])))
    six = ip6(6, tcp(20000, 80), tos=0xb9, label=0xabcde)
    yield 'six-tcp', six
    yield 'six-echo', ip6(58, struct.pack('!BBHHH', 128, 0, 0, 1, 1))
    yield 'six-esp', ip6(50, esp(0x80001000))
    yield 'six-extensions', ip6(0, b'\x3c\0' + bytes(6) + b'\x2c\0' + bytes(6) +
                                b'\x11\0\0\1\0\0\0\7' + udp(1, 2))
    yield 'six-fragment', ip6(44, b'\x11\0\0\x10\0\0\0\7' + bytes(16))
    yield 'six-neighbour', ip6(58, struct.pack('!BBHI', 135, 0, 0, 0) + bytes(16))
    for kind, inner in (2, ip6(50, esp(0x1234, 0))), (1, six[:48]), \
            (3, ip(17, udp(1, 2))):
        yield 'six-error-%d' % kind, ip6(58, icmp_error(kind, 0, inner))


def translated():
    yield 'tcp', ip(6, tcp(20000, 80), src='198.51.100.1')
    yield 'udp', ip(17, udp(20000, 53, b'query'), src='198.51.100.1')
    yield 'fragment', ip(17, bytes(16), frag=0x2001)
    yield 'dccp', ip(33, bytes(16))
    yield 'from-us', ip(1, icmp_error(3, 3, ip(
        17, udp(53, 20000), src='198.51.100.10', dst='10.0.0.11')))
    yield 'to-us', ip(1, icmp_error(3, 4, ip(
        6, tcp(20000, 80), src='198.51.100.10', dst='10.0.0.11')))


def esp_inputs():
    for n, packet in enumerate([ip(6, tcp(20000, 80)), ip(17, udp(5, 6, b'x')),
                                ip(50, esp(0x80001000)), ip(4, ip(1, bytes(8))),
                                ip6(6, tcp(20000, 80), tos=2)]):
        yield 'suite-%d' % n, bytes([n]) + packet
    yield 'encapsulated', b'\3' + ip(17, udp(4500, 4500, esp(0x80001000)))


# --- ISAKMP -----------------------------------------------------------------

def attribute(kind, value):
    if value < 65536:
        return struct.pack('!HH', 0x8000 | kind, value)
    return struct.pack('!HHI', kind, 4, value)


def payload(following, body):
    return struct.pack('!BBH', following, 0, 4 + len(body)) + body


def chain(parts):
    out = b''
    for at, (_, body) in enumerate(parts):
        out += payload(parts[at + 1][0] if at + 1 < len(parts) else 0, body)
    return out


def isakmp(exchange, parts, flags=0, msgid=0, cookie_r=0):
    body = chain(parts)
    return struct.pack('!QQBBBBII', 0x0123456789abcdef, cookie_r, parts[0][0],
                       0x10, exchange, flags, msgid, 28 + len(body)) + body


def sa_phase1(suites=None):
    suites = suites or [
        [(1, 7), (14, 256), (2, 4), (3, 3), (4, 14)],
        [(1, 5), (2, 2), (3, 1), (4, 5)],
        [(1, 5), (2, 1), (3, 3), (4, 2)]]
    transforms = chain([(3, struct.pack('!BBH', n + 1, 1, 0) + b''.join(
        attribute(*a) for a in s + [(11, 1), (12, 86400)]))
        for n, s in enumerate(suites)])
    proposal = struct.pack('!BBBB', 1, 1, 0, len(suites)) + transforms
    return struct.pack('!II', 1, 1) + payload(0, proposal)


def sa_phase2(spi=0xc0ffee01):
    transforms = chain([
        (3, struct.pack('!BBH', 1, 12, 0) + b''.join(attribute(*a) for a in [
            (1, 1), (2, 1200), (4, 1), (5, 5), (3, 14), (6, 256)])),
        (3, struct.pack('!BBH', 2, 3, 0) + b''.join(attribute(*a) for a in [
            (1, 1), (2, 1200), (4, 1), (5, 2), (3, 5)]))])
    proposal = struct.pack('!BBBBI', 1, 3, 4, 2, spi) + transforms
    return struct.pack('!II', 1, 1) + payload(0, proposal)


def identity(kind, data, proto=0, port=0):
    return struct.pack('!BBH', kind, proto, port) + data


def isakmp_messages():
    yield 'main-1', isakmp(2, [(1, sa_phase1()),
                               (13, bytes.fromhex('afcad71368a1f1c96b8696fc77570100')),
                               (13, bytes.fromhex('4a131c81070358455c5728f20e95452f'))])
    yield 'main-3', isakmp(2, [(4, RNG.randbytes(32)), (10, RNG.randbytes(16)),
                               (7, b'\4')], cookie_r=1)
    yield 'id-address', isakmp(2, [(5, identity(1, bytes([198, 51, 100, 10])))])
    yield 'id-fqdn', isakmp(2, [(5, identity(2, b'x1.lab')), (9, RNG.randbytes(16))])
    yield 'id-user', isakmp(2, [(5, identity(3, b'user@x1.lab', 17, 500))])
    yield 'quick-1', isakmp(32, [
        (8, RNG.randbytes(32)), (1, sa_phase2()), (10, RNG.randbytes(16)),
        (5, identity(4, bytes([198, 51, 100, 1, 255, 255, 255, 255]))),
        (5, identity(1, bytes([198, 51, 100, 10])))], msgid=7)
    yield 'notify', isakmp(5, [(8, RNG.randbytes(20)), (11, struct.pack(
        '!IBBHI', 1, 3, 4, 24576, 0xc0ffee01) + attribute(1, 1) +
        attribute(2, 600))], msgid=8)
    yield 'delete', isakmp(5, [(12, struct.pack('!IBBHI', 1, 3, 4, 1,
                                                0xc0ffee01))], msgid=9)
    yield 'encrypted', isakmp(2, [(0, bytes(60))], flags=1, cookie_r=1)


# --- IKEv2 ------------------------------------------------------------------

def ike2(exchange, parts, msgid=0, spi_r=0, flags=8):
    body = chain(parts)
    return struct.pack('!QQBBBBII', 0x0123456789abcdef, spi_r, parts[0][0], 0x20,
                       exchange, flags, msgid, 28 + len(body)) + body


def ike2_offer(protocol, spi, *proposals):
    out = b''
    for at, transforms in enumerate(proposals):
        body = b''
        for n, (kind, number, *bits) in enumerate(transforms):
            attr = struct.pack('!HH', 0x800e, bits[0]) if bits else b''
            body += struct.pack('!BBHBBH', 3 if n + 1 < len(transforms) else 0, 0,
                                8 + len(attr), kind, 0, number) + attr
        out += struct.pack('!BBHBBBB', 2 if at + 1 < len(proposals) else 0, 0,
                           8 + len(spi) + len(body), at + 1, protocol, len(spi),
                           len(transforms)) + spi + body
    return out


def ike2_notify(kind, data=b'', protocol=0, spi=b''):
    return 41, struct.pack('!BBH', protocol, len(spi), kind) + spi + data


def ike2_selectors(*each):
    return struct.pack('!BBH', len(each), 0, 0) + b''.join(each)


def ike2_messages():
    rng = random.Random(7296)
    sa = ike2_offer(1, b'', [(1, 20, 256), (2, 7), (4, 31), (4, 19)],
                    [(1, 12, 256), (2, 5), (3, 12), (4, 31)])
    esp_sa = ike2_offer(3, b'\xc0\xff\xee\1', [(1, 20, 256), (5, 1), (5, 0)])
    v4 = struct.pack('!BBHHH', 7, 0, 16, 0, 65535) + bytes([198, 51, 100, 1] * 2)
    ports = struct.pack('!BBHHH', 7, 17, 16, 20480, 20735) + bytes([198, 51, 100, 1] * 2)
    v6 = struct.pack('!BBHHH', 8, 0, 40, 0, 65535) + bytes(16) + bytes([255] * 16)
    nonce = rng.randbytes(32)
    yield 'init', ike2(34, [
        ike2_notify(16390, b'cookie'), (33, sa), (34, b'\0\x1f\0\0' + rng.randbytes(32)),
        (40, nonce), ike2_notify(16430), ike2_notify(16431, bytes([0, 2, 0, 3, 0, 5])),
        ike2_notify(16388, rng.randbytes(20)), (43, b'Opportunistic IPsec')])
    yield 'init-answer', ike2(34, [ike2_notify(17, b'\0\x13')], spi_r=7, flags=32)
    # As they are inside of SK.
    yield 'auth', ike2(35, [
        (35, struct.pack('!I', 0x02000000) + b'x1.lab'), (36, struct.pack('!I', 13 << 24)),
        (39, struct.pack('!I', 13 << 24) + rng.randbytes(32)),
        (47, struct.pack('!IHH', 1 << 24, 1, 0)), (33, esp_sa),
        (44, ike2_selectors(ports, v4)), (45, ike2_selectors(v4, v6)),
        ike2_notify(16391)], msgid=1, spi_r=7)
    yield 'rekey', ike2(36, [
        ike2_notify(16393, protocol=3, spi=b'\0\0\1\0'),
        (33, ike2_offer(3, b'\xc0\xff\xee\2', [(1, 12, 128), (3, 12), (4, 19), (4, 0),
                                               (5, 0)])),
        (40, nonce), (34, b'\0\x13\0\0' + P256_BASE), (44, ike2_selectors(v4)),
        (45, ike2_selectors(v6))], msgid=2, spi_r=7)
    yield 'rekey-ike', ike2(36, [
        (33, ike2_offer(1, rng.randbytes(8), [(1, 28), (2, 6), (4, 19)])), (40, nonce)],
        msgid=3, spi_r=7)
    yield 'delete', ike2(37, [
        (42, struct.pack('!BBHII', 3, 4, 2, 0x100, 0xc0ffee01)),
        (42, struct.pack('!BBH', 1, 0, 0)),
        (47, struct.pack('!IHH', 2 << 24, 1, 4) + bytes([100, 64, 0, 1]))], msgid=4,
        spi_r=7)
    yield 'unknown', ike2(37, [(200, b'abc'), (41, b'\0\0\x40\0')], spi_r=7)
    yield 'sealed', ike2(35, [(46, rng.randbytes(60))], msgid=1, spi_r=7)
    inner = chain([(40, nonce), ike2_notify(16384)])
    cut = [inner[:20], inner[20:21], inner[21:]]
    parts = []
    for n, piece in enumerate(cut):
        whole = ike2(35, [(53, struct.pack('!HH', n + 1, 3) + piece)], msgid=1, spi_r=7)
        parts.append(whole[:28] + bytes([40 if n == 0 else 0]) + whole[29:])
    yield 'fragments', parts[2] + parts[0] + parts[0] + parts[1]


def ike2_records():
    """fuzz_ike2: role, then how, first type, length, octets"""
    # replay.c changes less of what is long, and an engine costs more than a parser.
    for label, data in ike2_short_records():
        yield label, data if len(data) < 64 else data + struct.pack(
            '!BBH', 0x80, 0, 513 - len(data) % 513) + bytes(513 - len(data) % 513)


def ike2_short_records():
    messages = dict(ike2_messages())

    def inner(name):
        m = messages[name]
        return m[16], m[28:]

    def record(how, first, data):
        return struct.pack('!BBH', how, first, len(data)) + data
    stranger = record(0x80, 0, messages['init'])
    yield 'init', b'\0' + stranger
    yield 'init-answer', b'\1' + record(0x80, 0, messages['init-answer'])
    yield 'sealed', b'\1' + record(0x80, 0, messages['sealed'])
    # how % 3: IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL; 0x40: an answer; 0x20: in parts
    child = chain([(33, ike2_offer(3, b'\xc0\xff\xee\2', [(1, 20, 256), (5, 1), (5, 0)])),
                   (40, bytes(16)), inner_ts(44), inner_ts(45)])
    yield 'child', b'\0' + record(1, 33, child)
    yield 'child-answer', b'\3' + record(0x40, 33, child)
    yield 'rekey-ike', b'\1' + record(1, *inner('rekey-ike'))
    yield 'delete', b'\0' + record(2, *inner('delete'))
    yield 'notify', b'\1' + record(2, 41, payload(41, struct.pack('!BBHI', 0, 0, 11, 7)) +
                                   payload(0, struct.pack('!BBH', 0, 0, 24)))
    yield 'empty', b'\1' + record(2, 0, b'') + record(0x42, 0, b'')
    yield 'parts', b'\0' + record(0x29, 41, bytes(9)) + record(0x2d, 0, bytes(9))
    yield 'refused', b'\3' + record(0x40, 41, payload(0, struct.pack('!BBHH', 0, 0, 17, 19)))


def inner_ts(kind):
    v4 = struct.pack('!BBHHH', 7, 0, 16, 0, 65535) + bytes([198, 51, 100, 1] * 2)
    return kind, ike2_selectors(v4)


P256_BASE = bytes.fromhex(
    '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296'
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5')


def ike_inputs():
    def frame(*datagrams):
        return b''.join(struct.pack('!H', len(d)) + d for d in datagrams)
    main1 = isakmp(2, [(1, sa_phase1())])
    yield 'main-1', frame(main1)
    yield 'main-1-twice', frame(main1, main1)
    # fuzz_ike puts the responder's cookie where all ones are.  Group 19 is cheap, and
    # replay.c changes less of what is long.
    offer = isakmp(2, [(1, sa_phase1([[(1, 7), (14, 256), (2, 4), (3, 3), (4, 19)]]))])
    main3 = isakmp(2, [(4, P256_BASE), (10, RNG.randbytes(16)), (13, bytes(400))],
                   cookie_r=2**64 - 1)
    yield 'main-3', frame(offer, main3)
    yield 'main-5', frame(offer, main3, main3, isakmp(
        2, [(0, RNG.randbytes(60))], flags=1, cookie_r=2**64 - 1), isakmp(
            5, [(0, RNG.randbytes(60))], flags=1, cookie_r=2**64 - 1, msgid=3))
    yield 'quick-1', frame(isakmp(32, [(8, RNG.randbytes(32)), (1, sa_phase2()),
                                       (10, RNG.randbytes(16))], msgid=7))
    yield 'delete', frame(isakmp(5, [(12, struct.pack(
        '!IBBHI', 1, 1, 16, 1, 1) + bytes(12))], msgid=9))
    marked = b'\0\0\0\0' + main1
    yield 'port-4500', struct.pack('!H', 0x8000 | len(marked)) + marked


# --- RSIP -------------------------------------------------------------------

def rsip_messages():
    for mtype, (required, optional) in rsip.MESSAGES.items():
        for form in range(2):
            params = []
            kinds = list(required) + (optional if form else [])
            for nth, kind in enumerate(kinds):
                if kind == rsip.INDICATOR:
                    params += [(kind, 1), rsip.address('10.0.0.9'), (kind, 2),
                               rsip.address('10.0.0.0'),
                               rsip.address('255.255.255.0', rsip.NETMASK)]
                elif kind == rsip.ADDRESS:
                    params.append(rsip.address('198.51.100.1' if form else None))
                elif kind == rsip.PORTS:
                    params.append(rsip.ports(3, 80, 443, 8080) if form and nth < 4
                                  else rsip.ports(4, 20000) if form
                                  else rsip.ports(2))
                elif kind == rsip.SPI:
                    params.append(rsip.spis(2, 0xc0ffee01, 0x0badcafe) if form
                                  else rsip.spis(4))
                elif kind == rsip.POLICY:
                    params.append((kind, (1, 3)))
                elif kind in (rsip.TUNNEL, rsip.METHOD, rsip.ERROR):
                    params.append((kind, 1))
                else:
                    params.append((kind, 7))
            if form:
                params.append(rsip.vendor(32473, 1, struct.pack('!HQQ', 2, 1, 2)))
                params.append(rsip.vendor(32473, 3, b'x1.lab'))
                params.append(rsip.vendor(32473, 2, struct.pack('!IQ', 9, 1) +
                                          bytes(range(16))))
            yield '%s%s' % (rsip.name(mtype).lower().replace('_', '-'),
                            '-all' if form else ''), rsip.encode(mtype, params)
    yield 'need-no-ports', rsip.encode(rsip.ASSIGN_REQUEST_RSIPSEC, [
        (rsip.CLIENT, 7), rsip.address(), rsip.ports(), rsip.address(),
        rsip.ports(), rsip.spis(1)])
    yield 'fqdn', rsip.encode(rsip.ASSIGN_REQUEST_RSA_IP, [
        (rsip.CLIENT, 7), rsip.address('2001:db8::1', rsip.IPV6),
        rsip.address('www.foo.com', rsip.FQDN), rsip.ports(1)])


# --- sequences for the gateway (fuzz_gateway.c says what a step is) ----------

def gateway_sequences():
    me, bind = (rsip.CLIENT, 0), (rsip.BIND, 0)
    any_remote = [rsip.address(), rsip.ports(1)]

    def say(host, mtype, *params, udp=False):
        if udp:
            params += ((rsip.COUNTER, 1),)
        data = rsip.encode(mtype, list(params))
        return struct.pack('!BH', host | 0x60 | (0x10 if udp else 0),
                           len(data)) + data

    def rsap(host, *ports, remote=None, udp=False, **kw):
        return say(host, kw.get('mtype', rsip.ASSIGN_REQUEST_RSAP_IP), me,
                   rsip.address(), rsip.ports(*ports),
                   *(remote or any_remote), udp=udp)

    def sec(host, *spis, ports=()):
        return say(host, rsip.ASSIGN_REQUEST_RSIPSEC, me, rsip.address(),
                   rsip.ports(*ports), rsip.address(),
                   rsip.ports(*((1,) if ports else ())), rsip.spis(*spis))
    free = say(0, rsip.FREE_REQUEST, me, bind)
    extend = say(0, rsip.EXTEND_REQUEST, me, bind, (rsip.LEASE, 9))
    leave = say(0, rsip.DEREGISTER_REQUEST, me)
    reg = [say(n, rsip.REGISTER_REQUEST) for n in range(4)]
    yield 'rsap-ip', reg[0] + rsap(0, 4) + rsap(0, 2, 20010) + extend + free + leave
    yield 'rsipsec', reg[0] + sec(0, 4) + sec(0, 2, 4096, ports=(3, 20001, 20003, 20009)) + free
    yield 'rsa-ip', reg[0] + say(0, rsip.ASSIGN_REQUEST_RSA_IP, me, rsip.address(),
                                 *any_remote) + free + leave
    yield 'listen', reg[0] + rsap(0, 1, 20005, mtype=rsip.LISTEN_REQUEST) + leave
    yield 'udp', say(4, rsip.REGISTER_REQUEST, udp=True) + rsap(4, 1, udp=True)
    yield 'two-hosts', reg[0] + say(5, rsip.REGISTER_REQUEST) + rsap(0, 16) + \
        rsap(5, 16) + free + rsap(5, 4) + rsap(0, 1, 20000) + rsap(5, 1, 20000)
    yield 'expiry', reg[0] + rsap(0, 4) + b'\xfd' + rsap(0, 4) + b'\xff\xff'
    yield 'macro', reg[1] + rsap(1, 1, remote=[rsip.address('198.51.100.10'),
                                               rsip.ports(1)]) + b'\xb1'
    yield 'micro', reg[2] + rsap(2, 1, remote=[rsip.address('198.51.100.10'),
                                               rsip.ports(1, 80)]) + b'\xaa'
    yield 'name', reg[1] + rsap(1, 1, remote=[rsip.address('y1.lab', rsip.FQDN),
                                              rsip.ports(1)]) + b'\x81'
    yield 'one-port', reg[3] + rsap(3, 1) + rsap(3, 2)
    yield 'query', reg[0] + say(0, rsip.QUERY_REQUEST, me) + say(
        0, rsip.QUERY_REQUEST, me, (rsip.INDICATOR, 1),
        rsip.address('y1.lab', rsip.FQDN)) + b'\x81'


# --- sequences for the host (fuzz_host.c says what a step is) ----------------

def host_sequences():
    me, nb = (rsip.CLIENT, 7), rsip.address('198.51.100.1')

    def say(mtype, *params, how=0x70):
        data = rsip.encode(mtype, list(params))
        return struct.pack('!BH', how, len(data)) + data

    def grant(bind, ports, spis=None, mtype=rsip.ASSIGN_RESPONSE_RSIPSEC):
        params = [me, (rsip.BIND, bind), nb, rsip.ports(*ports), rsip.address(),
                  rsip.ports(1)]
        if spis:
            params.append(rsip.spis(*spis))
        return say(mtype, *params, (rsip.LEASE, 60), (rsip.TUNNEL, 1))
    reg = say(rsip.REGISTER_RESPONSE, me, (rsip.LEASE, 600), (rsip.POLICY, (1, 3)),
              (rsip.METHOD, 2), (rsip.METHOD, 3), (rsip.TUNNEL, 1))
    plain = say(rsip.REGISTER_RESPONSE, me, (rsip.LEASE, 600), (rsip.POLICY, (1, 3)))
    local = say(rsip.QUERY_RESPONSE, me, (rsip.INDICATOR, 2), rsip.address('10.0.0.0'),
                rsip.address('255.0.0.0', rsip.NETMASK))
    main = grant(1, (8, 20000), (4, 4096))

    def error(code, how=0x70):
        return say(rsip.ERROR_RESPONSE, (rsip.ERROR, code), me, how=how)
    later = bytes([0xfa])       # past half of the lease
    yield 'life', b'\0' + reg + local + main + later + say(
        rsip.EXTEND_RESPONSE, me, (rsip.BIND, 1), (rsip.LEASE, 60))
    yield 'udp', b'\1' + bytes([0xf0, 0xf1]) + reg + local + main
    yield 'rsap-ip', b'\0' + plain + local + grant(
        1, (8, 20000), mtype=rsip.ASSIGN_RESPONSE_RSAP_IP)
    yield 'rsa-ip', b'\4' + say(
        rsip.REGISTER_RESPONSE, me, (rsip.LEASE, 600), (rsip.POLICY, (1, 3)),
        (rsip.METHOD, 1)) + local + say(
        rsip.ASSIGN_RESPONSE_RSA_IP, me, (rsip.BIND, 1), nb, rsip.address(),
        rsip.ports(1), (rsip.LEASE, 60), (rsip.TUNNEL, 1))
    yield 'demand', b'\0' + reg + local + main + b'\x80' + grant(
        2, (1, 1000), mtype=rsip.ASSIGN_RESPONSE_RSAP_IP)
    yield 'spis', b'\0' + reg + local + main + b'\x88\x88' + grant(
        2, (), (4, 8192))
    yield 'listen', b'\2' + reg + local + main + say(
        rsip.LISTEN_RESPONSE, me, (rsip.BIND, 3), nb, rsip.ports(1, 8080),
        rsip.address(), rsip.ports(1), (rsip.TUNNEL, 1), (rsip.LEASE, 60))
    yield 'already-registered', b'\0' + error(302) + error(303) + reg
    yield 'register-first', b'\0' + reg + local + main + later + error(301) + \
        error(301) + reg
    yield 'asynchronous', b'\0' + reg + local + main + \
        say(rsip.FREE_RESPONSE, me, (rsip.BIND, 1), (rsip.COUNTER, 0), how=0x10) + \
        main + say(rsip.DEREGISTER_RESPONSE, me, (rsip.COUNTER, 0), how=0x10)
    yield 'less', b'\0' + reg + local + error(309) + error(402) + error(307) + main
    yield 'use-tcp', b'\1' + error(102) + reg
    yield 'not-understood', b'\0' + reg + local + grant(1, (8, 20000), (1, 7)) + \
        say(rsip.FREE_RESPONSE, me, (rsip.BIND, 1))
    yield 'lost', b'\0' + reg + local + main + b'\xa0\xfb\xa8\xf3' + main


# --- packets for the demux table (fuzz_demux.c says what a step is) -----------

def demux_sequences():
    nb, y1 = '198.51.100.1', '198.51.100.10'

    def step(how, packet):
        return struct.pack('!BH', how, len(packet)) + packet
    main1 = isakmp(2, [(10, bytes(8))])
    yield 'ports', step(0x40, ip(6, tcp(20000, 80), nb, y1)) + \
        step(0xc0, ip(6, tcp(80, 20000), y1, nb))
    yield 'gre', step(0x51, ip(17, udp(20016, 53), nb, y1)) + \
        step(0xc1, ip(17, udp(53, 20016), y1, nb))
    yield 'spi', step(0x40, ip(50, esp(0x7777), nb, y1)) + \
        step(0xc0, ip(50, esp(0x1000), y1, nb)) + \
        step(0xc1, ip(50, esp(0x2001), y1, nb))
    yield 'cookie', step(0x40, ip(17, udp(500, 500, main1), nb, y1)) + \
        step(0xe0, ip(17, udp(500, 500, main1), y1, nb)) + \
        step(0x51, ip(17, udp(500, 500, main1), nb, y1))
    yield 'echo', step(0x40, ip(1, struct.pack('!BBHHH', 8, 0, 0, 7, 1), nb, y1)) + \
        step(0xc0, ip(1, struct.pack('!BBHHH', 0, 0, 0, 7, 1), y1, nb))
    yield 'icmp-error', step(0x40, ip(50, esp(0x7777), nb, y1)) + \
        step(0xc0, ip(1, icmp_error(3, 4, ip(50, esp(0x7777, 0), nb, y1)), y1, nb)) + \
        step(0xc0, ip(1, icmp_error(11, 0, ip(6, tcp(20001, 80), nb, y1)), y1, nb))
    yield 'macro', step(0x42, ip(17, udp(20032, 9), nb, y1)) + \
        step(0x42, ip(17, udp(20032, 9), nb, '192.0.2.1')) + \
        step(0xc2, ip(17, udp(9, 20032), y1, nb))
    yield 'whole', step(0x43, ip(50, esp(1), '198.51.100.2', y1)) + \
        step(0xc3, ip(17, udp(9, 9), y1, '198.51.100.2'))
    yield 'fragments', step(0x40, ip(17, udp(20000, 9, bytes(8)), nb, y1, frag=0x2000)) + \
        step(0x40, ip(17, bytes(16), nb, y1, frag=2))


# --- lines for the control sockets ---------------------------------------------

def control_lines():
    values = {'null': 'null', 'true': 'true', 'int': '7', 'double': '1e9',
              'text': '"203.0.113.1"', 'array': '["status"]', 'object': '{"a":{}}'}
    for command in 'status', 'leases', 'flows', 'sa', 'spd', 'reload', 'watch', 'nonsense':
        yield command, b'{"command":"%s"}' % command.encode()
    for kind, value in values.items():
        yield 'command-' + kind, ('{"command":%s}' % value).encode()
        yield 'why-address-' + kind, ('{"command":"why","address":%s}' % value).encode()
        yield 'why-source-' + kind, (
            '{"command":"why","address":"203.0.113.2","source":%s}' % value).encode()
    yield 'twice', b'{"command":"status","command":null}'
    yield 'nul', b'{"command":"why","address":"\\u0000"}'
    yield 'deep', b'{"command":' + b'[' * 40


def main():
    for target, inputs in (('rsip', rsip_messages), ('isakmp', isakmp_messages),
                           ('ike', ike_inputs), ('esp', esp_inputs),
                           ('packet', packets), ('translate', translated),
                           ('gateway', gateway_sequences),
                           ('host', host_sequences), ('demux', demux_sequences),
                           ('control', control_lines),
                           ('ike2_message', ike2_messages), ('ike2', ike2_records)):
        where = os.path.join(sys.argv[1], target)
        os.makedirs(where, exist_ok=True)
        for label, data in inputs():
            with open(os.path.join(where, label), 'wb') as f:
                f.write(data)


if __name__ == '__main__':
    main()
