# SPDX-License-Identifier: GPL-2.0-or-later
"""Installed, under a real systemd: started, stopped, reloaded, killed, hung, without journald."""

import json
import os
import subprocess
from pathlib import Path

from lab import cache, systemd
from lab.namespaces import LAB

MACHINE = Path(__file__).resolve().parent.parent / "service" / "machine"
IMAGE = LAB / "image"


def has_system_paths(build):
    """Whether it was set up with --prefix=/usr, so that systemd and the bus find its files."""
    answer = subprocess.run(
        ["meson", "introspect", "--buildoptions", str(build)],
        check=True,
        capture_output=True,
        text=True,
    )
    options = {option["name"]: option["value"] for option in json.loads(answer.stdout)}
    return options["prefix"] == "/usr"


def build_for_installing(world):
    if has_system_paths(world.build):
        return world.build
    build = LAB / "build-usr"
    for command in (["meson", "setup", "--prefix=/usr", build, world.tree], ["ninja", "-C", build]):
        subprocess.run(command, check=True, capture_output=True)
    return build


def install_image(world):
    IMAGE.mkdir()
    if world.guard.present:
        command = ["meson", "install", "--no-rebuild", "-C", build_for_installing(world)]
        environment = {**os.environ, "DESTDIR": str(IMAGE)}
        subprocess.run(command, check=True, capture_output=True, env=environment)


def read_results():
    """[kind of check, text, whether it held, note], as service/checks.py wrote them."""
    path = systemd.OUT / "results"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def run(world, report):
    install_image(world)
    kept = map(str, [world.tree, world.build, cache.CACHE])
    present = "yes" if world.guard.present else "no"
    console = systemd.boot(MACHINE, "become", str(IMAGE), world.tool, present, *kept)
    failed, rows = report.failed, read_results()
    for kind, text, ok, note in rows:
        getattr(report, kind)(text, ok, note)
    report.check("the machine came up and ran its checks", len(rows) > 10, f"{len(rows)} results")
    if report.failed > failed:
        output = systemd.OUT / "output"
        report.comment(output.read_text(errors="replace") if output.exists() else console)
