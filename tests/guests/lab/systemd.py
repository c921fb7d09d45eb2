# SPDX-License-Identifier: GPL-2.0-or-later
"""A second machine inside the lab: this machine's own root under a cover, with a real systemd.

boot() starts a program in new namespaces; that calls become_system(), which prepares the root and
turns into systemd. systemd runs a script as a unit once it is up, and powers off.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .namespaces import LAB, mount
from .waiting import holds_within

UNSHARE = """unshare --net --mount --pid --uts --ipc --cgroup --fork --kill-child
    --propagation private --""".split()
HERE = Path(__file__).resolve().parent.parent
ROOT = LAB / "systemd" / "root"
OUT = LAB / "systemd" / "out"
CGROUPS = LAB / "systemd" / "cgroup"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "net/tun")
LIMIT_SECONDS = 90

# What this machine may have enabled and the test has no use for.
MASKED = """
    systemd-timesyncd systemd-networkd systemd-resolved systemd-udevd systemd-udev-trigger
    systemd-modules-load NetworkManager networking ifupdown-pre libvirtd libvirtd.socket
    libvirtd-ro.socket libvirtd-admin.socket libvirt-guests virtlogd virtlogd.socket
    virtlockd virtlockd.socket ssh cron apt-daily.timer apt-daily-upgrade.timer getty@tty1
    console-getty systemd-firstboot systemd-growfs-root systemd-remount-fs apparmor auditd
    fstrim.timer
""".split()

UNITS = {
    "lab.target": """[Unit]
Requires=sysinit.target dbus.service
After=sysinit.target dbus.service
AllowIsolate=yes
""",
    "lab-run.service": """[Unit]
After=lab.target
[Service]
Type=oneshot
ExecStart={python} {script} {arguments}
StandardOutput=file:{out}/output
StandardError=inherit
ExecStopPost=/bin/systemctl --no-block poweroff
""",
    # there is no other disk than the root under its cover
    "../fstab": "",
}


def cover_root():
    base = LAB / "systemd" / "cover"
    base.mkdir(parents=True)
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", base)
    for name in ("upper", "work"):
        (base / name).mkdir()
    ROOT.mkdir(parents=True)
    # the machine's own root, not the lab's covers of its folders
    layers = f"lowerdir=/,upperdir={base}/upper,workdir={base}/work"
    mount("-t", "overlay", "-o", layers, "lab", ROOT)


def keep_folders(kept):
    """After /tmp and /run have their covers: a tree may have been cloned there."""
    for folder in kept:
        target = ROOT / Path(folder).relative_to("/")
        target.mkdir(parents=True, exist_ok=True)
        mount("--bind", folder, target)


def fill_dev():
    dev = ROOT / "dev"
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", dev)
    for name in ("net", "shm", "pts"):
        (dev / name).mkdir()
    for name in (*DEVICES, "console"):
        (dev / name).touch()
        mount("--bind", "/dev/null" if name == "console" else f"/dev/{name}", dev / name)
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,gid=5", "devpts", dev / "pts")
    (dev / "ptmx").symlink_to("pts/ptmx")
    (dev / "fd").symlink_to("/proc/self/fd")


def fill_kernel_views():
    mount("-t", "proc", "proc", ROOT / "proc")
    mount("-t", "sysfs", "sysfs", ROOT / "sys")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", ROOT / "run")
    mount("-t", "tmpfs", "tmpfs", ROOT / "tmp")
    mount("-t", "cgroup2", "cgroup2", ROOT / "sys/fs/cgroup")
    (ROOT / OUT.relative_to("/")).mkdir(parents=True)
    mount("--bind", OUT, ROOT / OUT.relative_to("/"))


def write_units(script, arguments):
    units = ROOT / "etc/systemd/system"
    shutil.rmtree(units, ignore_errors=True)  # what this machine has enabled for itself
    (units / "lab.target.wants").mkdir(parents=True)
    for name in MASKED:
        unit = name if name.endswith((".socket", ".timer")) else f"{name}.service"
        (units / unit).symlink_to("/dev/null")
    for name, text in UNITS.items():
        (units / name).write_text(
            text.format(python=sys.executable, script=script, out=OUT, arguments=arguments)
        )
    (units / "lab.target.wants/lab-run.service").symlink_to("../lab-run.service")
    machine_id = ROOT / "etc/machine-id"
    machine_id.unlink(missing_ok=True)
    machine_id.write_text(os.urandom(16).hex() + "\n")


def become_system(script, arguments, install, kept):
    """Runs as PID 1 of the new namespaces."""
    cover_root()
    write_units(script, arguments)
    install(ROOT)
    fill_kernel_views()
    keep_folders(kept)
    fill_dev()
    os.chroot(ROOT)
    os.chdir("/")
    environment = {"container": "lab", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    command = ["systemd", "--log-target=journal", "--unit=lab.target"]
    os.execve("/lib/systemd/systemd", command, environment)


class OwnCgroup:
    """A leaf of the machine's tree of control groups, for the time of the run."""

    def __enter__(self):
        CGROUPS.mkdir(parents=True)
        mount("-t", "cgroup2", "cgroup2", CGROUPS)
        self.leaf = CGROUPS / f"bridgewarden-lab-{os.urandom(4).hex()}"
        self.leaf.mkdir()
        return self.leaf

    def __exit__(self, *_):
        def remove():
            try:
                for folder, _, _ in os.walk(self.leaf, topdown=False):
                    os.rmdir(folder)
            except OSError:  # a process is still on its way out
                return False
            return True

        holds_within(5, remove)
        subprocess.run(["umount", str(CGROUPS)], check=True)
        CGROUPS.rmdir()


def boot(program, *arguments):
    """program: a file that calls become_system(). Returns the console's text."""
    OUT.mkdir(parents=True)
    with OwnCgroup() as leaf, open(OUT / "console", "wb") as console:

        def join():
            (leaf / "cgroup.procs").write_text(str(os.getpid()))

        system = subprocess.Popen(
            [*UNSHARE, sys.executable, str(program), *arguments],
            preexec_fn=join,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        )
        try:
            system.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            system.kill()
            system.wait()
    return (OUT / "console").read_text(errors="replace")
