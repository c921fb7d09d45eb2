# SPDX-License-Identifier: GPL-2.0-or-later
"""A bus of the benchmark's own, so that the daemon can be asked."""

import contextlib
import os
import subprocess
from pathlib import Path

from driver.lanes import Broken

ADDRESS = "unix:path=/run/bench-bus"
CONFIG = f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>{ADDRESS}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
</policy></busconfig>
"""


@contextlib.contextmanager
def private_bus():
    """The environment in which programs find it; it ends with the block."""
    config = Path("/run/bench-bus.conf")
    config.write_text(CONFIG)
    command = ["dbus-daemon", "--nofork", "--nopidfile", "--print-address", f"--config-file={config}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as bus:
        try:
            # it prints its address as soon as it listens
            if not bus.stdout.readline():
                raise Broken("no bus: dbus-daemon did not start")
            yield {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": ADDRESS}
        finally:
            bus.kill()
