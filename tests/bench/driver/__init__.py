# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver of the benchmark: scripts/bench is its front."""
