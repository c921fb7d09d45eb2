# SPDX-License-Identifier: GPL-2.0-or-later
"""What a real libvirt writes for clean-traffic: prints ebtables-save.

libvirt_rules.py PORTS: starts the guests lab's libvirtd behind walls of its own, makes the ports
and binds the filter to each (virsh nwfilter-binding-create: as at a guest's start, without the
guest)."""

import subprocess
import sys
import uuid
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TESTS / "bench"), str(TESTS / "guests")]

from driver.lanes import BRIDGE, address, mac, port_name  # noqa: E402
from lab.libvirt import Libvirt, virsh  # noqa: E402
from lab.namespaces import LAB, behind_walls  # noqa: E402

FILTERS = Path("/usr/share/libvirt/nwfilter")  # libvirt-daemon-config-nwfilter
SKIPPED = 77
LIMIT_SECONDS = 60
BINDING = """<filterbinding><owner><name>{port}</name><uuid>{uuid}</uuid></owner>
<portdev name='{port}'/><mac address='{mac}'/>
<filterref filter='clean-traffic'><parameter name='IP' value='{address}'/></filterref>
</filterbinding>
"""


def start_libvirt():
    """With the filters the distribution has; the lab's own has none."""
    libvirt = Libvirt()
    libvirt.stop()
    place = Path("/etc/libvirt/nwfilter")
    place.mkdir(exist_ok=True)
    for template in FILTERS.glob("*.xml"):
        (place / template.name).write_text(template.read_text())
    libvirt.start()
    return libvirt


def bind(number):
    port, text = port_name(number), LAB / f"{number}.xml"
    subprocess.run(["ip", "tuntap", "add", port, "mode", "tap"], check=True)
    subprocess.run(["ip", "link", "set", port, "master", BRIDGE, "up"], check=True)
    text.write_text(BINDING.format(port=port, uuid=uuid.uuid4(), mac=mac(number),
                                   address=address(number)))  # fmt: skip
    virsh("nwfilter-binding-create", text)


def show():
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    libvirt = start_libvirt()
    for number in range(int(sys.argv[1])):
        bind(number)
    subprocess.run(["ebtables-save"], check=True)
    libvirt.stop()
    return 0


if __name__ == "__main__":
    if not (FILTERS / "clean-traffic.xml").exists():
        print("libvirt-daemon-config-nwfilter is not installed", file=sys.stderr)
        sys.exit(SKIPPED)
    sys.exit(behind_walls(show, limit_seconds=LIMIT_SECONDS))
