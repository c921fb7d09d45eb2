# SPDX-License-Identifier: GPL-2.0-or-later
"""Foreign hands, held locks, sudden death, floods: what others can do to the daemon."""

import contextlib
import fcntl
import os
import random
import select
import signal
import subprocess
import time
from pathlib import Path

from . import daemon as daemons
from . import frames
from .cases_life import spoofs_dropped, tries
from .cases_packets import NET, scene
from .daemon import bound, set_nf_call, set_switch
from .macflood import MacFlood
from .world import (
    PATIENCE,
    go_anywhere,
    has_chain,
    holds_within,
    learned_port,
    raw_rules,
    rules_without_counters,
    run,
)

CHECK_SECONDS = 3.5  # longer than from one look for drift to the next
FLOOD_SECONDS = 120  # at most: it ends with the case
NO_CHECK = "[Guard]\nCheckInterval=3600\n"  # what is mended is mended at once, or not at all


@contextlib.contextmanager
def child(work, seconds=FLOOD_SECONDS):
    """A process of ours that works until it is no longer needed, or for that long at most."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            go_anywhere()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                work()
        os._exit(0)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def iptables(table, *words):
    run("iptables-legacy", "-w", "5", "-t", table, *words)


def foreign_hands(report):
    with scene() as (world, daemon):
        victim, thief, _ = world.fars.values()
        wanted = rules_without_counters()
        deeds = [
            ("raw -F", ("raw", "-F")),
            ("mangle -F", ("mangle", "-F")),
            ("our jump deleted", ("raw", "-D", "PREROUTING", "-j", "bw-in")),
            ("accept in front", ("raw", "-I", "PREROUTING", "-j", "ACCEPT")),
            ("accept in our chain", ("raw", "-I", "bw-i-vk64", "-j", "ACCEPT")),
            ("one rule replaced", ("raw", "-R", "bw-i-vk64", "1", "-j", "RETURN")),
        ]
        for number, (name, words) in enumerate(deeds, 1):
            iptables(*words)
            daemon.must_say("Somebody changed the guard's rules; repaired", times=number)
            report.stops(name, tries(world, thief, NET + "15", victim))
            if name == "accept in front":
                iptables("raw", "-D", "PREROUTING", "-j", "ACCEPT")
            report.holds(f"{name}: all as before", rules_without_counters() == wanted)
        iptables("filter", "-I", "FORWARD", "-j", "ACCEPT")
        report.stops("accept in filter FORWARD", tries(world, thief, NET + "15", victim))


foreign_hands.needs_daemon = True
foreign_hands.needs = "iptables"


def switch_off(daemon, switch, deed):
    """Until the daemon has said so. Each time it must be on again first; and until it has seen its
    own wish come true the daemon cannot know that it was another's deed, and says nothing."""
    sentence = f"switched {switch} of bridge virbr6 off"
    before = daemon.count(sentence)
    is_on = lambda: f"{switch} 1 " in run("ip", "-d", "link", "show", "dev", "virbr6")
    for _ in range(20):
        deed()
        if not holds_within(PATIENCE, lambda: is_on() or not daemon.process):
            raise RuntimeError(f"{switch} is not switched on again")
        if daemon.says(sentence, 1, before + 1):
            return
    raise RuntimeError(f"the daemon never said that somebody {sentence}")


def switched_off(report):
    """The bridge stops showing its packets to iptables; the daemon switches that on again at once,
    not only at its next look."""
    with scene(NO_CHECK) as (world, daemon):
        victim, thief, _ = world.fars.values()
        for _ in range(3):
            switch_off(daemon, "nf_call_iptables", lambda: set_nf_call("virbr6", 0))
            report.stops("after the switch", tries(world, thief, NET + "15", victim))
        by_file = Path("/sys/class/net/virbr6/bridge/nf_call_iptables")
        switch_off(daemon, "nf_call_iptables", lambda: by_file.write_text("0"))
        report.stops("after the switch in sysfs", tries(world, thief, NET + "15", victim))


