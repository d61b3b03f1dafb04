#!/usr/bin/env python3
"""Known answers of tests/unit/test_ike_crypto.c, worked out from the RFC text with Python alone.

Prints C initialisers.  Needs nothing but the standard library; the primes come
from the formulas of RFC 2409 section 6.2 and RFC 3526, not from a table.
"""
import hashlib
import hmac


def pi_bits(n):
    """floor(2^n * pi) by Machin's formula."""
    one = 1 << (n + 64)

    def arctan_inverse(x):
        total = term = one // x
        k, sign = 1, -1
        while term:
            term //= x * x
            k += 2
            total += sign * (term // k)
            sign = -sign
        return total
    return (4 * (4 * arctan_inverse(5) - arctan_inverse(239))) >> 64


def modp(bits, addend):
    return (1 << bits) - (1 << (bits - 64)) - 1 + \
        ((pi_bits(bits - 130) + addend) << 64)


GROUPS = {2: (1024, 129093), 5: (1536, 741804), 14: (2048, 124476),
          15: (3072, 1690314), 16: (4096, 240904)}
HASHES = {1: 'md5', 2: 'sha1', 4: 'sha256', 5: 'sha384', 6: 'sha512'}


def prf(h, key, *parts):
    return hmac.new(key, b''.join(parts), HASHES[h]).digest()


def feed(h, key, first, want):
    """RFC 2409 appendix B: K1 = prf(key, 0), K2 = prf(key, K1), ..."""
    out, block = b'', first
    while len(out) < want:
        block = prf(h, key, block)
        out += block
    return out[:want]


def keymat(h, skeyid_d, gxy, protocol, spi, ni, nr, want):
    out, block = b'', b''
    while len(out) < want:
        block = prf(h, skeyid_d, block, gxy, bytes([protocol]), spi, ni, nr)
        out += block
    return out[:want]


def show(name, value):
    print('%s = "%s"' % (name, value.hex()))


def main():
    a = bytes(range(1, 41))
    b = bytes(range(101, 141))
    for number, (bits, addend) in GROUPS.items():
        p = modp(bits, addend)
        size = bits // 8
        ga = pow(2, int.from_bytes(a, 'big'), p)
        gab = pow(ga, int.from_bytes(b, 'big'), p)
        print('group %d: sha256(g^a), sha256(g^ab)' % number)
        show('  g^a ', hashlib.sha256(ga.to_bytes(size, 'big')).digest())
        show('  g^ab', hashlib.sha256(gab.to_bytes(size, 'big')).digest())

    ni = bytes(range(0x10, 0x20))
    nr = bytes(range(0x80, 0x94))
    gxy = bytes((7 * i) & 0xff for i in range(256))
    cookies = bytes(range(0xa0, 0xb0))
    psk = b'correct horse'
    spi = bytes.fromhex('c0ffee01')
    qm = bytes((11 * i + 3) & 0xff for i in range(192))
    for h in HASHES:
        for name, skeyid in (('sig', prf(h, ni + nr, gxy)), ('psk', prf(h, psk, ni, nr))):
            d = prf(h, skeyid, gxy, cookies, b'\0')
            k_a = prf(h, skeyid, d, gxy, cookies, b'\1')
            e = prf(h, skeyid, k_a, gxy, cookies, b'\2')
            for cipher, want in (('3des', 24), ('aes128', 16), ('aes256', 32)):
                key = e[:want] if len(e) >= want else feed(h, e, b'\0', want)
                show('%s %s %s key' % (HASHES[h], name, cipher), key)
            show('%s %s keymat 72' % (HASHES[h], name), keymat(h, d, b'', 3, spi, ni, nr, 72))
            show('%s %s keymat pfs 72' % (HASHES[h], name), keymat(h, d, qm, 3, spi, ni, nr, 72))
        show('%s phase 1 iv' % HASHES[h], hashlib.new(HASHES[h], gxy + qm).digest()[:16])


main()
