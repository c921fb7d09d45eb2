# SPDX-License-Identifier: GPL-2.0-or-later
"""Others flush, delete, and put their ACCEPT on top: of iptables' rules, and of nftables'.

What one engine loses the other still drops, also while nobody is there to repair it."""

import fcntl
import json
import re
import subprocess
import time

from lab import frames
from lab.guard import TABLES, iptables, nft, nft_objects, nft_sets, table_text

CHECK_INTERVAL = 2  # the daemon's default
EVENT_SECONDS = 0.1  # as measured, nothing else being done
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


TABLE = ("bridge", "bridgewarden")
NFT_REPAIRED = {
    "nft flush ruleset": [["flush", "ruleset"]],
    "our table deleted": [["delete", "table", *TABLE]],
    "an element deleted": [["delete", "element", *TABLE, "bound", "{ vk64 }"]],
    "an element added": [["add", "element", *TABLE, "own4", "{ vk64 . 192.168.50.15 }"]],
    "accept on top of our chain": [["insert", "rule", *TABLE, "prerouting", "accept"]],
    "our chain emptied": [["flush", "chain", *TABLE, "prerouting"]],
}
FOREIGN_ACCEPT = """table bridge foreign {
    chain prerouting { type filter hook prerouting priority -400; policy accept; accept; }
    chain forward { type filter hook forward priority -400; policy accept; accept; }
}"""


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


def check_repair(world, report, kali, text, disturb, is_repaired, named=(), seconds=CHECK_INTERVAL):
    """Whether it is repaired, how long that took, and what is said of it. named: what the journal's
    entry must have besides."""
    guard = world.guard
    told = len(guard.events("drift-repaired", *named))
    begin = time.monotonic()
    disturb()
    repaired = guard.soon(is_repaired)
    took = time.monotonic() - begin
    report.guard_check(f"{text}: repaired", repaired, f"{took:.2f} s, planned {seconds} s")
    check_holds(world, report, kali, text)
    said = guard.says("drift-repaired", *named, after=told)
    report.guard_check(f"{text}: said in the journal{', and who' if named else ''}", said)


def disturb_iptables(world, report):
    """With iptables alone: nothing else must hold what it has lost."""
    guard = world.guard
    kali = world.armed_kali(engines=("iptables",))
    guard.soon(guard.is_whole)
    as_it_was = our_rules()
    is_repaired = lambda: guard.is_whole() and our_rules() == as_it_was
    for text, command in HARMLESS.items():
        iptables(*command)
        check_holds(world, report, kali, text)
    clean_foreign()
    for text, command in REPAIRED.items():
        if not guard.present and any(word.startswith("bw-") for word in command):
            continue  # there is nothing of ours to touch
        check_repair(
            world, report, kali, text, lambda command=command: iptables(*command), is_repaired
        )
        clean_foreign()
        guard.soon(lambda: our_rules() == as_it_was)
    check_refused_disarm(world, report, kali, as_it_was)


def lie(world, kali):
    """What only nftables can keep from kali3: kali4's word that kali5's address is its own."""
    word = frames.arp(
        frames.REPLY, (kali.four.mac, kali.five.ip), (kali.three.mac, kali.three.ip)
    )
    of_kali4 = frames.at(kind=b"\x08\x06", arp_sender_mac=frames.mac_bytes(kali.four.mac))
    with world.count("vk63", dir="out", at=of_kali4) as passed:
        kali.four.send_frames(word, count=10)
        passed.reaches(10, 0.2)
        return passed.packets


def our_nftables():
    """Chains and elements of our table, without what it has counted."""
    rules = [
        (item["rule"]["chain"], json.dumps(without_counts(item["rule"]["expr"])))
        for item in nft_objects("table", *TABLE)
        if "rule" in item
    ]
    elements = {
        name: sorted(map(str, (words for words, _ in content)))
        for name, content in nft_sets().items()
    }
    return rules, elements


def without_counts(expressions):
    return [each for each in expressions if "counter" not in each]


def disturb_nftables(world, report):
    """With nftables alone, and a daemon that looks by itself once an hour only: what is repaired
    was repaired because the kernel told of it."""
    guard = world.guard
    kali = world.armed_kali(engines=("nftables",), check_interval=3600)
    as_it_was = our_nftables()
    subprocess.run(["nft", "-f", "-"], input=FOREIGN_ACCEPT, text=True, check=True)
    check_holds(world, report, kali, "accept in a chain before ours")
    nft("delete", "table", "bridge", "foreign")
    for text, commands in NFT_REPAIRED.items():
        if not guard.present and "flush ruleset" not in text:
            continue  # there is nothing of ours to touch
        check_repair(
            world,
            report,
            kali,
            text,
            lambda commands=commands: [nft(*command) for command in commands],
            lambda: guard.is_whole() and our_nftables() == as_it_was,
            ["BW_PROGRAM=nft"],
            EVENT_SECONDS,
        )
        report.nothing_passes(f"{text}: nor lies by ARP", lie(world, kali))


def one_without_the_other(world, report):
    """The daemon is frozen, so that nothing is repaired: the other engine drops alone."""
    guard = world.guard
    kali = world.armed_kali()
    whole = lambda: guard.is_whole() and our_nftables() == as_it_was
    as_it_was = our_nftables()
    if guard.present:
        guard.freeze()
    nft("flush", "ruleset")
    report.nothing_passes("nothing of nftables left: iptables drops", spoof(world, kali))
    report.check("nothing of nftables left: ARP is not iptables' business", lie(world, kali) == 10)
    if guard.present:
        guard.thaw()
    report.guard_check("nftables is put back", guard.soon(whole))
    if guard.present:
        guard.freeze()
    for table in ("raw", "mangle"):
        iptables("-t", table, "-F")
    both = spoof(world, kali) + misdeliver(world, kali)
    report.nothing_passes("nothing of iptables left: nftables drops", both)
    report.nothing_passes("nothing of iptables left: nor lies by ARP", lie(world, kali))
    if guard.present:
        guard.thaw()
    report.guard_check("iptables is put back", guard.soon(whole))


def run(world, report):
    kali = world.unguarded_kali()
    both = spoof(world, kali), misdeliver(world, kali)
    report.check("unguarded: both kinds of packets pass", both == (10, 10))
    report.check("unguarded: lies by ARP pass", lie(world, kali) == 10)
    disturb_iptables(world, report)
    disturb_nftables(world, report)
    one_without_the_other(world, report)
    report.check("honest traffic goes on", kali.three.ping(kali.five.ip)[0] == 3)
