# SPDX-License-Identifier: GPL-2.0-or-later
"""Port flags and fixed MACs, the host's neighbour table, and what is put back of it all."""

import json
import os
import time
from pathlib import Path

from . import daemon as daemons
from . import frames
from .cases_packets import NET, scene
from .cases_trouble import NO_CHECK
from .daemon import bound, mac_of, port_section, run_to_end
from .macflood import MacFlood
from .world import PATIENCE, holds_within, learned_port, run

LOCKED = {"learning": False, "flood": False, "locked": True, "guard": True}
TOUCHED = (*LOCKED, "isolated")
UNDO = Path("/run/bridgewarden")


def flags(port):
    told = json.loads(run("bridge", "-d", "-j", "link", "show", "dev", port))[0]
    return {name: told[name] for name in TOUCHED if name in told}


def is_locked(port):
    now = flags(port)
    return all(now[name] == value for name, value in LOCKED.items())


def wait_locked(*ports):
    for port in ports:
        if daemons.present and not holds_within(PATIENCE, lambda port=port: is_locked(port)):
            raise RuntimeError(f"{port} is not locked: {flags(port)}")


def entries(bridge="virbr6"):
    """What somebody has written into the forwarding table."""
    return sorted(line for line in run("bridge", "fdb", "show", "br", bridge).splitlines()
                  if " static" in line)


def everything(*ports):
    """As exact as the kernel tells it."""
    return [run("bridge", "-d", "link", "show", "dev", port) for port in ports] + entries()


def is_put_back(before, *ports):
    return holds_within(PATIENCE, lambda: everything(*ports) == before)


def no_rules():
    """Everything but the flags is taken away; the daemon must not mend it."""
    for table in ("raw", "mangle"):
        run("iptables-legacy", "-t", table, "-F")
        run("ip6tables-legacy", "-t", table, "-F")
    run("nft", "flush", "ruleset")


def send(world, sender, receiver, mac=None, to=None, source=None):
    token = sender.ip(source or NET + str(int(sender.mac[-2:], 16)), NET + "13", to or receiver.mac, mac=mac)
    return world.arrivals(token, receiver)


def lock_alone_holds(report):
    """No rule stands and the daemon is dead: what is left are the flags and the fixed MACs."""
    with scene(NO_CHECK) as (world, daemon):
        victim, thief, third = world.fars.values()
        wait_locked("vk63", "vk64", "vk65")
        daemon.kill()
        if daemons.present:
            no_rules()
        victim.ip(NET + "13", NET + "14", thief.mac)
        world.settle()
        report.passes("an own MAC", send(world, thief, victim))
        report.stops("a MAC nobody has", send(world, thief, victim, mac="52:54:00:aa:aa:aa"))
        report.stops("a stolen MAC as source", send(world, thief, third, mac=victim.mac))
        report.stops("the MAC is stolen", learned_port("virbr6", victim.mac) != "vk63")
        report.stops("an unknown destination", send(world, thief, third, to="52:54:00:aa:aa:ab"))
        # Not even from a port that is not locked.
        stranger = world.port("strange", "virbr6", 40)
        stranger.ip(NET + "40", NET + "14", thief.mac, mac=victim.mac)
        world.settle()
        report.stops("the MAC is stolen by a stranger", learned_port("virbr6", victim.mac) != "vk63")


def learned_before(report):
    """What a port has taught the bridge before it is locked does not pass the lock."""
    with scene(NO_CHECK + bound("late", 20)) as (world, daemon):
        victim, thief, third = world.fars.values()
        wait_locked("vk63", "vk64", "vk65")
        if daemons.present:
            daemon.pause()
            no_rules()
        late = world.port("late", "virbr6", 20)
        alias = "52:54:00:bb:bb:bb"
        report.passes("before", send(world, late, victim, mac=alias))
        assert learned_port("virbr6", alias) == "late"
        daemon.go_on()
        wait_locked("late")
        daemon.kill()
        if daemons.present:
            no_rules()
        report.stops("after", send(world, late, victim, mac=alias))
        report.passes("its own", send(world, late, victim))


