/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * libvirt's event loop, kept away from ours
 *
 * libvirt's default implementation runs in GLib's default main context: driven
 * by a second thread it would dispatch the daemon's own sources there. This one
 * puts each handle and timer of libvirt into the main context that is the
 * thread's default where libvirt asks for it.
 */

/* Before the first connection of the process is opened; later calls do nothing. */
void bw_virt_loop_register(void);
