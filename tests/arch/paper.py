#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what is written about the program is still true. paper.py SOURCE-ROOT

D-Bus members and error names stand in org.bridgewarden1(5), words and fields of the journal in
bridgewardend(8), and so does each reason; verbs in bridgewarden(1) and in the completion, message IDs
in the catalog, rooms in the map of HACKING.md, and every file begins with its licence. Only what a
form demands may stand before it: how a script is run, what makes a file XML, the title of a page for
scdoc."""

import re
import sys
import xml.etree.ElementTree as ElementTree
from fnmatch import fnmatch
from pathlib import Path

SPDX = 'SPDX-License-Identifier: GPL-2.0-or-later'
PATTERNS = ('**/*.c', '**/*.h', '**/meson.build', '**/*.py', '**/*.sh', '**/*.bash', 'conf/*.conf',
            'conf/*.xml', 'man/*.scd', 'systemd/bridgewarden.*', 'tests/golden/*.conf')
LOCAL = re.compile(r'^(build|\.git|\.cache)')
BEFORE = re.compile(r'#!|<\?xml |[\w.]+\(\d\)')


def fail_missing(what, wanted, text):
    missing = [name for name in wanted if not re.search(r'(?<!\w)%s(?!\w)' % re.escape(name), text)]
    if not wanted:
        print(f'{what}: found nothing to look for')
    for name in missing:
        print(f'{what}: {name} is missing')
    return len(missing) + (0 if wanted else 1)


def check_interface(root):
    page = (root / 'man/org.bridgewarden1.5.scd').read_text()
    interface = ElementTree.parse(root / 'conf/org.bridgewarden1.xml').find('interface')
    members = [e.get('name') for e in interface if e.tag in ('method', 'property', 'signal')]
    value = ''.join((root / 'daemon' / name).read_text() for name in ('bus_value.c', 'bus_topology.c'))
    bus = (root / 'daemon/bus.c').read_text()
    keys = re.findall(r'(?:row_\w+\(row, |"\{sv\}", )"(\w+)"', value)
    errors = ['org.bridgewarden1' + e for e in re.findall(r'NAME "(\.Error\.\w+)"', bus)]
    errors += ['org.freedesktop.DBus.Error.AccessDenied', 'org.freedesktop.DBus.Error.InvalidArgs']
    return (fail_missing('org.bridgewarden1(5), members', [f'*{m}*' for m in members], page)
            + fail_missing('org.bridgewarden1(5), keys of rows', [f'*{k}*' for k in keys], page)
            + fail_missing('org.bridgewarden1(5), errors', errors, page))


def check_journal(root):
    page = (root / 'man/bridgewardend.8.scd').read_text()
    catalog = (root / 'systemd/bridgewarden.catalog').read_text()
    table = re.findall(r'\[BW_MESSAGE_\w+\] = \{ "([\w-]+)",\s+"([0-9a-f]{32})" \}',
                       (root / 'daemon/journal.c').read_text())
    fields = {f for p in (root / 'daemon').glob('*.c')
              for f in re.findall(r'"(BW_[A-Z_]+)"', p.read_text())}
    wrong = (fail_missing('bridgewardend(8), BW_EVENT', [name for name, _ in table], page)
             + fail_missing('bridgewardend(8), fields', sorted(fields), page))
    entries = dict(re.findall(r'^-- ([0-9a-f]{32})\n(.*?)(?=^-- |\Z)', catalog, re.M | re.S))
    for name, message_id in table:
        head, _, body = entries.get(message_id, '').partition('\n\n')
        if 'Subject: ' not in head or 'Defined-By: bridgewarden' not in head or len(body) < 40:
            print(f'bridgewarden.catalog: {name} ({message_id}) has no proper entry')
            wrong += 1
    return wrong


def check_reasons(root):
    """Each reason has an entry of its own in the manual, in the order of report, and a word in the
    catalog; the manual has none that the program does not know."""
    names = re.findall(r'case BW_REASON_(?!NONE)\w+:\s+return "([a-z-]+)";',
                       (root / 'lib/reason.c').read_text())
    members = re.findall(r'^ +BW_REASON_(?!NONE)([A-Z_]+),',
                         (root / 'include/bw/reason.h').read_text(), re.M)
    page = (root / 'man/bridgewardend.8.scd').read_text()
    section = page.partition('\n# REASONS\n')[2].partition('\n# ')[0]
    told = re.findall(r'^\*([a-z-]+)\*\n\t(?=\S.{30})', section, re.M)
    catalog = (root / 'systemd/bridgewarden.catalog').read_text()
    lines = [name for line in re.findall(r'^((?:[a-z-]+, )*[a-z-]+): \w', catalog, re.M)
             for name in line.split(', ')]
    wrong = fail_missing('bridgewarden.catalog, reasons', names, ' '.join(lines))
    if [m.lower().replace('_', '-') for m in members] != names:
        print('reason.h and reason.c differ')
        wrong += 1
    if told != names:
        print(f'bridgewardend(8), REASONS: {told} is not the list of reason.h in its order: {names}')
        wrong += 1
    return wrong


def check_hazards(root):
    """As reasons: an entry each in the manual, in the order of the list, and a word in the catalog."""
    names = re.findall(r'case BW_HAZARD_\w+:\s+return "([a-z-]+)";',
                       (root / 'lib/hazard_kind.c').read_text())
    page = (root / 'man/bridgewardend.8.scd').read_text()
    section = page.partition('\n# HAZARDS\n')[2].partition('\n# ')[0]
    told = re.findall(r'^\*([a-z-]+)\*\n\t(?=\S.{30})', section, re.M)
    catalog = (root / 'systemd/bridgewarden.catalog').read_text()
    entry = catalog.partition('Subject: Something weakens the guard: ')[2].partition('\n-- ')[0]
    lines = [name for line in re.findall(r'^((?:[a-z-]+, )*[a-z-]+): \w', entry, re.M)
             for name in line.split(', ')]
    wrong = fail_missing('bridgewarden.catalog, hazards', names, ' '.join(lines))
    if told != names:
        print(f'bridgewardend(8), HAZARDS: {told} is not the list of hazard_kind.c in its order: {names}')
        wrong += 1
    return wrong


def check_verbs(root):
    table = (root / 'cli/main.c').read_text().partition('verbs[] = {')[2].partition('};')[0]
    verbs = re.findall(r'\{ "(\w+)", \d', table)
    page = (root / 'man/bridgewarden.1.scd').read_text()
    return (fail_missing('bridgewarden(1)', [f'*{v}*' for v in verbs], page)
            + fail_missing('bridgewarden.bash', verbs, (root / 'cli/bridgewarden.bash').read_text()))


def check_licences(root):
    wrong = 0
    for pattern in PATTERNS:
        for path in root.glob(pattern):
            name = str(path.relative_to(root))
            if LOCAL.match(name):
                continue
            first = path.read_text().splitlines()[:2]
            if first and BEFORE.match(first[0]):
                first = first[1:]
            if not first or SPDX not in first[0]:
                print(f'{name}: does not begin with its SPDX line')
                wrong += 1
    return wrong


def check_map(root):
    """Rows of HACKING.md name rooms: `lib/addr`, `uuid`, `ipt_*`; the folder goes on within a row."""
    text = (root / 'HACKING.md').read_text()
    patterns = set()
    for row in re.findall(r'^\| (`.*?) \|', text, re.M):
        folder = ''
        for name in re.findall(r'`([\w/*]+)`', row):
            folder, _, stem = name.rpartition('/') if '/' in name else (folder, '', name)
            patterns.add(f'{folder}/{stem}')
    files = [p for folder in ('lib', 'daemon', 'cli') for p in (root / folder).glob('*.c')]
    rooms = sorted({f'{p.parent.name}/{p.stem}' for p in files} - {'daemon/main'})
    homeless = [room for room in rooms if not any(fnmatch(room, p) for p in patterns)]
    empty = [p for p in sorted(patterns) if p.partition('/')[0] in ('lib', 'daemon', 'cli')
             and not any(fnmatch(room, p) for room in rooms)]
    for room in homeless:
        print(f'HACKING.md: no row names the room {room}')
    for name in empty:
        print(f'HACKING.md: there is no room {name}')
    return len(homeless) + len(empty) + (0 if rooms else 1)


def main(root):
    wrong = (check_interface(root) + check_journal(root) + check_reasons(root) + check_hazards(root)
             + check_verbs(root) + check_licences(root) + check_map(root))
    print(f'{wrong} wrong')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1])))
