#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bridgewarden check and explain --live as an operator runs them: beside a daemon with real ports, after
somebody has changed the rules, and without a daemon. Prints TAP.

check.py --program BRIDGEWARDEN --daemon BRIDGEWARDEND
"""

import argparse
import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from guard import bus, daemon, frames, world
from guard.cases_packets import NET, scene
from guard.daemon import CONFIG, mac_of, set_switch
from guard.world import run

# Far longer than the test: nothing is repaired but what nftables tells of.
CALM = "[Guard]\nCheckInterval=3600\n"
RAW = ("iptables-legacy", "-t", "raw")
MANGLE = ("iptables-legacy", "-t", "mangle")


def walls():
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.geteuid() != 0:
        words += ["--user", "--map-root-user"]
    return [*words, "--propagation", "private"]


class Program:
    path = None

    @classmethod
    def run(cls, *words, before=()):
        return subprocess.run([*before, cls.path, *words], capture_output=True, text=True,
                              timeout=60, check=False)


def rules():
    """Everything a reader could have changed by mistake."""
    return "".join(
        "\n".join(line for line in run(*words).splitlines() if line[:1] not in "#:")
        for words in (["iptables-legacy-save"], ["ip6tables-legacy-save"],
                      ["nft", "--stateless", "list", "ruleset"], ["ip", "-o", "link"])
    )


def wait_in_force():
    """Both engines: the switches that feed iptables have been seen on, too."""
    if not world.holds_within(5, lambda: bus.is_there() and len(bus.engines_in_force()) == 2):
        raise RuntimeError("the daemon does not guard")


@contextlib.contextmanager
def guarded():
    with bus.private_bus(), scene(CALM) as (stage, guard):
        wait_in_force()
        yield stage, guard


def files():
    """Words that tell of this host without a daemon."""
    links = Path("/run/links.json")
    links.write_text(run("ip", "-details", "-json", "address", "show"))
    return ("--config", CONFIG, "--links", str(links))


def differences(*words):
    """Lines of check, and how it ended."""
    done = Program.run("check", *words)
    return [line for line in done.stdout.splitlines() if line[:2] in ("- ", "+ ")], done


def check_differs(check, name, words, *wanted):
    found, done = differences(*words)
    check(f"{name}: {found} {done.stderr}", found == list(wanted))
    check(f"{name}: is told by the exit", done.returncode == (1 if wanted else 0))


# check


def as_planned(check, _options):
    with guarded():
        before = rules()
        check_differs(check, "with the daemon", ())
        check_differs(check, "from files", files())
        for engine in ("iptables", "ip6tables", "nftables"):
            check_differs(check, engine, ("--engine", engine, *files()))
        answer = Program.run("--json", "check")
        check("JSON: " + answer.stdout, json.loads(answer.stdout)
              == {"ok": True, "Count": 0, "Differences": []} and answer.returncode == 0)
        check("says so", "as planned" in Program.run("check").stdout)
        check("nothing was touched", rules() == before)


def rules_deleted(check, _options):
    """The very lines, as iptables-save shows them."""
    with guarded() as (_stage, guard):
        lines = [line for line in run(*RAW, "-S", "bw-i-vk63").splitlines() if line[:2] == "-A"]
        gone = lines[1]
        run(*RAW, "-D", "bw-i-vk63", "2")
        check_differs(check, "a rule is missing", (), f"- iptables raw: {gone}")
        check_differs(check, "without the daemon, too", files(), f"- iptables raw: {gone}")
        check_differs(check, "not of that engine", ("--engine", "nftables"))
        check_differs(check, "of that engine", ("--engine", "iptables"), f"- iptables raw: {gone}")
        entry = json.loads(Program.run("--json", "check").stdout)["Differences"]
        check("JSON", entry == [{"Engine": "iptables", "Table": "raw", "Missing": True, "Line": gone}])
        check("nothing was repaired", gone not in run(*RAW, "-S", "bw-i-vk63"))
        run("busctl", f"--address={bus.ADDRESS}", "call", *bus.PLACE, "Resync")
        check_differs(check, "after resync", ())
        check("the daemon lives", guard.is_alive())


def rules_added(check, _options):
    with guarded():
        run(*RAW, "-I", "bw-i-vk63", "1", "-s", NET + "99", "-j", "ACCEPT")
        run(*MANGLE, "-N", "bw-o-gone")
        run(*MANGLE, "-A", "bw-o-gone", "-j", "DROP")
        run(*MANGLE, "-A", "FORWARD", "-j", "LOG")
        wanted = ("+ iptables raw: -A bw-i-vk63 (a rule of somebody else's)",
                  "+ iptables mangle: -N bw-o-gone",
                  "+ iptables mangle: -A bw-o-gone -j DROP")
        check_differs(check, "added", (), *wanted)
        check_differs(check, "added, from files", files(), *wanted)


def anchors(check, _options):
    with guarded():
        run(*RAW, "-I", "PREROUTING", "1", "-j", "ACCEPT")
        moved = ("- iptables raw: -I PREROUTING 1 -j bw-in", "+ iptables raw: -I PREROUTING 2 -j bw-in")
        check_differs(check, "ACCEPT on top", (), *moved)
        check_differs(check, "ACCEPT on top, from files", files(), *moved)
        run(*RAW, "-D", "PREROUTING", "1")
        check_differs(check, "as it was", ())
        run(*RAW, "-A", "PREROUTING", "-j", "bw-in")
        check_differs(check, "doubled", (), "+ iptables raw: -I PREROUTING 2 -j bw-in")
        run(*RAW, "-D", "PREROUTING", "2")
        run(*RAW, "-A", "PREROUTING", "-p", "tcp", "-j", "bw-in")
        check_differs(check, "half doubled", (), "+ iptables raw: -I PREROUTING 2 -j bw-in")
        run(*RAW, "-F", "PREROUTING")
        check_differs(check, "gone", (), "- iptables raw: -I PREROUTING 1 -j bw-in")


def table_changed(check, _options):
    """nftables tells the daemon at once, so the daemon sleeps and files speak."""
    with guarded() as (_stage, guard):
        host, table = files(), "bridge bridgewarden"
        guard.pause()
        element = f'{{ "vk63" . {mac_of(13)[5:]} . {NET}13 }}'
        lost = f"- nftables {table}: element bindings4 {element}"
        run("nft", "delete", "element", *table.split(), "bindings4", element)
        check_differs(check, "an element is missing", host, lost)
        run("nft", "add", "element", *table.split(), "passing", '{ "vk64" }')
        run("nft", "insert", "rule", *table.split(), "in-spoofed-arp", "accept")
        run("nft", "add", "chain", *table.split(), "door")
        check_differs(check, "more hands", host,
                      f"+ nftables {table}: chain in-spoofed-arp {{ accept }}",
                      f"+ nftables {table}: chain door",
                      f'+ nftables {table}: element passing {{ "vk64" }}', lost)
        run("nft", "delete", "table", *table.split())
        check_differs(check, "no table", host, f"- nftables {table}: table {table}")
        guard.go_on()
        check("repaired by itself", world.holds_within(5, lambda: not differences()[0]))


def switches(check, _options):
    """The daemon is told of switches at once, too."""
    with guarded() as (_stage, guard):
        guard.pause()
        for name in ("nf_call_iptables", "no_linklocal_learn"):
            set_switch("virbr6", name, "0")
        check_differs(check, "switches", files(), "- bridge virbr6: nf_call_iptables 1",
                      "- bridge virbr6: no_linklocal_learn 1")
        guard.go_on()
        check("on again", world.holds_within(5, lambda: not differences()[0]))


def refusals(check, _options):
    words = files_of_nothing()
    bare = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    done = Program.run("check", *words, before=bare)
    check("not for everybody: " + done.stderr, done.returncode == 4 and "needs root" in done.stderr)
    with bus.private_bus():
        done = Program.run("check")
        check("no daemon: " + done.stderr, done.returncode == 3)
    done = Program.run("check", "--engine", "ebtables")
    check("no such engine", done.returncode == 2)
    before = rules()
    found, done = differences(*words)
    check("no rules at all: " + done.stderr, done.returncode == 1 and len(found) > 3)
    check("and none were made by looking", rules() == before)
    names = Path("/proc/self/net/ip_tables_names")
    check("no table was made", not names.exists() or not names.read_text())


# explain --live


def explain(*words, live=True):
    """The verdict, what each engine would do, and how it ended."""
    done = Program.run("--json", "explain", *words, *(["--live"] if live else []))
    answer = json.loads(done.stdout) if done.stdout else {}
    answer["exit"], answer["said"] = done.returncode, done.stderr
    answer["by"] = {one["Engine"]: one["Outcome"] for one in answer.get("Live", [])}
    answer["agrees"] = {one["Engine"]: one["Agrees"] for one in answer.get("Live", [])}
    return answer


# From vk64 (.14); what becomes of it: by the plan, nftables, iptables.
OTHERS = ("--src-mac", "52:54:00:00:00:0d")
FRAMES = {
    "ping": (("--dst", NET + "13"), "passes", "passes", "passes"),
    "another's address": (("--src", NET + "15", "--dst", NET + "13"), "dropped", "dropped", "dropped"),
    "an address nobody has": (("--src", "203.0.113.9", "--dst", NET + "13"), "dropped", "dropped", "dropped"),
    "another's MAC": ((*OTHERS, "--dst", NET + "13"), "dropped", "dropped", "unseen"),
    "asking": (("--arp", "--dst", NET + "13"), "passes", "passes", "unseen"),
    "poison": (("--arp-reply", "--src", NET + "13", "--dst", NET + "15"), "dropped", "dropped", "unseen"),
    "a client's DHCP": (("--dhcp",), "passes", "passes", "passes"),
    "a server's DHCP": (("--dhcp-server", "--dst", NET + "13"), "dropped", "dropped", "unseen"),
    "a router": (("--ra", "--src", "fe80::5054:ff:fe00:e"), "dropped", "dropped", "unseen"),
    "a querier": (("--query",), "dropped", "dropped", "unseen"),
    "tagged": (("--vlan", "7", "--dst", NET + "13"), "dropped", "dropped", "unseen"),
    "not its own": (("--dst", NET + "13", "--out", "vk65"), "dropped", "dropped", "dropped"),
}


def live_agrees(check, _options):
    with guarded():
        before = rules()
        for name, (words, fate, nftables, iptables) in FRAMES.items():
            answer = explain("--in", "vk64", *words)
            check(f"{name}: {answer}", answer["Fate"] == fate
                  and answer["by"] == {"nftables": nftables, "iptables": iptables}
                  and answer["exit"] == (0 if fate == "passes" else 1))
        sent = frames.ethernet("52:54:00:00:00:77", "52:54:00:00:00:0d",
                               frames.ipv4(NET + "1", NET + "13", b"x" * 40))
        answer = explain("--in", "virbr6", "--hex", sent.hex())
        check(f"the host sends: {answer}", answer["by"] == {"nftables": "passes", "iptables": "unseen"}
              and answer["exit"] == 0)
        done = Program.run("explain", "--in", "vk64", "--dst", NET + "13", "--live")
        check("in words: " + done.stdout, "nftables would pass to vk63\n" in done.stdout
              and "iptables would pass to vk63\n" in done.stdout)
        answer = explain("--in", "vk64", "--dst", NET + "13", *files())
        check(f"from files: {answer}", answer["by"] == {"nftables": "passes", "iptables": "passes"})
        check("nothing was touched", rules() == before)


HONEST = ("--in", "vk64", "--dst", NET + "13")
THIEF = ("--in", "vk64", "--src", NET + "15", "--dst", NET + "13")


def live_iptables(check, _options):
    with guarded():
        check("first", explain(*THIEF)["exit"] == 1)
        run(*RAW, "-F", "bw-i-vk64")
        found = explain(*THIEF)
        check(f"its chain is empty: {found}", found["exit"] == 5 and found["Fate"] == "dropped"
              and found["agrees"] == {"nftables": True, "iptables": False})
        check("honest frames go on", explain(*HONEST)["exit"] == 0)
        run(*RAW, "-I", "bw-in", "1", "-j", "DROP")
        check("all are dropped", explain(*HONEST)["by"]["iptables"] == "dropped")
        check("and that is told", explain(*HONEST)["exit"] == 5)
        bus.call("Resync")
        check("repaired", explain(*THIEF)["exit"] == 1 and explain(*HONEST)["exit"] == 0)
        run(*RAW, "-I", "bw-i-vk64", "1", "-s", NET + "15", "-j", "ACCEPT")
        found = explain(*THIEF)
        check(f"a rule that cannot be tried: {found}", found["exit"] == 5 and
              "bw-i-vk64" in found["Live"][1]["Untried"][0])
        bus.call("Resync")
        run(*RAW, "-I", "PREROUTING", "1", "-j", "ACCEPT")
        found = explain(*THIEF)
        check(f"one before ours: {found}", found["exit"] == 5
              and "come before ours" in found["Live"][1]["Untried"][0])
        run(*RAW, "-F", "PREROUTING")
        found = explain(*THIEF)
        check(f"no anchor: {found}", found["exit"] == 5 and not found["agrees"]["iptables"])


def live_nftables(check, _options):
    with guarded() as (_stage, guard):
        host, table = files(), ("bridge", "bridgewarden")
        guard.pause()
        check("first", explain(*THIEF, *host)["exit"] == 1)
        run("nft", "add", "element", *table, "passing", '{ "vk64" }')
        run("nft", "delete", "element", *table, "bound", '{ "vk64" }')
        found = explain(*THIEF, *host)
        check(f"a port is let pass: {found}", found["exit"] == 5
              and found["agrees"] == {"nftables": False, "iptables": True})
        run("nft", "delete", "element", *table, "passing", '{ "vk64" }')
        found = explain(*HONEST, *host)
        check(f"a port is forgotten: {found}", found["exit"] == 5
              and found["by"]["nftables"] == "dropped")
        run("nft", "delete", "table", *table)
        found = explain("--in", "vk64", *FRAMES["poison"][0], *host)
        check(f"no table: {found}", found["exit"] == 5 and found["Fate"] == "dropped")


def live_switch(check, _options):
    """What the bridge does not show, iptables does not drop."""
    with guarded() as (_stage, guard):
        host = files()
        guard.pause()
        Path("/proc/sys/net/bridge/bridge-nf-call-iptables").write_text("0")
        check("the bridge's own switch is enough", explain(*THIEF, *host)["exit"] == 1)
        set_switch("virbr6", "nf_call_iptables", "0")
        found = explain(*THIEF, *host)
        check(f"it is off: {found}", found["exit"] == 5 and found["by"]["iptables"] == "unfed")
        check("honest frames do not mind", explain(*HONEST, *host)["exit"] == 0)


def live_monitored(check, _options):
    config = CALM + "[Port vk66]\nMode=monitor\nAddresses=" + NET + "16\n" + mac_of(16) + "\n"
    with bus.private_bus(), scene(config, guests=("vk63", "vk64")) as (stage, _guard):
        stage.port("vk66", "virbr6", 16)
        _guard.wait_armed("vk66")
        wait_in_force()
        # The host's own frame, which came in by no port, to the wrong one: that is seen and counted.
        run("ip", "address", "add", NET + "1/24", "dev", "virbr6")
        run("ip", "neighbour", "replace", NET + "15", "lladdr", stage.fars["vk64"].mac,
            "dev", "virbr6", "nud", "permanent")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
            host.sendto(b"x", (NET + "15", 9))
        told = ("nft", "list", "set", "bridge", "bridgewarden", "told-out-misdelivered")
        check("the host's own was told of", world.holds_within(5, lambda: '""' in run(*told)))
        found = explain("--in", "vk66", "--src", NET + "13", "--dst", NET + "14")
        check(f"it passes: {found}", found["exit"] == 1 and found["Fate"] == "monitored"
              and found["by"] == {"nftables": "passes", "iptables": "passes"})


def capture(*packets):
    """A file of pcap(5) with Ethernet frames."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    path = Path("/run/frames.pcap")
    path.write_bytes(head + b"".join(struct.pack("<IIII", 1, 2, len(p), len(p)) + p for p in packets))
    return str(path)


