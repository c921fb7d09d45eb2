# SPDX-License-Identifier: GPL-2.0-or-later
"""A bus of the test's own, and what the daemon says on it."""

import contextlib
import json
import os
import subprocess

from .world import PATIENCE, holds_within, run, write

ADDRESS = "unix:path=/run/test-bus"
CONFIG = f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>{ADDRESS}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
</policy></busconfig>
"""
PLACE = ("org.bridgewarden1", "/org/bridgewarden1", "org.bridgewarden1.Manager")


@contextlib.contextmanager
def private_bus():
    """Daemons that start inside find it; it ends with the block."""
    write("/run/test-bus.conf", CONFIG)
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = ADDRESS
    process = subprocess.Popen(
        ["dbus-daemon", "--nofork", "--nopidfile", "--config-file=/run/test-bus.conf"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        if not holds_within(PATIENCE, lambda: os.path.exists("/run/test-bus")):
            raise RuntimeError("no bus")
        yield
    finally:
        process.kill()
        process.wait()
        del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]


def ask(*words):
    return json.loads(run("busctl", f"--address={ADDRESS}", "--json=short", *words))["data"]


def ports():
    """By name: what ListPorts() says."""
    plain = lambda row: {key: value["data"] for key, value in row.items()}
    rows = [plain(row) for row in ask("call", *PLACE, "ListPorts")[0]]
    return {row["Port"]: row for row in rows}


def state(name):
    return ask("get-property", *PLACE, name)


def engines_in_force():
    return {name for name, in_force, _ in state("Engines") if in_force}


def call(method):
    run("busctl", f"--address={ADDRESS}", "call", *PLACE, method)


def is_there():
    """The daemon has come to the bus."""
    with contextlib.suppress(subprocess.CalledProcessError):
        return state("Version")
    return None
