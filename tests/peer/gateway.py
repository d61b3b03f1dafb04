"""gateway.py - plays an RSIP gateway for rsipc, on top of the second codec

Run as root in the gateway's namespace.  It grants what it is asked for, is the
whole public realm itself (every address answers UDP with an echo and ICMP echo
requests), writes one line for each thing it sees to stdout, and misbehaves on
command: one word a line on stdin.

  forget        loses all state, as a restart would; closes TCP connections
  close         closes TCP connections, keeps the state
  error N       asynchronous ERROR_RESPONSE N to the host
  free          takes the main binding back (asynchronous FREE_RESPONSE)
  deregister    asynchronous DE-REGISTER_RESPONSE
  refuse PORT   will not lease that port
  drop N        does not hear the next N requests (UDP)
  garbage       sends what is no message (TCP: then nothing can follow)
  stray ADDRESS tunnels a packet to the host from that address of ours
  other         the next address is another one
"""
import argparse
import os
import selectors
import socket
import struct
import sys
import time

import rsip
from auth import Auth

V_COOKIES, V_FQDN = 1, 3
VENDOR = 32473


def say(*words):
    print(*words, flush=True)


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(src, dst, proto, payload, ident=0):
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), ident, 0,
                       64, proto, 0, src, dst)
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + payload


class Host:
    """What the gateway knows of one registered host."""

    def __init__(self, client, peer):
        self.client = client
        self.peer = peer
        self.binds = {}
        self.last = (None, b'')     # counter, answer: "last message"