def live_capture(check, _options):
    with guarded():
        own, foreign = (frames.ethernet("52:54:00:00:00:0e", "52:54:00:00:00:0d",
                                        frames.ipv4(NET + last, NET + "13", b"x" * 40))
                        for last in ("14", "15"))
        path = capture(own, foreign, own, b"\0" * 9, own[:12] + b"\x08\x00" + b"y" * 3000)
        words = ("explain", "--in", "vk64", "--pcap", path, "--live")
        done = Program.run(*words)
        check("a capture: " + done.stdout + done.stderr, done.returncode == 1
              and "disagree on 0" in done.stdout and done.stdout.startswith("     1  passes"))
        run(*RAW, "-F", "bw-i-vk64")
        done = Program.run(*words)
        check("sabotaged: " + done.stdout + done.stderr, done.returncode == 5
              and "disagree on 1" in done.stdout and "NOT as planned" in done.stdout)
        rows = [json.loads(row) for row in Program.run("--json", *words).stdout.splitlines()]
        check("JSON", [all(one["Agrees"] for one in row["Live"]) for row in rows]
              == [True, False, True, True, True])


def live_refusals(check, _options):
    with guarded():
        bare = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
        done = Program.run("explain", *HONEST, "--live", before=bare)
        check("not for everybody: " + done.stderr, done.returncode == 4 and "needs root" in done.stderr)
        check("and nothing is answered", done.stdout == "")
        host = files()
        run("ip", "link", "set", "dev", "virbr6", "name", "virbr7")
        done = Program.run("explain", *HONEST, "--live", *host)
        check("no such bridge here: " + done.stderr, done.returncode == 4 and "virbr6" in done.stderr)


