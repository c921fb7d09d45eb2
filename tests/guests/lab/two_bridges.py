# SPDX-License-Identifier: GPL-2.0-or-later
"""A host with two bridges and one network: a second bridge and its guest, the host at the end of a
cable, and behind another cable the switch of a hypervisor that is not ours.

      kali3 kali4 kali5                        kali2   the host      windows
        |     |     |                            |        |             |
      vk63  vk64  vk65                         vk42      vmh1        vmw1 - vmw2 - vmnet1
    ====+=====+=====+===== vethb2 - vethb1 =====+=========+=============+==
            virbr6                               virbr4
"""

import contextlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import wire
from .waiting import holds_within
from .world import ADDRESSES, BRIDGE, SECOND_BRIDGE, ip, port_of_mac

HOST, WINDOWS = "192.168.50.1", "192.168.50.21"
WINDOWS_MAC = "00:50:56:12:34:56"
HYPERVISOR = "vmware"  # the network namespaces
BEHIND = "windows"
# What nobody can guess; all else is derived. What windows has need not be said for anybody's safety
# but its own: that it is not sought on the other side of the link.
CONFIG = f"""
[Guest kali2]
Addresses=192.168.50.12

[Port vmw1]
Role=uplink
Addresses={WINDOWS}
"""
PORTS = ("vk63", "vk64", "vk65", "vethb2", "vethb1", "vk42", "vmh1", "vmw1")
# in an order in which each finds what it needs: tables are poisoned until kali4 is back, honest
HARDSHIPS = {
    "lies": "kali4 lies to all",
    "promiscuous": "kali4 lies to all, and the bridges are promiscuous",
    "silence": "kali4 has left, and all still send to where it was",
    "hubs": "ageing time 0",
}
PATIENT = 15  # seconds for an answer that must come
# where it has the address, and not on each bridge as well, whose MAC would be believed then
HOST_ANSWERS = Path("/proc/sys/net/ipv4/conf/all/arp_ignore")
REMEMBERED_MS = 600_000  # for how long ARP is believed: the scene must not end by itself


class Station:
    """Somebody on the network who is no guest of ours."""

    def __init__(self, name, interface, address, inside=()):
        self.name, self.interface, self.ip, self.inside = name, interface, address, inside
        self.mac = self.ask(f"cat /sys/class/net/{interface}/address")

    def run(self, command, seconds=30):
        """(exit status, output) of a shell command."""
        answer = subprocess.run(
            [*self.inside, "sh", "-c", command], capture_output=True, text=True, timeout=seconds
        )
        return answer.returncode, answer.stdout.strip()

    def ask(self, command, seconds=30):
        status, output = self.run(command, seconds)
        if status:
            raise RuntimeError(f"{self.name}: {command}: status {status}: {output}")
        return output

    def neighbours(self, family):
        rows = self.ask(f"ip {family} neigh show dev {self.interface}").splitlines()
        words = [row.split() for row in rows]
        return {row[0]: row[row.index("lladdr") + 1] for row in words if "lladdr" in row}

    def arp_table(self):
        return self.neighbours("-4")

    def ipv6_neighbours(self):
        return self.neighbours("-6")

    def flush_arp(self):
        self.ask(f"ip -4 neigh flush dev {self.interface}")

    def send_frames(self, tool, *frames, **options):
        return wire.send_frames(tool, self.interface, frames, inside=self.inside, **options)


def interface_of(party):
    return getattr(party, "interface", "eth0")


def ping_all(others, count, wait):
    """A command that pings them all at once and prints how many answers each gave. The ping of
    busybox, because others wait less for the last answer when there were some."""
    pings = " ".join(
        f"busybox ping -c {count} -i 0.3 -W {wait} {other.ip} >$d/{number} &"
        for number, other in enumerate(others)
    )
    numbers = " ".join(str(number) for number in range(len(others)))
    return (
        f"d=$(mktemp -d); {pings} wait; "
        f"for n in {numbers}; do grep -c ttl= $d/$n; done; rm -r $d"
    )


