# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts that lack something the guard needs: kernels without a module, an old library. Each start
says in one true sentence what is lacking and what to do, and what is left guards; or the daemon
refuses, and says in one sentence why."""

import os
import re
import subprocess

from . import bus
from . import cases_hazards
from . import daemon as daemons
from .cases_engines import arp_spoof, has_table
from .cases_life import tries
from .cases_packets import NET, scene
from .daemon import bound
from .world import PATIENCE, has_chain, holds_within, run

program = library = None  # bridgewarden, and what is preloaded
ASK_AGAIN_SECONDS = 30  # the daemon's, for engines that do not answer
THINGS = "/run/lacking"

NO_NF_TABLES = (
    r"The engine nftables does not work here: {}\. Until it does, nothing guards against: ethertype, bpdu, "
    r"spoofed-mac, spoofed-arp, spoofed-nd, rogue-dhcp, rogue-ra, redirect, rogue-querier, flooded"
)
NO_IPTABLES = (
    r"The engine iptables does not work here: iptables table {} is not in this kernel \([^()]*"
    r"(\([^()]*\))?\)\. It needs legacy iptables \(ip_tables, iptable_raw, iptable_mangle, [^)]*xt_u32\)\. "
    r"The other one carries every reason, and guards alone: if that is meant, name it alone in Engines="
)
NO_IP6TABLES = (
    r"This kernel has no ip6tables table {}, so the engine iptables does not check all of IPv6\. It needs "
    r"legacy ip6tables \(ip6_tables, ip6table_raw, ip6table_mangle\)"
)
MODULE = r"this kernel has no nf_tables \(.*: {}\)\. It needs the kernel module nf_tables"

# What is lacking -> what is said of it.
NFTABLES = {
    "nfnetlink": NO_NF_TABLES.format(MODULE.format("Protocol not supported")),
    "nf_tables": NO_NF_TABLES.format(MODULE.format("Invalid argument")),
    "nf_tables-bridge": NO_NF_TABLES.format(
        r"nf_tables of this kernel does not take our rules \(Could not process rule: Operation not "
        r"supported\)\. It needs the family bridge \(CONFIG_NF_TABLES_BRIDGE, nft_meta_bridge\), nft_limit "
        r"and nft_log"
    ),
    "libnftables": NO_NF_TABLES.format(
        r"this libnftables does not understand our rules \(can not use variable sized data types "
        r"\(integer\) in concat expressions\)\. It needs libnftables 1\.0\.6 or later"
    ),
}
IPTABLES = {
    "ip_tables": NO_IPTABLES.format("raw"),
    "iptable_raw": NO_IPTABLES.format("raw"),
    "iptable_mangle": NO_IPTABLES.format("mangle"),
}
IP6TABLES = {
    "ip6_tables": NO_IP6TABLES.format("raw"),
    "ip6table_raw": NO_IP6TABLES.format("raw"),
    "ip6table_mangle": NO_IP6TABLES.format("mangle"),
    "ipv6": NO_IP6TABLES.format("raw"),
}
# Without nfnetlink there are no reports either.
UNREPORTED = {
    "nfnetlink": [
        r"What the guard drops cannot be reported: listen to NFLOG group \d+: Protocol mismatch\. It needs "
        r"the kernel module nfnetlink_log"
    ]
}


# What iptables leaves open is told while it is alone.
ALONE = {"tagged-unseen": r"iptables guards alone and is not shown what is in VLAN-tagged frames: .*"}


def preload():
    """The library of the sanitizer, where there is one, must be first."""
    linked = run("ldd", daemons.program)
    first = re.findall(r"=> (\S*lib[a-z]?asan\.so\S*)", linked)
    return ["env", "LD_PRELOAD=" + " ".join([*first, library])]


def take_away(*things):
    os.makedirs(THINGS, exist_ok=True)
    for thing in things:
        if thing == "br_netfilter":
            run("mount", "-t", "tmpfs", "none", "/proc/sys/net/bridge")
        else:
            open(f"{THINGS}/{thing}", "w", encoding="ascii").close()
    daemons.wrapper = preload()


def give_back(thing):
    os.unlink(f"{THINGS}/{thing}")


def warnings(daemon):
    """What the daemon has warned of, violations apart."""
    lines = [line.partition(": ")[2] for line in daemon.said().splitlines() if line.startswith("warning: ")]
    return [line for line in lines if not re.match(r"Port \S+ sent ", line)]


def only_says(report, daemon, sentences):
    """Each sentence once and no other, in the journal and as a hazard on the bus."""
    said = holds_within(PATIENCE, lambda: len(warnings(daemon)) >= len(sentences)) and warnings(daemon)
    said = said or warnings(daemon)
    for place, found in (("journal", said), ("bus", bus.state("Hazards"))):
        fits = lambda sentence, found=found: [one for one in found if re.fullmatch(sentence, one)]
        for sentence in sentences:
            report.holds(f"{place}: {sentence} once in {found}", len(fits(sentence)) == 1)
        report.holds(f"{place}: nothing else in {found}", len(found) == len(sentences))


def guards(report, world, engines):
    victim, thief, _ = world.fars.values()
    in_force = lambda: bus.engines_in_force() == engines
    report.holds(f"in force: {engines}", holds_within(PATIENCE, in_force))
    report.holds("in step", bus.state("InSync"))
    report.holds("protected", bus.ports()["vk64"]["Protected"])
    report.stops("IP", tries(world, thief, NET + "15", victim))
    report.passes("its own address", tries(world, thief, NET + "14", victim))
    judge = report.stops if "nftables" in engines else report.passes
    judge("ARP", arp_spoof(world, thief, NET + "15", victim))
    report.holds("no chains of the other", has_chain("bw-in") == ("iptables" in engines))
    report.holds("no table of the other", has_table() == ("nftables" in engines))


def starts(name, things, engines, sentences):
    """A case: the daemon starts without those things, and guards with those engines."""

    def case(report):
        take_away(*things)
        with bus.private_bus(), scene() as (world, daemon):
            report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
            report.holds("in step", holds_within(PATIENCE, lambda: bus.state("InSync")))
            only_says(report, daemon, sentences)
            guards(report, world, engines)
            daemon.kill()
            judged = daemons.run_to_end("--check-config", "--config", daemons.CONFIG)
            report.holds("the settings are judged as ever", judged.returncode == 0)
            report.holds("in one line", re.fullmatch(r"\S+: 0 errors, 0 warnings\n", judged.stdout))
            taken_down = daemons.run_to_end("--disarm")
            report.holds(f"taken down: {taken_down.stderr}", taken_down.returncode == 0)
            report.holds("nothing is left", not has_chain("bw-in") and not has_table())

    case.__name__ = "starts-without-" + name
    return case


def refuses(first, second):
    """Both engines lack something: no start, exit status 69, one sentence that names both."""

    def case(report):
        with scene() as (world, daemon):
            victim, thief, _ = world.fars.values()
            daemon.kill()
            take_away(first, second)
            done = daemons.run_to_end("--config", daemons.CONFIG)
            report.holds("refused", done.returncode == 69)
            of_nftables = NFTABLES[first].partition("here: ")[2].partition(r"\. Until")[0]
            of_iptables = IPTABLES[second].partition("here: ")[2].partition(r"\. The other")[0]
            sentence = (
                r"bridgewardend: No engine works here, so nothing can be guarded\. "
                rf"iptables: {of_iptables}\. nftables: {of_nftables}\n"
            )
            report.holds(f"in one sentence: {done.stderr}", re.fullmatch(sentence, done.stderr))
            report.stops("what stood goes on standing", tries(world, thief, NET + "15", victim))

    case.__name__ = f"refuses-without-{first}-and-{second}"
    return case


def only_iptables_and_no_br_netfilter(report):
    """Legacy tables are there and see nothing of a bridge: nobody is told that he is guarded."""
    take_away("nf_tables", "br_netfilter")
    with bus.private_bus(), scene() as (_world, daemon):
        report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
        daemon.must_say("br_netfilter is not loaded")
        daemon.must_say("The engine nftables does not work here: this kernel has no nf_tables")
        kinds = [(kind, subject) for kind, subject, _ in bus.state("HazardList")]
        report.holds(f"each by its word: {kinds}", kinds == [("no-br-netfilter", ""), ("engine", "nftables")])
        report.holds("none is in force", bus.engines_in_force() == set())
        report.holds("not in step", not bus.state("InSync"))
        report.holds("nobody is protected", not bus.ports()["vk64"]["Protected"])
        report.holds(f"two warnings, {warnings(daemon)}", len(warnings(daemon)) == 2)


def comes_later(report):
    """What was lacking is there some time after the start, and nobody tells the daemon."""
    take_away("nf_tables", "ip6_tables")
    with bus.private_bus(), scene() as (world, daemon):
        victim, thief, _ = world.fars.values()
        report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
        daemon.must_say("The engine nftables does not work here")
        report.passes("ARP meanwhile", arp_spoof(world, thief, NET + "15", victim))
        give_back("nf_tables")
        daemon.must_say("No longer so: The engine nftables does not work here", ASK_AGAIN_SECONDS + PATIENCE)
        both = {"iptables", "nftables"}
        report.holds("both", holds_within(PATIENCE, lambda: bus.engines_in_force() == both))
        report.holds("in step", holds_within(PATIENCE, lambda: bus.state("InSync")))
        guards(report, world, both)


def comes_before_a_reload(report):
    """A reload asks at once."""
    take_away("iptable_mangle")
    with bus.private_bus(), scene() as (world, daemon):
        report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
        daemon.must_say("The engine iptables does not work here")
        give_back("iptable_mangle")
        config = "[Guard]\nUnknownPorts=drop\n" + "".join(bound(f"vk{n}", n - 50) for n in (63, 64, 65))
        daemon.reload(config, "No longer so: The engine iptables does not work here")
        both = {"iptables", "nftables"}
        report.holds("both", holds_within(PATIENCE, lambda: bus.engines_in_force() == both))
        report.holds("in step", holds_within(PATIENCE, lambda: bus.state("InSync")))
        guards(report, world, both)


def a_match_is_missing(report):
    """What stands goes on standing, the other engine goes on, and once the match is there all is as it
    should be."""
    refusal = (
        r"error: The kernel could not be brought in step: commit the new rules in iptables table raw: this "
        r"kernel lacks a match or a target of theirs \(No chain/target/match by that name\)\. It needs legacy "
        r"iptables \(ip_tables, [^)]*xt_bpf, [^)]*xt_u32\)\. Trying again"
    )
    take_away()
    with bus.private_bus(), scene() as (world, daemon):
        victim, thief, _ = world.fars.values()
        both = {"iptables", "nftables"}
        report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
        report.holds("in step before", holds_within(PATIENCE, lambda: bus.state("InSync")))
        take_away("xt_bpf")
        guests = bound("vk63", 13) + bound("vk64", 14, "Router=yes") + bound("vk65", 15)
        daemon.reload("[Guard]\nUnknownPorts=drop\n" + guests, refusal)
        report.holds("not in step", not bus.state("InSync"))
        report.stops("IP", tries(world, thief, NET + "15", victim))
        report.stops("ARP", arp_spoof(world, thief, NET + "15", victim))
        report.holds("rules stand", has_chain("bw-in") and has_table())
        give_back("xt_bpf")
        report.holds("in step", holds_within(PATIENCE, lambda: bus.state("InSync")))
        report.holds("both", holds_within(PATIENCE, lambda: bus.engines_in_force() == both))
        report.stops("IP afterwards", tries(world, thief, NET + "15", victim))
        report.passes("what it may send now", tries(world, thief, "203.0.113.9", victim))


def turn_passes(daemon):
    """Fence: links are asked when a check begins, and a check finds what is gone. The first may have begun
    before this."""
    for _ in range(2):
        repairs = daemon.count("Somebody changed the guard's rules; repaired")
        run("iptables-legacy", "-w", "5", "-t", "raw", "-F", "PREROUTING")
        daemon.must_say("Somebody changed the guard's rules; repaired", times=repairs + 1)


def programs_untold(report):
    """A kernel without tcx has no such programs; one that is not allowed to tell is not believed to have
    none, and that is said once."""
    unknown = (
        r"notice: Whether programs of the kind tcx are attached to guarded ports is not known: ask for the "
        r"programs at link \d+ by bpf\(2\): Operation not permitted\. It takes CAP_NET_ADMIN "
    )
    take_away("tcx")
    with bus.private_bus(), scene() as (world, daemon):
        victim, thief, _ = world.fars.values()
        report.holds("on the bus", holds_within(PATIENCE, bus.is_there))
        known = lambda: ("tc-filters", "vk64") in cases_hazards.hazards()
        tcx = cases_hazards.Tcx(b"greedy")
        tcx.attach_by_link("vk64", cases_hazards.BPF_TCX_INGRESS)
        turn_passes(daemon)
        report.holds("an old kernel: none", not known() and daemon.count(unknown) == 0)
        take_away("bpf")
        daemon.must_say(unknown)
        turn_passes(daemon)
        report.holds("said once", daemon.count(unknown) == 1)
        report.holds("and alive", daemon.is_alive())
        report.stops("and on guard", tries(world, thief, NET + "15", victim))
        give_back("tcx")
        give_back("bpf")
        report.holds("found when it is told", holds_within(PATIENCE, known))
        take_away("bpf")
        daemon.must_say(unknown, times=2)
        turn_passes(daemon)
        report.holds("what was known stays", known())


def selftest(*things):
    for thing in os.listdir(THINGS) if os.path.isdir(THINGS) else ():
        give_back(thing)
    take_away(*things)
    return subprocess.run(
        [*daemons.wrapper, program, "selftest"], capture_output=True, text=True, timeout=240, check=False
    )


def selftest_says_so(report):
    """What cannot be tried is named, and what can is tried; with nothing to try it is refused."""
    for kind, table in (("nftables", NFTABLES), ("iptables", IPTABLES)):
        for thing, sentence in table.items():
            why = re.split(r"\\\. (?:Until|The other)", sentence.partition("here: ")[2])[0]
            done = selftest(thing)
            said = [line for line in done.stdout.splitlines() if "was not tried" in line]
            report.holds(f"{thing}: {done.stderr}{done.stdout[-300:]}", done.returncode == 0)
            report.holds(f"{thing}: {said}", len(said) == 1)
            report.holds(
                f"{thing}: {said} is true", re.fullmatch(rf"{kind} was not tried: {why}\.", said[0])
            )
    done = selftest("nf_tables", "ip_tables")
    report.holds(f"nothing to try: {done.stderr}", done.returncode == 4 and done.stdout == "")
    report.holds(f"one sentence: {done.stderr}", done.stderr.count("\n") == 1)
    report.holds(f"names both: {done.stderr}", {"iptables:", "nftables:"} <= set(done.stderr.split()))


def make_cases():
    singles = NFTABLES | IPTABLES | IP6TABLES
    for thing, sentence in singles.items():
        left = {"iptables", "nftables"}
        left -= {"nftables"} if thing in NFTABLES else {"iptables"} if thing in IPTABLES else set()
        alone = ALONE.values() if thing in NFTABLES else ()
        yield starts(thing, [thing], left, [sentence, *alone, *UNREPORTED.get(thing, ())])
    for thing in NFTABLES:
        for other in ("ip6_tables", "ipv6"):
            yield starts(f"{thing}-and-{other}", [thing, other], {"iptables"},
                         [NFTABLES[thing], IP6TABLES[other], *ALONE.values(), *UNREPORTED.get(thing, ())])
        for other in IPTABLES:
            yield refuses(thing, other)
    for thing in IPTABLES:
        # Neither IPv6's tables nor br_netfilter matter to nftables, and nothing is said of them.
        for other in ("ip6_tables", "br_netfilter"):
            yield starts(f"{thing}-and-{other}", [thing, other], {"nftables"}, [IPTABLES[thing]])


CASES = [
    *make_cases(),
    only_iptables_and_no_br_netfilter,
    comes_later,
    comes_before_a_reload,
    programs_untold,
    selftest_says_so,
    a_match_is_missing,
]
