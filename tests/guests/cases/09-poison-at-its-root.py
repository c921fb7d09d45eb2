# SPDX-License-Identifier: GPL-2.0-or-later
"""kali4 lies to its neighbours and to the host by ARP, in each form there is; and takes a MAC."""

from lab import frames
from lab.scene import host_has_address, neighbours_of_host, HOST
from lab.waiting import wait_until
from lab.world import BRIDGE, mac_of, port_of_mac

ROUNDS, PAUSE_US = 40, 50_000  # longer than the second a fresh entry is not overwritten
NOBODY = "00:00:00:00:00:00"


class Table:
    """What everybody should believe, and does."""

    def __init__(self, kali):
        host_mac = mac_of(BRIDGE)
        self.kali = kali
        self.truth = {
            "kali3": {kali.five.ip: kali.five.mac, HOST: host_mac},
            "kali5": {kali.three.ip: kali.three.mac, HOST: host_mac},
            "the host": {kali.three.ip: kali.three.mac, kali.five.ip: kali.five.mac},
        }

    def believed(self):
        tables = {
            "kali3": self.kali.three.arp_table(),
            "kali5": self.kali.five.arp_table(),
            "the host": neighbours_of_host(),
        }
        return {
            who: {address: tables[who].get(address) for address in truth}
            for who, truth in self.truth.items()
        }

    def learn(self):
        """Everybody asks everybody: there must be something to poison."""
        self.kali.forget_lies()
        for guest, other in ((self.kali.three, self.kali.five), (self.kali.five, self.kali.three)):
            guest.ping(other.ip, 1)
            guest.ping(HOST, 1)
        wait_until("everybody knows everybody", 5, lambda: self.believed() == self.truth)

    def lies_in(self):
        """{who: addresses it believes to be at kali4's MAC}."""
        return {
            who: sorted(address for address, mac in beliefs.items() if mac == self.kali.four.mac)
            for who, beliefs in self.believed().items()
        }

    def is_all_lies(self):
        return self.lies_in() == {who: sorted(truth) for who, truth in self.truth.items()}


def victims(kali):
    """(victim's MAC and IP, whose address kali4 claims before it)."""
    host = (mac_of(BRIDGE), HOST)
    three, five = (kali.three.mac, kali.three.ip), (kali.five.mac, kali.five.ip)
    return [(three, five), (five, three), (three, host), (five, host), (host, three), (host, five)]


def replies(kali):
    return [
        frames.arp(frames.REPLY, (kali.four.mac, claimed[1]), victim)
        for victim, claimed in victims(kali)
    ]


def requests(kali):
    """A question teaches who asks."""
    return [
        frames.arp(
            frames.REQUEST, (kali.four.mac, claimed[1]), (NOBODY, victim[1]), destination=victim[0]
        )
        for victim, claimed in victims(kali)
    ]


def gratuitous(kali):
    """To all: this address is mine now."""
    return [
        frames.arp(
            frames.REQUEST, (kali.four.mac, ip), (NOBODY, ip), destination=frames.BROADCAST
        )
        for ip in (kali.three.ip, kali.five.ip, HOST)
    ]


FORMS = {"replies": replies, "questions": requests, "gratuitous": gratuitous}


def lie(kali, form):
    return kali.four.send_frames(*FORMS[form](kali), count=ROUNDS, us=PAUSE_US)


def check_lies(report, kali, form):
    table = Table(kali)
    table.learn()
    sent = lie(kali, form)
    table_says = table.believed()
    for who, truth in table.truth.items():
        report.guard_check(
            f"{form}: {who} still knows where everybody is",
            table_says[who] == truth,
            f"{sent} lies, believed: {', '.join(table.lies_in()[who]) or 'none'}",
        )


def stolen_frames(kali):
    """With kali5's MAC as the sender of the frame: ARP about kali4 itself, and plain IP."""
    own = (kali.four.mac, kali.four.ip)
    target = (kali.three.mac, kali.three.ip)
    packet = frames.ipv4(kali.four.ip, kali.three.ip, frames.UDP, bytes(8))
    return [
        frames.arp(frames.REQUEST, own, target, source=kali.five.mac),
        frames.ethernet(kali.five.mac, kali.three.mac, frames.IPV4, packet),
    ]


def steal_mac(kali):
    """Where the bridge looks for kali5 after kali4 has sent with its MAC."""
    kali.five.ping(kali.three.ip, 1)
    wait_until("the bridge knows kali5", 2, lambda: port_of_mac(kali.five.mac) == "vk65")
    kali.four.send_frames(*stolen_frames(kali), count=5, us=1000)
    return port_of_mac(kali.five.mac)


def attack(report, kali):
    for form in FORMS:
        check_lies(report, kali, form)
    place = steal_mac(kali)
    report.guard_check("the bridge still finds kali5 at its port", place == "vk65", place)


def check_journal(world, report):
    for reason in ("spoofed-arp", "spoofed-mac"):
        report.guard_check(
            f"the journal names kali4 and {reason}",
            world.guard.names("kali4", reason),
        )


def run(world, report):
    kali = world.unguarded_kali()
    with host_has_address():
        table = Table(kali)
        table.learn()
        lie(kali, "replies")
        report.check("unguarded: everybody believes kali4", table.is_all_lies())
        report.check("unguarded: the bridge looks for kali5 at vk64", steal_mac(kali) == "vk64")

        kali = world.armed_kali()
        attack(report, kali)
        check_journal(world, report)
        answered, ttl = kali.three.ping(kali.five.ip)
        report.guard_check("ping from kali3 to kali5 goes straight", answered == 3 and ttl == 64)
        kali.forget_lies()
        report.check("ping from kali4 to kali5", kali.four.ping(kali.five.ip)[0] == 3)
        report.check("ping from kali4 to the host", kali.four.ping(HOST)[0] == 3)
