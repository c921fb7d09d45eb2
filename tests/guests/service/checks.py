# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be true of the installed service under a real systemd. Runs as a unit there."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
import traceback
from pathlib import Path

from lab import frames, tcx, wire
from lab.namespaces import LAB
from lab.systemd import OUT
from lab.waiting import PATIENCE, holds_within, wait_until

UNIT = "bridgewarden.service"
CAPABILITIES = 1 << 12 | 1 << 13  # CAP_NET_ADMIN, CAP_NET_RAW
EVIL_MAC = "02:00:00:00:00:02"
GOOD_IP = "10.0.0.1"
EVIL = {"src": GOOD_IP, "dst": "10.0.0.9", "smac": EVIL_MAC, "dmac": frames.BROADCAST}


def command(*words, check=True):
    answer = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if check and answer.returncode:
        raise RuntimeError(f"{' '.join(words)}: {answer.stderr.strip()}")
    return answer.stdout.strip()


def succeeds(*words):
    return subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def state(name):
    return command("systemctl", "show", UNIT, "-p", name, "--value", check=False)


def main_pid():
    return int(state("MainPID") or 0)


def is_active():
    return state("ActiveState") == "active"


def process_status(pid):
    """/proc/PID/status as a dictionary; empty when there is none."""
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return {}


def has_chains(port):
    tables = ("raw", f":bw-i-{port} "), ("mangle", f":bw-o-{port} ")
    return all(text in command("iptables-legacy-save", "-t", table) for table, text in tables)


class Machine:
    def __init__(self, tool, present):
        self.tool, self.present = tool, present
        self.results = open(OUT / "results", "a", encoding="utf-8")

    # -- results go to the case outside

    def put(self, kind, text, ok, note):
        self.results.write(json.dumps([kind, text, bool(ok), str(note)]) + "\n")
        self.results.flush()

    def check(self, text, ok, note=""):
        self.put("check", text, ok, note)

    def guard_check(self, text, ok, note=""):
        self.put("guard_check", text, ok, note)

    # -- the bench

    def build_bench(self):
        command("ip", "link", "add", "br0", "type", "bridge")
        command("ip", "link", "set", "br0", "up")
        for name in ("good", "evil"):
            self.plug(name)

    def plug(self, name):
        command("ip", "link", "add", f"{name}0", "type", "veth", "peer", "name", f"{name}1")
        command("ip", "link", "set", f"{name}1", "up")
        command("ip", "link", "set", f"{name}0", "master", "br0", "up")

    def soon(self, condition, seconds=PATIENCE):
        return bool(holds_within(seconds if self.present else 0, condition, 0.05))

    def systemctl(self, *words):
        if self.present:
            command("systemctl", *words)

    def passed(self, count=20):
        """How many of evil's packets in the name of good reach good."""
        with wire.counting(self.tool, "good1", src=EVIL["src"]) as seen:
            wire.send(self.tool, "evil1", count=count, **EVIL)
            seen.reaches(count, 0.3)
            return seen.packets

    def lies_passed(self, count=20):
        """The same by ARP, of which iptables sees nothing."""
        nobody = ("00:00:00:00:00:00", GOOD_IP)
        lie = frames.arp(
            frames.REQUEST, (EVIL_MAC, GOOD_IP), nobody, destination=frames.BROADCAST
        )
        of_evil = frames.at(kind=b"\x08\x06", source=frames.mac_bytes(EVIL_MAC))
        with wire.counting(self.tool, "good1", at=of_evil) as seen:
            wire.send_frames(self.tool, "evil1", [lie], count)
            seen.reaches(count, 0.3)
            return seen.packets

    def check_drops(self, when):
        passed = self.passed()
        self.guard_check(f"{when}: spoofed packets fall", passed == 0, f"{passed} passed")
        passed = self.lies_passed()
        self.guard_check(f"{when}: lies by ARP fall", passed == 0, f"{passed} passed")


def check_start(machine):
    machine.check("unguarded: spoofed packets pass", machine.passed() == 20)
    machine.check("unguarded: lies by ARP pass", machine.lies_passed() == 20)
    machine.systemctl("start", UNIT)
    machine.guard_check("it starts, Type=notify", is_active() and state("Type") == "notify")
    armed = machine.soon(lambda: has_chains("good0") and has_chains("evil0"))
    machine.guard_check("both ports are armed at once", armed)
    machine.check_drops("started")
    pid = main_pid()
    status = process_status(pid)
    user = command("id", "-u", "bridgewarden", check=False)
    uids = status.get("Uid", "").split()
    machine.guard_check(
        "it runs as user bridgewarden", user and set(uids) == {user}, " ".join(uids)
    )
    for name in ("CapEff", "CapPrm", "CapBnd"):
        value = int(status.get(name, "0"), 16)
        text = f"{name} is CAP_NET_ADMIN and CAP_NET_RAW, no more"
        machine.guard_check(text, value == CAPABILITIES, f"{value:#x}")
    machine.guard_check("NoNewPrivs is set", status.get("NoNewPrivs", "").strip() == "1")


