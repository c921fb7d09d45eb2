# SPDX-License-Identifier: GPL-2.0-or-later
"""Frame by frame: what each port may send and receive (the table of reasons)."""

import contextlib
import re
import socket
import time

from . import bus, frames
from .daemon import Daemon, any_address, bound, port_section, uses
from .frames import BROADCAST
from .world import PATIENCE, World, holds_within, run, wait_up

NET = "192.168.50."


@contextlib.contextmanager
def scene(config="", networks=NET + "0/24", guests=("vk63", "vk64", "vk65"), on="virbr6"):
    """A bridge with guests .13, .14 and .15 behind vk63, vk64 and vk65."""
    world = World()
    world.bridge(on)
    for port in guests:
        world.port(port, on, int(port[-1]) + 10)
    sections = "".join(bound(port, int(port[-1]) + 10) for port in guests)
    bridge = f"[Bridge {on}]\nNetworks={networks}\n" if networks else ""
    daemon = Daemon("[Guard]\nUnknownPorts=drop\nLogRate=100/s\n" + bridge + sections + config)
    daemon.wait_armed(*guests)
    try:
        yield world, daemon
    finally:
        daemon.stop()


def spoofed_ip(report):
    with scene() as (world, daemon):
        victim, thief, third = world.fars.values()
        everyone = (victim, third)

        def tried(name, source, destination, to, **options):
            token = thief.ip(source, destination, to, **options)
            report.stops(name, world.arrivals(token, *everyone))

        def honest(name, destination, to, *wanted, **options):
            token = thief.ip(NET + "14", destination, to, **options)
            report.passes(name, world.arrivals(token, *everyone) == set(wanted))

        honest("own address, unicast", NET + "13", victim.mac, victim)
        honest("own address, limited broadcast", "255.255.255.255", BROADCAST, *everyone)
        honest("own address, first fragment", NET + "13", victim.mac, victim, more=True)
        honest("own address, last fragment", NET + "13", victim.mac, victim, offset=185)
        tried("a neighbour's address", NET + "15", NET + "13", victim.mac)
        tried("the receiver's own address", NET + "13", NET + "13", victim.mac)
        tried("an address nobody has", "203.0.113.9", NET + "13", victim.mac)
        tried("no address, not DHCP", "0.0.0.0", NET + "13", victim.mac)
        tried("a broadcast source", "255.255.255.255", NET + "13", victim.mac)
        tried("a loopback source", "127.0.0.1", NET + "13", victim.mac)
        tried("limited broadcast", NET + "15", "255.255.255.255", BROADCAST)
        tried("directed broadcast", NET + "15", NET + "255", BROADCAST)
        tried("multicast", NET + "15", "224.0.0.251", "01:00:5e:00:00:fb")
        tried("first fragment", NET + "15", NET + "13", victim.mac, more=True)
        tried("tiny first fragment", NET + "15", NET + "13", victim.mac, more=True, token=b"tinyfrag")
        tried("second fragment alone", NET + "15", NET + "13", victim.mac, offset=1)
        tried("last fragment alone", NET + "15", NET + "13", victim.mac, offset=185)
        tried("with a neighbour's MAC too", NET + "13", NET + "15", third.mac, mac=victim.mac)
        daemon.must_say(r"Port vk64 sent 192\.168\.50\.15 > 192\.168\.50\.13 .*dropped, spoofed-ip")


