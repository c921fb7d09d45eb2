# SPDX-License-Identifier: GPL-2.0-or-later
"""The measurements. Each returns plain figures; nothing here judges or prints them."""

import contextlib
import math
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from driver import fwbuilder, libvirt_rules, nwfilter
from driver.daemon import CHECK_INTERVAL_SECONDS, Daemon, configuration
from driver.lanes import Broken, Harness, add_namespace, bridge_name, inside, switch_br_netfilter_off
from driver.bus import private_bus

# the lanes of bench-packets
LANES = BRIDGE, EMPTY, IPTABLES, NFTABLES, BOTH, NWFILTER, FWBUILDER = range(7)
NAMES = ("bridge", "empty", "iptables", "nftables", "both", "nwfilter", "fwbuilder")
WITHOUT_BR_NETFILTER = (BRIDGE, NFTABLES, NWFILTER)
ENGINES = {IPTABLES: ["iptables"], NFTABLES: ["nftables"], BOTH: ["iptables", "nftables"]}
TABLES_OF_BOTH_FAMILIES = 4  # raw and mangle, twice
ROUNDS = 20
SETTLE_SECONDS = 1.5
IDLE_PART = 0.15  # of a processor, at most, while nothing but the check is done
ASK_MS = 100
UPLINK = "uplink0"
BRIDGE_MAC = "02:bb:00:00:00:01"  # of the first bridge of a lane
FLOOD_TOLD_SECONDS = 12  # after which the daemon has said all of an interval of ten


@dataclass(frozen=True)
class Effort:
    packet_seconds: float  # for each number of ports
    samples: int
    changes: int
    burst: int
    idle_seconds: int


@dataclass(frozen=True)
class Programs:
    packets: Path
    arming: Path
    rules: Path
    flood: Path
    daemon: Path


@dataclass(frozen=True)
class Course:
    """What is measured: a lane, which ports of it, and the family of the packets."""

    lane: int
    place: str = "dearest"  # for our rules; or "middle", "last" in lists of all ports
    family: int = 4


def quantile(samples, part):
    return sorted(samples)[math.ceil(part * len(samples)) - 1]


@dataclass
class Packets:
    n_ports: int
    batches: dict = field(default_factory=dict)  # Course: nanoseconds per packet, batch by batch
    ipv6_tables: bool = False  # whether the iptables engine looks at IPv6

    def cost(self, lane, **place):
        """The dearest of the best tenth of all batches, for whatever else runs on the machine can
        only make a packet dearer; None: not measured."""
        batches = self.batches.get(Course(lane, **place))
        return batches and statistics.quantiles(batches, n=10)[0]

    def added(self, lane):
        return self.cost(lane) - self.cost(BRIDGE if lane in WITHOUT_BR_NETFILTER else EMPTY)


@dataclass
class Changes:
    """One engine's writing, milliseconds."""

    engine: str
    n_ports: int
    load: float
    samples: dict  # by name, as bench-rules tells them


@dataclass
class Arming:
    n_bridges: int
    n_ports: int
    start_ms: float  # from the daemon's start until all ports are guarded
    samples: dict  # milliseconds, by "nftables" or "all"
    commits: list  # the daemon's own figures, two for each sample
    cpu_ms: float  # of the daemon, for a port that comes and goes
    resident_kib: int
    most_resident_kib: int
    check_cpu_ms: float

    def n_samples(self):
        return len(self.samples["all"])


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


@dataclass
class Flood:
    n_ports: int
    n_macs: int
    seconds: float
    quiet: dict  # milliseconds until an answer, by question
    flooded: dict
    cpu_ms: float
    resident_kib: tuple  # before, after
    most_resident_kib: int
    entries: int  # in the journal, of the flood
    counted: int  # MACs they speak of
    drops: int  # messages the kernel could not tell


def telling(daemon, harness, *words):
    """Asks; when that breaks, the daemon's last words belong to the message."""
    try:
        return harness.ask(*words)
    except Broken as broken:
        raise Broken(f"{broken}\nbridgewardend said last:\n{daemon.last_words()}") from broken


def write_configuration(n_ports):
    path = Path("/run", f"rules{n_ports}.conf")
    path.write_text(configuration(n_ports))
    return path


def write_rules(programs, namespace, n_ports, engines):
    """Lines of words: engine, milliseconds, tables."""
    command = [programs.rules, write_configuration(n_ports), n_ports, "write", *engines]
    wrote = subprocess.run(inside(namespace, command), stdout=subprocess.PIPE, text=True,
                           check=True)  # fmt: skip
    return [line.split() for line in wrote.stdout.splitlines()]


