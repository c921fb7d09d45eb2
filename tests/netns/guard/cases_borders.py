# SPDX-License-Identifier: GPL-2.0-or-later
"""What comes in by a border, however it is wrapped, and while the bridges change."""

import contextlib
import itertools
import json
import re
import socket
import time
from pathlib import Path

from . import frames
from .cases_engines import SILENT
from .cases_packets import NET, scene
from .daemon import bound, port_section, uses
from .world import PATIENCE, holds_within, run

TAGS = (0x8100, 0x88A8)
OUTSIDE = NET + "60"


@contextlib.contextmanager
def with_uplink(config="", on="virbr6"):
    """A bridge with the guests and the host, .1, on it, and an uplink with nobody's .60 behind it."""
    with scene(port_section("up0", "Role=uplink") + config, on=on) as (world, daemon):
        outside = world.port("up0", on, 60)
        run("ip", "address", "add", NET + "1/24", "dev", on)
        run("sh", "-c", "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done")
        daemon.wait_armed("up0")
        yield world, daemon, outside


def bridge_mac():
    return run("cat", "/sys/class/net/virbr6/address").strip()


def wrappings():
    """No tag, one, two or three, of every kind: Linux takes off all of VLAN 0."""
    for depth in range(4):
        yield from itertools.product(TAGS, repeat=depth)


def hears(listener, outside, source, kinds):
    """Whether the host's program hears what claims to be from there; an honest one is the fence."""
    token, end = frames.new_token(), frames.new_token()
    packet = frames.ipv4(source, NET + "1", frames.udp(7001, 7000, token), 17)
    outside.send(frames.tagged(frames.ethernet(outside.mac, bridge_mac(), packet), *kinds))
    outside.udp(OUTSIDE, NET + "1", (7001, 7000), end, bridge_mac())
    heard = []
    while end not in heard:
        heard.append(listener.recv(2048))
    return token in heard


def tags_to_the_host(report):
    with with_uplink() as (_, _daemon, outside):
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((NET + "1", 7000))
        listener.settimeout(PATIENCE)
        for kinds in wrappings():
            name = " ".join(f"{kind:04x}" for kind in kinds) or "no tag"
            report.stops(f"a guest's address to the host, {name}", hears(listener, outside, NET + "13", kinds))
        report.passes("nobody's address to the host", hears(listener, outside, OUTSIDE, ()))
        report.passes("nobody's address to the host, one tag", hears(listener, outside, OUTSIDE, (0x8100,)))
        listener.close()


tags_to_the_host.needs = "nftables"


def neighbour(address):
    """The MAC the host has for it; or None."""
    rows = json.loads(run("ip", "-json", "neighbour", "show", "to", address, "dev", "virbr6") or "[]")
    return rows[0].get("lladdr") if rows else None


def forget_macs(addresses, mac):
    """What is heard next for them is believed: not sooner than a tick after (100 a second at least)."""
    for address in addresses:
        run("ip", "neighbour", "replace", address, "lladdr", mac, "dev", "virbr6", "nud", "stale")
    time.sleep(0.02)


def believes(world, outside, kinds):
    """Whether the host takes the uplink's word for a guest's address; its word for its own is the fence."""
    guest = world.fars["vk63"]
    forget_macs((NET + "13", OUTSIDE), guest.mac)
    for address, tags in ((NET + "13", kinds), (OUTSIDE, ())):
        message = frames.arp(2, outside.mac, address, bridge_mac(), NET + "1")
        outside.send(frames.tagged(frames.ethernet(outside.mac, bridge_mac(), message, 0x0806), *tags))
    if not holds_within(PATIENCE, lambda: neighbour(OUTSIDE) == outside.mac):
        raise AssertionError("the host does not even believe what is true")
    return neighbour(NET + "13") != guest.mac


def tagged_arp_to_the_host(report):
    with with_uplink() as (world, _daemon, outside):
        Path("/proc/sys/net/ipv4/neigh/virbr6/locktime").write_text("0")
        for kinds in wrappings():
            name = " ".join(f"{kind:04x}" for kind in kinds) or "no tag"
            report.stops(f"ARP for a guest's address, {name}", believes(world, outside, kinds))


tagged_arp_to_the_host.needs = "nftables"


