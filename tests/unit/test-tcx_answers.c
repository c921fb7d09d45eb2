/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the tcx adapter makes of a kernel that refuses: linked with --wrap=syscall and --wrap=uname,
 * so that both are the test's own.
 */

#include "tcx.h"

#include <bw/error.h>
#include <errno.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

long __wrap_syscall(long number, ...);
int __wrap_uname(struct utsname *ret);

static const char *release;
static int code;

long __wrap_syscall(long number, ...) {
        g_assert_cmpint(number, ==, SYS_bpf);
        errno = code;
        return -1;
}

int __wrap_uname(struct utsname *ret) {
        g_strlcpy(ret->release, release, sizeof(ret->release));
        return 0;
}

static void expect_none(const char *kernel, int refusal) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) programs = NULL;

        release = kernel;
        code = refusal;
        programs = bw_tcx_read(7, &error);
        g_assert_no_error(error);
        g_assert_nonnull(programs);
        g_assert_cmpuint(programs->len, ==, 0);
}

static void expect_error(const char *kernel, int refusal, BwError wanted) {
        g_autoptr(GError) error = NULL;

        release = kernel;
        code = refusal;
        g_assert_null(bw_tcx_read(7, &error));
        g_assert_error(error, BW_ERROR, (int) wanted);
}

/* Debian 11, Ubuntu 22.04: who has no CAP_BPF is refused, and there is nothing to be told. */
static void test_before(void) {
        static const char *const kernels[] = {
                "5.10.0-32-amd64", "5.15.0-91-generic", "4.19.1", "6.5.13", "6.1", "6.0-rc1"
        };

        for (gsize i = 0; i < G_N_ELEMENTS(kernels); i++) {
                expect_none(kernels[i], EPERM);
                expect_none(kernels[i], EACCES);
                expect_error(kernels[i], EIO, BW_ERROR_BROKEN);
        }
}

/* What cannot be read as a number is not taken for old. */
static void test_since(void) {
        static const char *const kernels[] = {
                "6.6.0",   "6.6", "6.10.3-arch1", "6.12.57+deb13-amd64", "7.0-rc1", "10.1", "",
                "unknown", "6"
        };

        for (gsize i = 0; i < G_N_ELEMENTS(kernels); i++) {
                expect_error(kernels[i], EPERM, BW_ERROR_DENIED);
                expect_error(kernels[i], EACCES, BW_ERROR_DENIED);
                expect_error(kernels[i], EIO, BW_ERROR_BROKEN);
        }
}

/* Whatever its age. */
static void test_none(void) {
        static const int refusals[] = { ENODEV, EINVAL, ENOSYS };

        for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
                expect_none("5.10.0", refusals[i]);
                expect_none("6.12.0", refusals[i]);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tcx_answers/before", test_before);
        g_test_add_func("/tcx_answers/since", test_since);
        g_test_add_func("/tcx_answers/none", test_none);
        return g_test_run();
}
