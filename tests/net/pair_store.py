"""pair_store.py - one host's words with a gateway whose store comes and goes

  grant N             leases so many ports, a binding each, and stays registered
  refused             asks for one: prints the error
  extend BIND         prints the seconds that it got
  free BIND           and prints the port
  rests PORT          somebody else is not given it
  extend and free are of the host that grant was of
"""
import sys

import rsip
from rsip import BIND, LEASE, PORTS
from session import Session, error_of, find

GATEWAY = '10.0.0.1'


def session(host):
    s = Session(GATEWAY, source=host, timeout=5)
    got = s.register()
    s.client = find(got[1], rsip.CLIENT)
    assert got[0] == rsip.REGISTER_RESPONSE or error_of(got) == 302, got
    return s


def main(verb, *args):
    s = session('10.0.0.101' if verb == 'rests' else '10.0.0.100')
    if verb == 'grant':
        for _ in range(int(args[0])):
            got = s.assign_rsap(ports=(1,))
            assert got[0] == rsip.ASSIGN_RESPONSE_RSAP_IP, got
            print(find(got[1], BIND), find(got[1], PORTS)[1][0])
    elif verb == 'refused':
        got = s.assign_rsap(ports=(1,))
        assert error_of(got) is not None, got
        print(error_of(got))
    elif verb == 'extend':
        got = s.extend(int(args[0]))
        assert got[0] == rsip.EXTEND_RESPONSE, got
        print(find(got[1], LEASE))
    elif verb == 'free':
        got = s.free(int(args[0]))
        assert got[0] == rsip.FREE_RESPONSE, got
    elif verb == 'rests':
        got = s.assign_rsap(ports=(1, int(args[0])))
        assert error_of(got) == 311, got    # LOCAL_ADDRPORT_INUSE
    else:
        raise SystemExit(__doc__)


main(*sys.argv[1:])
