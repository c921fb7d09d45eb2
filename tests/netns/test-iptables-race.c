/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The iptables adapter while others do something else: hold the lock, write the same table without
 * asking, or kill us in the middle of it, with a thief sending all the time.
 */

#include <arpa/inet.h>
#include <bw/error.h>
#include <command.h>
#include <fcntl.h>
#include <ipt_chains.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netns.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 200
#define SLOW   300 /* so many more chains leave time for others between our read and commit */
#define KILLS  100
#define FLOOD  2000000 /* frames at most, whatever happens */

static void clear_raw(void) {
        bw_test_run("iptables-legacy -t raw -F; iptables-legacy -t raw -X");
}

/* Two sets that both stop what the port "thief" sends from another's address. They differ in the
 * number of rules, or only in what one rule says. */
static GPtrArray *guard_chains(const char *own, unsigned padding) {
        GPtrArray *chains = bw_test_chains_new(BW_IPT_RAW);
        BwIptRule branch = bw_test_goto("bw-i-thief");
        BwIptChain *port = bw_test_chain(chains, "bw-i-thief");

        branch.physdev_kind = BW_IPT_PHYSDEV_IN;
        g_strlcpy(branch.physdev, "thief", sizeof(branch.physdev));
        bw_test_say(bw_test_chain(chains, "bw-in"), branch);
        bw_test_say(port, bw_test_from("192.168.50.14", BW_IPT_RETURN));
        bw_test_say(port, bw_test_from(own, BW_IPT_RETURN));
        bw_test_say(port, (BwIptRule){ .target = BW_IPT_DROP });
        for (unsigned i = 0; i < padding; i++) {
                g_autofree char *name = g_strdup_printf("bw-i-port%u", i);

                bw_test_say(bw_test_chain(chains, name), (BwIptRule){ .target = BW_IPT_DROP });
        }
        return chains;
}

static int try_sync(const GPtrArray *chains, BwIptLock lock) {
        g_autoptr(GError) error = NULL;
        BwIptReport report;

        if (bw_iptables_sync(BW_IPT_RAW, chains, lock, &report, &error))
                return -1;
        g_assert_true(error->domain == BW_ERROR);
        if (error->code != BW_ERROR_BUSY)
                g_test_message("%s", error->message);
        return error->code;
}

static pid_t start_child(void) {
        pid_t child = fork();

        g_assert_cmpint(child, >=, 0);
        if (child == 0)
                g_assert_cmpint(prctl(PR_SET_PDEATHSIG, SIGKILL), ==, 0);
        return child;
}

static void end_child(pid_t child) {
        kill(child, SIGKILL);
        g_assert_cmpint(waitpid(child, NULL, 0), ==, child);
}

/* The lock */

