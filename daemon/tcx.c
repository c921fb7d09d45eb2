/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "tcx.h"

#include <bw/error.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/* enum bpf_attach_type of linux/bpf.h since 6.6; numbers of the kernel's interface stay. */
#define INGRESS 46
#define EGRESS  47
/* BPF_MPROG_MAX of the kernel: no end of a link takes more. */
#define MOST_PROGRAMS 64

/* A kernel that knows tcx writes a revision behind what older headers know of the question,
 * whatever size it was told: eight bytes at 56. */
G_STATIC_ASSERT(sizeof(union bpf_attr) >= 64);

static int ask(enum bpf_cmd command, union bpf_attr *question) {
        return (int) syscall(SYS_bpf, command, question, sizeof(*question));
}

/* Linux 6.6 has tcx. Some older one may have got it since: not what answers the question. */
static bool is_before_tcx(void) {
        struct utsname kernel;
        unsigned version, patchlevel;

        if (uname(&kernel) < 0 || sscanf(kernel.release, "%u.%u", &version, &patchlevel) != 2)
                return false;
        return version < 6 || (version == 6 && patchlevel < 6);
}

/* A link that is gone has no programs, and neither has any link of a kernel without tcx, or
 * without bpf(2). Before Linux 5.19 the call is refused to whoever has no CAP_BPF, whatever he
 * asks, when unprivileged_bpf_disabled says so (Documentation/admin-guide/sysctl/kernel.rst). */
static bool means_none(int code) {
        if (code == EPERM || code == EACCES)
                return is_before_tcx();
        return code == ENODEV || code == EINVAL || code == ENOSYS;
}

/* The number of @ids; -1 with an error set. */
static int list_ids(int ifindex, uint32_t end, uint32_t *ids, GError **error) {
        union bpf_attr question;
        int code;

        memset(&question, 0, sizeof(question));
        /* A union with target_ifindex, which older headers do not name. */
        question.query.target_fd = (uint32_t) ifindex;
        question.query.attach_type = end;
        question.query.prog_ids = (uintptr_t) ids;
        question.query.prog_cnt = MOST_PROGRAMS;
        code = ask(BPF_PROG_QUERY, &question) < 0 ? errno : 0;
        if (code == 0 || code == ENOSPC)
                return (int) MIN(question.query.prog_cnt, MOST_PROGRAMS);
        if (means_none(code))
                return 0;
        g_set_error(error, BW_ERROR,
                    code == EPERM || code == EACCES ? BW_ERROR_DENIED : BW_ERROR_BROKEN,
                    "ask for the programs at link %d by bpf(2): %s", ifindex, g_strerror(code));
        return -1;
}

static void read_info(int fd, BwTcxProgram *program) {
        struct bpf_prog_info info;
        union bpf_attr question;

        memset(&info, 0, sizeof(info));
        memset(&question, 0, sizeof(question));
        question.info.bpf_fd = (uint32_t) fd;
        question.info.info_len = sizeof(info);
        question.info.info = (uintptr_t) &info;
        if (ask(BPF_OBJ_GET_INFO_BY_FD, &question) == 0)
                memcpy(program->name, info.name, MIN(sizeof(info.name), sizeof(program->name) - 1));
}

/* Gone since, or not ours to ask about: then it has no name. */
static void read_name(BwTcxProgram *program) {
        union bpf_attr question;
        int fd;

        memset(&question, 0, sizeof(question));
        question.prog_id = program->id;
        fd = ask(BPF_PROG_GET_FD_BY_ID, &question);
        if (fd < 0)
                return;
        read_info(fd, program);
        close(fd);
}

static bool read_end(int ifindex, uint32_t end, GArray *list, GError **error) {
        uint32_t ids[MOST_PROGRAMS] = {};
        int n_ids = list_ids(ifindex, end, ids, error);

        for (int i = 0; i < n_ids; i++) {
                BwTcxProgram program = { .id = ids[i], .egress = end == EGRESS };

                read_name(&program);
                g_array_append_val(list, program);
        }
        return n_ids >= 0;
}

GArray *bw_tcx_read(int ifindex, GError **error) {
        g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(BwTcxProgram));

        if (!read_end(ifindex, INGRESS, list, error) || !read_end(ifindex, EGRESS, list, error))
                return NULL;
        return g_steal_pointer(&list);
}
