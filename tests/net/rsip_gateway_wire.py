"""rsip_gateway_wire.py [TEST...] - malformed messages, UDP, authentication and misuse against rsipd"""
import random
import socket
import struct
import sys
import threading
import time

import rsip
import rsip_lab as lab
from rsip import BIND, COUNTER, ERROR, LEASE, POLICY, PORTS, VENDOR
from rsip_lab import (GATEWAY, NB, SECRET, address, expand, host, is_error,
                      is_type, silence, test, tunnel, udp_packet)
from session import Closed, Session, error_of, find


# --- malformed and misplaced messages ----------------------------------------

@test
def malformed_messages_get_their_error():
    """App. A 201 to 208, 106; and the connection goes on"""
    s = host()
    good = rsip.encode(rsip.EXTEND_REQUEST, [s.me(), (BIND, 1)])
    lease = struct.pack('!BHI', LEASE, 4, 60)

    def raw(body, mtype=rsip.EXTEND_REQUEST, version=1):
        s.send_raw(struct.pack('!BBH', version, mtype, 4 + len(body)) + body)
        return s.receive()
    body = good[4:]
    is_error(raw(body[:7]), 201, s.client)
    is_error(raw(body[7:] + body[:7]), 201)
    is_error(raw(body + body[:7]), 202, s.client)
    is_error(raw(body + lease + lease), 202)
    is_error(raw(body + struct.pack('!BHBB', POLICY, 2, 1, 1)), 203, s.client, 1)
    is_error(raw(body + struct.pack('!BH', 13, 0)), 204, s.client, 1)
    is_error(raw(body + struct.pack('!BHH', LEASE, 2, 60)), 205, s.client, 1)
    is_error(raw(body, 18), 206, s.client, 1)
    is_error(raw(body, 255), 206, s.client, 1)
    is_error(raw(body + b'\3\0'), 207)
    is_error(raw(body, version=2), 106, s.client, 1)
    # 9.1.1, 10.1: on UDP a host finds its request by the counter.
    u = host(udp=True)
    for mtype, version, error in ((0, 1, 206), (10, 2, 106)):
        u.counter += 1
        ids = rsip.encode(rsip.FREE_REQUEST, [u.me(), (COUNTER, u.counter)])[4:]
        u.send_raw(struct.pack('!BBH', version, mtype, 4 + len(ids)) + ids)
        got = u.receive()
        is_error(got, error, u.client)
        assert find(got[1], COUNTER) == u.counter
    for mtype in (3, 5, 7, 9, 11, 13, 15, 17, 23):
        is_error(raw(body, mtype), 206)
    is_error(s.extend(1), 306)      # it still listens


