# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests with IPv6 as modern systems use it, and kali4, who would like to be one of them.

Link-local addresses that no MAC gives away (RFC 7217), a declared address, and temporary ones
(RFC 8981) out of a declared network. kali4 tries to be kali5, and to keep kali5 from coming up."""

import re
import subprocess

from lab import frames
from lab.waiting import PATIENCE, holds_within, wait_until
from lab.world import BRIDGE, ip, ip_says, mac_of

THREE, FIVE, HOST = "2001:db8:50::13", "2001:db8:50::15", "2001:db8:50::1"
# of its own, to take addresses in as it likes
NETWORK, ROUTER = "2001:db8:50:15::/64", "fe80::1"
UNDECLARED = "2001:db8:50::bad"
SECRET = "2001:db8:5ec:3e7:1:2:3:4"
PACKETS = 20

SECTIONS = f"""
[Port vk63]
Addresses=192.168.50.13 {THREE}

[Port vk65]
Addresses=192.168.50.15 {FIVE} {NETWORK}
"""


def link_local_of(guest):
    own = [address for address in guest.ipv6_addresses() if address.startswith("fe80:")]
    return own[0] if own else None


def of_the_mac(guest):
    """The link-local address that its MAC gives away (RFC 4291)."""
    octets = bytearray(frames.mac_bytes(guest.mac))
    octets[0] ^= 2
    tail = (bytes(octets[:3]) + b"\xff\xfe" + bytes(octets[3:])).hex(":", 2)
    return "fe80::" + ":".join(f"{int(word, 16):x}" for word in tail.split(":"))


def bring_up(kali):
    """Each of the two ways in which Linux makes an interface's own identifier."""
    secret = [("stable_secret", SECRET)]  # the same after each boot
    kali.three.ipv6_up(secret, [f"{THREE}/64"])
    random = [("addr_gen_mode", 3), ("use_tempaddr", 2)]
    kali.five.ipv6_up(random, [f"{FIVE}/64"])


def take_down(kali):
    for guest in (kali.three, kali.five):
        guest.ipv6_down()


def verdict(guest, address):
    """What duplicate address detection has found: "free", "taken", or nothing yet."""
    flags = guest.ipv6_addresses().get(address, "tentative")
    if "dadfailed" in flags:
        return "taken"
    return None if "tentative" in flags else "free"


def come_up(kali):
    """Both with all their addresses, after nobody disturbed it."""
    take_down(kali)
    bring_up(kali)
    for guest, address in ((kali.three, THREE), (kali.five, FIVE)):
        wait_until(f"{address} is free", 8, lambda: verdict(guest, address) == "free", 0.2)


def claim_of_five(kali, to, mac):
    """From an address that kali4 may use: only what it says is a lie."""
    own = of_the_mac(kali.four)
    return frames.neighbour_advertisement(kali.four.mac, own, FIVE, to, mac)


def come_up_under_attack(kali):
    """What kali5 finds about its address while kali4 says that it is taken."""
    take_down(kali)
    bring_up(kali)
    claim = claim_of_five(kali, frames.ALL_NODES, frames.multicast_mac(frames.ALL_NODES))
    kali.four.send_frames(claim, count=50, us=50_000)
    return holds_within(PATIENCE, lambda: verdict(kali.five, FIVE), 0.2)


def temporary_address(world, guest):
    """The one it makes for itself when the host, as router, tells of its network. Or None."""
    word = frames.router_advertisement(mac_of(BRIDGE), ROUTER, NETWORK, receiver=guest.mac)
    world.send_frames(BRIDGE, word)

    def usable():
        return [
            address
            for address, flags in guest.ipv6_addresses().items()
            if flags.startswith("scope global secondary dynamic")
        ]

    (address,) = holds_within(PATIENCE, lambda: guest.ipv6_is_settled() and usable(), 0.2) or [None]
    return address


def check_link_local(report, kali):
    for guest in (kali.three, kali.five):
        own = link_local_of(guest)
        modern = own and own != of_the_mac(guest)
        report.check(f"{guest.name} has a link-local address that no MAC gives away", modern, own)


def check_pings(report, kali):
    pings = {
        "from kali3 to kali5": (kali.three, FIVE),
        "from kali5 to kali3": (kali.five, THREE),
        "from kali3 to kali5, link-local": (kali.three, f"{link_local_of(kali.five)}%eth0"),
        "from kali3 to the host": (kali.three, HOST),
        "from kali5 to the host, link-local": (kali.five, f"{link_local_of_host()}%eth0"),
    }
    for who, (guest, address) in pings.items():
        answered, _ = guest.ping(address, 3)
        report.check(f"ping {who}", answered == 3, f"{answered} answers")


def check_temporary(world, report, kali):
    address = temporary_address(world, kali.five)
    report.check("kali5 makes a temporary address in its network", address, address)
    _, output = kali.five.run(f"ping -c 3 -i 0.1 -W 2 -I {address} {HOST}")
    report.check("ping from it to the host", output.count("ttl=") == 3, output.splitlines()[-1])