def isolated_ports(report):
    config = NO_CHECK + "".join(bound(f"is{i}", 20 + i, "Isolated=yes") for i in (1, 2))
    with scene(config) as (world, daemon):
        first, second = (world.port(f"is{i}", "virbr6", 20 + i) for i in (1, 2))
        daemon.wait_armed("is1", "is2")
        wait_locked("is1", "is2")
        if daemons.present:
            report.holds("isolated", holds_within(PATIENCE, lambda: flags("is1")["isolated"] and flags("is2")["isolated"]))
            daemon.kill()
            no_rules()
        report.stops("between isolated ports", send(world, first, second))
        report.passes("to another", send(world, first, world.fars["vk63"]))
        report.passes("from another", send(world, world.fars["vk63"], second))


def bpdu():
    """A configuration BPDU (IEEE 802.1D-2004, 9.3.1) of a better root than any."""
    body = bytes.fromhex("424203" "0000" "00" "00" "00") + bytes(8) + bytes(4) + bytes(8)
    body += bytes.fromhex("8001" "0000" "1400" "0200" "0f00")
    return (frames.mac_bytes("01:80:c2:00:00:00") + frames.mac_bytes("52:54:00:00:00:0e")
            + len(body).to_bytes(2, "big") + body).ljust(60, b"\0")


def bpdu_guard(report):
    """With spanning tree a BPDU of a guest's would make it the root: its port is switched off."""
    with scene() as (world, daemon):
        _, thief, _ = world.fars.values()
        wait_locked("vk64")
        run("ip", "link", "set", "virbr6", "type", "bridge", "forward_delay", 200, "stp_state", 1)
        state = lambda: json.loads(run("bridge", "-j", "link", "show", "dev", "vk64"))[0]["state"]
        if not holds_within(PATIENCE, lambda: state() == "forwarding"):
            raise RuntimeError("the port does not forward")
        root = lambda: Path("/sys/class/net/virbr6/bridge/root_id").read_text().strip()
        own = root()
        thief.send(bpdu())
        world.settle()
        report.stops("the guest is the root", root() != own)
        report.holds("its port is switched off", holds_within(PATIENCE, lambda: state() == "disabled"))
        daemon.must_say("The bridge has switched port vk64 on virbr6 off")


def put_back(report):
    """Byte by byte what it was: some things somebody had set before us, and some the kernel's."""
    ports = ("vk63", "vk64", "vk65")
    with scene(NO_CHECK) as (world, daemon):
        daemon.kill()
        daemons.run_to_end("--disarm")
        run("bridge", "link", "set", "dev", "vk64", "flood", "off", "guard", "on")
        run("bridge", "fdb", "replace", world.fars["vk65"].mac, "dev", "vk65", "master", "static")
        run("bridge", "fdb", "replace", "52:54:00:cc:cc:cc", "dev", "vk65", "master", "static")
        before = everything(*ports)
        times = 1
        for how in ("disarm", "killed", "restarted", "mode off", "not wished", "not guarded"):
            daemon.configure("[Bridge virbr6]\n" + "".join(bound(p, int(p[-1]) + 10) for p in ports))
            daemon.start()
            times += 1
            wait_locked(*ports)
            report.holds(f"{how}: it was otherwise", everything(*ports) != before)
            report.holds(f"{how}: remembered", len(list(UNDO.glob("undo-*"))) == 1)
            if how in ("killed", "restarted"):
                daemon.kill()
            if how == "restarted":
                daemon.start()
                times += 1
                daemon.must_say("Port vk65 on virbr6 armed", times=times)
                wait_locked(*ports)
                daemon.stop()
            if how in ("mode off", "not wished", "not guarded"):
                config = {"mode off": "[Bridge virbr6]\nMode=monitor\n", "not wished": "[Bridge virbr6]\nFdbLock=no\n",
                          "not guarded": "[Guard]\nBridges=none0\n"}[how]
                daemon.reload(config + "".join(bound(p, int(p[-1]) + 10) for p in ports), "read: ")
                report.holds(f"{how}: put back", is_put_back(before, *ports))
                daemon.stop()
            else:
                daemon.stop()
                done = run_to_end("--disarm")
                report.holds(f"{how}: done", done.returncode == 0)
            report.holds(f"{how}: as it was", everything(*ports) == before)
            run_to_end("--disarm")
            report.holds(f"{how}: nothing is remembered", not list(UNDO.glob("undo-*")))


