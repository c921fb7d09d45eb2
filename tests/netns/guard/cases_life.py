# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports that come, go, move and change their names; settings that change; bursts."""

import os
import signal
import time

from . import daemon as daemons
from . import frames
from .cases_packets import NET, scene
from .daemon import Daemon, any_address, bound, mac_of, port_section, uses
from .world import (
    PATIENCE,
    World,
    chain_drops,
    has_chain,
    holds_within,
    raw_rules,
    rules_without_counters,
    run,
    table_counts,
    wait_up,
    write,
)


def tries(world, sender, source, receiver):
    token = sender.ip(source, NET + "13", receiver.mac)
    return world.arrivals(token, receiver)


def new_port(report):
    """What happens while the daemon cannot look is decided by what stands already: the daemon is
    stopped, a port comes, changes its name, moves; then the daemon goes on."""
    config = bound("late", 20) + bound("renamed", 20) + "[Bridge virbr7]\nUnknownPorts=drop\n"
    with scene(config) as (world, daemon):
        victim = world.fars["vk63"]
        world.bridge("virbr7")
        other = world.port("vk77", "virbr7", 13 + 64)
        late = world.far("late", 20)
        daemon.must_say("Bridge virbr7 is guarded")
        daemon.pause()
        world.plug("late", "virbr6")
        report.stops("a port nobody has looked at", tries(world, late, NET + "99", victim))
        report.stops("not even its own address", tries(world, late, NET + "20", victim))
        daemon.go_on()
        daemon.wait_armed("late")
        report.stops("armed", tries(world, late, NET + "99", victim))
        report.passes("its own address", tries(world, late, NET + "20", victim))

        daemon.pause()
        run("ip", "link", "set", "dev", "late", "down")
        run("ip", "link", "set", "dev", "late", "name", "renamed", "up")
        wait_up("renamed")
        report.stops("under a new name nobody has looked at", tries(world, late, NET + "99", victim))
        daemon.go_on()
        daemon.wait_armed("renamed")
        report.stops("under its new name", tries(world, late, NET + "99", victim))
        report.passes("own address, new name", tries(world, late, NET + "20", victim))
        report.holds("nothing is left of the old name", not has_chain("bw-i-late"))

        daemon.pause()
        run("ip", "link", "set", "dev", "renamed", "master", "virbr7")
        report.stops("on another bridge, not looked at", tries(world, late, NET + "20", other))
        daemon.go_on()
        daemon.must_say(r"Port renamed on virbr7 .*armed")
        report.stops("on another bridge", tries(world, late, NET + "99", other))
        leaves_the_bridge(report, daemon)


def offers(world, server, mac):
    """Who gets a reply of DHCP for @mac, to an address that nobody has yet."""
    token = frames.new_token()
    server.udp("203.0.113.9", "192.168.77.7", (67, 68), frames.bootp(2, mac, token))
    return world.arrivals(token, *(far for far in world.fars.values() if far is not server))


def made_anew(report):
    """More clients than one rule asks about. A port that is made anew under its old name is another
    one to the kernel, and what is offered to its guest is for it all the same."""
    clients = {f"c{octet}": octet for octet in range(20, 30)}
    config = any_address("any", 40, "DhcpServer=yes")
    config += "".join(bound(name, octet) for name, octet in clients.items())
    with scene(config) as (world, daemon):
        server = world.port("any", "virbr6", 40)
        for name, octet in clients.items():
            world.port(name, "virbr6", octet)
        daemon.wait_armed("any", *clients)
        for name in clients:
            far = world.fars[name]
            got = offers(world, server, far.mac)
            report.stops(f"an offer for {name}: others", got - {far})
            report.passes(f"an offer for {name}", far in got)
        for busy in (False, True):
            if busy:
                daemon.pause()
            run("ip", "link", "del", "dev", "c23")
            run("ip", "netns", "del", "far23")
            world.fars["c23"].close()
            world.port("c23", "virbr6", 23)
            is_new(report, world, daemon, server)


def is_new(report, world, daemon, server):
    again = world.fars["c23"]
    other = world.fars["c24"].mac
    report.stops("another's, when it is new", offers(world, server, other) & {again})
    daemon.go_on()
    gets = holds_within(PATIENCE, lambda: again in offers(world, server, again.mac))
    report.passes("its own, at last", gets)
    report.stops("another's, as before", offers(world, server, other) & {again})
    token = server.ip(NET + "23", "255.255.255.255", again.mac)
    report.stops("from its own address", world.arrivals(token, again))


def leaves_the_bridge(report, daemon):
    run("ip", "link", "set", "dev", "renamed", "nomaster")
    daemon.must_say(r"Port renamed on virbr7.* released")
    report.holds("nothing is left of it", not has_chain("bw-i-renamed"))


def has_rules(port):
    """In each engine."""
    listed = lambda: f'"{port}"' in run("nft", "list", "set", "bridge", "bridgewarden", "bound")
    return (not uses("iptables") or has_chain(f"bw-i-{port}")) and (not uses("nftables") or listed())


