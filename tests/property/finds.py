#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A property over what has a fault in it. finds.py PROGRAM

One seed after the other until an assertion fails: what worlds a seed makes depends on the compiler,
too, and a rare fault must not hang on one of them."""

import signal
import subprocess
import sys

SEEDS = [f"R02S{n:08x}{n + 1:08x}{n + 2:08x}{n + 3:08x}" for n in range(1, 9)]


def finds(program, seed):
    run = subprocess.run([program, f"--seed={seed}"], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace")  # fmt: skip
    if run.returncode not in (0, -signal.SIGABRT):
        sys.exit(f"{run.stdout}\n{program} ended with {run.returncode}")
    return run.returncode != 0


for tried, seed in enumerate(SEEDS, 1):
    if finds(sys.argv[1], seed):
        print(f"found with seed {tried} of {len(SEEDS)}")
        sys.exit(0)
sys.exit(f"{sys.argv[1]}: none of {len(SEEDS)} seeds finds the fault")
