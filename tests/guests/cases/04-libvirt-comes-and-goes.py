# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirtd stops, dies, hangs, comes back; the guests run on, and so does the guard."""

from lab.guard import iptables
from lab.guest import Blaster

SECTIONS = """
[Guest late]
Addresses=192.168.50.78

[Guest early]
Addresses=192.168.50.79
"""


def probe(world, kali):
    """How many of kali4's datagrams in the name of kali5 reach kali3."""
    with world.count("vk63", dir="out", src=kali.five.ip) as passed:
        kali.four.send(src=kali.five.ip, dst=kali.three.ip, dmac=kali.three.mac, count=20)
        passed.reaches(20, 0.3)
        return passed.packets


def check_unchanged(world, report, kali, rules, when):
    guard = world.guard
    passed = probe(world, kali)
    report.nothing_passes(f"{when}: no spoofed packet passes", passed)
    same = rules and [rule for _, rule in guard.rules_of("mangle", "bw-o-vk64")] == rules
    report.guard_check(f"{when}: the rules are unchanged", same)
    report.check(f"{when}: honest traffic goes on", kali.three.ping(kali.five.ip, 2)[0] == 2)


def check_kept(world, report, kali, rules, when):
    """Only libvirt can say whose port vk64 is: until it does, the former run's rules stay."""
    guard = world.guard
    report.nothing_passes(f"{when}: no spoofed packet passes", probe(world, kali))
    same = rules and [rule for _, rule in guard.rules_of("mangle", "bw-o-vk64")] == rules
    report.guard_check(f"{when}: the port keeps its rules", same)


def run(world, report):
    guard = world.guard
    kali = world.unguarded_kali()
    report.check("unguarded: spoofed packets pass", probe(world, kali) == 20)
    kali = world.armed_kali(SECTIONS)
    rules = [rule for _, rule in guard.rules_of("mangle", "bw-o-vk64")]
    early = Blaster(world, "early", "52:54:00:00:00:79", "192.168.50.79", tap="vk79")
    early.define()
    early.start()
    report.guard_check("before: chains for vk79", guard.soon(lambda: guard.is_armed("vk79")))

    for way in ("stopped", "killed"):
        getattr(world.libvirt, {"stopped": "stop", "killed": "kill"}[way])()
        check_unchanged(world, report, kali, rules, f"libvirtd {way}")
        world.libvirt.start()
        check_unchanged(world, report, kali, rules, f"libvirtd {way} and back")

    world.libvirt.freeze()
    check_unchanged(world, report, kali, rules, "libvirtd hangs")
    world.libvirt.thaw()

    for way, back in (("stop", "start"), ("freeze", "thaw")):
        when = f"guard restarted while libvirtd cannot answer ({way})"
        getattr(world.libvirt, way)()
        guard.stop()
        guard.start()
        check_kept(world, report, kali, rules, when)
        if guard.present:
            iptables("-t", "raw", "-F", "PREROUTING")
        report.guard_check(f"{when}: our jump is put back", guard.soon(guard.is_whole))
        check_kept(world, report, kali, rules, when)
        getattr(world.libvirt, back)()
        report.guard_check(
            f"{when}: afterwards its ports are bound again",
            guard.soon(lambda: guard.states().get("vk64") == "bound"),
        )

    late = Blaster(world, "late", "52:54:00:00:00:78", "192.168.50.78", tap="vk78")
    late.define()
    late.start()
    report.guard_check(
        "afterwards a new guest gets its chains", guard.soon(lambda: guard.is_armed("vk78"))
    )
    with world.count("vk63", dir="out", src=late.ip) as heard:
        report.check("and is heard as itself", heard.reaches(3, 5))
    late.destroy()
    report.check("and nothing is left of it when it goes", guard.gone_soon("vk78"))

    # a guest that dies while nobody can tell
    world.libvirt.stop()
    early.kill_machine()
    world.libvirt.start()
    report.check("a guest that died meanwhile leaves nothing", guard.gone_soon("vk79"))
    report.guard_check(
        "the journal tells that libvirt went and came",
        guard.says("libvirt-lost") and guard.says("libvirt-connected", after=1),
    )
    for guest in (late, early):
        guest.forget()
