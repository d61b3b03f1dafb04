"""rsip_gateway_plain.py [TEST...] - an rsipd that does only what it must, after a restart"""
import sys

import rsip
import rsip_lab as lab
from rsip import ADDRESS, METHOD
from rsip_lab import host, is_error, is_type, test
from session import find


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
    """9.9.3: the endpoint is named in the assignment"""
    p = is_type(host('plain-gateway').assign_rsap(),
                rsip.ASSIGN_RESPONSE_RSAP_IP)
    assert find(p, ADDRESS, 2) == (1, '10.0.0.2'), p


@test
def after_a_restart_hosts_register_again():
    """10.2.2: REGISTER_FIRST for what was before"""
    s = host(register=False)
    s.client = 12345
    is_error(s.assign_rsap(), 301)
    is_error(s.deregister(), 301)
    is_type(s.register(), rsip.REGISTER_RESPONSE)

if __name__ == '__main__':
    sys.exit(1 if lab.run(sys.argv[1:]) else 0)
