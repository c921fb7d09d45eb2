# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces for the whole run. Whatever it starts or makes, network included, ends with it."""

import os
import subprocess
import sys

from lab.namespaces import load_br_netfilter

UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
           "--propagation", "private"]  # fmt: skip


def run_behind(arguments, limit_seconds):
    """Runs this program again behind the walls, with arguments; its exit status."""
    load_br_netfilter()
    command = [*UNSHARE, "--", sys.executable, *arguments]
    environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    for name in ("XTABLES_LOCKFILE", "NOTIFY_SOCKET"):
        environment.pop(name, None)
    with subprocess.Popen(command, env=environment) as run:
        try:
            return run.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            print(f"BROKEN: the run took longer than {limit_seconds} s", flush=True)
            return 1
        except KeyboardInterrupt:
            return 130
        finally:
            run.kill()


def build():
    """Inside: a /run of our own has the xtables lock and the namespaces' names, and hides the
    machine's bus and journal."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
