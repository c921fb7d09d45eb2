# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is where is written into the bridge itself: kali4 cannot take kali5's place there even while
no rule looks at MAC addresses. nftables is not used here, and iptables sees none."""

import json
import subprocess

from lab import frames
from lab.waiting import wait_until
from lab.world import port_of_mac

PACKETS, THEFTS = 20, 5


def frames_of_kali5(kali):
    """As kali5 to nobody: an announcement that teaches bridges where kali5 is, and plain IP."""
    packet = frames.ipv4(kali.four.ip, kali.three.ip, frames.UDP, bytes(8))
    return [
        frames.rarp(kali.five.mac),
        frames.ethernet(kali.five.mac, kali.three.mac, frames.IPV4, packet),
    ]


def steal(world, kali):
    """(where the bridge then looks for kali5: elsewhere, if it ever does; how many frames have
    reached kali3)"""
    kali.five.ping(kali.three.ip, 1)
    wait_until("the bridge knows kali5", 2, lambda: port_of_mac(kali.five.mac) == "vk65")
    of_kali5 = frames.at(
        source=frames.mac_bytes(kali.five.mac), ipv4_source=frames.ip_bytes(kali.four.ip)
    )
    with world.count("vk63", dir="out", at=of_kali5) as passed:
        places = set()
        for _ in range(THEFTS):  # a word of kali5's own takes its place back
            kali.four.send_frames(*frames_of_kali5(kali), count=PACKETS // THEFTS, us=1000)
            places.add(port_of_mac(kali.five.mac))
        passed.reaches(PACKETS, 0.5)
        return "vk65" if places == {"vk65"} else (places - {"vk65"}).pop(), passed.packets


def flags_of(port):
    command = ["bridge", "-json", "-details", "link", "show", "dev", port]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)[0]


def is_locked(port):
    flags = flags_of(port)
    return flags["locked"] and not flags["learning"] and not flags["flood"]


def check_lock(world, report):
    kali = world.armed_kali(engines=("iptables",))
    guard = world.guard
    locked = guard.soon(lambda: all(is_locked(guest.tap) for guest in kali.all))
    report.guard_check("the guests' ports are locked", locked)
    place, heard = steal(world, kali)
    report.guard_check("the bridge finds kali5 at its port", place == "vk65", place)
    report.nothing_passes("what kali4 sends with kali5's MAC reaches nobody", heard)
    answered, ttl = kali.five.ping(kali.three.ip)
    report.check("ping from kali5 to kali3", answered == 3 and ttl == 64)
    answered, _ = kali.four.ping(kali.five.ip)
    report.check("ping from kali4 to kali5", answered == 3)
    subprocess.run(["bridge", "link", "set", "dev", "vk64", "locked", "off"], check=True)
    report.guard_check("a lock that is taken off comes back", guard.soon(lambda: is_locked("vk64")))


def check_release(world, report):
    """Taken down, the guard leaves ports as it found them."""
    kali = world.unguarded_kali()
    released = [guest.tap for guest in kali.all if not is_locked(guest.tap)]
    report.check("without the guard no port is locked", len(released) == 3, ", ".join(released))
    place, heard = steal(world, kali)
    stolen = place == "vk64" and heard == PACKETS
    report.check("and kali4 can be kali5 again", stolen, f"at {place}, {heard} packets")


def run(world, report):
    kali = world.unguarded_kali()
    place, heard = steal(world, kali)
    stolen = place == "vk64" and heard == PACKETS
    report.check("unguarded: kali4 takes kali5's place", stolen, f"at {place}, {heard} packets")
    check_lock(world, report)
    check_release(world, report)
