#!/usr/bin/env python3
"""esp_kernel.py - oe/esp against the kernel's ESP: every transform, both directions.

usage: esp_kernel.py PIPE [all] PIPE is tests/interop/esp_pipe; esp_kernel_inside.sh runs it

Each transform is tried once with ESN and UDP encapsulation in turn, or with all
four combinations of them ("all").

Two namespaces and a wire (esp_kernel_inside.sh).  "them" has xfrm states and policies and an address
that answers pings; here echo requests are sealed by oe/esp, sent, and the
answers that the kernel sealed are opened.  Exit status 77 without kernel ESP.
"""
import atexit
import os
import random
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
import esp_pipe     # noqa: E402

US, THEM = "198.51.100.1", "198.51.100.10"      # the ends of the wire
UIN, TIN = "10.8.0.1", "10.9.0.1"               # what the tunnel joins
SPI_IN, SPI_OUT = 0x1001, 0x2002
ESP, UDP, NATT = 50, 17, 4500

CIPHERS = [  # number, kernel's name, key lengths (GCM: with the salt)
    (12, "cbc(aes)", [16, 24, 32]),
    (3, "cbc(des3_ede)", [24]),
    (20, "rfc4106(gcm(aes))", [20, 28, 36]),
]
AUTHS = [  # number, kernel's name, key, bits of ICV
    (1, "hmac(md5)", 16, 96), (2, "hmac(sha1)", 20, 96),
    (5, "hmac(sha256)", 32, 128), (7, "hmac(sha512)", 64, 256),
]
SIZES = [0, 1, 56, 1372]


def ip(*words, check=True, **kw):
    return subprocess.run(["ip"] + [str(w) for w in words], check=check,
                          capture_output=True, text=True, **kw)


def on_them(*words):
    return ip("-n", "them", *words)


def setup():
    probe = ip("-n", "them", "xfrm", "state", "add", "src", US, "dst", THEM, "proto", "esp",
               "spi", "0x999", "mode", "tunnel", "aead", "rfc4106(gcm(aes))",
               "0x" + "11" * 20, "128", check=False)
    if probe.returncode != 0:
        print("SKIP: this kernel has no ESP: " + probe.stderr.strip())
        sys.exit(77)
    for way, src, dst, osrc, odst in (("in", UIN, TIN, US, THEM), ("out", TIN, UIN, THEM, US)):
        on_them("xfrm", "policy", "add", "src", src + "/32", "dst", dst + "/32", "dir", way,
                "tmpl", "src", osrc, "dst", odst, "proto", "esp", "mode", "tunnel")
    # The kernel takes UDP-encapsulated ESP only where a socket asks for it.
    holder = subprocess.Popen(
        ["ip", "netns", "exec", "them", sys.executable, "-c",
         "import socket, sys\n"
         "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
         "s.setsockopt(17, 100, 2)\n"           # UDP_ENCAP, UDP_ENCAP_ESPINUDP
         "s.bind(('0.0.0.0', %d))\n"
         "print('ready', flush=True)\n"
         "sys.stdin.read()\n" % NATT],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "ready\n"
    atexit.register(holder.kill)


class Pipe(esp_pipe.Pipe):
    def packet(self, data):
        answer = self.ask("packet " + data.hex())
        if answer.startswith("error") or answer == "bad":
            raise AssertionError(answer)
        return bytes.fromhex(answer)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def echo_request(number, body):
    icmp = struct.pack("!BBHHH", 8, 0, 0, 0x5253, number) + body
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), number, 0, 64, 1, 0,
                       socket.inet_aton(UIN), socket.inet_aton(TIN))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + icmp


def kernel_state(src, dst, spi, cipher, key, auth, auth_key, esn, udp, extra):
    words = ["xfrm", "state", "add", "src", src, "dst", dst, "proto", "esp",
             "spi", hex(spi), "reqid", "0", "mode", "tunnel", "replay-window", "64"]
    if esn:
        words += ["flag", "esn"]
    if auth is None:
        words += ["aead", cipher[1], "0x" + key.hex(), "128"]
    else:
        words += ["auth-trunc", auth[1], "0x" + auth_key.hex(), auth[3],
                  "enc", cipher[1], "0x" + key.hex()]
    if udp:
        words += ["encap", "espinudp", NATT, NATT, "0.0.0.0"]
    return " ".join(str(w) for w in words + extra)


