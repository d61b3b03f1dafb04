"""options.py SOURCE BUILD [--write]

Every option of every daemon, as "-o" prints them: the default, the bounds and
the wrong types by "-n"; the manual pages, whose table of options, and the
examples, all of which, must be what -o says.  --write makes them so.
"""
import os
import re
import subprocess
import sys
import tempfile

source, build = sys.argv[1:3]
write = '--write' in sys.argv
built = open(build + '/config.h').read()
shares = '#define HAVE_HIREDIS' in built
checks = '#define HAVE_UNBOUND' in built
DAEMONS = (('rsipd', 'rsipd/rsipd'), ('rsipc', 'rsipc/rsipc'),
           ('oed', 'oe/oed'))
BEGIN = '.\\" The options as "-o" prints them: tests/unit/options.py --write\n'
END = '.\\" End of the options.\n'
LIST_MAX = 1100		# longer ones are not filled
failures = 0


def fail(text):
    global failures
    failures += 1
    print('FAIL: ' + text)


class Option:
    def __init__(self, section, name, value, kind, fixed, example):
        self.section, self.name, self.value = section, name, value
        self.kind, self.fixed, self.example = kind, fixed, example
        self.full = '.'.join([s for s in (section,) if s] + [name])

    def within(self, text):
        """A file in which text stands where the option may."""
        if self.section == 'pool':
            return 'pool "198.51.100.1" {\n%s\n}\n' % text
        if self.section == 'oe.tunnel':
            more = 'peer = "203.0.113.1"\n' if self.name != 'peer' else ''
            if self.name not in ('secret', 'peer-key'):
                more += 'secret = "%s"\n' % secret_file
            return 'oe {\ntunnel "t" {\n%s%s\n}\n}\n' % (more, text)
        if self.name == 'require-auth':
            text += '\nsecret = "%s"' % secret_file
        for s in reversed(self.section.split('.') if self.section else []):
            text = '%s {\n%s\n}' % (s, text)
        return text + '\n'


def options_of(text):
    """What -o prints, as Options; and the names of sections."""
    out, sections, kind = [], [], None
    stack = []
    for line in text.split('\n'):
        bare = re.sub(r'^\s*#?\s*', '', line) if re.match(
            r'\s*#?\t', line) else line
        m = re.match(r'^#? ?\((.*?)(; restart)?\)$', bare.lstrip())
        if m:
            kind = (m.group(1), m.group(2) is not None)
            continue
        m = re.match(r'^#?([a-z][a-z0-9-]*)( ".*")? \{( .*\})?$', bare)
        if m:
            sections.append('.'.join(stack + [m.group(1)]))
            if not m.group(3):
                stack.append(m.group(1))
            continue
        if re.match(r'^#?\}$', bare):
            stack.pop()
            continue
        m = re.match(r'^#?([a-z][a-z0-9-]*) = (.*?)(\t# for example)?$', bare)
        if m and kind:
            out.append(Option('.'.join(stack), m.group(1), m.group(2),
                              kind[0], kind[1], bool(m.group(3))))
            kind = None
    return out, sections


# --- what -n says ---------------------------------------------------------------