def link_local_of_host():
    found = re.search(r"inet6 (fe80:\S+)/", ip_says("-6", "addr", "show", "dev", BRIDGE))
    return found.group(1)


def from_address(sender, address):
    """The wire tool's words for IPv6 frames in the name of an address."""
    return frames.at(
        source=frames.mac_bytes(sender.mac),
        kind=b"\x86\xdd",
        ipv6_source=frames.ip_bytes(address),
    )


def spoof(world, kali):
    """What arrives of kali4's datagrams in the name of kali5: at kali3, and at the host."""
    of_kali4 = from_address(kali.four, FIVE)
    host_mac = mac_of(BRIDGE)
    with world.count("vk63", dir="out", at=of_kali4) as at_three:
        with world.count(BRIDGE, at=of_kali4) as at_host:
            kali.four.send_frames(
                frames.udp6(kali.four.mac, kali.three.mac, FIVE, THREE),
                frames.udp6(kali.four.mac, host_mac, FIVE, HOST),
                count=PACKETS,
            )
            at_three.reaches(PACKETS, 0.5) and at_host.reaches(PACKETS, 0.5)
            return at_three.packets, at_host.packets


def spoof_undeclared(world, kali):
    """What arrives at kali5 from kali3 by an address that kali3 took without being told."""
    with world.count("vk65", dir="out", at=from_address(kali.three, UNDECLARED)) as passed:
        frame = frames.udp6(kali.three.mac, kali.five.mac, UNDECLARED, FIVE)
        kali.three.send_frames(frame, count=PACKETS)
        passed.reaches(PACKETS, 0.5)
        return passed.packets


def believed(kali):
    """Where kali3 and the host think that kali5 is."""
    host = re.search(rf"^{FIVE} .*lladdr (\S+)", ip_says("-6", "neigh", "show"), re.M)
    return kali.three.ipv6_neighbours().get(FIVE), host and host.group(1)


def claim(kali):
    """kali4 says that kali5's address is at kali4's MAC. Whom kali3 and the host then believe."""
    kali.three.ping(FIVE, 1)
    subprocess.run(["ping", "-c1", "-W2", FIVE], stdout=subprocess.DEVNULL)
    knew = believed(kali)
    kali.four.send_frames(
        claim_of_five(kali, THREE, kali.three.mac),
        claim_of_five(kali, HOST, mac_of(BRIDGE)),
        count=5,
        us=10_000,
    )
    return knew, believed(kali)


def check_unguarded(world, report, kali):
    found = come_up_under_attack(kali)
    report.check("unguarded: kali4 keeps kali5 from its address", found == "taken", found)
    come_up(kali)
    spoofed = spoof(world, kali)
    both = spoofed == (PACKETS, PACKETS)
    report.check("unguarded: kali3 and the host hear kali4 as kali5", both, str(spoofed))
    knew, believe = claim(kali)
    report.check(
        "unguarded: kali3 and the host send to kali4 what is kali5's",
        knew == (kali.five.mac,) * 2 and believe == (kali.four.mac,) * 2,
    )


def check_attacks(world, report, kali):
    at_three, at_host = spoof(world, kali)
    report.nothing_passes("kali3 hears nothing in the name of kali5", at_three)
    report.nothing_passes("the host hears nothing in the name of kali5", at_host)
    report.nothing_passes("kali5 hears no undeclared address", spoof_undeclared(world, kali))
    knew, (three, host) = claim(kali)
    report.check("kali3 and the host know where kali5 is", knew == (kali.five.mac,) * 2)
    report.guard_check("kali3 does not believe that kali4 has it", three == kali.five.mac, three)
    report.guard_check("the host does not believe it either", host == kali.five.mac, host)


def check_journal(world, report):
    for reason in ("spoofed-nd", "spoofed-ip"):
        report.guard_check(
            f"the journal names kali4 and {reason}",
            world.guard.names("kali4", reason),
        )


def run(world, report):
    ip("addr", "add", f"{HOST}/64", "dev", BRIDGE, "nodad")
    ip("route", "add", NETWORK, "dev", BRIDGE)
    kali = world.unguarded_kali()
    try:
        check_unguarded(world, report, kali)
        take_down(kali)
        kali = world.armed_kali(SECTIONS)
        found = come_up_under_attack(kali)
        report.guard_check("kali5 comes up with its address", found == "free", found)
        come_up(kali)
        check_link_local(report, kali)
        check_pings(report, kali)
        check_temporary(world, report, kali)
        check_attacks(world, report, kali)
        answered, _ = kali.three.ping(FIVE, 3)
        report.guard_check("afterwards: ping from kali3 to kali5", answered == 3)
        check_journal(world, report)
    finally:
        take_down(kali)
        ip("route", "del", NETWORK, "dev", BRIDGE)
        ip("addr", "del", f"{HOST}/64", "dev", BRIDGE)