def check_bus(machine):
    if not machine.present:
        return
    answers = machine.soon(lambda: succeeds("bridgewarden", "status"))
    machine.guard_check("bridgewarden status answers root", answers)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    machine.guard_check("it answers anybody", succeeds(*nobody, "bridgewarden", "ports"))
    machine.guard_check("root may resync", succeeds("bridgewarden", "resync"))
    machine.guard_check("nobody may not", not succeeds(*nobody, "bridgewarden", "resync"))
    refused = not succeeds(*nobody, "bridgewarden", "disarm")
    machine.guard_check("nor disarm", refused and has_chains("good0"))


def check_journal(machine):
    def told(*matches):
        return command(
            "journalctl", "-o", "cat", f"_SYSTEMD_UNIT={UNIT}", "BW_PORT=evil0", *matches
        )

    for text, *matches in (
        ("journalctl BW_PORT= shows that the port was armed", "BW_EVENT=port-armed"),
        ("and what it tried", "BW_EVENT=violation", "BW_REASON=spoofed-ip"),
    ):
        is_told = machine.soon(lambda matches=matches: bool(told(*matches)))
        machine.guard_check(text, is_told, told(*matches).split("\n")[0])


def check_tcx(machine):
    """bpf(2) alone lists such programs, and the unit must let it through: to a user who may not ask for
    their names."""

    def told(hazard_state):
        hazard = ("BW_HAZARD=tc-filters", f"BW_HAZARD_STATE={hazard_state}")
        return command("journalctl", "-o", "cat", f"_SYSTEMD_UNIT={UNIT}", *hazard, check=False)

    with tcx.attached("evil0", b"greedy") as is_possible:
        if not is_possible:
            return
        number = re.compile(r"attached to port evil0: \d+ at ingress\.")
        seen = machine.soon(lambda: number.search(told("raised")))
        machine.guard_check("a program of the kind tcx is told by its number", seen, told("raised"))
    gone = machine.soon(lambda: "evil0" in told("cleared"))
    machine.guard_check("and that it has gone", gone)


def check_reload(machine):
    path = Path("/etc/bridgewarden/bridgewarden.conf")
    good = path.read_text()
    path.write_text("this is no configuration\n")
    machine.systemctl("reload", UNIT)
    time.sleep(0.3)
    machine.guard_check("a file that cannot be read at reload: still active", is_active())
    machine.check_drops("last good configuration")
    path.write_text(good)
    machine.systemctl("reload", UNIT)


def check_stop(machine):
    machine.systemctl("stop", UNIT)
    machine.guard_check("stopped: the rules stay", has_chains("evil0"))
    machine.check_drops("stopped")
    machine.systemctl("start", UNIT)


def check_restart(machine, what, number, seconds):
    before = main_pid()
    if before:
        os.kill(before, number)
    back = machine.soon(lambda: is_active() and main_pid() not in (0, before), seconds)
    machine.guard_check(f"{what}: systemd starts another one", back, f"{before} > {main_pid()}")
    machine.check_drops(what)


def check_new_port(machine, when):
    machine.plug("late")
    armed = machine.soon(lambda: has_chains("late0"))
    machine.guard_check(f"{when}: a new port is armed", armed)
    command("ip", "link", "del", "late0")
    gone = machine.soon(lambda: not has_chains("late0")) or not machine.present
    machine.check(f"{when}: its rules go with it", gone)


def check_journal_hangs(machine):
    """A journal that takes nothing makes its writers wait. The guard must not be one of them."""
    restarts = state("NRestarts")
    pid = int(command("systemctl", "show", "systemd-journald", "-p", "MainPID", "--value"))
    os.kill(pid, signal.SIGSTOP)
    try:
        passed = machine.passed(2000)  # each is something to write about
        machine.guard_check("journald hangs: spoofed packets fall", passed == 0, f"{passed} passed")
        check_new_port(machine, "journald hangs")
        time.sleep(2.5)  # longer than the watchdog's patience
        content = is_active() and state("NRestarts") == restarts
        machine.guard_check("journald hangs: the watchdog is content", content)
    finally:
        os.kill(pid, signal.SIGCONT)


def check_journal_stopped(machine):
    units = ["systemd-journald-audit.socket", "systemd-journald.socket"]
    units += ["systemd-journald-dev-log.socket", "systemd-journald.service"]
    command("systemctl", "stop", *units, check=False)
    check_new_port(machine, "journald stopped")
    machine.check_drops("journald stopped")
    command("systemctl", "start", *units[1:])


def prepare(machine):
    LAB.joinpath("log").mkdir(parents=True, exist_ok=True)
    if machine.present:
        # what a package's scripts do
        command("systemd-sysusers")
        command("systemd-tmpfiles", "--create", check=False)
        command("systemctl", "daemon-reload")
        command("systemctl", "reload", "dbus.service")
    wait_until("the bus answers", 10, lambda: succeeds("busctl", "status"))
    machine.build_bench()


def run(tool, present):
    machine = Machine(tool, present)
    try:
        prepare(machine)
        check_start(machine)
        check_bus(machine)
        check_journal(machine)
        check_tcx(machine)
        check_reload(machine)
        check_stop(machine)
        check_restart(machine, "killed", signal.SIGKILL, PATIENCE)
        check_restart(machine, "hung, and the watchdog barked", signal.SIGSTOP, 2 * PATIENCE)
        check_journal_hangs(machine)
        check_journal_stopped(machine)
    except Exception:
        machine.check("the checks ran to their end", False, traceback.format_exc(limit=4))
    finally:
        print(command("journalctl", "-u", UNIT, "--no-pager", "-n", "40", check=False), flush=True)