static pid_t hold_lock(void) {
        int ready[2];
        char byte;
        pid_t child;

        g_assert_cmpint(pipe(ready), ==, 0);
        child = start_child();
        if (child == 0) {
                int fd = open("/run/xtables.lock", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

                if (fd < 0 || flock(fd, LOCK_EX) < 0 || write(ready[1], "", 1) != 1)
                        _exit(1);
                pause();
                _exit(0);
        }
        close(ready[1]);
        g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
        close(ready[0]);
        return child;
}

static void test_lock_is_held(void) {
        g_autoptr(GPtrArray) chains = guard_chains("192.168.50.24", 0);
        g_autoptr(GPtrArray) before = NULL, after = NULL;
        pid_t holder;

        clear_raw();
        holder = hold_lock();
        before = bw_test_saved("raw", "", "-");
        /* The holder never lets go: whoever waited would not return. */
        g_assert_cmpint(try_sync(chains, BW_IPT_LOCK_NEEDED), ==, BW_ERROR_BUSY);
        after = bw_test_saved("raw", "", "-");
        bw_test_assert_same_lines(after, before);
        g_assert_false(bw_test_is_equal(BW_IPT_RAW, chains));

        g_assert_cmpint(try_sync(chains, BW_IPT_LOCK_SKIPPED), ==, -1);
        g_assert_true(bw_test_is_equal(BW_IPT_RAW, chains));
        end_child(holder);
        g_assert_cmpint(try_sync(NULL, BW_IPT_LOCK_NEEDED), ==, -1);
}

/* And our own is given back each time. */
static void test_lock_is_given_back(void) {
        g_autoptr(GPtrArray) chains = guard_chains("192.168.50.24", 0);

        clear_raw();
        bw_test_sync(BW_IPT_RAW, chains);
        bw_test_sync(BW_IPT_RAW, chains);
        g_assert_true(bw_test_try("flock --nonblock /run/xtables.lock true"));
        bw_test_run("iptables-legacy -t raw -N bw-in2 && iptables-legacy -t raw -X bw-in2");
}

/* Reading ahead */

/* Only the table raw; returns as try_sync(). */
static int try_sync_ahead(const GPtrArray *chains, BwIptAhead *ahead) {
        BwIptWish wishes[BW_IPT_TABLE_MAX] = {};
        g_autoptr(GError) error = NULL;

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                wishes[table].skipped = table != BW_IPT_RAW;
        wishes[BW_IPT_RAW].chains = chains;
        g_assert_true(bw_iptables_sync_all(wishes, BW_IPT_LOCK_NEEDED, ahead, &error));
        g_assert_no_error(error);
        error = wishes[BW_IPT_RAW].error;
        return error ? error->code : -1;
}

static bool is_lock_free(void) {
        return bw_test_try("flock --nonblock /run/xtables.lock true");
}

static void test_ahead_holds_the_lock(void) {
        BwIptAhead *ahead;
        pid_t holder;

        clear_raw();
        ahead = bw_iptables_read_ahead(BW_IPT_RAW);
        g_assert_nonnull(ahead);
        g_assert_false(is_lock_free());
        g_assert_null(bw_iptables_read_ahead(BW_IPT_RAW6));
        bw_iptables_ahead_free(ahead);
        g_assert_true(is_lock_free());

        holder = hold_lock();
        g_assert_null(bw_iptables_read_ahead(BW_IPT_RAW));
        end_child(holder);
}

/* What was begun with is what is written, under the lock that is there already, and it serves once.
 */
static void test_ahead_is_written(void) {
        g_autoptr(GPtrArray) chains = guard_chains("192.168.50.24", 0);
        g_autoptr(GPtrArray) others = guard_chains("192.168.50.34", 0);
        g_autoptr(BwIptAhead) ahead = NULL;

        clear_raw();
        bw_test_run("iptables-legacy -t raw -A OUTPUT -d 192.0.2.1 -j ACCEPT");
        ahead = bw_iptables_read_ahead(BW_IPT_RAW);
        g_assert_nonnull(ahead);
        g_assert_cmpint(try_sync_ahead(chains, ahead), ==, -1);
        g_assert_true(bw_test_is_equal(BW_IPT_RAW, chains));
        g_assert_cmpint(try_sync_ahead(others, ahead), ==, -1);
        g_assert_true(bw_test_is_equal(BW_IPT_RAW, others));
        g_assert_false(is_lock_free());
        bw_test_run("iptables-legacy-save -t raw | grep -q -- '-A OUTPUT -d 192.0.2.1'");
}

/* Who writes without the lock after it was read, or before, loses nothing by it. */
static void test_ahead_of_a_foreign_commit(void) {
        g_autoptr(GPtrArray) chains = guard_chains("192.168.50.24", 0);
        unsigned refused = 0;

        clear_raw();
        for (unsigned i = 0; i < 20; i++) {
                g_autoptr(BwIptAhead) ahead = bw_iptables_read_ahead(BW_IPT_RAW);
                g_autofree char *rule = g_strdup_printf("OUTPUT -d 192.0.2.%u -j ACCEPT", i);
                int code;

                g_assert_nonnull(ahead);
                bw_test_run("XTABLES_LOCKFILE=/run/other.lock iptables-legacy -t raw -A %s", rule);
                code = try_sync_ahead(i % 2 ? NULL : chains, ahead);
                g_assert_true(code == -1 || code == BW_ERROR_BUSY);
                refused += code == BW_ERROR_BUSY;
                bw_test_run("XTABLES_LOCKFILE=/run/other.lock iptables-legacy -t raw -C %s", rule);
        }
        g_test_message("%u of 20 came after it was read, and were noticed", refused);
}

static void test_lock_out_of_reach(void) {
        g_autoptr(GPtrArray) chains = guard_chains("192.168.50.24", 0);

        clear_raw();
        g_setenv("XTABLES_LOCKFILE", "/run/no/such/folder/lock", TRUE);
        g_assert_cmpint(try_sync(chains, BW_IPT_LOCK_NEEDED), ==, BW_ERROR_DENIED);
        g_assert_false(bw_test_is_equal(BW_IPT_RAW, chains));
        g_assert_cmpint(try_sync(chains, BW_IPT_LOCK_SKIPPED), ==, -1);
        g_assert_true(bw_test_is_equal(BW_IPT_RAW, chains));
        g_unsetenv("XTABLES_LOCKFILE");
}

/* A program that writes the table and cares for no lock of ours */

static pid_t start_foreign_writer(void) {
        pid_t child = start_child();

        if (child == 0) {
                g_setenv("XTABLES_LOCKFILE", "/run/another.lock", TRUE);
                execl("/bin/sh", "sh", "-c",
                      "i=0; while [ $i -lt 20000 ]; do i=$((i+1));"
                      "iptables-legacy -t raw -A OUTPUT -s 203.0.113.7 -j ACCEPT;"
                      "iptables-legacy -t raw -D OUTPUT 1; done >/dev/null 2>&1",
                      NULL);
                _exit(1);
        }
        return child;
}

typedef struct Outcome {
        unsigned done, busy, stale, undone; /* undone: said done, and was not */
} Outcome;

static Outcome sync_against_writer(GPtrArray *const sets[2]) {
        pid_t writer = start_foreign_writer();
        Outcome outcome = {};

        for (unsigned i = 0; i < ROUNDS; i++) {
                int code = try_sync(sets[i % 2], BW_IPT_LOCK_NEEDED);

                outcome.done += code == -1;
                outcome.busy += code == BW_ERROR_BUSY;
                outcome.stale += code == BW_ERROR_STALE;
                outcome.undone += code == -1 && !bw_test_is_equal(BW_IPT_RAW, sets[i % 2]);
                g_assert_true(code == -1 || code == BW_ERROR_BUSY || code == BW_ERROR_STALE);
        }
        end_child(writer);
        /* The shell's last command may still run: it changes nothing of ours a sync could not see.
         */
        g_usleep(50 * 1000);
        g_test_message("done %u, busy %u, stale %u, undone by the other %u", outcome.done,
                       outcome.busy, outcome.stale, outcome.undone);
        return outcome;
}

static void free_chains(GPtrArray **chains) {
        g_ptr_array_unref(chains[0]);
        g_ptr_array_unref(chains[1]);
}

/* The kernel refuses a table of which another read another number of rules. */
static void test_foreign_commit_in_between(void) {
        GPtrArray *sets[2] = { guard_chains("192.168.50.24", SLOW),
                               guard_chains("192.168.50.24", SLOW + 9) };
        Outcome outcome;

        clear_raw();
        outcome = sync_against_writer(sets);
        g_assert_cmpuint(outcome.undone, ==, 0);
        g_assert_cmpuint(outcome.done, >, 0);
        bw_test_sync(BW_IPT_RAW, sets[0]);
        g_assert_true(bw_test_is_equal(BW_IPT_RAW, sets[0]));
        free_chains(sets);
}

/* It cannot tell tables of the same number of rules: then the other puts back what it had read, and
 * only the next check can see that. */
static void test_foreign_commit_of_the_same_size(void) {
        GPtrArray *sets[2] = { guard_chains("192.168.50.24", SLOW),
                               guard_chains("192.168.50.34", SLOW) };
        Outcome outcome;

        clear_raw();
        outcome = sync_against_writer(sets);
        g_assert_cmpuint(outcome.done, >, 0);
        g_assert_cmpuint(outcome.undone, <, ROUNDS);
        bw_test_sync(BW_IPT_RAW, sets[0]);
        g_assert_true(bw_test_is_equal(BW_IPT_RAW, sets[0]));
        free_chains(sets);
}

/* Killed at any moment */

typedef struct Tally {
        volatile unsigned sent, spoofed_arrived, honest_arrived;
} Tally;

typedef struct Frame {
        uint8_t ethernet[14], ip[20], payload[26];
} Frame;

static Frame make_frame(uint8_t last_octet) {
        Frame frame = { .ethernet = { 0x52, 0x54, 0, 0, 0, 0x13, 0x52, 0x54, 0, 0, 0, 0x14, 8, 0 },
                        .ip = { 0x45, 0, 0,   46,  0,  0,          0,   0,   64, 253,
                                0,    0, 192, 168, 50, last_octet, 192, 168, 50, 13 } };
        uint32_t sum = 0;

        for (unsigned i = 0; i < 20; i += 2)
                sum += (uint32_t) frame.ip[i] << 8 | frame.ip[i + 1];
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~((sum & 0xffff) + (sum >> 16));
        frame.ip[10] = (uint8_t) (sum >> 8);
        frame.ip[11] = (uint8_t) sum;
        return frame;
}

static int open_wire(const char *interface) {
        struct sockaddr_ll here = { .sll_family = AF_PACKET,
                                    .sll_protocol = htons(ETH_P_IP),
                                    .sll_ifindex = (int) if_nametoindex(interface) };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));

        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &here, sizeof(here)), ==, 0);
        return fd;
}

