# SPDX-License-Identifier: GPL-2.0-or-later
"""kali4 says that it is the router: to all by router advertisement, to kali3 by redirects.

A port with Router=yes may say so, and is believed."""

import re

from lab import frames
from lab.scene import HOST, host_has_address
from lab.waiting import wait_until

KALI4 = "fe80::5054:ff:fe74:604a"
ROUTER, ROUTER_MAC = "fe80::ff:fe00:1", "02:00:00:00:00:01"
LURES = {"plain": "2001:db8:bad1::/64", "behind destination options": "2001:db8:bad2::/64"}
HONEST = "2001:db8:50::/64"
FAR4, FAR6 = "10.9.0.5", "2001:db8:ffff::5"
ROUNDS, PAUSE_US = 5, 100_000

UNDECLARED = f"""
[Port rt0]
MACs={ROUTER_MAC}
Addresses={ROUTER}
"""
DECLARED = UNDECLARED + "Router=yes\n"


def is_believed(guest, router, network):
    """Whether it has a default route by the router, and an address of the network."""
    routes = guest.routes6()
    start = network.split("::")[0] + ":"
    return bool(
        re.search(rf"^default via {router} ", routes, re.M)
        and any(address.startswith(start) for address in guest.ipv6_addresses())
    )


def has_nothing_of(guest, router, network):
    start = network.split("::")[0] + ":"
    return router not in guest.routes6() and not any(
        address.startswith(start) for address in guest.ipv6_addresses()
    )


def fresh_ipv6(kali):
    """No router, no address but its own link-local one, and no second spent on whether it is
    another's: that is case 12."""
    kali.three.ipv6_down()
    kali.three.ipv6_up(settings=[("dad_transmits", 0)])
    wait_until("kali3 has its link-local address", 5, kali.three.ipv6_is_settled)


def advertise(kali, way):
    behind = way != "plain"
    frame = frames.router_advertisement(kali.four.mac, KALI4, LURES[way], behind_options=behind)
    kali.four.send_frames(frame, count=ROUNDS, us=PAUSE_US)


def ipv6_of(mac):
    """At kali3's port: any IPv6 of this sender."""
    return frames.at(source=frames.mac_bytes(mac), kind=b"\x86\xdd")


def check_advertisements(world, report, kali):
    for way, network in LURES.items():
        fresh_ipv6(kali)
        with world.count("vk63", dir="out", at=ipv6_of(kali.four.mac)) as passed:
            advertise(kali, way)
            arrived = passed.packets
        report.nothing_passes(f"advertisement {way}: none reaches kali3", arrived)
        report.guard_check(
            f"advertisement {way}: kali3 has no route and no address of it",
            has_nothing_of(kali.three, KALI4, network),
        )


def way_to(guest, address):
    """By which router its kernel would send."""
    family = "-6" if ":" in address else "-4"
    found = re.search(r" via (\S+)", guest.ask(f"ip {family} route get {address}"))
    return found.group(1) if found else "nobody"


def lie_of_redirect(kali):
    """Both kinds, in the name of the router that kali3 has."""
    four = frames.redirect4(kali.four.mac, kali.three, HOST, kali.four.ip, FAR4)
    (link_local,) = [a for a in kali.three.ipv6_addresses() if a.startswith("fe80:")]
    six = frames.redirect6(kali.four.mac, kali.three.mac, link_local, ROUTER, KALI4, FAR6)
    kali.four.send_frames(four, six, count=ROUNDS, us=PAUSE_US)


def ways(kali):
    return way_to(kali.three, FAR4), way_to(kali.three, FAR6)


def give_routes(kali):
    """kali3 uses the host for far away, and in IPv6 a router that is only a name here."""
    fresh_ipv6(kali)
    kali.three.ping(kali.four.ip, 1)  # a redirect to somebody unknown is not taken
    kali.three.run(f"ip route del 10.9.0.0/24; ip route add 10.9.0.0/24 via {HOST}")
    kali.three.ask(f"ip -6 route add default via {ROUTER} dev eth0")


def redirect(kali):
    """By whom kali3 sends to far away after kali4's redirects."""
    give_routes(kali)
    before = ways(kali)
    lie_of_redirect(kali)
    return before, ways(kali)


def check_redirects(world, report, kali):
    before, after = redirect(kali)
    report.check("kali3 uses its routers", before == (HOST, ROUTER), " ".join(before))
    report.guard_check("ICMP redirect: kali3 keeps its router", after[0] == HOST, after[0])
    report.guard_check("ICMPv6 redirect: kali3 keeps its router", after[1] == ROUTER, after[1])


def check_journal(world, report):
    for reason in ("rogue-ra", "redirect"):
        report.guard_check(
            f"the journal names kali4 and {reason}",
            world.guard.names("kali4", reason),
        )


def honest_router(world, kali):
    """Whether kali3 believes the router behind rt0."""
    fresh_ipv6(kali)
    frame = frames.router_advertisement(ROUTER_MAC, ROUTER, HONEST)
    world.send_frames("rt1", frame, count=ROUNDS, us=PAUSE_US)
    return is_believed(kali.three, ROUTER, HONEST)


def check_router_port(world, report):
    world.add_cable("rt0", "rt1")
    try:
        kali = world.armed_kali(UNDECLARED)
        world.guard.wait_armed("rt0")
        believed = honest_router(world, kali)
        report.guard_check("a port without Router=yes is no router", not believed)
        kali = world.armed_kali(DECLARED)
        world.guard.wait_armed("rt0")
        believed = honest_router(world, kali)
        report.check("a port with Router=yes: kali3 takes route and address of it", believed)
    finally:
        world.remove_cable("rt0")


def run(world, report):
    kali = world.unguarded_kali()
    with host_has_address():
        for way, network in LURES.items():
            fresh_ipv6(kali)
            advertise(kali, way)
            believed = is_believed(kali.three, KALI4, network)
            report.check(f"unguarded, advertisement {way}: kali3 believes kali4", believed)
        _, after = redirect(kali)
        text = "unguarded, ICMP and ICMPv6 redirect: kali3 takes the way by kali4"
        report.check(text, after == (kali.four.ip, KALI4), " ".join(after))

        kali = world.armed_kali()
        check_advertisements(world, report, kali)
        check_redirects(world, report, kali)
        check_journal(world, report)
    check_router_port(world, report)
    kali.three.ipv6_down()
    kali.three.run("ip route del 10.9.0.0/24")
