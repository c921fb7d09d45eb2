#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What bridgewarden says of worlds, frames and captures in files. files.py BRIDGEWARDEN

With BW_REGENERATE=1 in the environment the files in expected/ are written anew: read the difference
before you keep it."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORLDS = {'TWO': '--config two-bridges.conf --links two-bridges.json --guests guests',
          'SEGMENT': '--config segment.conf --links segment.json --guests segment-guests',
         'PLAIN': '--config plain.conf --links plain-links.json --addresses plain-addresses.json'}
TWO = WORLDS['TWO'].split()
ME, VICTIM, GATEWAY = b'\x52\x54\x00\x9f\x5d\x0d', b'\x52\x54\x00\x9f\x5d\x0e', b'\x52\x54\x00\x9f\x5d\x01'
# No daemon is there to be asked, and no bus to look for one.
ENVIRONMENT = {'PATH': os.environ['PATH'], 'LC_ALL': 'C', 'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/nonexistent',
               **{k: v for k, v in os.environ.items() if k.endswith('SAN_OPTIONS')}}

count = failed = 0


def check(good, what, more=''):
    global count, failed
    count += 1
    failed += not good
    print(f'{"ok" if good else "not ok"} {count} {what}')
    if not good:
        print('\n'.join('# ' + line[:300] for line in str(more).splitlines()[:20]))


def run(*words):
    done = subprocess.run([PROGRAM, *words], cwd=HERE / 'worlds', env=ENVIRONMENT, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check_cases():
    for line in (HERE / 'cases').read_text().splitlines():
        if line.startswith('#'):
            continue
        name, _, words = line.partition(': ')
        for word, world in WORLDS.items():
            words = words.replace(word, world)
        status, out, err = run(*words.split())
        answer = f'{out}{err}exit {status}\n'
        path = HERE / 'expected' / name
        if os.environ.get('BW_REGENERATE'):
            path.write_text(answer)
        expected = path.read_text() if path.exists() else '(no such file)'
        check(answer == expected, f'case {name}', answer)


def check_running(folder):
    """Two domains of one MAC: the one that runs is behind the tap, the one that is only defined is not."""
    xml = (HERE / 'worlds/guests/kali3.xml').read_text()
    (folder / 'a.xml').write_text(xml)
    (folder / 'b.xml').write_text(xml.replace(" id='3'", '').replace('kali3', 'clone').replace('5a01', '5a00'))
    status, out, err = run('plan', '--json', '--config', 'two-bridges.conf', '--links', 'two-bridges.json',
                           '--guests', str(folder / 'a.xml'), '--guests', str(folder / 'b.xml'))
    guests = {port['Port']: port['Guest'] for port in json.loads(out)['Ports']}
    check(guests['vk63'] == 'kali3', 'guests: the running one', guests)


def check_bad_files(folder):
    def file(name, contents):
        path = folder / name
        path.write_bytes(contents)
        return str(path)

    good = ['--config', 'plain.conf', '--links', 'plain-links.json']
    empty = file('empty', b'')
    cases = {
        'no links': ['--config', 'plain.conf', '--links', str(folder / 'none')],
        'links are a folder': ['--config', 'plain.conf', '--links', str(folder)],
        'links are empty': ['--config', 'plain.conf', '--links', empty],
        'links are deep': ['--config', 'plain.conf', '--links', file('deep', b'[' * 3000000)],
        'links are large': ['--config', 'plain.conf', '--links', file('large', b' ' * (33 << 20))],
        'links without details': ['--config', 'plain.conf', '--links', 'plain-addresses.json'],
        'addresses are text': [*good, '--addresses', 'plain.conf'],
        'addresses are empty': [*good, '--addresses', empty],
        'no guests': [*good, '--guests', str(folder / 'none')],
        'a guest is JSON': [*good, '--guests', 'plain-links.json'],
        'a guest is empty': [*good, '--guests', empty],
        'a guest is cut': [*good, '--guests', file('cut.xml', b'<domain id="3"><name>x</name>')],
        'no configuration': ['--config', str(folder / 'none'), '--links', 'plain-links.json'],
        'the configuration is none': ['--config', file('c\x1b', b'\0'), '--links', 'plain-links.json'],
    }
    for what, words in cases.items():
        status, out, err = run('plan', *words)
        check(status == 2 and out == '' and err.startswith('bridgewarden: ') and err.count('\n') == 1
              and ('/' in err or '.json' in err or '.conf' in err) and '\x1b' not in err,
              f'bad file: {what}', (status, out[:200], err))
    status, out, err = run('plan', *cases['links are large'])
    check('it is larger than 32 MiB' in err, 'bad file: how large is said', err)
    status, out, err = run('plan', *cases['links are deep'])
    check('nested too deep' in err, 'bad file: how deep is said', err)
    # Every beginning of what is right: no crash, and never half a world.
    links = (HERE / 'worlds/two-bridges.json').read_bytes()
    wrong = [n for n in range(0, len(links) - 2, 997)
             if run('plan', '--config', 'two-bridges.conf', '--links', file('beginning', links[:n]))[0] != 2]
    check(not wrong, 'bad file: every beginning of links', wrong)


def ethernet(to, sender, kind, payload):
    return to + sender + struct.pack('>H', kind) + payload


def arp(sender_mac, sender):
    return ethernet(VICTIM, sender_mac, 0x806,
                    struct.pack('>HHBBH', 1, 0x800, 6, 4, 2) + sender_mac + sender + VICTIM
                    + bytes([192, 168, 50, 14]))


def pcap(order, magic, link, frames, snaplen=262144):
    text = struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, snaplen, link)
    for frame in frames:
        part = frame[:snaplen]
        text += struct.pack(order + 'IIII', 1, 2, len(part), len(frame)) + part
    return text


