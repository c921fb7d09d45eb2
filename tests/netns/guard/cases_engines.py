# SPDX-License-Identifier: GPL-2.0-or-later
"""Two engines: what others do to nftables, engines that come and go, what outlives the daemon, and
what is counted and said of it all."""

import time

from . import bus, frames
from . import daemon as daemons
from .cases_life import spoofs_dropped, tries
from .cases_packets import NET, scene
from .cases_trouble import CHECK_SECONDS
from .daemon import any_address, bound, mac_of, port_section, set_nf_call
from .frames import BROADCAST
from .world import PATIENCE, has_chain, holds_within, run

SILENT = "[Libvirt]\nURI=qemu+unix:///system?socket=/run/nobody-there\n"


def has_table():
    return "table bridge bridgewarden\n" in run("nft", "list", "tables") + "\n"


def arp_spoof(world, sender, source, receiver):
    """What only nftables sees."""
    token = frames.new_token()
    claim = frames.arp(2, sender.mac, source, receiver.mac, NET + "13") + token
    sender.send(frames.ethernet(sender.mac, receiver.mac, claim, 0x0806))
    return world.arrivals(token, receiver)


def foreign_tables(report):
    """Found at once: the next check is an hour away."""
    with scene("[Guard]\nCheckInterval=3600\n") as (world, daemon):
        victim, thief, _ = world.fars.values()
        wanted = run("nft", "-s", "list", "table", "bridge", "bridgewarden")
        table = "bridge bridgewarden"
        deeds = (
            "flush ruleset",
            f"delete table {table}",
            f"insert rule {table} prerouting accept",
            f"add rule {table} in-spoofed-arp accept",
            f'add element {table} passing {{ "vk64" }}',
            f'delete element {table} bound {{ "vk64" }}',
            f'add element {table} own4 {{ "vk64" . {NET}15 }}',
            f"add table {table} {{ flags dormant; }}",
            f'add table ip other; add element {table} own4 {{ "vk64" . {NET}15 }}; delete table ip other',
            f'add table ip other\nadd element {table} own4 {{ "vk64" . {NET}15 }}\nadd table ip another',
        )
        for number, deed in enumerate(deeds, 1):
            run("nft", deed)
            daemon.must_say(r'guard.s rules; repaired.* It was the program "nft"', times=number)
            report.stops(f"{deed}: IP", tries(world, thief, NET + "15", victim))
            report.stops(f"{deed}: ARP", arp_spoof(world, thief, NET + "15", victim))
        repairs = len(deeds)
        if daemons.uses("iptables"):
            # Nobody knows who that was, and who changed nftables a moment later it was not.
            repairs += 1
            run("iptables-legacy", "-t", "raw", "-F", "bw-i-vk64")
            run("nft", f'add element {table} passing {{ "vk64" }}')
            daemon.must_say(r'repaired in 2 tables.* In nftables it was the program "nft"')
        lists = run("nft", "-s", "list", "table", "bridge", "bridgewarden")
        static = lambda text: [line for line in text.splitlines() if "limit rate" not in line]
        report.holds("all as before", static(lists) == static(wanted))
        run("nft", "add table bridge other { chain c { type filter hook prerouting priority -400; }; }")
        run("nft", "add rule bridge other c accept")
        report.stops("accepted by others first", tries(world, thief, NET + "15", victim))
        time.sleep(CHECK_SECONDS)
        report.holds("others' tables are theirs", "table bridge other" in run("nft", "list", "tables"))
        report.holds("and are no drift", daemon.count("Somebody changed the guard") == repairs)


foreign_tables.needs_daemon = True
foreign_tables.needs = "nftables"


def restart_is_silent(report):
    """Killed, and started again while libvirt does not answer: what a former run wrote for ports that
    only libvirt can explain stands, in each engine, although strangers may pass now."""
    open_door = "[Guard]\nUnknownPorts=monitor\n[Bridge virbr6]\n[Guest somebody]\nAddresses=10.0.0.1\n"
    with scene() as (world, daemon):
        victim, thief, _ = world.fars.values()
        daemon.kill()
        daemon.configure(open_door, head=SILENT)
        daemon.start()
        for moment in ("at once", "libvirt has had its time"):
            for _ in range(30):
                report.stops(f"IP, {moment}", tries(world, thief, NET + "15", victim))
                if daemons.uses("nftables"):
                    report.stops(f"ARP, {moment}", arp_spoof(world, thief, NET + "15", victim))
            report.passes("its own address", tries(world, thief, NET + "14", victim))
            daemon.must_say("ports only it can explain keep the rules of the former run")
            # Said when it is written, not before.
            daemon.must_say("Port vk64 on virbr6 keeps the rules of a former run")
        time.sleep(CHECK_SECONDS)
        report.holds("no drift is seen", daemon.count("Somebody changed") == 0)
        # Another is plugged meanwhile, and the table is written whole.
        daemon.reload(open_door + "[Guard]\nLogRate=55/s\n" + bound("late", 20), "read: ", head=SILENT)
        late = world.port("late", "virbr6", 20)
        daemon.must_say("Port late on virbr6 armed")
        report.stops("kept through other changes", tries(world, thief, NET + "15", victim))
        report.stops("the new one", tries(world, late, NET + "15", victim))
        report.passes("the new one's own", tries(world, late, NET + "20", victim))
        daemon.reload("[Guard]\nUnknownPorts=drop\n" + bound("vk64", 44), "Port vk64 on virbr6 re-armed for 192.168.50.44")
        report.stops("once it is known: the old address", tries(world, thief, NET + "14", victim))


