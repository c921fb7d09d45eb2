# SPDX-License-Identifier: GPL-2.0-or-later
"""bridgewardend in the foreground, and what it says."""

import re
import signal
import subprocess
from pathlib import Path

from .world import PATIENCE, go_anywhere, holds_within, run, write

CONFIG = "/run/conf/bridgewarden.conf"
SPOKEN = Path("/run/spoken")

program = "bridgewardend"
wrapper = []  # words before it
engines = "iptables nftables"
present = True  # False: the cases run with nobody on guard, and must fail


class Daemon:
    """Started by start(); without a guard every wish is granted and nothing is done."""

    def __init__(self, config):
        self.process = None
        self.configure(config)
        SPOKEN.touch()
        self.start()

    def configure(self, config, head="[Libvirt]\nURI=none\n"):
        write(CONFIG, head + config)
        write(CONFIG + ".d/engines.conf", f"[Guard]\nEngines={engines}\n")

    def start(self):
        if present:
            self.process = subprocess.Popen(
                [*wrapper, program, "--config", CONFIG],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=SPOKEN.open("ab"),
                preexec_fn=go_anywhere,
            )

    def said(self):
        return SPOKEN.read_text(errors="replace")

    def count(self, pattern):
        return len(re.findall(pattern, self.said()))

    def says(self, pattern, seconds=PATIENCE, times=1):
        return not present or holds_within(seconds, lambda: self.count(pattern) >= times)

    def must_say(self, pattern, seconds=PATIENCE, times=1):
        if not self.says(pattern, seconds, times):
            raise RuntimeError(f"the daemon did not say {pattern!r}")

    def wait_armed(self, *ports):
        for port in ports:
            self.must_say(f"Port {re.escape(port)} on .* (armed|closed|passes)")

    def signal(self, number):
        if self.process:
            self.process.send_signal(number)

    def reload(self, config, pattern, seconds=PATIENCE, **options):
        """Waits until the daemon has said what must follow, once more than before."""
        times = self.count(pattern) + 1
        self.configure(config, **options)
        self.signal(signal.SIGHUP)
        self.must_say(pattern, seconds, times)

    def pause(self):
        self.signal(signal.SIGSTOP)
        if self.process:
            stat = Path(f"/proc/{self.process.pid}/stat")
            holds_within(PATIENCE, lambda: ") T " in stat.read_text())

    def go_on(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def is_alive(self):
        return not present or self.process.poll() is None

    def stop(self):
        if not self.process or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        # Asked to stop before it listens to signals, it just dies; its rules stay either way.
        if self.process.wait(PATIENCE) not in (0, -signal.SIGTERM):
            raise RuntimeError(f"the daemon ended with {self.process.returncode}")


def run_to_end(*arguments, seconds=PATIENCE):
    """For a start that is expected to be refused."""
    return subprocess.run(
        [*wrapper, program, *arguments], capture_output=True, text=True, timeout=seconds, check=False
    )


def port_section(name, *lines):
    return f"[Port {name}]\n" + "\n".join(lines) + "\n"


def mac_of(octet):
    """The key for the far end of that number."""
    return f"MACs=52:54:00:00:00:{octet:02x}"


def bound(name, octet, *lines):
    """A guest's port, with the address and the MAC of the far end of that number."""
    return port_section(name, f"Addresses=192.168.50.{octet}", mac_of(octet), *lines)


def any_address(name, octet, *lines):
    return port_section(name, "Addresses=any", mac_of(octet), *lines)


def uses(engine):
    return engine in engines.split()


def set_switch(bridge, name, value):
    run("ip", "link", "set", "dev", bridge, "type", "bridge", name, value)


def set_nf_call(bridge, value):
    set_switch(bridge, "nf_call_iptables", value)
