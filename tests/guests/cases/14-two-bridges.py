# SPDX-License-Identifier: GPL-2.0-or-later
"""Two bridges, one network. kali4 tells everybody on both that it is everybody else.

What is for nobody at a port must not leave there, be it a guest's, the host's, an end of the link
or the cable to another hypervisor: while kali4 lies, with the bridges promiscuous, when it has left
and all still send to where it was, and with bridges that have become hubs. Each engine alone keeps
the first and the third."""

import contextlib

from lab.guard import ENGINES
from lab.two_bridges import HARDSHIPS, two_bridges
from lab.world import BRIDGE

# where each hardship shows, when nobody guards
LEAKS = {
    "lies": {"vk64", "vethb1"},
    "promiscuous": {"vk64", "vethb1"},
    "silence": {"vk63", "vk65", "vk42", "vmh1", "vmw1", "vethb1", "vethb2"},
    "hubs": {"vk63", "vk64", "vk65", "vk42", "vmh1", "vmw1", "vethb1", "vethb2"},
}


def check_leaks(report, scene, name):
    """Nobody guards: it leaks where it must, else its absence later proves nothing."""
    strays, _ = scene.suffer(name)
    missing = LEAKS[name] - strays.ports()
    report.check(f"unguarded, {HARDSHIPS[name]}: it leaks", not missing, strays.text())


def check_sniffer(world, report, scene):
    """What a program on the host's own end of the bridge reads of others' conversations."""
    for promiscuous in (False, True):
        with contextlib.ExitStack() as stack:
            if promiscuous:
                stack.enter_context(scene.promiscuous())
            count = stack.enter_context(world.count(BRIDGE, dst=scene.five.ip))
            answered, _ = scene.three.ping(scene.five.ip)
            seen = count.packets
            report.check(
                f"unguarded, {'promiscuous' if promiscuous else 'plain'} bridge: its own device "
                f"{'shows' if promiscuous else 'does not show'} what guests say to each other",
                answered == 3 and (seen >= 3) == promiscuous,
                f"{seen} packets",
            )


def check_held(report, scene, name, before=""):
    what = before + HARDSHIPS[name]
    strays, unreached = scene.suffer(name)
    report.guard_check(
        f"{what}: nothing leaves where nobody is whom it is for",
        strays.total == 0,
        f"{strays.total} packets {strays.text()}".rstrip(),
    )
    report.check(f"{what}: whoever counts has lost nothing", strays.lost == 0)
    if name == "hubs":
        report.check(f"{what}: everybody reaches everybody", not unreached, unreached)


def check_unguarded(world, report, scene):
    scene.disarm()
    unreached = scene.unreached()
    report.check("unguarded: everybody reaches everybody", not unreached, unreached)
    check_sniffer(world, report, scene)
    poisoned = scene.poison()
    report.check("unguarded: everybody believes kali4", poisoned, ", ".join(scene.believers()))
    for name in HARDSHIPS:
        check_leaks(report, scene, name)
    poisoned = scene.poison()  # the guard finds them so
    report.check("unguarded: and believes it again", poisoned, ", ".join(scene.believers()))


def check_guarded(world, report, scene):
    """The guard finds all tables poisoned."""
    guard = world.guard
    scene.arm(forget=False)
    report.check("all tables are poisoned as before", scene.is_poisoned())
    for name in HARDSHIPS:
        if name == "silence":
            report.check("kali4's lies have not stopped before", scene.is_poisoned())
        check_held(report, scene, name)
    unreached = scene.unreached()
    report.check("afterwards: everybody reaches everybody", not unreached, unreached)
    for port in ("vethb1", "vmw1"):
        report.guard_check(
            f"the journal names {port} and what left there for somebody on this side",
            guard.says("violation", f"BW_PORT={port}", "BW_REASON=border-misdelivered"),
        )


def check_engine(report, scene, engine):
    scene.disarm()
    report.check(f"{engine}: everybody believes kali4", scene.poison())
    scene.arm(forget=False, engines=(engine,))
    for name in ("lies", "silence"):
        check_held(report, scene, name, f"{engine}: ")
    unreached = scene.unreached()
    report.check(f"{engine}: everybody reaches everybody", not unreached, unreached)


def run(world, report):
    with two_bridges(world) as scene:
        check_unguarded(world, report, scene)
        check_guarded(world, report, scene)
        for engine in ENGINES:
            check_engine(report, scene, engine)
