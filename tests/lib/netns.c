/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "netns.h"

#include <glib.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool map_to_root(const char *file, unsigned id) {
        g_autofree char *line = g_strdup_printf("0 %u 1", id);

        return g_file_set_contents_full(file, line, -1, G_FILE_SET_CONTENTS_NONE, 0, NULL);
}

static bool enter_user_namespace(void) {
        unsigned uid = getuid(), gid = getgid();

        if (uid == 0)
                return true;
        if (unshare(CLONE_NEWUSER) < 0)
                return false;
        return map_to_root("/proc/self/uid_map", uid) &&
               g_file_set_contents_full("/proc/self/setgroups", "deny", -1,
                                        G_FILE_SET_CONTENTS_NONE, 0, NULL) &&
               map_to_root("/proc/self/gid_map", gid);
}

bool bw_test_enter_netns(void) {
        if (!enter_user_namespace() || unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
                return false;
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return false;
        if (mount("none", "/run", "tmpfs", 0, NULL) < 0)
                return false;
        /* Fails without harm where the machine's own sysfs may not be mounted again. */
        (void) mount("none", "/sys", "sysfs", 0, NULL);
        return true;
}

void bw_test_set_net_admin(bool has) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct sets[2];

        g_assert_cmpint(syscall(SYS_capget, &header, sets), ==, 0);
        sets[0].effective &= ~(1u << CAP_NET_ADMIN);
        if (has)
                sets[0].effective |= 1u << CAP_NET_ADMIN;
        g_assert_cmpint(syscall(SYS_capset, &header, sets), ==, 0);
}
