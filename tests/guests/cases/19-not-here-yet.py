# SPDX-License-Identifier: GPL-2.0-or-later
"""kali3 is here and is not: as in a live migration its port is up, its QEMU has all of it, and its
CPU stands still, while it still runs on the host it comes from. That host is behind a cable, an
uplink: a namespace with kali3's MAC and address. What is said there is kali3's word until it runs
here, and from then on nobody's."""

import contextlib
import subprocess

from lab import frames
from lab.libvirt import virsh
from lab.namespaces import LAB
from lab.two_bridges import Station
from lab.waiting import PATIENCE, holds_within
from lab.world import BRIDGE, ip, is_locked, port_of_mac

SAVED = LAB / "kali3.save"
SOURCE = "source"  # the network namespace
CABLE = "up1"
CONFIG = f"\n[Port {CABLE}]\nRole=uplink\n"
PORTS = ("vk63", "vk64", "vk65", CABLE)
PACKETS, THEFTS = 20, 5
ROUNDS, PAUSE_US = 30, 50_000  # longer than the second a fresh entry is not overwritten


@contextlib.contextmanager
def former_host(three):
    """kali3 as it runs on the host it comes from."""
    ip("netns", "add", SOURCE)
    try:
        ip("link", "add", CABLE, "type", "veth", "peer", "name", "eth0", "netns", SOURCE)
        ip("-n", SOURCE, "link", "set", "eth0", "address", three.mac, "up")
        ip("-n", SOURCE, "addr", "add", f"{three.ip}/24", "dev", "eth0")
        ip("link", "set", CABLE, "master", BRIDGE, "up")
        yield Station("kali3 there", "eth0", three.ip, ("ip", "netns", "exec", SOURCE))
    finally:
        subprocess.run(["ip", "link", "del", CABLE])
        ip("netns", "del", SOURCE)


def come(three):
    """It has arrived, and does not run."""
    virsh("save", three.name, SAVED)
    virsh("restore", SAVED, "--paused")
    SAVED.unlink()
    three.connect()


def answers(output):
    return output.count("ttl=")


def talk(kali, there):
    """How many of three pings each way are answered."""
    _, output = there.run(f"busybox ping -c 3 -W 5 {kali.four.ip}", 30)
    back, _ = kali.four.ping(there.ip, wait=5)
    return answers(output), back


def heard(world, kali, there):
    """The former host speaks in kali3's name: (how many datagrams reach kali4; where the bridge
    then looks for kali3: elsewhere, if it ever does)"""
    packet = frames.ipv4(there.ip, kali.four.ip, frames.UDP, bytes(8))
    sent = frames.ethernet(there.mac, kali.four.mac, frames.IPV4, packet)
    of_three = frames.at(
        source=frames.mac_bytes(there.mac),
        kind=b"\x08\x00",
        ipv4_source=frames.ip_bytes(there.ip),
        ipv4_protocol=bytes([frames.UDP]),
    )
    with world.count("vk64", dir="out", at=of_three) as count:
        places = set()
        for _ in range(THEFTS):  # a word of kali3's own takes its place back
            there.send_frames(world.tool, sent, count=PACKETS // THEFTS, us=1000)
            places.add(port_of_mac(kali.three.mac))
        count.reaches(PACKETS, 0.5)
        return count.packets, CABLE if CABLE in places else places.pop()


def lie_of_kali5(kali):
    """kali5 says that it is kali3. Whom kali4 believes."""
    lie = frames.arp(
        frames.REPLY, (kali.five.mac, kali.three.ip), (kali.four.mac, kali.four.ip)
    )
    kali.five.send_frames(lie, count=ROUNDS, us=PAUSE_US)
    return kali.four.arp_table().get(kali.three.ip)


def check_on_its_way(world, report, kali, there):
    # its QEMU here goes on announcing it for half a second, and the bridge believes it meanwhile
    talked = holds_within(PATIENCE, lambda: talk(kali, there) == (3, 3))
    report.check("not here yet: it talks with kali4 from there", talked)
    place = port_of_mac(kali.three.mac)
    report.check("not here yet: the bridge finds it there", place == CABLE, place)
    report.check("not here yet: its port here is not locked", not is_locked("vk63"))
    denied = world.guard.denied(CABLE, "border-spoof")
    report.check("not here yet: nothing of it was denied", denied == 0, f"{denied} frames")
    place = lie_of_kali5(kali)
    report.guard_check("not here yet: kali5 cannot be it", place == kali.three.mac, place)
    kali.four.flush_arp()


def check_arrived(world, report, kali, there):
    guard = world.guard
    report.guard_check("here: its port is locked", guard.soon(lambda: is_locked("vk63")))
    passed, place = heard(world, kali, there)
    report.nothing_passes("here: nothing in its name comes in by the cable", passed)
    report.guard_check("here: the bridge finds it at its port", place == "vk63", place)
    report.guard_check(
        "the journal names the cable and border-spoof",
        guard.says("violation", f"BW_PORT={CABLE}", "BW_REASON=border-spoof"),
    )
    virsh("suspend", "kali3")
    passed, _ = heard(world, kali, there)
    report.nothing_passes("suspended: nothing in its name comes in by the cable", passed)
    virsh("resume", "kali3")


def run(world, report):
    kali = world.kali
    with former_host(kali.three) as there:
        ip("-n", SOURCE, "link", "set", "eth0", "down")  # it is here, first
        world.arm(CONFIG, PORTS)
        kali.forget_lies()
        come(kali.three)
        ip("-n", SOURCE, "link", "set", "eth0", "up")
        world.guard.wait_armed("vk63")
        check_on_its_way(world, report, kali, there)
        virsh("resume", "kali3")
        check_arrived(world, report, kali, there)
    kali.forget_lies()
    answered, _ = kali.four.ping(kali.three.ip)
    report.check("ping from kali4 to kali3", answered == 3, f"{answered} answers")