def pcapng(frames):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)

    text = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
    text += block(1, struct.pack('<HHI', 1, 0, 0))
    for frame in frames:
        text += block(6, struct.pack('<IIIII', 0, 0, 0, len(frame), len(frame)) + frame)
    return text


def check_captures(folder):
    frames = [arp(ME, bytes([192, 168, 50, 13])), arp(ME, bytes([192, 168, 50, 1])),
              arp(VICTIM, bytes([192, 168, 50, 14])), b'\1\2\3']
    right = ['passes', 'dropped spoofed-arp at vk63', 'dropped spoofed-mac at vk63',
             'dropped ethertype at vk63']
    forms = {'little': pcap('<', 0xa1b2c3d4, 1, frames), 'big': pcap('>', 0xa1b2c3d4, 1, frames),
             'nanoseconds': pcap('<', 0xa1b23c4d, 1, frames),
             'big nanoseconds': pcap('>', 0xa1b23c4d, 1, frames), 'pcapng': pcapng(frames)}
    path = folder / 'capture'
    words = ['explain', *TWO, '--in', 'vk63', '--pcap', str(path)]
    for name, text in forms.items():
        path.write_bytes(text)
        status, out, err = run(*words)
        lines = out.splitlines()
        good = status == 1 and len(lines) == 5 and all(
            ' '.join(line.split()[1:]).startswith(want) for line, want in zip(lines, right))
        check(good and lines[4] == '4 frames: 1 pass, 0 monitored, 3 dropped, 1 ethertype, 1 spoofed-mac, '
              '1 spoofed-arp', f'capture: {name}', (status, out, err))
    path.write_bytes(pcap('<', 0xa1b2c3d4, 1, frames[:1]))
    status, out, err = run(*words)
    check(status == 0, 'capture: all pass', (status, out, err))
    status, out, err = run('--json', *words)
    check(json.loads(out)['Frame'] == frames[0].hex() and out.count('\n') == 1, 'capture: JSON', (out, err))
    path.write_bytes(pcap('<', 0xa1b2c3d4, 1, frames, snaplen=20))
    status, out, err = run(*words)
    check('3 were captured in part' in out, 'capture: cut frames', (status, out, err))
    for name, text in {'other link type': pcap('<', 0xa1b2c3d4, 113, frames),
                       'empty': b'', 'text': b'Hello, world, this is no capture at all.',
                       'header only half': forms['little'][:20],
                       'a record too long': forms['little'][:24] + struct.pack('<IIII', 1, 2, 1 << 31, 1 << 31),
                       'a record cut': forms['little'][:-1]}.items():
        path.write_bytes(text)
        status, out, err = run(*words)
        check(status == 2 and str(path) in err, f'capture: {name}', (status, out, err))
    # A long one is read to its end.
    path.write_bytes(pcap('<', 0xa1b2c3d4, 1, [frames[1]] * 20000))
    status, out, err = run(*words)
    check(out.endswith('20000 frames: 0 pass, 0 monitored, 20000 dropped, 20000 spoofed-arp\n'),
          'capture: 20000 frames', (status, out[-300:], err))


