# SPDX-License-Identifier: GPL-2.0-or-later
"""bridgewardend in a lane's namespace: its configuration, its life, what it says, what it costs."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from driver.lanes import BRIDGE, address, address6, inside, mac, port_name

CHECK_INTERVAL_SECONDS = 2  # the default


@dataclass
class Commit:
    tables: int
    facts: int


@dataclass
class Cost:
    """What the daemon has used since it was started."""

    cpu_ms: float
    switches: int  # of all its threads, given up and taken away


def configuration(n_ports):
    text = f"[Guard]\nBridges={BRIDGE}\nUnknownPorts=drop\n[Libvirt]\nURI=none\n"
    return text + "".join(
        f"[Port {port_name(number)}]\nMACs={mac(number)}\n"
        f"Addresses={address(number)} {address6(number)}\n"
        for number in range(n_ports)
    )


def field(text, name):
    """An integer of /proc/PID/status."""
    line = next(line for line in text.splitlines() if line.startswith(name + ":"))
    return int(line.split()[1])


class Daemon:
    """n_declared: for how many ports, plugged or not, the configuration speaks."""

    def __init__(self, program, namespace, n_declared):
        config, self.log = (Path("/run", f"{namespace}.{end}") for end in ("conf", "log"))
        config.write_text(configuration(n_declared))
        with self.log.open("w") as log:
            self.process = subprocess.Popen(inside(namespace, [program, "--config", config]),
                                            stdout=log, stderr=log)  # fmt: skip
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
        """What it said so far of each time it wrote: how many tables, for how many facts."""
        said = re.findall(r"(\d+) tables committed for (\d+) facts", self.log.read_text())
        return [Commit(int(tables), int(facts)) for tables, facts in said]

    def last_words(self):
        return "\n".join(self.log.read_text().splitlines()[-10:])

    def resident_kib(self):
        return field((self.proc / "status").read_text(), "VmRSS")

    def cost(self):
        cost = Cost(0, 0)
        for task in (self.proc / "task").iterdir():
            status = (task / "status").read_text()
            cost.cpu_ms += int((task / "schedstat").read_text().split()[0]) / 1e6
            cost.switches += field(status, "voluntary_ctxt_switches")
            cost.switches += field(status, "nonvoluntary_ctxt_switches")
        return cost
