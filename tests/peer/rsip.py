"""rsip.py - a second RSIP wire format, written from RFC 3103 and RFC 3104 alone

It shares nothing with proto/ but the RFCs, so that a misreading on one side
shows as a disagreement.  Standard library only.
"""
import ipaddress
import random
import struct

VERSION = 1

ERROR_RESPONSE, REGISTER_REQUEST, REGISTER_RESPONSE = 1, 2, 3
DEREGISTER_REQUEST, DEREGISTER_RESPONSE = 4, 5
ASSIGN_REQUEST_RSA_IP, ASSIGN_RESPONSE_RSA_IP = 6, 7
ASSIGN_REQUEST_RSAP_IP, ASSIGN_RESPONSE_RSAP_IP = 8, 9
EXTEND_REQUEST, EXTEND_RESPONSE = 10, 11
FREE_REQUEST, FREE_RESPONSE = 12, 13
QUERY_REQUEST, QUERY_RESPONSE = 14, 15
LISTEN_REQUEST, LISTEN_RESPONSE = 16, 17
ASSIGN_REQUEST_RSIPSEC, ASSIGN_RESPONSE_RSIPSEC = 22, 23

ADDRESS, PORTS, LEASE, CLIENT, BIND, TUNNEL, METHOD, ERROR = range(1, 9)
POLICY, INDICATOR, COUNTER, VENDOR = range(9, 13)
SPI = 22
OURS = 32473    # vendor, doc/wire.md

IPV4, NETMASK, IPV6, FQDN = 1, 2, 3, 4

# Section 9: required parameters in their order, then the optional ones.
MESSAGES = {
    ERROR_RESPONSE: ([ERROR], [COUNTER, CLIENT, BIND]),
    REGISTER_REQUEST: ([], [COUNTER]),
    REGISTER_RESPONSE: ([CLIENT, LEASE, POLICY], [COUNTER, METHOD, TUNNEL]),
    DEREGISTER_REQUEST: ([CLIENT], [COUNTER]),
    DEREGISTER_RESPONSE: ([CLIENT], [COUNTER]),
    ASSIGN_REQUEST_RSA_IP: ([CLIENT, ADDRESS, ADDRESS, PORTS],
                            [COUNTER, LEASE, TUNNEL]),
    ASSIGN_RESPONSE_RSA_IP: ([CLIENT, BIND, ADDRESS, ADDRESS, PORTS, LEASE,
                              TUNNEL], [ADDRESS, COUNTER]),
    ASSIGN_REQUEST_RSAP_IP: ([CLIENT, ADDRESS, PORTS, ADDRESS, PORTS],
                             [COUNTER, LEASE, TUNNEL]),
    ASSIGN_RESPONSE_RSAP_IP: ([CLIENT, BIND, ADDRESS, PORTS, ADDRESS, PORTS,
                               LEASE, TUNNEL], [ADDRESS, COUNTER]),
    EXTEND_REQUEST: ([CLIENT, BIND], [LEASE, COUNTER]),
    EXTEND_RESPONSE: ([CLIENT, BIND, LEASE], [COUNTER]),
    FREE_REQUEST: ([CLIENT, BIND], [COUNTER]),
    FREE_RESPONSE: ([CLIENT, BIND], [COUNTER]),
    QUERY_REQUEST: ([CLIENT], [COUNTER, INDICATOR]),
    QUERY_RESPONSE: ([CLIENT], [COUNTER, INDICATOR]),
    LISTEN_REQUEST: ([CLIENT, ADDRESS, PORTS, ADDRESS, PORTS],
                     [COUNTER, LEASE, TUNNEL]),
    LISTEN_RESPONSE: ([CLIENT, BIND, ADDRESS, PORTS, ADDRESS, PORTS, TUNNEL,
                       LEASE], [ADDRESS, COUNTER]),
    ASSIGN_REQUEST_RSIPSEC: ([CLIENT, ADDRESS, PORTS, ADDRESS, PORTS, SPI],
                             [COUNTER, LEASE, TUNNEL]),
    ASSIGN_RESPONSE_RSIPSEC: ([CLIENT, BIND, ADDRESS, PORTS, ADDRESS, PORTS,
                               SPI, LEASE, TUNNEL], [ADDRESS, COUNTER]),
}
# Section 9: the parameters that may stand more than once among the optional.
REPEATABLE = {
    (REGISTER_RESPONSE, METHOD), (REGISTER_RESPONSE, TUNNEL),
    (LISTEN_REQUEST, TUNNEL),
    (QUERY_REQUEST, INDICATOR), (QUERY_RESPONSE, INDICATOR),
}
# RFC 3104 6.2 gives "don't need" ports to these two only.
MAY_NEED_NO_PORTS = {ASSIGN_REQUEST_RSIPSEC, ASSIGN_RESPONSE_RSIPSEC}