def made_link_local(mac):
    """The link-local address that a MAC makes (RFC 4291, appendix A)."""
    octets = [int(octet, 16) for octet in mac.split(":")]
    return "fe80::{:02x}{:02x}:{:02x}ff:fe{:02x}:{:02x}{:02x}".format(octets[0] ^ 2, *octets[1:])


def sends_ipv6(sender, source, receiver):
    """One IPv6 packet to the link-local address of @receiver; returns the token that marks it."""
    token = frames.new_token()
    packet = frames.ipv6(source, made_link_local(receiver.mac), frames.udp(7001, 7000, token), 17)
    sender.send(frames.ethernet(sender.mac, receiver.mac, packet, 0x86DD))
    return token


def restart_keeps_borders(report):
    """Killed, and started again while libvirt does not answer: what only a former run knows of its
    guests holds at the borders, too. It is read from that run's rules each time."""
    with with_uplink() as (world, daemon, outside):
        victim, owner, third = (world.fars[port] for port in ("vk63", "vk64", "vk65"))

        def arrives(source):
            return world.arrivals(outside.ip(source, NET + "13", victim.mac), victim)

        report.stops("before", arrives(NET + "14"))
        token = sends_ipv6(owner, made_link_local(owner.mac), victim)
        report.passes("the owner's link-local, before", world.arrivals(token, victim))
        for run_number in ("second run", "third run"):
            kept = daemon.count("Port vk64 on virbr6 keeps the rules of a former run") + 1
            daemon.kill()
            daemon.configure(
                "[Bridge virbr6]\n[Guest somebody]\nAddresses=10.0.0.1\n" + port_section("up0", "Role=uplink"),
                head=SILENT,
            )
            daemon.start()
            for moment in ("at once", "libvirt has had its time", "later"):
                where = f"{run_number}, {moment}"
                for _ in range(20):
                    report.stops(f"IP, {where}", arrives(NET + "14"))
                    if uses("nftables"):
                        token = outside.ip(OUTSIDE, NET + "13", victim.mac, mac=owner.mac)
                        report.stops(f"MAC, {where}", world.arrivals(token, victim))
                    token = outside.ip(OUTSIDE, NET + "14", "52:54:00:aa:aa:aa")
                    report.stops(f"misdelivered, {where}", world.arrivals(token, victim, third))
                    token = third.ip(NET + "15", NET + "14", "52:54:00:aa:aa:aa")
                    report.stops(f"leaving by the uplink, {where}", world.arrivals(token, outside))
                    for name, sender in (("uplink", outside), ("guest", third)):
                        token = sends_ipv6(sender, made_link_local(owner.mac), victim)
                        report.stops(f"link-local, from {name}, {where}", world.arrivals(token, victim))
                report.passes(f"nobody's, {where}", arrives(OUTSIDE))
                token = owner.ip(NET + "14", NET + "13", victim.mac)
                report.passes(f"the owner's to a neighbour, {where}", world.arrivals(token, victim))
                token = owner.ip(NET + "14", OUTSIDE, outside.mac)
                report.passes(f"the owner's to the outside, {where}", world.arrivals(token, outside))
                token = sends_ipv6(owner, made_link_local(owner.mac), victim)
                report.passes(f"the owner's link-local, {where}", world.arrivals(token, victim))
                token = outside.ip(OUTSIDE, NET + "14", owner.mac)
                report.passes(f"to the owner, {where}", world.arrivals(token, owner))
                daemon.must_say("Port vk64 on virbr6 keeps the rules of a former run", times=kept)


restart_keeps_borders.needs_daemon = True


def keeps_border_guests(report, on):
    """A guest that routes for others is a border, which only a former run knows."""
    gateway = NET + "254"
    bridge = f"[Bridge {on}]\nGateway={gateway}\n"
    with with_uplink(bridge + port_section("fw0", "Role=uplink"), on) as (world, daemon, _):
        router = world.port("fw0", on, 61)
        daemon.wait_armed("fw0")
        victim = world.fars["vk63"]

        def arrives(source):
            return world.arrivals(router.ip(source, NET + "13", victim.mac), victim)

        report.stops("before", arrives(NET + "14"))
        daemon.kill()
        daemon.configure(
            bridge + "[Guest somebody]\nAddresses=10.0.0.1\n" + port_section("up0", "Role=uplink"), head=SILENT)
        daemon.start()
        daemon.must_say(f"Port fw0 on {re.escape(on)} keeps the rules of a former run")
        for _ in range(20):
            report.stops("a guest's address", arrives(NET + "14"))
            report.passes("an address from afar", arrives("203.0.113.9"))
            report.passes("the gateway's", arrives(gateway))
            token = sends_ipv6(router, made_link_local(world.fars["vk64"].mac), victim)
            report.stops("a guest's link-local", world.arrivals(token, victim))


