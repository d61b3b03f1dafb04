#!/usr/bin/env python3
"""wire_table.py - each test that doc/wire.md names is there, under the name it has

Also: no chapter of the RFCs with a MUST or SHOULD is left out of the table.
"""
import os
import re
import sys

TOP = os.environ.get('srcdir') or os.path.join(os.path.dirname(__file__), '..', '..')

# Sections of RFC 3103 5 to 10 and RFC 3104 4 to 6 that say MUST or SHOULD.
SECTIONS = {
    'RFC 3103': '''5 7.2 7.3.1 7.3.2 8.2 8.10 8.11 8.12 9 9.1.1 9.1.3 9.2.1 9.2.3
        9.3.3 9.4.1 9.4.3 9.5.1 9.5.3 9.6.3 9.7.3 9.8.3 9.9.3 9.10.1 9.10.3
        9.11.1 9.12.3 9.14.3 9.16.3 9.17.1 9.17.3 10.1 10.2.1 10.2.2 10.4 10.5''',
    'RFC 3104': '4 5 6.1 6.2',
}


def read(path):
    with open(os.path.join(TOP, path), encoding='utf-8') as f:
        return f.read()


def named(cell):
    """(letter, name) of every test in the last column of a row."""
    letter = None
    for letters, quoted, code in re.findall(
            r'\b((?:[A-Z], )*[A-Z])(?= [`"]|:)|"([^"]+)"|`([a-z0-9_]+)`', cell):
        if letters:
            letter = letters.split(', ')
        elif letter:
            yield letter, quoted or code


def covers(cell, section):
    def key(text):
        return [int(x) for x in text.split('.')]
    for one in cell.split(', '):
        if one == section or one == section.rsplit('.', 1)[0]:
            return True
        if ' to ' in one and key(one.split(' to ')[0]) <= key(section) <= \
                key(one.split(' to ')[1]):
            return True
    return False


def main():
    page = read('doc/wire.md')
    page = page[page.index('## Every MUST'):]
    files = {letter: read(path) for letter, path in re.findall(
        r'^\| ([A-Z]) \| `([^`]+)` \|', page, re.M)}
    wrong = count = 0
    for rfc, sections in SECTIONS.items():
        part = page[page.index('### ' + rfc):].split('\n### ')[0]
        part = part if part.startswith('### ') else '### ' + part
        rows = re.findall(r'^\| ([0-9][^|]*) \| ([^|]*) \| (.*) \|$', part, re.M)
        for section in sections.split():
            if not any(covers(row[0], section) for row in rows):
                print('%s %s is not in the table' % (rfc, section))
                wrong += 1
        for row in rows:
            for letters, name in named(row[2]):
                count += 1
                if not any(re.search(r'\b%s\b' % re.escape(name), files[x])
                           for x in letters):
                    print('%s %s: no "%s" in %s' % (rfc, row[0], name, letters))
                    wrong += 1
    print('%d tests named, %d mistakes' % (count, wrong))
    return 1 if wrong or count < 50 else 0


if __name__ == '__main__':
    sys.exit(main())