/* Every 64th frame comes from its own address, to show that the way is open. */
static pid_t start_flood(Tally *tally) {
        Frame spoofed = make_frame(15), honest = make_frame(14);
        pid_t child = start_child();

        if (child == 0) {
                int fd = open_wire("thief-far");

                for (unsigned i = 0; i < FLOOD; i++) {
                        (void) !write(fd, i % 64 ? &spoofed : &honest, sizeof(Frame));
                        tally->sent++;
                }
                _exit(0);
        }
        return child;
}

static pid_t start_receiver(Tally *tally) {
        int fd = open_wire("victim-far");
        pid_t child = start_child();

        if (child == 0) {
                for (;;) {
                        Frame frame;

                        if (read(fd, &frame, sizeof(frame)) != sizeof(frame))
                                continue;
                        if (frame.ip[15] == 15)
                                tally->spoofed_arrived++;
                        else
                                tally->honest_arrived++;
                }
        }
        close(fd);
        return child;
}

static void build_bridge(void) {
        bw_test_run("ip link add br-race type bridge nf_call_iptables 1 && ip link set br-race up;"
                    "for p in thief victim; do ip link add $p type veth peer name $p-far &&"
                    " ip link set $p master br-race up && ip link set $p-far up; done");
        /* Until duplicate address detection and the bridge are through. */
        g_usleep(100 * 1000);
}

