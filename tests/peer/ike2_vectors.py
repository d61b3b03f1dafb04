#!/usr/bin/env python3
"""Known answers of tests/unit/test_ike2_keys.c, worked out from RFC 7296 with Python alone.

Prints C initialisers: for a suite the SHA2-256 over all that §2.13 to §2.18 derive,
in order, and what §2.15 and RFC 7619 §2.1 put into AUTH payloads.
"""
import hashlib
import hmac

SUITES = [(20, 256, 7, 0), (20, 128, 6, 0), (28, 0, 5, 0), (12, 256, 6, 13),
          (12, 128, 7, 14), (12, 256, 5, 12)]
HASH = {5: 'sha256', 6: 'sha384', 7: 'sha512'}
ENCR = {(20, 256): 36, (20, 128): 20, (28, 0): 36, (12, 256): 32, (12, 128): 16}
INTEG = {0: 0, 12: 32, 13: 48, 14: 64}


def prf(p, key, *parts):
    return hmac.new(key, b''.join(parts), HASH[p]).digest()


def prf_plus(p, key, seed, n):
    out = block = b''
    i = 1
    while len(out) < n:
        block = prf(p, key, block, seed, bytes([i]))
        out += block
        i += 1
    return out[:n]


def cut(data, *lengths):
    out = []
    for n in lengths:
        out.append(data[:n])
        data = data[n:]
    assert not data
    return out


def seven(p, seed, ni, nr, spis, enc, mac):
    size = hashlib.new(HASH[p]).digest_size
    lengths = [size, mac, mac, enc, enc, size, size]
    return cut(prf_plus(p, seed, ni + nr + spis, sum(lengths)), *lengths)


def text(data):
    h = data.hex()
    return '\n'.join('\t    "%s"' % h[i:i + 64] for i in range(0, len(h), 64))


def main():
    ni = bytes(range(32))
    nr = bytes(range(100, 148))
    secret = bytes((7 * i) & 255 for i in range(256))
    spis = bytes.fromhex('01020304050607081112131415161718')
    message = bytes(range(40, 140))
    ident = bytes.fromhex('02000000') + b'x1.lab'
    for encr, bits, p, integ in SUITES:
        enc, mac = ENCR[encr, bits], INTEG[integ]
        first = seven(p, prf(p, ni + nr, secret), ni, nr, spis, enc, mac)
        again = seven(p, prf(p, first[0], secret, ni, nr), ni, nr, spis, enc, mac)
        n = 2 * (enc + mac)
        child = prf_plus(p, first[0], ni + nr, n)
        pfs = prf_plus(p, first[0], secret + ni + nr, n)
        digest = hashlib.sha256(b''.join(first + again) + child + pfs).digest()
        pad = b'Key Pad for IKEv2'
        octets = message + nr + prf(p, first[5], ident)
        psk = prf(p, prf(p, b'secret', pad), octets)
        null = prf(p, prf(p, first[5], pad), octets)
        print('\t{ %d, %d, %d, %d,' % (encr, bits, p, integ))
        print(text(digest) + ',\n' + text(psk) + ',\n' + text(null) + ' },')


main()
