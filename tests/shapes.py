#!/usr/bin/env python3
"""shapes.py - pairs of program files that share six or more lines of the same shape

A line's shape is the line with every name, number and text alike.  What counts is what
is done: neither blank lines, comments, braces, includes and guards, nor what is a list by
its nature: declarations without a value, enumerators, labels of a switch, returns of a
constant, one text over several lines.  For the same reason six lines have at least three shapes in a
function, four in a table, or are the same to the letter.  tests/shapes.txt names the
pairs that stay and says why; that list may only shrink.
"""
import collections
import os
import re
import sys

ROOMS = ('base', 'net', 'proto', 'nat', 'rsipd', 'oe', 'rsipc', 'ctl', 'include')
LINES = 6
KINDS = {True: 3, False: 4}	# in a function, and beyond
KEYWORDS = set('auto break case const continue default do else enum extern for '
               'goto if inline return sizeof static struct switch typedef union '
               'while'.split())
TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|[A-Za-z_]\w*|'
                   r'0[xX][0-9a-fA-F]+\w*|\d[\w.]*|\S')
COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|/\*.*?\*/', re.S)
TYPE = r'(?:static )?(?:const )?(?:struct |enum |union )?I(?: const)?'
# "int n, *p, a[N];", "case X:", "default:", "break;", "return X;", "(void)x;",
# "struct s;", "ENUMERATOR,", a text alone (also behind ".help ="), and guards.
THIN = re.compile(r'(?:%s(?: \*)* I(?! \()[^=(]*;|(?:case (?:I|N|C) |default ):.*|'
                  r'break ;|continue ;|return(?: -? ?(?:I|N|S|C))? ;|\( I \) I ;|'
                  r'struct I ;|I(?: = N)? ,|(?:\. I = )?[S(){}, ;]+|# (?:ifndef|define) I|# endif)$' % TYPE)
root = os.environ.get('srcdir', '.')


def sources():
    for room in ROOMS:
        for folder, _, names in os.walk(os.path.join(root, room)):
            for name in sorted(names):
                if name.endswith(('.c', '.h')):
                    yield os.path.relpath(os.path.join(folder, name), root)


def shape(line):
    out = []
    for t in TOKEN.findall(line):
        if t[0] == '"':
            t = 'S'
        elif t[0] == "'":
            t = 'C'
        elif t[0].isdigit():
            t = 'N'
        elif (t[0].isalpha() or t[0] == '_') and t not in KEYWORDS:
            t = 'I'
        out.append(t)
    return ' '.join(out)


def read(path):
    """stretches of [(line number, shape, text)]: each function, and what is between them"""
    text = open(os.path.join(root, path), encoding='utf-8').read()
    text = COMMENT.sub(lambda m: m.group(1) or '\n' * m.group().count('\n'), text)
    stretches = [(False, [])]
    for n, line in enumerate(text.split('\n'), 1):
        if line == '{' or line.startswith('}'):
            stretches.append((line == '{', []))
        body, lines = stretches[-1]
        s = shape(line)
        if re.search(r'\w', s) and not line.startswith('#include') and \
                not THIN.match(s):
            lines.append((n, s, ' '.join(line.split())))
    return stretches


def windows(path):
    """(key, first and last line) of all six lines that count"""
    for body, lines in read(path):
        for i in range(len(lines) - LINES + 1):
            part = lines[i:i + LINES]
            shapes = tuple(s for _, s, _ in part)
            if len(set(shapes)) < KINDS[body]:
                yield tuple(t for _, _, t in part), part[0][0], part[-1][0]
            else:
                yield shapes, part[0][0], part[-1][0]


def find():
    """{(file, file): [((from, to), (from, to))]}"""
    places = collections.defaultdict(list)
    for path in sources():
        for key, first, last in windows(path):
            places[key].append((path, first, last))
    pairs = collections.defaultdict(list)
    for seen in places.values():
        for i, (a, *at) in enumerate(seen):
            for b, *bt in seen[:i]:
                if a != b:
                    both = sorted(((a, at), (b, bt)))
                    pairs[both[0][0], both[1][0]].append((both[0][1], both[1][1]))
    return pairs


def read_known():
    known = {}
    for line in open(os.path.join(root, 'tests/shapes.txt'), encoding='utf-8'):
        words = line.split('#')[0].split()
        if words:
            known[tuple(sorted(words[:2]))] = int(words[2])
    return known


def main():
    pairs, known = find(), read_known()
    bad = []
    for pair, runs in sorted(pairs.items()):
        if len(runs) > known.get(pair, 0):
            (a, b), (c, d) = min(runs)
            bad.append('%s:%d-%d ~ %s:%d-%d: %d times six lines of the same '
                       'shape, %d known' % (pair[0], a, b, pair[1], c, d,
                                            len(runs), known.get(pair, 0)))
    for pair, n in sorted(known.items()):
        if len(pairs.get(pair, [])) < n:
            bad.append('tests/shapes.txt: %s %s: %d now, not %d' %
                       (*pair, len(pairs.get(pair, [])), n))
    print('\n'.join(bad) or 'no two of the program files share %d lines of the same '
          'shape but %d pairs, each with its reason' % (LINES, len(known)))
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main())
