# SPDX-License-Identifier: GPL-2.0-or-later
"""What the guests are made of: kernel, initramfs, hostile programs. Kept outside the tree."""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(os.environ.get("BW_LAB_CACHE", "/var/cache/bridgewarden-lab"))
SOURCES = Path(__file__).resolve().parent.parent / "guest"
KERNEL = CACHE / "kernel" / "vmlinuz"
MODULES = CACHE / "kernel" / "modules"
BUSYBOX = Path("/bin/busybox")
WANTED_MODULES = ("virtio_pci", "virtio_net", "button", "evdev")
BUILDS_KEPT = 4

WIRE_FLAGS = ["-static", "-Os", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
BLASTER_FLAGS = [
    "-m32",
    "-ffreestanding",
    "-fno-pic",
    "-fno-stack-protector",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
    "-nostdlib",
    "-static",
    "-Os",
    "-mgeneral-regs-only",
    "-Wl,-m,elf_i386,-Ttext=0x100000,--build-id=none,-n,--no-warn-rwx-segments",
]


def module_files():
    """The wanted modules and what they need, in the order in which they can be loaded."""
    found = {path.name.split(".ko")[0]: path for path in MODULES.rglob("*.ko")}
    ordered = []

    def add(name):
        path = found.get(name)
        if path is None or path in ordered:  # not found: built in
            return
        needed = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for other in needed.group(1).decode().split(",") if needed else []:
            add(other)
        ordered.append(path)

    for name in WANTED_MODULES:
        add(name)
    return ordered


def cpio(entries):
    """A newc archive. entries: (name, mode, bytes)."""
    out = bytearray()
    for number, (name, mode, content) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields)
        out += name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4)
        out += content
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def initramfs(wire):
    files = [(f"modules/{path.name}", path.read_bytes()) for path in module_files()]
    order = "".join(f"{path.name}\n" for path in module_files())
    return cpio(
        [("bin", 0o040755, b""), ("modules", 0o040755, b"")]
        + [("bin/busybox", 0o100755, BUSYBOX.read_bytes()), ("bin/sh", 0o120777, b"busybox")]
        + [("bin/wire", 0o100755, wire.read_bytes())]
        + [("bin/lease", 0o100755, (SOURCES / "lease").read_bytes())]
        + [("init", 0o100755, (SOURCES / "init").read_bytes())]
        + [(name, 0o100644, content) for name, content in files]
        + [("modules/order", 0o100644, order.encode())]
    )


def compile_c(source, flags, out):
    subprocess.run(["gcc", *flags, "-o", str(out), str(SOURCES / source)], check=True)


def inputs_digest():
    digest = hashlib.sha256()
    sources = [SOURCES / name for name in ("init", "lease", "wire.c", "blaster.c")]
    for path in (Path(__file__), *sources, BUSYBOX):
        digest.update(path.read_bytes())
    digest.update(str(KERNEL.stat().st_mtime_ns).encode())
    return digest.hexdigest()[:16]


def forget_old_builds():
    builds = sorted(CACHE.glob("built-*"), key=lambda path: path.stat().st_mtime)
    for path in builds[:-BUILDS_KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def build():
    """The folder with initramfs.gz, wire and blaster.elf, made if need be."""
    if not KERNEL.exists():
        raise SystemExit(f"no guest kernel in {CACHE}: run scripts/install-dependencies first")
    target = CACHE / f"built-{inputs_digest()}"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        work = Path(scratch) / "built"
        work.mkdir()
        compile_c("wire.c", WIRE_FLAGS, work / "wire")
        compile_c("blaster.c", BLASTER_FLAGS, work / "blaster.elf")
        (work / "initramfs.gz").write_bytes(gzip.compress(initramfs(work / "wire"), 1))
        try:
            work.rename(target)
        except OSError:
            pass  # another run was faster
    forget_old_builds()
    return target