def checked(program, text):
    with open(conf, 'w') as f:
        f.write(text)
    done = subprocess.run([program, '-n', '-c', conf], capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stderr


# What "shared" wants to be named beside it.
PAIR = 'gateway = "10.0.0.1"\npool "198.51.100.1" {}\n'


def good(program, o, text):
    if o.name == 'servers' and text != 'servers = {}':
        if not shares:
            bad(program, o, text, 'built without hiredis')
            return
        bad(program, o, text, 'name gateway and each pool')
        code, said = checked(program, PAIR + o.within(text))
    elif text == 'validate = "local"' and not checks:
        bad(program, o, text, 'built without libunbound')
        return
    else:
        code, said = checked(program, o.within(text))
    if code != 0:
        fail('%s: %.60s: refused: %s' % (program, text, said.strip()))


def bad(program, o, text, where=None):
    code, said = checked(program, o.within(text))
    if code != 78:
        fail('%s: %.60s: taken (%d)' % (program, text, code))
    elif where is None and not re.search(re.escape(conf) + r':\d+: .*' +
                                         re.escape(o.name), said):
        fail('%s: %.60s: not FILE:LINE and the name: %s' %
             (program, text, said.strip()))
    elif where is not None and where not in said:
        fail('%s: %.60s: not a word of %s: %s' %
             (program, text, where, said.strip()))


def check_gateways(program):
    """As many addresses that hosts speak to as the demux table tells apart."""
    pools = ['pool "198.51.100.%d" { gateway = "10.0.0.%d" }\n' % (i, i)
             for i in range(1, 18)]
    code, said = checked(program, ''.join(pools[:16]))
    if code != 0:
        fail('16 gateways: refused: %s' % said)
    code, said = checked(program, ''.join(pools))
    if code != 78 or 'more than 16 gateways' not in said:
        fail('17 gateways: %d, %s' % (code, said))


def quoted(texts):
    return '{%s}' % ', '.join('"%s"' % t for t in texts)


def many(o, n):
    """n different texts for a list, after its example."""
    first = re.findall(r'"([^"]*)"', o.value)[0]
    if o.name == 'tunnels':
        return (['ipip', 'gre'] * n)[:n]
    if o.name == 'esp':
        return (['chacha20-poly1305', 'aes-256-gcm', 'aes-128-cbc'] * n)[:n]
    if re.match(r'\d+\.\d+\.\d+\.\d+:\d+$', first):
        return ['10.0.0.%d:%d' % (i % 2 + 1, 6379 + i) for i in range(n)]
    if re.match(r'\d+\.\d+\.\d+\.\d+$', first):
        return ['10.0.%d.%d' % (i // 250, i % 250 + 1) for i in range(n)]
    if '.' in first:
        return ['10.%d.%d.0/24' % (i // 250, i % 250) for i in range(n)]
    return [str(1024 + i) for i in range(n)]


def a_file(size, mode=0o600):
    path = os.path.join(folder, 'secret-%d-%o' % (size, mode))
    with open(path, 'w') as f:
        f.write('s' * size + '\n')
    os.chmod(path, mode)
    return path


def check_option(program, o):
    setting = o.name + ' = '
    if not o.example and o.name != 'key':
        good(program, o, setting + o.value)
    m = re.match(r'(\d+) to (\d+)$', o.kind)
    if m:
        lo, hi = int(m.group(1)), int(m.group(2))
        for v in (lo, hi):
            good(program, o, setting + str(v))
        for v in (lo - 1, hi + 1, 2 ** 64 + lo + 1, 'soon', '""'):
            bad(program, o, setting + str(v))
        bad(program, o, setting + '{1, 2}', conf)
        return
    if o.kind == 'true | false':
        for v in ('true', 'false'):
            good(program, o, setting + v)
        for v in ('perhaps', '7', '""'):
            bad(program, o, setting + v)
        return
    if o.kind.startswith('"'):
        for v in o.kind.split(' | '):
            good(program, o, setting + v)
        for v in ('"nonsense"', '""', '7'):
            bad(program, o, setting + v)
        return
    m = re.match(r'file with (\d+) to (\d+) bytes$', o.kind)
    if m:
        lo, hi = int(m.group(1)), int(m.group(2))
        for size in (lo, hi):
            good(program, o, setting + '"%s"' % a_file(size))
        for path in (a_file(lo - 1), a_file(hi + 1), a_file(lo, 0o640),
                     folder + '/absent', folder):
            bad(program, o, setting + '"%s"' % path, path)
        return
    m = re.match(r'(\d+) to (\d+) bytes$', o.kind)
    if m:
        lo, hi = int(m.group(1)), int(m.group(2))
        for size in (lo, hi):
            good(program, o, setting + '"%s"' % ('n' * size))
        for size in (lo - 1, hi + 1):
            bad(program, o, setting + '"%s"' % ('n' * size))
        return
    m = re.match(r'at most (\d+)$', o.kind)
    if m:
        n = int(m.group(1))
        good(program, o, setting + '{}')
        if n <= LIST_MAX:
            good(program, o, setting + quoted(many(o, n)))
            bad(program, o, setting + quoted(many(o, n + 1)))
        code, said = checked(program, o.within(setting + '{"n o"}'))
        if code != 78 or 'n o' not in said:
            fail('%s: %s takes nonsense: %s' % (program, o.full, said))
        return
    if o.kind == 'address':
        good(program, o, setting + (o.value if ':' in o.value else
                                    '"192.0.2.1"'))
        for v in ('192.0.2.256', '0.0.0.0', 'host.example', '', '::',
                  '192.0.2.1' if ':' in o.value else '2001:db8::g'):
            bad(program, o, setting + '"%s"' % v)
    elif o.kind == 'interface':
        good(program, o, setting + '"eth9"')
        for v in ('', 'a/b', 'sixteen-letters-'):
            bad(program, o, setting + '"%s"' % v)
    elif o.kind == 'file' and o.name == 'key':
        bad(program, o, setting + '"/absent.pem"', '/absent.pem')
    elif o.kind == 'file':
        good(program, o, setting + '""')
    elif o.name in ('id', 'peer-id'):
        for v in ('192.0.2.1', '@a.example', 'joe@a.example'):
            good(program, o, setting + '"%s"' % v)
        for v in ('', 'x1', '@', '@' + 300 * 'n'):
            bad(program, o, setting + '"%s"' % v)
    elif o.name in ('local', 'remote'):
        good(program, o, setting + '"192.0.2.0/24"')
        for v in ('', '192.0.2.1/24', '192.0.2.0/33', 'net'):
            bad(program, o, setting + '"%s"' % v)
    elif o.name == 'peer-key':
        bad(program, o, setting + '"AwEAAQ=="')
    elif o.name == 'metrics':
        for v in ('127.0.0.1:9478', '127.5.6.7:65535', '[::1]:9478', ''):
            good(program, o, setting + '"%s"' % v)
        for v in ('localhost:9478', '127.0.0.1', '127.0.0.1:', '127.0.0.1:0',
                  '127.0.0.1:65536', '127.0.0.1:9x', '::1:9478', '[::1]'):
            bad(program, o, setting + '"%s"' % v)
        for v in ('0.0.0.0:9478', '192.0.2.1:9478', '[::]:9478', '[2001:db8::1]:9478'):
            bad(program, o, setting + '"%s"' % v, 'metrics-token')
            good(program, o, setting + '"%s"\nmetrics-token = "%s"' % (
                v, secret_file))
    elif o.name in ('master', 'user', 'tls-name'):
        good(program, o, setting + '"name"')
    elif o.name in ('control', 'parent', 'leases'):
        good(program, o, setting + '"/run/another.sock"')
    else:
        fail('%s: nobody knows how to test a %s' % (o.full, o.kind))


# --- what is written about them ---------------------------------------------------

def packaged(text):
    """Paths as a package has them, whatever this build was configured for."""
    text = re.sub(r'"[^" ]*/run/rsip/', '"/run/rsip/', text)
    text = re.sub(r'"[^" ]*/etc/rsip/', '"/etc/rsip/', text)
    return re.sub(r'"[^" ]*/lib/rsip/', '"/var/lib/rsip/', text)


def roff(text):
    return text.replace('\\', '\\e').replace('"', '\\(dq').replace('-', '\\-').replace(' ', '\\ ')


def reference(options):
    rows = [BEGIN, '.Bl -column "limits.neighbour-registrations" '
            '"none | macro | micro" "/run/rsip/rsipd.sock" "restart"\n',
            '.It Sy option Ta Sy value Ta Sy default Ta Sy change\n']
    for o in options:
        kind = roff(o.kind.replace('"', ''))
        value = '' if o.example else roff(o.value.replace('"', '', 2)
                                          if o.value.startswith('"')
                                          else o.value)
        rows.append('.It %s Ta %s Ta %s Ta %s\n' % (
            roff(o.full), kind, value or '\\(em',
            'restart' if o.fixed else 'reload'))
    return ''.join(rows) + '.El\n' + END


def replace(path, text):
    with open(path, 'w') as f:
        f.write(text)
    print('written: ' + path)


def check_page(name, options, sections):
    path = os.path.join(source, 'doc', name + '.conf.5')
    page = open(path).read()
    want = reference(options)
    at, end = page.find(BEGIN), page.find(END)
    if at == -1 or page[at:end + len(END)] != want:
        if write and at != -1:
            replace(path, page[:at] + want + page[end + len(END):])
        else:
            fail('%s: not the options that %s -o prints' % (path, name))
    prose = page if at == -1 else page[:at] + page[end:]
    said = set()
    for line in re.sub(r'\\\n', '', prose).split('\n'):
        if re.match(r'\.(It |Ss Section )?Ic', line):
            said.update(re.findall(r'[a-z][a-z0-9-]*', line))
    for word in [o.name for o in options] + [s.split('.')[-1]
                                             for s in sections]:
        if word not in said and not (name == 'rsipc' and tunnel_of(
                options, word)):
            fail('%s does not say what %s is for' % (path, word))


def tunnel_of(options, word):
    """rsipc.conf(5) leaves these to oed.conf(5)."""
    return any(o.name == word and o.section == 'oe.tunnel' for o in options)


def has_help():
    """False of a build with --disable-help, which prints no sentences."""
    config = open(os.path.join(build, 'config.h')).read()
    return '#define HAVE_HELP' in config


def check_example(name, text):
    path = os.path.join(source, 'contrib', name + '.conf')
    want = ('# %s.conf - every option with its default, see %s.conf(5)\n'
            '#\n# (what may stand there; restart: SIGHUP does not change it)'
            '\n\n' % (name, name)) + packaged(text)
    have = open(path).read()
    if not has_help():
        head, _, rows = have.partition('\n\n')
        have = head + '\n\n' + re.sub(r'(?m)^\t*#?\t*# [^(].*\n', '', rows)
    if have != want:
        if write and has_help():
            replace(path, want)
        else:
            fail('%s is not what %s -o prints' % (path, name))


with tempfile.TemporaryDirectory() as folder:
    conf = os.path.join(folder, 'test.conf')
    secret_file = a_file(32)
    for name, program in DAEMONS:
        program = os.path.join(build, program)
        text = subprocess.run([program, '-o'], capture_output=True,
                              text=True, check=True).stdout
        options, sections = options_of(text)
        for o in options:
            check_option(program, o)
        o = Option('', 'no-such-option', '', '', False, False)
        bad(program, o, 'no-such-option = 1')
        if name == 'rsipd':
            check_gateways(program)
        for section in ('limits', 'oe', 'pool', 'oe.tunnel'):
            if section in sections:
                o = Option(section, 'no-such-option', '', '', False, False)
                bad(program, o, 'no-such-option = 1')
        # All defaults at once, as the list says them.
        lines = [re.sub(r'^(\t?)#([a-z])', r'\1\2', line)
                 for line in text.split('\n')
                 if 'for example' not in line and '#key =' not in line and
                 not re.match(r'\t?#(\t|\}|[a-z]+ ")', line)]
        code, said = checked(program, '\n'.join(lines))
        if code != 0:
            fail('%s: its own defaults: %s' % (name, said))
        # Pages and examples are those of a build with everything.
        if not checks:
            text = text.replace('validate = "resolver"', 'validate = "local"')
            options, sections = options_of(text)
        shown = [Option(o.section, o.name, packaged(o.value), o.kind, o.fixed,
                        o.example) for o in options]
        check_page(name, shown, sections)
        check_example(name, text)
        print('ok: %s: %d options, %d of them only with a restart' % (
            name, len(options), sum(o.fixed for o in options)))
sys.exit(1 if failures else 0)
