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


def counted(program):
    with tempfile.NamedTemporaryFile('w', suffix='.json') as log:
        for name, result, stdout in LOG:
            log.write(json.dumps({'name': name, 'result': result, 'stdout': stdout}) + '\n')
        log.flush()
        answer = subprocess.run([program, log.name], check=True, capture_output=True, text=True)
    return answer.stdout.splitlines()


found = counted(Path(sys.argv[1]) / 'scripts' / 'count-tests')
wanted = ['7 6 0', *FAILED, *SKIPPED] if os.geteuid() == 0 else ['7 4 2', *FAILED]
for line in found if found != wanted else []:
    print(f'count-tests: {line}')
for line in wanted if found != wanted else []:
    print(f'wanted:      {line}')
sys.exit(found != wanted)