def talk_to_host(report, address, sender, world):
    """From port .14 to a socket of the host; the honest datagram behind each spoofed one is the
    fence."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((address, 7000))
    listener.settimeout(PATIENCE)
    mac = run("cat", "/sys/class/net/virbr6/address").strip()

    def got(source, to):
        token, end = frames.new_token(), frames.new_token()
        sender.udp(source, address, (7001, 7000), token, to)
        sender.udp(NET + "14", address, (7001, 7000), end, mac)
        heard = []
        while end not in heard:
            heard.append(listener.recv(2048))
        return token in heard

    report.passes("own address to the host", got(NET + "14", mac))
    report.stops("a neighbour's address to the host", got(NET + "15", mac))
    report.stops("a neighbour's address to the host, broadcast frame", got(NET + "15", BROADCAST))
    report.stops("a far address to the host", got("198.51.100.7", mac))
    listener.close()


def spoofed_to_host(report):
    with scene() as (world, _):
        run("ip", "address", "add", NET + "1/24", "dev", "virbr6")
        # The fictitious far address must not die of reverse path filtering instead.
        run("sh", "-c", "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done")
        run("ip", "route", "add", "198.51.100.0/24", "dev", "virbr6")
        talk_to_host(report, NET + "1", world.fars["vk64"], world)


def misdelivered(report):
    bridge = f"[Bridge virbr6]\nNetworks={NET}0/24\nFdbLock=no\n"
    with scene(bridge + any_address("any", 40, "DhcpServer=yes"), networks="") as (world, daemon):
        vk63, vk64, vk65 = world.fars.values()
        anyone = world.port("any", "virbr6", 40)
        daemon.wait_armed("any")
        everyone = (vk63, vk64, vk65)

        def tried(name, wanted, *call, **options):
            token = anyone.ip(*call, **options)
            got = world.arrivals(token, *everyone)
            report.stops(name, got - set(wanted))
            report.passes(f"{name}: who may", set(wanted) <= got)

        far = "203.0.113.9"
        tried("unicast to the wrong MAC", [], far, NET + "13", vk64.mac)
        tried("unicast to the wrong MAC, last fragment", [], far, NET + "13", vk64.mac, offset=185)
        tried("a far address to a guest's MAC", [], far, "198.51.100.1", vk64.mac)
        tried("another's unicast in a broadcast frame", [vk63], far, NET + "13", BROADCAST)
        tried("another's unicast in a multicast frame", [vk63], far, NET + "13", "01:00:5e:00:00:fb")
        flooded = [] if uses("nftables") else [vk63]
        tried("unknown MAC, flooded", flooded, far, NET + "13", "52:54:00:aa:aa:aa")
        for name, to in (
            ("limited broadcast", "255.255.255.255"),
            ("directed broadcast", NET + "255"),
            ("multicast", "224.0.0.251"),
            ("highest multicast", "239.255.255.255"),
        ):
            token = anyone.ip(far, to)
            report.passes(name, world.arrivals(token, *everyone) == set(everyone))
        tried("broadcast of an unknown network", [], far, "192.168.51.255")
        tried("behind multicast", [], far, "240.0.0.1")
        tried("the network's own address", [], far, NET + "0")
        for name, mac in (("vk63", vk63.mac), ("nobody here", "52:54:00:aa:aa:aa")):
            token = frames.new_token()
            reply = frames.bootp(2, mac, token)
            anyone.udp(far, "192.168.77.7", (67, 68), reply)
            wanted = {far_end for far_end in everyone if far_end.mac == mac}
            got = world.arrivals(token, *everyone)
            report.stops(f"a DHCP offer for {name}", got - wanted)
            report.passes(f"a DHCP offer for {name}: who may", wanted <= got)
        tried("reflected", [], NET + "14", NET + "14", vk64.mac)
        tried("reflected by broadcast", [vk63, vk65], NET + "14", "255.255.255.255")
        daemon.must_say(r"Port vk64 would have received .* > 198\.51\.100\.1 .*dropped, misdelivered")
        daemon.must_say(r"Port vk64 would have received .*dropped, reflected")


def no_directed_broadcast(report):
    with scene(any_address("any", 40, "DhcpServer=yes"), networks="") as (world, daemon):
        anyone = world.port("any", "virbr6", 40)
        daemon.wait_armed("any")
        token = anyone.ip("203.0.113.9", NET + "255")
        guests = [world.fars[name] for name in ("vk63", "vk64", "vk65")]
        report.stops("directed broadcast of no declared network", world.arrivals(token, *guests))


def host_networks(report):
    """The networks the host itself is in on the bridge count by themselves, as long as it is."""
    with scene(networks="") as (world, daemon):
        sender, *others = world.fars.values()

        def got(name=NET + "255"):
            token = sender.ip(NET + "13", name)
            return world.arrivals(token, *others)

        def comes_to_hold(wanted):
            return not daemon.process or holds_within(PATIENCE, lambda: got() == wanted)

        report.stops("broadcast of a network nobody is in", got())
        run("ip", "address", "add", NET + "254/24", "dev", "virbr6")
        comes_to_hold(set(others))
        report.passes("broadcast of the network of the bridge's own address", got() == set(others))
        report.stops("broadcast of the network beside it", got("192.168.51.255"))
        run("ip", "address", "del", NET + "254/24", "dev", "virbr6")
        comes_to_hold(set())
        report.stops("broadcast of a network the bridge has left", got())
        run("ip", "address", "add", NET + "254/32", "dev", "virbr6")
        time.sleep(0.5)
        report.stops("broadcast by a single address of the bridge", got())


def host_network_behind_veth(report):
    """So does the network of the address behind the host's own veth, and of no other."""
    with scene(networks="") as (world, daemon):
        run("ip", "link", "add", "vmh1", "type", "veth", "peer", "name", "vmh1-in")
        run("ip", "link", "set", "vmh1-in", "up")
        run("ip", "address", "add", NET + "254/24", "dev", "vmh1-in")
        world.plug("vmh1", "virbr6")
        sender, *others = world.fars.values()

        def got():
            token = sender.ip(NET + "13", NET + "255")
            return world.arrivals(token, *others)

        bridge = "[Guard]\nUnknownPorts=drop\n"
        guests = "".join(bound(port, int(port[-1]) + 10) for port in world.fars)
        daemon.must_say(r"Port vmh1 on .*armed for", PATIENCE, 1)
        report.passes("a veth with the host's address behind it is the host's", got() == set(others))
        for role in ("guest", "host"):
            vmh1 = port_section("vmh1", f"Role={role}", f"Addresses={NET}254")
            daemon.reload(bridge + guests + vmh1, r"Port vmh1 on .*armed for")
            if role == "guest":
                report.stops("broadcast of the network behind a guest's veth", got())
        if daemon.process:
            holds_within(PATIENCE, lambda: got() == set(others))
        report.passes("broadcast of the network behind the host's veth", got() == set(others))


