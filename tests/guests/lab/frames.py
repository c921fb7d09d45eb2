# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames byte by byte, as hostile guests and honest routers send them. All of them are bytes."""

import struct
from ipaddress import IPv4Address, IPv6Address, IPv6Network

BROADCAST = "ff:ff:ff:ff:ff:ff"
ALL_NODES = "ff02::1"
ARP, RARP, IPV4, IPV6 = 0x0806, 0x8035, 0x0800, 0x86DD
REQUEST, REPLY, REVERSE_REQUEST = 1, 2, 3
ICMP, UDP, ICMPV6, DESTINATION_OPTIONS = 1, 17, 58, 60
ROUTER_ADVERTISEMENT = 134
NEIGHBOUR_ADVERTISEMENT, REDIRECT6 = 136, 137
REDIRECT4, ECHO_REPLY4 = 5, 0
LEAST_LENGTH = 60  # of an Ethernet frame without its checksum
DISCARD = 9


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def ip_bytes(text):
    return (IPv6Address(text) if ":" in text else IPv4Address(text)).packed


def ethernet(source, destination, kind, payload):
    frame = mac_bytes(destination) + mac_bytes(source) + struct.pack("!H", kind) + payload
    return frame.ljust(LEAST_LENGTH, b"\0")


def checksum(content):
    content += b"\0" * (len(content) % 2)
    total = sum(struct.unpack(f"!{len(content) // 2}H", content))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# -- ARP and RARP (RFC 826, RFC 903)


def arp(operation, sender, target, source=None, destination=None, kind=ARP, padding=b""):
    """sender, target: (mac, ip). The frame's own addresses are theirs unless told otherwise."""
    body = struct.pack("!HHBBH", 1, IPV4, 6, 4, operation)
    for mac, address in (sender, target):
        body += mac_bytes(mac) + ip_bytes(address)
    return ethernet(source or sender[0], destination or target[0], kind, body + padding)


def rarp(mac, source=None, padding=b""):
    """As QEMU announces a guest."""
    own = (mac, "0.0.0.0")
    return arp(REVERSE_REQUEST, own, own, source or mac, BROADCAST, RARP, padding)


# -- IPv4


def ipv4(source, destination, protocol, payload):
    def header(check):
        start = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, check)
        return start + ip_bytes(source) + ip_bytes(destination)

    return header(checksum(header(0))) + payload


def icmp(kind, code, rest):
    check = checksum(struct.pack("!BBH", kind, code, 0) + rest)
    return struct.pack("!BBH", kind, code, check) + rest


def redirect4(sender_mac, receiver, router, better, destination):
    """In the name of router: "for destination take better". Quotes an echo reply of receiver's."""
    quoted = ipv4(receiver.ip, destination, ICMP, icmp(ECHO_REPLY4, 0, bytes(4)))
    message = icmp(REDIRECT4, 1, ip_bytes(better) + quoted)
    return ethernet(sender_mac, receiver.mac, IPV4, ipv4(router, receiver.ip, ICMP, message))


# -- IPv6


def multicast_mac(address):
    return "33:33:" + ip_bytes(address)[12:].hex(":")


def upper_checksum(source, destination, protocol, content):
    pseudo = ip_bytes(source) + ip_bytes(destination) + struct.pack("!II", len(content), protocol)
    return checksum(pseudo + content)


def ipv6(source, destination, next_header, payload, hop_limit=255):
    start = struct.pack("!IHBB", 6 << 28, len(payload), next_header, hop_limit)
    return start + ip_bytes(source) + ip_bytes(destination) + payload


def icmpv6(source, destination, kind, rest, flags=0):
    draft = struct.pack("!BBH", kind, flags, 0) + rest
    check = upper_checksum(source, destination, ICMPV6, draft)
    return struct.pack("!BBH", kind, flags, check) + rest


def lladdr_option(kind, mac):
    return struct.pack("!BB", kind, 1) + mac_bytes(mac)


def router_advertisement(mac, source, network, behind_options=False, receiver=None):
    """To all, or to the receiver's MAC: I am a router, and network is on this link, for you to take
    addresses of."""
    prefix = IPv6Network(network)
    rest = struct.pack("!BBHII", 64, 0, 1800, 0, 0)
    rest += lladdr_option(1, mac)
    rest += struct.pack("!BBBBIII", 3, 4, prefix.prefixlen, 0xC0, 7200, 1800, 0)
    rest += prefix.network_address.packed
    message = icmpv6(source, ALL_NODES, ROUTER_ADVERTISEMENT, rest)
    first = ICMPV6
    if behind_options:  # eight bytes of destination options that say nothing (RFC 7113)
        first, message = DESTINATION_OPTIONS, bytes([ICMPV6, 0, 1, 4, 0, 0, 0, 0]) + message
    packet = ipv6(source, ALL_NODES, first, message)
    return ethernet(mac, receiver or multicast_mac(ALL_NODES), IPV6, packet)


def neighbour_advertisement(mac, source, target, destination, destination_mac):
    """Unasked: target is at mac, whatever you have heard before (RFC 4861, override)."""
    rest = bytes([0x20, 0, 0, 0]) + ip_bytes(target) + lladdr_option(2, mac)
    message = icmpv6(source, destination, NEIGHBOUR_ADVERTISEMENT, rest)
    packet = ipv6(source, destination, ICMPV6, message)
    return ethernet(mac, destination_mac, IPV6, packet)


def redirect6(mac, receiver_mac, receiver, router, better, destination):
    """In the name of router: "for destination take better"."""
    rest = bytes(4) + ip_bytes(better) + ip_bytes(destination) + lladdr_option(2, mac)
    message = icmpv6(router, receiver, REDIRECT6, rest)
    return ethernet(mac, receiver_mac, IPV6, ipv6(router, receiver, ICMPV6, message))


def udp6(mac, destination_mac, source, destination, payload=b"bridgewarden's lab"):
    draft = struct.pack("!HHHH", DISCARD, DISCARD, 8 + len(payload), 0) + payload
    check = upper_checksum(source, destination, UDP, draft)
    message = draft[:6] + struct.pack("!H", check) + payload
    return ethernet(mac, destination_mac, IPV6, ipv6(source, destination, UDP, message, 64))


# -- where things stand in a frame, for the wire tool's at=

PLACES = {
    "source": 6,
    "kind": 12,
    "arp_sender_mac": 22,
    "arp_sender_ip": 28,
    "arp_padding": 42,
    "ipv4_protocol": 23,
    "ipv4_source": 26,
    "udp4_source": 34,
    "ipv6_source": 22,
}


def at(**fields):
    """The wire tool's words for frames with these bytes in these fields."""
    return ",".join(f"{PLACES[field]}:{value.hex()}" for field, value in fields.items())