class TwoBridges:
    def __init__(self, world):
        self.world, self.kali = world, world.kali
        self.three, self.four, self.five = self.kali.all
        self.two = world.kali_two

    def build(self):
        ip("link", "add", "vethb1", "type", "veth", "peer", "name", "vethb2")
        ip("link", "set", "vethb1", "master", SECOND_BRIDGE, "up")
        ip("link", "set", "vethb2", "master", BRIDGE, "up")
        self.world.add_cable("vmh1", "vmh2", SECOND_BRIDGE)
        ip("addr", "add", f"{HOST}/24", "dev", "vmh2")
        HOST_ANSWERS.write_text("1\n")
        self.world.add_cable("vmw1", "vmw2", SECOND_BRIDGE)
        self.build_hypervisor()
        self.host = Station("the host", "vmh2", HOST)
        self.windows = Station("windows", "win0", WINDOWS, ("ip", "netns", "exec", BEHIND))
        self.parties = (self.three, self.four, self.five, self.two, self.host, self.windows)
        self.set_memory(REMEMBERED_MS)

    def build_hypervisor(self):
        for name in (HYPERVISOR, BEHIND):
            ip("netns", "add", name)
        ip("link", "set", "vmw2", "netns", HYPERVISOR)
        for words in (
            "link add vmnet1 type bridge",
            f"link add win1 type veth peer name win0 address {WINDOWS_MAC} netns {BEHIND}",
            "link set vmw2 master vmnet1 up",
            "link set win1 master vmnet1 up",
            "link set vmnet1 up",
        ):
            ip("-n", HYPERVISOR, *words.split())
        ip("-n", BEHIND, "addr", "add", f"{WINDOWS}/24", "dev", "win0")
        ip("-n", BEHIND, "link", "set", "win0", "up")

    def take_down(self):
        self.four.stop_poison()
        self.four.run("ip link set eth0 up")
        self.set_memory(30_000)
        HOST_ANSWERS.write_text("0\n")
        for port in ("vethb1", "vmh1", "vmw1"):
            ip("link", "del", port)
        for name in (BEHIND, HYPERVISOR):
            ip("netns", "del", name)

    def set_memory(self, milliseconds):
        for party in self.parties:
            place = f"/proc/sys/net/ipv4/neigh/{interface_of(party)}/base_reachable_time_ms"
            party.ask(f"echo {milliseconds} >{place}")

    def forget_macs_in_hypervisor(self):
        """Its switch learns, too, from what is sent through it."""
        ip("-n", HYPERVISOR, "link", "set", "vmnet1", "type", "bridge", "fdb_flush")

    # -- the guard

    def arm(self, more="", more_of_vmw1="", forget=True, ports=PORTS, **settings):
        """ports: those of which each engine has rules."""
        self.world.arm(CONFIG + more_of_vmw1 + more, ports, bridges="auto", **settings)
        if forget:
            self.forget_lies()

    def disarm(self):
        self.world.guard.take_out()
        self.forget_lies()

    def forget_lies(self):
        for party in self.parties:
            party.flush_arp()

    # -- talk

    def pairs(self, among=None):
        among = among or self.parties
        return [(a, b) for a in among for b in among if a is not b]

    def pings(self, among=None, count=2, wait=1):
        """Everybody pings everybody else, all at the same time: {(who, whom): answers}. wait:
        seconds for the last answer; it costs them only where one is missing."""
        among = among or self.parties

        def ping_others(who):
            others = [other for other in among if other is not who]
            _, output = who.run(ping_all(others, count, wait), 60)
            return {
                (who.name, other.name): int(answers)
                for other, answers in zip(others, output.split(), strict=True)
            }

        with ThreadPoolExecutor(len(among)) as pool:
            answers = list(pool.map(ping_others, among))
        return {pair: n for some in answers for pair, n in some.items()}

    def unreached(self):
        """In words, of whom not every ping was answered; "" when everybody reaches everybody."""
        return self.unanswered(self.pings(wait=PATIENT))

    @staticmethod
    def unanswered(answers, count=2):
        return "; ".join(f"{a} to {b}" for (a, b), n in answers.items() if n < count)

    # -- kali4

    def victims(self):
        return [party for party in self.parties if party is not self.four]

    def liars_words(self):
        """(who is told, whose address is claimed)"""
        return self.pairs(self.victims())

    def believers(self):
        """Those who send to kali4 what is for each of the others."""
        found = []
        for victim in self.victims():
            table = victim.arp_table()
            others = [other for other in self.victims() if other is not victim]
            if all(table.get(other.ip) == self.four.mac for other in others):
                found.append(victim.name)
        return found

    def is_poisoned(self):
        return len(self.believers()) == len(self.victims())

    def poison(self):
        """Two minutes of it. Whether all have come to believe it."""
        self.pings(self.victims(), count=1, wait=PATIENT)  # there must be something to poison
        self.four.poison(2400, 50, *self.liars_words())
        return bool(holds_within(10, self.is_poisoned, 0.2))

    def kali4_leaves(self):
        """It lies no more, its card is down, and no bridge remembers where it was."""
        self.four.stop_poison()
        self.four.ask("ip link set eth0 down")
        for bridge in (BRIDGE, SECOND_BRIDGE):
            port = port_of_mac(self.four.mac, bridge)
            if port:
                forget = ["bridge", "fdb", "del", self.four.mac, "dev", port, "master"]
                subprocess.run(forget, stderr=subprocess.DEVNULL)  # it may have aged by now

    def kali4_returns(self):
        self.four.ask("ip link set eth0 up")
        self.forget_lies()

    # -- the bridges

    @contextlib.contextmanager
    def hubs(self):
        """Both bridges remember nothing, and send everything everywhere."""
        self.set_ageing(0)
        try:
            yield
        finally:
            self.set_ageing(3000)

    def set_ageing(self, centiseconds):
        for bridge in (BRIDGE, SECOND_BRIDGE):
            ip("link", "set", bridge, "type", "bridge", "ageing_time", centiseconds)
            ip("link", "set", bridge, "type", "bridge", "fdb_flush")

    @contextlib.contextmanager
    def promiscuous(self):
        for bridge in (BRIDGE, SECOND_BRIDGE):
            ip("link", "set", bridge, "promisc", "on")
        try:
            yield
        finally:
            for bridge in (BRIDGE, SECOND_BRIDGE):
                ip("link", "set", bridge, "promisc", "off")

    # -- all that brings packets to the wrong door

    def hardship(self, name):
        """While the block lasts it is as HARDSHIPS[name] says."""
        return getattr(self, name)()

    def suffer(self, name):
        """(where packets went astray while all but kali4 talked to each other, who was not reached)

        Whoever counts is read when the talk is over: what came had a second to come."""
        wait = PATIENT if name == "hubs" else 1  # there alone all are honest, and must be reached
        with self.hardship(name), self.watching() as read_strays:
            answers = self.pings(self.victims(), wait=wait)
            return read_strays(), self.unanswered(answers)

    @contextlib.contextmanager
    def lies(self):
        yield

    @contextlib.contextmanager
    def silence(self):
        self.kali4_leaves()
        try:
            yield
        finally:
            self.kali4_returns()

    # -- who gets what

    def rightful(self):
        """{port: whose addresses a packet that leaves there may be for}."""
        of_virbr6 = list(ADDRESSES.values())
        of_virbr4 = [self.two.ip, HOST, WINDOWS]
        own = {guest.tap: [guest.ip] for guest in (*self.kali.all, self.two)}
        own |= {"vmh1": [HOST], "vmw1": [WINDOWS], "vethb2": of_virbr4, "vethb1": of_virbr6}
        return own

    @contextlib.contextmanager
    def watching(self):
        """Counts at every port what leaves it and is for nobody there; gives what reads it."""
        with contextlib.ExitStack() as stack:
            counts = {
                port: stack.enter_context(
                    self.world.count(port, dir="out", notdst=",".join(addresses))
                )
                for port, addresses in self.rightful().items()
            }
            yield lambda: Strays(counts)


class Strays:
    """Packets that have left by a port although nobody there has their address."""

    def __init__(self, counts):
        self.by_port = {port: count.packets for port, count in counts.items()}
        self.total = sum(self.by_port.values())
        self.lost = sum(count.lost for count in counts.values())

    def ports(self):
        return {port for port, packets in self.by_port.items() if packets}

    def text(self):
        return ", ".join(f"{port} {packets}" for port, packets in self.by_port.items() if packets)


@contextlib.contextmanager
def two_bridges(world):
    """The scene, until the block ends; guests and bridges stay."""
    scene = TwoBridges(world)
    scene.build()
    try:
        yield scene
    finally:
        scene.take_down()
