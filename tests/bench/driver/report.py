# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures to tables, for a terminal or for Markdown, and the limits they must keep."""

import datetime
import math
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
MOST_GRAPH_MS = 5  # of the processor: topology and borders of 40 bridges with 1000 ports, median
MOST_START_MS = 50  # there, from a guest's start until nftables has its rules in force, median
# Until iptables has them too, which replaces four whole tables: no aim, only what it must not grow
# beyond. The aim is MOST_START_MS, and the sentence says whether it is met.
MOST_START_ALL_MS = 80
MOST_ANSWER_MS = 100  # the daemon's on the bus, while MACs flood in, the worst
MOST_FLOOD_MIB = 24  # what the daemon may grow by in a flood
FLOOD_INTERVAL_SECONDS = 10  # of which the journal has one entry a port


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

    def floor(row):
        return f"{quantile(row.samples['floor'], 0.5):.1f}" if "floor" in row.samples else ""

    return Table(
        "Milliseconds to write rules",
        ["bridges", "ports", "engine", "first load", "one port less", "by the clock", "p99",
         "one port more", "by the clock", "p99", "libiptc alone"],
        [[str(row.n_bridges), str(row.n_ports), row.engine, f"{row.load:.0f}",
          *cells(row, "unplug"), *cells(row, "plug"), floor(row)] for row in rows],
        "Medians, and p99. One port less or more: the adapter's whole call, which finds the "
        "difference, has one transaction, and makes sure of it (iptables reads whole tables back); "
        "time of all processors, then the clock's, in which other programs run too. libiptc alone: "
        "what it takes, by the clock, to read the same four tables and to write them back as "
        "they are, without finding out or making sure of anything, two families at the same time. "
        f"Several bridges: {TREE}",
    )  # fmt: skip


TREE = ("a tree, in which each is joined to its parent by a veth pair, with the ports dealt out to "
        "them in turn.")  # fmt: skip


def plan_table(rows):
    names = ("graph", "plan", "nftables", "iptables")
    return Table(
        "Milliseconds of the processor to know what must be",
        ["bridges", "ports", "graph alone", "all of the plan", "rules of nftables", "of iptables"],
        [[str(row.n_bridges), str(row.n_ports),
          *(f"{quantile(row.samples[name], 0.5):.2f}" for name in names)] for row in rows],
        "Medians. Graph: what is behind which port, and what is owned on which side of each border. "
        "Rules of iptables: for its four tables together, which are made while nftables is written.",
    )  # fmt: skip


def arming_table(rows):
    def cells(row, name):
        return (f"{quantile(row.samples[name], part):.1f}" for part in (0.5, 1))

    return Table(
        "Milliseconds from plugging a declared port until its rules are in force",
        ["bridges", "ports there", "samples", "nftables", "worst", "both engines", "worst",
         "daemon start"],
        [[str(row.n_bridges), str(row.n_ports), str(row.n_samples()), *cells(row, "nftables"),
          *cells(row, "all"), f"{row.start_ms:.0f}"] for row in rows],
        "Medians, and the worst. UnknownPorts=drop, seen from outside by a probe every 0.5 ms: "
        "nftables by ARP, both engines by IPv4 and IPv6; the clock starts before RTM_NEWLINK is "
        "sent. Forged packets that passed meanwhile: 0.",
    )  # fmt: skip


def commit_table(rows):
    return Table(
        "What the daemon uses for that",
        ["bridges", "ports there", "ms of a commit", "worst", "processor ms per port", "per check",
         "resident MiB", "at most"],
        [[str(row.n_bridges), str(row.n_ports),
          *(f"{quantile([commit.milliseconds for commit in row.commits], part):.1f}"
            for part in (0.5, 1)),
          f"{row.cpu_ms:.0f}", f"{row.check_cpu_ms:.1f}", f"{row.resident_kib / 1024:.1f}",
          f"{row.most_resident_kib / 1024:.1f}"] for row in rows],
        "A commit: both engines, with their read-back, by the clock; median and worst, as the "
        "journal tells it. Per port: all that one that comes and goes again costs, locks, reports "
        "and checks included. The check for drift runs every 2 s.",
    )  # fmt: skip