def width(line):
    """Columns of a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in 'WF' else 1
               for c in line)


def draw(form, text):
    """What Graphviz makes of it, and what it complains of."""
    done = subprocess.run(['dot', '-T' + form], input=text.encode(), capture_output=True, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode()


def check_drawing(what, words):
    status, out, err = run('topology', *words, '--dot')
    check(status == 0 and all(ord(c) >= 32 or c == '\n' for c in out), f'{what}: a graph', out)
    if not shutil.which('dot'):
        check(False, f'{what}: drawn by Graphviz', 'there is no dot: scripts/install-dependencies')
        return ''
    status, svg, complaints = draw('svg', out)
    check(status == 0 and not complaints and b'</svg>' in svg, f'{what}: as SVG', complaints)
    status, png, complaints = draw('png', out)
    check(status == 0 and png.startswith(b'\x89PNG'), f'{what}: as PNG', complaints)
    return svg.decode()


# Every name is meant to break out: of a string, of a line, of a tag, of a terminal.
HOSTILE = ['a"];evil[label="x', 'back\\', '\\', '\\N\\G\\l', '<b>bold</b>', '&quot;&amp;lt;', 'line\nbreak\ttab',
           '\x1b[2J', '\u202eright to left', '"', "'$(reboot)`reboot`", '{a|b}', '%s%n', 'x' * 200, '日本' * 40, 'e\u0301' * 60]


def check_hostile_names(folder):
    """A guest of each name; what is drawn has exactly as many nodes as without them."""
    links = json.loads((HERE / 'worlds/segment.json').read_text())
    tap = next(link for link in links if link['ifname'] == 'vk61')
    for number, name in enumerate(HOSTILE):
        ifname = f"t{number}" + '"\\<&;\x1b'[number % 6]
        target = ifname if ifname[-1] != '\x1b' else ''  # no XML has it
        mac = f'54:00:9f:99:{number:02x}'
        links.append(tap | {'ifindex': 500 + number, 'ifname': ifname, 'address': 'fe:' + mac})
        told = {'"': '&quot;', '&': '&amp;', '<': '&lt;'}
        text = ''.join(told.get(c) or (c if ord(c) >= 32 else f'&#{ord(c)};') for c in name.replace('\x1b', '?'))
        (folder / f'{number}.xml').write_text(
            f"<domain id='{number}'><name>{text}</name><uuid>22222222-0000-4000-8000-{number:012d}</uuid>"
            f"<devices><interface type='bridge'><mac address='52:{mac}'/><source bridge='virbr6'/>"
            f"<target dev='{''.join(told.get(c, c) for c in target)}'/></interface></devices></domain>")
    path = folder / 'links.json'
    path.write_text(json.dumps(links))
    words = ['--config', 'segment.conf', '--links', str(path), '--guests', str(folder)]
    status, out, err = run('topology', *words)
    wide = [line for line in out.splitlines() if width(line) > 80]
    check(status == 0 and not wide, 'hostile names: no line is longer than 80 columns', wide or err)
    check(all(unicodedata.category(c) not in ('Cc', 'Cf', 'Cs') for c in out if c != '\n'),
          'hostile names: nothing a terminal should not get', out)
    status, text, err = run('--json', 'topology', *words)
    guests = {port['Guest'] for port in json.loads(text)['Ports']}
    check({name.replace('\x1b', '?') for name in HOSTILE} <= guests, 'hostile names: JSON has them as they are', guests)
    svg = check_drawing('hostile names', words)
    nodes = len(re.findall(r'<g id="node\d+"', svg))
    told = json.loads(text)
    notes = sum(len(thing['Warnings']) for thing in [told, *told['Bridges'], *told['Ports']])
    check(nodes == len(told['Bridges']) + len(told['Ports']) + notes,
          'hostile names: no node but ours', (nodes, notes))
    check('&lt;b&gt;bold&lt;/b&gt;' in svg and '&amp;quot;&amp;amp;lt;' in svg, 'hostile names: drawn as they are', svg[:200])


def check_large_host(folder):
    """Forty bridges in a tree, with a thousand ports of the longest names."""
    links = []

    def link(name, kind, master=None, peer=None):
        links.append({'ifindex': len(links) + 1, 'ifname': name, 'flags': ['UP', 'LOWER_UP'], 'link_type': 'ether',
                      'address': f'fe:54:00:00:{len(links) >> 8:02x}:{len(links) & 255:02x}',
                      **({'link': peer} if peer else {}), **({'master': master} if master else {}),
                      'linkinfo': {'info_kind': kind, 'info_data': {'ageing_time': 30000}, **({'info_slave_kind': 'bridge'} if master else {})}})

    for number in range(40):
        link(f'bridge-{number:08d}', 'bridge')
    for number in range(1, 40):
        near, far = f'up-{number:012d}', f'down-{number:010d}'
        link(near, 'veth', f'bridge-{(number - 1) // 2:08d}', far)
        link(far, 'veth', f'bridge-{number:08d}', near)
    for number in range(922):
        link(f'guest-{number:09d}', 'tun', f'bridge-{number % 40:08d}')
    (folder / 'large.json').write_text(json.dumps(links))
    (folder / 'large.conf').write_text('[Guard]\nUnknownPorts=drop\n' + ''.join(
        f'[Port guest-{number:09d}]\nMACs=52:54:00:01:{number >> 8:02x}:{number & 255:02x}\n'
        f'Addresses=10.{number >> 8}.{number & 255}.1 2001:db8:ffff:ffff:ffff:ffff:ffff:{number:x}\n'
        for number in range(922)))
    words = ['--config', str(folder / 'large.conf'), '--links', str(folder / 'large.json')]
    status, out, err = run('topology', *words)
    check(out.startswith('40 bridges, 922 guests, 78 links') and 'segment 1, 40 bridges joined by links' in out,
          'large host: all of it', out)
    check(max(map(width, out.splitlines())) <= 80, 'large host: no line is longer than 80 columns')
    status, out, err = run('--json', 'topology', *words, 'guest-000000000')
    check(len(json.loads(out)['Ports']) == 1000, 'large host: the segment of a port', err)
    status, out, err = run('topology', *words, '--dot')
    check(out.count(' -- ') == 1000 + 39, 'large host: each port once, each link once', out.count(' -- '))


def documented_keys():
    page = (HERE.parent.parent / 'man/org.bridgewarden1.5.scd').read_text()
    section = page.partition('\n*GetTopology*(out ')[2].partition('\n*Explain*(')[0]
    bridge, _, port = section.partition('Keys of a port')
    return [set(re.findall(r'\*(\w+)\*', part)) - {'ListPorts'} for part in (bridge, port)]


def check_topology(folder):
    status, out, err = run('--json', 'topology', *WORLDS['SEGMENT'].split())
    told = json.loads(out)
    bridge, port = documented_keys()
    check(set(told) == {'Bridges', 'Ports', 'Warnings'}, 'topology: three lists', set(told))
    only_live = {'Protected', 'Learned', 'Moves'}
    check(all(set(row) == bridge - only_live for row in told['Bridges']),
          'topology: keys of bridges are those documented', set(told['Bridges'][0]) ^ bridge)
    check(all(set(row) == port - only_live for row in told['Ports']),
          'topology: keys of ports are those documented', set(told['Ports'][0]) ^ port)
    for world, words in WORLDS.items():
        status, out, err = run('topology', *words.split())
        check(max(map(width, out.splitlines())) <= 80 and not re.search(r' $', out, re.M),
              f'topology: {world} in 80 columns', out)
    svg = check_drawing('topology', WORLDS['SEGMENT'].split())
    check(svg.count('stroke-dasharray="5,2"') == 1, 'topology: the link that is cut is dashed', svg[:500])
    check_hostile_names(folder)
    check_large_host(folder)


def main():
    check_cases()
    with tempfile.TemporaryDirectory() as folder:
        check_running(Path(folder))
        check_bad_files(Path(folder))
        check_captures(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        check_topology(Path(folder))
    print(f'1..{count}')
    return 1 if failed else 0


PROGRAM = sys.argv[1]
sys.exit(main())
