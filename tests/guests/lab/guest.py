# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests: a small Linux that takes commands, and a bare program that only attacks."""

import contextlib
import os
import re
import signal
import socket
import time
from pathlib import Path
from xml.sax.saxutils import escape

from .libvirt import guest_type, virsh
from .namespaces import LAB
from .waiting import Timeout, holds_within, wait_until
from .wire import Count

BOOT_SECONDS = 60

DOMAIN = """<domain type='{type}'><name>{name}</name>
<memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type>{boot}</os>
<features><acpi/></features>{cpu}
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<controller type='usb' model='none'/><memballoon model='none'/><audio id='1' type='none'/>
<interface type='bridge'><mac address='{mac}'/><source bridge='{bridge}'/>{target}
<model type='{card}'/><rom enabled='no'/></interface>
<serial type='file'><source path='{console}'/><target port='0'/></serial>
<serial type='unix'><source mode='bind' path='{commands}'/><target port='1'/></serial>
</devices></domain>
"""

KVM_CPU = "<cpu mode='host-passthrough' migratable='off'/>"
LINUX_ARGUMENTS = "console=ttyS0 quiet panic=1 mitigations=off no_timer_check"


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Guest:
    """What both kinds share: a domain with one interface on a bridge."""

    memory, card = 96, "virtio"

    def __init__(self, lab, name, mac, ip, tap=None, bridge="virbr6"):
        self.lab, self.name, self.mac, self.ip = lab, name, mac, ip
        self.tap, self.bridge = tap, bridge
        self.console = LAB / "log" / f"{name}.console"
        self.commands = LAB / f"{name}.commands"

    def boot(self):
        raise NotImplementedError

    def xml(self):
        return DOMAIN.format(
            type=guest_type(),
            name=escape(self.name),
            memory=self.memory,
            boot=self.boot(),
            cpu=KVM_CPU if guest_type() == "kvm" else "",
            mac=self.mac,
            bridge=self.bridge,
            target=f"<target dev='{self.tap}'/>" if self.tap else "",
            card=self.card,
            console=self.console,
            commands=self.commands,
        )

    def define(self):
        path = LAB / f"{self.name}.xml"
        path.write_text(self.xml())
        virsh("define", path)

    def start(self):
        virsh("start", self.name)

    def destroy(self):
        virsh("destroy", self.name, check=False)

    def kill_machine(self):
        """As if the host had killed its QEMU: libvirtd, if it runs, is not asked."""
        pid = int(Path(f"/run/libvirt/qemu/{self.name}.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        wait_until(f"{self.name}'s machine is gone", 5, lambda: not is_alive(pid))

    def is_off(self):
        return virsh("domstate", self.name) == "shut off"

    def forget(self):
        self.destroy()
        virsh("undefine", self.name, check=False)

    def ports(self):
        """The host side of its interfaces, as libvirt tells: {port: mac}."""
        rows = [line.split() for line in virsh("domiflist", self.name).splitlines()]
        return {row[0]: row[4] for row in rows if len(row) == 5 and row[0] != "-"}

    def wait_console(self, times=1):
        def count():
            said = self.console.read_bytes() if self.console.exists() else b""
            return said.count(b"GUEST ready") >= times

        wait_until(f"{self.name} is up", BOOT_SECONDS, count)


class Blaster(Guest):
    """Sends ARP and UDP broadcasts from ip as soon as its CPU runs, whatever it is entitled to."""

    memory, card = 16, "rtl8139"

    def boot(self):
        return f"<kernel>{self.lab.built}/blaster.elf</kernel><cmdline>{self.ip}</cmdline>"

    def start(self, *options):
        virsh("start", self.name, *options)


class LinuxGuest(Guest):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.forward = False
        self.line = None
        self.poisoner = None
        self.unread = b""

    def boot(self):
        arguments = f"{LINUX_ARGUMENTS} bw.ip={self.ip}/24"
        if self.forward:
            arguments += " bw.forward=1"
        return (
            f"<kernel>{self.lab.kernel}</kernel><initrd>{self.lab.built}/initramfs.gz</initrd>"
            f"<cmdline>{arguments}</cmdline>"
        )

    def start(self):
        super().start()
        self.connect()

    def connect(self):
        """The connection stays: when it ends QEMU throws away what the guest has not read."""
        if self.line:
            self.line.close()
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(str(self.commands))
        self.unread = b""

    def read_line(self, deadline):
        while b"\n" not in self.unread:
            self.line.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                more = self.line.recv(65536)
            except TimeoutError:
                raise Timeout(f"{self.name} does not answer") from None
            if not more:
                raise Timeout(f"{self.name} hung up")
            self.unread += more
        line, self.unread = self.unread.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

    def wait_ready(self):
        deadline = time.monotonic() + BOOT_SECONDS
        while "GUEST ready" not in self.read_line(deadline):
            pass

    def run(self, command, seconds=30):
        """(exit status, output) of a shell command in the guest."""
        token = f"T{time.monotonic_ns()}"
        self.line.sendall(f"{token} {command}\n".encode())
        deadline, output = time.monotonic() + seconds, []
        while True:
            line = self.read_line(deadline)
            if line.startswith(f"{token} rc="):
                return int(line.rsplit("=", 1)[1]), "\n".join(output)
            output.append(line)

    def ask(self, command, seconds=30):
        status, output = self.run(command, seconds)
        if status:
            raise RuntimeError(f"{self.name}: {command}: status {status}: {output}")
        return output

    def ping(self, address, count=3, wait=1):
        """How many of count echo requests were answered, and the TTL of the last answer."""
        _, output = self.run(f"ping -c {count} -i 0.1 -W {wait} {address}", 10 + count + wait)
        ttls = re.findall(r"ttl=(\d+)", output)
        return len(ttls), int(ttls[-1]) if ttls else 0

    def arp_table(self):
        rows = [line.split() for line in self.ask("cat /proc/net/arp").splitlines()[1:]]
        return {row[0]: row[3] for row in rows if len(row) >= 4}

    def flush_arp(self):
        self.ask("ip neigh flush dev eth0")

    def poison(self, rounds, pause_ms, *victims):
        """Starts to tell each victim (guest, whose address to claim) the wrong MAC."""
        triples = " ".join(f"{victim.ip} {victim.mac} {claimed.ip}" for victim, claimed in victims)
        self.poisoner = self.ask(
            f"wire poison eth0 {rounds} {pause_ms} {triples} >/dev/null 2>&1 & echo $!"
        )

    def stop_poison(self):
        if self.poisoner:
            self.run(f"kill {self.poisoner}")
        self.poisoner = None

    def forwarded(self):
        """Datagrams its kernel has forwarded."""
        return int(self.ask("awk '/^Ip:/{n=$7} END{print n}' /proc/net/snmp"))

    def send(self, **options):
        """Sends datagrams of any kind; how many went out."""
        words = " ".join(f"{key}={value}" for key, value in options.items())
        return int(self.ask(f"wire send eth0 {words}", 130))

    def send_frames(self, *frames, count=1, us=0):
        """Frames as they are, count rounds of them; how many went out."""
        words = " ".join(frame.hex() for frame in frames)
        return int(self.ask(f"wire frame eth0 {count} {us} {words}", 130))

    def lease(self, tries=4):
        """(address, server, router) of the first DHCP server it hears, or None."""
        options = f"-f -n -q -t {tries} -T 3 -s /bin/lease"
        _, output = self.run(f"udhcpc -i eth0 {options} 2>/dev/null", 10 + 3 * tries)
        found = re.search(r"^LEASE (\S*) FROM (\S*) ROUTER (\S*)", output, re.MULTILINE)
        return found.groups() if found else None

    # -- IPv6, which the guests' init leaves off

    def ipv6_up(self, settings=(), addresses=()):
        """Its card comes up anew with IPv6. settings: (name below conf/eth0, value)."""
        words = [f"echo {value} >/proc/sys/net/ipv6/conf/eth0/{name}" for name, value in settings]
        plugs = [f"ip -6 addr add {address} dev eth0" for address in addresses]
        enable = "echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6"
        steps = ["ip link set eth0 down", enable, *words, "ip link set eth0 up", *plugs]
        self.ask(" && ".join(steps))

    def ipv6_down(self):
        self.ask("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6")

    def ipv6_addresses(self):
        """{address: the flags ip(8) prints behind it}."""
        rows = re.findall(r"inet6 (\S+)/\d+ (.*)", self.ask("ip -6 addr show dev eth0"))
        return dict(rows)

    def ipv6_is_settled(self):
        """Whether it has addresses, and has made sure of each that nobody else uses it."""
        flags = self.ipv6_addresses().values()
        return bool(flags) and not any("tentative" in one for one in flags)

    def ipv6_neighbours(self):
        """{address: MAC}."""
        output = self.ask("ip -6 neigh show dev eth0")
        return dict(re.findall(r"^(\S+) .*lladdr (\S+)", output, re.MULTILINE))

    def routes6(self):
        return self.ask("ip -6 route show dev eth0")

    @contextlib.contextmanager
    def counting(self, **options):
        """Counts what reaches the guest. Use: with guest.counting(notdst=ip) as count: ..."""
        words = " ".join(f"{key}={value}" for key, value in options.items())
        path = f"/tmp/count{time.monotonic_ns()}"
        pid = self.ask(f"wire count eth0 {path} {words} >/dev/null 2>&1 & echo $!")
        read = lambda: self.run(f"cat {path} 2>/dev/null")[1]
        count = Count(read)
        wait_until(f"{self.name} counts", 5, count.is_armed)
        try:
            yield count
        finally:
            self.run(f"kill {pid}; rm -f {path}")

    def shutdown(self, seconds=15):
        virsh("shutdown", self.name)
        return holds_within(seconds, self.is_off, 0.05)