def make_empty_tables(namespace):
    """Those the iptables engine writes: a table that was never asked for is not there at all, and
    costs nothing."""
    for program in ("iptables-legacy", "ip6tables-legacy"):
        for table in ("raw", "mangle"):
            subprocess.run(inside(namespace, [program, "-t", table, "-S"]), check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip


def write_fwbuilder(namespace, n_ports):
    subprocess.run(inside(namespace, ["iptables-legacy-restore"]), text=True,
                   input=fwbuilder.rules(n_ports), check=True)  # fmt: skip


class Field:
    """All lanes of one number of ports, ready to be measured."""

    def __init__(self, programs, n_ports, stack):
        self.result = Packets(n_ports)
        self.names = [f"{name}{n_ports}" for name in NAMES]
        self.harness = stack.enter_context(Harness(programs.packets, n_ports, self.names))
        for lane in WITHOUT_BR_NETFILTER:
            switch_br_netfilter_off(self.names[lane])
        self.write_rules(programs)
        for lane in (*ENGINES, FWBUILDER):
            self.harness.ask("guarded", lane)
        self.choose_courses()

    def write_rules(self, programs):
        n_ports = self.result.n_ports
        make_empty_tables(self.names[EMPTY])
        for lane, engines in ENGINES.items():
            wrote = write_rules(programs, self.names[lane], n_ports, engines)
            if lane == IPTABLES:
                self.result.ipv6_tables = int(wrote[0][2]) == TABLES_OF_BOTH_FAMILIES
        nwfilter.write(self.names[NWFILTER], n_ports)
        write_fwbuilder(self.names[FWBUILDER], n_ports)

    def choose_courses(self):
        """In lists all ports of a kind are alike but for their place; FWbuilder's are always
        read to the end."""
        n = self.result.n_ports
        [[_, *dearest]] = self.harness.ask("worst", BOTH)
        pairs = {"dearest": dearest, "middle": (n // 2, n // 2 - 1), "last": (n - 1, n - 2)}
        courses = [Course(lane) for lane in LANES if lane != NWFILTER]
        courses += [Course(NWFILTER, place) for place in ("middle", "last")]
        courses += [Course(lane, family=6) for lane in (BRIDGE, EMPTY, NFTABLES, BOTH)]
        if self.result.ipv6_tables:
            courses.append(Course(IPTABLES, family=6))
        for course in courses:
            self.harness.ask("course", course.lane, *pairs[course.place], course.family)
            self.result.batches[course] = []

    def run(self):
        for batches, row in zip(self.result.batches.values(), self.harness.ask("run", ROUNDS)):
            batches.extend(map(float, row[1:]))


def packets(programs, sizes, effort):
    """All sizes in turn, so that what disturbs the machine meets all alike."""
    with contextlib.ExitStack() as stack:
        fields = [Field(programs, n_ports, stack) for n_ports in sizes]
        end = time.monotonic() + effort.packet_seconds * len(fields)
        spent = [0.0 for _ in fields]
        while time.monotonic() < end:
            at = spent.index(min(spent))
            start = time.monotonic()
            fields[at].run()
            spent[at] += time.monotonic() - start
        return [the.result for the in fields]


def compare_nwfilter(n_ports):
    """A sentence: whether libvirt itself writes what stands in the lanes."""
    made = subprocess.run([sys.executable, libvirt_rules.__file__, str(n_ports)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    if made.returncode == libvirt_rules.SKIPPED:
        return f"not compared with a libvirt here: {made.stderr.strip()}"
    if made.returncode:
        raise Broken(f"libvirt did not write clean-traffic: {made.stderr.strip()[-500:]}")
    nwfilter.compare(f"nwfilter{n_ports}", made.stdout)
    return f"what this machine's libvirt writes for {n_ports} ports was compared: the same rules"


def changes(programs, n_ports, engine, count):
    namespace = f"rules-{engine}{n_ports}"
    add_namespace(namespace)
    [[_, load, _]] = write_rules(programs, namespace, n_ports, [engine])
    command = [programs.rules, write_configuration(n_ports), n_ports, "change", engine, count]
    told = subprocess.run(inside(namespace, command), stdout=subprocess.PIPE, text=True,
                          check=True).stdout  # fmt: skip
    rows = {name: [float(x) / 1000 for x in row]
            for name, *row in map(str.split, told.splitlines())}  # fmt: skip
    return Changes(engine, n_ports, float(load), rows)


def idle(daemon, n_ports, seconds):
    before, start = daemon.cost(), time.monotonic()
    time.sleep(seconds)
    after, minutes = daemon.cost(), (time.monotonic() - start) / 60
    return Idle(n_ports, daemon.resident_kib(), (after.switches - before.switches) / minutes,
                (after.cpu_ms - before.cpu_ms) / minutes)  # fmt: skip


def wait_idle(daemon):
    """Until it has done all that its start, or a burst, gave it to do."""
    for _ in range(20):
        before = daemon.cost().cpu_ms
        time.sleep(SETTLE_SECONDS)
        if daemon.cost().cpu_ms - before < IDLE_PART * SETTLE_SECONDS * 1000:
            return


def arming(programs, n_bridges, n_ports, samples, idle_seconds):
    namespace = f"arming{n_bridges}-{n_ports}"
    text = configuration(n_ports + samples, n_bridges)
    with Harness(programs.arming, n_ports, [namespace], n_bridges) as harness, \
         Daemon(programs.daemon, namespace, text) as daemon:  # fmt: skip
        [[start_ms]] = telling(daemon, harness, "guarded")
        wait_idle(daemon)
        checks = idle(daemon, n_ports, idle_seconds)
        known, before = len(daemon.commits()), daemon.cost()
        told = telling(daemon, harness, "arm", n_ports, samples)
        time.sleep(SETTLE_SECONDS)
        spent = daemon.cost().cpu_ms - before.cpu_ms
        return Arming(n_bridges, n_ports, float(start_ms),
                      {name: [float(x) / 1000 for x in row] for name, *row in told},
                      daemon.commits()[known:], spent / samples, daemon.resident_kib(),
                      daemon.most_resident_kib(), checks.cpu_ms_per_check())  # fmt: skip


def burst_and_idle(programs, n_ports, effort):
    """A Burst on top of n_ports, and an Idle with them all."""
    namespace, n_after = f"burst{n_ports}", n_ports + effort.burst
    with Harness(programs.arming, n_ports, [namespace]) as harness, \
         Daemon(programs.daemon, namespace, configuration(n_after)) as daemon:  # fmt: skip
        telling(daemon, harness, "guarded")
        time.sleep(SETTLE_SECONDS)
        before = len(daemon.commits())
        [[milliseconds]] = telling(daemon, harness, "burst", n_ports, effort.burst)
        time.sleep(SETTLE_SECONDS)
        plugged = Burst(n_ports, float(milliseconds), daemon.commits()[before:])
        return plugged, idle(daemon, n_after, effort.idle_seconds)


def ask(programs, environment, count):
    told = subprocess.run([programs.flood, "ask", str(count), str(ASK_MS)], env=environment, text=True,
                          check=True, stdout=subprocess.PIPE).stdout  # fmt: skip
    return {name: [float(x) / 1000 for x in row] for name, *row in map(str.split, told.splitlines())}


def add_uplink(namespace):
    for words in (f"link add {UPLINK} type veth peer name far0",
                  f"link set {UPLINK} master {bridge_name(0)} up", "link set far0 up"):  # fmt: skip
        subprocess.run(["ip", "-n", namespace, *words.split()], check=True)


def flood(programs, n_ports, n_macs, seconds):
    """Frames of n_macs from beyond an uplink, while the daemon is asked."""
    namespace = "flood"
    text = configuration(n_ports) + f"[Port {UPLINK}]\nRole=uplink\n"
    with private_bus() as environment, Harness(programs.arming, n_ports, [namespace]) as harness:
        add_uplink(namespace)
        with Daemon(programs.daemon, namespace, text, environment) as daemon:
            telling(daemon, harness, "guarded")
            wait_idle(daemon)
            quiet = ask(programs, environment, 20)
            before, resident = daemon.cost(), daemon.resident_kib()
            send = inside(namespace, [programs.flood, "send", "far0", BRIDGE_MAC, n_macs, seconds])
            with subprocess.Popen(send, text=True, stdout=subprocess.PIPE) as sender:
                flooded = ask(programs, environment, seconds * 1000 // ASK_MS)
                took = sender.stdout.read()
            if sender.returncode:
                raise Broken("the flood could not be sent")
            spent = daemon.cost().cpu_ms - before.cpu_ms
            time.sleep(FLOOD_TOLD_SECONDS)
            told = daemon.find(rf"Port {UPLINK} .*learn (\d+) MAC addresses")
            return Flood(n_ports, n_macs, float(took) / 1000, quiet, flooded, spent,
                         (resident, daemon.resident_kib()), daemon.most_resident_kib(), len(told),
                         sum(map(int, told)), daemon.drops(namespace))  # fmt: skip
