# SPDX-License-Identifier: GPL-2.0-or-later
"""The scene with two bridges, told step by step to somebody who watches."""

import shutil
import subprocess
import textwrap
import time

from .telling import count_row, head, say, tell, tell_verdicts, yes
from .two_bridges import TwoBridges

PICTURE = """
   kali3 .13  kali4 .14  kali5 .15     kali2 .12   the host .1   windows .21
       |          |          |             |            |             |
     vk63       vk64       vk65          vk42         vmh1          vmw1
  =====+==========+==========+==+       ===+===+========+=============+=====
             virbr6             |              |      virbr4
                             vethb2 ------- vethb1
"""
WHOSE = {
    "vk63": "to kali3",
    "vk64": "to kali4",
    "vk65": "to kali5",
    "vk42": "to kali2",
    "vmh1": "to the host",
    "vmw1": "to the other hypervisor",
    "vethb1": "over the link to virbr6",
    "vethb2": "over the link to virbr4",
}


def tell_topology(world):
    """The tree, and as a picture where Graphviz is there."""
    say(textwrap.indent(world.guard.command("topology").rstrip(), "  "))
    text = world.guard.command("topology", "--dot")
    source = world.build / "topology.dot"
    source.write_text(text)
    if not shutil.which("dot"):
        say(f"\n  For Graphviz, which is not installed here: {source}")
        return
    picture = source.with_suffix(".svg")
    subprocess.run(["dot", "-Tsvg", "-o", str(picture), str(source)], check=True)
    say(f"\n  As a picture: {picture}")


def tell_strays(strays):
    say("  Packets that left where nobody is whom they are for:")
    for port, packets in strays.by_port.items():
        if packets:
            say(f"    {packets:4} by {port:<7} {WHOSE[port]}")
    if not strays.total:
        say("    none")


def suffer(scene, name):
    """What goes astray while everybody but kali4 talks to everybody, and who is not reached."""
    strays, unreached = scene.suffer(name)
    tell_strays(strays)
    return strays.total, not unreached


def tell_believers(scene):
    believers = scene.believers()
    tell(
        "Who sends to kali4 what is for anybody else: " + (", ".join(believers) or "nobody") + "."
    )


def play_unguarded(scene):
    head("7. Nobody guards: kali4 redirects what crosses the border")
    scene.poison()
    tell("kali4 tells kali3, kali5, kali2, the host and windows: I am all the others.")
    tell_believers(scene)
    redirected, _ = suffer(scene, "lies")

    head("8. kali4 leaves, and nobody has noticed")
    tell("The bridges have forgotten where it was, and so send everywhere what is for its MAC:")
    flooded, _ = suffer(scene, "silence")

    head("9. Somebody sets the ageing time to 0: both bridges are hubs")
    everywhere, _ = suffer(scene, "hubs")
    return {"lies": redirected, "silence": flooded, "hubs": everywhere}


def play_guarded(scene, guard):
    head("10. bridgewardend starts, and kali4 lies on")
    scene.poison()
    begin = time.monotonic()
    scene.arm(forget=False)
    say(f"  Ready after {time.monotonic() - begin:.1f} s, with all tables poisoned already.")
    tell_believers(scene)
    redirected, _ = suffer(scene, "lies")
    told = tell_journal(guard, "violation", "BW_REASON=border-misdelivered")

    head("11. kali4 leaves, and nobody has noticed")
    flooded, _ = suffer(scene, "silence")

    head("12. Both bridges are hubs")
    everywhere, reached = suffer(scene, "hubs")
    warned = tell_journal(guard, "hazard", "BW_HAZARD=hub-mode", "BW_BRIDGE=virbr6")
    return {"lies": redirected, "silence": flooded, "hubs": everywhere}, reached, told and warned


def tell_journal(guard, event, *match):
    guard.says(event, *match)
    entries = guard.events(event, *match)
    say(f"\n  The journal (journalctl {' '.join(match)}) says:")
    if not entries:
        say("    nothing")
        return False
    tell(entries[0]["MESSAGE"], "    ")
    return True


def play(world):
    """Returns whether it all really held. The scene stays."""
    head("The second scene: two bridges, one network")
    tell(
        "The host has a second bridge, joined to the first by a cable. The host itself is at the "
        "end of another cable, and behind a third, vmw1, another hypervisor has a machine called "
        "windows. kali4 wants to read what crosses the border."
    )
    say(PICTURE)
    world.guard.take_out()
    scene = TwoBridges(world)
    scene.build()

    head("6. What bridgewarden makes of it")
    scene.arm()
    tell(
        "Which port is the host's and which leads to the other bridge it has found by itself. That "
        "nobody knows who is behind vmw1 it was told (Role=uplink).\n"
    )
    say()
    tell_topology(world)
    scene.disarm()

    bare = play_unguarded(scene)
    guarded, reached, told = play_guarded(scene, world.guard)
    lost = scene.unreached()
    return tell_verdicts(
        [
            count_row("astray while kali4 lies to all", bare["lies"], guarded["lies"]),
            count_row("astray when it has left: the flood", bare["silence"], guarded["silence"]),
            count_row("astray when both bridges are hubs", bare["hubs"], guarded["hubs"]),
            ("everybody reaches everybody, hubs", "-", yes(reached), reached),
            ("everybody reaches everybody, after", "-", yes(not lost), not lost),
            ("entries in the journal", "-", yes(told), told),
        ]
    )
