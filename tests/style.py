#!/usr/bin/env python3
"""style.py - what no line of the programs holds: an address as a bare word, more than 80 columns, a comment about "it"

Addresses are struct addr, networks struct prefix (net/addr.h), so that no feature is
of IPv4 by the way it stores one.  Bare words stand where the kernel, a library or the
wire wants them: tests/style.txt names these files and how many declarations each has.
That list may only shrink.  A line has at most 80 columns, tabs at every eighth, but for
a file's first, which says what it is for.  A comment names what it speaks of: none
begins with a pronoun whose noun the reader has to look for.
"""
import os
import re
import sys

# Where addresses have types; and beside these, where lines are looked at.
ROOMS = ('base', 'net', 'proto', 'nat', 'rsipd', 'oe', 'rsipc', 'ctl', 'include')
LINES = ROOMS + ('tests',)
COLUMNS = 80
ROLES = ('addr address nb na xa saddr daddr dst src source destination gateway '
         'server peer remote local host hop net network netmask v4 ipv4 '
         'resolver endpoint neighbour').split()
WORD = re.compile(r'(?:^|_)(?:%s)s?$' % '|'.join(ROLES))
# A type and its declarators, up to what ends them; in_addr whatever it is called.
DECLARED = re.compile(r'\b(?:uint32_t|u_int32_t|in_addr_t|__be32)\s+'
                      r'((?:\*?\s*\w+(?:\[\w*\])?\s*(?:=\s*[\w.>-]+\s*)?,?\s*)+)'
                      r'(?=[;,)=\[{(]|$)')
# Determiners are no pronouns: "Both ends", "One packet".
PRONOUN = re.compile(
    r'(?:It|They|He|She|We|This|That|These|Those|Its|Their|His|Them|Us|There|Here|'
    r'Ours|Theirs|Such|Some|Others)\b|'
    r'Both (?:of|are|were|is|have|had|stay|come|go|may|can|in|at|by|to)\b|'
    r'One (?:that|of|who|which|is|was|came|known|about|with|at|to|in|by|up)\b')
# Behind code, the member is the subject: "that verified" says what of it.
PRONOUN_BEHIND = re.compile(
    r'(?:it|they|he|she|we|its|their|his|them|us)\b', re.I)
STRUCT = re.compile(r'\bstruct in_addr\b')
root = os.environ.get('srcdir', '.')


def sources(rooms):
    for room in rooms:
        for folder, _, names in os.walk(os.path.join(root, room)):
            for name in sorted(names):
                if name.endswith(('.c', '.h')):
                    yield os.path.relpath(os.path.join(folder, name), root)


def bare(text):
    """[(line, what is declared)] of addresses that are words"""
    text = re.sub(r'/\*.*?\*/', lambda m: re.sub(r'[^\n]', ' ', m.group()),
                  text, flags=re.S)
    text = re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', text)
    found = []
    for m in DECLARED.finditer(text):
        after = text[m.end():m.end() + 1]
        names = []
        for part in m.group(1).split(','):
            one = re.fullmatch(r'[\s*]*(\w+)(?:\[\w*\])?\s*(?:=.*)?', part,
                               re.S)
            if one is None:		# the next parameter has a type of its own
                break
            names.append(one.group(1))
        # The last one may be a function that returns a number.
        if after == '(' and names:
            names.pop()
        hits = [n for n in names if WORD.search(n)]
        if hits:
            found.append((text.count('\n', 0, m.start()) + 1, ', '.join(hits)))
    found += [(text.count('\n', 0, m.start()) + 1, 'struct in_addr')
              for m in STRUCT.finditer(text)]
    return sorted(found)


def wide(text):
    """numbers of the lines beyond COLUMNS"""
    return [n for n, line in enumerate(text.split('\n'), 1)
            if n > 1 and len(line.expandtabs(8)) > COLUMNS]


def pronouns(text):
    """[(line, first word)] of comments that begin with a pronoun"""
    found = []
    for m in re.finditer(r'/\*[\s*]*([^\s*].*?)\*/', text, flags=re.S):
        behind = text[text.rfind('\n', 0, m.start()) + 1:m.start()].strip()
        word = (PRONOUN_BEHIND if behind else PRONOUN).match(m.group(1))
        if word:
            found.append((text.count('\n', 0, m.start()) + 1, word.group()))
    return found


def read_known():
    known = {}
    path = os.path.join(root, 'tests/style.txt')
    for line in open(path, encoding='utf-8'):
        words = line.split('#')[0].split()
        if words:
            known[words[0]] = int(words[1])
    return known


def self_test():
    """the pattern finds what it is for, and nothing else"""
    yes = ('\tuint32_t gateway;', 'f(uint32_t addr, int x)', 'uint32_t net, mask;',
           'uint32_t *servers, size_t n)', '\tuint32_t resolvers[MAX];',
           'struct in_addr a;', 'uint32_t spi, dst;', '(void *arg, uint32_t dst)')
    no = ('uint32_t spi;', 'uint32_t gateway_grant(struct g *g)', 'uint32_t mark;',
          'uint32_t nhosts_max;', '/* uint32_t addr; */', 'struct addr gateway;')
    begins = ('/* It ends. */', '\t/*\n\t * They are\n\t */', '/* One of them. */',
              'int a;\t/* its time */', '/* Both stay. */')
    does_not = ('/* Its_name */', '/* Both ends know. */', '/* One packet. */',
                'int a;\t/* that verified */', '/* Italy */', '/* --- it --- */')
    return ([t for t in yes if not bare(t)] + [t for t in no if bare(t)] +
            [t for t in begins if not pronouns(t)] +
            [t for t in does_not if pronouns(t)])


def main():
    wrong = self_test()
    if wrong:
        print('style.py itself is wrong about: %s' % wrong)
        return 1
    known, bad, total = read_known(), [], 0
    for path in sources(LINES):
        text = open(os.path.join(root, path), encoding='utf-8').read()
        bad += ['%s:%d: more than %d columns' % (path, n, COLUMNS)
                for n in wide(text)]
        bad += ['%s:%d: a comment begins with "%s"' % (path, n, word)
                for n, word in pronouns(text)]
        if path.split('/')[0] not in ROOMS:
            continue
        found = bare(text)
        n = known.pop(path, 0)
        total += len(found)
        if len(found) > n:
            bad += ['%s:%d: a bare address (%s): it wants to be a struct addr'
                    % (path, line, what) for line, what in found]
        elif len(found) < n:
            bad.append('tests/style.txt: %s has %d now' % (path, len(found)))
    bad += ['tests/style.txt: %s is no more' % path for path in known]
    print('\n'.join(bad) or '%d bare addresses, all where kernel, libraries or '
          'the wire want them; %s within %d columns, comments name their subject' %
          (total, ', '.join(LINES), COLUMNS))
    return 1 if bad else 0


sys.exit(main())
