# SPDX-License-Identifier: GPL-2.0-or-later
"""A libvirt test bed in namespaces of its own. tests/guests/README.md tells how it is used."""
