# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's own libvirtd, and virsh to it."""

import os
import signal
import subprocess
from pathlib import Path

from .namespaces import LAB, Service
from .waiting import wait_until

LIBVIRTD_CONF = """unix_sock_dir = "/run/libvirt"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_ro_perms = "0777"
log_outputs = "3:stderr"
"""

# cgroups and mounts are the machine's: the lab leaves them alone
QEMU_CONF = """user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
"""


def ensure_names():
    """The user and groups libvirtd looks up; the package that makes them is not installed."""
    wanted = {
        "/etc/passwd": ["libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin"],
        "/etc/group": ["libvirt-qemu:x:64055:", "libvirt:x:64056:", "kvm:x:64057:"],
    }
    for path, lines in wanted.items():
        text = Path(path).read_text()
        have = {line.split(":")[0] for line in text.splitlines()}
        missing = [line for line in lines if line.split(":")[0] not in have]
        Path(path).write_text(text + "".join(f"{line}\n" for line in missing))


URI = "qemu:///system"


def virsh(*arguments, check=True, uri=URI):
    """The output of virsh. Raises with its message when it fails and check is set."""
    answer = subprocess.run(
        ["virsh", "-q", "-c", uri, *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if check and answer.returncode:
        raise RuntimeError(f"virsh {' '.join(map(str, arguments))}: {answer.stderr.strip()}")
    return answer.stdout.strip() if check else answer.returncode == 0


class Libvirt:
    """more: lines of libvirtd.conf."""

    def __init__(self, more=""):
        ensure_names()
        Path("/etc/libvirt").mkdir(exist_ok=True)
        for stale in Path("/etc/libvirt").glob("**/*.xml"):
            stale.unlink()
        for folder in ("hooks", "qemu/autostart"):
            for stale in Path("/etc/libvirt", folder).glob("*"):
                stale.unlink()
        Path("/etc/libvirt/qemu.conf").write_text(QEMU_CONF)
        self.conf = LAB / "libvirtd.conf"
        self.conf.write_text(LIBVIRTD_CONF + more)
        self.service = None
        self.start()

    def start(self):
        self.service = Service(["libvirtd", "-f", str(self.conf)])
        wait_until("libvirtd answers", 20, lambda: virsh("uri", check=False), 0.05)

    def stop(self):
        self.service.stop()

    def kill(self):
        self.service.kill()

    def freeze(self):
        self.service.signal(signal.SIGSTOP)

    def thaw(self):
        self.service.signal(signal.SIGCONT)


def guest_type():
    return os.environ.get("BW_GUEST_TYPE", "qemu")
