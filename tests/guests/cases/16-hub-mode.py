# SPDX-License-Identifier: GPL-2.0-or-later
"""Another program turns a bridge into a hub, or makes it promiscuous: that is said and shown while
it lasts, and said again when it ends. With Repair=hub-mode it does not last."""

import contextlib
from pathlib import Path

from lab.two_bridges import two_bridges
from lab.world import BRIDGE, SECOND_BRIDGE

REPAIR = f"""
[Bridge {BRIDGE}]
Repair=hub-mode
"""


def ageing(bridge):
    return int(Path(f"/sys/class/net/{bridge}/bridge/ageing_time").read_text())


def is_shown(guard, hazard, bridge):
    """Whether "status" has a line about it."""
    if not guard.is_running:
        return False
    return any(hazard in line and bridge in line for line in guard.command("status").splitlines())


@contextlib.contextmanager
def expecting(report, guard, event, words, *matches):
    """What the block does must make the journal tell it."""
    before = len(guard.events(event, *matches))
    yield
    report.guard_check(f"the journal says {words}", guard.says(event, *matches, after=before))


def check_hazard(report, guard, hazard, cause, what):
    for bridge in (BRIDGE, SECOND_BRIDGE):
        match = (f"BW_HAZARD={hazard}", f"BW_BRIDGE={bridge}")
        with contextlib.ExitStack() as lasting:
            with expecting(report, guard, "hazard", f"that {bridge} is {what}", *match):
                lasting.enter_context(cause())
            shown = guard.soon(lambda: is_shown(guard, hazard, bridge))
            report.guard_check(f"so does status of {bridge}", shown)
            ended = expecting(report, guard, "hazard-cleared", f"that {bridge} is not", *match)
            with ended:
                lasting.close()
        gone = guard.soon(lambda: guard.is_running and not is_shown(guard, hazard, bridge))
        report.guard_check(f"status of {bridge} is silent again", gone)


def check_repair(report, scene, guard):
    match = ("BW_HAZARD=hub-mode", f"BW_SUBJECT={BRIDGE}", "BW_HAZARD_STATE=repaired")
    with expecting(report, guard, "hazard-repaired", f"that {BRIDGE} is none any more", *match):
        with scene.hubs():
            mended = guard.soon(lambda: ageing(BRIDGE) > 0)
            report.guard_check(f"told to, it makes {BRIDGE} a switch again", mended)
            report.check(f"and leaves {SECOND_BRIDGE} as it is", ageing(SECOND_BRIDGE) == 0)
    unreached = scene.unreached()
    report.check("everybody reaches everybody", not unreached, unreached)


def run(world, report):
    guard = world.guard
    with two_bridges(world) as scene:
        scene.arm()
        check_hazard(report, guard, "hub-mode", scene.hubs, "a hub")
        check_hazard(report, guard, "promiscuous", scene.promiscuous, "promiscuous")
        scene.arm(REPAIR)
        check_repair(report, scene, guard)