class Bad(Exception):
    """A message that cannot be read; code is the error of Appendix A."""

    def __init__(self, code, why):
        super().__init__('%d: %s' % (code, why))
        self.code = code


# --- parameters -----------------------------------------------------------
# A parameter is (type, value); values are None for "don't care".

def address(text=None, kind=IPV4):
    return (ADDRESS, (kind, text))


def ports(number=None, *fields):
    """ports() is "don't need", ports(4) "don't care", ports(4, 1000) a range."""
    return (PORTS, None if number is None else (number, list(fields)))


def spis(number, *fields):
    return (SPI, (number, list(fields)))


def number(kind, value):
    return (kind, value)


def vendor(vid, subtype, data):
    return (VENDOR, (vid, subtype, data))


def encode_value(kind, value):
    if kind == ADDRESS:
        atype, text = value
        if text is None:
            return bytes([atype])
        if atype == FQDN:
            return bytes([atype]) + text.encode('ascii')
        return bytes([atype]) + ipaddress.ip_address(text).packed
    if kind == PORTS:
        if value is None:
            return b''
        return struct.pack('!B%dH' % len(value[1]), value[0], *value[1])
    if kind == SPI:
        return struct.pack('!H%dI' % len(value[1]), value[0], *value[1])
    if kind in (LEASE, CLIENT, BIND, COUNTER):
        return struct.pack('!I', value)
    if kind in (TUNNEL, METHOD):
        return bytes([value])
    if kind in (ERROR, INDICATOR):
        return struct.pack('!H', value)
    if kind == POLICY:
        return bytes(value)
    if kind == VENDOR:
        return struct.pack('!HH', value[0], value[1]) + value[2]
    raise ValueError(kind)


def encode(mtype, params):
    body = b''
    for kind, value in params:
        data = encode_value(kind, value)
        body += struct.pack('!BH', kind, len(data)) + data
    return struct.pack('!BBH', VERSION, mtype, 4 + len(body)) + body


