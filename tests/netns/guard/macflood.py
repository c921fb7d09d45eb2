# SPDX-License-Identifier: GPL-2.0-or-later
"""As many source MACs as a guest can send, by sendmmsg(2): Python alone is too slow for that."""

import ctypes
import os

from .frames import mac_bytes

BATCH = 64
FRAME = 60
RANDOM_AT = 8  # the last four octets of the source MAC


class IoVec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class MsgHdr(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.POINTER(IoVec)),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class MMsgHdr(ctypes.Structure):
    _fields_ = [("header", MsgHdr), ("sent", ctypes.c_uint)]


class MacFlood:
    def __init__(self, far, destination_mac, packet):
        frame = mac_bytes(destination_mac) + b"\x02\0\0\0\0\0" + b"\x08\x06" + packet
        self.far = far
        self.memory = bytearray(frame.ljust(FRAME, b"\0")[:FRAME] * BATCH)
        self.pinned = (ctypes.c_char * len(self.memory)).from_buffer(self.memory)
        begin = ctypes.addressof(self.pinned)
        self.vectors = (IoVec * BATCH)(*[(begin + i * FRAME, FRAME) for i in range(BATCH)])
        self.messages = (MMsgHdr * BATCH)()
        for message, vector in zip(self.messages, self.vectors):
            message.header.iov = ctypes.pointer(vector)
            message.header.iovlen = 1
        self.libc = ctypes.CDLL(None)

    def send(self):
        octets = os.urandom(4 * BATCH)
        for i in range(BATCH):
            at = i * FRAME + RANDOM_AT
            self.memory[at : at + 4] = octets[4 * i : 4 * i + 4]
        self.libc.sendmmsg(self.far.socket.fileno(), self.messages, BATCH, 0)
