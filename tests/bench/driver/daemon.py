# SPDX-License-Identifier: GPL-2.0-or-later
"""bridgewardend in a lane's namespace: its configuration, its life, what it says, what it costs."""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from driver.lanes import address, address6, bridge_name, inside, mac, port_name

CHECK_INTERVAL_SECONDS = 2  # the default


@dataclass
class Commit:
    tables: int
    facts: int
    milliseconds: float  # by the clock


@dataclass
class Cost:
    """What the daemon has used since it was started."""

    cpu_ms: float
    switches: int  # given up and taken away


def configuration(n_ports, n_bridges=1):
    bridges = " ".join(map(bridge_name, range(n_bridges)))
    text = f"[Guard]\nBridges={bridges}\nUnknownPorts=drop\n[Libvirt]\nURI=none\n"
    return text + "".join(
        f"[Port {port_name(number)}]\nMACs={mac(number)}\n"
        f"Addresses={address(number)} {address6(number)}\n"
        for number in range(n_ports)
    )


def processor_clock(pid):
    """As clock_getcpuclockid(3) gives it."""
    return ~pid << 3 | 2


def field(text, name):
    """An integer of /proc/PID/status."""
    line = next(line for line in text.splitlines() if line.startswith(name + ":"))
    return int(line.split()[1])


class Daemon:
    def __init__(self, program, namespace, configuration_text, environment=None):
        config, self.log = (Path("/run", f"{namespace}.{end}") for end in ("conf", "log"))
        config.write_text(configuration_text)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(inside(namespace, [program, "--config", config]),
                                            stdout=log, stderr=log, env=environment)  # fmt: skip
        self.proc = Path("/proc", str(self.process.pid))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def commits(self):
        """What it said so far of each time it wrote."""
        said = re.findall(r"(\d+) tables committed for (\d+) facts in ([\d.]+) ms",
                          self.log.read_text())  # fmt: skip
        return [Commit(int(tables), int(facts), float(ms)) for tables, facts, ms in said]

    def find(self, pattern):
        return re.findall(pattern, self.log.read_text())

    def drops(self, namespace):
        """What the kernel could not tell it, because its sockets were full."""
        table = subprocess.run(inside(namespace, ["cat", "/proc/net/netlink"]), text=True, check=True,
                               stdout=subprocess.PIPE).stdout  # fmt: skip
        rows = [line.split() for line in table.splitlines()[1:]]
        return sum(int(row[8]) for row in rows)

    def last_words(self):
        return "\n".join(self.log.read_text().splitlines()[-10:])

    def resident_kib(self):
        return field((self.proc / "status").read_text(), "VmRSS")

    def most_resident_kib(self):
        return field((self.proc / "status").read_text(), "VmHWM")

    def cost(self):
        """Threads that have ended count for the processor's time, and not for the switches."""
        cost = Cost(1000 * time.clock_gettime(processor_clock(self.process.pid)), 0)
        for task in (self.proc / "task").iterdir():
            status = (task / "status").read_text()
            cost.switches += field(status, "voluntary_ctxt_switches")
            cost.switches += field(status, "nonvoluntary_ctxt_switches")
        return cost
