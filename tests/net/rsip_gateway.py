"""rsip_gateway.py [TEST...] - every exchange of RFC 3103 and RFC 3104 with rsipd"""
import struct
import sys
import time

import rsip
import rsip_lab as lab
from rsip import (ADDRESS, BIND, CLIENT, COUNTER, LEASE, METHOD, POLICY, PORTS,
                  SPI, TUNNEL, VENDOR)
from rsip_lab import GATEWAY, NB, expand, host, is_error, is_type, test
from session import Session, error_of, find


# --- registration: 9.2 to 9.5 ------------------------------------------------

@test
def register_gives_an_id_a_lease_and_policy():
    """9.3: methods and tunnels that it supports, each host its own client ID; also §9.3.3"""
    seen = set()
    for udp in (False, True):
        s = host(register=False, udp=udp)
        params = is_type(s.register(), rsip.REGISTER_RESPONSE)
        seen.add(s.client)
        assert find(params, LEASE) == 600
        assert find(params, POLICY) == (1, 3)
        methods = {v for k, v in params if k == METHOD}
        assert methods == {1, 2, 3}, methods
        assert {v for k, v in params if k == TUNNEL} == {1, 2}
    assert len(seen) == 2 and 0 not in seen


@test
def register_twice_names_the_client_id():
    """9.2.3, 10.2.1: ALREADY_REGISTERED with the ID, which then de-registers"""
    for udp in (False, True):
        s = host(udp=udp)
        source = s.sock.getsockname()[0]
        is_error(s.request(rsip.REGISTER_REQUEST), 302, s.client)
        is_type(s.request(rsip.QUERY_REQUEST, s.me()), rsip.QUERY_RESPONSE)
        if not udp:
            # While its connection is open the ID is not for others on its machine.
            other = Session(GATEWAY, source=source)
            got = other.request(rsip.REGISTER_REQUEST)
            is_error(got, 302)
            assert find(got[1], CLIENT) is None
            is_error(other.deregister(s.client), 305)
            s.close()
        # A host that has rebooted knows nothing but this error.
        again = Session(GATEWAY, source=source, udp=udp)
        got = again.request(rsip.REGISTER_REQUEST)
        is_error(got, 302, s.client)
        old = find(got[1], CLIENT)
        params = is_type(again.deregister(old), rsip.DEREGISTER_RESPONSE)
        assert find(params, CLIENT) == old
        is_type(again.register(), rsip.REGISTER_RESPONSE)


@test
def registration_denied():
    """9.2.3: policy"""
    for udp in (False, True):
        is_error(host('denied', register=False, udp=udp).register(), 304)


@test
def nothing_without_registration():
    """9.4.3 to 9.16.3, 10.2.2: REGISTER_FIRST for everything but registering; also §9.2.1"""
    for udp in (False, True):
        s = host(register=False, udp=udp)
        s.client = 7
        for got in (s.assign_rsap(), s.assign_rsa(), s.assign_ipsec(),
                    s.listen(), s.extend(1), s.free(1), s.deregister(),
                    s.request(rsip.QUERY_REQUEST, s.me())):
            is_error(got, 301)


@test
def another_client_id():
    """9.4.3 to 9.16.3: BAD_CLIENT_ID; also §9.1.1"""
    s = host()
    own = s.client
    s.client = own ^ 1
    for got in (s.assign_rsap(), s.assign_rsa(), s.assign_ipsec(), s.listen(),
                s.extend(1), s.free(1), s.deregister(),
                s.request(rsip.QUERY_REQUEST, s.me())):
        is_error(got, 305, own ^ 1)
    s.client = own
    is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def another_bind_id():
    """9.10.3, 9.12.3: BAD_BIND_ID, also for the binding of another host; also §9.1.1"""
    a, b = host(), host()
    bind = find(is_type(a.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP), BIND)
    is_error(a.extend(bind + 1), 306, a.client, bind + 1)
    is_error(a.free(bind + 1), 306, a.client, bind + 1)
    other = find(is_type(b.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP), BIND)
    while other == bind:        # IDs are unique to a host only (9.7.1)
        other = find(b.assign_rsap()[1], BIND)
    is_error(a.free(other), 306)
    is_type(b.free(other), rsip.FREE_RESPONSE)


