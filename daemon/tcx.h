/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * tcx adapter
 *
 * Which programs are attached to a link as tcx (Linux 6.6): what bpf(2) alone
 * tells. Nothing is told as news. Three commands of one call, made by hand:
 * libbpf brings a loader, an ELF reader and a daemon's worth of code that would
 * never run, and the kernel's headers of 6.1 do not know tcx either way.
 */

#include <bw/hazard.h>

/* (transfer full) (element-type BwTcxProgram): in the order they run, ingress first. None at a link
 * that is gone, and on a kernel that has no tcx (EINVAL), no bpf(2) (ENOSYS), or is older than 6.6
 * and refuses the question (EPERM, EACCES). NULL and an error when the kernel does not say:
 * BW_ERROR_DENIED without CAP_NET_ADMIN in the first user namespace, or when a filter of system
 * calls is against bpf(2); BW_ERROR_BROKEN otherwise. Names are told with CAP_SYS_ADMIN only, and
 * "" without. */
GArray *bw_tcx_read(int ifindex, GError **error);
