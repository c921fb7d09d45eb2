# SPDX-License-Identifier: GPL-2.0-or-later
"""The wire tool on the host's side of the cables."""

import contextlib
import itertools
import subprocess

from .namespaces import LAB
from .waiting import holds_within, wait_until

numbers = itertools.count(1)
LEAST_SECONDS = 1.5  # a frame is on its way longer on a machine that is busy


class Count:
    """A running count of frames; the numbers are read when they are asked for."""

    def __init__(self, read):
        self.read = read

    def values(self):
        return [int(word) for word in self.read().split()] or [0, 0, 0]

    def is_armed(self):
        return bool(self.read().strip())

    @property
    def packets(self):
        return self.values()[0]

    @property
    def ttl(self):
        return self.values()[1]

    @property
    def lost(self):
        return self.values()[2]

    def reaches(self, packets, seconds):
        return bool(holds_within(max(seconds, LEAST_SECONDS), lambda: self.packets >= packets))


def words(options):
    return [f"{key}={value}" for key, value in options.items()]


@contextlib.contextmanager
def counting(tool, interface, **options):
    """Counts frames on an interface of the host, IPv4 alone unless at= says which. dir="out": what
    the guest behind it gets."""
    path = LAB / f"count{next(numbers)}"
    path.touch()
    process = subprocess.Popen([tool, "count", interface, path, *words(options)])
    count = Count(path.read_text)
    try:
        wait_until(f"counting on {interface}", 5, count.is_armed)
        yield count
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def flooding(tool, interface, **options):
    """Sends in the background until the block ends."""
    command = [tool, "send", interface, "count=1000000", *words(options)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def send(tool, interface, **options):
    answer = subprocess.run(
        [tool, "send", interface, *words(options)], check=True, capture_output=True, text=True
    )
    return int(answer.stdout)


def send_frames(tool, interface, frames, count=1, us=0, inside=()):
    """Frames as they are, count rounds of them. How many went out. inside: the words that lead
    into another network namespace."""
    command = [*inside, tool, "frame", interface, str(count), str(us), *(frame.hex() for frame in frames)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
