# SPDX-License-Identifier: GPL-2.0-or-later
"""Results, one line each, in the form of the Test Anything Protocol.

A check holds with and without the guard: that an attack works at all, that honest traffic passes.
A guard check holds because of the guard. With the guard taken out it must not hold; that it then
fails is the proof that it can.
"""

import time
import traceback

from .namespaces import last_lines_of_logs


class Report:
    def __init__(self, guard_present):
        self.guard_present = guard_present
        self.number = self.passed = self.failed = self.skipped = 0
        self.case = ""
        self.started = time.monotonic()

    def line(self, ok, text, note=""):
        self.number += 1
        self.passed += bool(ok)
        self.failed += not ok
        words = "ok" if ok else "not ok"
        remark = f" ({note})" if note else ""
        print(f"{words} {self.number} - {self.case}: {text}{remark}", flush=True)

    def check(self, text, ok, note=""):
        self.line(ok, text, note)

    def guard_check(self, text, ok, note=""):
        if self.guard_present:
            self.line(ok, text, note)
        else:
            self.line(not ok, f"without the guard it is not so: {text}", note)

    def nothing_passes(self, text, packets):
        self.guard_check(text, packets == 0, f"{packets} packets")

    def skip(self, text, why):
        self.number += 1
        self.skipped += 1
        print(f"ok {self.number} - {self.case}: {text} # SKIP {why}", flush=True)

    def comment(self, text):
        for line in text.splitlines():
            print(f"# {line}", flush=True)

    def run(self, name, case, world):
        self.case = name
        begin, failed = time.monotonic(), self.failed
        try:
            case(world, self)
        except Exception as error:  # a case that breaks off has failed; the others go on
            self.line(False, f"broke off: {error}")
            self.comment(traceback.format_exc(limit=6))
            self.comment(last_lines_of_logs())
        if self.failed > failed:
            self.comment(last_lines_of_logs("bridgewardend", 20))
        self.comment(f"{name}: {time.monotonic() - begin:.1f} s")

    def finish(self):
        print(f"1..{self.number}")
        print(f"# {time.monotonic() - self.started:.0f} s in all")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return self.failed == 0
