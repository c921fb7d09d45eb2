# SPDX-License-Identifier: GPL-2.0-or-later
"""Lanes as Python sees them: namespaces, names, and the programs that send packets through them.
tests/bench/lane.h tells what a lane is."""

import ipaddress
import subprocess

BRIDGE = "br0"
FIRST_ADDRESS = ipaddress.ip_address("10.77.0.1")


class Broken(Exception):
    """The run found something that must not be: a lost packet, a port that is not guarded."""


def bridge_name(number):
    return f"br{number}"


def port_name(number):
    return f"vk{number}"


def address(number):
    return str(FIRST_ADDRESS + number)


def address6(number):
    return f"fd77::{number + 1:x}"


def mac(number):
    return f"02:aa:00:00:{number >> 8:02x}:{number & 255:02x}"


def add_namespace(name):
    subprocess.run(["ip", "netns", "add", name], check=True)


def inside(name, command):
    return ["ip", "netns", "exec", name, *map(str, command)]


def switch_br_netfilter_off(name):
    """In one lane: bridged packets pass neither iptables nor ip6tables there."""
    for table in ("iptables", "ip6tables", "arptables"):
        subprocess.run(inside(name, ["sysctl", "-qw", f"net.bridge.bridge-nf-call-{table}=0"]),
                       check=True)  # fmt: skip


class Harness:
    """A program of tests/bench that makes lanes, says "ready" and obeys its standard input."""

    def __init__(self, program, n_ports, namespaces, *more):
        for name in namespaces:
            add_namespace(name)
        self.name = program.name
        files = [f"/run/netns/{name}" for name in namespaces]
        self.process = subprocess.Popen([program, str(n_ports), *files, *map(str, more)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
        self.answer("ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def answer(self, last):
        lines = []
        for line in self.process.stdout:
            if line.strip() == last:
                return lines
            lines.append(line.split())
        raise Broken(f"{self.name} gave up; its last words stand above")

    def ask(self, *words):
        """The lines of the answer, each a list of words."""
        print(*words, file=self.process.stdin, flush=True)
        return self.answer("done")
