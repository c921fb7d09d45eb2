# SPDX-License-Identifier: GPL-2.0-or-later
"""kali4 answers kali3's question for an address, and is faster than the real server.

The real one is dnsmasq: on the host, and then behind a port of its own."""

from lab import frames
from lab.dhcp import dnsmasq, namespace_behind_port, rogue
from lab.scene import HOST, host_has_address

LURE = "192.168.50.66"
SERVER = "192.168.50.2"
SERVER_MAC = "02:00:00:00:00:02"
DELAY = 2  # seconds until the real one offers; a guest on a busy machine is slow

UNDECLARED = f"""
[Port dhcp0]
MACs={SERVER_MAC}
Addresses={SERVER}
"""
DECLARED = UNDECLARED + "DhcpServer=yes\n"


def rogue_answers(kali):
    """What the wire tool looks for at kali3's port: anything kali4 sends as a DHCP server."""
    return frames.at(
        source=frames.mac_bytes(kali.four.mac),
        kind=b"\x08\x00",
        ipv4_protocol=b"\x11",
        udp4_source=b"\x00\x43",
    )


def says(lease):
    return f"{lease[0]} from {lease[1]}" if lease else "none"


def ask_under_attack(world, kali):
    """kali3's lease, and how many answers of kali4's reached it."""
    with rogue(kali.four, kali.three, LURE):
        with world.count("vk63", dir="out", at=rogue_answers(kali)) as heard:
            lease = kali.three.lease()
            return lease, heard.packets


def check_attack(world, report, kali, server, where):
    lease, answers = ask_under_attack(world, kali)
    report.nothing_passes(f"{where}: no answer of kali4's reaches kali3", answers)
    report.guard_check(
        f"{where}: kali3 gets its address from it", lease and lease[:2] == (kali.three.ip, server),
        says(lease),
    )


def check_no_address_yet(world, report):
    """Nobody has said which address is kali3's: it may ask for one, and that is all it may."""
    kali = world.armed_kali(unaddressed=("kali3",))
    lease = kali.three.lease()
    real = lease and lease[:2] == (kali.three.ip, HOST)
    report.check("kali3 without an address: it gets its address from the host", real, says(lease))
    answered, _ = kali.three.ping(kali.five.ip, 2)
    report.guard_check("kali3 without an address: nothing else passes", answered == 0)


def server_on_host(world, report, kali):
    with host_has_address(), dnsmasq("dnsmasq-host", "virbr6", [kali.three], DELAY):
        lease = kali.three.lease()
        real = lease and lease[:2] == (kali.three.ip, HOST)
        report.check("unguarded: kali3 gets its address from the host", real, says(lease))
        lease, answers = ask_under_attack(world, kali)
        fooled = lease == (LURE, kali.four.ip, kali.four.ip) and answers >= 2
        report.check("unguarded: kali3 takes an address and a router of kali4", fooled, says(lease))

        kali = world.armed_kali()
        lease = kali.three.lease()
        real = lease and lease[:2] == (kali.three.ip, HOST)
        report.check("kali3 gets its address from the host", real, says(lease))
        check_attack(world, report, kali, HOST, "server on the host")
        names = world.guard.names("kali4", "rogue-dhcp")
        report.guard_check("the journal names kali4 as rogue server", names)
        check_no_address_yet(world, report)


def server_behind_port(world, report):
    with namespace_behind_port(world, "dhcp0", "dhcp1", SERVER_MAC, SERVER) as inside:
        kali = world.unguarded_kali()
        with dnsmasq("dnsmasq-port", "dhcp1", [kali.three], DELAY, inside):
            world.armed_kali(UNDECLARED)
            world.guard.wait_armed("dhcp0")
            lease = kali.three.lease(tries=2)
            text = "a server behind a port that nobody declared to be one: no address"
            report.guard_check(text, not lease, says(lease))

            world.armed_kali(DECLARED)
            world.guard.wait_armed("dhcp0")
            lease = kali.three.lease()
            real = lease and lease[:2] == (kali.three.ip, SERVER)
            report.check("behind a port with DhcpServer=yes: an address of it", real, says(lease))
            check_attack(world, report, kali, SERVER, "server behind a port")


def run(world, report):
    server_on_host(world, report, world.unguarded_kali())
    server_behind_port(world, report)
