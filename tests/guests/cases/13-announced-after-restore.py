# SPDX-License-Identifier: GPL-2.0-or-later
"""A restored guest is announced by its QEMU, by RARP, so that the bridge finds it again.

kali5's own card is down meanwhile, so that what is heard is QEMU's word and nobody else's. kali4
says such words about kali5's MAC."""

from lab import frames
from lab.libvirt import virsh
from lab.namespaces import LAB
from lab.waiting import wait_until
from lab.world import port_of_mac

SAVED = LAB / "kali5.save"
LIES = 20
MARK = b"kali4"  # where a frame is only filled up: tells its lies from what QEMU says


def announcements(mac, **more):
    """The wire tool's words for RARP in the name of a MAC."""
    return frames.at(kind=b"\x80\x35", arp_sender_mac=frames.mac_bytes(mac), **more)


def save_and_restore(world, kali):
    """How many announcements reached kali3, and of other frames from kali5's MAC."""
    kali.five.ping(kali.three.ip, 1)  # out of kali4's lies again, if it was in them
    kali.five.ask("ip link set eth0 down")
    virsh("save", "kali5", SAVED)
    wait_until("the bridge has forgotten kali5", 5, lambda: port_of_mac(kali.five.mac) is None)
    own = frames.at(source=frames.mac_bytes(kali.five.mac))
    with world.count("vk63", dir="out", at=announcements(kali.five.mac)) as heard:
        with world.count("vk63", dir="out", at=own) as all_of_it:
            virsh("restore", SAVED)
            heard.reaches(1, 5)
            return heard.packets, all_of_it.packets - heard.packets


def connect_again(kali):
    SAVED.unlink()
    kali.five.connect()
    kali.five.ask("ip link set eth0 up")


def lie(world, kali):
    """kali4 announces kali5: with a frame of kali5's MAC, and inside a frame of its own.
    How many reached kali3."""
    lies = announcements(kali.five.mac, arp_padding=MARK)
    with world.count("vk63", dir="out", at=lies) as heard:
        kali.four.send_frames(
            frames.rarp(kali.five.mac, padding=MARK),
            frames.rarp(kali.five.mac, source=kali.four.mac, padding=MARK),
            count=LIES // 2,
            us=1000,
        )
        heard.reaches(LIES, 0.5)
        return heard.packets


def run(world, report):
    kali = world.unguarded_kali()
    kali.five.ping(kali.three.ip, 1)
    heard = lie(world, kali)
    place = port_of_mac(kali.five.mac)
    report.check("unguarded: kali4 announces kali5", heard == LIES, f"{heard} announcements")
    report.check("unguarded: and the bridge believes it", place == "vk64", place)

    kali = world.armed_kali()
    heard, others = save_and_restore(world, kali)
    alone = heard >= 1 and others == 0
    report.check("kali5 restored: it is announced", alone, f"{heard} heard, {others} others")
    place = port_of_mac(kali.five.mac)
    report.check("kali5 restored: the bridge has learned its port by it", place == "vk65", place)
    heard = lie(world, kali)
    place = port_of_mac(kali.five.mac)
    report.nothing_passes("no announcement of kali5 by kali4 is heard", heard)
    report.guard_check("the bridge still finds kali5 at its port", place == "vk65", place)
    report.guard_check(
        "the journal names kali4",
        world.guard.names("kali4", "ethertype"),
    )
    connect_again(kali)
    answered, _ = kali.five.ping(kali.three.ip)
    report.check("ping from kali5 to kali3", answered == 3, f"{answered} answers")
    answered, _ = kali.three.ping(kali.five.ip)
    report.check("ping from kali3 to kali5", answered == 3, f"{answered} answers")
