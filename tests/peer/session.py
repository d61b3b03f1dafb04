"""session.py - RSIP over TCP or UDP for tests, on top of the second codec"""
import socket
import struct
import time

import rsip
from auth import Auth


def find(params, kind, nth=0):
    """The nth value of a parameter, or None."""
    values = [v for k, v in params if k == kind]
    return values[nth] if nth < len(values) else None


class Closed(Exception):
    """The other side closed the connection."""


class Session:
    """One host's talk with a gateway: TCP, or UDP with message counters."""

    def __init__(self, gateway, port=4555, udp=False, source=None, timeout=5,
                 secret=None, key_id=0):
        self.udp = udp
        self.timeout = timeout
        self.counter = 0
        self.buffer = b''
        self.last = b''
        self.waiting = []       # asynchronous messages that came meanwhile
        self.client = None
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp
                                  else socket.SOCK_STREAM)
        if source:
            self.sock.bind((source, 0))
        self.sock.settimeout(timeout)
        self.sock.connect((gateway, port))
        self.gateway = gateway
        self.auth = None
        if secret is not None:
            self.sign_with(secret, key_id)

    def sign_with(self, secret, key_id):
        self.auth = Auth(secret, key_id, self.sock.getsockname()[0],
                         self.gateway)

    def close(self):
        self.sock.close()

    def send_raw(self, data):
        self.last = data
        self.sock.sendall(data)

    def send(self, mtype, *params, counter=None):
        params = list(params)
        if self.udp and counter is None:
            self.counter = self.counter % 0xffffffff + 1
            counter = self.counter
        if counter is not None and counter is not False:
            params.append((rsip.COUNTER, counter))
        data = rsip.encode(mtype, params)
        if self.auth is not None:
            data = self.auth.sign(data)
        self.send_raw(data)

    def receive_raw(self, timeout=None):
        self.sock.settimeout(self.timeout if timeout is None else timeout)
        if self.udp:
            return self.sock.recv(65535)
        while len(self.buffer) < 4 or \
                len(self.buffer) < struct.unpack_from('!H', self.buffer, 2)[0]:
            more = self.sock.recv(65535)
            if not more:
                raise Closed()
            self.buffer += more
        length = struct.unpack_from('!H', self.buffer, 2)[0]
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def receive(self, timeout=None):
        self.heard = self.receive_raw(timeout)
        return rsip.decode(self.heard)

    def answer(self):
        """The next message; a datagram that may be lost is sent again (10.1)."""
        end = time.monotonic() + self.timeout
        while self.udp and time.monotonic() < end - 1:
            try:
                return self.receive(1)
            except socket.timeout:
                self.sock.sendall(self.last)
        return self.receive()

    def is_again(self, data, got):
        """Does the gateway tell what it needs to know a message as new?"""
        said = self.auth and self.auth.read(data, got[1])
        if not said or said[3] is None or said[1] != self.auth.index:
            return False
        self.auth.begin_anew(said[0], said[2], said[3])
        return True

    def request(self, mtype, *params, **kw):
        """Sends and returns the answer; on UDP others are put in waiting."""
        got = self.request_once(mtype, *params, **kw)
        if self.auth and self.is_again(self.heard, got):
            got = self.request_once(mtype, *params, **kw)
        return got

    def request_once(self, mtype, *params, **kw):
        self.send(mtype, *params, **kw)
        for _ in range(20):
            got = self.answer()
            if self.udp and find(got[1], rsip.COUNTER) != self.counter:
                self.waiting.append(got)
                continue
            return got
        raise Closed()

    # --- the exchanges of section 9 in short ---

    def register(self):
        got = self.request(rsip.REGISTER_REQUEST)
        if got[0] == rsip.REGISTER_RESPONSE:
            self.client = find(got[1], rsip.CLIENT)
        return got

    def me(self):
        return (rsip.CLIENT, self.client)

    def assign_rsap(self, local=None, ports=(1,), remote=None, remote_ports=(1,),
                    *more, mtype=rsip.ASSIGN_REQUEST_RSAP_IP):
        return self.request(
            mtype, self.me(), rsip.address(local), rsip.ports(*ports),
            remote if isinstance(remote, tuple) else rsip.address(remote),
            rsip.ports(*remote_ports), *more)

    def listen(self, *args, **kw):
        return self.assign_rsap(*args, mtype=rsip.LISTEN_REQUEST, **kw)

    def assign_rsa(self, local=None, remote=None, remote_ports=(1,), *more):
        return self.request(
            rsip.ASSIGN_REQUEST_RSA_IP, self.me(), rsip.address(local),
            rsip.address(remote), rsip.ports(*remote_ports), *more)

    def assign_ipsec(self, local=None, ports=(), remote=None,
                     remote_ports=None, spis=(1,), *more):
        if remote_ports is None:
            remote_ports = () if not ports else (1,)
        return self.request(
            rsip.ASSIGN_REQUEST_RSIPSEC, self.me(), rsip.address(local),
            rsip.ports(*ports), rsip.address(remote), rsip.ports(*remote_ports),
            rsip.spis(*spis), *more)

    def extend(self, bind, *more):
        return self.request(rsip.EXTEND_REQUEST, self.me(), (rsip.BIND, bind),
                            *more)

    def free(self, bind):
        return self.request(rsip.FREE_REQUEST, self.me(), (rsip.BIND, bind))

    def deregister(self, client=None):
        return self.request(rsip.DEREGISTER_REQUEST,
                            (rsip.CLIENT, self.client if client is None else client))


def error_of(got):
    """The error number of an ERROR_RESPONSE, else None."""
    return find(got[1], rsip.ERROR) if got[0] == rsip.ERROR_RESPONSE else None
