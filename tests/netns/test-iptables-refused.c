/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The iptables adapter and a kernel that says no, or says yes and has not done it, or says no and
 * has done it all the same. Each case in a child that gives up rights or has its calls answered by
 * a filter.
 */

#include <bw/error.h>
#include <command.h>
#include <errno.h>
#include <ipt_chains.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/seccomp.h>
#include <netns.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DONE         (-1)
#define ALL_RIGHTS   UINT32_MAX
#define IS_UNTOUCHED 0
#define IS_WRITTEN   1

typedef struct Refusal {
        const char *name;
        uint32_t rights; /* capabilities that are kept */
        int call,
                option; /* this getsockopt() or setsockopt(), and later options: @answer at once */
        int answer;     /* errno; 0: success, and nothing was done */
        int probe_code, sync_code; /* BwError, or DONE */
        int table;                 /* how it looks afterwards */
} Refusal;

#define ADMIN (1u << CAP_NET_ADMIN)
#define RAW   (1u << CAP_NET_RAW)

static const Refusal refusals[] = {
        { "nothing", ALL_RIGHTS, 0, 0, 0, DONE, DONE, IS_WRITTEN },
        { "two rights are enough", ADMIN | RAW, 0, 0, 0, DONE, DONE, IS_WRITTEN },
        { "no rights", 0, 0, 0, 0, BW_ERROR_DENIED, BW_ERROR_DENIED, IS_UNTOUCHED },
        { "no raw socket", ADMIN, 0, 0, 0, BW_ERROR_DENIED, BW_ERROR_DENIED, IS_UNTOUCHED },
        { "no administration", RAW, 0, 0, 0, BW_ERROR_DENIED, BW_ERROR_DENIED, IS_UNTOUCHED },
        { "kernel without legacy tables", ALL_RIGHTS, SYS_getsockopt, IPT_SO_GET_INFO, ENOPROTOOPT,
          BW_ERROR_ABSENT, BW_ERROR_ABSENT, IS_UNTOUCHED },
        { "no such table", ALL_RIGHTS, SYS_getsockopt, IPT_SO_GET_INFO, ENOENT, BW_ERROR_ABSENT,
          BW_ERROR_ABSENT, IS_UNTOUCHED },
        { "kernel without the family", ALL_RIGHTS, SYS_socket, 0, EAFNOSUPPORT, BW_ERROR_ABSENT,
          BW_ERROR_ABSENT, IS_UNTOUCHED },
        { "reading goes wrong", ALL_RIGHTS, SYS_getsockopt, IPT_SO_GET_ENTRIES, EIO,
          BW_ERROR_BROKEN, BW_ERROR_BROKEN, IS_UNTOUCHED },
        { "changed by others in between", ALL_RIGHTS, SYS_setsockopt, IPT_SO_SET_REPLACE, EAGAIN,
          DONE, BW_ERROR_BUSY, IS_UNTOUCHED },
        { "no memory", ALL_RIGHTS, SYS_setsockopt, IPT_SO_SET_REPLACE, ENOMEM, DONE,
          BW_ERROR_BROKEN, IS_UNTOUCHED },
        { "a match is missing", ALL_RIGHTS, SYS_setsockopt, IPT_SO_SET_REPLACE, ENOENT, DONE,
          BW_ERROR_ABSENT, IS_UNTOUCHED },
        { "rules called invalid", ALL_RIGHTS, SYS_setsockopt, IPT_SO_SET_REPLACE, EINVAL, DONE,
          BW_ERROR_STALE, IS_UNTOUCHED },
        { "said yes, did nothing", ALL_RIGHTS, SYS_setsockopt, IPT_SO_SET_REPLACE, 0, DONE,
          BW_ERROR_STALE, IS_UNTOUCHED },
        { "said no, did it", ALL_RIGHTS, SYS_setsockopt, IPT_SO_SET_ADD_COUNTERS, EINVAL, DONE,
          DONE, IS_WRITTEN },
};

/* What a test is about. The options have the same numbers for both families. */
static BwIptTable table;

