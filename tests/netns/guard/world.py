# SPDX-License-Identifier: GPL-2.0-or-later
"""Bridges, ports and the far ends of ports, each far end in a network namespace of its own."""

import contextlib
import ctypes
import os
import random
import re
import select
import socket
import subprocess
import time
from pathlib import Path

from . import frames

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
SOL_PACKET = 263
PATIENCE = 30  # seconds for what must come; how fast it comes is not asked here
FENCE_SECONDS = PATIENCE
HOPS = 3  # into the bridge, out of it, and one for a host's port
PACKET_QDISC_BYPASS = 20

libc = ctypes.CDLL(None, use_errno=True)
EVERYWHERE = list(os.sched_getaffinity(0))


def go_anywhere():
    """For processes that need not be on the processor of the test."""
    os.sched_setaffinity(0, EVERYWHERE)


def run(*words, **options):
    return subprocess.run(
        [str(word) for word in words],
        check=True,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        **options,
    ).stdout


def holds_within(seconds, condition):
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.01)


def prepare_namespace():
    """Called once, when the process is alone in its network and mount namespace."""
    os.sched_setaffinity(0, [random.choice(EVERYWHERE)])  # see Lane
    run("mount", "-t", "tmpfs", "none", "/run")
    subprocess.run(["mount", "-t", "sysfs", "none", "/sys"], check=False, capture_output=True)
    Path("/run/netns").mkdir()
    run("ip", "link", "set", "lo", "up")
    for folder in ("all", "default"):
        with contextlib.suppress(OSError):
            Path(f"/proc/sys/net/ipv6/conf/{folder}/disable_ipv6").write_text("1")


@contextlib.contextmanager
def inside(namespace):
    """This thread's network namespace, for opening sockets: they stay where they were opened."""
    with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{namespace}", "rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


def wait_up(port):
    """The kernel may take a second to let frames out of an interface that has just got its carrier."""
    state = Path(f"/sys/class/net/{port}/operstate")
    if not holds_within(PATIENCE, lambda: state.read_text().strip() == "up"):
        raise RuntimeError(f"port {port!a} does not come up")


class Far:
    """The far end of a port: what a guest would have as its eth0."""

    def __init__(self, namespace, interface, mac):
        self.mac = mac
        self.namespace = namespace
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            with contextlib.suppress(PermissionError):  # an ordinary user's namespace
                self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
            self.socket.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
            self.socket.bind((interface, ETH_P_ALL))
        self.socket.setblocking(False)

    def send(self, frame):
        self.socket.send(frame)

    def ip(self, source, destination, to=frames.BROADCAST, token=None, mac=None, **options):
        """Sends one IPv4 packet and returns the token that marks it."""
        token = token or frames.new_token()
        packet = frames.ipv4(source, destination, token, **options)
        self.send(frames.ethernet(mac or self.mac, to, packet))
        return token

    def udp(self, source, destination, ports, payload, to=frames.BROADCAST, mac=None, **options):
        packet = frames.ipv4(source, destination, frames.udp(*ports, payload), 17, **options)
        self.send(frames.ethernet(mac or self.mac, to, packet))

    def read_all(self):
        """All frames that are there; those we sent ourselves left out."""
        got = []
        while select.select([self.socket], [], [], 0)[0]:
            frame, address = self.socket.recvfrom(2048)
            if address[2] != socket.PACKET_OUTGOING:
                got.append(frame)
        return got

    def close(self):
        self.socket.close()


class Lane:
    """A pair of interfaces that no bridge has. A processor takes the frames of all interfaces from
    one queue, in order: what was sent before, by this process on this processor, has come one hop
    further when a frame has gone along the lane."""

    def __init__(self):
        run("ip", "link", "add", "name", "lane0", "type", "veth", "peer", "name", "lane1")
        self.ends = [self.open(name) for name in ("lane0", "lane1")]

    def open(self, name):
        run("ip", "link", "set", "dev", name, "up")
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        end.bind((name, ETH_P_ALL))
        return end

    def pass_one(self):
        token, end = frames.new_token(), time.monotonic() + FENCE_SECONDS
        self.ends[0].send(frames.ethernet("52:54:00:00:ff:01", frames.BROADCAST, token, 0x88B5))
        while time.monotonic() < end:
            if select.select([self.ends[1]], [], [], 0.2)[0] and token in self.ends[1].recv(2048):
                return
        raise RuntimeError("a frame did not come along a pair of interfaces")


class World:
    def __init__(self):
        self.fars = {}
        self.lane = Lane()

    def settle(self):
        """Until what was just sent into a bridge has come out of it, or never will."""
        for _ in range(HOPS):
            self.lane.pass_one()

    def bridge(self, name, *options):
        run("ip", "link", "add", "name", name, "type", "bridge", *options)
        run("ip", "link", "set", "dev", name, "up")

    def far(self, port, octet):
        """A veth pair; the near end lies unplugged in the daemon's namespace."""
        namespace, mac = f"far{octet}", f"52:54:00:00:00:{octet:02x}"
        run("ip", "netns", "add", namespace)
        run("ip", "link", "add", "name", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        run("ip", "-n", namespace, "link", "set", "eth0", "address", mac)
        run("ip", "-n", namespace, "link", "set", "eth0", "up")
        self.fars[port] = Far(namespace, "eth0", mac)
        return self.fars[port]

    def plug(self, port, bridge):
        run("ip", "link", "set", "dev", port, "master", bridge, "up")
        wait_up(port)

    def port(self, port, bridge, octet):
        far = self.far(port, octet)
        self.plug(port, bridge)
        return far

    def arrivals(self, token, *receivers):
        """Which of the receivers got the frame just sent."""
        self.settle()
        return {far for far in receivers if any(token in frame for frame in far.read_all())}


def raw_rules(options=()):
    text = run("iptables-legacy-save", *options, "-t", "raw") + run(
        "iptables-legacy-save", *options, "-t", "mangle"
    )
    return [line for line in text.splitlines() if not line.startswith("#")]


def rules_without_counters():
    return [line.split(" [")[0] if line.startswith(":") else line for line in raw_rules()]


def has_chain(name):
    return any(line.startswith(f":{name} ") for line in raw_rules())


def chain_drops(chain, table="raw"):
    text = run("iptables-legacy", "-t", table, "-nvxL", chain)
    return sum(int(line.split()[0]) for line in text.splitlines() if " DROP " in line)


def learned_port(bridge, mac):
    """Where the bridge sends frames for a MAC; None: to all ports."""
    for line in run("bridge", "fdb", "show", "br", bridge).splitlines():
        words = line.split()
        if words[0] == mac and "permanent" not in words:
            return words[2]
    return None


def table_counts(port, reason, direction="in"):
    """What the nftables table has counted for the port; dropped or not."""
    text = run("nft", "list", "set", "bridge", "bridgewarden", f"seen-{direction}-{reason}")
    found = re.search(rf'"{re.escape(port)}" counter packets (\d+)', text)
    return int(found[1]) if found else 0


def write(path, text):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8", errors="surrogateescape")
    os.replace(new, path)
