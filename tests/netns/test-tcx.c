/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Real programs, attached as tcx and listed again, with the rights of the service. */

#include "command.h"
#include "netns.h"
#include "tcx.h"

#include <bw/error.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <net/if.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INGRESS 46
#define EGRESS  47
#define NEXT    (-1)
/* What one end of a link takes. */
#define MOST 64

static int ask(enum bpf_cmd command, union bpf_attr *question) {
        return (int) syscall(SYS_bpf, command, question, sizeof(*question));
}

/* One that leaves every frame to the next: r0 = TCX_NEXT; exit. */
static int load_program(const char *name) {
        const struct bpf_insn code[] = {
                { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = NEXT },
                { .code = BPF_JMP | BPF_EXIT },
        };
        union bpf_attr question;

        memset(&question, 0, sizeof(question));
        question.prog_type = BPF_PROG_TYPE_SCHED_CLS;
        question.insns = (uintptr_t) code;
        question.insn_cnt = G_N_ELEMENTS(code);
        question.license = (uintptr_t) "GPL";
        g_strlcpy(question.prog_name, name, sizeof(question.prog_name));
        return ask(BPF_PROG_LOAD, &question);
}

/* The link; -1 with errno. */
static int attach(int program, int ifindex, uint32_t end) {
        union bpf_attr question;

        memset(&question, 0, sizeof(question));
        question.link_create.prog_fd = (uint32_t) program;
        question.link_create.target_ifindex = (uint32_t) ifindex;
        question.link_create.attach_type = end;
        return ask(BPF_LINK_CREATE, &question);
}

/* (transfer full): "greedy at ingress, - at egress" */
static char *list(int ifindex) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) programs = bw_tcx_read(ifindex, &error);
        GString *text = g_string_new(NULL);

        g_assert_no_error(error);
        for (guint i = 0; i < programs->len; i++) {
                const BwTcxProgram *program = &g_array_index(programs, BwTcxProgram, i);

                g_assert_cmpuint(program->id, >, 0);
                g_string_append_printf(text, "%s%s at %s", i ? ", " : "",
                                       *program->name ? program->name : "-",
                                       program->egress ? "egress" : "ingress");
        }
        return g_string_free(text, FALSE);
}

static void expect(int ifindex, const char *wanted) {
        g_autofree char *found = list(ifindex);

        g_assert_cmpstr(found, ==, wanted);
}

/* Skipped where the kernel is too old, and nothing else. */
static bool has_tcx(void) {
        int program = load_program("trial"), link;
        bool has;

        g_assert_cmpint(program, >=, 0);
        link = attach(program, (int) if_nametoindex("lo"), INGRESS);
        has = link >= 0;
        g_assert_true(has || errno == EINVAL);
        if (has)
                close(link);
        else
                g_test_skip("tcx is younger than this kernel: Linux 6.6");
        close(program);
        return has;
}

static void test_none(void) {
        expect((int) if_nametoindex("lo"), "");
        expect((int) if_nametoindex("p0"), "");
        /* Gone. */
        expect(4711, "");
        expect(G_MAXINT, "");
}

static void test_both_ends(void) {
        int p0 = (int) if_nametoindex("p0"), first, second, ingress, egress, last;

        if (!has_tcx())
                return;
        first = load_program("greedy");
        second = load_program("fifteen_letters");
        ingress = attach(first, p0, INGRESS);
        expect(p0, "greedy at ingress");
        egress = attach(first, p0, EGRESS);
        last = attach(second, p0, INGRESS);
        expect(p0, "greedy at ingress, fifteen_letters at ingress, greedy at egress");
        expect((int) if_nametoindex("p1"), "");
        close(ingress);
        expect(p0, "fifteen_letters at ingress, greedy at egress");
        close(last);
        close(egress);
        expect(p0, "");
        close(first);
        close(second);
}

/* As many as an end takes, and the kernel has no room for one more. */
static void test_many(void) {
        int p0 = (int) if_nametoindex("p0"), programs[MOST], links[MOST], n;
        g_autoptr(GArray) found = NULL;

        if (!has_tcx())
                return;
        for (n = 0; n < MOST; n++) {
                programs[n] = load_program("");
                links[n] = attach(programs[n], p0, INGRESS);
                if (links[n] < 0)
                        break;
        }
        g_assert_cmpint(n, >=, MOST - 1);
        found = bw_tcx_read(p0, NULL);
        g_assert_cmpuint(found->len, ==, n);
        for (int i = 0; i < n; i++) {
                close(links[i]);
                close(programs[i]);
        }
        if (n < MOST)
                close(programs[n]);
        expect(p0, "");
}

/* Rights */

static void keep_capabilities(uint32_t effective) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct sets[2] = {};

        sets[0].effective = sets[0].permitted = effective;
        g_assert_cmpint(syscall(SYS_capset, &header, sets), ==, 0);
}

/* The service has two capabilities, and one of them is enough. */
static void test_rights(void) {
        int p0 = (int) if_nametoindex("p0"), program, link;
        g_autoptr(GError) error = NULL;

        if (!g_test_subprocess()) {
                g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
                g_test_trap_assert_passed();
                return;
        }
        if (!has_tcx())
                return;
        program = load_program("greedy");
        link = attach(program, p0, INGRESS);
        g_assert_cmpint(link, >=, 0);
        keep_capabilities(1u << CAP_NET_ADMIN);
        expect(p0, "- at ingress");
        keep_capabilities(0);
        g_assert_null(bw_tcx_read(p0, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_DENIED);
        g_assert_nonnull(strstr(error->message, "by bpf(2): "));
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP this machine forbids network namespaces\n");
                return 0;
        }
        bw_test_run("ip link add p0 type veth peer name p1");
        g_test_init(&argc, &argv, NULL);
        if (load_program("trial") < 0) {
                g_print("1..0 # SKIP the kernel refuses bpf(): %s\n", g_strerror(errno));
                return 0;
        }
        g_test_add_func("/tcx/none", test_none);
        g_test_add_func("/tcx/both-ends", test_both_ends);
        g_test_add_func("/tcx/many", test_many);
        g_test_add_func("/tcx/rights", test_rights);
        return g_test_run();
}