def gone_in_between(report):
    """Interfaces that are gone, or are another one of the same name, when the commit comes."""
    with scene(bound("brief", 20)) as (world, daemon):
        victim, thief = world.fars["vk63"], world.fars["vk64"]
        daemon.pause()
        for i in range(30):
            run("ip", "link", "add", "name", f"brief{i}", "type", "veth", "peer", "name", f"b{i}")
            run("ip", "link", "set", "dev", f"brief{i}", "master", "virbr6")
            run("ip", "link", "del", "dev", f"brief{i}")
        run("ip", "link", "add", "name", "brbrief", "type", "bridge")
        run("ip", "link", "del", "dev", "brbrief")
        daemon.go_on()
        for _ in range(10):
            run("ip", "link", "add", "name", "brief", "type", "veth", "peer", "name", "b")
            run("ip", "link", "set", "dev", "brief", "master", "virbr6", "up")
            time.sleep(0.005)
            run("ip", "link", "del", "dev", "brief")
        again = world.port("brief", "virbr6", 20)

        def quiet():
            said = daemon.count("armed|released")
            time.sleep(0.3)
            return has_rules("brief") and daemon.count("armed|released") == said

        report.holds("the last one is armed", daemons.present and holds_within(PATIENCE, quiet))
        report.holds("the daemon lives", daemon.is_alive())
        report.stops("the last one's spoof", tries(world, again, NET + "99", victim))
        report.passes("the last one's own", tries(world, again, NET + "20", victim))
        report.stops("the others are guarded", tries(world, thief, NET + "15", victim))
        report.holds("no trouble was met", daemon.count("could not be brought in step") == 0)


def settings_change(report):
    """SIGHUP: a good file, one with a bad section, one nobody can read."""
    with scene() as (world, daemon):
        victim, thief, third = world.fars.values()
        head = f"[Guard]\nUnknownPorts=drop\n[Bridge virbr6]\nNetworks={NET}0/24\n"
        good = head + bound("vk63", 13) + port_section("vk64", f"Addresses={NET}44", mac_of(14)) + bound("vk65", 15)
        daemon.reload(good, r"Port vk64 on virbr6 re-armed for 192\.168\.50\.44")
        report.passes("the new address", tries(world, thief, NET + "44", victim))
        report.stops("the old address", tries(world, thief, NET + "14", victim))

        bad = head + bound("vk63", 13) + port_section("vk64", f"Addresses={NET}14/24", mac_of(14)) + bound("vk65", 15)
        daemon.reload(bad, r"Port vk64 on virbr6 closed")
        report.stops("its section is wrong: the old address", tries(world, thief, NET + "44", victim))
        report.stops("its section is wrong: the new address", tries(world, thief, NET + "14", victim))
        report.passes("the others go on", tries(world, third, NET + "15", victim))

        for text in ("[Guard\nMode=off\n", "Mode=off\n", "[Guard]\nMode=off\0\n"):
            daemon.reload(text, "The new configuration is not taken", head="")
        os.rename(daemons.CONFIG, daemons.CONFIG + ".away")
        daemon.signal(signal.SIGHUP)
        daemon.must_say("The new configuration is not taken", times=4)
        report.passes("after unreadable files the others go on", tries(world, third, NET + "15", victim))
        report.stops("and are guarded", tries(world, third, NET + "99", victim))

        daemon.reload(head.replace("drop", "sideways") + bound("vk63", 13), "errors|UnknownPorts")
        report.stops("a bad [Guard] does not loosen it", tries(world, third, NET + "99", victim))
        for _ in range(20):
            daemon.signal(signal.SIGHUP)
        report.holds("a storm of SIGHUP", daemon.is_alive())


def bad_settings_at_start(report):
    """Exit 78, one sentence, and the kernel's rules as they were."""
    with scene() as (world, daemon):
        daemon.kill()
        before = rules_without_counters()
        write(daemons.CONFIG, "[Guard\n")
        done = daemons.run_to_end("--config", daemons.CONFIG)
        report.holds("exit status 78", done.returncode == 78)
        report.holds("one sentence", len(done.stderr.strip().splitlines()) == 1)
        report.holds("nothing changed", rules_without_counters() == before)
        done = daemons.run_to_end("--config", "/run/none")
        report.holds("a missing file is refused", done.returncode not in (0, 1))
        report.holds("nothing changed by that", rules_without_counters() == before)
        thief, victim = world.fars["vk64"], world.fars["vk63"]
        report.stops("and guarded with nobody there", tries(world, thief, NET + "15", victim))
        daemons.run_to_end("--disarm")
        report.holds("disarmed on request", not has_chain("bw-in") and not has_chain("bw-out"))


bad_settings_at_start.needs_daemon = True