def restart_keeps_border_guests(report):
    keeps_border_guests(report, "virbr6")


def restart_keeps_border_guests_on_odd_bridges(report):
    """No chain can be named after this bridge as it is."""
    keeps_border_guests(report, "br+lan")


restart_keeps_border_guests.needs_daemon = True
restart_keeps_border_guests_on_odd_bridges.needs_daemon = True


def restart_keeps_border_pairs(report):
    """Two guests that route for the same networks, one of them in reserve; only a former run knows
    them. One of the networks was behind the uplink as well, where it may be still."""
    inside, either = "10.8.1.1", "10.9.1.1"
    pair = "".join(
        port_section(port, "Role=uplink", "Addresses=10.8.0.0/16 10.9.0.0/16") for port in ("fw0", "fw1"))
    with with_uplink(pair + port_section("up0", "Addresses=10.9.0.0/16")) as (world, daemon, outside):
        routers = [world.port("fw0", "virbr6", 61), world.port("fw1", "virbr6", 62)]
        daemon.wait_armed("fw0", "fw1")
        victim = world.fars["vk63"]

        def arrives(sender, source):
            return world.arrivals(sender.ip(source, NET + "13", victim.mac), victim)

        def check(when):
            for router in routers:
                report.passes(f"from behind them, {when}", arrives(router, inside))
                token = victim.ip(NET + "13", inside, router.mac)
                report.passes(f"to behind them, {when}", world.arrivals(token, router))
                report.passes(f"from what may be elsewhere, {when}", arrives(router, either))
                report.stops(f"a guest's, {when}", arrives(router, NET + "14"))
            report.stops(f"theirs from elsewhere, {when}", arrives(outside, inside))
            report.passes(f"what may be elsewhere, from there, {when}", arrives(outside, either))
            report.stops(f"a guest's from elsewhere, {when}", arrives(outside, NET + "14"))

        check("before")
        for run_number in ("second run", "third run"):
            sentences = [f"Port {port} on virbr6 keeps the rules of a former run" for port in ("fw0", "fw1")]
            kept = [daemon.count(sentence) + 1 for sentence in sentences]
            daemon.kill()
            daemon.configure(
                "[Bridge virbr6]\n[Guest somebody]\nAddresses=10.0.0.1\n" + port_section("up0", "Role=uplink"),
                head=SILENT)
            daemon.start()
            for sentence, times in zip(sentences, kept):
                daemon.must_say(sentence, times=times)
            for _ in range(20):
                check(run_number)


restart_keeps_border_pairs.needs_daemon = True