@test
def deregistering_frees_all():
    """9.4.3: bindings are deleted, the ID is no longer good"""
    s = host('small')
    ports = expand(find(is_type(s.assign_rsap(ports=(8,)),
                                rsip.ASSIGN_RESPONSE_RSAP_IP), PORTS))
    assert sorted(ports) == list(range(30000, 30008))
    is_type(s.deregister(), rsip.DEREGISTER_RESPONSE)
    is_error(s.deregister(), 301)
    is_error(s.assign_rsap(), 301)
    # Resting ports go to another host when there are no others (RFC 3102 6).
    t = host('small')
    p = is_type(t.assign_rsap(ports=(8,)), rsip.ASSIGN_RESPONSE_RSAP_IP)
    is_type(t.free(find(p, BIND)), rsip.FREE_RESPONSE)


@test
def registration_ends_by_itself():
    """6, 9.5.3: the host MUST be told; asynchronous, counter 0; also §10.1"""
    for udp in (False, True):
        s = host('short', udp=udp)
        mtype, params = s.receive(10)
        is_type((mtype, params), rsip.DEREGISTER_RESPONSE)
        assert find(params, CLIENT) == s.client
        if udp:
            assert find(params, COUNTER) == 0, params
        s.timeout = 5
        assert error_of(s.assign_rsap()) == 301


