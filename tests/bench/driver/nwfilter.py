# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules libvirt's network filter clean-traffic makes for a port with a known address, as
libvirt 9.0.0 gives them to ebtables-nft: two lists of all ports, and eight chains for each port.
tests/bench/driver/libvirt_rules.py has a real libvirt make the same, to be compared with."""

import subprocess

from driver.lanes import Broken, address, inside, mac, port_name

CHAINS = ("I-{0}-arp-ip", "I-{0}-arp-mac", "I-{0}-ipv4-ip", "I-{0}-mac", "I-{0}-rarp", "O-{0}-ipv4",
          "O-{0}-rarp", "libvirt-I-{0}", "libvirt-O-{0}")  # fmt: skip
RARP = ("--arp-op Request_Reverse --arp-ip-src 0.0.0.0 --arp-ip-dst 0.0.0.0"
        " --arp-mac-src {mac} --arp-mac-dst {mac} -j ACCEPT")  # fmt: skip
RULES = (
    "PREROUTING -i {port} -j libvirt-I-{port}",
    "POSTROUTING -o {port} -j libvirt-O-{port}",
    "libvirt-I-{port} -j I-{port}-mac",
    "libvirt-I-{port} -p IPv4 -j I-{port}-ipv4-ip",
    "libvirt-I-{port} -p IPv4 -j ACCEPT",
    "libvirt-I-{port} -p ARP -j I-{port}-arp-mac",
    "libvirt-I-{port} -p ARP -j I-{port}-arp-ip",
    "libvirt-I-{port} -p ARP -j ACCEPT",
    "libvirt-I-{port} -p RARP -j I-{port}-rarp",
    "libvirt-I-{port} -p 0x835 -j ACCEPT",
    "libvirt-I-{port} -j DROP",
    "libvirt-O-{port} -p IPv4 -j O-{port}-ipv4",
    "libvirt-O-{port} -p ARP -j ACCEPT",
    "libvirt-O-{port} -p RARP -j O-{port}-rarp",
    "libvirt-O-{port} -j DROP",
    "I-{port}-mac -s {mac} -j RETURN",
    "I-{port}-mac -j DROP",
    "I-{port}-ipv4-ip -p IPv4 --ip-src 0.0.0.0 --ip-proto udp -j RETURN",
    "I-{port}-ipv4-ip -p IPv4 --ip-src {address} -j RETURN",
    "I-{port}-ipv4-ip -j DROP",
    "I-{port}-arp-mac -p ARP --arp-mac-src {mac} -j RETURN",
    "I-{port}-arp-mac -j DROP",
    "I-{port}-arp-ip -p ARP --arp-ip-src {address} -j RETURN",
    "I-{port}-arp-ip -j DROP",
    "I-{port}-rarp -p RARP -s {mac} -d Broadcast " + RARP,
    "I-{port}-rarp -j DROP",
    "O-{port}-ipv4 -j ACCEPT",
    "O-{port}-rarp -p RARP -d Broadcast " + RARP,
    "O-{port}-rarp -j DROP",
)


def rules(n_ports):
    """For ebtables-nft-restore."""
    chains, lines = [], []
    for number in range(n_ports):
        port = port_name(number)
        chains += [f":{chain.format(port)} ACCEPT" for chain in CHAINS]
        lines += ["-A " + rule.format(port=port, mac=mac(number), address=address(number))
                  for rule in RULES]  # fmt: skip
    hooks = [f":{hook} ACCEPT" for hook in ("PREROUTING", "OUTPUT", "POSTROUTING")]
    return "\n".join(["*nat", *hooks, *chains, *lines, ""])


def write(namespace, n_ports):
    subprocess.run(inside(namespace, ["ebtables-nft-restore"]), text=True, input=rules(n_ports),
                   check=True)  # fmt: skip


def without_remarks(saved):
    return [line for line in saved.splitlines() if not line.startswith("#")]


def saved_rules(namespace):
    saved = subprocess.run(inside(namespace, ["ebtables-nft-save"]), text=True, check=True,
                           stdout=subprocess.PIPE)  # fmt: skip
    return without_remarks(saved.stdout)


def compare(namespace, made_by_libvirt):
    """That ours are libvirt's, rule by rule, chain by chain."""
    ours, theirs = saved_rules(namespace), without_remarks(made_by_libvirt)
    if sorted(ours) != sorted(theirs):
        strange = sorted(set(ours) ^ set(theirs))[:5]
        raise Broken("libvirt writes clean-traffic otherwise than tests/bench/driver/nwfilter.py: "
                     + "; ".join(strange))  # fmt: skip
    if in_order(ours) != in_order(theirs):
        raise Broken("libvirt orders clean-traffic otherwise than tests/bench/driver/nwfilter.py")


def in_order(lines):
    """Chain by chain: the order of rules counts, that of chains does not."""
    return sorted((line for line in lines if line.startswith("-A ")), key=lambda x: x.split()[1])
