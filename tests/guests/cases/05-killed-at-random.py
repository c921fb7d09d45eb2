# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon dies by SIGKILL at random moments, in mid-commit too, while two attackers flood."""

import random
import time

from lab.world import ip

KILLS = 20
LONGEST_LIFE = 0.25
SEED = 20161118

EVIL_MAC = "02:00:00:00:00:66"

SECTIONS = f"""
[Port evil0]
MACs={EVIL_MAC}
Addresses=192.168.50.66
"""


class Churn:
    """A declared port that comes and goes, so that there is always something to commit."""

    SECTION = """
[Port churn0]
MACs=02:00:00:00:00:67
Addresses=192.168.50.67
"""

    def __init__(self):
        self.present = False

    def turn(self):
        if self.present:
            ip("link", "del", "churn0")
        else:
            ip("tuntap", "add", "dev", "churn0", "mode", "tap")
            ip("link", "set", "churn0", "master", "virbr6", "up")
        self.present = not self.present

    def end(self):
        if self.present:
            self.turn()


def kill_and_restart(guard, chance, churn):
    for _ in range(KILLS):
        guard.start(wait=False)
        end = time.monotonic() + chance.uniform(0, LONGEST_LIFE)
        while time.monotonic() < end:
            churn.turn()
            time.sleep(0.01)
        guard.kill()


def guest_flood(kali):
    """kali4 floods kali3 in the name of kali5, for as long as the case lasts."""
    lie = f"src={kali.five.ip} dst={kali.three.ip} dmac={kali.three.mac}"
    return kali.four.ask(f"wire send eth0 count=1000000 us=200 {lie} >/dev/null 2>&1 & echo $!")


def check_plugged_while_dead(world, report, kali):
    """A port that comes while nobody is there to look meets the strangers' rule."""
    world.add_cable("late0", "late1")
    with world.count("vk63", dir="out", src="192.168.50.68") as passed:
        world.send("late1", src="192.168.50.68", dst=kali.three.ip, dmac=kali.three.mac, count=50)
        passed.reaches(50, 0.3)
        report.nothing_passes("a port plugged while the daemon is dead is closed", passed.packets)
    world.remove_cable("late0")


def check_restart_is_quiet(report, guard):
    """A new daemon finds what the old one left, and leaves it."""
    guard.start()
    guard.wait_armed("vk63", "vk64", "vk65", "evil0")
    report.check("restarted, it clears up what went meanwhile", guard.gone_soon("churn0"))
    guard.soon(guard.is_whole)
    guard.stop()
    before = guard.denied("vk64", "spoofed-ip")
    guard.start()
    own = f"_PID={guard.pid}" if guard.is_running else "_PID=0"
    report.guard_check("after a restart it is there", guard.says("started", own))
    time.sleep(1)  # long enough for a commit nobody needs
    commits = len(guard.events("committed", own))
    report.check("and has committed nothing", commits == 0, f"{commits} commits")
    after = guard.denied("vk64", "spoofed-ip")
    report.guard_check("and the counters went on", after > before > 0, f"{before} > {after}")


def run(world, report):
    guard, chance = world.guard, random.Random(SEED)
    kali = world.unguarded_kali()
    world.add_cable("evil0", "evil1")
    pid = guest_flood(kali)
    lie = {"src": kali.five.ip, "dst": kali.three.ip, "us": 50}
    lie.update(smac=EVIL_MAC, dmac=kali.three.mac)
    try:
        with world.flood("evil1", **lie):
            with world.count("vk63", dir="out", src=kali.five.ip) as passed:
                report.check("unguarded: the flood passes", passed.reaches(500, 5))
            world.armed_kali(SECTIONS + Churn.SECTION)
            guard.wait_armed("evil0")
            with world.count("vk63", dir="out", src=kali.five.ip) as leaked, world.count(
                "evil0", dir="in", src=kali.five.ip
            ) as by_cable, world.count("vk64", dir="in", src=kali.five.ip) as by_guest:
                churn = Churn()
                guard.kill()
                kill_and_restart(guard, chance, churn)
                churn.end()
                report.comment(f"{KILLS} kills, seed {SEED}")
                report.nothing_passes("not one packet leaks", leaked.packets + leaked.lost)
                report.check(
                    "the attackers flooded all the while",
                    by_cable.packets > 1000 and by_guest.packets > 100,
                    f"{by_cable.packets} by cable, {by_guest.packets} by kali4",
                )
                check_plugged_while_dead(world, report, kali)
                check_restart_is_quiet(report, guard)
                report.nothing_passes("and still nothing leaks", leaked.packets + leaked.lost)
    finally:
        kali.four.run(f"kill {pid}")
        world.remove_cable("evil0")
    report.check("honest traffic goes on", kali.three.ping(kali.five.ip)[0] == 3)
