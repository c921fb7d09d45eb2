# SPDX-License-Identifier: GPL-2.0-or-later
"""One lab, used by all cases: bridge, bus, journal, libvirt, guests and the guard."""

import json
import subprocess
from functools import cached_property
from pathlib import Path

from . import cache, wire
from .guard import ENGINES, Guard
from .guest import LinuxGuest
from .libvirt import Libvirt
from .session import Session

BRIDGE = "virbr6"
SECOND_BRIDGE = "virbr4"

CONFIG = """[Guard]
Mode=enforce
UnknownPorts=drop
Bridges={bridges}
Engines={engines}
CheckInterval={check_interval}

[Libvirt]
URI=qemu:///system
"""

ADDRESSES = {"kali3": "192.168.50.13", "kali4": "192.168.50.14", "kali5": "192.168.50.15"}


def configuration(more, engines=ENGINES, unaddressed=(), check_interval=2, bridges=BRIDGE):
    """engines: those that write the rules. unaddressed: names of guests whose addresses nobody
    tells. check_interval: every how many seconds the kernel's rules are looked at."""
    text = CONFIG.format(
        engines=" ".join(engines), check_interval=check_interval, bridges=bridges
    )
    for name, address in ADDRESSES.items():
        what = "Role=guest" if name in unaddressed else f"Addresses={address}"
        text += f"\n[Guest {name}]\n{what}\n"
    return text + more


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True)


def ip_says(*arguments):
    command = ["ip", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def mac_of(interface):
    return Path(f"/sys/class/net/{interface}/address").read_text().strip()


def port_of_mac(mac, bridge=BRIDGE):
    """Where the bridge has learned that a MAC is, or None."""
    answer = subprocess.run(
        ["bridge", "fdb", "show", "br", bridge], check=True, capture_output=True, text=True
    )
    rows = [line.split() for line in answer.stdout.splitlines()]
    ports = [row[2] for row in rows if row[:2] == [mac, "dev"] and "permanent" not in row]
    return ports[0] if ports else None


def is_locked(port):
    command = ["bridge", "-json", "-details", "link", "show", "dev", port]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)[0]["locked"]


def ip_batch(lines):
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)


class Kali:
    """The three guests of the scene."""

    def __init__(self, lab):
        self.three = LinuxGuest(lab, "kali3", "52:54:00:9f:5d:c1", "192.168.50.13", tap="vk63")
        self.four = LinuxGuest(lab, "kali4", "52:54:00:74:60:4a", "192.168.50.14", tap="vk64")
        self.five = LinuxGuest(lab, "kali5", "52:54:00:0f:34:4f", "192.168.50.15", tap="vk65")
        self.four.forward = True
        self.all = (self.three, self.four, self.five)

    def start(self):
        for guest in self.all:
            guest.define()
            guest.start()
        for guest in self.all:
            guest.wait_ready()

    def forget_lies(self):
        """What ARP packets have told them, the host too, while nothing kept those out."""
        for guest in self.all:
            guest.flush_arp()
        ip("neigh", "flush", "dev", BRIDGE)


class World:
    def __init__(self, tree, build, guard_present):
        self.tree, self.build = Path(tree), Path(build)
        self.built = cache.build()
        self.kernel = cache.KERNEL
        self.tool = str(self.built / "wire")
        # ageing as in the scene: the bridge works as a switch, and forgets in 30 s
        ip("link", "add", BRIDGE, "type", "bridge", "ageing_time", 3000)
        ip("link", "set", BRIDGE, "up")
        self.session = Session(self.tree / "conf" / "org.bridgewarden1.conf")
        self.libvirt = Libvirt()
        self.guard = Guard(self.build, guard_present)
        self.configure()

    @cached_property
    def kali(self):
        """Started at the first use; they stay for all cases."""
        kali = Kali(self)
        kali.start()
        return kali

    def configure(self, more="", **settings):
        self.guard.engines = settings.get("engines", ENGINES)
        self.guard.configure(configuration(more, **settings))

    def arm(self, more, ports, **settings):
        """A fresh guard. settings: as of configuration()."""
        if settings.get("engines", ENGINES) != self.guard.engines:
            self.guard.take_out()
        self.configure(more, **settings)
        self.guard.stop()
        self.guard.start()
        self.guard.wait_armed(*ports)

    def armed_kali(self, more="", forget=True, **settings):
        """The three guests and a fresh guard over them. settings: as of configuration()."""
        kali = self.kali
        self.arm(more, ("vk63", "vk64", "vk65"), **settings)
        if forget:
            kali.forget_lies()
        return kali

    def unguarded_kali(self):
        """The three guests and nobody between them."""
        kali = self.kali
        self.guard.take_out()
        kali.forget_lies()
        return kali

    @cached_property
    def kali_two(self):
        """The guest on the second bridge; both stay, too."""
        ip("link", "add", SECOND_BRIDGE, "type", "bridge", "ageing_time", 3000)
        ip("link", "set", SECOND_BRIDGE, "up")
        guest = LinuxGuest(
            self, "kali2", "52:54:00:b1:5d:1f", "192.168.50.12", tap="vk42", bridge=SECOND_BRIDGE
        )
        guest.define()
        guest.start()
        guest.wait_ready()
        return guest

    def started_guests(self):
        made = self.__dict__  # where cached properties are once they are made
        three = made["kali"].all if "kali" in made else ()
        return [*three, made["kali_two"]] if "kali_two" in made else [*three]

    # -- cables of the host

    def count(self, interface, **options):
        return wire.counting(self.tool, interface, **options)

    def flood(self, interface, **options):
        return wire.flooding(self.tool, interface, **options)

    def send(self, interface, **options):
        return wire.send(self.tool, interface, **options)

    def send_frames(self, interface, *frames, **options):
        return wire.send_frames(self.tool, interface, frames, **options)

    def remove_cable(self, port):
        ip("link", "del", port)

    def add_cable(self, port, end, bridge=BRIDGE):
        """A veth pair: one end is a port of the bridge, the other sends and receives."""
        ip("link", "add", port, "type", "veth", "peer", "name", end)
        ip("link", "set", end, "up")
        ip("link", "set", port, "master", bridge, "up")