@test
def an_error_response_is_not_answered():
    """9.1.3: no error can be caused by one"""
    s = host()
    s.send(rsip.ERROR_RESPONSE, (ERROR, 101))
    silence(s)
    is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def an_unreadable_stream_is_closed():
    """an overall length within the header: BAD_MESSAGE, then the end"""
    s = host()
    s.send_raw(b'\1\2\0\3')
    try:
        is_error(s.receive(), 207)
        s.receive()
        raise AssertionError('still open')
    except (Closed, ConnectionError):
        pass
    # The registration is not the connection's.
    t = Session(GATEWAY, source=s.sock.getsockname()[0])
    t.client = s.client
    is_type(t.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def a_stream_in_single_bytes():
    """messages are found in the stream by their length"""
    s = host()
    data = rsip.encode(rsip.QUERY_REQUEST, [s.me()]) * 2
    s.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(len(data)):
        s.sock.sendall(data[at:at + 1])
    for _ in range(2):
        is_type(s.receive(), rsip.QUERY_RESPONSE)
    s.sock.sendall(data * 50)
    for _ in range(100):
        is_type(s.receive(), rsip.QUERY_RESPONSE)


@test
def the_longest_message():
    """9.14.3: 65535 bytes of well-formed tuples are answered; damaged ones refused, and the stream goes on"""
    s = host()
    network = [(rsip.INDICATOR, 1), rsip.address('198.51.100.7')]
    # 4 bytes are left: too few for another indicator.
    data = rsip.encode(rsip.QUERY_REQUEST, [s.me()] + network * 5040)
    s.send_raw(data)
    got = is_type(s.receive(), rsip.QUERY_RESPONSE)
    assert sum(k == rsip.INDICATOR for k, _ in got) == 5040
    s.send_raw(data[:2] + b'\xff\xff' + data[4:] + b'\x0a\0\2\0')
    is_error(s.receive(), 207, s.client)
    is_type(s.request(rsip.QUERY_REQUEST, s.me()), rsip.QUERY_RESPONSE)


@test
def answers_that_are_read_late():
    """a host that asks faster than it reads gets every answer in the end"""
    s = host()
    total, rng = 20000, random.Random(4555)
    s.send(rsip.QUERY_REQUEST, s.me())
    length = len(s.receive_raw())
    assert length > 1000, length
    s.sock.settimeout(20)
    threading.Thread(target=s.sock.sendall, args=(s.last * total,),
                     daemon=True).start()
    time.sleep(0.3)
    left = total * length
    while left > 0:
        if rng.random() < 0.002:
            time.sleep(0.01)
        left -= len(s.sock.recv(rng.choice((100, 5000, 65535))))
    assert left == 0


@test
def connections_of_a_host_are_few():
    """the idle ones of a host give way; the one with its registration stays"""
    s = host()
    source = s.sock.getsockname()[0]
    idle = [Session(GATEWAY, source=source) for _ in range(12)]
    closed = 0
    for t in idle:
        t.sock.settimeout(1)
        try:
            closed += t.sock.recv(1) == b''
        except (TimeoutError, socket.timeout):
            pass
        except ConnectionError:
            closed += 1
    assert closed >= 9, closed
    is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
    is_type(host().assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def damaged_datagrams():
    """every truncation and some flips: an error or silence, never the end"""
    s = host(udp=True)
    data = rsip.encode(rsip.ASSIGN_REQUEST_RSIPSEC, [
        s.me(), rsip.address(), rsip.ports(), rsip.address(), rsip.ports(),
        rsip.spis(1), (COUNTER, 9)])
    bad = [data[:n] for n in range(len(data))]
    bad += [data[:n] + bytes([data[n] ^ v]) + data[n + 1:]
            for n in range(len(data)) for v in (1, 0x80, 0xff)]
    for datagram in bad:
        s.send_raw(datagram)
    time.sleep(0.3)
    other = host(udp=True)
    is_type(other.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def unknown_vendors_are_ignored():
    """8.12; also RFC 3102 §3.3"""
    s = host()
    is_type(s.assign_rsap(None, (1,), None, (1,), rsip.vendor(9, 1, b'\xff' * 99)),
            rsip.ASSIGN_RESPONSE_RSAP_IP)


# --- UDP: 5, 10.1 ------------------------------------------------------------

@test
def counters_are_answered_with_the_same():
    """10.1: n for n, and 1 after the largest"""
    s = host(udp=True, register=False)
    s.counter = 0xfffffffd
    is_type(s.register(), rsip.REGISTER_RESPONSE)
    for counter in (0xffffffff, 1, 2):
        got = s.request(rsip.QUERY_REQUEST, s.me())
        assert s.counter == counter and find(got[1], COUNTER) == counter


@test
def a_counter_is_needed():
    """10.1: MESSAGE_COUNTER_REQUIRED; also §8.11"""
    s = host(udp=True)
    s.send(rsip.QUERY_REQUEST, s.me(), counter=False)
    is_error(s.receive(), 105)
    t = host(udp=True, register=False)
    t.send(rsip.REGISTER_REQUEST, counter=False)
    is_error(t.receive(), 105)


@test
def a_duplicate_gets_the_last_message():
    """10.1: the same bytes, and nothing is assigned twice; also §5"""
    s = host(udp=True)
    s.send(rsip.ASSIGN_REQUEST_RSAP_IP, s.me(), rsip.address(), rsip.ports(1),
           rsip.address(), rsip.ports(1))
    first = s.receive_raw()
    for _ in range(6):
        s.send_raw(s.last)
        assert s.receive_raw() == first
    p = is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert find(p, BIND) != find(rsip.decode(first)[1], BIND)
    # A lost answer to registering is the same thing.
    t = host(udp=True, register=False)
    is_type(t.register(), rsip.REGISTER_RESPONSE)
    t.send_raw(t.last)
    is_type(t.receive(), rsip.REGISTER_RESPONSE)


@test
def a_registration_keeps_its_transport():
    """5; also RFC 3102 §3.3"""
    s = host()
    t = Session(GATEWAY, source=s.sock.getsockname()[0], udp=True)
    t.client = s.client
    is_error(t.assign_rsap(), 102, s.client)
    u = host(udp=True)
    v = Session(GATEWAY, source=u.sock.getsockname()[0])
    v.client = u.client
    is_error(v.assign_rsap(), 101, u.client)
    is_type(u.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def tcp_counters_are_optional():
    """8.11, 9.2.2: none, none back; one, the same back"""
    s = host()
    got = s.request(rsip.QUERY_REQUEST, s.me())
    assert find(got[1], COUNTER) is None
    got = s.request(rsip.QUERY_REQUEST, s.me(), counter=77)
    assert find(got[1], COUNTER) == 77


# --- authentication: RFC 3102 3.3 --------------------------------------------

@test
def authentication_is_required():
    """Only the private side is heard, everybody else refused; a message is good once; also RFC 3102 §3.3"""
    is_error(host('auth', register=False).register(), 304)
    is_error(host('auth', register=False, secret=b'another secret!!',
                  key_id=9).register(), 304)
    is_error(host('auth', register=False, secret=SECRET,
                  key_id=8).register(), 304)
    s = host('auth', secret=SECRET, key_id=9)
    got = s.assign_rsap()
    p = is_type(got, rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert p[-1][0] == VENDOR and p[-1][1][:2] == (32473, 2), p
    s.send_raw(s.last)
    again = s.receive()
    is_error(again, 304)
    # 4: signed, with what a new one has to pass; it is for no host to act on.
    said = s.auth.read(s.heard, again[1])
    assert said[1:2] == (s.auth.index,) and said[3] == s.auth.sent, said
    bare = Session(GATEWAY, source=s.sock.getsockname()[0])
    bare.client = s.client
    is_error(bare.free(find(p, BIND)), 304)
    is_error(bare.deregister(), 304)
    is_type(s.free(find(p, BIND)), rsip.FREE_RESPONSE)


@test
def answers_are_authentic():
    """the gateway signs for who signs: counters grow, the MAC is right"""
    s = host('auth', secret=SECRET, key_id=9)
    last = 0
    for _ in range(3):
        s.send(rsip.QUERY_REQUEST, s.me())
        got = s.receive()
        index, echo, counter, floor = s.auth.read(s.heard, got[1])
        assert index == s.auth.echo and echo == s.auth.index and counter > last
        assert floor is None
        last = counter


@test
def a_signature_is_of_one_address_and_one_life():
    """what one host said is nothing from another; nor what it said before"""
    s = host('auth', secret=SECRET, key_id=9)
    other = Session(GATEWAY, source=address('auth'), secret=SECRET, key_id=9)
    other.send_raw(s.last)
    got = other.receive()
    is_error(got, 304)
    assert find(got[1], VENDOR) is None, got
    is_type(other.register(), rsip.REGISTER_RESPONSE)
    # A host that has forgotten all: told once, then heard.
    t = Session(GATEWAY, source=s.sock.getsockname()[0], secret=SECRET, key_id=9)
    t.send(rsip.REGISTER_REQUEST)
    got = t.receive()
    is_error(got, 304)
    assert t.auth.read(t.heard, got[1])[3] == s.auth.sent, got
    assert t.is_again(t.heard, got)
    t.send(rsip.REGISTER_REQUEST)
    is_error(t.receive(), 302, s.client)


@test
def authentication_over_udp():
    """a duplicate is answered as such, not taken for a replay"""
    s = host('auth', secret=SECRET, key_id=9, udp=True)
    is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
    s.send_raw(s.last)
    is_type(s.receive(), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def authentication_where_it_is_a_choice():
    """who has once signed must go on; who has not need not begin"""
    is_type(host('may-auth').assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
    s = host('may-auth', secret=SECRET, key_id=9)
    bare = Session(GATEWAY, source=s.sock.getsockname()[0])
    bare.client = s.client
    is_error(bare.assign_rsap(), 304)


# --- misuse of resources: 10.4 -----------------------------------------------

@test
def misuse_is_told():
    """10.4: dropped, and an asynchronous error with counter 0; also §10.1"""
    for udp in (False, True):
        s = host(udp=udp)
        p = is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
        port = expand(find(p, PORTS))[0]
        for packet, protocol, code in (
                (udp_packet('198.51.100.77', port, '198.51.100.20', 9), 4, 312),
                (udp_packet(NB, 19000, '198.51.100.20', 9), 4, 313),
                (udp_packet(NB, port, '198.51.100.20', 9), 47, 307)):
            tunnel(s, packet, protocol)
            got = s.receive(3)
            is_error(got, code, s.client)
            assert not udp or find(got[1], COUNTER) == 0
            time.sleep(1.1)
        # At most one a second.
        for _ in range(50):
            tunnel(s, udp_packet(NB, 19000, '198.51.100.20', 9))
        is_error(s.receive(3), 313)
        silence(s, 0.7)


@test
def each_kind_of_misuse_is_told_at_once():
    """10.4: of several within one second each, once"""
    for udp in (False, True):
        s = host(udp=udp)
        p = is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
        port = expand(find(p, PORTS))[0]
        start = time.monotonic()
        for _ in range(3):
            tunnel(s, udp_packet(NB, 19000, '198.51.100.20', 9))
            tunnel(s, udp_packet('198.51.100.77', port, '198.51.100.20', 9))
            tunnel(s, udp_packet(NB, port, '198.51.100.20', 9), 47)
        told = [error_of(s.receive(3)) for _ in range(3)]
        took = time.monotonic() - start
        assert sorted(told) == [307, 312, 313], told
        # A machine that was busy for a second may be told again.
        if took < 0.3:
            silence(s, 0.5)


@test
def misuse_of_flow_policy_is_told():
    """10.4: a remote that was not named; also §7.2"""
    for kind, code in (('macro', 314), ('micro', 315)):
        s = host(kind)
        p = is_type(s.assign_rsap(None, (1,), '198.51.100.10', (1, 80)),
                    rsip.ASSIGN_RESPONSE_RSAP_IP)
        port = expand(find(p, PORTS))[0]
        to = ('192.0.2.1', 80) if kind == 'macro' else ('198.51.100.10', 81)
        tunnel(s, udp_packet(NB, port, *to))
        is_error(s.receive(3), code, s.client)

if __name__ == '__main__':
    lab.take_over('wire')
    sys.exit(1 if lab.run(sys.argv[1:]) else 0)
