#!/usr/bin/env python3
"""Known answers of tests/unit/test_esp.c: one ESP packet for each transform.

Writes tests/unit/esp_vectors.h to standard output.  Packets are put together
from the text of RFC 4303, 3602, 4106, 2403, 2404, 4868 and 7634.  AES, GCM, ChaCha20
and Poly1305 are written here from FIPS 197, SP 800-38D and RFC 8439 and share
no code with libcrypto;
hashes are Python's, 3DES is the openssl command's.
"""
import hmac
import struct
import subprocess


# --- AES (FIPS 197) -----------------------------------------------------------

def gf_mul(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11b if a & 0x80 else 0)
        b >>= 1
    return product


def make_sbox():
    box = []
    for x in range(256):
        inverse = next((y for y in range(256) if gf_mul(x, y) == 1), 0)
        s = 0x63
        for shift in range(5):
            s ^= (inverse << shift | inverse >> (8 - shift)) & 0xff
        box.append(s)
    return box


SBOX = make_sbox()


def aes_round_keys(key):
    nk = len(key) // 4
    words = [list(key[4 * i:4 * i + 4]) for i in range(nk)]
    rcon = 1
    for i in range(nk, 4 * (nk + 7)):
        t = list(words[-1])
        if i % nk == 0:
            t = [SBOX[b] for b in t[1:] + t[:1]]
            t[0] ^= rcon
            rcon = gf_mul(rcon, 2)
        elif nk > 6 and i % nk == 4:
            t = [SBOX[b] for b in t]
        words.append([a ^ b for a, b in zip(words[i - nk], t)])
    return [sum(words[i:i + 4], []) for i in range(0, len(words), 4)]


def aes_block(key, block):
    keys = aes_round_keys(key)
    s = [a ^ b for a, b in zip(block, keys[0])]
    for n, round_key in enumerate(keys[1:], 1):
        s = [SBOX[b] for b in s]
        s = [s[(4 * (c + r) + r) % 16] for c in range(4) for r in range(4)]
        if n < len(keys) - 1:
            mixed = []
            for c in range(4):
                col = s[4 * c:4 * c + 4]
                for r in range(4):
                    mixed.append(gf_mul(col[r], 2) ^ gf_mul(col[(r + 1) % 4], 3) ^
                                 col[(r + 2) % 4] ^ col[(r + 3) % 4])
            s = mixed
        s = [a ^ b for a, b in zip(s, round_key)]
    return bytes(s)


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def aes_cbc(key, iv, text):
    out = b""
    for i in range(0, len(text), 16):
        iv = aes_block(key, xor(iv, text[i:i + 16]))
        out += iv
    return out


# --- GCM (SP 800-38D) -----------------------------------------------------------

def ghash(h, data):
    y = 0
    h = int.from_bytes(h, "big")
    for i in range(0, len(data), 16):
        y ^= int.from_bytes(data[i:i + 16], "big")
        z, v = 0, h
        for bit in range(127, -1, -1):
            if y >> bit & 1:
                z ^= v
            v = v >> 1 ^ (0xe1 << 120 if v & 1 else 0)
        y = z
    return y.to_bytes(16, "big")


def pad16(data):
    return data + bytes(-len(data) % 16)


def aes_gcm(key, nonce, aad, text):
    out = b""
    for i in range(0, len(text), 16):
        counter = struct.pack(">I", 2 + i // 16)
        out += xor(aes_block(key, nonce + counter), text[i:i + 16])
    lengths = struct.pack(">QQ", 8 * len(aad), 8 * len(out))
    s = ghash(aes_block(key, bytes(16)), pad16(aad) + pad16(out) + lengths)
    return out + xor(aes_block(key, nonce + struct.pack(">I", 1)), s)


# --- ChaCha20 and Poly1305 (RFC 8439) ---------------------------------------------

def rotate(v, n):
    return (v << n | v >> 32 - n) & 0xffffffff


def chacha20_block(key, nonce, counter):
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key +
                               struct.pack("<I", counter) + nonce))
    s = list(start)

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xffffffff
            s[z] = rotate(s[z] ^ s[x], n)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *((a + b) & 0xffffffff for a, b in zip(s, start)))


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for i in range(0, len(data), 16):
        block = data[i:i + 16] + b"\x01"
        total = (total + int.from_bytes(block, "little")) * r % ((1 << 130) - 5)
    total += int.from_bytes(key[16:], "little")
    return (total & (1 << 128) - 1).to_bytes(16, "little")


