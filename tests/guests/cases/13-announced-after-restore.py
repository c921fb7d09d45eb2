# SPDX-License-Identifier: GPL-2.0-or-later
"""A restored guest is announced by its QEMU, by RARP, so that the bridge finds it again.

kali5 is saved and restored, and stays paused at first: then what is heard is QEMU's own word.
kali4 says such words about kali5's MAC."""

from lab import frames
from lab.libvirt import virsh
from lab.namespaces import LAB
from lab.waiting import wait_until
from lab.world import port_of_mac

SAVED = LAB / "kali5.save"
LIES = 20


def announcements(mac):
    """The wire tool's words for RARP in the name of a MAC."""
    return frames.at(kind=b"\x80\x35", arp_sender_mac=frames.mac_bytes(mac))


def save_and_restore(world, kali):
    """How many announcements reached kali3 while kali5 was still paused."""
    kali.five.ping(kali.three.ip, 1)  # out of kali4's lies again, if it was in them
    virsh("save", "kali5", SAVED)
    wait_until("the bridge has forgotten kali5", 5, lambda: port_of_mac(kali.five.mac) is None)
    with world.count("vk63", dir="out", at=announcements(kali.five.mac)) as heard:
        virsh("restore", SAVED, "--paused")
        heard.reaches(1, 3)
        return heard.packets


def resume(kali):
    virsh("resume", "kali5")
    kali.five.connect()
    SAVED.unlink()


def lie(world, kali):
    """kali4 announces kali5: with a frame of kali5's MAC, and inside a frame of its own.
    How many reached kali3."""
    with world.count("vk63", dir="out", at=announcements(kali.five.mac)) as heard:
        kali.four.send_frames(
            frames.rarp(kali.five.mac),
            frames.rarp(kali.five.mac, source=kali.four.mac),
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
    heard = save_and_restore(world, kali)
    report.check("kali5 restored: its announcement is heard", heard >= 1, f"{heard} heard")
    place = port_of_mac(kali.five.mac)
    report.check("kali5 restored: the bridge has learned its port by it", place == "vk65", place)
    heard = lie(world, kali)
    place = port_of_mac(kali.five.mac)
    report.nothing_passes("no announcement of kali5 by kali4 is heard", heard)
    report.guard_check("the bridge still finds kali5 at its port", place == "vk65", place)
    report.guard_check(
        "the journal names kali4",
        world.guard.says("violation", "BW_PORT=vk64", "BW_OFFENDER=kali4", "BW_REASON=ethertype"),
    )
    resume(kali)
    answered, _ = kali.five.ping(kali.three.ip)
    report.check("ping from kali5 to kali3", answered == 3, f"{answered} answers")
    answered, _ = kali.three.ping(kali.five.ip)
    report.check("ping from kali3 to kali5", answered == 3, f"{answered} answers")