def dhcp(report):
    """A port that has a MAC and no address yet, and one that has both."""
    mac = "52:54:00:00:00:1e"
    config = port_section("young", f"MACs={mac}") + any_address("any", 40, "DhcpServer=yes")
    config += port_section("old", "MACs=52:54:00:00:00:1f", f"Addresses={NET}31")
    with scene(config, guests=("vk63",)) as (world, daemon):
        victim = world.fars["vk63"]
        young, old = world.port("young", "virbr6", 30), world.port("old", "virbr6", 31)
        anyone = world.port("any", "virbr6", 40)
        daemon.wait_armed("young", "old", "any")
        request_from(report, world, young, victim, "young")
        request_from(report, world, old, victim, "old")
        replies_to(report, world, anyone, young)


def request_from(report, world, client, victim, name):
    def sent(source="0.0.0.0", destination="255.255.255.255", ports=(68, 67), chaddr=None, **options):
        token = frames.new_token()
        shape = {key: options.pop(key) for key in ("hardware", "length") if key in options}
        message = frames.bootp(options.pop("operation", 1), chaddr or client.mac, token, **shape)
        client.udp(source, destination, ports, message, **options)
        return world.arrivals(token, victim)

    other = "52:54:00:00:00:63"
    report.passes(f"{name}: a right DHCP request", sent())
    report.stops(f"{name}: from a wrong MAC", sent(mac=other))
    report.stops(f"{name}: for a wrong chaddr", sent(chaddr=other))
    report.stops(f"{name}: for a chaddr wrong in its last octet", sent(chaddr=client.mac[:-2] + "ff"))
    report.stops(f"{name}: from another port", sent(ports=(69, 67)))
    report.stops(f"{name}: to another port", sent(ports=(68, 53)))
    report.stops(f"{name}: ports the wrong way round", sent(ports=(67, 68)))
    report.stops(f"{name}: to one guest", sent(destination=NET + "13", to=victim.mac))
    report.stops(f"{name}: to a directed broadcast", sent(destination=NET + "255"))
    report.stops(f"{name}: from another's address", sent(source=NET + "13"))
    report.stops(f"{name}: a reply from a client", sent(operation=2))
    report.stops(f"{name}: not Ethernet", sent(hardware=6))
    report.stops(f"{name}: another address length", sent(length=16))
    report.stops(f"{name}: a first fragment", sent(more=True))
    report.stops(f"{name}: a last fragment", sent(offset=1))
    token = frames.new_token()
    client.udp("0.0.0.0", "255.255.255.255", (68, 67), token)
    report.stops(f"{name}: too short for DHCP", world.arrivals(token, victim))
    token = client.ip("0.0.0.0", "255.255.255.255", protocol=6)
    report.stops(f"{name}: TCP from nowhere", world.arrivals(token, victim))


