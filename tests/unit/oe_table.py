#!/usr/bin/env python3
"""oe_table.py - each test that doc/oe.md names is there, and each scenario is named; each of OE has a twin over IPv6, or tests/README.md says why not"""
import os
import re
import sys

TOP = os.environ.get('srcdir') or os.path.join(os.path.dirname(__file__),
                                               '..', '..')


def read(*path):
    with open(os.path.join(TOP, *path), encoding='utf-8') as f:
        return f.read()


def over_ipv6():
    """What is wrong with the table of tests/README.md."""
    page = read('tests', 'README.md')
    makefile = read('tests', 'net', 'local.mk')
    rows = re.findall(r'^\| (`.*?) \| (.*) \|$',
                      page.split('## Over IPv6')[1].split('\nRules:')[0], re.M)
    tests = {f[:-3] for f in os.listdir(os.path.join(TOP, 'tests', 'net'))
             if re.match(r'(oe|attack|laptop|rsipc)_\w+\.sh$', f)}
    named = set()
    for first, second in rows:
        names = set(re.findall(r'`(\w+)`', first))
        twins = set(re.findall(r'`((?:oe|attack|laptop)_\w+)`', second))
        yield from (f'no test {n}' for n in sorted((names | twins) - tests))
        if not (twins or second.startswith('none: ')):
            yield f'{first}: neither a twin nor a reason'
        yield from (f'{t} is in no local.mk' for t in sorted(twins & tests)
                    if f'tests/net/{t}.sh' not in makefile)
        named |= names
    yield from (f'tests/README.md does not say what {n} is over IPv6'
                for n in sorted(tests - named) if '_six' not in n)


def main():
    page = read('doc', 'oe.md')
    wrong = []
    named = set(re.findall(r'\bS `([a-z0-9_]+)`', page))
    there = {f[:-4] for f in os.listdir(os.path.join(
        TOP, 'tests', 'unit', 'scenarios')) if f.endswith('.scn')}
    wrong += [f'no scenario {n}' for n in sorted(named - there)]
    wrong += [f'scenario {n} is not named' for n in sorted(there - named)]
    for program, function in re.findall(r'\bU `(test_\w+):(\w+)`', page):
        if f'cmocka_unit_test({function})' not in read(
                'tests', 'unit', program + '.c'):
            wrong.append(f'no test {program}:{function}')
    nets = set(re.findall(r'\bN `([a-z0-9_]+)`', page))
    for name in nets:
        if not os.path.exists(os.path.join(TOP, 'tests', 'net', name + '.sh')):
            wrong.append(f'no test {name}.sh')
    for path in re.findall(r'`(tests/\S+\.c)`', page):
        if '/test.c' not in path and not os.path.exists(
                os.path.join(TOP, path)):
            wrong.append(f'no file {path}')
    wrong += over_ipv6()
    print(*(wrong or [f'{len(named)} scenarios and {len(nets)} network tests '
                      'are there']), sep='\n')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