def restart_keeps_closed_borders(report):
    """A guest that routes for a declared network and for nobody else: only a former run knows it,
    and what is behind it. What was closed stays closed, what was declared stays behind it."""
    inside, gateway = "10.7.1.1", NET + "254"
    bridge = f"[Bridge virbr6]\nGateway={gateway}\n"
    closed = port_section("fw0", "Role=uplink", "Closed=yes", "Addresses=10.7.0.0/16 2001:db8:7::/64")
    with with_uplink(bridge + closed) as (world, daemon, outside):
        router = world.port("fw0", "virbr6", 61)
        daemon.wait_armed("fw0")
        victim = world.fars["vk63"]

        def arrives(sender, source):
            return world.arrivals(sender.ip(source, NET + "13", victim.mac), victim)

        def arrives_ipv6(sender, source):
            return world.arrivals(sends_ipv6(sender, source, victim), victim)

        def leaves(destination):
            return world.arrivals(victim.ip(NET + "13", destination, router.mac), router)

        def check(when):
            for _ in range(20):
                report.stops(f"nobody's, {when}", arrives(router, "203.0.113.9"))
                report.stops(f"nobody's of IPv6, {when}", arrives_ipv6(router, "2001:db8:9::1"))
                report.stops(f"to nobody, {when}", leaves("203.0.113.9"))
                report.stops(f"a guest's, {when}", arrives(router, NET + "14"))
                report.stops(f"what is behind it, from elsewhere, {when}", arrives(outside, inside))
                report.stops(f"the same of IPv6, {when}", arrives_ipv6(outside, "2001:db8:7::1"))
            report.passes(f"what is behind it, {when}", arrives(router, inside))
            report.passes(f"the same of IPv6, {when}", arrives_ipv6(router, "2001:db8:7::1"))
            report.passes(f"to what is behind it, {when}", leaves(inside))
            report.passes(f"nobody's from the open one, {when}", arrives(outside, "203.0.113.9"))
            report.passes(f"the gateway's from the open one, {when}", arrives(outside, gateway))

        check("before")
        for run_number in ("second run", "third run"):
            kept = daemon.count("Port fw0 on virbr6 keeps the rules of a former run") + 1
            daemon.kill()
            daemon.configure(
                bridge + "[Guest somebody]\nAddresses=10.0.0.1\n" + port_section("up0", "Role=uplink"), head=SILENT)
            daemon.start()
            daemon.must_say("Port fw0 on virbr6 keeps the rules of a former run", times=kept)
            check(run_number)
        if uses("iptables"):
            chains = [line.split()[1] for line in run("iptables-legacy", "-t", "raw", "-S").splitlines()
                      if line.startswith(("-N bw-ic", "-N bw-ib"))]
            repaired = daemon.count("Somebody changed the guard's rules; repaired") + 1
            run("sh", "-c", "".join(f"iptables-legacy -w 5 -t raw -F {chain};" for chain in chains))
            daemon.must_say("Somebody changed the guard's rules; repaired", times=repaired)
            check("somebody has emptied what borders ask")


restart_keeps_closed_borders.needs_daemon = True


def restart_with_forged_chains(report):
    """Somebody has changed a port's chain while no daemon watched: what it claims for itself takes
    nothing from who is declared, and opens no border."""
    with with_uplink() as (world, daemon, outside):
        declared, forged, third = (world.fars[port] for port in ("vk63", "vk64", "vk65"))
        daemon.kill()
        for source in (NET + "13", NET + "99"):
            run("iptables-legacy", "-t", "raw", "-I", "bw-i-vk64", "-s", source, "-j", "RETURN")
        run("ip6tables-legacy", "-t", "raw", "-I", "bw-i-vk64", "-s", "fe80::/10", "-j", "RETURN")
        daemon.configure(
            "[Bridge virbr6]\n[Guest somebody]\nAddresses=10.0.0.1\n" + port_section("up0", "Role=uplink")
            + bound("vk63", 13), head=SILENT)
        daemon.start()
        daemon.must_say("Port vk64 on virbr6 keeps the rules of a former run")

        def arrives(sender, source, receiver):
            return world.arrivals(sender.ip(source, NET + str(int(receiver.mac[-2:], 16)), receiver.mac), receiver)

        for _ in range(20):
            report.passes("who is declared", arrives(declared, NET + "13", third))
            report.passes("to who is declared", arrives(third, NET + "15", declared))
            token = sends_ipv6(declared, made_link_local(declared.mac), third)
            report.passes("his link-local", world.arrivals(token, third))
            report.stops("his address from outside", arrives(outside, NET + "13", third))
            report.stops("what the chain had", arrives(outside, NET + "14", third))
            report.passes("its own", arrives(forged, NET + "14", third))
            report.passes("nobody's from outside", arrives(outside, OUTSIDE, third))
            report.stops("what the chain claims", arrives(outside, NET + "99", third))


restart_with_forged_chains.needs_daemon = True
restart_with_forged_chains.needs = "iptables"

CASES = [tags_to_the_host, tagged_arp_to_the_host, restart_keeps_borders, restart_keeps_border_guests,
         restart_keeps_border_guests_on_odd_bridges, restart_keeps_border_pairs, restart_keeps_closed_borders,
         restart_with_forged_chains]