class Gateway:
    def __init__(self, args):
        self.args = args
        self.sel = selectors.DefaultSelector()
        self.next_client = 100
        self.hosts = {}             # by address
        self.refused = set()
        self.drop = args.drop
        self.address = 1
        self.next_port = args.first_port
        self.auths = {}         # by host
        self.connections = {}
        at = args.address
        if not args.no_tcp:
            self.tcp = socket.socket()
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.tcp.bind((at, args.port))
            self.tcp.listen()
            self.sel.register(self.tcp, selectors.EVENT_READ, self.accept)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((at, args.port))
        self.sel.register(self.udp, selectors.EVENT_READ, self.datagram)
        self.raw = {}
        for proto in (4, 47):
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
            s.bind((at, 0))
            self.raw[proto] = s
            self.sel.register(s, selectors.EVENT_READ, self.tunnelled)
        self.sel.register(sys.stdin, selectors.EVENT_READ, self.command)

    def run(self):
        say('ready')
        while True:
            for key, _ in self.sel.select():
                key.data(key.fileobj)

    # --- RSIP ---

    def accept(self, sock):
        conn, peer = sock.accept()
        self.connections[conn] = [b'', peer]
        self.sel.register(conn, selectors.EVENT_READ, self.stream)
        say('tcp', peer[0])

    def close(self, conn):
        self.sel.unregister(conn)
        del self.connections[conn]
        conn.close()

    def stream(self, conn):
        state = self.connections[conn]
        try:
            more = conn.recv(65535)
        except OSError:
            more = b''
        if not more:
            self.close(conn)
            return
        state[0] += more
        while len(state[0]) >= 4:
            length = struct.unpack_from('!H', state[0], 2)[0]
            if len(state[0]) < length:
                break
            data, state[0] = state[0][:length], state[0][length:]
            out = self.answer(data, ('tcp', state[1][0], conn))
            if out and conn in self.connections:
                conn.sendall(out)

    def datagram(self, sock):
        data, peer = sock.recvfrom(65535)
        if self.drop > 0:
            self.drop -= 1
            say('dropped', data[1])
            return
        if self.args.use_tcp:
            counter = [v for k, v in rsip.decode(data)[1] if k == rsip.COUNTER]
            out = rsip.encode(rsip.ERROR_RESPONSE, [(rsip.ERROR, 102)] +
                              [(rsip.COUNTER, c) for c in counter])
        else:
            out = self.answer(data, ('udp', peer[0], peer))
        if out:
            sock.sendto(out, peer)

    def authentic(self, data, params, peer):
        """What to sign the answer with, and whether the request is believed."""
        if not self.args.secret:
            return None, True
        auth = self.auths.setdefault(peer[1], Auth(
            self.args.secret.encode(), self.args.key_id, peer[1],
            self.args.address))
        said = auth.read(data, params)
        if said is None:
            return None, False
        if auth.take(*said[:3]):
            return auth.sign, True
        say('stale', 'counter', said[2])
        return (lambda out: auth.sign(out, echo=said[0], floor=auth.seen)), False

    def answer(self, data, peer):
        try:
            mtype, params = rsip.decode(data)
        except rsip.Bad as bad:
            say('unreadable', bad)
            return rsip.encode(rsip.ERROR_RESPONSE, [(rsip.ERROR, bad.code)])
        counter = next((v for k, v in params if k == rsip.COUNTER), None)
        if peer[0] == 'udp' and counter is None:
            return rsip.encode(rsip.ERROR_RESPONSE, [(rsip.ERROR, 105)])
        host = self.hosts.get(peer[1])
        if host and peer[0] == 'udp' and host.last[0] == counter and \
                host.peer == peer:
            say('duplicate', counter)
            return host.last[1]
        say('request', rsip.name(mtype), *(['counter', counter] if counter
                                           else []))
        sign, good = self.authentic(data, params, peer)
        if not good:
            if sign is None:
                say('unauthentic')
            kind, out = rsip.ERROR_RESPONSE, [(rsip.ERROR, 304)]
        else:
            kind, out = self.serve(mtype, params, peer, host)
        if counter is not None and not self.args.no_counters:
            out.append((rsip.COUNTER, counter))
        if kind == rsip.ERROR_RESPONSE:
            say('answer', 'error', out[0][1])
        elif kind == rsip.REGISTER_RESPONSE:
            # Optional parameters of REGISTER_RESPONSE stand last.
            out += [(rsip.METHOD, m) for m in self.args.methods] + \
                [(rsip.TUNNEL, t) for t in self.args.tunnels]
        out = rsip.encode(kind, out)
        if sign is not None:
            out = sign(out)
        host = self.hosts.get(peer[1])
        if host:
            host.peer = peer
            host.last = (counter, out)
        return out

    def error(self, code, client=None):
        return rsip.ERROR_RESPONSE, [(rsip.ERROR, code)] + (
            [(rsip.CLIENT, client)] if client is not None else [])

    def serve(self, mtype, params, peer, host):
        get = lambda kind, n=0: [v for k, v in params if k == kind][n]
        if mtype == rsip.REGISTER_REQUEST:
            if host:
                return self.error(302, host.client)
            for key, value in params:
                if key == rsip.VENDOR and value[:2] == (VENDOR, V_FQDN):
                    say('fqdn', value[2].decode())
            self.next_client += 1
            self.hosts[peer[1]] = Host(self.next_client, peer)
            return rsip.REGISTER_RESPONSE, [
                (rsip.CLIENT, self.next_client), (rsip.LEASE, self.args.lease),
                (rsip.POLICY, (1, 3))]
        if not host:
            return self.error(301)
        if get(rsip.CLIENT) != host.client:
            return self.error(305)
        if mtype == rsip.DEREGISTER_REQUEST:
            del self.hosts[peer[1]]
            say('deregistered', host.client)
            return rsip.DEREGISTER_RESPONSE, [(rsip.CLIENT, host.client)]
        if mtype in (rsip.EXTEND_REQUEST, rsip.FREE_REQUEST):
            bind = get(rsip.BIND)
            if bind not in host.binds:
                return self.error(306)
            out = [(rsip.CLIENT, host.client), (rsip.BIND, bind)]
            if mtype == rsip.FREE_REQUEST:
                del host.binds[bind]
                return rsip.FREE_RESPONSE, out
            return rsip.EXTEND_RESPONSE, out + [(rsip.LEASE, self.args.lease)]
        if mtype == rsip.QUERY_REQUEST:
            out = [(rsip.CLIENT, host.client)]
            for net in self.args.local:
                addr, mask = net.split('/')
                out += [(rsip.INDICATOR, 2), (rsip.ADDRESS, (rsip.IPV4, addr)),
                        (rsip.ADDRESS, (rsip.NETMASK, mask))]
            return rsip.QUERY_RESPONSE, out
        if mtype in (rsip.ASSIGN_REQUEST_RSAP_IP, rsip.LISTEN_REQUEST,
                     rsip.ASSIGN_REQUEST_RSIPSEC, rsip.ASSIGN_REQUEST_RSA_IP):
            return self.assign(mtype, params, host)
        return self.error(208)

    def assign(self, mtype, params, host):
        get = lambda kind, n=0: [v for k, v in params if k == kind][n]
        if mtype == rsip.ASSIGN_REQUEST_RSIPSEC and 3 not in self.args.methods:
            return self.error(401)
        bind = len(host.binds) + 1 + (self.next_client << 8)
        while bind in host.binds:
            bind += 1
        local = get(rsip.ADDRESS)[1] or '192.0.2.%d' % self.address
        out = [(rsip.CLIENT, host.client), (rsip.BIND, bind),
               (rsip.ADDRESS, (rsip.IPV4, local))]
        ports = None
        if mtype != rsip.ASSIGN_REQUEST_RSA_IP:
            ports = get(rsip.PORTS)
            if ports and not ports[1]:
                ports = (ports[0], [self.next_port])
                self.next_port += ports[0]
            if ports and set(ports[1]) & self.refused:
                return self.error(311)
            out.append((rsip.PORTS, ports))
        remote = get(rsip.ADDRESS, 1)
        out += [(rsip.ADDRESS, remote),
                (rsip.PORTS, get(rsip.PORTS, 1) if ports is not None or
                 mtype == rsip.ASSIGN_REQUEST_RSIPSEC
                 else get(rsip.PORTS))]
        if mtype == rsip.ASSIGN_REQUEST_RSIPSEC:
            number, fields = get(rsip.SPI)
            out.append((rsip.SPI, (number, fields or [0x1000 + bind])))
        tunnel = [v for k, v in params if k == rsip.TUNNEL]
        if tunnel and tunnel[0] not in self.args.tunnels:
            return self.error(307)
        last = [(rsip.LEASE, self.args.lease),
                (rsip.TUNNEL, tunnel[0] if tunnel else self.args.tunnels[0])]
        if mtype == rsip.LISTEN_REQUEST:
            last.reverse()
        out += last
        for key, value in params:
            if key == rsip.VENDOR and value[:2] == (VENDOR, V_COOKIES):
                want = struct.unpack('!H', value[2][:2])[0]
                say('cookies', want)
                out.append((rsip.VENDOR, (VENDOR, V_COOKIES, struct.pack(
                    '!H%dQ' % want, want, *range(0xc0de0001, 0xc0de0001 + want)))))
        host.binds[bind] = (local, ports, out[-1 if mtype != 16 else -2])
        host.tunnel = tunnel[0] if tunnel else self.args.tunnels[0]
        say('bound', bind, local, *(ports or ()))
        return mtype + 1, out

    def asynchronous(self, mtype, params):
        for host in list(self.hosts.values()):
            body = list(params)
            if mtype != rsip.ERROR_RESPONSE:
                body.insert(0, (rsip.CLIENT, host.client))
            if host.peer[0] == 'udp':
                body.append((rsip.COUNTER, 0))
            out = rsip.encode(mtype, body)
            if host.peer[1] in self.auths:
                out = self.auths[host.peer[1]].sign(out)
            if host.peer[0] == 'udp':
                self.udp.sendto(out, host.peer[2])
            elif host.peer[2] in self.connections:
                host.peer[2].sendall(out)

    def udp_all(self, data):
        for host in self.hosts.values():
            if host.peer[0] == 'udp':
                self.udp.sendto(data, host.peer[2])

    # --- commands ---

    def command(self, stdin):
        # All lines that came: a buffered reader would keep the second one.
        data = os.read(stdin.fileno(), 4096).decode()
        if not data:
            sys.exit(0)
        for line in data.splitlines():
            self.obey(*line.split())

    def obey(self, word, *rest):
        say('command', word, *rest)
        self.carry_out(word, *rest)
        say('done', word)

    def carry_out(self, word, *rest):
        if word == 'forget':
            self.hosts, self.auths = {}, {}
        if word in ('forget', 'close'):
            for conn in list(self.connections):
                self.close(conn)
        elif word == 'error':
            self.asynchronous(rsip.ERROR_RESPONSE,
                              [(rsip.ERROR, int(rest[0]))])
        elif word == 'free':
            for host in self.hosts.values():
                bind = min(host.binds)
                self.asynchronous(rsip.FREE_RESPONSE, [(rsip.BIND, bind)])
                del host.binds[bind]
        elif word == 'deregister':
            self.asynchronous(rsip.DEREGISTER_RESPONSE, [])
            self.hosts, self.auths = {}, {}
        elif word == 'refuse':
            self.refused.add(int(rest[0]))
        elif word == 'drop':
            self.drop = int(rest[0])
        elif word == 'garbage':
            for length in (0, 1, 2, 3, 50, 400):
                self.udp_all(os.urandom(length))
            for conn in self.connections:
                conn.sendall(b'\x01\x03\0\x09\xff\xff\xff\xff\xff' +
                             b'\x07' + os.urandom(1) + b'\0\x04' +
                             b'\x01\x03\0\x03' + os.urandom(500))
        elif word == 'stray':
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 4)
            s.bind((rest[0], 0))
            for addr, host in self.hosts.items():
                local = next(iter(host.binds.values()))[0]
                inner = ipv4(socket.inet_aton('203.0.113.9'),
                             socket.inet_aton(local), 17, bytes(8))
                s.sendto(inner, (addr, 0))
                # From the right one, but cut, and for somebody else.
                self.raw[4].sendto(inner[:19], (addr, 0))
                self.raw[4].sendto(ipv4(socket.inet_aton('203.0.113.9'),
                                        bytes([9, 9, 9, 9]), 17, bytes(8)),
                                   (addr, 0))
        elif word == 'other':
            self.address += 1

    # --- the data plane ---

    def tunnelled(self, sock):
        pkt, _ = sock.recvfrom(65535)
        outer = (pkt[0] & 15) * 4
        proto, host = pkt[9], pkt[12:16]
        if socket.inet_ntoa(host) not in self.hosts:
            say('unregistered data')
            return
        inner = pkt[outer:]
        if proto == 47:
            if inner[:4] != b'\0\0\x08\0':
                say('gre header', inner[:4].hex())
                return
            inner = inner[4:]
        head = (inner[0] & 15) * 4
        src, dst, kind = inner[12:16], inner[16:20], inner[9]
        body = inner[head:]
        where = socket.inet_ntoa(dst)
        if kind == 17:
            sport, dport = struct.unpack('!HH', body[:4])
            say('udp', socket.inet_ntoa(src), sport, where, dport, len(body) - 8)
            if dport in (53, 500):
                return
            body = struct.pack('!HHHH', dport, sport, len(body), 0) + body[8:]
        elif kind == 1 and body[0] == 8:
            say('echo', socket.inet_ntoa(src), where)
            body = b'\0\0\0\0' + body[4:]
            body = body[:2] + struct.pack('!H', checksum(body)) + body[4:]
        else:
            say('packet', kind, where)
            return
        back = ipv4(dst, src, kind, body)
        if proto == 47:
            back = b'\0\0\x08\0' + back
        self.raw[proto].sendto(back, (socket.inet_ntoa(host), 0))


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--address', default='10.0.0.1')
    p.add_argument('--port', type=int, default=4555)
    p.add_argument('--lease', type=int, default=60)
    p.add_argument('--methods', type=int, nargs='*', default=[2, 3])
    p.add_argument('--tunnels', type=int, nargs='*', default=[1, 2])
    p.add_argument('--first-port', type=int, default=30000)
    p.add_argument('--local', nargs='*', default=[])
    p.add_argument('--secret')
    p.add_argument('--key-id', type=int, default=1)
    p.add_argument('--drop', type=int, default=0)
    p.add_argument('--no-tcp', action='store_true')
    p.add_argument('--use-tcp', action='store_true')
    p.add_argument('--no-counters', action='store_true')
    Gateway(p.parse_args()).run()


if __name__ == '__main__':
    main()
