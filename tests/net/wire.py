#!/usr/bin/env python3
"""wire.py - an independent witness: captures packets, and proves what crossed the wire.

  wire.py capture --interface IF --out FILE [--mb N]   until SIGTERM; fails if a packet was missed
  wire.py check --public FILE --private FILE --file FILE ...   prints JSON, fails with reasons
  wire.py only --file FILE --address ADDRESS PROTOCOL...       fails if others of that address crossed
  wire.py refused --file FILE --port PORT                      TCP of that port reset, and TCP and ESP that ICMP is about

It shares no code with the programs it watches.
"""
import argparse
import json
import mmap
import select
import signal
import socket
import struct
import sys

ETH_P_ALL = 3
ETH_P_IP = 0x0800
SOL_PACKET = 263
PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION = 5, 6, 10
TPACKET_V3 = 2
TP_STATUS_USER = 1
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
ICMP, IPIP, TCP, UDP, GRE, ESP, AH = 1, 4, 6, 17, 47, 50, 51
NAMES = {ICMP: "ICMP", IPIP: "IP-IP", TCP: "TCP", UDP: "UDP", GRE: "GRE", ESP: "ESP", AH: "AH"}
WORD = 8  # any 15 bytes of the file hold one of its aligned words


# ---- capture

class Ring:
    """Received frames in memory shared with the kernel (TPACKET_V3).

    Unlike a socket's buffer its size needs no privilege on the machine, so
    nothing is missed in a user namespace either.
    """
    BLOCK, FRAME = 1 << 20, 1 << 11

    def __init__(self, interface, blocks):
        self.blocks = blocks
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        self.sock.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack(
            "7I", self.BLOCK, blocks, self.FRAME,
            self.BLOCK * blocks // self.FRAME, 20, 0, 0))
        self.memory = mmap.mmap(self.sock.fileno(), self.BLOCK * blocks)
        self.sock.bind((interface, ETH_P_ALL))
        self.poll = select.poll()
        self.poll.register(self.sock, select.POLLIN | select.POLLERR)
        self.next = 0

    def block(self):
        """The frames of one full block, as (seconds, nanoseconds, bytes); [] after 0.2 s without."""
        at = self.next * self.BLOCK
        status, count, first = struct.unpack_from("III", self.memory, at + 8)
        if not status & TP_STATUS_USER:
            self.poll.poll(200)
            return []
        found = []
        at += first
        for _ in range(count):
            step, sec, nsec, length = struct.unpack_from("IIII", self.memory, at)
            mac = at + struct.unpack_from("H", self.memory, at + 24)[0]
            found.append((sec, nsec, self.memory[mac:mac + length]))
            at += step
        struct.pack_into("I", self.memory, self.next * self.BLOCK + 8, 0)
        self.next = (self.next + 1) % self.blocks
        return found

    def dropped(self):
        return struct.unpack("III", self.sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12))[1]


