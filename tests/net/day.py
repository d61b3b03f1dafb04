# day.py - a laptop's programs of a day: who notes when it was answered, the clocks' master, and what a capture holds
#
#   udp HOST PORT FILE       a datagram every 25 ms, from a new socket as programs
#                            make one; a line "TIME" in FILE for each answer
#   tcp HOST PORT FILE       keys typed in a session, ten a second, each echoed: a line
#                            "TIME LOCAL" for each; "TIME dead WHY" at its end
#   gap FILE FROM TO         the longest time without an answer between the two
#   clock FILE MONO BOOT     from now on the clocks of FILE's daemons go so many times
#                            as fast (day_clock.c)
#   sent HOST FROM TO PCAP...  packets to HOST in that time, tunnelled or not: how many are
#                            neither ESP nor IKE, and how many are
import mmap
import os
import socket
import struct
import sys
import time

from attack_paranoid import IKE, Net, clear, to
from laptop_gap import datagrams

EVERY = 0.025
REMAKE = 0.7          # more than the worst path takes
SLOT, SLOTS = struct.Struct('=5d'), 64


def udp(host, port, path):
    log = open(path, 'a', buffering=1)
    datagrams(host, port, lambda: print('%.3f' % time.time(), file=log),
              EVERY, REMAKE)


def tcp(host, port, path):
    log = open(path, 'a', buffering=1)
    try:
        s = socket.create_connection((host, port), 20)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.settimeout(600)
        local = '%s:%d' % s.getsockname()
        while True:
            s.sendall(b'x')
            if not s.recv(1):
                raise OSError('closed')
            print('%.3f' % time.time(), local, file=log)
            time.sleep(0.1)
    except OSError as e:
        print('%.3f' % time.time(), 'dead', e, file=log)


def gap(path, begin, end):
    worst, last = 0.0, float(begin)
    with open(path) as f:
        for line in f:
            t = float(line.split()[0])
            if 'dead' in line or t < last:
                continue
            if t > float(end):
                break
            worst, last = max(worst, t - last), t
    print('%.2f' % max(worst, float(end) - last))


def clock(path, mono_speed, boot_speed):
    """The daemons' clocks go on from what they are now."""
    size = 8 + SLOTS * SLOT.size
    fresh = not os.path.exists(path)
    with open(path, 'w+b' if fresh else 'r+b') as f:
        if fresh:
            f.truncate(size)
            os.chmod(path, 0o644)
        m = mmap.mmap(f.fileno(), size)
        n = struct.unpack_from('=q', m)[0]
        real = time.clock_gettime(time.CLOCK_MONOTONIC) * 1e9
        if fresh:
            mono, boot = real, time.clock_gettime(time.CLOCK_BOOTTIME) * 1e9
        else:
            at, mono, boot, ms, bs = SLOT.unpack_from(m, 8 + n * SLOT.size)
            mono, boot = mono + (real - at) * ms, boot + (real - at) * bs
        n += 1
        SLOT.pack_into(m, 8 + n * SLOT.size, real, mono, boot,
                       float(mono_speed), float(boot_speed))
        struct.pack_into('=q', m, 0, n)


def packets(path):
    """(time, IPv4 packet) of a capture of Ethernet."""
    with open(path, 'rb') as f:
        data = f.read()
    order = '<' if data[:1] in (b'\xd4', b'\x4d') else '>'
    nano = data[:4] in (b'\x4d\x3c\xb2\xa1', b'\xa1\xb2\x3c\x4d')
    at = 24
    while at + 16 <= len(data):
        sec, sub, n = struct.unpack_from(order + 'III', data, at)
        frame = data[at + 16:at + 16 + n]
        at += 16 + n
        if frame[12:14] == b'\x08\x00':
            yield sec + sub / (1e9 if nano else 1e6), frame[14:]


def is_error(p):
    """A router's ICMP error about a packet that was encrypted says nothing of it."""
    p = p[(p[0] & 15) * 4:]
    if len(p) < 32 or p[0] not in (3, 11, 12):
        return False
    about = p[8:]
    ports = struct.unpack('!HH', about[(about[0] & 15) * 4:][:4])
    return about[9] == 50 or about[9] == 17 and any(x in IKE for x in ports)


def sent(host, begin, end, *paths):
    net, show = Net(host), 'DAY_SHOW' in os.environ
    opened = sealed = 0
    for path in paths:
        for when, p in packets(path):
            if float(begin) <= when <= float(end) and to(p, net):
                if to(p, net)[9] == 1 and is_error(to(p, net)):
                    continue
                if clear(p, net):
                    opened += 1
                    if show:
                        print('%.3f' % when, path, p[:40].hex(), file=sys.stderr)
                else:
                    sealed += 1
    print(opened, sealed)


def main():
    what, *args = sys.argv[1:]
    if what in ('udp', 'tcp'):
        args[1] = int(args[1])
    {'udp': udp, 'tcp': tcp, 'gap': gap, 'clock': clock, 'sent': sent}[what](*args)


if __name__ == '__main__':
    main()
