#!/usr/bin/env python3
"""ike2_table.py - doc/ike2-wire.md has a row for each MUST and SHOULD, and each test that it names is run

ike2_sentences.txt has the sentences.  A row needs a test, or the words
"reason:" or "deviation:"; a unit test must be among the program's and the program
among what make check builds, a case of charon_ike2 among those that it runs.
doc/ike2.md names tests the same way.
"""
import os
import re
import sys

TOP = os.environ.get('srcdir') or os.path.join(os.path.dirname(__file__), '..', '..')
CELL = re.compile(r'(\d[0-9.]*)(?: \(([0-9, -]+)\))?')
ROW = re.compile(r'^\| ([^|]*) \| ([^|]*) \| (.*) \|$', re.M)


def read(*path):
    with open(os.path.join(TOP, *path), encoding='utf-8') as f:
        return f.read()


def sentences():
    """{(RFC, section): {number}} of all that must have a row."""
    out = {}
    for line in read('tests', 'unit', 'ike2_sentences.txt').splitlines():
        if not line.startswith('#'):
            rfc, section, number = line.split(' | ')[0].split()
            out.setdefault((rfc, section), set()).add(int(number))
    return out


def numbers(text):
    """None for all of a section."""
    if not text:
        return None
    out = set()
    for part in text.split(','):
        low, _, high = part.strip().partition('-')
        out |= set(range(int(low), int(high or low) + 1))
    return out


def named(shown):
    """(program, function) of each test in a row's last column."""
    for part in re.split(r'; ', shown):
        match = re.match(r'(?:\w+: .*, )?`(test_\w+|charon_ike2|scenario)` (.*)', part)
        if match:
            for name in match.group(2).split(', '):
                yield match.group(1), name


class Tests:
    """What there is, and what is run."""

    def __init__(self):
        self.built = read('tests', 'unit', 'local.mk')
        self.charon = read('tests', 'interop', 'charon_ike2.sh')
        self.cases = read('tests', 'interop', 'charon_inside.sh')
        self.sources = {}

    def missing(self, program, name):
        """Why this test shows nothing; None if it does."""
        if program == 'scenario':
            return None if os.path.exists(os.path.join(
                TOP, 'tests', 'unit', 'scenarios', name + '.scn')) else 'no scenario'
        if program == 'charon_ike2':
            if not re.search(r'^case_%s\(\)' % name, self.cases, re.M):
                return 'no case'
            return None if re.search(r'\b%s\b' % name, self.charon) else 'not run'
        if program not in self.sources:
            path = ('tests', 'unit', program + '.c')
            self.sources[program] = read(*path) if os.path.exists(
                os.path.join(TOP, *path)) else ''
        if not re.search(r'tests/unit/%s\b(?!\.)' % program, self.built):
            return 'not built'
        if 'cmocka_unit_test(%s)' % name not in self.sources[program]:
            return 'no such test'
        return None


def main():
    left, mistakes, tests, count = sentences(), [], Tests(), 0
    total = sum(len(x) for x in left.values())
    reasons = deviations = 0
    for part in read('doc', 'ike2-wire.md').split('\n## RFC ')[1:]:
        rfc = part[:4]
        there = {}
        for cell, _, shown in ROW.findall(part):
            match = CELL.fullmatch(cell)
            if not match:
                continue
            where = 'RFC %s %s' % (rfc, cell)
            section, some = match.group(1), numbers(match.group(2))
            all_of = left.get((rfc, section))
            if all_of is None:
                mistakes.append(where + ': no such section in the sentences')
            elif some is not None and some - all_of - there.get(section, set()):
                mistakes.append(where + ': more numbers than sentences')
            elif some is not None:
                there.setdefault(section, set()).update(some)
                all_of -= some
            else:
                there.setdefault(section, set()).update(all_of)
                all_of.clear()
            names = list(named(shown))
            count += len(names)
            reasons += 'reason:' in shown
            deviations += 'deviation:' in shown
            if not names and not re.search('(reason|deviation): ', shown):
                mistakes.append(where + ': neither test nor reason')
            for program, name in names:
                why = tests.missing(program, name)
                if why:
                    mistakes.append('%s: %s %s: %s' % (where, program, name, why))
    mistakes += ['RFC %s %s (%s): no row' % (*key, ', '.join(map(str, sorted(x))))
                 for key, x in left.items() if x]
    for program, names in re.findall(r'`(test_ike2\w*)` (\w+(?:, \w+)*)', read('doc', 'ike2.md')):
        for name in names.split(', '):
            if tests.missing(program, name):
                mistakes.append('doc/ike2.md: %s %s: %s' % (
                    program, name, tests.missing(program, name)))
    for mistake in mistakes:
        print(mistake)
    print('%d sentences, %d tests named, %d rows with a reason, %d with a deviation, '
          '%d mistakes' % (total, count, reasons, deviations, len(mistakes)))
    return 1 if mistakes or total < 350 or count < 200 else 0


if __name__ == '__main__':
    sys.exit(main())
