# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures to tables, for a terminal or for Markdown, and the limits they must keep."""

import datetime
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from driver.measure import FWBUILDER, GUARDED

MOST_OWN_GROWTH = 3.3  # our added cost at 1000 ports, in those at 10
LEAST_GAIN = 20  # FWbuilder's added cost at 1000 ports, in ours


@dataclass
class Table:
    title: str
    columns: list
    rows: list
    note: str = ""

    def widths(self):
        return [max(map(len, column)) for column in zip(self.columns, *self.rows)]

    def lines(self, between, edge=""):
        for row in (self.columns, *self.rows):
            cells = (cell.rjust(width) for cell, width in zip(row, self.widths()))
            yield edge + between.join(cells) + edge[::-1]

    def as_text(self):
        return "\n".join([self.title, *self.lines("  ", "  "), *([self.note] if self.note else [])])

    def as_markdown(self):
        head, *body = self.lines(" | ", "| ")
        rule = "|" + "|".join("-" * (width + 1) + ":" for width in self.widths()) + "|"
        note = ["", self.note] if self.note else []
        return "\n".join([f"**{self.title}**", "", head, rule, *body, *note])


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    return (f"{processor()}, {os.cpu_count()} cores, Linux {platform.release()}, "
            f"{datetime.date.today().isoformat()}, load {os.getloadavg()[0]:.1f}")  # fmt: skip


def packet_table(rows):
    return Table(
        "Nanoseconds per packet through a bridge, between the two dearest ports",
        ["ports", "no rules", "bridgewarden", "FWbuilder", "added by bridgewarden",
         "added by FWbuilder", "times as much"],
        [[str(row.n_ports), *(f"{cost:.0f}" for cost in row.cost),
          *(f"{row.added(lane):.0f}" for lane in (GUARDED, FWBUILDER)),
          f"{row.added(FWBUILDER) / row.added(GUARDED):.1f}"] for row in rows],
        "br_netfilter is on in all three; 60-byte UDP packets, processor time, best tenth of "
        "interleaved batches.",
    )  # fmt: skip


def arming_table(rows):
    return Table(
        "Milliseconds from plugging a declared port until its rules are in force",
        ["ports there", "samples", "median", "p99", "max", "daemon start"],
        [[str(row.n_ports), str(len(row.samples_us)),
          *(f"{row.quantile(part) / 1000:.1f}" for part in (0.5, 0.99, 1)),
          f"{row.start_ms:.0f}"] for row in rows],
        "UnknownPorts=drop, seen from outside by a probe every 0.2 ms; the clock starts before "
        "RTM_NEWLINK is sent. Forged packets that passed meanwhile: 0.",
    )  # fmt: skip


def burst_table(rows, n_burst):
    return Table(
        f"{n_burst} ports plugged at once",
        ["ports before", "times written", "table commits", "news covered", "ms until all in force"],
        [[str(row.n_ports), str(len(row.commits)),
          str(sum(commit.tables for commit in row.commits)),
          str(sum(commit.facts for commit in row.commits)),
          f"{row.milliseconds:.0f}"] for row in rows],
        "800 before, because a bridge of Linux has at most 1023 ports. Each time, a table is one "
        "commit.",
    )  # fmt: skip


def idle_table(rows):
    return Table(
        "The daemon when nothing happens",
        ["ports", "resident MiB", "wake-ups per minute", "CPU ms per minute", "CPU ms per check"],
        [[str(row.n_ports), f"{row.resident_kib / 1024:.1f}", f"{row.switches_per_minute:.0f}",
          f"{row.cpu_ms_per_minute:.0f}", f"{row.cpu_ms_per_check():.2f}"] for row in rows],
        "Wake-ups: context switches of all threads. The check for drift runs every 2 s.",
    )  # fmt: skip


def judge(packets):
    """Sentences, and whether all limits hold."""
    first, last = packets[0], packets[-1]
    growth = last.added(GUARDED) / first.added(GUARDED)
    gain = last.added(FWBUILDER) / last.added(GUARDED)
    limits = [
        (growth <= MOST_OWN_GROWTH, f"bridgewarden's added cost at {last.n_ports} ports is "
         f"{growth:.2f} times that at {first.n_ports} (at most {MOST_OWN_GROWTH})"),
        (gain >= LEAST_GAIN, f"FWbuilder's added cost at {last.n_ports} ports is {gain:.1f} times "
         f"bridgewarden's (at least {LEAST_GAIN})"),
    ]  # fmt: skip
    return ([f"{'held' if held else 'BROKEN'}: {sentence}" for held, sentence in limits],
            all(held for held, _ in limits))  # fmt: skip