def flood_table(row):
    return Table(
        f"{row.n_macs} MACs in {row.seconds:.0f} s from beyond an uplink, {row.n_ports} ports",
        ["", "Generation", "worst", "ListPorts", "worst", "resident MiB"],
        [[name, *(f"{quantile(answers[question], part):.1f}"
                  for question in ("Generation", "ListPorts") for part in (0.5, 1)),
          f"{resident / 1024:.1f}"]
         for name, answers, resident in (("before", row.quiet, row.resident_kib[0]),
                                         ("meanwhile", row.flooded, row.resident_kib[1]))],
        "Milliseconds until the daemon's answer on the bus, asked every 0.1 s: median and worst. "
        f"Entries in the journal: {row.entries}, for {row.counted} MACs; messages the kernel could "
        f"not tell: {row.drops}; the daemon's processor time in that time: {row.cpu_ms:.0f} ms; "
        f"resident at most {row.most_resident_kib / 1024:.1f} MiB.",
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


def packet_limits(packets):
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


def change_limits(changes):
    most = max(row.n_ports for row in changes)
    for row in changes:
        if row.engine == "nftables" and row.n_ports == most and row.n_bridges == 1:
            change = max(quantile(row.samples[name], 0.5) for name in ("plug-cpu", "unplug-cpu"))
            yield change <= MOST_CHANGE_MS, (
                f"a port more or less among {row.n_ports} takes nftables {change:.1f} ms of the "
                f"processor, median (at most {MOST_CHANGE_MS})")  # fmt: skip


def floor_of(changes):
    """The largest of iptables."""
    return [row for row in changes if "floor" in row.samples][-1]


def tree_limits(plans, changes, arming):
    """Of the largest, which stands last."""
    graph = quantile(plans[-1].samples["graph"], 0.5)
    yield graph <= MOST_GRAPH_MS, (
        f"the graph of {plans[-1].n_bridges} bridges with {plans[-1].n_ports} ports takes "
        f"{graph:.2f} ms of the processor, median (at most {MOST_GRAPH_MS})")  # fmt: skip
    yield start_limit(arming[-1], "nftables", "nftables", MOST_START_MS, "")
    floor = quantile(floor_of(changes).samples["floor"], 0.5)
    yield start_limit(arming[-1], "all", "both engines", MOST_START_ALL_MS,
                      f"; libiptc alone takes {floor:.1f} to read these four tables and to write "
                      "them back as they are")  # fmt: skip


def start_limit(row, name, engines, most, remark):
    samples = row.samples[name]
    start, late = quantile(samples, 0.5), sum(x > MOST_START_MS for x in samples)
    aim = "met" if start <= MOST_START_MS else "MISSED"
    return start <= most, (
        f"a guest's start among {row.n_ports} ports on {row.n_bridges} bridges is in force in "
        f"{engines} after {start:.1f} ms, median (at most {most}; the aim of {MOST_START_MS} is "
        f"{aim}, {late} of {len(samples)} took longer than that, the worst {max(samples):.1f}"
        f"{remark})")  # fmt: skip


def flood_limits(row):
    worst = max(max(answers) for answers in row.flooded.values())
    growth = (row.most_resident_kib - row.resident_kib[0]) / 1024
    intervals = math.ceil(row.seconds / FLOOD_INTERVAL_SECONDS) + 1
    yield worst <= MOST_ANSWER_MS, (
        f"while {row.n_macs} MACs flood in the daemon answers within {worst:.1f} ms "
        f"(at most {MOST_ANSWER_MS})")  # fmt: skip
    yield growth <= MOST_FLOOD_MIB, (
        f"it grows by {growth:.1f} MiB (at most {MOST_FLOOD_MIB})")  # fmt: skip
    yield 1 <= row.entries <= intervals, (
        f"its journal has {row.entries} entries of the flood (at least 1, at most {intervals}, one "
        f"for each interval of {FLOOD_INTERVAL_SECONDS} s)")  # fmt: skip


def judge(figures):
    """Sentences, and whether all limits hold."""
    judged = [*packet_limits(figures.packets), *change_limits(figures.changes),
              *tree_limits(figures.plans, figures.changes, figures.arming), *flood_limits(figures.flood)]  # fmt: skip
    return ([f"{'held' if held else 'BROKEN'}: {sentence}" for held, sentence in judged],
            all(held for held, _ in judged))  # fmt: skip