@test
def registration_lasts_as_long_as_its_bindings():
    """6: R = max(R, Bi)"""
    s = host('short')       # registered for 1 s; bindings last 4 s at most
    p = is_type(s.assign_rsap(None, (1,), None, (1,), (LEASE, 4)),
                rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert find(p, LEASE) == 4
    time.sleep(2.2)
    p = is_type(s.extend(find(p, BIND), (LEASE, 4)), rsip.EXTEND_RESPONSE)
    time.sleep(2.2)         # past what the first lease gave
    is_type(s.extend(find(p, BIND), (LEASE, 4)), rsip.EXTEND_RESPONSE)


@test
def binding_ends_by_itself():
    """6, 9.13: FREE_RESPONSE that nobody asked for, then its ID is unknown;
    also §9.10.3, §10.1; RFC 3102 §2"""
    s = host('short', udp=True)
    p = is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
    got = s.receive(10)
    is_type(got, rsip.FREE_RESPONSE)
    assert find(got[1], BIND) == find(p, BIND)
    assert find(got[1], COUNTER) == 0


@test
def leases_end_on_time():
    """6, 9.10.3, 9.13: each at its own moment, not at some tick"""
    s = host('short', udp=True)
    ends, late = {}, []
    for _ in range(7):
        p = is_type(s.assign_rsap(None, (1,), None, (1,), (LEASE, 1)),
                    rsip.ASSIGN_RESPONSE_RSAP_IP)
        ends[find(p, BIND)] = time.monotonic() + find(p, LEASE)
        time.sleep(0.11)
    while ends:
        got = is_type(s.waiting.pop(0) if s.waiting else s.receive(10),
                      rsip.FREE_RESPONSE)
        late.append(time.monotonic() - ends.pop(find(got, BIND)))
    print('leases of 1 s ended %d to %d ms after their time'
          % (min(late) * 1000, max(late) * 1000))
    assert -0.5 < min(late) and max(late) < 5, late


# --- assignments: 9.6 to 9.13 ------------------------------------------------

@test
def rsap_ip_any_address_and_ports():
    """9.9.3: address and ports; remote "don't care" without remote policy; also §4, §5"""
    for udp in (False, True):
        s = host(udp=udp)
        p = is_type(s.assign_rsap(None, (4,), '198.51.100.10', (1, 80)),
                    rsip.ASSIGN_RESPONSE_RSAP_IP)
        assert find(p, ADDRESS) == (1, NB)
        ports = expand(find(p, PORTS))
        assert len(set(ports)) == 4 and all(20000 <= x <= 49999 for x in ports)
        assert find(p, ADDRESS, 1) == (1, None), p
        assert find(p, PORTS, 1) == (1, []), p
        assert find(p, LEASE) == 600 and find(p, TUNNEL) == 1
        assert find(p, CLIENT) == s.client
        assert find(p, ADDRESS, 2) is None      # this gateway is the endpoint


def a_port_for(host):
    """one that host may name: a port drawn by another test rests for 120 s"""
    p = is_type(host.assign_rsap(NB, (1,)), rsip.ASSIGN_RESPONSE_RSAP_IP)
    is_type(host.free(find(p, BIND)), rsip.FREE_RESPONSE)
    return expand(find(p, PORTS))[0]


@test
def ports_are_contiguous_where_they_can_be():
    """8.2: one field and a number"""
    s = host()
    p = is_type(s.assign_rsap(ports=(64,)), rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert len(find(p, PORTS)[1]) == 1, find(p, PORTS)


@test
def suggested_address_and_ports():
    """9.8.3, 10.5: in the contiguous and in the list form, and in use; also RFC 3102 §3.3, §6.4"""
    s, t = host(), host()
    for ask in ((4, 21000), (3, 22000, 22002, 22007), (1, 23000)):
        want = expand((ask[0], list(ask[1:])))
        p = is_type(s.assign_rsap(NB, ask), rsip.ASSIGN_RESPONSE_RSAP_IP)
        assert find(p, ADDRESS) == (1, NB)
        assert expand(find(p, PORTS)) == want
        is_error(t.assign_rsap(NB, ask), 311, t.client)
        is_error(t.assign_rsap(None, ask), 311, t.client)
    is_error(t.assign_rsap(NB, (2, 20999)), 311)    # half of it is in use
    is_type(t.assign_rsap(NB, (1, 20999)), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def all_zeros_mean_dont_care():
    """9.8.3: "a value of all 0's" """
    s = host()
    p = is_type(s.assign_rsap('0.0.0.0', (1, 0), '0.0.0.0', (1, 0)),
                rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert find(p, ADDRESS) == (1, NB) and expand(find(p, PORTS))[0] >= 20000


@test
def what_the_pool_does_not_have():
    """9.8.3: LOCAL_ADDR_UNALLOWED, LOCAL_ADDRPORT_UNALLOWED"""
    s = host()
    is_error(s.assign_rsap('192.0.2.1'), 312)
    is_error(s.assign_rsap('198.51.100.5'), 312)    # of another policy
    is_error(s.assign_rsap(NB, (1, 80)), 313)
    is_error(s.assign_rsap(NB, (2, 19999)), 313)
    is_error(s.assign_rsap(None, (1, 80)), 313)
    is_error(s.request(rsip.ASSIGN_REQUEST_RSAP_IP, s.me(),
                       rsip.address('2001:db8::1', rsip.IPV6), rsip.ports(1),
                       rsip.address(), rsip.ports(1)), 312)


@test
def a_name_is_no_local_address():
    """8.1"""
    s = host()
    is_error(s.request(rsip.ASSIGN_REQUEST_RSAP_IP, s.me(),
                       rsip.address('x1.lab', rsip.FQDN), rsip.ports(1),
                       rsip.address(), rsip.ports(1)), 205)
    is_error(s.request(rsip.ASSIGN_REQUEST_RSA_IP, s.me(),
                       rsip.address('x1.lab', rsip.FQDN), rsip.address(),
                       rsip.ports(1)), 205)


@test
def no_more_ports():
    """9.8.3: LOCAL_ADDRPORT_UNAVAILABLE, and nothing of it is kept; also RFC 3102 §3.1"""
    s = host('small')
    is_error(s.assign_rsap(ports=(9,)), 309, s.client)
    p = is_type(s.assign_rsap(ports=(7,)), rsip.ASSIGN_RESPONSE_RSAP_IP)
    is_error(s.assign_rsap(ports=(2,)), 309)
    is_type(s.assign_rsap(ports=(1,)), rsip.ASSIGN_RESPONSE_RSAP_IP)
    is_error(s.assign_rsap(), 309)
    t = host('small')
    is_error(t.assign_rsap(), 309)
    is_error(t.assign_ipsec(None, (1,)), 309)
    is_type(t.assign_ipsec(), rsip.ASSIGN_RESPONSE_RSIPSEC)     # no ports
    is_type(s.free(find(p, BIND)), rsip.FREE_RESPONSE)
    is_type(s.deregister(), rsip.DEREGISTER_RESPONSE)
    is_type(t.deregister(), rsip.DEREGISTER_RESPONSE)


@test
def limits_of_a_host():
    """10.3: ports, SPIs and bindings of one host; also RFC 3102 §2, §3.1"""
    s = host('limited')
    is_error(s.assign_rsap(ports=(9,)), 309)
    is_error(s.assign_ipsec(spis=(5,)), 402)
    binds = [find(is_type(s.assign_rsap(ports=(2,)),
                          rsip.ASSIGN_RESPONSE_RSAP_IP), BIND)
             for _ in range(3)]
    is_error(s.assign_rsap(), 309)
    assert len(set(binds)) == 3
    is_type(s.free(binds[1]), rsip.FREE_RESPONSE)
    is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def a_freed_port_rests():
    """RFC 3102 6: not for another host for 120 s; its own host may come back; also RFC 3102 §3.1, §6.1"""
    s, t = host(), host()
    port = a_port_for(s)
    p = is_type(s.assign_rsap(NB, (1, port)), rsip.ASSIGN_RESPONSE_RSAP_IP)
    is_type(s.free(find(p, BIND)), rsip.FREE_RESPONSE)
    is_error(t.assign_rsap(NB, (1, port)), 311)
    is_type(s.assign_rsap(NB, (1, port)), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def lease_times():
    """9.10, 9.11: as asked, but not more than the gateway likes; also §9.10.3, §9.11.1; RFC 3102 §2"""
    s = host()
    for asked, given in ((60, 60), (10 ** 9, 3600), (0, 600)):
        p = is_type(s.assign_rsap(None, (1,), None, (1,), (LEASE, asked)),
                    rsip.ASSIGN_RESPONSE_RSAP_IP)
        assert find(p, LEASE) == given, (asked, find(p, LEASE))
        bind = find(p, BIND)
        p = is_type(s.extend(bind, (LEASE, 120)), rsip.EXTEND_RESPONSE)
        assert find(p, LEASE) == 120 and find(p, BIND) == bind
        assert find(p, CLIENT) == s.client
        p = is_type(s.extend(bind), rsip.EXTEND_RESPONSE)
        assert find(p, LEASE) == 600


@test
def freeing_is_by_binding():
    """9.12, 9.13: FREE_RESPONSE with its IDs; then the ID is not known; also §3, §15; RFC 3102 §6.6"""
    for udp in (False, True):
        s = host(udp=udp)
        one = find(s.assign_rsap()[1], BIND)
        two = find(s.assign_rsap()[1], BIND)
        p = is_type(s.free(one), rsip.FREE_RESPONSE)
        assert find(p, CLIENT) == s.client and find(p, BIND) == one
        is_error(s.free(one), 306, s.client, one)
        is_type(s.extend(two), rsip.EXTEND_RESPONSE)


@test
def rsa_ip_has_a_whole_address():
    """9.6, 9.7: exclusive; none left, in use, not allowed;
    also §4, §9.7.3, §9.8.3, §9.9.3, §9.16.3, §9.17.1, §9.17.3, §10.5; RFC 3102 §2,
    §3.3"""
    a, b, c = host(), host(), host()
    p = is_type(a.assign_rsa(), rsip.ASSIGN_RESPONSE_RSA_IP)
    first = find(p, ADDRESS)[1]
    assert first in ('198.51.100.2', '198.51.100.3')
    assert find(p, ADDRESS, 1) == (1, None) and find(p, PORTS) == (1, [])
    other = ({'198.51.100.2', '198.51.100.3'} - {first}).pop()
    is_error(b.assign_rsa(first), 310)
    is_error(b.assign_rsa(NB), 312)         # shared
    is_error(b.assign_rsa('192.0.2.1'), 312)
    p = is_type(b.assign_rsa(other), rsip.ASSIGN_RESPONSE_RSA_IP)
    is_error(c.assign_rsa(), 308)
    is_error(c.assign_rsa(first), 308)      # none at all comes first (9.6.3)
    is_error(c.assign_rsap(first), 312)     # not for ports of it
    is_type(a.deregister(), rsip.DEREGISTER_RESPONSE)
    is_type(b.deregister(), rsip.DEREGISTER_RESPONSE)


@test
def no_address_to_share():
    """9.8.3, 9.16.3: LOCAL_ADDR_UNAVAILABLE, a shared address is not to be had at all"""
    s = host('whole')       # its one address is for RSA-IP
    is_error(s.assign_rsap(), 308, s.client)
    is_error(s.assign_rsap(None, (4, 20100)), 308)
    is_error(s.listen(), 308, s.client)
    is_error(s.listen(None, (1, 20100)), 308)
    is_error(s.assign_ipsec(), 308)
    is_error(s.assign_rsap(NB), 312)
    is_type(s.assign_rsa(), rsip.ASSIGN_RESPONSE_RSA_IP)
    is_type(s.deregister(), rsip.DEREGISTER_RESPONSE)


@test
def tunnel_types():
    """9.6.3: BAD_TUNNEL_TYPE; IP-IP is assumed; LISTEN may offer several; also §9.3.3, §9.16.1"""
    s = host()
    for kind in (1, 2):
        p = is_type(s.assign_rsap(None, (1,), None, (1,), (TUNNEL, kind)),
                    rsip.ASSIGN_RESPONSE_RSAP_IP)
        assert find(p, TUNNEL) == kind
    for kind in (3, 4, 255):
        is_error(s.assign_rsap(None, (1,), None, (1,), (TUNNEL, kind)), 307)
        is_error(s.assign_ipsec(None, (), None, None, (1,), (TUNNEL, kind)), 307)
        is_error(s.assign_rsa(None, None, (1,), (TUNNEL, kind)), 307)
        is_error(s.listen(None, (1,), None, (1,), (TUNNEL, kind)), 307)
    p = is_type(s.listen(None, (1,), None, (1,), (TUNNEL, 3), (TUNNEL, 2)),
                rsip.LISTEN_RESPONSE)
    assert find(p, TUNNEL) == 2
    t = host('ipip')
    is_error(t.assign_rsap(None, (1,), None, (1,), (TUNNEL, 2)), 307)


@test
def listening():
    """9.16, 9.17: address and port as asked or as the gateway likes;
    also §3, §9.6.3, §9.7.3, §9.8.3, §9.9.3, §9.16.3, §9.17.1, §9.17.3, §15; RFC 3102
    §6.4"""
    s, t = host(), host()
    port = a_port_for(s)
    p = is_type(s.listen(NB, (1, port)), rsip.LISTEN_RESPONSE)
    assert find(p, ADDRESS) == (1, NB) and expand(find(p, PORTS)) == [port]
    assert find(p, ADDRESS, 1) == (1, None) and find(p, PORTS, 1) == (1, [])
    is_error(t.listen(NB, (1, port)), 311)
    is_error(t.listen(NB, (1, 443)), 313)
    is_error(t.listen('192.0.2.1'), 312)
    p = is_type(t.listen(), rsip.LISTEN_RESPONSE)
    assert find(p, BIND) is not None and find(p, LEASE) == 600
    is_error(host('plain').listen(), 313)


@test
def the_same_port_twice():
    """App. A: a malformed parameter"""
    s = host()
    is_error(s.assign_rsap(NB, (2, 26000, 26000)), 205)
    is_error(s.assign_rsap(NB, (2, 26000, 0)), 205)
    is_error(s.assign_ipsec(spis=(2, 0x12345678, 0x12345678)), 205)


# --- IPsec: RFC 3104 section 6 -----------------------------------------------

@test
def rsipsec_without_ports():
    """3104 6.2: "don't need" in the request, and so in the response"""
    for udp in (False, True):
        s = host(udp=udp)
        p = is_type(s.assign_ipsec(spis=(4,)), rsip.ASSIGN_RESPONSE_RSIPSEC)
        assert find(p, PORTS) is None and (PORTS, None) in p
        assert [v for k, v in p if k == PORTS] == [None, None]
        spis = expand(find(p, SPI))
        assert len(set(spis)) == 4 and min(spis) >= 256
        assert find(p, ADDRESS) == (1, NB)


@test
def rsipsec_with_ports():
    """3104 6.2: address, ports and SPIs in one message; also RFC 3102 §3.3"""
    s = host()
    p = is_type(s.assign_ipsec(None, (16,), None, (1,), (2,)),
                rsip.ASSIGN_RESPONSE_RSIPSEC)
    assert len(expand(find(p, PORTS))) == 16
    assert len(expand(find(p, SPI))) == 2


@test
def suggested_spis():
    """3104 6.2: as suggested; IPSEC_SPI_INUSE; never below 256 (RFC 2406)"""
    s, t = host(), host()
    for ask in ((2, 0xc0ffee01, 0x0badcafe), (3, 0x80001000), (1, 0xffffffff)):
        want = expand((ask[0], list(ask[1:])))
        p = is_type(s.assign_ipsec(spis=ask), rsip.ASSIGN_RESPONSE_RSIPSEC)
        assert expand(find(p, SPI)) == want
        is_error(t.assign_ipsec(spis=ask), 403, t.client)
    is_error(t.assign_ipsec(spis=(2, 0x80000fff)), 403)     # the second is
    is_type(t.assign_ipsec(spis=(1, 0x80000fff)), rsip.ASSIGN_RESPONSE_RSIPSEC)
    assert error_of(t.assign_ipsec(spis=(1, 255))) in (402, 403)
    assert error_of(t.assign_ipsec(spis=(2, 255))) in (402, 403)


@test
def nothing_is_kept_of_a_refused_request():
    """one request never half-succeeds: ports go back when SPIs are in use"""
    s, t = host(), host()
    is_type(s.assign_ipsec(spis=(1, 0x70000000)), rsip.ASSIGN_RESPONSE_RSIPSEC)
    port = a_port_for(t)
    is_error(t.assign_ipsec(NB, (1, port), None, (1,), (1, 0x70000000)), 403)
    is_type(t.assign_rsap(NB, (1, port)), rsip.ASSIGN_RESPONSE_RSAP_IP)


@test
def too_many_spis():
    """3104 6.2: IPSEC_SPI_UNAVAILABLE"""
    is_error(host().assign_ipsec(spis=(65535,)), 402)


@test
def ipsec_unallowed():
    """3104 6.2: and RSA-IP, LISTEN that policy forbids"""
    s = host('plain', register=False)
    p = is_type(s.register(), rsip.REGISTER_RESPONSE)
    assert [v for k, v in p if k == METHOD] == [2], p
    is_error(s.assign_ipsec(), 401, s.client)
    is_error(s.assign_rsa(), 312)


@test
def cookies_by_negotiation():
    """3104 6.1: ours is vendor subtype 1 (doc/wire.md); also RFC 3102 §5.1"""
    def cookies(*values, number=None):
        return rsip.vendor(32473, 1, struct.pack(
            '!H%dQ' % len(values), number or len(values), *values))
    s, t = host(), host()
    p = is_type(s.assign_ipsec(None, (), None, None, (1,), cookies(number=2)),
                rsip.ASSIGN_RESPONSE_RSIPSEC)
    vid, subtype, data = find(p, VENDOR)
    assert (vid, subtype, len(data)) == (32473, 1, 18)
    assert data[2:10] != data[10:18]
    mine = 0x1122334455667788
    p = is_type(s.assign_ipsec(None, (), None, None, (1,), cookies(mine)),
                rsip.ASSIGN_RESPONSE_RSIPSEC)
    assert find(p, VENDOR)[2][2:] == struct.pack('!Q', mine)
    is_error(t.assign_ipsec(None, (), None, None, (1,), cookies(mine)), 403)
    is_type(s.free(find(p, BIND)), rsip.FREE_RESPONSE)
    is_type(t.assign_ipsec(None, (), None, None, (1,), cookies(mine)),
            rsip.ASSIGN_RESPONSE_RSIPSEC)
    # Who does not know the parameter has trial and error.
    p = is_type(t.assign_ipsec(), rsip.ASSIGN_RESPONSE_RSIPSEC)
    assert find(p, VENDOR) is None


# --- flow policy: section 7 --------------------------------------------------

@test
def macro_flow_policy():
    """9.6.3, 9.7.3: the remote address MUST be named and allowed; also RFC 3102 §3.1"""
    s = host('macro')
    for ask in (s.assign_rsap, s.listen):
        is_error(ask(), 103)
        is_error(ask(None, (1,), '0.0.0.0'), 103)
        is_error(ask(None, (1,), '192.0.2.1'), 314)
        _, p = ask(None, (1,), '198.51.100.10', (1, 80))
        assert find(p, ADDRESS, 1) == (1, '198.51.100.10'), p
    p = is_type(s.assign_rsap(None, (1,), '198.51.100.10', (1, 80)),
                rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert find(p, PORTS, 1) == (1, []), p
    is_error(s.assign_rsa(), 103)
    is_error(s.assign_rsa(None, '192.0.2.1'), 314)
    p = is_type(s.assign_rsa(None, '198.51.100.20'), rsip.ASSIGN_RESPONSE_RSA_IP)
    assert find(p, ADDRESS, 1) == (1, '198.51.100.20')
    is_error(s.assign_ipsec(), 103)
    is_error(s.assign_ipsec(None, (), '192.0.2.1'), 314)
    is_type(s.assign_ipsec(None, (), '198.51.100.10'),
            rsip.ASSIGN_RESPONSE_RSIPSEC)
    is_type(s.deregister(), rsip.DEREGISTER_RESPONSE)


@test
def micro_flow_policy():
    """8.2, 9.6.3, 9.7.3: address and exactly one port field"""
    s = host('micro')
    for ask in (s.assign_rsap, s.listen):
        is_error(ask(None, (1,), '198.51.100.10'), 103)
        is_error(ask(None, (1,), None, (1, 80)), 103)
        is_error(ask(None, (1,), '198.51.100.10', (2, 80, 443)), 103)
        is_error(ask(None, (1,), '198.51.100.10', (1, 8080)), 315)
        is_error(ask(None, (1,), '192.0.2.1', (1, 80)), 315)
        _, p = ask(None, (1,), '198.51.100.10', (1, 80))
        assert find(p, ADDRESS, 1) == (1, '198.51.100.10'), p
        assert find(p, PORTS, 1) == (1, [80]), p
    is_error(s.assign_rsa(), 103)
    is_error(s.assign_rsa(None, '198.51.100.10'), 103)
    is_error(s.assign_rsa(None, '198.51.100.10', (1, 8080)), 315)
    is_error(s.assign_rsa(None, '192.0.2.1', (1, 80)), 315)
    p = is_type(s.assign_rsa(None, '198.51.100.10', (1, 80)),
                rsip.ASSIGN_RESPONSE_RSA_IP)
    assert find(p, ADDRESS, 1) == (1, '198.51.100.10'), p
    assert find(p, PORTS) == (1, [80]), p
    is_type(s.deregister(), rsip.DEREGISTER_RESPONSE)


@test
def local_micro_flow_policy():
    """7.1: one port at a time, and no RSA-IP; also §8.2, §9.6.3, §9.8.3, §9.9.3, §9.16.3"""
    s = host('one-port', register=False)
    p = is_type(s.register(), rsip.REGISTER_RESPONSE)
    assert find(p, POLICY) == (2, 3)
    assert 1 not in [v for k, v in p if k == METHOD]
    is_error(s.assign_rsap(ports=(2,)), 103)
    is_error(s.assign_rsap(NB, (2, 28000)), 103)
    is_error(s.assign_rsa(), 103)
    for _ in range(2):
        p = is_type(s.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
        assert len(expand(find(p, PORTS))) == 1


@test
def remote_names():
    """8.1: resolved, and answered in the form asked; also §9.6.3, §9.8.3, §9.16.3"""
    for udp in (False, True):
        s = host('macro', udp=udp)
        name = rsip.address('Y1.lab', rsip.FQDN)
        p = is_type(s.assign_rsap(None, (1,), name),
                    rsip.ASSIGN_RESPONSE_RSAP_IP)
        assert find(p, ADDRESS, 1) == (4, 'Y1.lab'), p
        for bad in ('evil.lab', 'nowhere.lab'):
            is_error(s.assign_rsap(None, (1,), rsip.address(bad, rsip.FQDN)),
                     314, s.client)


@test
def slow_names_hold_up_nobody():
    """a request that waits for DNS; others are answered meanwhile"""
    s, t = host('macro'), host()
    s.send(rsip.ASSIGN_REQUEST_RSAP_IP, s.me(), rsip.address(), rsip.ports(1),
           rsip.address('slow.lab', rsip.FQDN), rsip.ports(1))
    start = time.monotonic()
    for _ in range(5):
        is_type(t.assign_rsap(), rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert time.monotonic() - start < 1.2
    p = is_type(s.receive(), rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert find(p, ADDRESS, 1) == (4, 'slow.lab')


# --- QUERY: 9.14, 9.15 -------------------------------------------------------

def tuples(params):
    out, rest = [], [(k, v) for k, v in params if k in (rsip.INDICATOR, ADDRESS)]
    while rest:
        out.append(tuple(v if k == rsip.INDICATOR else v[1]
                         for k, v in rest[:3 if rest[0][1] in (2, 4) else 2]))
        del rest[:len(out[-1])]
    return out


@test
def query():
    """9.14, 9.15: local, remote, unknown -> no tuple, none -> all; also §3, §9.14.3, §15"""
    s = host()
    mask = rsip.address('255.255.255.0', rsip.NETMASK)

    def ask(*params):
        return tuples(is_type(s.request(rsip.QUERY_REQUEST, s.me(), *params),
                              rsip.QUERY_RESPONSE))
    ind = rsip.INDICATOR
    net = rsip.address('10.20.60.0')
    assert ask((ind, 2), net, mask) == [(2, '10.20.60.0', '255.255.255.0')]
    assert ask((ind, 1), rsip.address('10.20.60.9')) == [(1, '10.20.60.9')]
    assert ask((ind, 1), rsip.address('203.0.113.9')) == [(3, '203.0.113.9')]
    assert ask((ind, 2), rsip.address('203.0.113.0'), mask) == \
        [(4, '203.0.113.0', '255.255.255.0')]
    assert ask((ind, 1), rsip.address('192.0.2.1')) == []
    # Not all of it is local.
    assert ask((ind, 2), rsip.address('10.20.0.0'),
               rsip.address('255.255.0.0', rsip.NETMASK)) == []
    every = ask()
    assert (2, '10.20.60.0', '255.255.255.0') in every
    assert (4, '203.0.113.0', '255.255.255.0') in every
    # The interface's network is in the configuration as well.
    assert (2, '10.0.0.0', '255.255.255.0') in every
    assert len(every) == len(set(every)), every
    assert ask((ind, 2), net, mask, (ind, 2), rsip.address('10.20.60.7'), mask) \
        == [(2, '10.20.60.0', '255.255.255.0')]
    got = ask((ind, 1), rsip.address('203.0.113.9'), (ind, 1),
              rsip.address('192.0.2.1'), (ind, 2), net, mask)
    assert got == [(2, '10.20.60.0', '255.255.255.0'), (3, '203.0.113.9')], got
    assert ask((ind, 1), rsip.address('private.lab', rsip.FQDN)) == \
        [(1, 'private.lab')]
    assert ask((ind, 1), rsip.address('nowhere.lab', rsip.FQDN)) == []

if __name__ == '__main__':
    lab.Names().start()
    sys.exit(1 if lab.run(sys.argv[1:]) else 0)
