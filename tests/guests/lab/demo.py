# SPDX-License-Identifier: GPL-2.0-or-later
"""The scene of the man in the middle, told step by step to somebody who watches."""

import os
import subprocess
import textwrap
import time
from pathlib import Path

from .namespaces import LAB
from .scene import learn, ping_under_attack, poison
from .telling import count_row, head, say, tell, tell_verdicts, yes
from .waiting import holds_within

PINGS = 3
LIES = 60  # that the guests must have withstood before their tables are read

PICTURE = """
        kali3               kali4               kali5
    192.168.50.13       192.168.50.14       192.168.50.15
  52:54:00:9f:5d:c1   52:54:00:74:60:4a   52:54:00:0f:34:4f
          |                   |                   |
        vk63                vk64                vk65
  ========+===================+===================+======== virbr6
"""

SHELL_HELP = """
You are inside the lab, as root; nothing you do here reaches your machine.
  bridgewarden status                       is everything in force?
  bridgewarden topology                     what hangs on what
  bridgewarden port vk64                    one port, and what it dropped
  nft list chain bridge bridgewarden in-arp what ARP may say, in the kernel
  nft list set bridge bridgewarden own4     whose address is whose
  iptables-legacy -t mangle -nvL bw-o-vk64  the other engine's rules
  journalctl -f BW_EVENT=violation          who tried what, live
  virsh list                                the guests
  guest kali3 'ping -c 3 192.168.50.15'     a command in a guest
  guest kali4 'wire poison eth0 100 50 192.168.50.13 52:54:00:9f:5d:c1 \\
    192.168.50.15 192.168.50.15 52:54:00:0f:34:4f 192.168.50.13 >/dev/null &'
                                            five seconds of lies
Leave with "exit": the lab and all in it end.
"""

GUEST_COMMAND = """#!/usr/bin/env python3
# guest NAME COMMAND: runs a command in a guest of the lab.
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, {folder!r})
from lab.guest import LinuxGuest
guest = LinuxGuest(None, sys.argv[1], None, None)
guest.connect()
status, output = guest.run(" ".join(sys.argv[2:]), 300)
print(output)
sys.exit(status)
"""


def owner(kali, mac):
    names = {guest.mac: guest.name for guest in kali.all}
    return f"{mac} ({names.get(mac, 'nobody known')})"


def tell_tables(kali):
    for guest, other in ((kali.three, kali.five), (kali.five, kali.three)):
        mac = guest.arp_table().get(other.ip, "nothing")
        say(f"  {guest.name} believes: {other.ip} is at {owner(kali, mac)}")


def tell_ping(seen):
    answered, ttl = seen["answered"], seen["ttl"]
    way = {
        0: "nothing came back",
        64: "ttl 64: it came straight",
        63: "ttl 63: somebody handed it on",
    }
    say(f"  kali3 pings kali5 {PINGS} times: {answered} answered; {way.get(ttl, f'ttl {ttl}')}.")


def tell_lies():
    say("  kali4 tells kali3: 192.168.50.15 is at my MAC.")
    say("  kali4 tells kali5: 192.168.50.13 is at my MAC.")


def tell_attack(kali, seen):
    for name, mac in seen["beliefs"].items():
        verb = "believes it" if mac == kali.four.mac else "does not believe it"
        say(f"  {name} {verb}: the other one is at {owner(kali, mac)}.")
    tell_ping(seen)
    strays, forwarded = seen["strays"], seen["forwarded"]
    say(f"  kali4 read {strays} packets that were not for it, and forwarded {forwarded}.")


def ping_honestly(kali):
    kali.forget_lies()
    answered, ttl = kali.three.ping(kali.five.ip, PINGS)
    kali.five.ping(kali.three.ip, 1)  # so that kali5 has asked for kali3 too
    return {"answered": answered, "ttl": ttl}


def tell_evidence(guard):
    """How many lies were counted."""
    tell(
        "The lies fell where kali4's cable enters the bridge, before the bridge itself could learn "
        "from them. The kernel's own words, nft list chain bridge bridgewarden in-arp:"
    )
    for rule in ("iifname . arp saddr ip @own4 accept", "goto in-spoofed-arp"):
        say(f"    {rule}" if rule in guard.chain_text("in-arp") else "    (no such rule)")
    held = [words for name, words, _ in guard.nft_elements() if name == "own4"]
    own = [address for port, address in held if port == "vk64"]
    say(f"  and @own4 has for vk64: {' '.join(own) or 'nothing'}.")
    lies = guard.denied("vk64", "spoofed-arp")
    say(f"  Counted at vk64 so far: {lies} lies.")
    return lies


