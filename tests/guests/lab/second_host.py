# SPDX-License-Identifier: GPL-2.0-or-later
"""A second host beside the lab's first: a network, mounts and a name of its own, and in them
another bridge, bus, journal, libvirtd and guard. Guests migrate between the two.

      kali3 kali4 kali5                 honest   forger
        |     |     |                     |        |
      vk63  vk64  vk65                  vn21     vn22
    ====+=====+=====+===== up1 - up1 =====+========+====
         virbr6 here                   virbr6 there

A thread lives there: what second.do() is told to do is done in its namespaces, processes that are
started and files that are opened too. So all of the lab's modules can be used there as they are.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import cache, namespaces, wire
from .guard import Guard
from .libvirt import Libvirt, virsh
from .namespaces import LAB, mount
from .session import Session
from .two_bridges import Station
from .waiting import wait_until
from .world import BRIDGE, configuration, ip

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x20000, 0x4000000, 0x40000000  # <linux/sched.h>
NAME, ADDRESS = "mytwin", "127.0.1.2"
RUN = LAB / "second"  # its /run, as it is seen from the first
SHARED = LAB / "between"  # the same folder on both
UPLINK = "up1"
# (name, port, MAC, address) of two namespaces behind ports of its bridge
HONEST = ("honest", "vn21", "52:54:00:21:21:21", "192.168.50.21")
FORGER = ("forger", "vn22", "52:54:00:22:22:22", "192.168.50.22")

UPLINK_SECTION = f"\n[Port {UPLINK}]\nRole=uplink\n"
STATION_SECTION = "\n[Port {port}]\nRole=guest\nMACs={mac}\nAddresses={address}\n"


def leave_first_host():
    """Of this thread alone. <sched.h>: Python has it from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")


def cover(folder, content=None):
    """Another folder in its place: a copy of content, or an empty one."""
    inner = LAB / "cover" / folder.strip("/")
    inner.parent.mkdir(parents=True, exist_ok=True)
    if content:
        subprocess.run(["cp", "-a", content, inner], check=True)
    else:
        inner.mkdir()
    Path(folder).mkdir(parents=True, exist_ok=True)
    mount("--bind", inner, folder)


def build_walls(kept):
    """Not as the first one's: overlays cannot be stacked higher where the machine's own root is
    one."""
    shared = os.open(SHARED, os.O_PATH)
    with namespaces.keeping(kept):
        mount("--bind", RUN, "/run")
        cover("/etc", "/etc")
        cover("/var/cache/libvirt", "/var/cache/libvirt")  # what it has found out of QEMU
        for folder in ("/var/lib/libvirt", "/var/log/libvirt"):
            cover(folder)
    SHARED.mkdir()
    mount("--no-canonicalize", "--bind", f"/proc/{os.getpid()}/fd/{shared}", SHARED)
    os.close(shared)
    namespaces.mount_kernel_views()
    namespaces.be_called(NAME, ADDRESS)


def add_station(name, port, mac, address):
    """A namespace behind a port. Called on the second host."""
    ip("netns", "add", name)
    ip("link", "add", port, "type", "veth", "peer", "name", "eth0", "address", mac, "netns", name)
    ip("link", "set", port, "master", BRIDGE, "up")
    ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
    ip("-n", name, "link", "set", "eth0", "up")
    return Station(name, "eth0", address, ("ip", "netns", "exec", name))


