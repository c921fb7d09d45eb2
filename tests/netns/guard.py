#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole daemon against real bridges, ports and frames. Prints TAP.

guard.py --daemon BRIDGEWARDEND --program BRIDGEWARDEN [--engines "iptables nftables"] [--without-guard] [CASE...]
guard.py --daemon BRIDGEWARDEND --program BRIDGEWARDEN --lacking LIBRARY [CASE...]

Each case runs in network, mount and process namespaces of its own. With --without-guard the same
frames are sent with nobody on guard: then every check that says "nothing got through" must find that
something did, or it would prove nothing. With --lacking (tests/lib/lacking.c) the host lacks what the
guard needs.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from guard import (
    cases_borders,
    cases_engines,
    cases_frames,
    cases_hazards,
    cases_lacking,
    cases_life,
    cases_locks,
    cases_packets,
    cases_topology,
    cases_trouble,
    daemon,
    world,
)
from guard.report import Report

CASES = {
    case.__name__.replace("_", "-"): case
    for case in cases_packets.CASES + cases_frames.CASES + cases_life.CASES
    + cases_trouble.CASES + cases_engines.CASES + cases_hazards.CASES + cases_locks.CASES
    + cases_topology.CASES + cases_borders.CASES
}
LACKING = {case.__name__: case for case in cases_lacking.CASES}
AT_ONCE = 3
LIMIT_SECONDS = 240  # for one case: a machine may be slow, but not stand still


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--daemon", required=True)
    parser.add_argument("--program", type=os.path.abspath)
    parser.add_argument("--lacking", type=os.path.abspath)
    parser.add_argument("--without-guard", action="store_true")
    parser.add_argument("--engines", default="iptables nftables")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    return parser.parse_args()


def walls():
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.geteuid() != 0:
        words += ["--user", "--map-root-user"]
    return [*words, "--propagation", "private"]


def excuse():
    """Why nothing can be tested here, or None."""
    works = "mount -t tmpfs none /run && iptables-legacy -t raw -S && iptables-legacy -t mangle -S"
    if not Path("/proc/sys/net/bridge").exists():
        return "br_netfilter is not loaded"
    if subprocess.run([*walls(), "sh", "-c", works], capture_output=True, check=False).returncode:
        return "no namespaces, or no legacy iptables, for this user"
    return None


def run_inside(name, guarded):
    """In the namespaces: one case; its findings go to stdout, its exit status tells the rest."""
    report = Report(guarded)
    world.prepare_namespace()
    daemon.present = guarded
    try:
        (CASES | LACKING)[name](report)
    except Exception:  # a case that cannot go on has failed, and says why
        print(traceback.format_exc())
        return print_spoken(1)
    for failure in report.failures:
        print(failure)
    print(f"{report.checks} checks, {len(report.failures)} failed")
    return print_spoken(1) if report.failures or report.checks == 0 else 0


def print_spoken(status):
    if daemon.SPOKEN.exists():
        print("The daemon's last words:")
        print(*daemon.SPOKEN.read_text(errors="replace").splitlines()[-20:], sep="\n")
    return status


def run_outside(name, options):
    words = [*walls(), sys.executable, __file__, "--inside", "--daemon", options.daemon, name]
    words += ["--engines", options.engines]
    if options.without_guard:
        words.append("--without-guard")
    if options.lacking:
        words += ["--lacking", options.lacking]
    if options.program:
        words += ["--program", options.program]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=LIMIT_SECONDS, check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"not done after {LIMIT_SECONDS} s"
    return done.returncode, done.stdout + done.stderr


def main():
    options = arguments()
    options.daemon = os.path.abspath(options.daemon)
    daemon.program = options.daemon
    daemon.engines = options.engines
    cases_lacking.program, cases_lacking.library = options.program, options.lacking
    cases_hazards.program = options.program
    cases_topology.program = options.program
    if options.inside:
        return run_inside(options.cases[0], not options.without_guard)
    if reason := excuse():
        print(f"1..0 # SKIP {reason}")
        return 0
    names = options.cases or [
        name for name, case in (LACKING if options.lacking else CASES).items()
        if (not options.without_guard or has_stops(case)) and fits(case, options.engines)
    ]
    print(f"1..{len(names)}", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for number, (name, (status, text)) in enumerate(
            zip(names, pool.map(lambda name: run_outside(name, options), names)), 1
        ):
            failed += status != 0
            for line in text.splitlines():
                print(f"# {line}")
            print("not ok" if status else "ok", number, name, flush=True)
    return 1 if failed else 0


def has_stops(case):
    """Only cases with checks that must fail without the guard."""
    return not getattr(case, "needs_daemon", False)


def fits(case, engines):
    """Some cases are about one engine's own ways; "needs" names it, or both."""
    return set(getattr(case, "needs", "").split()) <= set(engines.split())


if __name__ == "__main__":
    sys.exit(main())
