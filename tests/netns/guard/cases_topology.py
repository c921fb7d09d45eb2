# SPDX-License-Identifier: GPL-2.0-or-later
"""What the daemon and the command line say of how bridges hang together, and that it follows."""

import json
import shutil
import subprocess

from . import bus
from .cases_packets import scene
from .world import PATIENCE, holds_within, run

program = None  # bridgewarden


def ask(*words):
    done = subprocess.run(
        [program, "topology", *words], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return done.stdout + done.stderr


def ports():
    """By name."""
    return {row["Port"]: row for row in json.loads(ask("--json"))["Ports"]}


def join(near, far, pair):
    """A pair of interfaces between two bridges; spanning tree decides whether it carries."""
    ends = [pair + "1", pair + "2"]
    run("ip", "link", "add", "name", ends[0], "type", "veth", "peer", "name", ends[1])
    for end, bridge in zip(ends, (near, far)):
        run("ip", "link", "set", "dev", end, "master", bridge, "up")
    return ends


def kernel_states():
    links = json.loads(run("ip", "-details", "-json", "link", "show"))
    return {link["ifname"]: link.get("linkinfo", {}).get("info_slave_data", {}).get("state") for link in links}


def two_links(world):
    """virbr4 beside virbr6 of the scene, with two pairs between them, one of them cut; its name first."""
    world.bridge("virbr4", "stp_state", "1", "forward_delay", "200")
    run("ip", "link", "set", "dev", "virbr6", "type", "bridge", "stp_state", "1", "forward_delay", "200")
    names = [*join("virbr4", "virbr6", "la"), *join("virbr4", "virbr6", "lb")]

    def decided():
        states = [kernel_states()[name] for name in names]
        return states.count("blocking") == 1 and states.count("forwarding") == 3

    if not holds_within(PATIENCE, decided):
        raise RuntimeError(f"spanning tree does not decide: {kernel_states()}")
    cut = next(name for name in names if kernel_states()[name] == "blocking")[:2]
    return cut, ({"la", "lb"} - {cut}).pop()


def topology_follows(report):
    """Two bridges, a link, and one that spanning tree has cut; then the other way round."""
    with bus.private_bus(), scene() as (world, daemon):
        report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
        cut, whole = two_links(world)
        blocked = next(name for name, state in kernel_states().items() if state == "blocking")
        report.holds("known", holds_within(PATIENCE, lambda: {"la1", "la2", "lb1", "lb2"} <= set(ports())))
        told = lambda name, key: ports()[name][key]
        report.holds("where it leads", told("la1", "FarBridge") == "virbr6" and told("la1", "FarPort") == "la2")
        report.holds("and back", told("la2", "FarBridge") == "virbr4" and told("la2", "FarPort") == "la1")
        report.holds("a link", told("la1", "Role") == "link" and told("la1", "Derived"))
        report.holds("guarded", json.loads(ask("--json", "virbr4"))["Bridges"][0]["GuardedFor"] == "path")
        report.holds(
            "one carries", holds_within(PATIENCE, lambda: told(whole + "1", "Carries") and told(whole + "2", "Carries"))
        )
        report.holds(
            "one is cut", holds_within(PATIENCE, lambda: not told(cut + "1", "Carries") and not told(cut + "2", "Carries"))
        )
        tree = ask()
        report.holds(f"one segment: {tree}", "segment 1, 2 bridges joined by links" in tree)
        report.holds("blocked is said once", tree.count("blocked by STP") == 1)
        line = next(line for line in tree.splitlines() if f"- {blocked} " in line)
        report.holds(f"and where: {line}", "blocked by STP" in line)
        report.holds("80 columns", max(map(len, tree.splitlines())) <= 80)
        report.holds("the bus says the same of ports", bus.ports()["la1"]["FarBridge"] == "virbr6")
        if shutil.which("dot"):
            drawn = subprocess.run(
                ["dot", "-Tsvg"], input=ask("--dot"), capture_output=True, text=True, timeout=PATIENCE, check=False
            )
            report.holds(f"drawn: {drawn.stderr}", drawn.returncode == 0 and "</svg>" in drawn.stdout)
        run("ip", "link", "set", "dev", whole + "1", "down")
        report.holds("the other carries", holds_within(PATIENCE, lambda: told(cut + "1", "Carries")))
        report.holds("this one does not", holds_within(PATIENCE, lambda: not told(whole + "2", "Carries")))
        run("ip", "link", "set", "dev", cut + "2", "nomaster")
        report.holds("where it led", holds_within(PATIENCE, lambda: told(cut + "1", "FarBridge") == ""))
        run("ip", "link", "delete", "dev", whole + "1")
        report.holds("apart", holds_within(PATIENCE, lambda: "segment" not in ask()))


topology_follows.needs_daemon = True

CASES = [topology_follows]
