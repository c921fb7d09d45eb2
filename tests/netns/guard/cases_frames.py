# SPDX-License-Identifier: GPL-2.0-or-later
"""What only the nftables engine sees: tags, ARP, neighbour discovery, MAC addresses, who answers as
server or router, and what the host itself sends."""

import socket

from . import frames
from .cases_packets import NET, scene
from .daemon import any_address, bound, mac_of, port_section
from .frames import BROADCAST
from .world import run

ALL_NODES = ("ff02::1", "33:33:00:00:00:01")
LINK_LOCAL = "fe80::5054:ff:fe00:%x"  # made of the MAC of the far end of that number


def sent(world, sender, frame, token, *receivers):
    sender.send(frame)
    return world.arrivals(token, *receivers)


def judge(report, name, is_honest, arrived):
    (report.passes if is_honest else report.stops)(name, arrived)


def tags(report):
    """One tag in front of a packet hides it from every rule about IP addresses."""
    with scene() as (world, daemon):
        victim, thief, third = world.fars.values()
        for source in ("14", "15"):
            for name, types in (
                ("a priority tag", (0x8100,)),
                ("two tags", (0x8100, 0x8100)),
                ("a service tag", (0x88A8,)),
            ):
                token = frames.new_token()
                frame = frames.ethernet(thief.mac, victim.mac, frames.ipv4(NET + source, NET + "13", token))
                arrived = sent(world, thief, frames.tagged(frame, *types), token, victim, third)
                report.stops(f"{name} before .{source}", arrived)
        for name, ethertype in (("PPPoE", 0x8864), ("LLC", 0x0026), ("unknown", 0x88B6)):
            token = frames.new_token()
            frame = frames.ethernet(thief.mac, victim.mac, token + bytes(30), ethertype)
            report.stops(name, sent(world, thief, frame, token, victim))
        token = frames.new_token()
        frame = frames.ethernet(thief.mac, "01:80:c2:00:00:00", frames.ipv4(NET + "14", NET + "13", token))
        report.stops("to the spanning tree group", sent(world, thief, frame, token, victim))
        daemon.must_say(r"Port vk64 sent .*dropped, ethertype")


def arp(report):
    with scene() as (world, daemon):
        victim, thief, third = world.fars.values()
        own, other = NET + "14", NET + "15"
        cases = (
            ("an honest request", True, (1, thief.mac, own, "00:00:00:00:00:00", NET + "13")),
            ("an honest reply", True, (2, thief.mac, own, victim.mac, NET + "13")),
            ("a probe for an own address", True, (1, thief.mac, "0.0.0.0", "00:00:00:00:00:00", own)),
            ("another's address", False, (2, thief.mac, other, victim.mac, NET + "13")),
            ("another's address, asked", False, (1, thief.mac, other, "00:00:00:00:00:00", NET + "13")),
            ("another's announcement", False, (1, thief.mac, other, "00:00:00:00:00:00", other)),
            ("another's MAC inside", False, (2, third.mac, own, victim.mac, NET + "13")),
            ("a probe for another's", False, (1, thief.mac, "0.0.0.0", "00:00:00:00:00:00", other)),
            ("an odd operation", False, (9, thief.mac, own, victim.mac, NET + "13")),
        )
        for name, is_honest, words in cases:
            token = frames.new_token()
            to = victim.mac if words[0] == 2 else BROADCAST
            frame = frames.ethernet(thief.mac, to, frames.arp(*words) + token, 0x0806)
            judge(report, name, is_honest, sent(world, thief, frame, token, victim))
        daemon.must_say(r"Port vk64 sent .*dropped, spoofed-arp")


def macs_behind(port):
    """What the bridge has learned there."""
    lines = run("bridge", "fdb", "show", "br", "virbr6").splitlines()
    return {line.split()[0] for line in lines if f" dev {port} " in line and "permanent" not in line}


