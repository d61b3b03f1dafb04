#!/usr/bin/env python3
"""rooms.py [dot] - who includes whom: the table of doc/architecture.md holds, and no circle is new

Reads #include "..." of all program files.  "dot": the graph of rooms and files for
Graphviz.  Else what breaks the table, and circles between files (a source and its
header are one file here) that tests/rooms.txt does not know; that list may only
shrink; and headers of nat/, net/, oe/ and oe/ike*/ that declare functions of more
than one source.
"""
import os
import re
import sys

ROOMS = ('base', 'net', 'proto', 'nat', 'rsipd', 'oe/ike', 'oe/ike1',
         'oe/ike2', 'oe/esp', 'oe', 'rsipc', 'ctl', 'include')
ONE_BODY = r'(oe|nat|net)/[a-z_0-9]+\.h|oe/ike[12]?/'
root = os.environ.get('srcdir', '.')


def room_of(path):
    return next((r for r in ROOMS if path.startswith(r + '/')), None)


def read_includes():
    """{file: set of files}, without what is not of the programs"""
    graph = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            if not name.endswith(('.c', '.h')) or room_of(path) is None:
                continue
            text = open(os.path.join(root, path), encoding='utf-8').read()
            graph[path] = {p for p in re.findall(r'^#include "([^"]+)"', text,
                                                 re.M) if room_of(p)}
    return graph


def read_table():
    """{room: rooms or single headers that its row allows}"""
    allowed = {}
    for line in open(os.path.join(root, 'doc/architecture.md'),
                     encoding='utf-8'):
        m = re.match(r'\| `([a-z0-9/]+)/` \|.*\| ([^|]+) \|$', line)
        if m and m.group(1) in ROOMS:
            words = set(re.findall(r'[a-z]+(?:/[a-z0-9.]+)?', m.group(2)))
            allowed[m.group(1)] = {r for r in ROOMS if r in words}
            if "oe's keys" in m.group(2) or 'of oe/ the keys' in m.group(2):
                allowed[m.group(1)] |= {'oe/pubkey.h', 'oe/keying.h',
                                        'oe/rr.h'}
            if "oe's keys and records" in m.group(2):
                allowed[m.group(1)] |= {'oe/record.h'}
    return allowed


def stem(path):
    """the file without its ending; what only its own bodies know is a part of it"""
    name = path.rsplit('.', 1)[0]
    return re.sub('_(internal|private)$', '', name)


def circles(graph):
    """strongly connected sets of more than one file (Tarjan)"""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for to in sorted(graph.get(node, ())):
            if to not in index:
                visit(to)
                low[node] = min(low[node], low[to])
            elif to in stack:
                low[node] = min(low[node], index[to])
        if low[node] == index[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(10000)
    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def merge(graph):
    merged = {}
    for path, to in graph.items():
        merged.setdefault(stem(path), set()).update(
            stem(p) for p in to if stem(p) != stem(path))
    return merged


def bodies(graph):
    """Headers of ONE_BODY whose functions are defined in more than one source"""
    defined, mixed = {}, []
    for path in graph:
        if path.endswith('.c'):
            text = open(os.path.join(root, path), encoding='utf-8').read()
            for name in re.findall(r'^([a-z_0-9]+)\(', text, re.M):
                defined.setdefault(name, set()).add(path)
    for path in sorted(graph):
        if not path.endswith('.h') or not re.match(ONE_BODY, path):
            continue
        text = open(os.path.join(root, path), encoding='utf-8').read()
        text = re.sub(r'/\*.*?\*/', '', text, flags=re.S)
        own = re.findall(r'^[a-z][a-z_0-9 \t*]*?[ \t*]([a-z_0-9]+)\([^;{]*\)'
                         r'[^;{]*;', text, re.M)
        sources = set()
        for name in own:
            near = [c for c in defined.get(name, ())
                    if os.path.dirname(c) == os.path.dirname(path)]
            sources.update(near)
        if len(sources) > 1:
            mixed.append(path)
    return mixed


def dot(graph):
    print('digraph rooms {\n\trankdir = LR;\n\tnode [shape = box];')
    for room in ROOMS:
        print('\tsubgraph "cluster_%s" {\n\t\tlabel = "%s";' % (room, room))
        for path in sorted(graph):
            if room_of(path + '.c') == room:
                print('\t\t"%s" [label = "%s"];' %
                      (path, os.path.basename(path)))
        print('\t}')
    for path in sorted(graph):
        for to in sorted(graph[path]):
            print('\t"%s" -> "%s";' % (path, to))
    print('}')


def main():
    graph = read_includes()
    if sys.argv[1:] == ['dot']:
        dot(merge(graph))
        return 0
    allowed = read_table()
    missing = set(ROOMS) - set(allowed)
    bad = ['doc/architecture.md has no row for %s/' % r for r in missing]
    for path in sorted(graph):
        room = room_of(path)
        for to in sorted(graph[path]):
            if room_of(to) != room and room_of(to) not in \
                    allowed.get(room, ()) and to not in allowed.get(room, ()):
                bad.append('%s includes %s: the table of rooms has no such '
                           'arrow' % (path, to))
    known = {line.strip() for line in
             open(os.path.join(root, 'tests/rooms.txt'), encoding='utf-8')
             if not line.startswith('#')}
    now = {' '.join(group) for group in circles(merge(graph))}
    mixed = set(bodies(graph))
    bad += ['a circle: ' + group for group in sorted(now - known)]
    bad += ['%s declares functions of several sources' % path
            for path in sorted(mixed - known)]
    bad += ['tests/rooms.txt: not so any more: ' + line
            for line in sorted(known - now - mixed) if line]
    print('\n'.join(bad) or '%d files, %d includes: as the table says; %d '
          'circles, all known' % (len(graph), sum(map(len, graph.values())),
                                  len(now)))
    return 1 if bad else 0


sys.exit(main())