put_back.needs_daemon = True


def lost_memory(report):
    """Somebody has deleted the file, or spoiled it: a port that is as we make it was made so by us."""
    with scene(NO_CHECK) as (_, daemon):
        spoils = (Path.unlink, lambda file: file.write_bytes(b"\0"), lambda file: file.write_text("?\n"))
        for times, spoil in enumerate(spoils, 1):
            daemon.must_say("Port vk65 on virbr6 armed", times=2 * times - 1)
            wait_locked("vk63", "vk64", "vk65")
            daemon.kill()
            for file in UNDO.glob("undo-*"):
                spoil(file)
            daemon.start()
            daemon.must_say("Port vk65 on virbr6 armed", times=2 * times)
            remembered = lambda: "vk65" in "".join(file.read_text() for file in UNDO.glob("undo-*"))
            report.holds("remembered again", holds_within(PATIENCE, remembered))
            daemon.stop()
            run_to_end("--disarm")
            report.holds("as kernels make ports", flags("vk64") == {
                "learning": True, "flood": True, "locked": False, "guard": False, "isolated": False})
            report.holds("no entries", entries() == [])
            daemon.start()


lost_memory.needs_daemon = True


def lost_memory_without_daemon(report):
    """Nobody knows whether it was the guard that locked a port: it is named, and not touched."""
    with scene(NO_CHECK) as (_, daemon):
        wait_locked("vk63", "vk64", "vk65")
        daemon.kill()
        for file in UNDO.glob("undo-*"):
            file.unlink()
        run("bridge", "link", "set", "dev", "vk64", "guard", "off")
        before = everything("vk63", "vk64", "vk65")
        done = run_to_end("--disarm")
        command = "bridge link set dev 'vk63' learning on flood on locked off guard off"
        report.holds("nothing is touched", everything("vk63", "vk64", "vk65") == before)
        report.holds("named, with a command", "Port vk63 has the flags" in done.stderr and command in done.stderr)
        report.holds("both of them", "Port vk65 has the flags" in done.stderr)
        report.holds("not who has others", "vk64" not in done.stderr)
        report.holds("what was done, and what was not", done.returncode == 1 and "taken down" in done.stderr)
        for port in ("vk63", "vk65"):
            run("sh", "-c", command.replace("vk63", port))
        report.holds("as kernels make ports", flags("vk63") == {
            "learning": True, "flood": True, "locked": False, "guard": False, "isolated": False})
        report.holds("nothing is left", run_to_end("--disarm").returncode == 0)


lost_memory_without_daemon.needs_daemon = True


def flags_repaired(report):
    """At once, not only at the next look; and without a commit of rules."""
    with scene(NO_CHECK) as (world, daemon):
        wait_locked("vk63", "vk64", "vk65")
        mac = world.fars["vk63"].mac
        time.sleep(0.5)
        commits = daemon.count("tables? committed")
        for name, value in LOCKED.items():
            word, wrong = ("on", "off") if value else ("off", "on")
            run("bridge", "link", "set", "dev", "vk63", name, wrong)
            daemon.must_say(f"Somebody switched {name} of port vk63 {wrong}; it is {word} again")
            wait_locked("vk63")
        Path("/sys/class/net/vk63/brport/learning").write_text("1")
        daemon.must_say("Somebody switched learning of port vk63 on", times=2)
        run("ip", "link", "set", "dev", "vk63", "type", "bridge_slave", "flood", "on")
        daemon.must_say("Somebody switched flood of port vk63 on", times=2)
        run("bridge", "fdb", "del", mac, "dev", "vk63", "master")
        daemon.must_say(f"Somebody took MAC {mac} from port vk63")
        report.holds("it is there", learned_port("virbr6", mac) == "vk63")
        run("bridge", "fdb", "replace", mac, "dev", "vk65", "master", "static")
        daemon.must_say(f"Somebody took MAC {mac} from port vk63", times=2)
        report.holds("it is there again", learned_port("virbr6", mac) == "vk63")
        report.holds("no rule was written", daemon.count("tables? committed") == commits)
        report.holds("what was never touched is nobody's drift", daemon.count("Somebody") == 8)


