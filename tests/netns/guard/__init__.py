# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole daemon against real bridges, ports and frames, in namespaces of its own."""
