# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules FWbuilder makes for the ports of a bridge: every port in one long list, four times."""

from driver.lanes import address, port_name


def misdelivered(port, chain):
    return [f"-A FORWARD -m physdev --physdev-is-bridged --physdev-out {port_name(port)}"
            f" ! -d {address(port)} -j {chain}"]  # fmt: skip


def reflected(port, chain):
    return [f"-A FORWARD -m physdev --physdev-is-bridged --physdev-out {port_name(port)}"
            f" -s {address(port)} -j {chain}"]  # fmt: skip


def spoofed(port, chain):
    return [f"-A {hook} -m physdev --physdev-in {port_name(port)} ! -s {address(port)} -j {chain}"
            for hook in ("INPUT", "FORWARD")]  # fmt: skip


def deny(number, chain):
    return [f'-A {chain} -j LOG --log-level info --log-prefix "RULE {number} -- DENY "',
            f"-A {chain} -j DROP"]  # fmt: skip


def rules(n_ports):
    """For iptables-restore, in FWbuilder's order: one kind of rule for all ports, then the next."""
    chains, lines, number = [], [], 2
    for kind, prefix in ((misdelivered, "Out"), (reflected, "Out"), (spoofed, "In")):
        for port in range(n_ports):
            chain = f"{prefix}_RULE_{number}"
            chains.append(f":{chain} - [0:0]")
            lines += kind(port, chain) + deny(number, chain)
            number += 1
        number += 1  # the headline between two kinds counts as a rule
    hooks = [f":{hook} ACCEPT [0:0]" for hook in ("INPUT", "FORWARD", "OUTPUT")]
    return "\n".join(["*filter", *hooks, *chains, *lines, "COMMIT", ""])