flags_repaired.needs_daemon = True


def replugged(report):
    """Another port under the old name, and the same one again: neither inherits."""
    with scene(NO_CHECK) as (world, daemon):
        wait_locked("vk63", "vk64", "vk65")
        for _ in range(2):
            daemon.kill()
            run("ip", "link", "del", "dev", "vk64")
            run("ip", "netns", "del", "far14")
            world.fars["vk64"].close()
            world.far("vk64", 14)
            world.plug("vk64", "virbr6")
            run("bridge", "link", "set", "dev", "vk64", "guard", "on")
            before = everything("vk64")[0]
            run_to_end("--disarm")
            report.holds("not touched by the memory of another", everything("vk64")[0] == before)
            daemon.start()
            wait_locked("vk64")
            daemon.stop()
            run_to_end("--disarm")
            report.holds("as it was", everything("vk64")[0] == before)
            daemon.start()
            wait_locked("vk64")
        # Out and in again while the daemon looks, and while it does not.
        for pause in (True, False):
            if pause:
                daemon.pause()
            run("ip", "link", "set", "dev", "vk65", "nomaster")
            run("ip", "link", "set", "dev", "vk65", "master", "virbr6")
            daemon.go_on()
            report.holds("locked again", holds_within(PATIENCE, lambda: is_locked("vk65")))
        daemon.stop()
        run_to_end("--disarm")
        report.holds("new on the bridge", flags("vk65")["learning"] and not flags("vk65")["locked"])
        report.holds("nobody is blamed", daemon.count("Somebody") == 0)


replugged.needs_daemon = True


def mac_changes(report):
    """MACs= is changed under traffic: no frame from the MAC that stays is lost, and none to it."""
    with scene(NO_CHECK + bound("vk66", 16)) as (world, daemon):
        thief, other = world.fars["vk64"], world.port("vk66", "virbr6", 16)
        daemon.wait_armed("vk66")
        wait_locked("vk64", "vk66")
        lost = sent = 0
        macs = [mac_of(14) + f" 52:54:00:00:01:{i:02x}" for i in range(8)]
        for i, line in enumerate([*macs, mac_of(14)]):
            config = "".join(bound(f"vk{60 + k}", 10 + k) for k in (3, 5, 6))
            config += port_section("vk64", f"Addresses={NET}14", line)
            # The same LogRate: another one is another table, and what is on its way while the kernel
            # changes tables is lost.
            daemon.configure("[Guard]\nUnknownPorts=drop\nLogRate=100/s\n[Bridge virbr6]\n" + config)
            daemon.signal(1)
            end = time.monotonic() + 0.3
            while time.monotonic() < end:
                for sender, receiver in ((thief, other), (other, thief)):
                    sent += 1
                    lost += not world.arrivals(sender.ip(
                        NET + str(int(sender.mac[-2:], 16)), NET + str(int(receiver.mac[-2:], 16)),
                        receiver.mac), receiver)
            alias = f"52:54:00:00:01:{i:02x}"
            if i < len(macs):
                report.holds("its new MAC is there", holds_within(PATIENCE, lambda a=alias: learned_port("virbr6", a) == "vk64"))
        report.holds("the last one is not", holds_within(PATIENCE, lambda: learned_port("virbr6", "52:54:00:00:01:07") is None))
        print(f"{sent} frames under 9 changes, {lost} lost")
        report.holds("none was lost", lost == 0)
        report.holds("still locked", is_locked("vk64"))


