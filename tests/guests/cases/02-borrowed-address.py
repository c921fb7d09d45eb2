# SPDX-License-Identifier: GPL-2.0-or-later
"""kali4 sends with kali5's address: to kali3, to all, and to the host itself."""

import contextlib
import socket

from lab.guard import ENGINES
from lab.scene import HOST, host_has_address
from lab.world import BRIDGE, mac_of

PACKETS = 20


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
        kali.four.send(dst=HOST, dmac=mac_of(BRIDGE), **lie)
        at_host = kali.five.ip in senders_heard(listener)
        at_three.reaches(2 * PACKETS, 1)
        return at_three.packets, at_host


def check_engine(world, report, engine):
    kali = world.armed_kali(engines=(engine,))
    guard = world.guard
    told = len(guard.events("violation", "BW_PORT=vk64", "BW_REASON=spoofed-ip"))
    before = guard.denied("vk64", "spoofed-ip")
    at_three, at_host = attack(world, kali)
    report.nothing_passes(f"{engine}: kali3 hears nothing of it", at_three)
    report.guard_check(f"{engine}: the host hears nothing of it", not at_host)
    dropped = guard.denied("vk64", "spoofed-ip") - before
    each = dropped == 3 * PACKETS
    report.guard_check(f"{engine}: the rules have counted each", each, f"{dropped} packets")
    report.guard_check(
        f"{engine}: the journal names port, reason and whose address it was",
        guard.says("violation", "BW_PORT=vk64", "BW_REASON=spoofed-ip", after=told),
    )


def run(world, report):
    kali = world.unguarded_kali()
    with host_has_address():
        at_three, at_host = attack(world, kali)
        heard = at_three == 2 * PACKETS
        report.check("unguarded: kali3 hears kali4 as kali5", heard, f"{at_three} packets")
        report.check("unguarded: the host hears kali4 as kali5", at_host)

        for engine in ENGINES:
            check_engine(world, report, engine)
        kali = world.armed_kali()
        with host_listens() as listener:
            kali.four.send(src=kali.four.ip, dst=HOST, dmac=mac_of(BRIDGE))
            report.check("the host hears kali4 as itself", kali.four.ip in senders_heard(listener))
        report.check("ping from kali4 to the host", kali.four.ping(HOST)[0] == 3)
        report.check("ping from kali4 to kali5", kali.four.ping(kali.five.ip)[0] == 3)
