#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bridgewarden selftest as an operator runs it: alone, beside a daemon whose rules must stay as they
are, without rights, and built with a fault that it must find. Prints TAP.

selftest.py --program BRIDGEWARDEN --sabotaged BRIDGEWARDEN --daemon BRIDGEWARDEND
"""

import argparse
import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from guard import daemon, world
from guard.cases_packets import NET, scene

LOCK = "/run/xtables.lock"


def walls():
    words = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.geteuid() != 0:
        words += ["--user", "--map-root-user"]
    return [*words, "--propagation", "private"]


def selftest(program, *words, before=()):
    start = time.monotonic()
    done = subprocess.run(
        [*before, program, *words], capture_output=True, text=True, timeout=240, check=False
    )
    done.seconds = time.monotonic() - start
    return done


def output(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def namespaces():
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.add(os.readlink(process / "ns/net"))
        except OSError:
            pass
    return found


def traces():
    """Whatever a run could leave behind, or change of what is there."""
    rules = [
        output(command, "-t", table, "-S")
        for command in ("iptables-legacy", "ip6tables-legacy")
        for table in ("raw", "mangle", "filter")
    ]
    return {
        "rules": rules,
        "nftables": output("nft", "--stateless", "list", "ruleset"),
        "links": output("ip", "-o", "link", "show").replace("state UNKNOWN", "state UP"),
        "addresses": output("ip", "-o", "address", "show"),
        "namespaces": namespaces(),
        "named": sorted(str(p) for p in Path("/run").glob("**/*") if p.name != "spoken"),
    }


def same(check, name, before, after):
    for what, value in before.items():
        check(f"{name}: {what} are as before", value == after[what])


def rows(text):
    """Reason -> the words of its row."""
    return {words[0]: words[1:] for words in map(str.split, text.splitlines()) if len(words) > 2}


def alone(check, options):
    before = traces()
    done = selftest(options.program, "selftest")
    print(f"# {done.seconds:.2f} s")
    found = rows(done.stdout)
    check("it is fine: " + done.stdout + done.stderr, done.returncode == 0)
    check("nothing failed", "FAIL" not in done.stdout)
    for reason in ("unbound", "ethertype", "spoofed-mac", "spoofed-arp", "spoofed-nd", "rogue-dhcp",
                   "rogue-ra", "redirect", "bpdu", "rogue-querier", "spoofed-ip", "flooded",
                   "misdelivered", "reflected", "border-spoof", "border-misdelivered"):
        check(f"{reason} was tried", found.get(reason, ["-"])[0] == "ok")
    check("an engine is not asked what it cannot see", found["spoofed-arp"][2] == "-")
    check("both engines are asked of borders", found["border-spoof"][2] == found["border-misdelivered"][2] == "ok")
    same(check, "alone", before, traces())


def as_json(check, options):
    done = selftest(options.program, "--json", "selftest", "--engine", "nftables")
    answer = json.loads(done.stdout)
    engine = answer["Engines"]["nftables"]
    check("it is fine", done.returncode == 0 and answer["ok"] is True)
    check("one engine was asked for", list(answer["Engines"]) == ["nftables"])
    check("two hundred hostile frames at least", engine["Hostile"] >= 200)
    check("each has a row", engine["Stopped"]["spoofed-arp"]["Wrong"] == 0)
    check("and what is legal passed", engine["Passed"]["Verdicts"] > 1000)
    wrong = selftest(options.program, "selftest", "--engine", "ebtables")
    check("an engine nobody knows is wrong usage", wrong.returncode == 2)


def beside_daemon(check, options):
    daemon.program = options.daemon
    with scene() as (stage, _daemon):
        victim, thief, _third = stage.fars.values()
        before = traces()
        with open(LOCK, "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = selftest(options.program, "selftest")
        check("it is fine beside the daemon: " + done.stdout + done.stderr, done.returncode == 0)
        same(check, "beside the daemon", before, traces())
        check("the daemon runs", _daemon.is_alive())
        own, foreign = (thief.ip(NET + last, NET + "13", victim.mac) for last in ("14", "15"))
        check("its port still sends", stage.arrivals(own, victim) == {victim})
        check("and its guard holds", not stage.arrivals(foreign, victim))


def killed(check, options):
    """Whenever it dies, nothing stays."""
    before = traces()
    for i in range(5):
        process = subprocess.Popen([options.program, "selftest"], stdout=subprocess.DEVNULL)
        time.sleep(0.05 * i)
        process.kill()
        process.wait()
    check("no namespace of it is left",
          world.holds_within(world.PATIENCE, lambda: namespaces() == before["namespaces"]))
    same(check, "killed", before, traces())


def without_rights(check, options):
    bare = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    done = selftest(options.program, "selftest", before=bare)
    check("it cannot run", done.returncode == 4)
    check("and says what it needs: " + done.stderr, "needs root" in done.stderr)
    check("and nothing else", done.stdout == "")


def sabotaged(check, options):
    done = selftest(options.sabotaged, "selftest")
    found = rows(done.stdout)
    check("the fault is found: " + done.stdout + done.stderr, done.returncode == 1)
    check("in its row", found["spoofed-arp"][0] == "FAIL")
    check("and in no other", done.stdout.count("FAIL ") == 2)
    check("the frame is named", "arp/" in done.stdout)
    answer = json.loads(selftest(options.sabotaged, "--json", "selftest").stdout)
    check("in JSON, too", answer["ok"] is False)


CASES = (alone, as_json, beside_daemon, killed, without_rights, sabotaged)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for word in ("program", "sabotaged", "daemon"):
        parser.add_argument(f"--{word}", required=True, type=os.path.abspath)
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
    if options.inside:
        return run_inside(options)
    if subprocess.run([*walls(), "true"], capture_output=True, check=False).returncode:
        print("1..0 # SKIP no namespaces for this user")
        return 0
    print(f"1..{len(CASES)}", flush=True)
    failed = 0
    for number, case in enumerate(CASES, 1):
        done = subprocess.run(
            [*walls(), sys.executable, *sys.argv, "--inside", case.__name__],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )
        for line in (done.stdout + done.stderr).splitlines():
            print("# " + line.removeprefix("# "))
        failed += done.returncode != 0
        print("not ok" if done.returncode else "ok", number, case.__name__, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
