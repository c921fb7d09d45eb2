# SPDX-License-Identifier: GPL-2.0-or-later
"""Conditions with a deadline instead of sleeps of a fixed length."""

import time

PATIENCE = 30  # seconds for what must come: how fast it comes is not asked here


class Timeout(Exception):
    pass


def holds_within(seconds, condition, pause=0.02):
    """Whether condition() comes true before the deadline. Returns what it gave, or False."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)


def wait_until(what, seconds, condition, pause=0.02):
    """What must come; seconds is what it takes where nothing else is to be done."""
    seconds = max(seconds, PATIENCE)
    answer = holds_within(seconds, condition, pause)
    if not answer:
        raise Timeout(f"not within {seconds} s: {what}")
    return answer
