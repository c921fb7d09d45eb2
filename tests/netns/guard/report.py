# SPDX-License-Identifier: GPL-2.0-or-later
"""What a case found, one line a finding; TAP is made of it outside."""


class Report:
    """A check that says "nothing got through" proves nothing unless it fails without the guard.
    Those are named with stops(); the others with holds()."""

    def __init__(self, guarded):
        self.guarded = guarded
        self.failures = []
        self.checks = 0

    def holds(self, name, truth):
        """Is only asked with the guard."""
        if not self.guarded:
            return
        self.checks += 1
        if not truth:
            self.failures.append(name)

    def passes(self, name, truth):
        """What must get through, guard or not: else the way is broken and stops() proves nothing."""
        self.checks += 1
        if not truth:
            self.failures.append(f"{name}: did not get through")

    def stops(self, name, arrived):
        """With the guard nothing may have arrived; without it something must."""
        self.checks += 1
        if self.guarded and arrived:
            self.failures.append(f"{name}: got through")
        if not self.guarded and not arrived:
            self.failures.append(f"{name}: did not get through, although nobody is on guard")
