"""rsip_gateway_plain.py [--before | TEST...] - an rsipd that does only what it must, after another died"""
import sys

import rsip
import rsip_lab as lab
from rsip import ADDRESS, BIND, METHOD, PORTS
from rsip_lab import (GATEWAY, NB, Inside, Outside, expand, host, is_error,
                      is_type, test)
from session import Session, find


# --- a plainer gateway in its place ------------------------------------------

@test
def no_udp():
    """5: USE_TCP"""
    is_error(host('plain-gateway', register=False, udp=True).register(), 102)


@test
def what_it_does_not_do_is_unsupported():
    """App. A 208: and is not advertised"""
    s = host('plain-gateway', register=False)
    p = is_type(s.register(), rsip.REGISTER_RESPONSE)
    assert [v for k, v in p if k == METHOD] == [2], p
    is_error(s.assign_rsa(), 208, s.client)
    is_error(s.listen(), 208, s.client)
    is_error(s.assign_ipsec(), 401, s.client)


@test
def tunnels_end_elsewhere():
    """9.9.3: the endpoint is named in the assignment; also §6"""
    p = is_type(host('plain-gateway').assign_rsap(),
                rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert find(p, ADDRESS, 2) == (1, '10.0.0.2'), p


def before():
    """A host of the gateway that is about to die, and its client ID, binding and port."""
    s = host('plain-gateway')
    p = is_type(s.listen(), rsip.LISTEN_RESPONSE)
    with open('before', 'w', encoding='ascii') as f:
        print(s.sock.getsockname()[0], s.client, find(p, BIND),
              expand(find(p, PORTS))[0], file=f)


@test
def after_a_restart_hosts_register_again():
    """10.2.2: REGISTER_FIRST to all else of a host that the dead gateway served, its packets are nobody's"""
    with open('before', encoding='ascii') as f:
        address, client, bind, port = f.read().split()
    s = Session(GATEWAY, source=address, timeout=20)
    s.client = int(client)
    box = Inside(s)
    for got in (s.assign_rsap(), s.assign_ipsec(), s.extend(int(bind)),
                s.free(int(bind)), s.deregister(),
                s.request(rsip.QUERY_REQUEST, s.me())):
        is_error(got, 301)
    is_error(s.listen(), 208)       # this gateway has not got it at all
    is_error(s.assign_rsa(), 208)
    y1 = Outside('y1')
    y1.udp(7777, NB, int(port))
    box.nothing()
    is_type(s.register(), rsip.REGISTER_RESPONSE)
    y1.udp(7777, NB, int(port))
    box.nothing()
    p = is_type(s.assign_rsap(NB, (1, int(port))), rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert expand(find(p, PORTS)) == [int(port)]
    is_type(s.deregister(), rsip.DEREGISTER_RESPONSE)


if __name__ == '__main__':
    if sys.argv[1:] == ['--before']:
        before()
        sys.exit(0)
    lab.used['plain-gateway'] = 1
    sys.exit(1 if lab.run(sys.argv[1:]) else 0)
