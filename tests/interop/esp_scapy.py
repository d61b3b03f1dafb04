#!/usr/bin/env python3
"""esp_scapy.py - oe/esp against scapy's IPsec layer: every transform, both directions.

usage: esp_scapy.py [PIPE]      PIPE is tests/interop/esp_pipe

Exit status 77 if scapy is not there (Debian: python3-scapy).
"""
import os
import random
import sys

sys.dont_write_bytecode = True
import esp_pipe     # noqa: E402

try:
    from scapy.all import IP, UDP, ICMP, Raw, raw
    from scapy.layers.ipsec import ESP, SecurityAssociation
except ImportError:
    # Debian's package belongs to Debian's python3, which another may hide.
    system = "/usr/bin/python3"
    if os.path.exists(system) and not os.environ.get("ESP_SCAPY_AGAIN"):
        os.environ["ESP_SCAPY_AGAIN"] = "1"
        os.execv(system, [system] + sys.argv)
    print("SKIP: no scapy with IPsec (Debian: python3-scapy)")
    sys.exit(77)

NONE, MD5, SHA1, SHA2_256, SHA2_512 = 0, 1, 2, 5, 7
TRIPLE_DES, AES_CBC, AES_GCM = 3, 12, 20
CIPHERS = [  # number, scapy's name, key lengths (GCM: with the salt)
    (TRIPLE_DES, "3DES", [24]),
    (AES_CBC, "AES-CBC", [16, 24, 32]),
    (AES_GCM, "AES-GCM", [20, 28, 36]),
]
AUTHS = [(MD5, "HMAC-MD5-96", 16), (SHA1, "HMAC-SHA1-96", 20),
         (SHA2_256, "SHA2-256-128", 32), (SHA2_512, "SHA2-512-256", 64)]
SRC, DST = "198.51.100.1", "198.51.100.10"
LENGTHS = list(range(0, 40)) + [63, 64, 65, 255, 256, 511, 1000, 1399, 1400, 8000]


class Pipe(esp_pipe.Pipe):
    def sa(self, way, spi, cipher, key, auth, auth_key, esn, ports):
        answer = self.ask("sa %s %d %d %s %d %s %d %s %s %d %d" % (
            way, spi, cipher, key.hex(), auth, auth_key.hex() or "-", esn,
            SRC, DST, ports[0], ports[1]))
        assert answer == "ok", answer

    def packet(self, data):
        answer = self.ask("packet " + data.hex())
        if answer.startswith("error") or answer == "bad":
            return answer
        return bytes.fromhex(answer)


def inner_packet(n):
    body = bytes(random.randrange(256) for _ in range(n))
    kind = n % 3
    packet = IP(src="192.0.2.1", dst="192.0.2.2", ttl=61, id=n + 1, tos=(n * 4) & 0xfc)
    if kind == 0:
        packet = packet / UDP(sport=20000, dport=53) / Raw(body)
    elif kind == 1:
        packet = packet / ICMP(id=n, seq=1) / Raw(body)
    else:
        packet.proto = 253
        packet = packet / Raw(body)
    return raw(packet)


def check(pipe, cipher, name, key_len, auth, esn, udp):
    auth_number, auth_name, auth_len = auth
    spi = random.randrange(256, 1 << 32)
    key = os.urandom(key_len)
    auth_key = os.urandom(auth_len)
    ports = (20001, 4500) if udp else (0, 0)
    count = 0

    def association():
        # Every number here is below 2^32: the high half is 0.
        return SecurityAssociation(
            ESP, spi=spi, crypt_algo=name, crypt_key=key,
            auth_algo=auth_name, auth_key=auth_key if auth_name else None,
            tunnel_header=IP(src=SRC, dst=DST, ttl=64),
            nat_t_header=UDP(sport=ports[0], dport=ports[1]) if udp else None,
            esn_en=esn, esn=0)

    theirs = association()
    pipe.sa("out", spi, cipher, key, auth_number, auth_key, esn, ports)
    for n in LENGTHS:
        packet = inner_packet(n)
        sealed = pipe.packet(packet)
        assert isinstance(sealed, bytes), sealed
        parsed = IP(sealed)
        assert (parsed.src, parsed.dst) == (SRC, DST)
        assert (UDP in parsed) == udp
        opened = theirs.decrypt(parsed)
        assert raw(opened) == packet, "scapy opened another packet"
        count += 1

    ours = association()
    pipe.sa("in", spi, cipher, key, auth_number, auth_key, esn, ports)
    for n in LENGTHS:
        packet = inner_packet(n)
        sealed = raw(ours.encrypt(IP(packet)))
        opened = pipe.packet(sealed)
        assert opened == packet, "we opened another packet: %r" % (opened,)
        assert pipe.packet(sealed) == "error -2", "a replay passed"
        count += 1
    # One bit of the last packet's ICV, under a fresh window.
    pipe.sa("in", spi, cipher, key, auth_number, auth_key, esn, ports)
    bad = sealed[:-1] + bytes([sealed[-1] ^ 1])
    assert pipe.packet(bad) == "error -3", "a damaged packet passed"
    return count


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "tests/interop/esp_pipe"
    random.seed(4303)
    pipe = Pipe(program)
    transforms = packets = 0
    for cipher, name, key_lengths in CIPHERS:
        for key_len in key_lengths:
            for auth in [(NONE, None, 0)] if cipher == AES_GCM else AUTHS:
                # scapy 2.5 signs no high half of ESN beside an HMAC (RFC 4303
                # section 2.2.1); tests/unit/test_esp.c has known answers for that.
                for esn in (False, True) if cipher == AES_GCM else (False,):
                    for udp in (False, True):
                        try:
                            packets += check(pipe, cipher, name, key_len, auth, esn, udp)
                        except Exception:
                            print("FAIL: %s, %d bytes of key, %s, ESN %s, UDP %s" %
                                  (name, key_len, auth[1], esn, udp))
                            raise
                        transforms += 1
    print("%d combinations, %d packets" % (transforms, packets))


if __name__ == "__main__":
    main()
