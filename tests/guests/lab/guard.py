# SPDX-License-Identifier: GPL-2.0-or-later
"""bridgewardend under test: started, stopped, killed; what it wrote, what it said."""

import json
import re
import signal
import socket
import subprocess
import time

from .namespaces import LAB, Service
from .session import journal_entries
from .waiting import PATIENCE, holds_within, wait_until

TABLES = {"raw": "bw-i-", "mangle": "bw-o-"}
HOOKS = {"raw": ("PREROUTING", "bw-in"), "mangle": ("FORWARD", "bw-out")}
NFT_TABLE = ("bridge", "bridgewarden")
COUNTING_SETS = ("seen-", "told-")  # how their names begin; JSON does not say "dynamic"
# the sets of which every port that has its rules is in one
NFT_CLASSES = ("bound", "passing", "unaddressed", "closed", "watched", "any-address", "borders")
ENGINES = ("iptables", "nftables")
READY_SECONDS = PATIENCE


def iptables(*arguments):
    subprocess.run(["iptables-legacy", "-w", *arguments], check=True)


def table_text(table, *options):
    answer = subprocess.run(
        ["iptables-legacy-save", "-t", table, *options], check=True, capture_output=True, text=True
    )
    return answer.stdout.splitlines()


def nft(*arguments):
    subprocess.run(["nft", *arguments], check=True)


def nft_objects(*what):
    """What nft(8) lists, object by object; nothing when there is no such thing."""
    answer = subprocess.run(["nft", "-j", "list", *what], capture_output=True, text=True)
    return json.loads(answer.stdout)["nftables"] if answer.returncode == 0 else []


def nft_sets():
    """{set of our table: its elements}, each as nft_element() gives it. Not the sets that
    packets fill: they remember who was denied, and guard nobody."""
    found = {}
    for item in nft_objects("table", *NFT_TABLE):
        if "set" in item and not item["set"]["name"].startswith(COUNTING_SETS):
            found[item["set"]["name"]] = [nft_element(x) for x in item["set"].get("elem", [])]
    return found


def nft_element(element):
    """(its words, what it has counted)"""
    packets = 0
    if isinstance(element, dict) and "elem" in element:
        packets = element["elem"].get("counter", {}).get("packets", 0)
        element = element["elem"]["val"]
    words = element["concat"] if isinstance(element, dict) and "concat" in element else [element]
    return words, packets


def empty_tables():
    """No rule of anybody's, in any table the lab uses."""
    for table in ("raw", "mangle", "filter"):
        iptables("-t", table, "-F")
        iptables("-t", table, "-X")
    nft("flush", "ruleset")