restart_is_silent.needs_daemon = True


def restart_keeps_routers(report):
    """The same of a guest that routes for others, which only a former run knows: what is somebody's is
    barred to it, be it IPv6, though nobody else asks who owns any but link-local addresses."""
    config = any_address("any", 40, "DhcpServer=yes")
    config += port_section("web", mac_of(60), f"Addresses={NET}60 2001:db8::60")
    router = port_section("fw0", mac_of(50), f"Addresses={NET}50 2001:db8::50", "Router=yes")
    with scene(config + router) as (world, daemon):
        anyone, far = world.port("any", "virbr6", 40), world.port("fw0", "virbr6", 50)
        world.port("web", "virbr6", 60)
        daemon.wait_armed("any", "fw0", "web")

        def arrives(sender, receiver, source, destination):
            token = frames.new_token()
            packet = frames.ipv6(source, destination, frames.udp(7001, 7000, token), 17)
            sender.send(frames.ethernet(sender.mac, receiver.mac, packet, 0x86DD))
            return world.arrivals(token, receiver)

        for run_number in ("first run", "second run", "third run"):
            if run_number != "first run":
                kept = daemon.count("Port fw0 on virbr6 keeps the rules of a former run") + 1
                daemon.kill()
                somebody = "[Guest somebody]\nAddresses=10.0.0.1\n"
                daemon.configure("[Bridge virbr6]\n" + somebody + config, head=SILENT)
                daemon.start()
                daemon.must_say("Port fw0 on virbr6 keeps the rules of a former run", times=kept)
            to_other = arrives(anyone, far, "2001:db8:9::1", "2001:db8::60")
            report.stops(f"another's, {run_number}", to_other)
            as_other = arrives(far, anyone, "2001:db8::60", "2001:db8:9::1")
            report.stops(f"as another, {run_number}", as_other)
            routed = arrives(anyone, far, "2001:db8:9::1", "2001:db8:7::1")
            report.passes(f"routed, {run_number}", routed)


restart_keeps_routers.needs_daemon = True


def engines_change(report):
    """Engines= at a reload: the new one stands before the other is taken down."""
    base = "[Guard]\nUnknownPorts=drop\n[Bridge virbr6]\n" + "".join(
        bound(f"vk{number}", number - 50) for number in (63, 64, 65))
    with scene() as (world, daemon):
        victim, thief, _ = world.fars.values()

        def change(engines, said):
            daemons.engines = engines
            daemon.reload(base, said)
            names = engines.split()
            report.holds(f"{engines}: chains", holds_within(PATIENCE, lambda: has_chain("bw-in") == ("iptables" in names)))
            report.holds(f"{engines}: table", holds_within(PATIENCE, lambda: has_table() == ("nftables" in names)))
            for _ in range(5):
                report.stops(f"{engines}: IP", tries(world, thief, NET + "15", victim))
            report.passes(f"{engines}: own address", tries(world, thief, NET + "14", victim))
            if "nftables" in names:
                report.stops(f"{engines}: ARP", arp_spoof(world, thief, NET + "15", victim))
            else:
                report.passes(f"{engines}: ARP", arp_spoof(world, thief, NET + "15", victim))

        change("iptables", "Engines in force: iptables, against [^;]*$")
        change("nftables", "Engines in force: nftables")
        change("iptables nftables", "Engines in force: iptables, against .*; nftables")
        change("nftables", "Engines in force: nftables")
        # What a former run used, and this one does not, goes too.
        daemon.kill()
        daemons.engines = "iptables"
        daemon.configure(base)
        daemon.start()
        report.holds("taken over by the other", holds_within(PATIENCE, lambda: has_chain("bw-in") and not has_table()))
        report.stops("by the other", tries(world, thief, NET + "15", victim))
        report.holds("nothing was counted as drift", daemon.count("Somebody changed") == 0)


engines_change.needs_daemon = True
engines_change.needs = "iptables nftables"