def fields_of(kind, data, head, size, code):
    """Number and fields of a ports or SPI parameter."""
    if len(data) < head or (len(data) - head) % size:
        raise Bad(205, 'length of parameter %d' % kind)
    count = int.from_bytes(data[:head], 'big')
    fields = list(struct.unpack('!%d%s' % ((len(data) - head) // size, code),
                                data[head:]))
    if count < 1:
        raise Bad(205, 'number is zero')
    if len(fields) not in (0, 1, count):
        raise Bad(205, 'neither one field nor as many as number says')
    if len(fields) == 1 and fields[0] + count - 1 >= 1 << (8 * size):
        raise Bad(205, 'range leaves the number space')
    return count, fields


def decode_value(mtype, kind, data):
    if kind == ADDRESS:
        if not data:
            raise Bad(205, 'address without a type')
        atype, rest = data[0], data[1:]
        if atype not in (IPV4, NETMASK, IPV6, FQDN):
            raise Bad(205, 'address type %d' % atype)
        if not rest:
            return (atype, None)
        if atype == FQDN:
            if len(rest) > 255 or any(c <= 0x20 or c >= 0x7f for c in rest):
                raise Bad(205, 'FQDN is not ASCII')
            return (atype, rest.decode('ascii'))
        if len(rest) != (16 if atype == IPV6 else 4):
            raise Bad(205, 'address length')
        return (atype, str(ipaddress.ip_address(rest)))
    if kind == PORTS:
        if not data:
            if mtype not in MAY_NEED_NO_PORTS:
                raise Bad(205, 'ports not needed outside RSIPSEC')
            return None
        return fields_of(kind, data, 1, 2, 'H')
    if kind == SPI:
        return fields_of(kind, data, 2, 4, 'I')
    size = {LEASE: 4, CLIENT: 4, BIND: 4, COUNTER: 4, TUNNEL: 1, METHOD: 1,
            ERROR: 2, INDICATOR: 2, POLICY: 2}.get(kind)
    if kind == VENDOR:
        if len(data) < 4:
            raise Bad(205, 'vendor parameter too short')
        return struct.unpack('!HH', data[:4]) + (data[4:],)
    if len(data) != size:
        raise Bad(205, 'length of parameter %d' % kind)
    if kind == POLICY:
        if data[0] not in (1, 2) or data[1] not in (1, 2, 3):
            raise Bad(205, 'flow policy')
        return tuple(data)
    value = int.from_bytes(data, 'big')
    if kind in (TUNNEL, METHOD) and value == 0:
        raise Bad(205, 'reserved value')
    return value


def split(data):
    """The TLVs of a message's body, without a look at their meaning."""
    at, out = 4, []
    while at < len(data):
        if len(data) - at < 3:
            raise Bad(207, 'rest of %d bytes' % (len(data) - at))
        kind, length = struct.unpack_from('!BH', data, at)
        if len(data) - at - 3 < length:
            raise Bad(207, 'parameter passes the end')
        out.append((kind, data[at + 3:at + 3 + length]))
        at += 3 + length
    return out


def decode(data):
    """(type, [(parameter, value), ...]) of one whole message, or Bad."""
    if len(data) < 4:
        raise Bad(207, 'shorter than a header')
    version, mtype, length = struct.unpack_from('!BBH', data)
    if version != VERSION:
        raise Bad(106, 'version %d' % version)
    if length != len(data):
        raise Bad(207, 'overall length')
    if mtype not in MESSAGES:
        raise Bad(206, 'type %d' % mtype)
    params = split(data)
    known = set(range(1, 13)) | {SPI}
    for kind, _ in params:
        if kind not in known:
            raise Bad(204, 'parameter %d' % kind)
    decoded = [(k, decode_value(mtype, k, v)) for k, v in params]
    check(mtype, decoded)
    check_ours(decoded)
    return mtype, decoded


def check_ours(params):
    """doc/wire.md: the forms of vendor 32473's parameters."""
    seen = set()
    for at, (kind, value) in enumerate(params):
        if kind != VENDOR or value[0] != OURS or value[1] not in (1, 2, 3, 4):
            continue
        _, subtype, data = value
        if subtype in seen:
            raise Bad(202, 'subtype %d twice' % subtype)
        seen.add(subtype)
        if subtype == 1:
            n = int.from_bytes(data[:2], 'big')
            if len(data) < 2 or not 1 <= n <= 64 or \
                    len(data) - 2 not in (0, 8 * n):
                raise Bad(205, 'cookies')
        elif subtype == 2:
            if len(data) != 44 or at + 1 != len(params):
                raise Bad(205, 'authentication')
        elif subtype == 3:
            if not 1 <= len(data) <= 255 or \
                    any(c <= 0x20 or c >= 0x7f for c in data):
                raise Bad(205, 'name')
        elif len(data) != 8:
            raise Bad(205, 'floor')


def check(mtype, params):
    """Which parameters stand where (section 9)."""
    required, optional = MESSAGES[mtype]
    plain = [p for p in params if p[0] != VENDOR]
    kinds = [k for k, _ in plain]
    for kind in kinds:
        if kind not in required and kind not in optional and not (
                kind == ADDRESS and INDICATOR in optional):
            raise Bad(203, 'parameter %d not allowed here' % kind)
    if kinds[:len(required)] != required:
        raise Bad(201, 'required parameters, in order')
    rest = plain[len(required):]
    seen = set()
    while rest:
        kind, value = rest.pop(0)
        if kind in required and kind not in optional:
            raise Bad(202, 'parameter %d twice' % kind)
        if kind == INDICATOR:
            tuple_of(mtype, value, rest)
        elif kind == ADDRESS and INDICATOR in optional:
            raise Bad(203, 'address without an indicator')
        elif kind in seen and (mtype, kind) not in REPEATABLE:
            raise Bad(202, 'parameter %d twice' % kind)
        seen.add(kind)


def tuple_of(mtype, indicator, rest):
    """Takes one tuple of a QUERY from rest (sections 9.14 and 9.15)."""
    if indicator not in ((1, 2) if mtype == QUERY_REQUEST else (1, 2, 3, 4)):
        raise Bad(205, 'indicator %d' % indicator)
    network = indicator in (2, 4)
    for want_mask in ((False, True) if network else (False,)):
        if not rest or rest[0][0] != ADDRESS:
            raise Bad(201, 'tuple without its address')
        atype, text = rest.pop(0)[1]
        if text is None or (atype == NETMASK) != want_mask or \
                (network and atype == FQDN):
            raise Bad(205, 'address of a tuple')


# --- random messages ------------------------------------------------------

def random_address(rng, local):
    kind = rng.choice([IPV4, IPV4, IPV4, IPV6] + ([] if local else [FQDN]))
    if rng.random() < 0.3:
        return (kind, None)
    if kind == FQDN:
        return (kind, '.'.join(
            ''.join(rng.choice('abcxyz0189-') for _ in range(rng.randint(1, 20)))
            for _ in range(rng.randint(1, 5))))
    size = 4 if kind == IPV4 else 16
    return (kind, str(ipaddress.ip_address(rng.randbytes(size))))


def random_fields(rng, most, space):
    count = rng.choice([1, 1, 2, 4, rng.randint(1, most)])
    form = rng.randrange(3)
    if form == 0:
        return (count, [])
    if form == 1:
        return (count, [rng.randint(1, space - count)])
    return (count, [rng.randint(1, space - 1) for _ in range(count)]
            if count > 1 else [rng.randint(1, space - 1)])


def random_value(rng, mtype, kind, local):
    if kind == ADDRESS:
        return random_address(rng, local)
    if kind == PORTS:
        if mtype in MAY_NEED_NO_PORTS and rng.random() < 0.3:
            return None
        return random_fields(rng, 255, 65536)
    if kind == SPI:
        return random_fields(rng, 256, 1 << 32)
    if kind == POLICY:
        return (rng.randint(1, 2), rng.randint(1, 3))
    if kind in (TUNNEL, METHOD):
        return rng.randint(1, 3)
    if kind == ERROR:
        return rng.choice(list(range(101, 107)) + list(range(201, 209)) +
                          list(range(301, 316)) + [401, 402, 403])
    return rng.randrange(1 << 32)


def random_message(rng):
    mtype = rng.choice(list(MESSAGES))
    required, optional = MESSAGES[mtype]
    out, addresses = [], 0
    for kind in required:
        addresses += kind == ADDRESS
        out.append((kind, random_value(rng, mtype, kind, addresses < 2)))
    tail = []
    for kind in optional:
        if kind == INDICATOR or rng.random() < 0.5:
            continue
        times = rng.randint(1, 3) if (mtype, kind) in REPEATABLE else 1
        for _ in range(times):
            value = random_value(rng, mtype, kind, True)
            if kind == ADDRESS:
                value = (IPV4, str(ipaddress.ip_address(rng.randbytes(4))))
            tail.append([(kind, value)])
    if INDICATOR in optional:
        for _ in range(rng.randint(0, 6)):
            what = rng.randint(1, 2 if mtype == QUERY_REQUEST else 4)
            one = [(INDICATOR, what),
                   (ADDRESS, (IPV4, str(ipaddress.ip_address(rng.randbytes(4)))))]
            if what in (2, 4):
                one.append((ADDRESS, (NETMASK, str(ipaddress.ip_address(
                    ((1 << 32) - 1) << rng.randint(0, 32) & 0xffffffff)))))
            tail.append(one)
    if rng.random() < 0.1:
        tail.append([(VENDOR, (rng.choice([9, 311, 2021]), rng.randint(0, 9),
                               rng.randbytes(rng.randint(0, 40))))])
    if rng.random() < 0.2:
        n = rng.randint(1, 64)
        tail.append([(VENDOR, (OURS, 1, struct.pack('!H', n) + rng.choice(
            [b'', rng.randbytes(8 * n)])))])
    if rng.random() < 0.2:
        tail.append([(VENDOR, (OURS, 3, bytes(
            rng.randint(0x21, 0x7e) for _ in range(rng.randint(1, 255)))))])
    if rng.random() < 0.2:
        tail.append([(VENDOR, (OURS, 4, rng.randbytes(8)))])
    rng.shuffle(tail)
    for group in tail:
        out += group
    if rng.random() < 0.3:
        out.append((VENDOR, (OURS, 2, rng.randbytes(44))))
    return mtype, out


def name(mtype):
    for key, value in globals().items():
        if value == mtype and key.isupper() and '_RE' in key:
            return key
    return str(mtype)


if __name__ == '__main__':
    rng = random.Random(1)
    for _ in range(10000):
        m = random_message(rng)
        got = decode(encode(*m))
        assert got[0] == m[0] and len(got[1]) == len(m[1]), m
    print('10000 messages read back')