class Guard:
    """present=False: the guard is taken out; starting it does nothing."""

    def __init__(self, build, present):
        self.build, self.present = build, present
        self.conf = LAB / "bridgewarden.conf"
        self.service = None
        self.engines = ENGINES
        self.starts = 0

    # -- its life

    def configure(self, text):
        self.conf.write_text(text)

    def start(self, wait=True):
        if not self.present or self.is_running:
            return
        self.starts += 1
        path = LAB / f"notify{self.starts}"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(str(path))
        command = [str(self.build / "daemon" / "bridgewardend"), "--config", str(self.conf)]
        self.service = Service(command, "bridgewardend", {"NOTIFY_SOCKET": str(path)})
        try:
            if wait:
                self.wait_ready(listener)
        finally:
            listener.close()

    def wait_ready(self, listener):
        listener.settimeout(0.2)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.service.alive:
            try:
                if b"READY=1" in listener.recv(4096):
                    return
            except TimeoutError:
                pass
        raise RuntimeError(f"bridgewardend did not get ready: {self.last_words()}")

    def last_words(self, lines=5):
        log = LAB / "log" / "bridgewardend"
        text = log.read_text(errors="replace") if log.exists() else ""
        return " | ".join(text.splitlines()[-lines:])

    @property
    def is_running(self):
        return self.service is not None and self.service.alive

    @property
    def pid(self):
        return self.service.process.pid

    def stop(self):
        if self.is_running:
            self.service.stop()

    def kill(self):
        if self.is_running:
            self.service.kill()

    def freeze(self):
        """It sees and does nothing any more; its rules stand."""
        self.service.signal(signal.SIGSTOP)

    def thaw(self):
        self.service.signal(signal.SIGCONT)

    def take_out(self):
        """Disarmed, stopped, and nothing left of it."""
        if self.is_running:
            self.command("disarm")
        self.stop()
        empty_tables()

    def reload(self):
        if self.is_running:
            self.service.signal(signal.SIGHUP)

    def command(self, *arguments):
        """bridgewarden(1): its answer as text."""
        answer = subprocess.run(
            [str(self.build / "cli" / "bridgewarden"), *arguments], capture_output=True, text=True
        )
        if answer.returncode:
            raise RuntimeError(f"bridgewarden {' '.join(arguments)}: {answer.stderr.strip()}")
        return answer.stdout

    def refuses(self, *arguments):
        try:
            self.command(*arguments)
        except RuntimeError:
            return True
        return False

    def listing(self, *arguments):
        return json.loads(self.command(*arguments, "--json"))

    # -- what the kernel holds

    def states(self):
        """What the daemon says of each port: bound, stranger, inherited, ..."""
        if not self.is_running:
            return {}
        return {port["Port"]: port["State"] for port in self.listing("ports")}

    def ports_with_chains(self):
        """{port: set of tables that have its chain}."""
        found = {}
        for table, prefix in TABLES.items():
            for line in table_text(table):
                match = re.match(rf":{prefix}(\S+) ", line)
                if match:
                    found.setdefault(match.group(1), set()).add(table)
        return found

    def is_armed(self, port):
        """Whether each engine has its rules."""
        return port in self.armed_ports()

    def armed_ports(self):
        return set.intersection(*(getattr(self, f"ports_in_{name}")() for name in self.engines))

    def known_ports(self):
        """Those of which any engine has something, whole or not."""
        elements = [words for name, words, _ in self.nft_elements() if name in NFT_CLASSES]
        return set(self.ports_with_chains()) | {words[0] for words in elements}

    def ports_in_iptables(self):
        chains = self.ports_with_chains()
        return {port for port, tables in chains.items() if len(tables) == len(TABLES)}

    def ports_in_nftables(self):
        return {words[0] for name, words, _ in self.nft_elements() if name in NFT_CLASSES}

    def nft_elements(self):
        """[(set, words, packets)] of our table."""
        return [
            (name, words, packets)
            for name, elements in nft_sets().items()
            for words, packets in elements
        ]

    def has_nothing_of(self, port):
        """No chain of its own, no element of its own, and no rule that names it. What the counts
        of reasons remember of it is no rule."""
        if port in self.ports_with_chains():
            return False
        if any(port in words for _, words, _ in self.nft_elements()):
            return False
        return not any(
            re.search(rf"\b{re.escape(port)}\b", line)
            for table in TABLES
            for line in table_text(table)
        )

    def jump_is_first(self, table):
        hook, chain = HOOKS[table]
        rules = [line for line in table_text(table) if line.startswith(f"-A {hook} ")]
        return bool(rules) and rules[0].endswith(f"-j {chain}")

    def is_whole(self):
        return all(getattr(self, f"{engine}_is_whole")() for engine in self.engines)

    def iptables_is_whole(self):
        return all(self.jump_is_first(table) for table in TABLES)

    def nftables_is_whole(self):
        hooks = {
            item["chain"].get("hook")
            for item in nft_objects("table", *NFT_TABLE)
            if "chain" in item
        }
        return {"prerouting", "forward", "output"} <= hooks

    def rules_of(self, table, chain):
        """[(packets, rule text)] of a chain."""
        rules = []
        for line in table_text(table, "-c"):
            match = re.match(rf"\[(\d+):\d+\] -A {re.escape(chain)} (.*)", line)
            if match:
                rules.append((int(match.group(1)), match.group(2)))
        return rules

    def dropped_in(self, table, chain):
        """What the DROP rules of a chain have counted."""
        rules = self.rules_of(table, chain)
        return sum(packets for packets, rule in rules if rule.endswith("-j DROP"))

    def chain_text(self, chain):
        """A chain of our nftables table as nft(8) prints it."""
        command = ["nft", "list", "chain", *NFT_TABLE, chain]
        return subprocess.run(command, capture_output=True, text=True).stdout

    def denied(self, port, reason, direction="in"):
        """What the engines in force have counted of a reason at a port."""
        table, letter = ("raw", "i") if direction == "in" else ("mangle", "o")
        by_iptables = self.dropped_in(table, f"bw-{letter}-{port}")
        seen = nft_objects("set", *NFT_TABLE, f"seen-{direction}-{reason}")
        elements = [x for item in seen if "set" in item for x in item["set"].get("elem", [])]
        by_nftables = sum(count for words, count in map(nft_element, elements) if words == [port])
        return by_iptables + by_nftables

    # -- waiting for it: at once in vain when it is not there

    def soon(self, condition, seconds=PATIENCE):
        return bool(holds_within(seconds if self.present else 0, condition))

    def gone_soon(self, port, seconds=PATIENCE):
        """Whether nothing is left of a port; trivially so without the guard."""
        return self.soon(lambda: self.has_nothing_of(port), seconds)

    def wait_armed(self, *ports):
        if self.present:
            wait_until(f"chains of {', '.join(ports)}", 10, lambda: all(map(self.is_armed, ports)))

    # -- what it said

    def events(self, event, *matches):
        return journal_entries("SYSLOG_IDENTIFIER=bridgewardend", f"BW_EVENT={event}", *matches)

    def says(self, event, *matches, after=0, seconds=PATIENCE):
        """Whether the journal gets an entry of this kind; after: how many there were already."""
        return self.soon(lambda: len(self.events(event, *matches)) > after, seconds)

    def names(self, guest, reason, seconds=PATIENCE):
        """Whether the journal says that this guest was the one, and why, since the last start."""
        own = f"_PID={self.pid}" if self.is_running else "_PID=0"
        match = (own, f"BW_OFFENDER_GUEST={guest}", f"BW_REASON={reason}")
        return self.says("violation", *match, seconds=seconds)
