# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody behind another hypervisor's cable, where no guard stands, claims what is a guest's here,
in each way there is; and a guest of one bridge claims what is a guest's on the other.

The cable (vmw1) is an uplink: who is behind it nobody knows, but not kali3. Closed=yes lets only
those pass who are declared behind it."""

from lab import frames
from lab.two_bridges import PORTS, WINDOWS_MAC, two_bridges
from lab.waiting import wait_until
from lab.world import BRIDGE, SECOND_BRIDGE, port_of_mac

ROUNDS, PAUSE_US = 30, 50_000  # longer than the second a fresh entry is not overwritten
PACKETS = 20
THEFTS = 5
HOME = ["vk63", "vethb1"]  # kali3's, on either bridge
THREE6, FIVE6 = "2001:db8:50::13", "2001:db8:50::15"
WINDOWS6 = "fe80::21"
NOBODY = "00:00:00:00:00:00"
ANOTHER = "192.168.50.22"  # nobody's here

SECTIONS = f"""
[Port vk63]
Addresses=192.168.50.13 {THREE6}

[Port vk65]
Addresses=192.168.50.15 {FIVE6}

[Bridge virbr4]
Gateway=192.168.50.1
"""
# kali4 may have any address, but for the gateway's
ANY_ADDRESS = """
[Port vk64]
Addresses=any
"""
CLOSED = f"""Closed=yes
MACs={WINDOWS_MAC}
"""


def tell(liar, claimed, victim):
    """ "claimed's address is at my MAC" """
    return frames.arp(frames.REPLY, (liar.mac, claimed.ip), (victim.mac, victim.ip))


def datagram(sender_mac, source, receiver):
    packet = frames.ipv4(source, receiver.ip, frames.UDP, bytes(8))
    return frames.ethernet(sender_mac, receiver.mac, frames.IPV4, packet)


class Border:
    """What is claimed from behind vmw1, and what comes of it."""

    def __init__(self, world, scene):
        self.world, self.scene = world, scene
        self.windows = scene.windows
        # (who is lied to, about whom): on both bridges, and the host
        self.lies = [
            (scene.three, scene.five),
            (scene.two, scene.three),
            (scene.host, scene.three),
            (scene.three, scene.host),  # the gateway
        ]

    def send(self, *sent, count=PACKETS, us=1000):
        return self.windows.send_frames(self.world.tool, *sent, count=count, us=us)

    def learn(self):
        """There must be something to be wrong about: everybody asks everybody."""
        self.scene.forget_lies()
        self.scene.pings(count=1)
        self.scene.three.ping(FIVE6, 1)

    def misled(self):
        """Who sends to windows what is for somebody else."""
        return [
            f"{victim.name} about {claimed.name}"
            for victim, claimed in self.lies
            if victim.arp_table().get(claimed.ip) == self.windows.mac
        ]

    def lie_by_arp(self):
        told = [tell(self.windows, claimed, victim) for victim, claimed in self.lies]
        self.send(*told, count=ROUNDS, us=PAUSE_US)
        return self.misled()

    def lie_by_nd(self):
        """Where kali3 then thinks that kali5 is."""
        claim = frames.neighbour_advertisement(
            self.windows.mac, WINDOWS6, FIVE6, THREE6, self.scene.three.mac
        )
        self.send(claim, count=5, us=10_000)
        return self.scene.three.ipv6_neighbours().get(FIVE6)

    def counting(self, sender, source, receiver):
        """What a guest gets from sender in the name of source."""
        of_sender = frames.at(
            source=frames.mac_bytes(sender.mac),
            kind=b"\x08\x00",
            ipv4_source=frames.ip_bytes(source),
        )
        return self.world.count(receiver.tap, dir="out", at=of_sender)

    def heard(self, source, receiver):
        """How many datagrams in the name of source reach a guest."""
        with self.counting(self.windows, source, receiver) as count:
            self.send(datagram(self.windows.mac, source, receiver))
            count.reaches(PACKETS, 0.5)
            return count.packets

    def steal_mac(self):
        """Where the bridges look for kali3 when windows has sent with its MAC: elsewhere, if they
        ever do."""
        three = self.scene.three
        three.ping(self.scene.host.ip, 1)
        places = lambda: [port_of_mac(three.mac, bridge) for bridge in (BRIDGE, SECOND_BRIDGE)]
        wait_until("the bridges know kali3", 2, lambda: places() == HOME)
        own = (self.windows.mac, self.windows.ip)
        # to all, so that the other bridge hears it too; about nobody, so that kali3 stays silent
        ask = frames.arp(
            frames.REQUEST, own, (NOBODY, ANOTHER), source=three.mac, destination=frames.BROADCAST
        )
        found = []
        for _ in range(THEFTS):  # a word of kali3's own takes its place back
            self.send(ask, count=5)
            found.append(places())
        self.scene.forget_macs_in_hypervisor()
        return max(found, key=lambda places: sum(a != b for a, b in zip(places, HOME)))


def lie_of_kali2(scene):
    """kali2 says on its own bridge that it is kali3. Whom kali5 believes, on the other one."""
    scene.two.send_frames(tell(scene.two, scene.three, scene.five), count=ROUNDS, us=PAUSE_US)
    return scene.five.arp_table().get(scene.three.ip)


def check_unguarded(report, scene, border):
    border.learn()
    misled = border.lie_by_arp()
    report.check("unguarded: all believe it by ARP", len(misled) == 4, ", ".join(misled))
    heard = border.heard(scene.three.ip, scene.five)
    report.check("unguarded: kali5 hears it as kali3", heard == PACKETS, f"{heard} packets")
    border.learn()
    place = border.lie_by_nd()
    report.check("unguarded: kali3 believes it by ND", place == border.windows.mac, place)
    places = border.steal_mac()
    stolen = places == ["vethb2", "vmw1"]
    report.check("unguarded: both bridges look for kali3 there", stolen, str(places))
    border.learn()
    place = lie_of_kali2(scene)
    report.check("unguarded: kali5 believes that kali2 is kali3", place == scene.two.mac, place)


def check_claims(report, scene, border):
    border.learn()
    misled = border.lie_by_arp()
    report.guard_check("by ARP nobody believes it", not misled, ", ".join(misled) or "nobody")
    heard = border.heard(scene.three.ip, scene.five)
    report.nothing_passes("kali5 does not hear it as kali3", heard)
    border.learn()
    place = border.lie_by_nd()
    report.guard_check("by ND kali3 does not believe it", place == scene.five.mac, place)
    places = border.steal_mac()
    report.guard_check("both bridges find kali3 where it is", places == HOME, str(places))
    border.learn()
    place = lie_of_kali2(scene)
    right = place == scene.three.mac
    report.guard_check("kali5 does not believe that kali2 is kali3", right, place)
    scene.forget_lies()
    heard = border.heard(ANOTHER, scene.five)
    report.check("an address that nobody owns comes in", heard == PACKETS, f"{heard} packets")


def check_journal(report, guard):
    report.guard_check(
        "the journal names vmw1 and border-spoof",
        guard.says("violation", "BW_PORT=vmw1", "BW_REASON=border-spoof"),
    )
    report.guard_check("the journal names kali2", guard.names("kali2", "spoofed-arp"))


def lie_of_kali4(scene):
    """kali4 says that it is the host, who is the gateway. Whom kali3 believes."""
    scene.four.send_frames(tell(scene.four, scene.host, scene.three), count=ROUNDS, us=PAUSE_US)
    return scene.three.arp_table().get(scene.host.ip)


def check_gateway(report, scene, border):
    with border.counting(scene.four, ANOTHER, scene.three) as count:
        scene.four.send_frames(datagram(scene.four.mac, ANOTHER, scene.three), count=PACKETS)
        heard = count.reaches(PACKETS, 0.5)
        report.check("any address: kali4 takes one that nobody has", heard, f"{count.packets}")
    border.learn()
    place = lie_of_kali4(scene)
    own = place == scene.host.mac
    report.guard_check("any address: kali4 cannot have the gateway's", own, place)


def check_closed(report, scene, border):
    heard = border.heard(ANOTHER, scene.five)
    report.nothing_passes("closed: an address that nobody owns does not come in", heard)
    unreached = scene.unreached()
    report.check("closed: everybody reaches everybody", not unreached, unreached)


def ipv6_up(scene):
    for guest, address in ((scene.three, THREE6), (scene.five, FIVE6)):
        guest.ipv6_up([("dad_transmits", 0)], [f"{address}/64"])


def run(world, report):
    with two_bridges(world) as scene:
        border = Border(world, scene)
        ipv6_up(scene)
        try:
            scene.disarm()
            check_unguarded(report, scene, border)
            scene.arm(SECTIONS)
            check_claims(report, scene, border)
            check_journal(report, world.guard)
            others = [port for port in PORTS if port != "vk64"]  # iptables has nothing to ask it
            scene.arm(SECTIONS + ANY_ADDRESS, CLOSED, ports=others)
            check_closed(report, scene, border)
            check_gateway(report, scene, border)
        finally:
            for guest in (scene.three, scene.five):
                guest.ipv6_down()
