"""answer.py - what an expression makes of a daemon's answer in JSON, which comes by standard input

  answer.py EXPRESSION [WORD...]

In the expression "it" is the answer, at("a.b") a member of a member, "rows" are its
rows, "words" the words.
The value is printed, a list one member a line.  Status 0 if it is true in
Python's sense, 1 if not, 2 if there was no answer to look at.
"""
import functools
import json
import operator
import sys


class Row(dict):
    """What a row has not is None where its table has that column."""
    columns = frozenset()

    def __missing__(self, key):
        if key in self.columns:
            return None
        raise KeyError(key)


def main():
    expression, *words = sys.argv[1:]
    try:
        it = json.load(sys.stdin)
    except ValueError:
        return 2
    Row.columns = {c['key'] for c in it.get('columns', [])}
    names = {'it': it, 'rows': list(map(Row, it.get('rows', []))), 'words': words,
             'at': lambda path: functools.reduce(
                 operator.getitem, path.split('.'), it)}
    try:
        value = eval(expression, names)     # a test's own words
    except (KeyError, IndexError) as e:
        print(f'{expression}: {e!r} in {json.dumps(it)[:400]}', file=sys.stderr)
        return 2
    for line in value if isinstance(value, list) else [value]:
        print(line)
    return 0 if value else 1


sys.exit(main())
