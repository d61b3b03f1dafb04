"""follow.py - a guide's commands, taken from its Markdown, and whether what was said has the shape that is shown

usage: follow.py steps GUIDE FOLDER [NAME=NAME...] | said SHOWN SAID |
       follow.py sentences GUIDE SOURCE...

steps: writes FOLDER/list, and FOLDER/N.command and N.shown for each command.  A block
is followed that begins with "```console HOST", or "```console HOST fails" where its
commands are to fail; a line with "$ " begins a command, "> " goes on with it, what
stands between is what it prints.  <!-- do: WORDS --> is done by the test, and a block
after <!-- not followed: WHY --> is none of it.  NAME=NAME: the lab's name for the
guide's.

said: true if SAID is as SHOWN, but for numbers beyond one, times, hexadecimal digits
and blanks; addresses are as they are shown.  A line "..." is any lines, and an ellipsis in a
line any text.

sentences: what the first cells of the guide's tables quote is in these sources.
"""
import pathlib
import re
import sys

VARIES = (                          # what is shown, and what may stand there
    (r'\d+\.\d+\.\d+\.\d+(?:/\d+)?', None),         # an address: itself
    (r'0x[0-9a-f]+', r'0x[0-9a-f]+'),
    (r'\b(?=[a-f]*\d)[0-9a-f]{8,32}\b', r'[0-9a-f]{8,32}'),
    (r'\b[01]\b(?!\.\d)', None),                    # none, and one: themselves
    (r'\b\d+[dhms](?:\d+[hms])*\b', r'\d+[dhms](?:\d+[hms])*'),
    (r'\d+(?:\.\d+)?', r'\d+(?:\.\d+)?'),
    (r'…', r'.*'),
    (r'\s+', r'\s+'),
)
TOKEN = re.compile('|'.join('(%s)' % shown for shown, _ in VARIES))


def pattern(line):
    """of the lines that have this line's shape"""
    out, at = '', 0
    for m in TOKEN.finditer(line):
        may = VARIES[m.lastindex - 1][1]
        out += re.escape(line[at:m.start()]) + (may or re.escape(m.group()))
        at = m.end()
    return re.compile(out + re.escape(line[at:]) + r'\s*')


def alike(shown, said):
    """shown and said: lists of lines"""
    if not shown:
        return not said
    if shown[0] == '...':
        return any(alike(shown[1:], said[n:]) for n in range(len(said) + 1))
    return bool(said) and pattern(shown[0]).fullmatch(said[0]) is not None and \
        alike(shown[1:], said[1:])


def blocks(guide):
    """(line, info, lines) of each fenced block; info "do" for what the test does"""
    inside, skip = None, False
    for n, line in enumerate(guide.read_text().splitlines(), 1):
        if inside:
            if line == '```':
                yield inside
                inside = None
            else:
                inside[2].append(line)
        elif line.startswith('```'):
            inside = (n, '' if skip else line[3:] or '?', [])
            skip = False
        elif m := re.fullmatch(r'<!-- (do|not followed): (.+) -->', line):
            skip = m[1] == 'not followed'
            if not skip:
                yield n, 'do', [m[2]]
        elif skip and line:
            sys.exit('%s:%d: what is not followed?' % (guide, n))
        elif re.match(r'    |\t', line):
            sys.exit('%s:%d: commands that nobody follows' % (guide, n))
    if inside:
        sys.exit('%s: a block without an end' % guide)


def commands(where, lines):
    """[command, shown] of a block"""
    found = []
    for line in lines:
        if line.startswith('$ '):
            found.append([line[2:], []])
        elif not found:
            sys.exit('%s: it begins without a command' % where)
        elif line.startswith('> ') and not found[-1][1]:
            found[-1][0] += '\n' + line[2:]
        else:
            found[-1][1].append(line)
    return found


def steps(guide, folder, *names):
    guide, folder = pathlib.Path(guide), pathlib.Path(folder)
    folder.mkdir()

    def lab(text):
        for name in names:
            text = text.replace(*name.split('='))
        return text

    with open(folder / 'list', 'w') as out:
        count = 0
        for line, info, lines in blocks(guide):
            where = '%s:%d' % (guide.name, line)
            if info == 'do':
                out.write('do %s %s\n' % (where, lines[0]))
                continue
            if not info:
                continue
            m = re.fullmatch(r'console (\w+)( fails)?', info)
            if not m:
                sys.exit('%s: neither "console HOST" nor "not followed"' % where)
            for command, shown in commands(where, lines):
                count += 1
                (folder / ('%d.command' % count)).write_text(lab(command) + '\n')
                (folder / ('%d.shown' % count)).write_text(
                    ''.join(lab(s) + '\n' for s in shown))
                out.write('%s %s %s %d\n' % ('fails' if m[2] else 'type', where,
                                             m[1], count))
    if not count:
        sys.exit('%s: nothing to follow' % guide)


def said(shown, answer):
    with open(shown) as a, open(answer) as b:
        sys.exit(not alike([line.strip() for line in a],
                           [line.strip() for line in b if line.strip()]))


def sentences(guide, *sources):
    text = re.sub(r'"\s*"', '', ''.join(open(name).read() for name in sources))
    text = text.replace(r'\"', '"')
    cells = [line.split('|')[1] for line in open(guide) if line.startswith('| `')]
    quoted = [q for cell in cells for q in re.findall('`([^`]+)`', cell)]

    def whole(part):
        """in one string, or in one that a second is put into"""
        words = part.split(' ')
        return part in text or any(
            ' '.join(words[:n]) + ' %s' in text and ' '.join(words[n:]) in text
            for n in range(1, len(words)))

    for part in (part.strip() for q in quoted for part in q.split('…')):
        if len(part) > 5 and not whole(part):
            sys.exit('%s: nothing says "%s"' % (guide, part))
    print('%d sentences are those of the sources' % len(quoted))


{'steps': steps, 'said': said, 'sentences': sentences}[sys.argv[1]](*sys.argv[2:])
