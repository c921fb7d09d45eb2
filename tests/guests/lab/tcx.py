# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of the kernel attached to a link as tcx (Linux 6.6), by bpf(2) itself."""

import contextlib
import ctypes
import errno
import os
import socket
import struct

SYS_BPF = {"x86_64": 321, "aarch64": 280}
PROG_LOAD, LINK_CREATE = 5, 28
SCHED_CLS, INGRESS = 3, 46
LEAVE_TO_NEXT = struct.pack("<BBhiBBhi", 0xB7, 0, 0, -1, 0x95, 0, 0, 0)  # r0 = TCX_NEXT; exit


def bpf(command, words):
    room, call = ctypes.create_string_buffer(words, 128), ctypes.CDLL(None, use_errno=True).syscall
    done = call(SYS_BPF[os.uname().machine], command, room, 128)
    if done < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return done


@contextlib.contextmanager
def attached(port, name):
    """A program that leaves every frame as it is, at the port's ingress. Yields whether the kernel can."""
    code, licence = map(ctypes.create_string_buffer, (LEAVE_TO_NEXT, b"GPL"))
    where = map(ctypes.addressof, (code, licence))
    program = bpf(PROG_LOAD, struct.pack("=IIQQIIQII16s", SCHED_CLS, 2, *where, 0, 0, 0, 0, 0, name))
    link = None
    try:
        wish = struct.pack("=IIII", program, socket.if_nametoindex(port), INGRESS, 0)
        link = bpf(LINK_CREATE, wish)
        yield True
    except OSError as error:
        if link is not None or error.errno != errno.EINVAL:
            raise
        yield False
    finally:
        for opened in (link, program):
            if opened is not None:
                os.close(opened)
