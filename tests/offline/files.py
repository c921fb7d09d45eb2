#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What bridgewarden says of worlds, frames and captures in files. files.py BRIDGEWARDEN

With BW_REGENERATE=1 in the environment the files in expected/ are written anew: read the difference
before you keep it."""

import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORLDS = {'TWO': '--config two-bridges.conf --links two-bridges.json --guests guests',
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


def main():
    check_cases()
    with tempfile.TemporaryDirectory() as folder:
        check_running(Path(folder))
        check_bad_files(Path(folder))
        check_captures(Path(folder))
    print(f'1..{count}')
    return 1 if failed else 0


PROGRAM = sys.argv[1]
sys.exit(main())