static pid_t start_writer_of_both(GPtrArray *const sets[2]) {
        pid_t child = start_child();

        if (child == 0) {
                for (unsigned i = 0;; i++)
                        (void) try_sync(sets[i % 2], BW_IPT_LOCK_NEEDED);
        }
        return child;
}

static void kill_writer_at_random(GPtrArray *const sets[2], unsigned seen[2]) {
        pid_t writer = start_writer_of_both(sets);
        bool first, second;

        g_usleep((gulong) g_test_rand_int_range(200, 20000));
        end_child(writer);
        first = bw_test_is_equal(BW_IPT_RAW, sets[0]);
        second = bw_test_is_equal(BW_IPT_RAW, sets[1]);
        g_assert_true(first != second);
        seen[0] += first;
        seen[1] += second;
        /* Whoever died with the lock in hand holds it no longer. */
        g_assert_cmpint(try_sync(sets[0], BW_IPT_LOCK_NEEDED), ==, -1);
}

static bool flood_leaks_without_guard(Tally *tally) {
        pid_t receiver, flood;
        bool leaked;

        clear_raw();
        receiver = start_receiver(tally);
        flood = start_flood(tally);
        for (unsigned i = 0; i < 500 && tally->spoofed_arrived == 0; i++)
                g_usleep(10 * 1000);
        leaked = tally->spoofed_arrived > 0;
        end_child(flood);
        end_child(receiver);
        memset(tally, 0, sizeof(*tally));
        return leaked;
}