def replies_to(report, world, server, young):
    def sent(ports=(67, 68), chaddr=young.mac, operation=2, **options):
        token = frames.new_token()
        message = frames.bootp(operation, chaddr, token)
        server.udp("203.0.113.9", options.pop("destination", "192.168.77.7"), ports, message, **options)
        return world.arrivals(token, young)

    report.passes("a reply for its MAC", sent())
    report.passes("a reply by broadcast", sent(destination="255.255.255.255"))
    report.stops("a reply for another MAC", sent(chaddr="52:54:00:00:00:63"))
    report.stops("a request", sent(operation=1))
    report.stops("a reply from another port", sent(ports=(66, 68)))
    report.stops("a reply to another port", sent(ports=(67, 69)))
    report.stops("a fragment of a reply", sent(more=True))
    token = server.ip("203.0.113.9", NET + "30", young.mac)
    report.stops("plain unicast to a port without an address", world.arrivals(token, young))
    token = server.ip("203.0.113.9", "224.0.0.1")
    report.stops("multicast to a port without an address", world.arrivals(token, young))


def strangers(report):
    """The same stranger on three bridges, each with its own rule for strangers."""
    world, config = World(), ""
    for octet, wish in enumerate(("drop", "monitor", "accept"), 10):
        world.bridge(f"br-{wish}")
        world.port(f"g-{wish}", f"br-{wish}", octet)
        world.port(f"s-{wish}", f"br-{wish}", octet + 10)
        config += bound(f"g-{wish}", octet) + f"[Bridge br-{wish}]\nUnknownPorts={wish}\n"
    daemon = Daemon(config)
    daemon.wait_armed("g-drop", "g-monitor", "g-accept")
    for octet, wish in enumerate(("drop", "monitor", "accept"), 10):
        guest, stranger = world.fars[f"g-{wish}"], world.fars[f"s-{wish}"]
        token = stranger.ip(NET + "77", NET + str(octet), guest.mac)
        sent = world.arrivals(token, guest)
        token = guest.ip(NET + str(octet), NET + "77", stranger.mac)
        received = world.arrivals(token, stranger)
        judge = report.stops if wish == "drop" else report.passes
        judge(f"a stranger under {wish} sends", sent)
        judge(f"a stranger under {wish} receives", received)
    token = frames.new_token()
    dropped = world.fars["s-drop"]
    dropped.udp("0.0.0.0", "255.255.255.255", (68, 67), frames.bootp(1, dropped.mac, token))
    report.stops("a stranger under drop asks for DHCP", world.arrivals(token, world.fars["g-drop"]))
    daemon.must_say(r"[Pp]ort s-drop sent .*: dropped, unbound")
    daemon.must_say(r"[Pp]ort s-monitor sent .*unbound")
    report.holds("accepted strangers are not reported", daemon.count("s-accept sent") == 0)
    report.holds("said who is a stranger", daemon.count(r"Port s-drop on br-drop is a stranger") == 1)
    daemon.stop()


def modes(report):
    """Mode=monitor lets through and says so; Mode=off does neither; each per port and per bridge."""
    world = World()
    world.bridge("br-enf")
    world.bridge("br-mon")
    world.bridge("br-off")
    ports = {
        "enf": ("br-enf", 10, []),
        "mon": ("br-enf", 11, ["Mode=monitor"]),
        "off": ("br-enf", 12, ["Mode=off"]),
        "b-mon": ("br-mon", 13, []),
        "b-enf": ("br-mon", 14, ["Mode=enforce"]),
        "b-off": ("br-off", 15, []),
    }
    config = "[Bridge br-mon]\nMode=monitor\n[Bridge br-off]\nMode=off\n"
    for name, (bridge, octet, lines) in ports.items():
        world.port(name, bridge, octet)
        config += bound(name, octet, *lines)
    for octet, bridge in enumerate(("br-enf", "br-mon", "br-off"), 100):
        world.port(f"sink{octet}", bridge, octet)
        config += any_address(f"sink{octet}", octet)
    daemon = Daemon(config)
    daemon.wait_armed("enf", "mon", "off", "b-mon", "b-enf", "sink100", "sink101")
    sinks = {"br-enf": "sink100", "br-mon": "sink101", "br-off": "sink102"}
    for name, (bridge, _, _) in ports.items():
        far, sink = world.fars[name], world.fars[sinks[bridge]]
        judge = report.stops if name in ("enf", "b-enf") else report.passes
        judge(f"{name} sends from another's address", arrived(world, far, sink))
        judge(f"{name} receives what is another's", arrived(world, sink, far))
    for name in ("mon", "b-mon"):
        daemon.must_say(rf"Port {name} sent 192\.168\.50\.99 .*spoofed-ip")
    time.sleep(0.2)
    # While a table is loaded for the first time its rules may be asked before its sets are filled:
    # a kernel's own first words, from addresses it makes itself, can meet that moment.
    off = daemon.count(r"[Pp]ort (b-)?off sent (?!:: |fe80:)")
    report.holds("what is off is not reported", off == 0)
    report.holds("monitored is not called dropped", daemon.count(r"Port (b-)?mon sent .*: dropped, sp") == 0)
    daemon.stop()


