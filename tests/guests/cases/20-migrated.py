# SPDX-License-Identifier: GPL-2.0-or-later
"""kali3 is migrated live to a second host and back, and twice it does not get there: once somebody
calls it off, once the machine it goes to dies when kali3 stands still here already.

All the while it has one TCP connection with kali4. kali5 here, and a forger there, say that they
are kali3. Whoever is on the cable between the hosts, where no guard stands, speaks in its name,
too: that is its own word for the host where it is not, and must not pass where it is."""

import contextlib
import re
import signal

from lab import frames
from lab.libvirt import URI, virsh
from lab.namespaces import last_lines_of_logs
from lab.second_host import FORGER, HONEST, UPLINK, UPLINK_SECTION, Migration, second_host
from lab.waiting import PATIENCE, holds_within, wait_until
from lab.world import is_locked

PORT = "vk63"
PORTS = (PORT, "vk64", "vk65", UPLINK)
ON_THE_CABLE = "02:00:00:00:00:99"  # no guard knows this MAC
PACKETS = 20
# together longer than the second a fresh entry is not overwritten
TRIES, ROUNDS, PAUSE_US = 3, 15, 50_000
HANDFUL = 10
ECHO = 7  # the port of RFC 862
SAY = "(n=0; while [ ! -e /tmp/enough ]; do echo $n; n=$((n + 1)); usleep 100000; done)"


class Talk:
    """kali4 and kali3, without a pause: numbered lines, there and back on one TCP connection."""

    def __init__(self, kali):
        self.three, self.four = kali.three, kali.four
        self.server = self.three.ask(f"nc -ll -p {ECHO} -e cat >/dev/null 2>&1 & echo $!")
        self.four.ask(f"rm -f /tmp/enough; {SAY} | nc {self.three.ip} {ECHO} >/tmp/echo 2>&1 &")

    def heard(self):
        return int(self.four.ask("wc -l </tmp/echo"))

    def goes_on(self):
        """Whether more comes back."""
        before = self.heard()
        return bool(holds_within(PATIENCE, lambda: self.heard() >= before + 3, 0.1))

    def state(self):
        """For whoever has to find out why it does not."""
        words = "ps -o pid,args | grep -v '\\['; cat /proc/uptime /proc/net/arp /proc/net/tcp"
        both = (self.three, self.four)
        return "\n".join(f"{guest.name}:\n{guest.run(words)[1]}" for guest in both)

    def ended(self):
        return self.four.run("pidof nc")[0] != 0

    def end(self):
        """(whether all that came back was in its order and nothing missing, how many lines)"""
        self.four.ask("touch /tmp/enough")
        ended = holds_within(PATIENCE, self.ended, 0.1)
        self.three.run(f"kill {self.server}")
        lines = self.four.ask("cat /tmp/echo").split()
        return bool(ended) and lines == [str(n) for n in range(len(lines))], len(lines)


class Pings:
    """kali4 pings kali3 five times a second."""

    def __init__(self, kali):
        self.four = kali.four
        self.pid = self.four.ask(
            f"ping -i 0.2 -c 1000 {kali.three.ip} >/tmp/pings 2>&1 & echo $!"
        )

    def answered(self):
        return [int(n) for n in re.findall(r"seq=(\d+)", self.four.ask("cat /tmp/pings"))]

    def end(self):
        """How many were lost until some are answered again. None: they never are."""
        before = len(self.answered())
        again = holds_within(PATIENCE, lambda: len(self.answered()) >= before + 5, 0.1)
        self.four.run(f"kill {self.pid}")
        numbers = self.answered()
        return numbers[-1] + 1 - len(set(numbers)) if again else None


