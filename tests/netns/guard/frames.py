# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames as bytes. Nothing here knows of ports or of the guard."""

import itertools
import socket
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"
EXPERIMENTAL = 253  # an IP protocol nobody answers (RFC 3692)

tokens = itertools.count(1)


def new_token():
    return b"BWTOKEN%08d" % next(tokens)


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def ipv4(source, destination, payload, protocol=EXPERIMENTAL, offset=0, more=False):
    """offset: in units of eight bytes, as in the header."""
    header = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(payload),
        0x4242,
        (0x2000 if more else 0) | offset,
        64,
        protocol,
        0,
        socket.inet_aton(source),
        socket.inet_aton(destination),
    )
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ethernet(source_mac, destination_mac, packet, ethertype=0x0800):
    head = mac_bytes(destination_mac) + mac_bytes(source_mac) + struct.pack("!H", ethertype)
    return (head + packet).ljust(60, b"\0")


def udp(source_port, destination_port, payload):
    """Without a checksum, which IPv4 allows."""
    return struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0) + payload


def bootp(operation, mac, token, hardware=1, length=6):
    """A DHCP message as far as the guard looks (RFC 2131, figure 1); the token behind it."""
    head = struct.pack("!BBBB", operation, hardware, length, 0) + bytes(24)
    return (head + mac_bytes(mac)).ljust(236, b"\0") + b"\x63\x82\x53\x63" + token


def link_local(source_mac, last_octet, token):
    """A frame no bridge forwards (IEEE 802.1Q, table 8-1); with 0x0e, LLDP's."""
    return ethernet(source_mac, f"01:80:c2:00:00:{last_octet:02x}", token, 0x88CC)


def arp(operation, sender_mac, sender, target_mac, target):
    """RFC 826, for IPv4 over Ethernet."""
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    return (head + mac_bytes(sender_mac) + socket.inet_aton(sender)
            + mac_bytes(target_mac) + socket.inet_aton(target))


def ipv6(source, destination, payload, protocol=EXPERIMENTAL, hops=255):
    head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops)
    return (head + socket.inet_pton(socket.AF_INET6, source)
            + socket.inet_pton(socket.AF_INET6, destination) + payload)


def icmpv6(source, destination, kind, body):
    """One message; the checksum is over the addresses, too (RFC 4443)."""
    message = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = (socket.inet_pton(socket.AF_INET6, source)
              + socket.inet_pton(socket.AF_INET6, destination)
              + struct.pack("!II", len(message), 58))
    padded = pseudo + message + b"\0" * (len(message) % 2)
    message = message[:2] + struct.pack("!H", checksum(padded)) + message[4:]
    return ipv6(source, destination, message, 58)


def option(kind, content):
    """Of neighbour discovery (RFC 4861): 1 and 2 hold a MAC address, 14 a nonce (RFC 3971)."""
    units = (len(content) + 2 + 7) // 8
    return (bytes((kind, units)) + content).ljust(units * 8, b"\0")


def tagged(frame, *types):
    """The same frame behind VLAN tags of priority 0 and VLAN 0."""
    tags = b"".join(struct.pack("!HH", kind, 0) for kind in types)
    return frame[:12] + tags + frame[12:]


def arp_fence(source_mac, token):
    """ARP the kernel ignores and the iptables engine never sees: it marks the end of a test."""
    return ethernet(source_mac, BROADCAST, bytes(28) + token, 0x0806)
