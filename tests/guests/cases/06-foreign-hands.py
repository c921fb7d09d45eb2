# SPDX-License-Identifier: GPL-2.0-or-later
"""Others flush, delete, and put their ACCEPT on top."""

import fcntl
import re
import time

from lab.guard import TABLES, iptables, table_text

CHECK_INTERVAL = 2  # the daemon's default
SLACK = 1  # a busy machine

HARMLESS = {
    "filter flushed": ["-F"],
    "ACCEPT on top of filter FORWARD": ["-I", "FORWARD", "1", "-j", "ACCEPT"],
}
REPAIRED = {
    "raw flushed": ["-t", "raw", "-F"],
    "mangle flushed": ["-t", "mangle", "-F"],
    "jump in raw deleted": ["-t", "raw", "-D", "PREROUTING", "-j", "bw-in"],
    "jump in mangle deleted": ["-t", "mangle", "-D", "FORWARD", "-j", "bw-out"],
    "ACCEPT on top of raw PREROUTING": ["-t", "raw", "-I", "PREROUTING", "1", "-j", "ACCEPT"],
    "ACCEPT on top of mangle FORWARD": ["-t", "mangle", "-I", "FORWARD", "1", "-j", "ACCEPT"],
    "a port's chain emptied": ["-t", "raw", "-F", "bw-i-vk64"],
    "a port's chain opened": ["-t", "raw", "-I", "bw-i-vk64", "1", "-j", "ACCEPT"],
}


def spoof(world, kali):
    """kali4 to kali3 in the name of kali5: the raw table's business."""
    with world.count("vk63", dir="out", src=kali.five.ip) as passed:
        kali.four.send(src=kali.five.ip, dst=kali.three.ip, dmac=kali.three.mac, count=10)
        passed.reaches(10, 0.2)
        return passed.packets


def misdeliver(world, kali):
    """kali3 to kali5's address at kali4's port, as a poisoned table would have it: mangle's."""
    with world.count("vk64", dir="out", dst=kali.five.ip) as passed:
        kali.three.send(src=kali.three.ip, dst=kali.five.ip, dmac=kali.four.mac, count=10)
        passed.reaches(10, 0.2)
        return passed.packets


def check_holds(world, report, kali, when):
    passed = spoof(world, kali) + misdeliver(world, kali)
    report.nothing_passes(f"{when}: neither spoofed nor misdelivered packets pass", passed)


def clean_foreign():
    """What the case put there, away again: a repair leaves other people's rules where they are."""
    for table in ("raw", "mangle", "filter"):
        for line in table_text(table):
            if re.fullmatch(r"-A (PREROUTING|FORWARD) -j ACCEPT", line):
                iptables("-t", table, "-D", *line.split()[1:])


def our_rules():
    """Our rules and jumps as text, without counters."""
    lines = [line for table in TABLES for line in table_text(table)]
    return [line for line in lines if line.startswith("-A") and "bw-" in line]


def check_refused_disarm(world, report, kali, as_it_was):
    """Another program holds the lock: the guard says no, and stands as it stood."""
    guard = world.guard
    with open("/run/xtables.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = guard.present and guard.refuses("disarm")
    report.guard_check("disarm with the lock held: refused", refused)
    time.sleep(CHECK_INTERVAL + SLACK)
    stands = as_it_was and our_rules() == as_it_was
    report.guard_check("disarm with the lock held: the rules stand", stands)
    check_holds(world, report, kali, "disarm with the lock held")


def run(world, report):
    guard = world.guard
    kali = world.unguarded_kali()
    both = spoof(world, kali), misdeliver(world, kali)
    report.check("unguarded: both kinds of packets pass", both == (10, 10))
    kali = world.armed_kali()
    guard.soon(guard.is_whole)
    as_it_was = our_rules()

    for text, command in HARMLESS.items():
        iptables(*command)
        check_holds(world, report, kali, text)
    clean_foreign()
    for text, command in REPAIRED.items():
        if not guard.present and any(word.startswith("bw-") for word in command):
            continue  # there is nothing of ours to touch
        told = len(guard.events("drift-repaired"))
        begin = time.monotonic()
        iptables(*command)
        repaired = guard.soon(lambda: guard.is_whole() and our_rules() == as_it_was, 10)
        took = time.monotonic() - begin
        report.guard_check(
            f"{text}: repaired within {CHECK_INTERVAL} s",
            repaired and took <= CHECK_INTERVAL + SLACK,
            f"{took:.1f} s",
        )
        check_holds(world, report, kali, text)
        report.guard_check(f"{text}: said in the journal", guard.says("drift-repaired", after=told))
        clean_foreign()
        guard.soon(lambda: our_rules() == as_it_was)
    check_refused_disarm(world, report, kali, as_it_was)
    report.check("honest traffic goes on", kali.three.ping(kali.five.ip)[0] == 3)
