# SPDX-License-Identifier: GPL-2.0-or-later
"""The scene of the man in the middle, told step by step to somebody who watches."""

import os
import subprocess
import textwrap
import time
from pathlib import Path

from .namespaces import LAB
from .scene import attack
from .waiting import holds_within

WIDTH = 78
PINGS = 3

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
  bridgewarden port vk64                    one port, and what it dropped
  iptables-legacy -t mangle -nvL bw-o-vk64  its rules in the kernel
  journalctl -f BW_EVENT=violation          who tried what, live
  virsh list                                the guests
  guest kali3 'ping -c 3 192.168.50.15'     a command in a guest
  guest kali4 'wire poison eth0 100 50 192.168.50.13 52:54:00:9f:5d:c1 \\
    192.168.50.15 192.168.50.15 52:54:00:0f:34:4f 192.168.50.13 >/dev/null &'
                                            five seconds of poison
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


def say(text=""):
    print(text, flush=True)


def tell(text, indent="  "):
    say(textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent))


def head(text):
    say(f"\n{text}\n{'-' * len(text)}")


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


def tell_attack(kali, seen):
    say("  kali4 tells kali3: 192.168.50.15 is at my MAC.")
    say("  kali4 tells kali5: 192.168.50.13 is at my MAC.")
    for name, mac in seen["beliefs"].items():
        say(f"  {name} believes it: the other one is at {owner(kali, mac)}.")
    tell_ping(seen)
    strays, forwarded = seen["strays"], seen["forwarded"]
    say(f"  kali4 read {strays} packets that were not for it, and forwarded {forwarded}.")


def ping_honestly(kali):
    kali.forget_lies()
    answered, ttl = kali.three.ping(kali.five.ip, PINGS)
    kali.five.ping(kali.three.ip, 1)  # so that kali5 has asked for kali3 too
    return {"answered": answered, "ttl": ttl}


def drop_rule(guard):
    """(packets, text) of the rule that met them."""
    drops = [rule for rule in guard.rules_of("mangle", "bw-o-vk64") if rule[1].endswith("-j DROP")]
    return max(drops, default=(0, "none"))


def tell_evidence(guard):
    packets, rule = drop_rule(guard)
    tell(
        "The rule that stopped it stands in the kernel's table mangle, in the chain of what may "
        "leave the bridge by vk64. Its counter:"
    )
    say(f"    packets   rule\n    {packets:7}   -A bw-o-vk64 {rule}".rstrip())
    say("  The lines before it, in the same chain, say what may pass:")
    for passed, text in guard.rules_of("mangle", "bw-o-vk64"):
        if "NFLOG" not in text and not text.endswith("-j DROP"):
            say(f"    {passed:7}   {textwrap.shorten(text, WIDTH - 14, placeholder=' ...')}")
    return packets


def tell_journal(guard):
    match = ("BW_PORT=vk64", "BW_REASON=misdelivered")
    entries = holds_within(5, lambda: guard.events("violation", *match))
    say("  The journal (journalctl BW_PORT=vk64 BW_REASON=misdelivered) says:")
    if not entries:
        say("    nothing")
        return False
    tell(entries[0]["MESSAGE"], "    ")
    return True


def yes(truth):
    return "yes" if truth else "no"


def row(*cells):
    say("{:<38} {:>13} {:>12}   {:<8}".format(*cells).rstrip())


def ping_row(text, without, guarded, held):
    answers = [f"{seen['answered']} of {PINGS}" if seen else "-" for seen in (without, guarded)]
    return text, *answers, held


def count_row(text, without, guarded):
    return text, without, guarded, without > 0 == guarded


def arrived(seen):
    return seen["answered"] == PINGS and seen["ttl"] == 64


def tell_table(calm, honest, bare, guarded, after, dropped, told):
    """Returns whether all of it held."""
    poisoned = bare["poisoned"], guarded["poisoned"]
    stopped = bare["ttl"] == 63 and guarded["answered"] == 0
    rows = [
        ping_row("ping, nobody attacks", calm, honest, arrived(calm) and arrived(honest)),
        ("both ARP tables poisoned by kali4", *map(yes, poisoned), all(poisoned)),
        ping_row("ping by way of kali4", bare, guarded, stopped),
        count_row("packets kali4 read", bare["strays"], guarded["strays"]),
        count_row("packets kali4 forwarded", bare["forwarded"], guarded["forwarded"]),
        ("packets the rule has counted", "-", dropped, dropped >= PINGS),
        ("entry in the journal", "-", yes(told), told),
        ping_row("ping, after the attack", None, after, arrived(after)),
    ]
    head("What it came to")
    row("", "without guard", "with guard", "verdict")
    for *cells, held in rows:
        row(*cells, "ok" if held else "NOT OK")
    return all(held for *_, held in rows)


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
    bare = attack(kali)
    tell_attack(kali, bare)

    head("3. bridgewardend starts")
    begin = time.monotonic()
    kali = world.armed_kali()
    seconds = time.monotonic() - begin
    tell(
        f"Ready after {seconds:.1f} s. It found the guests by itself: libvirt told it which port "
        "belongs to whom, its configuration which address belongs to each:"
    )
    say(textwrap.indent(guard.command("ports").rstrip(), "    "))
    honest = ping_honestly(kali)
    tell_ping(honest)

    head("4. kali4 attacks again, under guard")
    guarded = attack(kali)
    tell_attack(kali, guarded)
    say()
    dropped = tell_evidence(guard)
    say()
    told = tell_journal(guard)

    head("5. kali4 gives up, the others ask again")
    after = ping_honestly(kali)
    tell_tables(kali)
    tell_ping(after)

    return tell_table(calm, honest, bare, guarded, after, dropped, told)


def open_shell(world):
    """A shell inside, with everything running."""
    programs = LAB / "bin"
    programs.mkdir()
    (programs / "bridgewarden").symlink_to(world.build / "cli" / "bridgewarden")
    (programs / "wire").symlink_to(world.tool)
    guest = programs / "guest"
    guest.write_text(GUEST_COMMAND.format(folder=str(Path(__file__).resolve().parent.parent)))
    guest.chmod(0o755)
    for one in world.kali.all:
        one.line.close()
    os.environ.update(
        PATH=f"{programs}:{os.environ['PATH']}",
        LIBVIRT_DEFAULT_URI="qemu:///system",
        PS1="lab# ",
        SYSTEMD_PAGER="cat",
    )
    say(SHELL_HELP)
    return subprocess.run(["bash", "--norc", "-i"]).returncode
