# SPDX-License-Identifier: GPL-2.0-or-later
"""kali4 tells kali3 and kali5 that it is the other one, and forwards what it then gets."""

from lab.scene import attack


def run(world, report):
    kali = world.unguarded_kali()
    answered, ttl = kali.three.ping(kali.five.ip)
    report.check("nobody between them: ping from kali3 to kali5", answered == 3 and ttl == 64)

    seen = attack(kali)
    report.check("unguarded: both ARP tables are poisoned", seen["poisoned"])
    passes = seen["answered"] == 3 and seen["ttl"] == 63
    report.check("unguarded: the ping passes through kali4", passes, f"ttl {seen['ttl']}")
    report.check(
        "unguarded: kali4 reads and forwards it",
        seen["forwarded"] >= 6 <= seen["strays"],
        f"{seen['forwarded']} forwarded, {seen['strays']} read",
    )

    kali = world.armed_kali()
    answered, ttl = kali.three.ping(kali.five.ip)
    report.check(
        "honest tables: ping from kali3 to kali5",
        answered == 3 and ttl == 64,
        f"{answered} answers, ttl {ttl}",
    )
    before = world.guard.dropped_in("mangle", "bw-o-vk64")
    seen = attack(kali)
    report.check("both ARP tables are poisoned again", seen["poisoned"])
    report.nothing_passes("not one packet of it reaches kali4", seen["strays"])
    report.nothing_passes("kali4 forwards nothing", seen["forwarded"])
    dropped = world.guard.dropped_in("mangle", "bw-o-vk64") - before
    report.guard_check("the rules of vk64 have counted it", dropped >= 3, f"{dropped} packets")
    report.guard_check(
        "the journal names the port and the reason",
        world.guard.says("violation", "BW_PORT=vk64", "BW_REASON=misdelivered"),
    )

    answered, _ = kali.four.ping(kali.five.ip)
    report.check("kali4's own traffic goes on", answered == 3)
    kali.forget_lies()
    answered, ttl = kali.three.ping(kali.five.ip)
    report.check("with honest tables again: ping from kali3 to kali5", answered == 3 and ttl == 64)
