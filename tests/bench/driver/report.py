# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures to tables, for a terminal or for Markdown, and the limits they must keep."""

import datetime
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from driver.measure import (
    BOTH,
    BRIDGE,
    EMPTY,
    FWBUILDER,
    IPTABLES,
    NFTABLES,
    NWFILTER,
    quantile,
)

MOST_OWN_GROWTH = 3.3  # the iptables engine's added cost at 1000 ports, in that at 10
LEAST_GAIN = 20  # FWbuilder's added cost at 1000 ports, in the iptables engine's
MOST_NFTABLES_GROWTH = 1.25  # a packet's cost with nftables at 1000 ports, in that at 10
MOST_BOTH = 1.9  # with both engines at 1000 ports, in that with empty tables
MOST_CHANGE_MS = 3  # nftables' median for a port more or less at 1000


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


def nanoseconds(cost):
    return "-" if cost is None else f"{cost:.0f}"


def packet_table(rows, compared):
    return Table(
        "Nanoseconds per packet through a bridge, from port to port",
        ["ports", "bridge alone", "br_netfilter", "iptables", "nftables", "both engines",
         "both : br_netfilter", "clean-traffic, middle", "last", "FWbuilder"],
        [[str(row.n_ports),
          *(nanoseconds(row.cost(lane)) for lane in (BRIDGE, EMPTY, IPTABLES, NFTABLES, BOTH)),
          f"{row.cost(BOTH) / row.cost(EMPTY):.2f}",
          *(nanoseconds(row.cost(NWFILTER, place=place)) for place in ("middle", "last")),
          nanoseconds(row.cost(FWBUILDER))] for row in rows],
        "br_netfilter: on, with the tables raw and mangle there and empty; it is off for the "
        "bridge alone, for nftables and for clean-traffic. Between the two ports dearest for both "
        "engines. 60-byte UDP packets, processor time, best tenth of interleaved batches. "
        "clean-traffic is libvirt's own filter, by ebtables-nft as in Debian 12, for a port with "
        "MAC and address, between neighbours in the middle and at the end of its list; made by a "
        f"generator, and {compared}. It checks what a guest sends, not what is delivered to it.",
    )  # fmt: skip


def ipv6_table(rows):
    return Table(
        "The same with IPv6",
        ["ports", "bridge alone", "br_netfilter", "iptables", "nftables", "both engines",
         "both : br_netfilter"],
        [[str(row.n_ports),
          *(nanoseconds(row.cost(lane, family=6))
            for lane in (BRIDGE, EMPTY, IPTABLES, NFTABLES, BOTH)),
          f"{row.cost(BOTH, family=6) / row.cost(EMPTY, family=6):.2f}"] for row in rows],
        "clean-traffic lets no IPv6 pass.",
    )  # fmt: skip


def added_table(rows):
    return Table(
        "Nanoseconds per packet that guarding adds",
        ["ports", "iptables", "nftables", "both engines", "FWbuilder",
         "FWbuilder : iptables"],
        [[str(row.n_ports),
          *(f"{row.added(lane):.0f}" for lane in (IPTABLES, NFTABLES, BOTH, FWBUILDER)),
          f"{row.added(FWBUILDER) / row.added(IPTABLES):.1f}"] for row in rows],
        "To br_netfilter with empty tables; nftables alone: to the bridge alone.",
    )  # fmt: skip


def changes_table(rows):
    def cells(row, name):
        wall, cpu = row.samples[name], row.samples[name + "-cpu"]
        return (f"{quantile(cpu, 0.5):.1f}", f"{quantile(wall, 0.5):.1f}",
                f"{quantile(wall, 0.99):.1f}")  # fmt: skip

    return Table(
        "Milliseconds to write rules",
        ["ports", "engine", "first load", "one port less", "by the clock", "p99",
         "one port more", "by the clock", "p99", "compiling"],
        [[str(row.n_ports), row.engine, f"{row.load:.0f}", *cells(row, "unplug"),
          *cells(row, "plug"), cells(row, "compile")[0]] for row in rows],
        "Medians, and p99. One port less or more: the adapter's whole call, which finds the "
        "difference, has one transaction, and makes sure of it (iptables reads whole tables back); "
        "processor time, then the clock's, in which other programs run too. Compiling: from plan "
        "to rules, before.",
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


def limits(packets, changes):
    first, last = packets[0], packets[-1]
    growth = last.added(IPTABLES) / first.added(IPTABLES)
    gain = last.added(FWBUILDER) / last.added(IPTABLES)
    nft_growth = last.cost(NFTABLES) / first.cost(NFTABLES)
    both = last.cost(BOTH) / last.cost(EMPTY)
    yield growth <= MOST_OWN_GROWTH, (
        f"the iptables engine's added cost at {last.n_ports} ports is {growth:.2f} times that at "
        f"{first.n_ports} (at most {MOST_OWN_GROWTH})")  # fmt: skip
    yield gain >= LEAST_GAIN, (
        f"FWbuilder's added cost at {last.n_ports} ports is {gain:.1f} times the iptables "
        f"engine's (at least {LEAST_GAIN})")  # fmt: skip
    yield nft_growth <= MOST_NFTABLES_GROWTH, (
        f"a packet's cost with nftables at {last.n_ports} ports is {nft_growth:.2f} times that at "
        f"{first.n_ports} (at most {MOST_NFTABLES_GROWTH})")  # fmt: skip
    yield both <= MOST_BOTH, (
        f"a packet's cost with both engines at {last.n_ports} ports is {both:.2f} times that with "
        f"br_netfilter and empty tables (at most {MOST_BOTH})")  # fmt: skip
    for row in changes:
        if row.engine == "nftables" and row.n_ports == last.n_ports:
            change = max(quantile(row.samples[name], 0.5) for name in ("plug-cpu", "unplug-cpu"))
            yield change <= MOST_CHANGE_MS, (
                f"a port more or less among {row.n_ports} takes nftables {change:.1f} ms of the "
                f"processor, median (at most {MOST_CHANGE_MS})")  # fmt: skip


def judge(packets, changes):
    """Sentences, and whether all limits hold."""
    judged = list(limits(packets, changes))
    return ([f"{'held' if held else 'BROKEN'}: {sentence}" for held, sentence in judged],
            all(held for held, _ in judged))  # fmt: skip
