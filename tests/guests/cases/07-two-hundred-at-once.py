# SPDX-License-Identifier: GPL-2.0-or-later
"""200 ports plugged in one burst: each gets its chains, in few commits."""

import time

from lab.world import BRIDGE, ip_batch

PORTS = 200
MOST_COMMITS = 60  # one for each port would be 200; measured on an idle machine: 2 to 4
GROUP = 7  # the kernel removes a whole group of links at once; one by one it takes seconds


def mac_of_port(number):
    return f"02:00:00:01:00:{number:02x}"


def sections():
    section = "\n[Port bp{0}]\nMACs={1}\nAddresses=10.50.0.{0}\n"
    return "".join(section.format(number, mac_of_port(number)) for number in range(PORTS))


def run(world, report):
    guard = world.guard
    world.unguarded_kali()
    names = [f"bp{i}" for i in range(PORTS)]
    # one of them with a cable at it, to send by
    ip_batch(
        [f"tuntap add dev bp{i} mode tap" for i in range(PORTS - 1)]
        + [f"link add bp{PORTS - 1} type veth peer name bpend", "link set bpend up"]
    )
    last, honest, lie = names[-1], f"10.50.0.{PORTS - 1}", "192.168.50.15"
    world.armed_kali(sections())
    commits = len(guard.events("committed"))

    begin = time.monotonic()
    ip_batch([f"link set {name} master {BRIDGE} up" for name in names])
    plugged = time.monotonic() - begin
    armed = guard.soon(lambda: set(names) <= guard.armed_ports())
    took = time.monotonic() - begin
    note = f"{took:.2f} s, plugging them {plugged:.2f} s"
    report.guard_check(f"{PORTS} ports have their rules", armed, note)
    with world.count("vk63", dir="out", src=lie) as lies, world.count(
        "vk63", dir="out", src=honest
    ) as truths:
        own_mac = mac_of_port(PORTS - 1)
        world.send("bpend", src=lie, smac=own_mac, count=50)
        world.send("bpend", src=honest, smac=own_mac, count=50)
        report.check(f"what {last} sends as itself passes", truths.reaches(50, 2))
        report.nothing_passes(f"what {last} sends as kali5 does not", lies.packets)
    made = len(guard.events("committed")) - commits
    report.guard_check("in few commits", 1 <= made <= MOST_COMMITS, f"{made} commits")

    commits += made
    begin = time.monotonic()
    ip_batch([f"link set {name} group {GROUP}" for name in names] + [f"link del group {GROUP}"])
    gone = guard.soon(lambda: not set(names) & guard.known_ports())
    report.check("unplugged, nothing is left of them", gone or not guard.present)
    made = len(guard.events("committed")) - commits
    report.guard_check(
        "in few commits again",
        1 <= made <= MOST_COMMITS,
        f"{made} commits in {time.monotonic() - begin:.1f} s",
    )
