# SPDX-License-Identifier: GPL-2.0-or-later
"""kali4 tells kali3 and kali5 that it is the other one, and forwards what it then gets.

The guard comes when both are poisoned already, and each engine alone keeps kali4 from reading.
That tables stay right where the guard came first is case 9."""

from lab.guard import ENGINES
from lab.scene import is_poisoned, learn, ping_under_attack, poison


def check_engine(world, report, engine):
    kali = world.armed_kali(engines=(engine,), forget=False)
    guard = world.guard
    before = guard.denied("vk64", "misdelivered", "out")
    told = len(guard.events("violation", "BW_PORT=vk64", "BW_REASON=misdelivered"))
    seen = ping_under_attack(kali)
    report.check(f"{engine}: both ARP tables are poisoned as before", seen["poisoned"])
    report.nothing_passes(f"{engine}: not one packet of it reaches kali4", seen["strays"])
    report.nothing_passes(f"{engine}: kali4 forwards nothing", seen["forwarded"])
    dropped = guard.denied("vk64", "misdelivered", "out") - before
    report.guard_check(f"{engine}: the rules count it", dropped >= 3, f"{dropped} packets")
    report.guard_check(
        f"{engine}: the journal names the port and the reason",
        guard.says("violation", "BW_PORT=vk64", "BW_REASON=misdelivered", after=told),
    )
    answered, _ = kali.four.ping(kali.five.ip)
    report.check(f"{engine}: kali4's own traffic goes on", answered == 3)


def run(world, report):
    kali = world.unguarded_kali()
    answered, ttl = kali.three.ping(kali.five.ip)
    report.check("nobody between them: ping from kali3 to kali5", answered == 3 and ttl == 64)

    learn(kali)
    report.check("unguarded: both ARP tables are poisoned", poison(kali))
    seen = ping_under_attack(kali)
    passes = seen["answered"] == 3 and seen["ttl"] == 63
    report.check("unguarded: the ping passes through kali4", passes, f"ttl {seen['ttl']}")
    report.check(
        "unguarded: kali4 reads and forwards it",
        seen["forwarded"] >= 6 <= seen["strays"],
        f"{seen['forwarded']} forwarded, {seen['strays']} read",
    )
    for engine in ENGINES:
        check_engine(world, report, engine)
    kali.four.stop_poison()
    report.check("kali4's lies have not stopped before", is_poisoned(kali))
    kali = world.armed_kali()
    answered, ttl = kali.three.ping(kali.five.ip)
    report.check("with honest tables again: ping from kali3 to kali5", answered == 3 and ttl == 64)