def mac_theft(report):
    """A frame with another's source MAC is not delivered, and teaches the bridge nothing."""
    with scene() as (world, daemon):
        victim, thief, third = world.fars.values()
        token = victim.ip(NET + "13", NET + "15", third.mac)
        report.passes("the owner's own", world.arrivals(token, third))
        for name, source in (("victim's address", NET + "13"), ("own address", NET + "14")):
            token = thief.ip(source, NET + "15", third.mac, mac=victim.mac)
            report.stops(f"the victim's MAC, {name}", world.arrivals(token, third))
            report.stops("the bridge believes it", victim.mac in macs_behind("vk64"))
        token = frames.new_token()
        thief.send(frames.ethernet("02:00:00:00:00:99", third.mac, token, 0x88B6))
        report.stops("a MAC nobody has", world.arrivals(token, third))
        report.stops("the bridge learns it", "02:00:00:00:00:99" in macs_behind("vk64"))
        token = third.ip(NET + "15", NET + "13", victim.mac)
        report.holds("the victim still hears", world.arrivals(token, victim, thief) == {victim})
        daemon.must_say(r"Port vk64 sent .*dropped, spoofed-mac")


def flooded(report):
    """A unicast frame for a MAC the bridge does not know reaches every port that is not locked."""
    with scene("[Bridge virbr6]\nFdbLock=no\n", networks="") as (world, daemon):
        sender, *others = world.fars.values()
        nobody = "52:54:00:aa:aa:aa"
        token = sender.ip(NET + "13", "198.51.100.1", nobody)
        report.stops("IPv4 for nobody here", world.arrivals(token, *others))
        token = frames.new_token()
        reply = frames.arp(2, sender.mac, NET + "13", nobody, NET + "99") + token
        frame = frames.ethernet(sender.mac, nobody, reply, 0x0806)
        report.stops("ARP for nobody here", sent(world, sender, frame, token, *others))
        daemon.must_say(r"Port vk65 would have received .*dropped, flooded")


def servers(report):
    """Who may answer as DHCP server, and who may announce a router."""
    config = bound("server", 20, "DhcpServer=yes") + port_section(
        "router", "Addresses=192.168.50.21 fe80::5054:ff:fe00:15", mac_of(21), "Router=yes")
    with scene(config) as (world, daemon):
        victim, thief, _ = world.fars.values()
        server, router = world.port("server", "virbr6", 20), world.port("router", "virbr6", 21)
        daemon.wait_armed("server", "router")
        for name, far, octet in (("a guest", thief, 14), ("the server", server, 20)):
            token = frames.new_token()
            far.udp(NET + str(octet), NET + "13", (67, 68), frames.bootp(2, victim.mac, token), victim.mac)
            judge(report, f"a DHCP offer of {name}", far is server, world.arrivals(token, victim))
        for name, far, octet in (("a guest", thief, 14), ("the router", router, 21)):
            token, source = frames.new_token(), LINK_LOCAL % octet
            packet = frames.icmpv6(source, ALL_NODES[0], 134, bytes(12) + b"\x05\x03\0\0" + token[:4] + token)
            frame = frames.ethernet(far.mac, ALL_NODES[1], packet, 0x86DD)
            judge(report, f"a router's announcement of {name}", far is router, sent(world, far, frame, token, victim))
        daemon.must_say(r"Port vk64 sent .*dropped, rogue-dhcp")
        daemon.must_say(r"Port vk64 sent .*dropped, rogue-ra")


def neighbours(report):
    """Neighbour advertisements: the claim is the target."""
    with scene() as (world, daemon):
        victim, thief, third = world.fars.values()
        for name, is_honest, octet, mac in (
            ("its own", True, 14, thief.mac),
            ("another's address", False, 15, thief.mac),
            ("another's MAC", False, 14, third.mac),
        ):
            token, source = frames.new_token(), LINK_LOCAL % 14
            target = socket.inet_pton(socket.AF_INET6, LINK_LOCAL % octet)
            packet = frames.icmpv6(source, ALL_NODES[0], 136, bytes(4) + target + frames.option(2, frames.mac_bytes(mac)) + frames.option(14, token))
            frame = frames.ethernet(thief.mac, ALL_NODES[1], packet, 0x86DD)
            judge(report, name, is_honest, sent(world, thief, frame, token, victim))
        daemon.must_say(r"Port vk64 sent .*dropped, spoofed-nd")