class Scene:
    def __init__(self, world, report, second):
        self.world, self.report, self.second = world, report, second
        self.three, self.five = world.kali.three, world.kali.five
        self.talk = Talk(world.kali)

    # -- whoever is on the cable

    def in_its_name(self, receiver):
        packet = frames.ipv4(self.three.ip, receiver.ip, frames.UDP, bytes(8))
        return frames.ethernet(ON_THE_CABLE, receiver.mac, frames.IPV4, packet)

    def heard(self, host, port, sender, receiver):
        """How many datagrams in kali3's name reach receiver from the far end of the cable."""
        of_cable = frames.at(
            source=frames.mac_bytes(ON_THE_CABLE),
            kind=b"\x08\x00",
            ipv4_source=frames.ip_bytes(self.three.ip),
        )
        with host.count(port, dir="out", at=of_cable) as count:
            sender.send_frames(UPLINK, self.in_its_name(receiver), count=PACKETS, us=1000)
            count.reaches(PACKETS, 0.5)
            return count.packets

    def heard_here(self):
        return self.heard(self.world, self.five.tap, self.second, self.five)

    def heard_there(self):
        return self.heard(self.second, HONEST[1], self.world, self.second.honest)

    # -- those who say that they are kali3

    def lie(self, liar, victim):
        return frames.arp(frames.REPLY, (liar.mac, self.three.ip), (victim.mac, victim.ip))

    def lie_at_once(self):
        """Each to somebody on the other host. Where those then think kali3 is: (there, here)"""
        second, honest, forger = self.second, self.second.honest, self.second.forger
        often = {"count": ROUNDS, "us": PAUSE_US}
        forged = second.begin(
            forger.send_frames, self.world.tool, self.lie(forger, self.five), **often
        )
        self.five.send_frames(self.lie(self.five, honest), **often)
        forged.result()
        tables = second.do(honest.arp_table), self.five.arp_table()
        return [table.get(self.three.ip) for table in tables]

    def beliefs(self):
        """Where they think kali3 is, there and here: elsewhere, if they ever do. A word of kali3's
        own puts it right again."""
        tries = [self.lie_at_once() for _ in range(TRIES)]
        self.second.do(self.second.honest.flush_arp)
        self.five.flush_arp()
        return [max(places, key=lambda place: place != self.three.mac) for places in zip(*tries)]

    # -- what is to be shown

    def pinged(self):
        """How many of three pings are answered: he who is there to kali3, kali3 to him, kali5 to
        kali3."""
        honest = self.second.honest
        _, output = self.second.do(honest.run, f"busybox ping -c 3 -i 0.2 -W 9 {self.three.ip}")
        back, _ = self.three.ping(honest.ip, wait=9)
        of_five, _ = self.five.ping(self.three.ip, wait=9)
        return output.count("ttl="), back, of_five

    def check_talk(self, when):
        answers = self.pinged()
        self.report.check(f"{when}: it talks with both hosts", answers == (3, 3, 3), f"{answers}")
        goes_on = self.talk.goes_on()
        self.report.check(f"{when}: its TCP connection with kali4 goes on", goes_on)
        if not goes_on:
            self.report.comment(self.talk.state())

    def check_liars(self, when):
        there, here = self.beliefs()
        right = self.three.mac
        self.report.guard_check(f"{when}: kali5 here cannot be it", there == right, there)
        self.report.guard_check(f"{when}: the forger there cannot be it", here == right, here)

    def check_here(self, when):
        """It runs here."""
        locked = self.world.guard.soon(lambda: is_locked(PORT))
        self.report.guard_check(f"{when}: its port here is locked", locked)
        self.check_talk(when)
        self.check_liars(when)
        passed = self.heard_here()
        text = f"{when}: nothing in its name comes in here by the cable"
        self.report.nothing_passes(text, passed)

    def denied_here(self):
        return self.world.guard.denied(UPLINK, "border-spoof")

    def denied_there(self):
        return self.second.do(self.second.guard.denied, UPLINK, "border-spoof")

    def told_there(self, port, reason):
        guard = self.second.guard
        return self.second.do(guard.says, "violation", f"BW_PORT={port}", f"BW_REASON={reason}")

    # -- on its way

    def depart(self):
        """Its memory is on its way, and will be until the machine there goes on."""
        migration = Migration(self.three.name, URI, self.second.uri)
        migration.wait_copying()
        self.second.signal_machine(self.three.name, signal.SIGSTOP)
        self.second.do(self.second.guard.wait_armed, PORT)
        return migration

    def check_called_off(self):
        when, second = "on its way", self.second
        migration = self.depart()
        locked = second.do(is_locked, PORT)
        self.report.check(f"{when}: its port there is not locked", not locked)
        self.check_here(when)
        denied = self.denied_there()
        text = f"{when}: nothing it says is denied there"
        self.report.check(text, denied == 0, f"{denied} frames")
        told = self.told_there(FORGER[1], "spoofed-arp")
        self.report.guard_check(f"{when}: the journal there names the forger", told)
        migration.abort()
        second.signal_machine(self.three.name, signal.SIGCONT)
        arrived, said = migration.outcome()
        self.report.check("called off: it has not arrived", not arrived, said)
        gone = second.do(second.guard.gone_soon, PORT)
        self.report.check("called off: nothing is left of its port there", gone)
        self.check_here("called off")

    def check_broken(self):
        """The last of its memory has arrived there; libvirt there does not come to say so."""
        when, second = "stopped here", self.second
        migration = Migration(self.three.name, URI, second.uri)
        migration.wait_copying()
        second.libvirt.freeze()
        migration.hurry()
        wait_until("kali3 stands still", PATIENCE, migration.is_stopped)
        passed = holds_within(PATIENCE, lambda: self.heard_here() == PACKETS)
        self.report.check(f"{when}: its word may come in here by the cable", passed)
        second.signal_machine(self.three.name, signal.SIGKILL)
        second.libvirt.thaw()
        arrived, said = migration.outcome()
        self.report.check("the machine there has died: it has not arrived", not arrived, said)
        self.check_here("running here again")

    def check_there(self, when):
        """It runs there."""
        second, report = self.second, self.report
        guard = second.guard
        locked = second.do(guard.soon, lambda: is_locked(PORT))
        report.guard_check(f"{when}: its port there is locked", locked)
        gone = self.world.guard.gone_soon(PORT)
        report.check(f"{when}: nothing is left of its port here", gone)
        before = self.denied_here()
        self.check_talk(when)
        denied = self.denied_here() - before
        report.check(f"{when}: nothing it says is denied here", denied == 0, f"{denied} frames")
        self.check_liars(when)
        passed = self.heard_there()
        report.nothing_passes(f"{when}: nothing in its name comes in there by the cable", passed)
        told = self.told_there(UPLINK, "border-spoof")
        report.guard_check(f"{when}: the journal there names the cable", told)

    def check_moved(self, when, migration):
        pings = Pings(self.world.kali)
        migration.wait_copying()
        migration.hurry()
        arrived, said = migration.outcome()
        self.report.check(f"{when}: it has arrived", arrived, said)
        lost = pings.end()
        few = lost is not None and lost <= HANDFUL
        self.report.check(f"{when}: a handful of pings is lost at most", few, f"{lost} lost")

    def check_way_there_and_back(self):
        three, second = self.three, self.second
        self.check_moved("moved", Migration(three.name, URI, second.uri))
        second.do(three.connect)
        self.check_there("there")
        self.check_moved("moved back", Migration(three.name, second.uri, URI))
        three.connect()
        gone = second.do(second.guard.gone_soon, PORT)
        self.report.check("moved back: nothing is left of its port there", gone)
        self.check_here("back")


def bring_home(three):
    """The cases that follow need it, whatever has become of it."""
    if virsh("domstate", three.name) != "running":
        three.destroy()
        three.start()
        three.wait_ready()


@contextlib.contextmanager
def second_heard(report, second):
    """Where something fails, what is in the second host's logs is told as well."""
    failed = report.failed
    broken = True
    try:
        yield
        broken = report.failed > failed
    finally:
        if broken:
            report.comment("The second host:")
            report.comment(second.do(last_lines_of_logs))


def run(world, report):
    kali = world.kali
    try:
        with second_host(world) as second, second_heard(report, second):
            world.arm(UPLINK_SECTION, PORTS)
            kali.forget_lies()
            second.arm()
            scene = Scene(world, report, second)
            scene.check_here("at home")
            scene.check_called_off()
            scene.check_broken()
            scene.check_way_there_and_back()
            whole, lines = scene.talk.end()
            report.check("its TCP connection with kali4 has lost nothing", whole, f"{lines} lines")
    finally:
        bring_home(kali.three)