class SecondHost:
    def __init__(self, world):
        self.world = world
        self.uri = f"qemu+unix:///system?socket={RUN}/libvirt/libvirt-sock"
        self.thread = ThreadPoolExecutor(1)

    def begin(self, what, *arguments, **options):
        """Does it there, one after the other; a future."""
        return self.thread.submit(what, *arguments, **options)

    def do(self, what, *arguments, **options):
        """Does it there, and gives what it gave."""
        return self.begin(what, *arguments, **options).result()

    # -- its life

    def build(self):
        RUN.mkdir()
        SHARED.mkdir()
        namespaces.make_run_folders(RUN)
        self.do(self.settle)
        self.lay_cable()
        self.honest = self.do(add_station, *HONEST)
        self.forger = self.do(add_station, *FORGER)

    def settle(self):
        world = self.world
        leave_first_host()
        build_walls([str(folder) for folder in (world.tree, world.build, cache.CACHE)])
        self.task = threading.get_native_id()
        ip("link", "add", BRIDGE, "type", "bridge", "ageing_time", 3000)
        ip("link", "set", BRIDGE, "up")
        self.session = Session(world.tree / "conf" / "org.bridgewarden1.conf")
        self.libvirt = Libvirt(f'host_uuid = "{uuid.uuid4()}"\n')
        self.guard = Guard(world.build, world.guard.present)

    def lay_cable(self):
        """Between the two bridges; its ends have one name, each on its host."""
        words = f"link add {UPLINK} type veth peer name {UPLINK} netns {self.task}"
        ip(*words.split())
        ip("link", "set", UPLINK, "master", BRIDGE, "up")
        self.do(ip, "link", "set", UPLINK, "master", BRIDGE, "up")

    def take_down(self):
        """Of what was not built nothing has to go."""
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("link", "del", UPLINK)
        self.do(self.end_all)
        self.thread.shutdown()
        shutil.rmtree(RUN, ignore_errors=True)
        shutil.rmtree(SHARED, ignore_errors=True)

    def end_all(self):
        if hasattr(self, "guard"):
            self.guard.stop()
        if hasattr(self, "libvirt"):
            for name in virsh("list", "--name").split():
                virsh("destroy", name, check=False)
            self.libvirt.stop()
        for name in (HONEST[0], FORGER[0]):
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
        if hasattr(self, "session"):
            self.session.journal.stop()
            self.session.bus.stop()

    # -- the guard there

    def arm(self):
        more = UPLINK_SECTION
        for _, port, mac, address in (HONEST, FORGER):
            more += STATION_SECTION.format(port=port, mac=mac, address=address)
        self.do(self.guard.configure, configuration(more))
        self.do(self.guard.start)
        self.do(self.guard.wait_armed, UPLINK, HONEST[1], FORGER[1])

    # -- frames

    @contextlib.contextmanager
    def count(self, interface, **options):
        """As the world's, of an interface there."""
        counting = self.world.count(interface, **options)
        count = self.do(counting.__enter__)
        try:
            yield wire.Count(lambda: self.do(count.read))
        finally:
            self.do(counting.__exit__, None, None, None)

    def send_frames(self, interface, *frames, **options):
        return self.do(self.world.send_frames, interface, *frames, **options)

    # -- guests that are on their way

    def signal_machine(self, name, number):
        """To the QEMU of a guest there."""
        os.kill(int((RUN / "libvirt" / "qemu" / f"{name}.pid").read_text()), number)


class Migration:
    """A guest on its way, slowly: until hurry() it stays under way for many seconds, and for ever
    while the machine it goes to is frozen."""

    def __init__(self, name, source, destination):
        """source, destination: as libvirt names hosts."""
        self.name, self.source = name, source
        command = ["virsh", "-q", "-c", source, "migrate", "--live", "--bandwidth", "1", name]
        command += [destination, "--migrateuri", f"unix://{SHARED}/{name}.migration"]
        self.log = LAB / "log" / "migration"
        with open(self.log, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def virsh(self, *arguments):
        return virsh(*arguments, uri=self.source)

    def is_copying(self):
        """Whether its memory is on its way."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the migration of {self.name} has ended: {self.outcome()[1]}")
        return "Memory processed:" in self.virsh("domjobinfo", self.name)

    def wait_copying(self):
        wait_until(f"{self.name}'s memory is copied", 10, self.is_copying)

    def hurry(self):
        self.virsh("migrate-setspeed", self.name, 1000)

    def abort(self):
        self.virsh("domjobabort", self.name)

    def is_stopped(self):
        """Whether the guest stands still for the last of it."""
        return "paused (migrating)" in self.virsh("domstate", self.name, "--reason")

    def outcome(self):
        """(whether it has arrived, what virsh said), at the end."""
        status = self.process.wait(120)
        return status == 0, self.log.read_text().strip()


@contextlib.contextmanager
def second_host(world):
    """Until the block ends; nothing of it stays."""
    host = SecondHost(world)
    try:
        host.build()
        yield host
    finally:
        host.take_down()
