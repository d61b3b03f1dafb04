#!/usr/bin/env python3
"""threats_table.py - each test that doc/threats.md names is there, and is run"""
import glob
import os
import re
import sys

TOP = os.environ.get('srcdir') or os.path.join(os.path.dirname(__file__),
                                               '..', '..')


def read(*path):
    with open(os.path.join(TOP, *path), encoding='utf-8') as f:
        return f.read()


def run_by_make():
    """What TESTS of all local.mk comes to."""
    values = {}
    for path in ['Makefile.am'] + sorted(
            glob.glob('**/local.mk', root_dir=TOP, recursive=True)):
        for name, words in re.findall(r'^(\w+)\s*\+?=(.*)$', re.sub(
                r'\\\n', ' ', read(path)), re.M):
            values.setdefault(name, []).extend(words.split())

    def expand(name):
        for word in values.get(name, []):
            if word.startswith('$('):
                yield from expand(word[2:-1])
            else:
                yield word
    return set(expand('TESTS'))


def sources(program):
    """The C text of a unit test, wherever its room is."""
    return ''.join(read(p) for p in glob.glob(
        f'tests/**/{program}*.c', root_dir=TOP, recursive=True))


def main():
    page = read('doc', 'threats.md')
    run = run_by_make()
    names = {os.path.basename(t) for t in run}
    wrong, count, rows = [], 0, 0

    def must(good, what):
        nonlocal count
        count += 1
        if not good:
            wrong.append(what)
    for line in page.splitlines():
        mode = None
        if not line.startswith('|') or line.startswith('|---'):
            continue
        cell = line.split('|')[-2].strip()
        if cell == 'test':
            continue
        rows += 1
        must('`' in cell or cell == '-', f'no test: {line}')
        program = ''
        # N, S and U before a list count for all of it.
        for kind, prefix, word in re.findall(
                r'(?:\b([NSU]) )?`(?:(test_\w+):)?([\w.]+)`', cell):
            if kind:
                mode = kind
            elif word.endswith('.sh') or word.startswith(('attack_', 'fuzz_')):
                mode = 'N'
            elif word.startswith('test_') and word in names:
                mode = 'U'
            elif prefix:
                mode = 'U'
            if word in ('rsipd', 'rsipc', 'oed', 'rsipctl'):
                continue
            if mode == 'S':
                must(glob.glob(f'tests/unit/*scenarios/{word}.scn',
                               root_dir=TOP), f'no scenario {word}')
            elif mode == 'N':
                base = word.removesuffix('.sh')
                must(base in names or base + '.sh' in names,
                     f'make check runs no {word}')
            elif word in names:
                program = word
                must(True, '')
            else:
                program = prefix or program
                must(program in names and
                     re.search(rf'\b{word}\b', sources(program)),
                     f'no test {program}:{word}')
    print(*(wrong or [f'{rows} rows: {count} tests are there']), sep='\n')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