def arrived(world, sender, receiver):
    token = sender.ip(NET + "99", NET + "98", receiver.mac)
    return world.arrivals(token, receiver)


def role_host(report):
    """The host's own veth into the bridge: guarded both ways, with the host's stack behind it."""
    world = World()
    world.bridge("virbr6")
    world.port("vk64", "virbr6", 14)
    run("ip", "link", "add", "vmh1", "type", "veth", "peer", "name", "vmh1-in")
    run("ip", "link", "set", "vmh1-in", "up")
    world.plug("vmh1", "virbr6")
    wait_up("vmh1-in")
    run("ip", "address", "add", NET + "1/24", "dev", "vmh1-in")
    config = bound("vk64", 14) + port_section("vmh1", "Role=host", f"Addresses={NET}1")
    daemon = Daemon(config)
    daemon.wait_armed("vk64", "vmh1")
    guest = world.fars["vk64"]
    run("ip", "neighbour", "replace", NET + "14", "lladdr", guest.mac, "dev", "vmh1-in")
    host_mac = run("cat", "/sys/class/net/vmh1-in/address").strip()
    host_talks(report, guest, world)
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((NET + "1", 7000))
    listener.settimeout(PATIENCE)
    token, end = frames.new_token(), frames.new_token()
    guest.udp(NET + "77", NET + "1", (7001, 7000), token, host_mac)
    guest.udp(NET + "14", NET + "1", (7001, 7000), end, host_mac)
    heard = [listener.recv(2048)]
    if end not in heard:
        heard.append(listener.recv(2048))
    report.stops("a guest's spoof to the host behind its veth", token in heard)
    report.passes("a guest's honest word to the host behind its veth", end in heard)
    daemon.stop()


def host_talks(report, guest, world):
    """Through the host's own stack and routing."""
    run("ip", "address", "add", NET + "99/24", "dev", "vmh1-in")
    report.passes("the host's own address", host_sends(NET + "1", guest, world))
    report.stops("an address the host's port does not own", host_sends(NET + "99", guest, world))


def host_sends(source, guest, world):
    token = frames.new_token()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((source, 0))
        sender.sendto(token, (NET + "14", 7001))
    return world.arrivals(token, guest)


def sums(report):
    """More than are reported one by one, by a rule that in iptables all ports share: each is told
    once, here or there."""
    count = 40
    owner = r"Port vk64 on virbr6" if uses("nftables") else r"Ports of virbr6"
    with bus.private_bus(), scene("[Guard]\nLogRate=5/s\n") as (world, daemon):
        report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
        # Counts are read in turn: those that no sum is to tell are read before these.
        bus.ports()
        client, other = world.fars["vk64"], world.fars["vk63"].mac

        def told():
            left_out = re.findall(rf"{owner}: (\d+) more packets dropped for ", daemon.said())
            return daemon.count(r"Port vk64 sent ") + sum(map(int, left_out))

        for _ in range(count):
            message = frames.bootp(1, other, frames.new_token())
            client.udp("0.0.0.0", "255.255.255.255", (68, 67), message)
        holds_within(PATIENCE, lambda: told() >= count)
        report.holds(f"{told()} of {count} are told", told() == count)
        report.holds("some of them in a sum", daemon.count(r"more packets dropped for ") > 0)
        report.holds("nobody is a stranger", daemon.count("Strangers on") == 0)


sums.needs_daemon = True


CASES = [
    spoofed_ip,
    spoofed_to_host,
    misdelivered,
    no_directed_broadcast,
    host_networks,
    host_network_behind_veth,
    dhcp,
    sums,
    strangers,
    modes,
    role_host,
]