mac_changes.needs_daemon = True


def shared_mac(report):
    """Two ports with one MAC: neither is locked, and it is said."""
    with scene(NO_CHECK + port_section("twin", f"Addresses={NET}20", mac_of(14))) as (world, daemon):
        wait_locked("vk64")
        world.port("twin", "virbr6", 20)
        daemon.must_say("Port vk64 is not locked: its MAC 52:54:00:00:00:0e is also port twin's")
        report.holds("not locked any more", holds_within(PATIENCE, lambda: not flags("vk64")["locked"]))
        report.holds("others are", is_locked("vk63"))


shared_mac.needs_daemon = True


# The forwarding table


def flood_of_macs(report):
    """One entry for the port and interval, however many MACs come."""
    loose = port_section("vk66", f"Addresses={NET}16", mac_of(16), "FdbLock=no", "Mode=monitor")
    with scene(NO_CHECK + loose) as (world, daemon):
        loud = world.port("vk66", "virbr6", 16)
        daemon.wait_armed("vk66")
        wait_locked("vk64")
        for far in (loud, world.fars["vk64"]):
            flood = MacFlood(far, world.fars["vk63"].mac, frames.ipv4(NET + "16", NET + "13", frames.new_token()))
            for _ in range(400):
                flood.send()
                time.sleep(0.001)
        daemon.must_say(r"Port vk66 on virbr6 made its bridge learn \d+ MAC addresses in 10 seconds")
        report.holds("one entry", daemon.count("made its bridge learn") == 1)
        report.holds("the locked port taught nothing", daemon.count("Port vk64.* made its bridge") == 0)
        report.holds("no longer", daemon.is_alive())


flood_of_macs.needs_daemon = True


