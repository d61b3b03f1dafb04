#!/usr/bin/env python3
"""wire_table.py - doc/wire.md has a row for each MUST, SHOULD and MAY of the RFCs, and its tests say so themselves

rfc_sentences.txt has the sentences.  A row needs a test, or the word
"deviation" or "reason"; a test must be there, and name a section of the row.
"""
import glob
import os
import re
import sys

TOP = os.environ.get('srcdir') or os.path.join(os.path.dirname(__file__), '..', '..')
CELL = re.compile(r'([0-9A-Z][0-9.]*)(?: \(([0-9, -]+)\))?')


def read(path):
    with open(os.path.join(TOP, path), encoding='utf-8') as f:
        return f.read()


def sentences():
    """{(RFC, section): {number}} of all that must have a row."""
    out = {}
    for line in read('tests/peer/rfc_sentences.txt').splitlines():
        if not line.startswith('#'):
            rfc, section, number = line.split(' | ')[0].split()
            out.setdefault((rfc, section), set()).add(int(number))
    return out


def covered(cell):
    """(section, numbers; None for all) of a row's first column."""
    for section, numbers in CELL.findall(cell):
        if not numbers:
            yield section, None
            continue
        out = set()
        for part in numbers.split(','):
            low, _, high = part.strip().partition('-')
            out |= set(range(int(low), int(high or low) + 1))
        yield section, out


def named(cell):
    """(letter, name, is it a function) of every test in a row's last column."""
    letter = None
    for letters, quoted, code in re.findall(
            r'\b([A-Z])(?= [`"])|"([^"]+)"|`([a-z0-9_]+)`', cell):
        if letters:
            letter = letters
        elif letter and code not in ('rsipc', 'rsipd', 'oed'):
            yield letter, quoted or code, not quoted


def scenario(paths, name):
    """The text of a scenario among these files; None if it is not there."""
    for path in paths:
        if os.path.basename(path) == name + '.scn':
            return read(path)
    return None


def test_text(source, name, function):
    """What the test says: a function with its comment, or a script; None if it is not there."""
    if not function:
        return source if name in source else None
    lines = source.split('\n')
    for at, line in enumerate(lines):
        if not re.match(r'(def )?%s\(' % re.escape(name), line):
            continue
        end = at + 1
        while end < len(lines) and not re.match(r'\}|@|def |class |if __', lines[end]):
            end += 1
        while at > 0 and lines[at - 1].strip() and lines[at - 1] != '}':
            at -= 1
        return '\n'.join(lines[at:end])
    return None


def mentions(text, section):
    if len(section) < 3:        # one figure alone is too little
        return re.search(r'(§|310[234] |Appendix |"""|, )%s\b' % section, text)
    return re.search(r'(?<![\d.])%s(?!\.?\d)' % re.escape(section), text)


def main():
    page = read('doc/wire.md')
    page = page[page.index('## Every MUST'):]
    files = {letter: [f for p in re.findall('`([^`]+)`', paths)
                      for f in sorted(glob.glob(p, root_dir=TOP))]
             for letter, paths in re.findall(
                 r'^\| ([A-Z]) \| (`[^|]+`) \|', page, re.M)}
    sources = {letter: '\n'.join(map(read, paths))
               for letter, paths in files.items()}
    left, mistakes, tests = sentences(), [], 0
    total = sum(len(x) for x in left.values())
    for part in page.split('\n### RFC ')[1:]:
        rfc = part[:4]
        for cell, _, shown in re.findall(r'^\| ([0-9E][^|]*) \| ([^|]*) \| (.*) \|$',
                                         part, re.M):
            where = 'RFC %s %s' % (rfc, cell)
            for section, numbers in covered(cell):
                there = left.get((rfc, section))
                if numbers is None and there is not None:
                    there.clear()
                elif there is not None:
                    there -= numbers
            names = list(named(shown))
            tests += len(names)
            if not names and not re.search('(?i)deviation|reason', shown):
                mistakes.append(where + ': neither test nor reason')
            for letter, name, function in names:
                text = scenario(files[letter], name) or test_text(
                    sources[letter], name, function)
                if text is None:
                    mistakes.append('%s: no "%s" in %s' % (where, name, letter))
                elif not any(mentions(text, s) for s, _ in covered(cell)):
                    mistakes.append('%s: "%s" in %s does not name it' % (
                        where, name, letter))
    mistakes += ['RFC %s %s (%s): no row' % (*key, ', '.join(map(str, sorted(x))))
                 for key, x in left.items() if x]
    for mistake in mistakes:
        print(mistake)
    print('%d sentences, %d tests named, %d mistakes' % (total, tests, len(mistakes)))
    return 1 if mistakes or total < 200 or tests < 100 else 0


if __name__ == '__main__':
    sys.exit(main())
