# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's own system bus and journal, without a service manager."""

import json
import os
import subprocess
from pathlib import Path

from .namespaces import LAB, Service
from .waiting import wait_until

BUS_SOCKET = Path("/run/dbus/system_bus_socket")
JOURNAL_SOCKET = Path("/run/systemd/journal/socket")
JOURNAL = Path("/run/log/journal")

# Audit: journald's default would switch kernel auditing on for the whole machine.
JOURNALD_CONF = """[Journal]
Storage=volatile
ReadKMsg=no
Audit=no
ForwardToWall=no
RateLimitIntervalSec=0
"""

BUS_CONF = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <include>/usr/share/dbus-1/system.conf</include>
  <include ignore_missing="yes">{policy}</include>
  <policy user="root">
    <allow own="org.bridgewarden1"/>
    <allow send_destination="org.bridgewarden1"/>
  </policy>
</busconfig>
"""


def be_another_machine():
    """So that journalctl, asked for this machine, shows the lab's journal alone."""
    Path("/etc/machine-id").write_text(os.urandom(16).hex() + "\n")


def start_bus(policy):
    conf = LAB / "bus.conf"
    conf.write_text(BUS_CONF.format(policy=policy))
    bus = Service(
        [
            "dbus-daemon",
            f"--config-file={conf}",
            "--nofork",
            "--nopidfile",
            "--nosyslog",
            f"--address=unix:path={BUS_SOCKET}",
        ]
    )
    wait_until("the bus listens", 5, BUS_SOCKET.is_socket)
    return bus


def start_journal():
    Path("/run/systemd/journald.conf.d").mkdir(parents=True, exist_ok=True)
    Path("/run/systemd/journald.conf.d/lab.conf").write_text(JOURNALD_CONF)
    JOURNAL.mkdir(parents=True, exist_ok=True)
    journal = Service(["/lib/systemd/systemd-journald"])
    wait_until("journald listens", 5, JOURNAL_SOCKET.is_socket)
    return journal


def journal_entries(*matches):
    """Entries of the journal as dictionaries, oldest first. matches: "FIELD=value"."""
    options = ["--directory", str(JOURNAL), "--output=json", "--all", "--quiet"]
    answer = subprocess.run(["journalctl", *options, *matches], capture_output=True, text=True)
    return [json.loads(line) for line in answer.stdout.splitlines()]


class Session:
    def __init__(self, policy):
        be_another_machine()
        Path("/run/systemd/journal").mkdir(exist_ok=True)
        self.bus = start_bus(policy)
        self.journal = start_journal()