def chacha20_poly1305(key, nonce, aad, text):
    out = b""
    for i in range(0, len(text), 64):
        out += xor(chacha20_block(key, nonce, 1 + i // 64), text[i:i + 64])
    lengths = struct.pack("<QQ", len(aad), len(out))
    return out + poly1305(chacha20_block(key, nonce, 0)[:32],
                          pad16(aad) + pad16(out) + lengths)


def des3_cbc(key, iv, text):
    return subprocess.run(["openssl", "enc", "-des-ede3-cbc", "-nopad",
                           "-K", key.hex(), "-iv", iv.hex()],
                          input=text, capture_output=True, check=True).stdout


# --- ESP (RFC 4303) --------------------------------------------------------------

def checksum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack(">H", ~total & 0xffff)


def ipv4(protocol, src, dst, payload, ident=0):
    head = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(payload), ident, 0, 64, protocol)
    addresses = bytes(src) + bytes(dst)
    return head + checksum(head + b"\0\0" + addresses) + addresses + payload


def esp(cipher, key, iv, hash_name, auth_key, icv_len, spi, seq, esn, inner):
    block = {"AES_CBC": 16, "3DES_CBC": 8, "AES_GCM_16": 4,
             "CHACHA20_POLY1305": 4}[cipher]
    pad = bytes(range(1, (-len(inner) - 2) % block + 1))
    text = inner + pad + bytes([len(pad), 4])
    head = struct.pack(">II", spi, seq)
    if cipher in COMBINED:
        aad = struct.pack(">II", spi, 0) + head[4:] if esn else head
        return head + iv + COMBINED[cipher](key[:-4], key[-4:] + iv, aad, text)
    encrypt = aes_cbc if cipher == "AES_CBC" else des3_cbc
    packet = head + iv + encrypt(key, iv, text)
    # RFC 4303 section 2.2.1: the high half is not sent, but counts for the ICV.
    high = bytes(4) if esn else b""
    return packet + hmac.new(auth_key, packet + high, hash_name).digest()[:icv_len]


COMBINED = {"AES_GCM_16": aes_gcm, "CHACHA20_POLY1305": chacha20_poly1305}
HASHES = [  # name here, Python's, key, ICV (RFC 2403, 2404, 4868)
    ("HMAC_MD5", "md5", 16, 12), ("HMAC_SHA1", "sha1", 20, 12),
    ("HMAC_SHA2_256", "sha256", 32, 16), ("HMAC_SHA2_384", "sha384", 48, 24),
    ("HMAC_SHA2_512", "sha512", 64, 32),
]
CIPHERS = [("AES_CBC", 16, 16), ("AES_CBC", 24, 16), ("AES_CBC", 32, 16),
           ("3DES_CBC", 24, 8), ("AES_GCM_16", 20, 8), ("AES_GCM_16", 28, 8),
           ("AES_GCM_16", 36, 8), ("CHACHA20_POLY1305", 36, 8)]
INNER = ipv4(17, (198, 51, 100, 1), (198, 51, 100, 10),
             struct.pack(">HHHH", 20000, 7, 29, 0) + b"opportunistic packets")
KEY = bytes((7 * i + 1) & 0xff for i in range(36))
AUTH = bytes((5 * i + 3) & 0xff for i in range(64))
IV = bytes(0xa0 + i for i in range(16))


def c_bytes(data):
    lines = []
    for i in range(0, len(data), 12):
        lines.append("\t" + ", ".join("0x%02x" % b for b in data[i:i + 12]) + ",")
    return "\n".join(lines)


def self_test():
    # FIPS 197 appendix C.3; RFC 3602 section 4 case 1; SP 800-38D's first case with text.
    assert aes_block(bytes(range(32)), bytes(17 * i for i in range(16))).hex() == \
        "8ea2b7ca516745bfeafc49904b496089"
    assert aes_cbc(bytes.fromhex("06a9214036b8a15b512e03d534120006"),
                   bytes.fromhex("3dafba429d9eb430b422da802c9fac41"),
                   b"Single block msg").hex() == "e353779c1079aeb82708942dbe77181a"
    assert aes_gcm(bytes(16), bytes(12), b"", bytes(16)).hex() == \
        "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"
    # RFC 8439 sections 2.4.2 and 2.5.2.
    assert chacha20_block(bytes(range(32)), bytes.fromhex("000000000000004a00000000"),
                          1)[:16].hex() == "224f51f3401bd9e12fde276fb8631ded"
    assert poly1305(bytes.fromhex("85d6be7857556d337f4452fe42d506a8"
                                  "0103808afb0db2fd4abff6af4149f51b"),
                    b"Cryptographic Forum Research Group").hex() == \
        "a8061dc1305136c6c22b8baf0c0127a9"


def main():
    self_test()
    vectors = []
    for cipher, key_len, iv_len in CIPHERS:
        for esn in (False, True):
            if cipher in COMBINED:
                vectors.append((cipher, key_len, "NONE", 0, esn,
                                esp(cipher, KEY[:key_len], IV[:iv_len], None, None, 16,
                                    0xc0ffee01, 77, esn, INNER)))
                continue
            for name, python, auth_len, icv_len in HASHES:
                vectors.append((cipher, key_len, name, auth_len, esn,
                                esp(cipher, KEY[:key_len], IV[:iv_len], python,
                                    AUTH[:auth_len], icv_len, 0xc0ffee01, 77, esn, INNER)))
    print("/* esp_vectors.h - known ESP packets, written by tests/peer/esp_vectors.py */")
    print("#ifndef TESTS_ESP_VECTORS_H\n#define TESTS_ESP_VECTORS_H\n")
    print("#define VECTOR_SPI\t0xc0ffee01u\n#define VECTOR_SEQ\t77u\n")
    for name, data in (("key", KEY), ("auth", AUTH), ("inner", INNER)):
        print("static const uint8_t vector_%s[] = {\n%s\n};" % (name, c_bytes(data)))
    for i, v in enumerate(vectors):
        print("static const uint8_t vector_packet_%d[] = {\n%s\n};" %
              (i, c_bytes(ipv4(50, (198, 51, 100, 1), (198, 51, 100, 10), v[5]))))
    print("""
static const struct vector {
	enum esp_cipher	 cipher;
	size_t		 key_len;
	enum esp_auth	 auth;
	size_t		 auth_len;
	bool		 esn;
	const uint8_t	*packet;
	size_t		 len;
} vectors[] = {""")
    for i, (cipher, key_len, auth, auth_len, esn, packet) in enumerate(vectors):
        print("\t{ ESP_%s, %d, ESP_AUTH_%s, %d, %s,\n\t    vector_packet_%d, sizeof(vector_packet_%d) }," %
              (cipher, key_len, auth, auth_len, "true" if esn else "false", i, i))
    print("};\n\n#endif")


if __name__ == "__main__":
    main()
