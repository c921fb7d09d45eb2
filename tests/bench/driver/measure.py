# SPDX-License-Identifier: GPL-2.0-or-later
"""The measurements. Each returns plain figures; nothing here judges or prints them."""

import math
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from driver import fwbuilder
from driver.daemon import CHECK_INTERVAL_SECONDS, Daemon
from driver.lanes import Broken, Harness, inside

PLAIN, GUARDED, FWBUILDER = range(3)  # the lanes of bench-packets
ROUNDS = 20
SETTLE_SECONDS = 1.5


@dataclass(frozen=True)
class Effort:
    packet_seconds: float
    samples: int
    burst: int
    idle_seconds: int


@dataclass(frozen=True)
class Programs:
    packets: Path
    arming: Path
    daemon: Path


@dataclass
class Packets:
    n_ports: int
    cost: list  # nanoseconds per packet, by lane

    def added(self, lane):
        return self.cost[lane] - self.cost[PLAIN]


@dataclass
class Arming:
    n_ports: int
    start_ms: float  # from the daemon's start until all ports are guarded
    samples_us: list

    def quantile(self, part):
        return sorted(self.samples_us)[math.ceil(part * len(self.samples_us)) - 1]


@dataclass
class Burst:
    n_ports: int  # that were there before
    milliseconds: float
    commits: list  # the daemon's own figures


@dataclass
class Idle:
    n_ports: int
    resident_kib: int
    switches_per_minute: float
    cpu_ms_per_minute: float

    def cpu_ms_per_check(self):
        """At most this: everything the idle daemon uses is put down to the check."""
        return self.cpu_ms_per_minute * CHECK_INTERVAL_SECONDS / 60


def telling(daemon, harness, *words):
    """Asks; when that breaks, the daemon's last words belong to the message."""
    try:
        return harness.ask(*words)
    except Broken as broken:
        raise Broken(f"{broken}\nbridgewardend said last:\n{daemon.last_words()}") from broken


def time_packets(daemon, harness, seconds):
    """Nanoseconds for each lane: the dearest of the best tenth of all batches, for whatever else
    runs on the machine can only make a packet dearer."""
    batches, end = None, time.monotonic() + seconds
    while batches is None or time.monotonic() < end:
        rows = telling(daemon, harness, "run", ROUNDS)
        batches = batches or [[] for _ in rows]
        for batch, row in zip(batches, rows):
            batch.extend(map(float, row[1:]))
    return [statistics.quantiles(batch, n=10)[0] for batch in batches]


def packets(programs, n_ports, effort):
    """Between the two ports that are dearest for us; in FWbuilder's lists all are alike."""
    names = [f"{kind}{n_ports}" for kind in ("plain", "guarded", "fwbuilder")]
    with Harness(programs.packets, n_ports, names) as harness, \
         Daemon(programs.daemon, names[GUARDED], n_ports) as daemon:  # fmt: skip
        subprocess.run(inside(names[FWBUILDER], ["iptables-legacy-restore"]), text=True,
                       input=fwbuilder.rules(n_ports), check=True)  # fmt: skip
        telling(daemon, harness, "guarded", GUARDED)
        telling(daemon, harness, "guarded", FWBUILDER)
        [[_, sender, receiver]] = telling(daemon, harness, "worst", GUARDED)
        telling(daemon, harness, "pair", sender, receiver)
        cost = time_packets(daemon, harness, effort.packet_seconds)
        telling(daemon, harness, "guarded", GUARDED)  # still
    return Packets(n_ports, cost)


def idle(daemon, n_ports, seconds):
    before, start = daemon.cost(), time.monotonic()
    time.sleep(seconds)
    after, minutes = daemon.cost(), (time.monotonic() - start) / 60
    return Idle(n_ports, daemon.resident_kib(), (after.switches - before.switches) / minutes,
                (after.cpu_ms - before.cpu_ms) / minutes)  # fmt: skip


def arming(programs, n_ports, effort):
    namespace = f"arming{n_ports}"
    with Harness(programs.arming, n_ports, [namespace]) as harness, \
         Daemon(programs.daemon, namespace, n_ports + effort.samples) as daemon:  # fmt: skip
        [[start_ms]] = telling(daemon, harness, "guarded")
        [samples] = telling(daemon, harness, "arm", n_ports, effort.samples)
    return Arming(n_ports, float(start_ms), [float(x) for x in samples])


def burst_and_idle(programs, n_ports, effort):
    """A Burst on top of n_ports, and an Idle with them all."""
    namespace, n_after = f"burst{n_ports}", n_ports + effort.burst
    with Harness(programs.arming, n_ports, [namespace]) as harness, \
         Daemon(programs.daemon, namespace, n_after) as daemon:  # fmt: skip
        telling(daemon, harness, "guarded")
        time.sleep(SETTLE_SECONDS)
        before = len(daemon.commits())
        [[milliseconds]] = telling(daemon, harness, "burst", n_ports, effort.burst)
        time.sleep(SETTLE_SECONDS)
        plugged = Burst(n_ports, float(milliseconds), daemon.commits()[before:])
        return plugged, idle(daemon, n_after, effort.idle_seconds)