class Wire:
    def __init__(self):
        self.out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.raw = {p: socket.socket(socket.AF_INET, socket.SOCK_RAW, p) for p in (ESP, UDP)}
        for s in self.raw.values():
            s.settimeout(20)
        # Else the kernel here would answer "port unreachable".
        self.port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port.bind((US, NATT))

    def exchange(self, packet, protocol):
        self.out.sendto(packet, (THEM, 0))
        return self.raw[protocol].recv(65535)


def check(ends, wire, cipher, key_len, auth, esn, udp, extra=(), echoes=None):
    key = os.urandom(key_len)
    auth_key = os.urandom(auth[2]) if auth else b""
    ip("-n", "them", "-batch", "-", input="\n".join((
        "xfrm state flush",
        kernel_state(US, THEM, SPI_OUT, cipher, key, auth, auth_key, esn, udp, []),
        kernel_state(THEM, US, SPI_IN, cipher, key, auth, auth_key, esn, udp, list(extra)),
        "")))
    port = NATT if udp else 0
    for end, way, spi, src, dst in ((ends[0], "out", SPI_OUT, US, THEM),
                                    (ends[1], "in", SPI_IN, THEM, US)):
        answer = end.ask("sa %s %d %d %s %d %s %d %s %s %d %d" % (
            way, spi, cipher[0], key.hex(), auth[0] if auth else 0, auth_key.hex() or "-",
            esn, src, dst, port, port))
        assert answer == "ok", answer
    count = 0
    numbers = []
    for size in echoes or SIZES:
        body = bytes(random.randrange(256) for _ in range(size))
        request = echo_request(count, body)
        sealed = wire.exchange(ends[0].packet(request), UDP if udp else ESP)
        numbers.append(struct.unpack("!I", sealed[(28 if udp else 20) + 4:][:4])[0])
        answer = ends[1].packet(sealed)
        assert answer[12:20] == socket.inet_aton(TIN) + socket.inet_aton(UIN)
        assert answer[20] == 0 and answer[24:] == request[24:], "another answer"
        count += 1
    return count, numbers


def main():
    setup()
    program = os.path.abspath(sys.argv[1])
    everything = sys.argv[2:] == ["all"]
    ends = [Pipe(program), Pipe(program)]
    wire = Wire()
    done = packets = failed = tried = 0
    for cipher in CIPHERS:
        for key_len in cipher[2]:
            for auth in [None] if cipher[0] == 20 else AUTHS:
                for esn in (False, True):
                    for udp in (False, True):
                        if not everything and (esn, udp) != (bool(tried & 1), bool(tried & 2)):
                            continue
                        name = "%s, %d bytes of key, %s, ESN %s, UDP %s" % (
                            cipher[1], key_len, auth and auth[1], esn, udp)
                        try:
                            packets += check(ends, wire, cipher, key_len, auth, esn, udp)[0]
                            done += 1
                        except (AssertionError, OSError, subprocess.CalledProcessError) as e:
                            print("FAIL: %s: %s %s" % (name, e, getattr(e, "stderr", "")))
                            failed += 1
                tried += 1
    # The kernel's numbers pass 2^32; the high half is guessed right by us.
    for auth, cipher, key_len in ((AUTHS[2], CIPHERS[0], 32), (None, CIPHERS[2], 20)):
        try:
            _, numbers = check(ends, wire, cipher, key_len, auth, True, False,
                               ["replay-oseq", "0xfffffff8"], [8] * 16)
            assert numbers[0] == 0xfffffff9 and numbers[-1] == 8, numbers
            done += 1
        except (AssertionError, OSError, subprocess.CalledProcessError) as e:
            print("FAIL: ESN beyond 2^32, %s: %s %s" % (cipher[1], e, getattr(e, "stderr", "")))
            failed += 1
    stat = ip("netns", "exec", "them", "cat", "/proc/net/xfrm_stat", check=False).stdout
    for line in stat.splitlines():
        if line.split()[1] != "0":
            print("kernel: " + line)
    print("kernel %s: %d combinations, %d echoes, %d failures" %
          (os.uname().release, done, packets, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
