"""rsip_reload.py RSIPCTL FOLDER - policies that change under a registered host"""
import os
import subprocess
import sys

import rsip
from rsip import BIND, CLIENT, COUNTER, LEASE
from session import Session, error_of, find

rsipctl, folder = sys.argv[1:]
conf = folder + '/rsipd.conf'
first = open(conf).read()


def reload(lines, good=True):
    with open(conf, 'w') as f:
        f.write(lines)
    done = subprocess.run([rsipctl, '-s', folder + '/rsipd.sock', 'reload'],
                          capture_output=True, text=True)
    assert (done.returncode == 0) == good, (done, lines)


def ok(text):
    print('ok: ' + text)


s = Session('10.0.0.1')
s.register()
ipsec = find(s.assign_ipsec(spis=(2,))[1], BIND)
plain = find(s.assign_rsap(ports=(2,))[1], BIND)

reload(first + 'ipsec-allowed = false\n')
kind, got = s.receive()
assert kind == rsip.FREE_RESPONSE and find(got, BIND) == ipsec, (kind, got)
assert find(got, COUNTER) == 0
assert error_of(s.assign_ipsec()) == 401
ok('a binding that is no longer allowed is taken back, the host told')

reload('lease-time = "soon"\n', good=False)
assert find(s.extend(plain)[1], LEASE) == 600
assert error_of(s.assign_ipsec()) == 401
ok('a file with an error changes nothing')

reload(first.replace('lease-time = 600', 'lease-time = 77'))
assert find(s.extend(plain)[1], LEASE) == 77
assert s.assign_ipsec()[0] == rsip.ASSIGN_RESPONSE_RSIPSEC
ok('lease times and permissions change')

with open(folder + '/new.secret', 'w') as f:
    f.write('a secret that came later\n')
os.chmod(folder + '/new.secret', 0o644)
section = ('client "10.0.0.11" { require-auth = true key-id = 3 '
           'secret = "%s/new.secret" }\n' % folder)
reload(first + section, good=False)
os.chmod(folder + '/new.secret', 0o600)
reload(first + section)
kind, got = s.receive()
assert kind == rsip.DEREGISTER_RESPONSE and find(got, CLIENT) == s.client
assert error_of(s.register()) == 304
s.sign_with(b'a secret that came later', 3)
assert s.register()[0] == rsip.REGISTER_RESPONSE
ok('a secret is read by a process that cannot open files; one for all eyes is not')

reload(first.replace('20000-49999', '20000-49998') + 'queues = 3\n')
assert s.assign_rsap()[0] == rsip.ASSIGN_RESPONSE_RSAP_IP