def tell_journal(guard):
    match = ("BW_OFFENDER_GUEST=kali4", "BW_REASON=spoofed-arp")
    entries = holds_within(5, lambda: guard.events("violation", *match))
    say(f"  The journal (journalctl {' '.join(match)}) says:")
    if not entries:
        say("    nothing")
        return False
    tell(entries[0]["MESSAGE"], "    ")
    return True


def pinged(seen):
    if not seen:
        return "-"
    way = {64: ", straight", 63: ", by kali4"}.get(seen["ttl"], "")
    return f"{seen['answered']} of {PINGS}{way}"


def arrived(seen, ttl=64):
    return seen["answered"] == PINGS and seen["ttl"] == ttl


def tell_table(calm, bare, late, guarded, own, lies, told):
    """Returns whether all of it held."""
    poisoned = bare["poisoned"], guarded["poisoned"]
    rows = [
        ("ping, nobody attacks", pinged(calm), "-", arrived(calm)),
        ("both ARP tables poisoned by kali4", *map(yes, poisoned), poisoned == (True, False)),
        (
            "ping while kali4 lies",
            pinged(bare),
            pinged(guarded),
            arrived(bare, ttl=63) and arrived(guarded),
        ),
        count_row("packets kali4 read", bare["strays"], guarded["strays"]),
        count_row("packets kali4 forwarded", bare["forwarded"], guarded["forwarded"]),
        ("the same, tables poisoned before", "-", late["strays"], late["strays"] == 0),
        ("lies the rules have counted", "-", lies, lies > 0),
        ("entry in the journal", "-", yes(told), told),
        ("kali4's own ping", "-", pinged(own), arrived(own)),
    ]
    return tell_verdicts(rows)


def start_guard(world):
    begin = time.monotonic()
    kali = world.armed_kali(forget=False)
    seconds = time.monotonic() - begin
    tell(
        f"Ready after {seconds:.1f} s. It found the guests by itself: libvirt told it which port "
        "belongs to whom, its configuration which address belongs to each:"
    )
    say(textwrap.indent(world.guard.command("ports").rstrip(), "    "))
    return kali


def play(world):
    """Returns whether it all really held."""
    guard = world.guard
    head("The scene")
    tell(
        "Three Linux guests under libvirt, on one bridge, in a network of their own on this "
        "machine. kali4 wants to read what kali3 and kali5 say to each other."
    )
    say(PICTURE)
    begin = time.monotonic()
    kali = world.unguarded_kali()
    say(f"  The guests have started ({time.monotonic() - begin:.0f} s).")

    head("1. Nobody attacks")
    calm = ping_honestly(kali)
    tell_tables(kali)
    tell_ping(calm)

    head("2. kali4 attacks, nobody guards")
    tell_lies()
    poison(kali)
    bare = ping_under_attack(kali, PINGS)
    tell_attack(kali, bare)

    head("3. bridgewardend starts, and kali4 lies on")
    kali = start_guard(world)
    say()
    tell("Both tables are still poisoned from before. But nothing is delivered to the wrong guest:")
    late = ping_under_attack(kali, PINGS)
    tell_attack(kali, late)

    head("4. kali3 and kali5 ask again, and kali4 lies on")
    learn(kali)
    lies = guard.denied("vk64", "spoofed-arp")
    holds_within(10, lambda: guard.denied("vk64", "spoofed-arp") >= lies + LIES, 0.2)
    guarded = ping_under_attack(kali, PINGS)
    tell_attack(kali, guarded)
    say()
    lies = tell_evidence(guard)
    say()
    told = tell_journal(guard)

    head("5. kali4 gives up, and is a guest like any other")
    kali.four.stop_poison()
    answered, ttl = kali.four.ping(kali.five.ip, PINGS)
    say(f"  kali4 pings kali5 {PINGS} times: {answered} answered.")
    own = {"answered": answered, "ttl": ttl}

    return tell_table(calm, bare, late, guarded, own, lies, told)


def open_shell(world):
    """A shell inside, with everything running."""
    programs = LAB / "bin"
    programs.mkdir()
    (programs / "bridgewarden").symlink_to(world.build / "cli" / "bridgewarden")
    (programs / "wire").symlink_to(world.tool)
    guest = programs / "guest"
    guest.write_text(GUEST_COMMAND.format(folder=str(Path(__file__).resolve().parent.parent)))
    guest.chmod(0o755)
    for one in world.started_guests():
        one.line.close()
    os.environ.update(
        PATH=f"{programs}:{os.environ['PATH']}",
        LIBVIRT_DEFAULT_URI="qemu:///system",
        PS1="lab# ",
        SYSTEMD_PAGER="cat",
    )
    say(SHELL_HELP)
    return subprocess.run(["bash", "--norc", "-i"]).returncode