def capture(interface, path, blocks):
    ring = Ring(interface, blocks)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with open(path, "wb", buffering=1 << 20) as out:
        out.write(PCAP_HEADER)
        out.flush()
        while True:
            ending = bool(stop)
            found = ring.block()
            for sec, nsec, frame in found:
                out.write(struct.pack("<IIII", sec, nsec // 1000, len(frame), len(frame)))
                out.write(frame)
            # Others may read along.
            out.flush()
            if ending and not found:
                break
    if ring.dropped():
        print(f"{interface}: packets missed", file=sys.stderr)
        return 1
    return 0


def frames(path):
    """Yields the frames of a capture file."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:4] != PCAP_HEADER[:4]:
        raise ValueError(f"{path} is not a capture of ours")
    at = len(PCAP_HEADER)
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


# ---- packets

class Packet:
    """An IPv4 datagram, as far as the witness looks into it."""
    __slots__ = ("src", "dst", "proto", "first", "payload")

    def __init__(self, data):
        if len(data) < 20 or data[0] >> 4 != 4:
            raise ValueError("not IPv4")
        header = (data[0] & 15) * 4
        total = struct.unpack_from("!H", data, 2)[0]
        if header < 20 or total < header or total > len(data):
            raise ValueError("bad IPv4 header")
        self.proto = data[9]
        self.first = struct.unpack_from("!H", data, 6)[0] & 0x1FFF == 0
        self.src = socket.inet_ntoa(data[12:16])
        self.dst = socket.inet_ntoa(data[16:20])
        self.payload = data[header:total]

    def ports(self):
        return struct.unpack_from("!HH", self.payload) if len(self.payload) >= 4 else (0, 0)

    def spi(self):
        return struct.unpack_from("!I", self.payload)[0] if len(self.payload) >= 8 else 0


def packets(path):
    for frame in frames(path):
        if len(frame) >= 34 and struct.unpack_from("!H", frame, 12)[0] == ETH_P_IP:
            try:
                yield Packet(frame[14:])
            except ValueError:
                continue


def unwrap(packet):
    """The datagram inside IP-IP or GRE without options, or None."""
    try:
        if packet.proto == IPIP:
            return Packet(packet.payload)
        if packet.proto == GRE and len(packet.payload) > 4:
            flags, kind = struct.unpack_from("!HH", packet.payload)
            skip = 4 + 4 * bool(flags & 0x8000) + 4 * bool(flags & 0x2000) + 4 * bool(flags & 0x1000)
            if kind == ETH_P_IP:
                return Packet(packet.payload[skip:])
    except ValueError:
        pass
    return None


class Needle:
    """Finds any 16 bytes of a file, at any offset of the file, in any bytes.

    Words of 8 bytes at multiples of 8 in the file, looked for at every offset:
    16 bytes of the file in a row always hold one of them whole.
    """

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        count = len(data) // WORD
        if count == 0:
            raise ValueError(f"{path} is too short to look for")
        self.words = set(struct.unpack_from(f"<{count}Q", data))

    def inside(self, data):
        for offset in range(WORD):
            count = (len(data) - offset) // WORD
            if count > 0 and not self.words.isdisjoint(struct.unpack_from(f"<{count}Q", data, offset)):
                return True
        return False


def ike_version(payload):
    """Of a UDP payload that is one whole message of IKE (RFC 2408 3.1, RFC 7296 3.1); else 0."""
    data = payload[8:]
    if (len(data) >= 28 and data[:8] != bytes(8) and data[17] >> 4 in (1, 2)
            and struct.unpack_from("!I", data, 24)[0] == len(data)):
        return data[17] >> 4
    return 0


# ---- the proof

def hex_spi(spi):
    return f"0x{spi:08x}"


def look_public(path, nb, y1, y2, needle):
    """Counts what crossed between N's public address and each peer."""
    seen = {"faults": [], "spi_in": {}, "spi_out": {}, "protocols": {}, "esp_packets": 0,
            "esp_bytes": 0, "ike_packets": 0, "ike_versions": [], "clear_packets_y1": 0, "clear_packets_y2": 0,
            "udp_4500": 0}
    strange = {}
    for p in packets(path):
        ends = {p.src, p.dst}
        if ends == {nb, y2}:
            if needle.inside(p.payload):
                seen["clear_packets_y2"] += 1
            continue
        if ends != {nb, y1}:
            # Nothing of a laptop's private address may show here either.
            if p.src.startswith("10.") or p.dst.startswith("10."):
                key = f"private address on the public wire: {p.src} > {p.dst}"
                strange[key] = strange.get(key, 0) + 1
            continue
        name = NAMES.get(p.proto, str(p.proto))
        if p.proto == UDP and p.first and 4500 in p.ports():
            seen["udp_4500"] += 1
        if needle.inside(p.payload):
            seen["clear_packets_y1"] += 1
        if p.proto == ESP:
            seen["esp_packets"] += 1
            seen["esp_bytes"] += len(p.payload)
            if p.first:
                side = seen["spi_in" if p.dst == nb else "spi_out"]
                side[p.spi()] = side.get(p.spi(), 0) + 1
        elif p.proto == UDP and (not p.first or (500 in p.ports() and ike_version(p.payload))):
            seen["ike_packets"] += 1
            if p.first and ike_version(p.payload) not in seen["ike_versions"]:
                seen["ike_versions"].append(ike_version(p.payload))
            name = "IKE"
        else:
            if p.proto in (UDP, TCP) and p.first:
                name += " %d > %d" % p.ports()
            key = f"neither ESP nor IKE between Nb and y1: {name}, {p.src} > {p.dst}"
            strange[key] = strange.get(key, 0) + 1
        seen["protocols"][name] = seen["protocols"].get(name, 0) + 1
    seen["faults"] += [f"{text} ({count} packets)" for text, count in list(strange.items())[:10]]
    return seen


def look_private(path, nb, y1, laptops):
    """Which laptop each inbound SPI was tunnelled to: {spi: {laptop: packets}}."""
    reached = {}
    for outer in packets(path):
        inner = unwrap(outer)
        if (inner is not None and inner.proto == ESP and inner.src == y1 and inner.dst == nb
                and inner.first and outer.dst in laptops.values()):
            host = next(n for n, a in laptops.items() if a == outer.dst)
            counts = reached.setdefault(inner.spi(), {})
            counts[host] = counts.get(host, 0) + 1
    return reached


def check(a):
    needle = Needle(a.file)
    laptops = {"x1": a.x1, "x2": a.x2}
    seen = look_public(a.public, a.nb, a.y1, a.y2, needle)
    faults = seen["faults"]
    reached = look_private(a.private, a.nb, a.y1, laptops)
    owners = {}
    for spi, count in seen["spi_in"].items():
        hosts = reached.get(spi, {})
        if len(hosts) > 1:
            faults.append(f"SPI {hex_spi(spi)} reached both laptops: {hosts}")
        elif len(hosts) == 1:
            owners[spi] = next(iter(hosts))
        elif count > a.lost:
            faults.append(f"SPI {hex_spi(spi)}: {count} packets came to Nb, none reached a laptop")
    for spi in reached:
        if spi not in seen["spi_in"]:
            faults.append(f"SPI {hex_spi(spi)} reached a laptop but never crossed the public wire")
    for pair in a.owner or []:
        spi_text, _, host = pair.partition("=")
        spi = int(spi_text, 16)
        if owners.get(spi, host) != host:
            faults.append(f"SPI {spi_text} is {host}'s but reached {owners[spi]}")
    if seen["clear_packets_y1"]:
        faults.append(f"{seen['clear_packets_y1']} packets between Nb and y1 hold the file in the clear")
    if seen["udp_4500"]:
        faults.append(f"{seen['udp_4500']} packets of UDP 4500 between Nb and y1")
    for host in laptops:
        if host not in owners.values():
            faults.append(f"no inbound SPI reached {host}")
    if seen["esp_bytes"] < a.least:
        faults.append(f"only {seen['esp_bytes']} bytes of ESP between Nb and y1, at least {a.least} were due")
    if not seen["ike_packets"]:
        faults.append("no IKE between Nb and y1")
    elif seen["ike_versions"] != [a.ike]:
        faults.append(f"IKE of versions {seen['ike_versions']} between Nb and y1, of {a.ike} alone was due")
    # The same search must find the file where it does cross in the clear,
    # or its finding nothing toward y1 would prove nothing.
    if not seen["clear_packets_y2"]:
        faults.append("the clear transfer from y2 was not recognised, so the search proves nothing")
    print(json.dumps({
        "ok": not faults, "faults": faults,
        "esp_packets": seen["esp_packets"], "esp_bytes": seen["esp_bytes"],
        "ike_packets": seen["ike_packets"], "ike_versions": seen["ike_versions"], "udp_4500": seen["udp_4500"],
        "clear_packets_y1": seen["clear_packets_y1"], "clear_packets_y2": seen["clear_packets_y2"],
        "protocols": seen["protocols"],
        "spi_in": {hex_spi(s): {"packets": n, "host": owners.get(s, "")}
                   for s, n in seen["spi_in"].items()},
        "spi_out": {hex_spi(s): {"packets": n} for s, n in seen["spi_out"].items()},
    }, indent=1))
    return 1 if faults else 0


def only(a):
    """Whether the address's datagrams are of these protocols, and of no other."""
    n = {}
    for p in packets(a.file):
        if a.address in (p.src, p.dst):
            name = NAMES.get(p.proto, str(p.proto))
            n[name] = n.get(name, 0) + 1
    print(f"{a.address}:", ", ".join(f"{n[k]} {k}" for k in sorted(n)) or "nothing")
    return 0 if n and set(n) <= set(a.protocol) else 1


def refused(a):
    """Resets of TCP connections at a port, and errors about TCP or ESP, in tunnels too; fails if there are any."""
    resets, errors = 0, 0
    for p in packets(a.file):
        for q in (p, unwrap(p)):
            if q is None or not q.first:
                continue
            if q.proto == TCP and a.port in q.ports() and len(q.payload) >= 14 and q.payload[13] & 4:
                resets += 1
            if q.proto == ICMP and len(q.payload) >= 18 and q.payload[0] in (3, 11, 12):
                errors += q.payload[17] in (TCP, ESP)
    print(f"{resets} resets, {errors} ICMP errors")
    return 1 if resets or errors else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    c = verbs.add_parser("capture")
    c.add_argument("--interface", required=True)
    c.add_argument("--out", required=True)
    c.add_argument("--mb", type=int, default=64, help="of memory for a busy moment")
    k = verbs.add_parser("check")
    k.add_argument("--public", required=True, help="capture at N's public port")
    k.add_argument("--private", required=True, help="capture at N's private port")
    k.add_argument("--file", required=True, help="what was transferred")
    k.add_argument("--ike", type=int, default=2, help="the version of IKE that is due")
    k.add_argument("--nb", default="198.51.100.1")
    k.add_argument("--y1", default="198.51.100.10")
    k.add_argument("--y2", default="198.51.100.20")
    k.add_argument("--x1", default="10.0.0.11")
    k.add_argument("--x2", default="10.0.0.12")
    k.add_argument("--least", type=int, default=0, help="bytes of ESP that must have crossed")
    k.add_argument("--lost", type=int, default=0,
                   help="packets an SPI may have had on the public wire alone")
    k.add_argument("--owner", action="append", metavar="SPI=HOST",
                   help="what a laptop says of an inbound SPI")
    o = verbs.add_parser("only")
    o.add_argument("--file", required=True, help="a capture")
    o.add_argument("--address", required=True)
    o.add_argument("protocol", nargs="+", choices=sorted(NAMES.values()))
    r = verbs.add_parser("refused")
    r.add_argument("--file", required=True, help="a capture")
    r.add_argument("--port", type=int, required=True)
    a = parser.parse_args()
    if a.verb == "capture":
        return capture(a.interface, a.out, a.mb)
    return {"only": only, "refused": refused, "check": check}[a.verb](a)


if __name__ == "__main__":
    sys.exit(main())