switched_off.needs_daemon = True
switched_off.needs = "iptables"


def steals_by_link_local(world, thief, victim, last_octet):
    """Whether a neighbour's MAC is the thief's for the bridge, after one frame that no rule sees."""
    victim.ip(NET + "13", NET + "14", thief.mac)  # what it sends is learned, as ever
    world.settle()
    thief.send(frames.link_local(victim.mac, last_octet, frames.new_token()))
    world.settle()
    where = learned_port("virbr6", victim.mac)
    assert where in ("vk63", "vk64"), where
    return where == "vk64"


def link_local_theft(report):
    """LLDP and its like are not forwarded and pass no rule; their sender must not be learned."""
    with scene(NO_CHECK) as (world, daemon):
        victim, thief, _ = world.fars.values()
        for last_octet in (0x02, 0x03, 0x0E, 0x0F):
            name = f"a neighbour's MAC, by a frame to :{last_octet:02x}"
            report.stops(name, steals_by_link_local(world, thief, victim, last_octet))
        switch_off(daemon, "no_linklocal_learn", lambda: set_switch("virbr6", "no_linklocal_learn", 0))
        report.stops("after the switch", steals_by_link_local(world, thief, victim, 0x0E))
        if not daemons.uses("iptables"):
            return
        switch_off(daemon, "nf_call_ip6tables", lambda: set_switch("virbr6", "nf_call_ip6tables", 0))


def lock_is_stuck(report):
    """A port comes while a stuck program holds the xtables lock."""
    with scene(bound("late", 20)) as (world, daemon):
        victim = world.fars["vk63"]
        late = world.far("late", 20)
        with open("/run/xtables.lock", "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            begin = time.monotonic()
            world.plug("late", "virbr6")
            report.stops("a stranger meanwhile", tries(world, late, NET + "99", victim))
            daemon.must_say("Port late on virbr6 armed")
            report.holds("not sooner than it must", time.monotonic() - begin > 4)
            report.passes("its own address", tries(world, late, NET + "20", victim))
            report.stops("another's address", tries(world, late, NET + "99", victim))
            daemon.must_say("without the xtables lock")
        print(f"armed after {time.monotonic() - begin:.1f} s without the lock")


lock_is_stuck.needs_daemon = True
lock_is_stuck.needs = "iptables"


def repair_is_late(report):
    """Somebody changes rules and holds the xtables lock: the repair that comes later is told as one."""
    with scene("[Guard]\nCheckInterval=1\n") as (_, daemon):
        repaired = "Somebody changed the guard's rules; repaired in 1 tables: 1 rules put back"
        with open("/run/xtables.lock", "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            run("env", "XTABLES_LOCKFILE=/run/another.lock",
                "iptables-legacy", "-t", "raw", "-D", "PREROUTING", "-j", "bw-in")
            daemon.must_say("The kernel could not be brought in step")
        daemon.must_say(repaired)
        report.holds("no commit for nothing", daemon.count("committed in|for 0 facts") == 0)
        report.holds("told once", daemon.count("Somebody changed") == 1)


repair_is_late.needs_daemon = True
repair_is_late.needs = "iptables"


class Flood:
    """Spoofed frames without end from one port, counted at another; one in 64 is honest."""

    def __init__(self, thief, victim):
        self.thief, self.victim = thief, victim
        self.fence = frames.new_token()
        spoofed, honest = frames.new_token(), frames.new_token()
        self.tokens = spoofed, honest
        self.frames = [
            frames.ethernet(thief.mac, victim.mac, frames.ipv4(NET + source, NET + "13", token))
            for source, token in (("15", spoofed), ("14", honest))
        ]
        self.leaked = self.honest = 0

    def send(self):
        for i in range(256):
            with contextlib.suppress(OSError):
                self.thief.send(self.frames[i % 64 == 0])

    def count(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.victim.socket], [], [], 0.01)[0]:
                frame = self.victim.socket.recv(2048)
                self.leaked += self.tokens[0] in frame
                self.honest += self.tokens[1] in frame