static void test_killed_under_flood(void) {
        GPtrArray *sets[2] = { guard_chains("192.168.50.24", 0),
                               guard_chains("192.168.50.34", 50) };
        Tally *tally = mmap(NULL, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                            -1, 0);
        unsigned seen[2] = {};
        pid_t receiver, flood;

        g_assert_true(tally != MAP_FAILED);
        build_bridge();
        g_assert_true(flood_leaks_without_guard(tally));
        bw_test_sync(BW_IPT_RAW, sets[0]);
        receiver = start_receiver(tally);
        flood = start_flood(tally);
        for (unsigned i = 0; i < KILLS; i++)
                kill_writer_at_random(sets, seen);
        g_usleep(20 * 1000);
        end_child(flood);
        g_usleep(50 * 1000);
        end_child(receiver);
        g_test_message("%u frames sent, %u honest ones arrived, %u spoofed ones; found first set "
                       "%u times, second %u times",
                       tally->sent, tally->honest_arrived, tally->spoofed_arrived, seen[0],
                       seen[1]);
        g_assert_cmpuint(tally->honest_arrived, >, 0);
        g_assert_cmpuint(seen[0], >, 0);
        g_assert_cmpuint(seen[1], >, 0);
        g_assert_cmpuint(tally->spoofed_arrived, ==, 0);
        munmap(tally, sizeof(Tally));
        free_chains(sets);
}

/* No assertion on time: machines differ. */

static void test_speed(void) {
        g_autoptr(GPtrArray) chains = bw_test_chains_new(BW_IPT_RAW);
        int64_t begin, written, unchanged, checked;

        clear_raw();
        for (unsigned i = 0; i < 1000; i++) {
                g_autofree char *name = g_strdup_printf("bw-i-vnet%u", i);
                BwIptChain *chain = bw_test_chain(chains, name);

                bw_test_say(chain, bw_test_from("192.168.50.24", BW_IPT_RETURN));
                bw_test_say(chain, (BwIptRule){ .target = BW_IPT_NFLOG,
                                                .log_rate = 10,
                                                .reason = BW_REASON_SPOOFED_IP });
                bw_test_say(chain, (BwIptRule){ .target = BW_IPT_DROP });
                bw_test_say(bw_test_chain(chains, "bw-in"), bw_test_goto(name));
        }
        begin = g_get_monotonic_time();
        bw_test_sync(BW_IPT_RAW, chains);
        written = g_get_monotonic_time();
        bw_test_sync(BW_IPT_RAW, chains);
        unchanged = g_get_monotonic_time();
        g_assert_true(bw_test_is_equal(BW_IPT_RAW, chains));
        checked = g_get_monotonic_time();
        g_test_message(
                "1000 ports: written in %.1f ms, found unchanged in %.1f ms, checked in %.1f ms",
                (double) (written - begin) / 1000, (double) (unchanged - written) / 1000,
                (double) (checked - unchanged) / 1000);
        clear_raw();
}

int main(int argc, char **argv) {
        if (!bw_test_enter_netns()) {
                printf("1..0 # SKIP no namespaces here: run as root or allow user namespaces\n");
                return 0;
        }
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_try("iptables-legacy -t raw -S")) {
                printf("1..0 # SKIP this kernel has no legacy iptables, or iptables-legacy is missing\n");
                return 0;
        }
        g_test_add_func("/lock/held", test_lock_is_held);
        g_test_add_func("/lock/given-back", test_lock_is_given_back);
        g_test_add_func("/lock/out-of-reach", test_lock_out_of_reach);
        g_test_add_func("/ahead/lock", test_ahead_holds_the_lock);
        g_test_add_func("/ahead/written", test_ahead_is_written);
        g_test_add_func("/ahead/foreign-commit", test_ahead_of_a_foreign_commit);
        g_test_add_func("/foreign-commit/in-between", test_foreign_commit_in_between);
        g_test_add_func("/foreign-commit/same-size", test_foreign_commit_of_the_same_size);
        g_test_add_func("/killed-under-flood", test_killed_under_flood);
        g_test_add_func("/speed", test_speed);
        return g_test_run();
}
