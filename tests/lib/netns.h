/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Tests in namespaces of their own
 */

#include <stdbool.h>

/* Moves the process into a fresh user (when not root), network and mount namespace with its own
 * tmpfs on /run and a fresh sysfs. False when the machine forbids it: skip then, and say why. Must
 * be called before any thread starts. */
bool bw_test_enter_netns(void);

/* Takes CAP_NET_ADMIN from this thread, or gives it back: what is refused is seen without it. */
void bw_test_set_net_admin(bool has);
