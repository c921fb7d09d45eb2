#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may include whom. includes.py SOURCE-ROOT

A room's kind is told by its folder and name; what nobody has thought of is the strictest kind of its
folder. Prints each forbidden line and fails when there is one."""

import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^">]+)[">]')

# Words without a socket in them.
VALUES = {'stdbool.h', 'stdint.h', 'stddef.h', 'stdarg.h', 'limits.h', 'string.h', 'errno.h',
          'sysexits.h', 'syslog.h'}
# Conversion of addresses and their types; opens nothing.
ADDRESSES = {'arpa/inet.h', 'netinet/in.h'}
FOREIGN = ('systemd/', 'libvirt/', 'netlink/', 'linux/', 'libiptc/', 'nftables/', 'xtables',
           'json-glib/', 'gio/', 'glib-object', 'dbus/')

# The one foreign library of each adapter. A family is all files whose name begins so.
ADAPTERS = {
    'bus': ('systemd/sd-bus.h',),
    'journal': ('systemd/sd-journal.h',),
    'service': ('systemd/sd-daemon.h',),
    'virt': ('libvirt/',),
    'netlink': ('netlink/', 'linux/'),
    'nflog': ('netlink/', 'linux/'),
    'nl': (),
    'ipt_calls_v4': ('libiptc/libiptc.h',),
    'ipt_calls_v6': ('libiptc/libip6tc.h',),
    'ipt': ('linux/netfilter',),
    'nftables': ('nftables/libnftables.h', 'linux/netlink.h', 'linux/netfilter'),
    'settings': (),
    'kernel': (),
    'undo_file': (),
    'listeners': ('linux/',),
    'tcx': ('linux/bpf.h',),
}
# What adapters of one library may have in common.
SHARED = {'netlink': 'nl', 'nflog': 'nl', 'nftables': 'nl', 'ipt_calls_v4': 'ipt', 'ipt_calls_v6': 'ipt'}
# Bytes to facts, in the kernel's words and libnl's; a socket has no place in it.
DECODERS = {'nft_bytes': ('linux/netlink.h', 'linux/netfilter'),
            'ipt_reply': ('linux/filter.h',),
            'ipt_request': ('linux/filter.h',),
            'nft_news': ('linux/netlink.h', 'linux/netfilter'),
            'nft_forward': ('linux/netfilter',),
            'nft_seen': ('linux/netfilter',),
            'netlink_decode': ('linux/', 'netlink/attr.h', 'netlink/msg.h', 'net/if.h',
                               'sys/socket.h'),
            'tc_news': ('linux/pkt_sched.h', 'linux/rtnetlink.h')}


def family_of(stem):
    for name in ADAPTERS:
        if stem == name or stem.startswith(name + '_') or (name == 'ipt' and stem.startswith('iptables')):
            return name
    return None


def is_own(included):
    return included.startswith('bw/') or included in ('glib.h', 'glib-unix.h', 'glib/gstdio.h')


def lib_allows(path, quoted, included):
    if quoted:
        return False
    if path.suffix == '.c' and included.startswith(DECODERS.get(path.stem, '\0')):
        return True
    return included.startswith('bw/') or included == 'glib.h' or included in VALUES | ADDRESSES


def contract_allows(path, quoted, included):
    return not quoted and (included.startswith('bw/') or included == 'glib.h'
                           or included in {'stdbool.h', 'stdint.h', 'stddef.h'})


def adapter_allows(family, quoted, included):
    if quoted:
        return family_of(Path(included).stem) in (family, SHARED.get(family, family))
    if included.startswith(FOREIGN):
        return included.startswith(ADAPTERS[family])
    return True


def conductor_allows(path, quoted, included):
    """Decides, so it knows no foreign library and makes no system call. May know every adapter."""
    if quoted:
        return (path.parent / included).exists()
    return is_own(included) or included in VALUES


def daemon_allows(path, quoted, included):
    if path.name == 'main.c':
        return True
    family = family_of(path.stem)
    if family is not None:
        return adapter_allows(family, quoted, included)
    return conductor_allows(path, quoted, included)


# Adapters of the command line: each has its one foreign library.
CLI_ADAPTERS = {'stage_link': ('netlink/', 'linux/'), 'stage': ('linux/if_tun.h',)}


# What the daemon and the command line read alike: a room without a foreign library.
BOTH = {'settings.h'}


def cli_allows(path, quoted, included):
    if quoted:
        return included in BOTH or ('/' not in included and (path.parent / included).exists())
    if included.startswith('pcap/'):
        return path.name == 'capture.c'
    if path.stem in CLI_ADAPTERS:
        return not included.startswith(FOREIGN) or included.startswith(CLI_ADAPTERS[path.stem])
    return not included.startswith(FOREIGN) or included in ('json-glib/json-glib.h',
                                                            'systemd/sd-bus.h')


FOLDERS = {'include/bw': contract_allows, 'lib': lib_allows, 'daemon': daemon_allows,
           'cli': cli_allows}


def includes_of(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1] == '"', match[2]


def main(root):
    seen = wrong = 0
    for folder, allows in FOLDERS.items():
        for path in sorted((root / folder).glob('*.[ch]')):
            for number, quoted, included in includes_of(path):
                seen += 1
                if included.endswith('.c') or not allows(path, quoted, included):
                    wrong += 1
                    print(f'{path.relative_to(root)}:{number}: may not include {included}')
    print(f'{seen} includes, {wrong} forbidden')
    return 1 if wrong or seen < 50 else 0


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1])))