def burst(report):
    """Two hundred ports at once: few commits, and each port guarded."""
    count = 200
    config = "".join(port_section(f"vnet{i}", f"Addresses=10.1.0.{i}") for i in range(1, count + 1))
    with scene(config, guests=("vk65",)) as (world, daemon):
        batch = "".join(
            f"link add name vnet{i} type veth peer name far-vnet{i}\n" for i in range(1, count + 1)
        )
        run("ip", "-batch", "-", input=batch)
        time.sleep(0.5)
        before = daemon.count("tables? committed")
        begin = time.monotonic()
        plug = "".join(f"link set dev vnet{i} master virbr6 up\n" for i in range(1, count + 1))
        # However slow this machine is, to the daemon they all come at once.
        daemon.pause()
        run("ip", "-batch", "-", input=plug)
        plugged = time.monotonic()
        daemon.go_on()
        daemon.must_say(r"Port vnet\d+ on virbr6 armed", times=count)
        commits = daemon.count("tables? committed") - before
        print(
            f"{count} ports plugged in {plugged - begin:.2f} s, armed after "
            f"{time.monotonic() - begin:.2f} s, {commits} passes"
        )
        report.holds("few commits", 0 < commits <= 20)
        chains = [line for line in raw_rules() if line.startswith(":bw-i-vnet")]
        report.holds("a chain for each", len(chains) == count)
        delete = "".join(f"link del dev vnet{i}\n" for i in range(1, count + 1))
        run("ip", "-batch", "-", input=delete)
        report.holds(
            "none left behind",
            holds_within(PATIENCE, lambda: not any(":bw-i-vnet" in line for line in raw_rules())),
        )


burst.needs_daemon = True
burst.needs = "iptables"


def odd_names(report):
    """Every character the kernel allows in a name is a character of a name and nothing else."""
    names = ["'\"$(id)`;#", "-j", "--help", "a+", "!x", "fifteen-bytes15", "\udcff\udc80\udcfe",
             "\u00e4\u00f6", "\x01\x1b[31m", "\\n", "*", "[x]", "a=b"]
    world = World()
    world.bridge("virbr6")
    victim = world.port("vk63", "virbr6", 13)
    config = "[Bridge virbr6]\nUnknownPorts=drop\n" + bound("vk63", 13)
    for octet, name in enumerate(names, 100):
        config += bound(name.translate({ord(c): f"\\{ord(c):03o}" for c in "[]\\\"\x01\x1b"}), octet)
    daemon = Daemon(config)
    daemon.wait_armed("vk63")
    for octet, name in enumerate(names, 100):
        far = world.port(name, "virbr6", octet)
        # nft cannot take such a name for what it is, so it closes the port, and says so.
        closed = uses("nftables") and ('"' in name or name.endswith("*"))
        seconds = 2 if closed else PATIENCE
        own = holds_within(seconds, lambda: tries(world, far, f"{NET}{octet}", victim))
        if closed:
            report.holds(f"{name!a}: closed", not own)
            continue
        report.passes(f"{name!a}: its own address", own)
        report.stops(f"{name!a}: another's", tries(world, far, NET + "99", victim))
    if uses("nftables"):
        daemon.must_say("nftables cannot write the names of these ports")
    # One that is only like it: "a+" is no wildcard for "ab".
    like = world.port("ab", "virbr6", 180)
    time.sleep(0.2)
    report.stops("a name like a+", tries(world, like, NET + "103", victim))
    report.holds("nothing was executed or printed raw", "\x1b" not in daemon.said())
    report.holds("the daemon lives", daemon.is_alive())
    report.holds("no drift is seen", daemon.count("Somebody changed") == 0)
    before = rules_without_counters()
    daemon.stop()
    daemon.start()
    daemon.must_say(r"Port vk63 on virbr6 armed", times=2)
    report.holds("the same rules after a restart", rules_without_counters() == before)
    daemon.stop()


def counters():
    """Our rules and what each has counted; a stray packet of the machine's own may add to it."""
    found = {}
    for line in raw_rules(("-c",)):
        if line.startswith("[") and "-A bw-" in line:
            count, rule = line[1:].split("] ", 1)
            found[rule] = int(count.split(":")[0])
    return found


def spoofs_dropped(port):
    """By all engines: one frame meets one of them."""
    count = chain_drops(f"bw-i-{port}") if uses("iptables") else 0
    return count + (table_counts(port, "spoofed-ip") if uses("nftables") else 0)


def restart_keeps_counters(report):
    with scene() as (world, daemon):
        victim, thief = world.fars["vk63"], world.fars["vk64"]
        for _ in range(5):
            tries(world, thief, NET + "15", victim)
        before, dropped = counters(), spoofs_dropped("vk64")
        for number, how in enumerate((daemon.stop, daemon.kill, daemon.kill), 2):
            how()
            daemon.start()
            daemon.must_say("Port vk65 on virbr6 armed", times=number)
        after = counters()
        report.holds("they were counted", dropped >= 5)
        report.holds("the sum goes on", spoofs_dropped("vk64") >= dropped)
        report.holds("the same rules", after.keys() == before.keys())
        report.holds("counters go on", all(after[rule] >= before[rule] for rule in before))
        report.holds("no commit after a restart", daemon.count("tables? committed") == 1)


restart_keeps_counters.needs_daemon = True

CASES = [
    new_port,
    made_anew,
    gone_in_between,
    settings_change,
    bad_settings_at_start,
    burst,
    odd_names,
    restart_keeps_counters,
]