def on_the_bus(report):
    """Counts of each port, by both engines together; what is in force; and disarm."""
    with bus.private_bus(), scene(bound("mon", 20, "Mode=monitor")) as (world, daemon):
        victim, thief, _ = world.fars.values()
        monitored = world.port("mon", "virbr6", 20)
        daemon.wait_armed("mon")
        report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
        for _ in range(7):
            report.stops("a spoof", tries(world, thief, NET + "15", victim))
            report.passes("a monitored one", tries(world, monitored, NET + "15", victim))
        names = set(daemons.engines.split())
        time.sleep(1.1)  # counters are shown at most that old
        ports = bus.ports()
        report.holds("dropped, each once", ports["vk64"]["Dropped"] == {"spoofed-ip": 7})
        report.holds("seen, each once", ports["mon"]["Monitored"].get("spoofed-ip") == 7)
        report.holds("said once each", daemon.says("Port mon sent 192.168.50.15", times=7))
        report.holds("and no more", daemon.count("Port mon sent 192.168.50.15") == 7)
        report.holds("nothing counted elsewhere", ports["vk63"]["Dropped"] == {})
        report.holds("protected", ports["vk64"]["Protected"] and not ports["mon"]["Protected"])
        report.holds("in force", bus.engines_in_force() == names)
        report.holds("the sum", spoofs_dropped("vk64") == 7)
        if "iptables" in names:
            daemon.pause()
            set_nf_call("virbr6", 0)
            daemon.go_on()
            daemon.must_say("switched nf_call_iptables of bridge virbr6 off")
        bus.call("Disarm")
        report.holds("all taken down", not has_chain("bw-in") and not has_table())
        report.holds("not in force", bus.engines_in_force() == set() and not bus.state("InSync"))
        report.passes("nobody is on guard", tries(world, thief, NET + "15", victim))
        bus.call("Resync")
        report.stops("on guard again", tries(world, thief, NET + "15", victim))
        report.holds("in force again", bus.engines_in_force() == names)
        daemon.kill()
        done = daemons.run_to_end("--disarm")
        report.holds("by hand", done.returncode == 0 and not has_chain("bw-in") and not has_table())


on_the_bus.needs_daemon = True

def without(right):
    """Words that start a program without it."""
    return ["setpriv", f"--bounding-set=-{right}", f"--inh-caps=-{right}"]


def missing_engine(report):
    """Without the right to raw sockets iptables cannot be reached, and nftables guards alone."""
    daemons.wrapper = without("net_raw")
    with bus.private_bus(), scene() as (world, daemon):
        victim, thief, _ = world.fars.values()
        daemon.must_say("The engine iptables does not work here: .*The other one carries every reason")
        report.stops("IP", tries(world, thief, NET + "15", victim))
        report.stops("ARP", arp_spoof(world, thief, NET + "15", victim))
        report.holds("one engine", holds_within(PATIENCE, bus.is_there) and bus.engines_in_force() == {"nftables"})
        report.holds("in force", bus.state("InSync") and bus.ports()["vk64"]["Protected"])
        report.holds("no chains", not has_chain("bw-in"))
        daemon.kill()
        daemons.engines = "iptables"
        daemon.configure("[Guard]\nUnknownPorts=drop\n" + bound("vk64", 14))
        done = daemons.run_to_end("--config", daemons.CONFIG)
        report.holds("none works: refused", done.returncode == 69)
        report.holds("and said in one line", done.stderr.count("\n") == 1 and "No engine works here" in done.stderr)
        report.stops("what stood goes on standing", tries(world, thief, NET + "15", victim))


missing_engine.needs_daemon = True
missing_engine.needs = "iptables nftables"


def without_br_netfilter(report):
    """As far as the daemon can see: its switches are hidden. nftables needs none of it."""
    run("mount", "-t", "tmpfs", "none", "/proc/sys/net/bridge")
    with bus.private_bus(), scene() as (world, daemon):
        victim, thief, _ = world.fars.values()
        report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
        nftables = "nftables" in daemons.engines
        if daemons.uses("iptables"):
            daemon.must_say("br_netfilter is not loaded")
        else:
            report.holds("not said where it does not matter", daemon.count("br_netfilter") == 0)
        report.holds("in force", bus.engines_in_force() == ({"nftables"} if nftables else set()))
        report.holds("in step", bus.state("InSync") == nftables)
        report.holds("protected", bus.ports()["vk64"]["Protected"] == nftables)
        report.stops("a spoof", tries(world, thief, NET + "15", victim))


without_br_netfilter.needs_daemon = True

CASES = [
    missing_engine,
    without_br_netfilter,
    foreign_tables,
    restart_is_silent,
    restart_keeps_routers,
    engines_change,
    on_the_bus,
]
