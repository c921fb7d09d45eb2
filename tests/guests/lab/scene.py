# SPDX-License-Identifier: GPL-2.0-or-later
"""kali4 tells kali3 and kali5 that it is the other one, and forwards what it then gets."""

from .waiting import holds_within


def beliefs(kali):
    """Where kali3 and kali5 think the other one is."""
    return {
        kali.three.name: kali.three.arp_table().get(kali.five.ip),
        kali.five.name: kali.five.arp_table().get(kali.three.ip),
    }


def is_poisoned(kali):
    return set(beliefs(kali).values()) == {kali.four.mac}


def poison(kali):
    kali.four.poison(600, 50, (kali.three, kali.five), (kali.five, kali.three))
    return holds_within(5, lambda: is_poisoned(kali), 0.1)


def attack(kali, pings=3):
    """What pings from kali3 to kali5 give while kali4 is at work."""
    # each learns the other's true MAC by asking: there must be something to poison
    kali.three.ping(kali.five.ip, 1)
    kali.five.ping(kali.three.ip, 1)
    before = kali.four.forwarded()
    with kali.four.counting(notdst=kali.four.ip) as strays:
        poisoned = poison(kali)
        answered, ttl = kali.three.ping(kali.five.ip, pings)
        believed = beliefs(kali)
        still_poisoned = is_poisoned(kali)
        kali.four.stop_poison()
        return {
            "poisoned": bool(poisoned and still_poisoned),
            "beliefs": believed,
            "answered": answered,
            "ttl": ttl,
            "strays": strays.packets,
            "forwarded": kali.four.forwarded() - before,
        }