def files_of_nothing():
    run("ip", "link", "add", "name", "virbr6", "type", "bridge")
    world.write(CONFIG, "[Libvirt]\nURI=none\n[Bridge virbr6]\n")
    return files()


CASES = (as_planned, rules_deleted, rules_added, anchors, table_changed, switches, refusals,
         live_agrees, live_iptables, live_nftables, live_switch, live_monitored, live_capture,
         live_refusals)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for word in ("program", "daemon"):
        parser.add_argument(f"--{word}", required=True, type=os.path.abspath)
    parser.add_argument("--only", help="one case")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    return parser.parse_args()


def run_inside(options):
    failed = []

    def check(name, truth):
        if not truth:
            failed.append(name)

    world.prepare_namespace()
    next(case for case in CASES if case.__name__ == options.inside)(check, options)
    for name in failed:
        print("failed:", name)
    return 1 if failed else 0


def main():
    options = arguments()
    daemon.program, Program.path = options.daemon, options.program
    if options.inside:
        return run_inside(options)
    if subprocess.run([*walls(), "true"], capture_output=True, check=False).returncode:
        print("1..0 # SKIP no namespaces for this user")
        return 0
    cases = [case for case in CASES if options.only in (None, case.__name__)]
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for number, case in enumerate(cases, 1):
        start = time.monotonic()
        done = subprocess.run(
            [*walls(), sys.executable, *sys.argv, "--inside", case.__name__],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        for line in (done.stdout + done.stderr).splitlines():
            print("# " + line.removeprefix("# "))
        failed += done.returncode != 0
        print(f"# {time.monotonic() - start:.1f} s")
        print("not ok" if done.returncode else "ok", number, case.__name__, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
