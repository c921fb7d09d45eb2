#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The service stays locked up and never takes the rules down. unit.sh BRIDGEWARDEN.SERVICE
set -eu

says() {
        grep -qx "$1" "$unit" || { echo "$unit: no line \"$1\""; exit 1; }
}

unit=$1
says 'AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW'
says 'CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW'
says 'User=bridgewarden'
# Without it programs of the kind tcx go unseen: it belongs to @privileged, which is taken away before.
says 'SystemCallFilter=bpf'
says 'Restart=always'
says 'RestartSec=2s'
says 'RestartPreventExitStatus=78'
# Nobody else loads these in time: without them half of the guard is missing until the next start.
for module in br_netfilter ip_tables ip6_tables; do
        for when in Wants After; do
                says "$when=.*modprobe@$module\.service.*"
        done
done
if grep -E '^ExecStop(Post)?=' "$unit"; then
        echo "rules outlive the daemon: nothing may run at its stop"
        exit 1
fi
if ! command -v systemd-analyze >/dev/null; then
        echo "no systemd-analyze here: the score is not looked at"
        exit 77
fi
# Twenty of a hundred; the lower, the less can be done with the daemon if it is taken over.
systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" | tail -n 1
systemd-analyze security --offline=true --threshold=20 --no-pager "$unit" >/dev/null