static const char *tool(void) {
        return bw_ipt_table_family(table) == BW_FAMILY_IPV6 ? "ip6tables-legacy"
                                                            : "iptables-legacy";
}

static void keep_rights(uint32_t rights) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct sets[2] = { { .effective = rights, .permitted = rights } };

        if (rights != ALL_RIGHTS)
                g_assert_cmpint(syscall(SYS_capset, &header, sets), ==, 0);
}

static void answer_call(int call, int option, int number) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) call, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
                BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t) option, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t) number),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { G_N_ELEMENTS(filter), filter };

        if (call == 0)
                return;
        g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
        g_assert_cmpint(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

static int code_of(bool done, const GError *error) {
        if (done)
                return DONE;
        printf("# %s\n", error->message);
        fflush(stdout);
        /* Every sentence says where. */
        g_assert_nonnull(strstr(error->message, bw_ipt_table_text(table)));
        g_assert_true(error->domain == BW_ERROR);
        return error->code;
}

static void meet_refusal(const Refusal *refusal, const GPtrArray *chains) {
        g_autoptr(GError) probe_error = NULL, sync_error = NULL;
        BwIptReport report = {};
        bool done;

        keep_rights(refusal->rights);
        answer_call(refusal->call, refusal->option, refusal->answer);
        done = bw_iptables_probe(table, &probe_error);
        g_assert_cmpint(code_of(done, probe_error), ==, refusal->probe_code);
        done = bw_iptables_sync(table, chains, BW_IPT_LOCK_SKIPPED, &report, &sync_error);
        g_assert_cmpint(code_of(done, sync_error), ==, refusal->sync_code);
        /* What failed has reported nothing. */
        g_assert_cmpint(report.changed, ==, done);
}

static GPtrArray *some_chains(void) {
        GPtrArray *chains = bw_test_chains_new(table);
        BwIptChain *port = bw_test_chain(chains, "bw-i-port");

        bw_test_say(port,
                    bw_test_from(bw_ipt_table_family(table) ? "2001:db8::14" : "192.168.50.14",
                                 BW_IPT_RETURN));
        bw_test_say(port, (BwIptRule){ .target = BW_IPT_DROP });
        bw_test_say(bw_test_chain(chains, "bw-in"), bw_test_goto("bw-i-port"));
        return chains;
}

static void check_refusal(const Refusal *refusal) {
        g_autoptr(GPtrArray) chains = some_chains(), before = NULL, after = NULL;
        int status;
        pid_t child;

        bw_test_run("%s -t raw -F; %s -t raw -X", tool(), tool());
        before = bw_test_saved_by(tool(), "raw", "", "-");
        child = fork();
        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
                meet_refusal(refusal, chains);
                _exit(0);
        }
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpint(bw_test_is_equal(table, chains), ==, refusal->table);
        after = bw_test_saved_by(tool(), "raw", "", "-");
        if (refusal->table == IS_UNTOUCHED)
                bw_test_assert_same_lines(after, before);
}

static void test_refusal(gconstpointer data) {
        table = BW_IPT_RAW;
        check_refusal(data);
}

static void test_refusal_ipv6(gconstpointer data) {
        table = BW_IPT_RAW6;
        check_refusal(data);
}

static void add_refusals(const char *path, GTestDataFunc test) {
        for (guint i = 0; i < G_N_ELEMENTS(refusals); i++) {
                g_autofree char *whole = g_strconcat(path, "/", refusals[i].name, NULL);

                g_strdelimit(whole, " ,", '-');
                g_test_add_data_func(whole, &refusals[i], test);
        }
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                printf("1..0 # SKIP no namespaces here: run as root or allow user namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_try("iptables-legacy -t raw -S && ip6tables-legacy -t raw -S")) {
                printf("1..0 # SKIP this kernel has no legacy iptables, or iptables-legacy is missing\n");
                return 0;
        }
        add_refusals("/refused", test_refusal);
        add_refusals("/refused-ipv6", test_refusal_ipv6);
        return g_test_run();
}