def unknown_ports(report):
    """Of a stranger nothing passes, whatever it is; and nothing reaches it."""
    with scene() as (world, daemon):
        victim = world.fars["vk63"]
        stranger = world.port("strange", "virbr6", 77)
        daemon.must_say("Port strange on virbr6 is a stranger")
        question = frames.arp(1, stranger.mac, NET + "77", "00:00:00:00:00:00", NET + "13")
        for name, packet, ethertype in (
            ("ARP", lambda token: question + token, 0x0806),
            ("IPv6", lambda token: frames.ipv6("fe80::77", "ff02::1", token), 0x86DD),
            ("anything", lambda token: token, 0x88B6),
        ):
            token = frames.new_token()
            frame = frames.ethernet(stranger.mac, BROADCAST, packet(token), ethertype)
            report.stops(name, sent(world, stranger, frame, token, victim))
        token = frames.new_token()
        frame = frames.ethernet(victim.mac, BROADCAST, frames.arp(1, victim.mac, NET + "13", "00:00:00:00:00:00", NET + "77") + token, 0x0806)
        report.stops("what others broadcast", sent(world, victim, frame, token, stranger))
        daemon.must_say(r"[Pp]ort strange sent .*: dropped, unbound")


def by_mac_alone(report):
    """Addresses=any: any address, but from its own MAC and to it."""
    with scene(any_address("any", 40)) as (world, daemon):
        victim = world.fars["vk63"]
        anyone = world.port("any", "virbr6", 40)
        daemon.must_say("Port any on virbr6 armed for any address, by its MACs alone")
        token = anyone.ip("203.0.113.9", NET + "13", victim.mac)
        report.passes("any address", world.arrivals(token, victim))
        token = anyone.ip("203.0.113.9", NET + "13", victim.mac, mac="52:54:00:00:00:63")
        report.stops("another MAC", world.arrivals(token, victim))
        token = frames.new_token()
        frame = frames.ethernet(anyone.mac, BROADCAST, frames.arp(2, victim.mac, NET + "13", anyone.mac, NET + "14") + token, 0x0806)
        report.stops("another's MAC in ARP", sent(world, anyone, frame, token, victim))
        token = victim.ip(NET + "13", "198.51.100.1", "52:54:00:00:00:63")
        report.stops("what is flooded", world.arrivals(token, anyone))
        token = victim.ip(NET + "13", "198.51.100.1", anyone.mac)
        report.passes("whatever is for its MAC", world.arrivals(token, anyone))


def host_output(report):
    """A host whose ARP table is poisoned sends what is for one guest to another."""
    with scene() as (world, daemon):
        _, thief, third = world.fars.values()
        run("ip", "address", "add", NET + "1/24", "dev", "virbr6")
        for name, octet, far, is_honest in (
            ("to its owner", 14, thief, True), ("to another", 15, thief, False),
        ):
            run("ip", "neighbour", "replace", NET + str(octet), "lladdr", far.mac, "dev", "virbr6")
            # The bridge must know where the MAC is.
            far.ip(NET + "14", NET + "1")
            world.settle()
            token = frames.new_token()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(token, (NET + str(octet), 7001))
            arrived = world.arrivals(token, thief, third)
            judge(report, f"the host's own packet {name}", is_honest, arrived)
        daemon.must_say(r"Port vk64 would have received .*192\.168\.50\.15 .*dropped, misdelivered")


CASES = [
    tags,
    arp,
    mac_theft,
    flooded,
    servers,
    neighbours,
    unknown_ports,
    by_mac_alone,
    host_output,
]
for case in CASES:
    case.needs = "nftables"
