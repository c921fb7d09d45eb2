# SPDX-License-Identifier: GPL-2.0-or-later
"""The walls of the lab: own network, mounts, processes, host name, IPC; own /etc, /run, /var, /sys.

What is written below /etc, /run and /var lands in memory and is gone with the lab. Every process
ends with the lab's process namespace. The time limit stands outside it.
"""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

# pdeathsig: whoever ends the program outside ends the lab, and with it all its processes.
UNSHARE = """setpriv --pdeathsig KILL
    unshare --net --mount --pid --uts --ipc --fork --mount-proc --kill-child --propagation private
    --""".split()
LAB = Path("/run/lab")
HOST_NAME = "mytux"
MARK = "BW_LAB_INSIDE"
FOREIGN_VARIABLES = (
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "NOTIFY_SOCKET",
    "XDG_RUNTIME_DIR",
    "XTABLES_LOCKFILE",
)
BRIDGE_SWITCHES = Path("/proc/sys/net/bridge")


def load_br_netfilter():
    """Without the module no lab can see bridged packets. Loading it would switch the filtering of
    bridged packets on for this machine's own bridges too, so that is switched off at once."""
    if BRIDGE_SWITCHES.exists():
        return
    subprocess.run(["modprobe", "br_netfilter"], check=True)
    for name in ("iptables", "ip6tables", "arptables"):
        (BRIDGE_SWITCHES / f"bridge-nf-call-{name}").write_text("0\n")
    print("# loaded br_netfilter; this machine's own bridges stay unfiltered", file=sys.stderr)


def behind_walls(inside, kept=(), limit_seconds=None):
    """Runs this program again behind the walls, and there calls inside(). The exit status.
    kept: folders that stay visible although they may lie below a covered one."""
    if os.environ.pop(MARK, None):
        build_walls([str(folder) for folder in kept])
        stand_as_init()
        clean_environment()
        return inside()
    if os.geteuid() != 0:
        print("Bail out! the lab needs root (to make namespaces; nothing outside them is touched)")
        return 77
    load_br_netfilter()
    return run_again(limit_seconds)


def run_again(limit_seconds):
    command = [*UNSHARE, sys.executable, *sys.argv]
    lab = subprocess.Popen(command, env={**os.environ, MARK: "1"})
    try:
        return lab.wait(limit_seconds)
    except subprocess.TimeoutExpired:
        print(f"Bail out! the lab took longer than {limit_seconds} s", flush=True)
        return 124
    except KeyboardInterrupt:
        return 130
    finally:
        lab.kill()
        lab.wait()


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def mount_private_copy(folder, upper):
    (upper / "upper").mkdir(parents=True)
    (upper / "work").mkdir()
    layers = f"lowerdir={folder},upperdir={upper}/upper,workdir={upper}/work"
    mount("-t", "overlay", "-o", layers, "lab", folder)


def mount_kernel_views():
    mount("-t", "sysfs", "sysfs", "/sys")
    # journald wants to see one; read-only, for the groups are the machine's
    mount("-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")
    mount("-o", "remount,bind,ro", "/sys/fs/cgroup")


def be_called(name, address):
    """Of this network namespace, with an address of its own loopback."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["hostname", name], check=True)
    with open("/etc/hosts", "a") as hosts:  # libvirtd asks for it at every guest's start
        hosts.write(f"{address} {name}\n")


@contextlib.contextmanager
def keeping(folders):
    """What the block covers of these folders is visible again when it ends."""
    handles = {folder: os.open(folder, os.O_PATH) for folder in folders if Path(folder).exists()}
    yield
    for folder, handle in handles.items():
        if not Path(folder).exists():
            Path(folder).mkdir(parents=True)
        # not by its path, which leads below the cover by now
        mount("--no-canonicalize", "--bind", f"/proc/{os.getpid()}/fd/{handle}", folder)
        os.close(handle)


def make_run_folders(run):
    for folder in ("lock", "lab", "lab/home", "lab/log", "dbus", "systemd", "libvirt"):
        Path(run, folder).mkdir()


def build_walls(kept):
    with keeping(kept):
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
        make_run_folders("/run")
        for folder in ("/etc", "/var"):
            mount_private_copy(folder, LAB / "cover" / folder.strip("/"))
    mount_kernel_views()
    be_called(HOST_NAME, "127.0.1.1")


def stand_as_init():
    """Forks: the parent stays as the first process of the namespace and buries orphans."""
    child = os.fork()
    if child == 0:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pid, status = os.wait()
        if pid == child:
            sys.stdout.flush()
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def clean_environment():
    os.environ.update(HOME=str(LAB / "home"), LC_ALL="C", PATH="/usr/sbin:/usr/bin:/sbin:/bin")
    for name in FOREIGN_VARIABLES:
        os.environ.pop(name, None)


class Service:
    """A program the lab runs beside the tests, with its output in a file."""

    def __init__(self, command, log=None, env=None):
        self.log = LAB / "log" / (log or Path(command[0]).name)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
            )

    @property
    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.alive:
            self.process.send_signal(number)

    def stop(self, seconds=10):
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.process.wait()


def last_lines_of_logs(pattern="*", lines=12):
    """For whoever has to find out why."""
    parts = []
    for log in sorted((LAB / "log").glob(pattern)):
        parts += [f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]]
    return "\n".join(parts)