def flood_risk(report):
    """A bound MAC ages out while frames to it go on."""
    loose = "".join(bound(f"vk{60 + i}", 10 + i, "FdbLock=no") for i in (6, 7, 8))
    with scene(NO_CHECK + loose) as (world, daemon):
        quiet = world.far("vk66", 16)
        # It would announce its own address some time, and be learned by that.
        run("ip", "netns", "exec", "far16", "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        world.plug("vk66", "virbr6")
        talker, _ = (world.port(f"vk{60 + i}", "virbr6", 10 + i) for i in (7, 8))
        daemon.wait_armed("vk66", "vk67", "vk68")
        say = lambda: quiet.ip(NET + "16", NET + "17", talker.mac)
        say()
        world.settle()
        if daemons.present:
            assert holds_within(PATIENCE, lambda: learned_port("virbr6", quiet.mac) == "vk66")
        run("bridge", "fdb", "del", quiet.mac, "dev", "vk66", "master")
        raised = f"MAC {quiet.mac} of port vk66 on virbr6 has aged out"

        def asks():
            talker.ip(NET + "17", NET + "16", quiet.mac)
            return daemon.count(raised)

        report.holds("raised", holds_within(PATIENCE, asks))
        say()
        daemon.must_say(f"No longer so: {raised}")


flood_risk.needs_daemon = True
flood_risk.needs = "nftables"


# The host's neighbours


def neighbours(words=("permanent",)):
    return sorted(" ".join(line.split()) for line in run("ip", "neigh", "show", "dev", "virbr6").splitlines()
                  if any(word in line.lower() for word in words))


def foreign_neighbour(report):
    with scene(NO_CHECK) as (world, daemon):
        run("ip", "address", "add", NET + "1/24", "dev", "virbr6")
        wait_locked("vk63", "vk64")
        thief = world.fars["vk64"]
        run("ip", "neigh", "replace", NET + "13", "lladdr", thief.mac, "dev", "virbr6", "nud", "reachable")
        daemon.must_say(rf"table on virbr6 has {NET}13, the address of port vk63 on virbr6, at MAC {thief.mac}, "
                        "which is port vk64 on virbr6's, and was learned at port vk64 on virbr6")
        run("ip", "neigh", "replace", NET + "14", "lladdr", "52:54:00:dd:dd:dd", "dev", "virbr6", "nud", "reachable")
        daemon.must_say("which is nobody's, and no bridge has learned where it is")
        run("ip", "neigh", "replace", NET + "15", "lladdr", world.fars["vk65"].mac, "dev", "virbr6", "nud", "reachable")
        run("ip", "neigh", "replace", NET + "99", "lladdr", thief.mac, "dev", "virbr6", "nud", "reachable")
        for i in range(200):
            mac = f"52:54:00:dd:00:{i:02x}"
            run("ip", "neigh", "replace", NET + "13", "lladdr", mac, "dev", "virbr6", "nud", "reachable")
        daemon.must_say(r"192\.168\.50\.13 had a foreign MAC \d+ more times than was told")
        report.holds("few entries", daemon.count("the address of port vk63") < 30)
        report.holds("what is right is not told", daemon.count(f"has {NET}15|has {NET}99") == 0)


foreign_neighbour.needs_daemon = True


def pinned_neighbours(report):
    pinning = NO_CHECK + "[Bridge virbr6]\nPinNeighbours=yes\n"
    with scene(pinning) as (world, daemon):
        # Else its MAC changes with its ports, and the kernel itself forgets its neighbours then.
        run("ip", "link", "set", "dev", "virbr6", "address", "52:54:00:00:66:66")
        own = f"{NET}77 lladdr 52:54:00:00:00:77 PERMANENT"
        run("ip", "neigh", "replace", NET + "77", "lladdr", "52:54:00:00:00:77", "dev", "virbr6", "nud", "permanent")
        # Somebody's own, for a bound address.
        right = f"{NET}15 lladdr {world.fars['vk65'].mac} PERMANENT"
        run("ip", "neigh", "replace", NET + "15", "lladdr", world.fars["vk65"].mac, "dev", "virbr6", "nud", "permanent")
        before = neighbours()
        run("ip", "address", "add", NET + "1/24", "dev", "virbr6")
        all_of = lambda *octets: sorted([own, right] + [
            f"{NET}{o} lladdr 52:54:00:00:00:{o:02x} PERMANENT" for o in octets])
        report.holds("pinned", holds_within(PATIENCE, lambda: neighbours() == all_of(13, 14)))
        run("ip", "neigh", "del", NET + "13", "dev", "virbr6")
        daemon.must_say(f"The host's permanent entry for neighbour {NET}13 on virbr6 was gone")
        run("ip", "neigh", "replace", NET + "14", "lladdr", "52:54:00:dd:dd:dd", "dev", "virbr6", "nud", "reachable")
        daemon.must_say(f"The host's permanent entry for neighbour {NET}14 on virbr6 was another")
        report.holds("pinned again", holds_within(PATIENCE, lambda: neighbours() == all_of(13, 14)))
        run("ip", "link", "set", "dev", "vk64", "nomaster")
        report.holds("the binding went", holds_within(PATIENCE, lambda: neighbours() == all_of(13)))
        run("ip", "link", "set", "dev", "vk64", "master", "virbr6")
        report.holds("and came", holds_within(PATIENCE, lambda: neighbours() == all_of(13, 14)))
        daemon.kill()
        run_to_end("--disarm")
        report.holds("killed and disarmed: as before", neighbours() == before)
        daemon.start()
        report.holds("pinned anew", holds_within(PATIENCE, lambda: neighbours() == all_of(13, 14)))
        config = "[Bridge virbr6]\n" + "".join(bound(f"vk{60 + k}", 10 + k) for k in (3, 4, 5))
        daemon.reload(config, "read: ")
        report.holds("not wished: as before", holds_within(PATIENCE, lambda: neighbours() == before))


pinned_neighbours.needs_daemon = True

CASES = [
    lock_alone_holds,
    learned_before,
    isolated_ports,
    bpdu_guard,
    put_back,
    lost_memory,
    lost_memory_without_daemon,
    flags_repaired,
    replugged,
    mac_changes,
    shared_mac,
    flood_of_macs,
    flood_risk,
    foreign_neighbour,
    pinned_neighbours,
]
