# SPDX-License-Identifier: GPL-2.0-or-later
"""kali4 sends with kali5's address: to kali3, to all, and to the host itself."""

import contextlib
import socket
from pathlib import Path

from lab.world import BRIDGE, ip

HOST = "192.168.50.1"
PACKETS = 20


def bridge_mac():
    return Path(f"/sys/class/net/{BRIDGE}/address").read_text().strip()


@contextlib.contextmanager
def host_listens():
    """A program of the host that takes datagrams on port 9, as the wire tool sends them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((HOST, 9))
        listener.settimeout(0.3)
        yield listener


def senders_heard(listener):
    senders = set()
    with contextlib.suppress(TimeoutError):
        while True:
            senders.add(listener.recvfrom(2048)[1][0])
    return senders


def attack(world, kali):
    """What arrives of kali4's datagrams in the name of kali5."""
    lie = {"src": kali.five.ip, "count": PACKETS}
    with kali.three.counting(src=kali.five.ip) as at_three, host_listens() as listener:
        kali.four.send(dst=kali.three.ip, dmac=kali.three.mac, **lie)
        kali.four.send(**lie)  # to all
        kali.four.send(dst=HOST, dmac=bridge_mac(), **lie)
        at_host = kali.five.ip in senders_heard(listener)
        at_three.reaches(2 * PACKETS, 1)
        return at_three.packets, at_host


def run(world, report):
    kali = world.unguarded_kali()
    ip("addr", "add", f"{HOST}/24", "dev", BRIDGE)
    try:
        at_three, at_host = attack(world, kali)
        heard = at_three == 2 * PACKETS
        report.check("unguarded: kali3 hears kali4 as kali5", heard, f"{at_three} packets")
        report.check("unguarded: the host hears kali4 as kali5", at_host)

        kali = world.armed_kali()
        before = world.guard.dropped_in("raw", "bw-i-vk64")
        at_three, at_host = attack(world, kali)
        report.nothing_passes("kali3 hears nothing of it", at_three)
        report.guard_check("the host hears nothing of it", not at_host)
        dropped = world.guard.dropped_in("raw", "bw-i-vk64") - before
        each = dropped == 3 * PACKETS
        report.guard_check("the rules of vk64 have counted each", each, f"{dropped} packets")
        report.guard_check(
            "the journal names port, reason and whose address it was",
            world.guard.says("violation", "BW_PORT=vk64", "BW_REASON=spoofed-ip"),
        )

        with host_listens() as listener:
            kali.four.send(src=kali.four.ip, dst=HOST, dmac=bridge_mac())
            report.check("the host hears kali4 as itself", kali.four.ip in senders_heard(listener))
        report.check("ping from kali4 to the host", kali.four.ping(HOST)[0] == 3)
        report.check("ping from kali4 to kali5", kali.four.ping(kali.five.ip)[0] == 3)
    finally:
        ip("addr", "del", f"{HOST}/24", "dev", BRIDGE)
