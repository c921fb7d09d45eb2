# SPDX-License-Identifier: GPL-2.0-or-later
"""DHCP servers: dnsmasq as the real one, busybox's udhcpd in a guest as the rogue."""

import contextlib
import subprocess

from .namespaces import LAB, Service
from .waiting import wait_until
from .world import ip

LEASE_SECONDS = 300


def run_dnsmasq(name, interface, guests, delay, inside=()):
    """Only reservations; no DNS. inside: the words that lead into another network namespace."""
    hosts = [f"--dhcp-host={guest.mac},{guest.ip},{LEASE_SECONDS}" for guest in guests]
    command = [
        *inside,
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--user=root",
        "--port=0",
        "--no-ping",
        "--log-dhcp",
        "--log-facility=-",
        f"--interface={interface}",
        "--bind-interfaces",
        "--dhcp-range=192.168.50.0,static",
        f"--dhcp-reply-delay={delay}",
        f"--pid-file={LAB}/{name}.pid",
        f"--dhcp-leasefile={LAB}/{name}.leases",
        *hosts,
    ]
    return Service(command, name)


@contextlib.contextmanager
def dnsmasq(name, interface, guests, delay=0, inside=()):
    """delay: seconds until it offers. A rogue that is nearer is faster."""
    service = run_dnsmasq(name, interface, guests, delay, inside)
    ready = lambda: "sockets bound exclusively to interface" in service.log.read_text()
    try:
        wait_until(f"{name} listens", 5, lambda: ready() or not service.alive)
        if not service.alive:
            raise RuntimeError(f"dnsmasq does not run: {service.log.read_text()[-300:]}")
        yield service
    finally:
        service.stop()
        service.log.unlink()


@contextlib.contextmanager
def namespace_behind_port(world, port, end, mac, address):
    """A network namespace with a cable to the bridge; what to write before a command in it."""
    name = f"behind-{port}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        world.add_cable(port, end)
        ip("link", "set", end, "down", "address", mac, "netns", name)
        for words in (f"addr add {address}/24 dev {end}", f"link set {end} up", "link set lo up"):
            ip("-n", name, *words.split())
        yield ["ip", "netns", "exec", name]
    finally:
        world.remove_cable(port)
        subprocess.run(["ip", "netns", "del", name], check=True)


UDHCPD_CONF = """interface eth0
start {first}
end {last}
static_lease {mac} {lure}
opt router {router}
opt subnet 255.255.255.0
opt lease 300
lease_file /tmp/udhcpd.leases
pidfile /tmp/udhcpd.pid
"""


@contextlib.contextmanager
def rogue(guest, victim, lure):
    """A guest that offers lure to the victim, and itself as the way out."""
    text = UDHCPD_CONF.format(
        first=lure, last=lure, mac=victim.mac, lure=lure, router=guest.ip
    ).replace("\n", "\\n")
    guest.ask(f"printf '{text}' >/tmp/udhcpd.conf && touch /tmp/udhcpd.leases")
    pid = guest.ask("udhcpd -f /tmp/udhcpd.conf >/dev/null 2>&1 & echo $!")
    wait_until("udhcpd listens", 5, lambda: guest.run("netstat -lnu | grep -q ':67 '")[0] == 0)
    try:
        yield
    finally:
        guest.run(f"kill {pid}")
