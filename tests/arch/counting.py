#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether scripts/count-tests counts right and names what failed. counting.py SOURCE-ROOT"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LOG = (
    ('unit / good', 'OK', '1..2\nok 1 /x/one\nok 2 - two\n'),
    ('unit / plain', 'OK', 'no points\n'),
    ('unit / wrong', 'FAIL', 'ok 1 /x/one\nnot ok 2 /x/two\nnot ok 13 - words: of it (3 packets)\n'),
    ('unit / dies', 'FAIL', 'ok 1 /x/one\nok 2 /x/last\n'),
    ('unit / slow', 'TIMEOUT', ''),
    ('netns / lacks', 'OK', 'ok 1 /x/one\nok 2 /x/two # SKIP no such kernel\n'),
    ('netns / cannot', 'SKIP', ''),
)
FAILED = ['unit / wrong: /x/two', 'unit / wrong: words: of it (3 packets)',
          'unit / dies: FAIL after "/x/last"', 'unit / slow: TIMEOUT']
SKIPPED = ['netns / lacks: /x/two # SKIP no such kernel', 'netns / cannot: # SKIP all of it']


# Of two that failed and may be run again, one passes then.
FIRST = (
    ('bw:unit / wrong', 'FAIL', 'not ok 1 /x/one\n'),
    ('bw:netns / race', 'FAIL', 'ok 1 /x/one\nnot ok 2 /x/two\n'),
    ('bw:adapter / broken', 'FAIL', 'not ok 1 /x/one\n'),
    ('bw:netns / good', 'OK', 'ok 1 /x/one\n'),
)
AGAIN = (
    ('bw:netns / race', 'OK', 'ok 1 /x/one\nok 2 /x/two\nok 3 /x/three\n'),
    ('bw:adapter / broken', 'FAIL', 'not ok 1 /x/one\n'),
)
UNSTEADY = ['4 2 0', 'bw:unit / wrong: /x/one', 'bw:adapter / broken: /x/one',
            'unsteady: bw:netns / race: /x/two']


def write(folder, name, tests):
    path = Path(folder) / name
    path.write_text(''.join(json.dumps({'name': name, 'result': result, 'stdout': stdout}) + '\n'
                            for name, result, stdout in tests))
    return path


def say(*words):
    answer = subprocess.run([PROGRAM, *words], check=True, capture_output=True, text=True)
    return answer.stdout.splitlines()


def check(name, found, wanted):
    if found == wanted:
        return 0
    print(f'{name}:', *(f'  found  {line}' for line in found), *(f'  wanted {line}' for line in wanted),
          sep='\n')
    return 1


PROGRAM = Path(sys.argv[1]) / 'scripts' / 'count-tests'
with tempfile.TemporaryDirectory() as scratch:
    log, first, again = (write(scratch, name, tests)
                         for name, tests in (('log', LOG), ('first', FIRST), ('again', AGAIN)))
    wrong = check('one log', say(log), ['7 6 0', *FAILED, *SKIPPED] if os.geteuid() == 0
                  else ['7 4 2', *FAILED])
    wrong += check('what may be run again', say('--again', first), ['race', 'broken'])
    wrong += check('run again', say(first, again), UNSTEADY)
sys.exit(wrong)
