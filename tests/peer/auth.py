"""auth.py - signed messages as doc/wire.md has them (vendor subtypes 2 and 4), for both ends"""
import hashlib
import hmac
import os
import socket
import struct

import rsip

VENDOR, AUTH, FLOOR = 32473, 2, 4
JUMP = 0xffffffff


class Auth:
    """One end's index and counters.  host and gateway: their addresses, as text."""

    def __init__(self, secret, key_id, host, gateway):
        self.secret = secret
        self.key_id = key_id
        self.ends = socket.inet_aton(host) + socket.inet_aton(gateway)
        self.index = int.from_bytes(os.urandom(8), 'big') | 1
        self.echo = 0           # the other end's index
        self.sent = self.seen = 0

    def mac(self, data):
        return hmac.new(self.secret, self.ends + data + bytes(16),
                        hashlib.sha256).digest()[:16]

    def sign(self, data, echo=None, floor=None):
        tail = b''
        if floor is not None:
            tail += struct.pack('!BHHHQ', rsip.VENDOR, 12, VENDOR, FLOOR, floor)
        self.sent += 1
        tail += struct.pack('!BHHHIQQQ', rsip.VENDOR, 48, VENDOR, AUTH,
                            self.key_id, self.index,
                            self.echo if echo is None else echo, self.sent)
        size = struct.pack('!H', len(data) + len(tail) + 16)
        data = data[:2] + size + data[4:] + tail
        return data + self.mac(data)

    def read(self, data, params):
        """(index, echo, counter, floor or None) if key and MAC are right."""
        ours = [v for k, v in params if k == rsip.VENDOR and v[0] == VENDOR]
        if not ours or ours[-1][1] != AUTH or \
                params[-1] != (rsip.VENDOR, ours[-1]):
            return None
        key, index, echo, counter = struct.unpack('!IQQQ', ours[-1][2][:28])
        if key != self.key_id or not hmac.compare_digest(
                self.mac(data[:-16]), data[-16:]):
            return None
        floor = [struct.unpack('!Q', v[2])[0] for v in ours if v[1] == FLOOR]
        return index, echo, counter, floor[0] if floor else None

    def newer(self, counter):
        return 0 < counter - self.seen <= JUMP

    # --- a gateway ---

    def take(self, index, echo, counter):
        """Is it a new message of the host's?"""
        if echo != self.index or not self.newer(counter):
            return False
        self.echo, self.seen = index, counter
        return True

    # --- a host ---

    def begin_anew(self, index, counter, floor):
        """The gateway's answer to what it cannot tell from a recorded message."""
        self.echo, self.seen, self.sent = index, counter, floor
        self.index += 1
