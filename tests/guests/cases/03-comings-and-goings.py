# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests start, stop, reboot, get and lose interfaces, come back under another name."""

import time

from lab.guest import Blaster, LinuxGuest
from lab.libvirt import virsh
from lab.namespaces import LAB
from lab.waiting import wait_until

SECTIONS = """
[Guest lin7]
Addresses=192.168.50.17

[Interface 52:54:00:00:00:72]
Addresses=192.168.50.72

[Guest nameless]
Addresses=192.168.50.19

[Guest known]
Addresses=192.168.50.77
"""


def frames_sent(port):
    with open(f"/sys/class/net/{port}/statistics/rx_packets", encoding="ascii") as file:
        return int(file.read())


def wait_sent(port, frames=20):
    """Waits until the guest behind a tap has sent so many frames more."""
    begin = frames_sent(port)
    wait_until(f"{port} sends", 10, lambda: frames_sent(port) >= begin + frames)


def life_of_a_guest(world, report, guard):
    guest = LinuxGuest(world, "lin7", "52:54:00:00:00:17", "192.168.50.17", tap="vk67")
    guest.define()
    guest.start()
    report.guard_check("start: chains for vk67", guard.soon(lambda: guard.is_armed("vk67")))
    guest.wait_ready()
    answered, _ = guest.ping(world.kali.three.ip)
    report.check("start: it reaches kali3", answered == 3)

    virsh(
        "attach-interface",
        "lin7",
        "bridge",
        "virbr6",
        "--model",
        "virtio",
        "--mac",
        "52:54:00:00:00:72",
        "--target",
        "vk72",
        "--live",
    )
    report.guard_check("hot-plug: chains for vk72", guard.soon(lambda: guard.is_armed("vk72")))
    # as itself by the new interface
    wait_until("eth1 is there", 10, lambda: guest.run("[ -e /sys/class/net/eth1 ]")[0] == 0)
    guest.ask("ip link set eth1 up && ip addr add 192.168.50.72/24 dev eth1")
    status, _ = guest.run("ping -c 2 -W 2 -I eth1 192.168.50.13")
    report.check("hot-plug: it reaches kali3 by the new interface", status == 0)
    with world.count("vk63", dir="out", src=world.kali.five.ip) as leaked:
        guest.ask(f"wire send eth1 src={world.kali.five.ip} count=20")
        passed = leaked.reaches(1, 0.5)
    report.guard_check("hot-plug: nothing in the name of kali5 by the new interface", not passed)
    virsh("detach-interface", "lin7", "bridge", "--mac", "52:54:00:00:00:72", "--live")
    wait_until("vk72 is gone", 10, lambda: "vk72" not in guest.ports())
    report.check("detach: nothing left of vk72", guard.gone_soon("vk72"))
    report.guard_check("detach: vk67 keeps its chains", guard.is_armed("vk67"))

    before = guard.rules_of("raw", "bw-i-vk67")
    virsh("reboot", "lin7")
    guest.wait_ready()
    rules = guard.rules_of("raw", "bw-i-vk67")
    report.guard_check(
        "reboot: the same chains, and their counters go on",
        rules
        and [rule for _, rule in rules] == [rule for _, rule in before]
        and all(now >= then for (now, _), (then, _) in zip(rules, before)),
    )
    report.check("shutdown: the guest goes down", guest.shutdown())
    report.check("shutdown: nothing left of vk67", guard.gone_soon("vk67"))
    guest.forget()


def name_of_libvirts_choice(world, report, guard):
    guest = Blaster(world, "nameless", "52:54:00:00:00:19", "192.168.50.15")
    guest.define()
    names = []
    for round_number in ("first", "second"):
        guest.start()
        (name,) = guest.ports()
        names.append(name)
        report.guard_check(
            f"no <target dev>, {round_number} start: chains for {name}",
            guard.soon(lambda name=name: guard.is_armed(name)),
        )
        guest.destroy()
        report.check(f"destroy: nothing left of {name}", guard.gone_soon(name))
    report.check("it came back under another name", names[0] != names[1], " ".join(names))
    guest.forget()


def guest_nobody_declared(world, report, guard):
    """It attacks 20 ms after its CPU starts; no packet of it may pass, from the first one on."""
    guest = Blaster(world, "hostile", "52:54:00:00:00:66", "192.168.50.15", tap="vk66")
    guest.define()
    with world.count("vk63", dir="out", src=guest.ip) as leaked, world.count(
        "virbr6", src=guest.ip
    ) as at_host:
        guest.start()
        guest.wait_console()
        wait_sent("vk66", 100)
        virsh("save", "hostile", LAB / "hostile.save")
        virsh("restore", LAB / "hostile.save")
        wait_sent("vk66", 100)
        packets, host_packets = leaked.packets, at_host.packets
    report.nothing_passes("a guest nobody declared: nothing reaches kali3", packets)
    report.nothing_passes("a guest nobody declared: nothing reaches the host", host_packets)
    guest.destroy()
    report.check("nothing left of vk66", guard.gone_soon("vk66"))
    guest.forget()


def saved_and_restored(world, report, guard):
    """A restored guest sends at once; its lies must not pass, its own address must."""
    liar = Blaster(world, "known", "52:54:00:00:00:77", "192.168.50.15", tap="vk77")
    honest = Blaster(world, "known", "52:54:00:00:00:77", "192.168.50.77", tap="vk77")
    for guest in (liar, honest):
        guest.define()
        with world.count("vk63", dir="out", src=guest.ip) as passed:
            guest.start()
            guest.wait_console()
            wait_sent("vk77", 100)
            for _ in range(3):
                virsh("save", "known", LAB / "known.save")
                virsh("restore", LAB / "known.save")
                wait_sent("vk77", 50)
            guard.soon(lambda: guard.is_armed("vk77"))
            time.sleep(0.2)
            packets = passed.packets
        if guest is liar:
            report.nothing_passes("saved and restored three times: no lie passes", packets)
        else:
            report.check(
                "saved and restored three times: it is heard as itself",
                packets >= 20,
                f"{packets} packets",
            )
        guest.forget()
    report.check("nothing left of vk77", guard.gone_soon("vk77"))


def run(world, report):
    guard = world.guard
    world.armed_kali(SECTIONS)
    life_of_a_guest(world, report, guard)
    name_of_libvirts_choice(world, report, guard)
    guest_nobody_declared(world, report, guard)
    saved_and_restored(world, report, guard)
    report.check(
        "no chain of a port that is gone",
        guard.soon(lambda: set(guard.ports_with_chains()) <= {"vk63", "vk64", "vk65"})
        or not guard.present,
    )
