# SPDX-License-Identifier: GPL-2.0-or-later
"""kali4 tells kali3 and kali5 that it is the other one, and forwards what it then gets."""

import contextlib
import re

from .waiting import holds_within
from .world import BRIDGE, ip, ip_says

HOST = "192.168.50.1"


@contextlib.contextmanager
def host_has_address():
    """The host is a neighbour of its guests."""
    ip("addr", "add", f"{HOST}/24", "dev", BRIDGE)
    try:
        yield HOST
    finally:
        ip("addr", "del", f"{HOST}/24", "dev", BRIDGE)
        ip("neigh", "flush", "dev", BRIDGE)


def neighbours_of_host():
    """{address: MAC} as the host's own kernel believes."""
    found = re.findall(r"^(\S+) .*lladdr (\S+)", ip_says("neigh", "show", "dev", BRIDGE), re.M)
    return dict(found)


def beliefs(kali):
    """Where kali3 and kali5 think the other one is."""
    return {
        kali.three.name: kali.three.arp_table().get(kali.five.ip),
        kali.five.name: kali.five.arp_table().get(kali.three.ip),
    }


def is_poisoned(kali):
    return set(beliefs(kali).values()) == {kali.four.mac}


def poison(kali):
    """Two minutes of it, or until stop_poison(). Whether both have come to believe it."""
    kali.four.poison(2400, 50, (kali.three, kali.five), (kali.five, kali.three))
    return holds_within(5, lambda: is_poisoned(kali), 0.1)


def learn(kali):
    """Each learns the other's true MAC by asking: there must be something to poison."""
    kali.forget_lies()
    kali.three.ping(kali.five.ip, 1)
    kali.five.ping(kali.three.ip, 1)


def ping_under_attack(kali, pings=3):
    """What pings from kali3 to kali5 give while kali4 lies: what it reads, and hands on."""
    before = kali.four.forwarded()
    with kali.four.counting(notdst=kali.four.ip) as strays:
        poisoned = is_poisoned(kali)
        answered, ttl = kali.three.ping(kali.five.ip, pings)
        believed = beliefs(kali)
        return {
            "poisoned": poisoned and is_poisoned(kali),
            "beliefs": believed,
            "answered": answered,
            "ttl": ttl,
            "strays": strays.packets,
            "forwarded": kali.four.forwarded() - before,
        }
