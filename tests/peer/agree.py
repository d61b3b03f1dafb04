#!/usr/bin/env python3
"""agree.py CODEC_PIPE [SEED] - the two codecs agree on 10 000 random messages

Valid ones: proto/ reads each and writes it again with the same parameters.
Invalid ones (random damage to valid ones): both refuse, or both accept.
"""
import random
import struct
import subprocess
import sys

import rsip

VALID = 10000
DAMAGED = 20000


class Codec:
    def __init__(self, path):
        self.p = subprocess.Popen([path], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)

    def ask(self, data):
        self.p.stdin.write(struct.pack('!H', len(data)) + data)
        self.p.stdin.flush()
        error, length = struct.unpack('!HH', self.p.stdout.read(4))
        return error, self.p.stdout.read(length)


def canonical(params):
    """What two writings of one message have in common: required parameters in
    order are compared as they stand, the rest as a set; foreign vendors'
    parameters are dropped by a reader (8.12); a MAC is not written without the
    secret."""
    kept = [(k, tuple(v) if isinstance(v, list) else v) for k, v in params
            if k != rsip.VENDOR]
    kept += [(k, (v[1], v[2][:-16] if v[1] == 2 else v[2])) for k, v in params
             if k == rsip.VENDOR and v[0] == rsip.OURS and 1 <= v[1] <= 4]
    return sorted(map(repr, kept))


def damage(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2])):
        how = rng.randrange(5)
        at = rng.randrange(len(data))
        if how == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            data[at] = rng.randrange(256)
        elif how == 2:
            data = data[:max(4, at)]
        elif how == 3 and len(data) > 8:
            del data[at:at + rng.randint(1, 8)]
        else:
            data[at:at] = rng.randbytes(rng.randint(1, 8))
        if not data:
            data = bytearray(4)
    # Mostly a right overall length, so that the damage lies deeper.
    if len(data) >= 4 and rng.random() < 0.9:
        struct.pack_into('!H', data, 2, len(data))
    return bytes(data)


def main():
    codec = Codec(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 3103
    rng = random.Random(seed)
    wrong = same_code = refused = 0

    def complain(why, data):
        nonlocal wrong
        wrong += 1
        if wrong <= 10:
            print('%s: %s' % (why, data.hex()))

    messages = []
    for _ in range(VALID):
        mtype, params = rsip.random_message(rng)
        data = rsip.encode(mtype, params)
        if len(data) < 2000:
            messages.append(data)
        error, again = codec.ask(data)
        if error:
            complain('valid %s refused with %d' % (rsip.name(mtype), error), data)
            continue
        got_type, got = rsip.decode(again)
        if got_type != mtype or canonical(got) != canonical(rsip.decode(data)[1]):
            complain('%s changed' % rsip.name(mtype), data)
        required = len(rsip.MESSAGES[mtype][0])
        if got[:required] != rsip.decode(data)[1][:required]:
            complain('%s reordered' % rsip.name(mtype), data)
    for _ in range(DAMAGED):
        data = damage(rng, rng.choice(messages))
        try:
            rsip.decode(data)
            code = 0
        except rsip.Bad as e:
            code = e.code
        error, again = codec.ask(data)
        if bool(error) != bool(code):
            complain('peer says %d, proto says %d' % (code, error), data)
        elif error:
            refused += 1
            same_code += error == code
            if error not in (106, 201, 202, 203, 204, 205, 206, 207):
                complain('refused with %d' % error, data)
    print('%d valid messages, %d damaged ones (%d refused by both, %d with the '
          'same code), %d disagreements' % (VALID, DAMAGED, refused, same_code,
                                            wrong))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