def killed_under_flood(report):
    """SIGKILL at random moments, also in the middle of a change of rules."""
    with scene(bound("flap", 20)) as (world, daemon):
        world.far("flap", 20)
        flood = Flood(world.fars["vk64"], world.fars["vk63"])
        before = counted = 0
        backwards = 0
        with child(flood.send):
            for number in range(20):
                world.plug("flap", "virbr6")
                flood.count(random.uniform(0.001, 0.05))
                daemon.kill()
                run("ip", "link", "set", "dev", "flap", "nomaster")
                flood.count(0.02)
                daemon.start()
                flood.count(random.uniform(0.001, 0.05) if number % 2 else 0.15)
                if daemons.present:
                    counted = spoofs_dropped("vk64")
                backwards += counted < before
                before = counted
        flood.count(0.05)
        print(f"{counted} dropped, went back {backwards} times, {flood.honest} honest frames arrived")
        report.passes("honest frames", flood.honest)
        report.stops("the flood", flood.leaked)
        report.holds("it was counted", counted > 1000)
        # The kernel gives the counts of a replaced legacy table to who replaced it, and takes them
        # back in a second call: killed in between, iptables forgets them.
        report.holds("the counter never went back", backwards == 0 or daemons.uses("iptables"))


def many_macs(report):
    """A guest sends from one MAC after the other: each is news of the forwarding table, which grows
    without end. A port that comes meanwhile must not wait until the guest is tired, and a daemon
    that starts over must not read millions of addresses first."""
    with scene(bound("late", 20)) as (world, daemon):
        victim, thief = world.fars["vk63"], world.fars["vk64"]
        world.far("late", 20)
        flood = MacFlood(thief, victim.mac, frames.ipv4(NET + "14", NET + "13", frames.new_token()))
        with child(flood.send), child(flood.send):
            time.sleep(1.5)
            begin = time.monotonic()
            run("ip", "link", "set", "dev", "late", "master", "virbr6", "up")
            report.holds("a port that comes is armed", daemon.says("Port late .* armed"))
            print(f"armed after {time.monotonic() - begin:.2f} s")
            set_nf_call("virbr6", 0)
            begin = time.monotonic()
            mended = daemon.says("switched nf_call_iptables of bridge virbr6 off")
            report.holds("the bridge's switch is mended", mended)
            print(f"switched on after {time.monotonic() - begin:.2f} s")
            daemon.kill()
            begin = time.monotonic()
            daemon.start()
            report.holds("a new start", daemon.says("Port late .* armed", times=2))
            print(f"started after {time.monotonic() - begin:.2f} s")


many_macs.needs_daemon = True
many_macs.needs = "iptables"


def nobody_listens(report):
    """stderr is a pipe that nobody reads, and it is full: the guard goes on."""
    config = "".join(bound(f"late{i}", 20 + i) for i in range(3))
    with scene(config) as (world, daemon):
        victim = world.fars["vk63"]
        daemon.kill()
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 512)
        os.set_blocking(writing, True)
        daemon.process = subprocess.Popen(
            [daemons.program, "--config", daemons.CONFIG], stdin=subprocess.DEVNULL, stderr=writing,
            preexec_fn=go_anywhere,
        )
        for i in range(3):
            late = world.port(f"late{i}", "virbr6", 20 + i)
            report.holds("armed", holds_within(PATIENCE, lambda i=i: has_chain(f"bw-i-late{i}")))
            for _ in range(50):
                report.stops("a spoof", tries(world, late, NET + "99", victim))
        iptables("raw", "-F")
        report.holds("repaired", holds_within(PATIENCE, lambda: "-A PREROUTING -j bw-in" in raw_rules()))
        os.close(reading)
        os.close(writing)


nobody_listens.needs_daemon = True
nobody_listens.needs = "iptables"

CASES = [
    foreign_hands,
    switched_off,
    link_local_theft,
    lock_is_stuck,
    repair_is_late,
    killed_under_flood,
    many_macs,
    nobody_listens,
]
