/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is known of tc filters, with a kernel that is made up: what it answers, and when it does
 * not. */

#include "netlink_filters.h"

#include <bw/error.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define TAP   7
#define OTHER 8

bool __wrap_bw_netlink_read_all(const char *what, int type, const void *header, gsize length,
                                BwNetlinkTake take, void *user, GError **error);

/* The kernel: which links have the place, which have filters, and how it refuses to say. */
static struct {
        bool hooked[16], filtered[16];
        BwError refuses_filters, refuses_qdiscs; /* BW_ERROR_INVALID: it answers */
        unsigned questions;
} kernel;

static Message *new_message(int type, int ifindex, uint32_t parent, uint32_t handle) {
        const struct tcmsg tc = { .tcm_family = AF_UNSPEC,
                                  .tcm_ifindex = ifindex,
                                  .tcm_parent = parent,
                                  .tcm_handle = handle };
        Message *message = nlmsg_alloc_simple(type, 0);

        g_assert_nonnull(message);
        g_assert_cmpint(nlmsg_append(message, (void *) &tc, sizeof(tc), NLMSG_ALIGNTO), ==, 0);
        return message;
}

static bool refuse(BwError reaction, const char *what, GError **error) {
        g_set_error(error, BW_ERROR, reaction, "%s: made up", what);
        return false;
}

static void tell_qdiscs(BwNetlinkTake take, void *user) {
        for (int i = 1; i < (int) G_N_ELEMENTS(kernel.hooked); i++) {
                g_autoptr(Message) message = new_message(RTM_NEWQDISC, i, TC_H_CLSACT, 0xffff0000);

                if (kernel.hooked[i] && !take(message, user))
                        return;
        }
}

bool __wrap_bw_netlink_read_all(const char *what, int type, const void *header,
                                G_GNUC_UNUSED gsize length, BwNetlinkTake take, void *user,
                                GError **error) {
        const struct tcmsg *tc = header;
        g_autoptr(Message) message = NULL;

        if (type == RTM_GETQDISC) {
                if (kernel.refuses_qdiscs != BW_ERROR_INVALID)
                        return refuse(kernel.refuses_qdiscs, what, error);
                tell_qdiscs(take, user);
                return true;
        }
        g_assert_cmpint(type, ==, RTM_GETTFILTER);
        kernel.questions++;
        if (kernel.refuses_filters != BW_ERROR_INVALID)
                return refuse(kernel.refuses_filters, what, error);
        message = new_message(RTM_NEWTFILTER, tc->tcm_ifindex, tc->tcm_parent, 1);
        if (kernel.filtered[tc->tcm_ifindex])
                (void) take(message, user);
        return true;
}

static void take(BwNetlinkFilters *filters, int type, int ifindex) {
        g_autoptr(Message) message =
                new_message(type, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), 1);

        bw_netlink_filters_take(filters, message);
}

/* How many links have something new. */
static guint settle(BwNetlinkFilters *filters) {
        g_autoptr(GArray) links = bw_netlink_filters_settle(filters);

        return links->len;
}

/* The tap has a filter, and that is known. */
static BwNetlinkFilters *new_filtered(void) {
        g_autoptr(BwNetlinkFilters) filters = bw_netlink_filters_new();
        g_autoptr(GError) error = NULL;

        memset(&kernel, 0, sizeof(kernel));
        kernel.refuses_filters = kernel.refuses_qdiscs = BW_ERROR_INVALID;
        kernel.hooked[TAP] = kernel.filtered[TAP] = true;
        g_assert_true(bw_netlink_filters_dump(filters, &error));
        g_assert_no_error(error);
        g_assert_true(bw_netlink_filters_has(filters, TAP));
        g_assert_false(bw_netlink_filters_has(filters, OTHER));
        g_assert_false(bw_netlink_filters_is_unanswered(filters));
        return g_steal_pointer(&filters);
}

static void test_told(void) {
        g_autoptr(BwNetlinkFilters) filters = new_filtered();

        kernel.filtered[TAP] = false;
        take(filters, RTM_DELTFILTER, TAP);
        g_assert_cmpuint(settle(filters), ==, 1);
        g_assert_false(bw_netlink_filters_has(filters, TAP));
        g_assert_cmpuint(settle(filters), ==, 0);
}

/* One of two filters went, and the question for what is left has no answer. */
static void test_lost(gconstpointer reaction) {
        g_autoptr(BwNetlinkFilters) filters = new_filtered();

        kernel.refuses_filters = (BwError) GPOINTER_TO_INT(reaction);
        take(filters, RTM_DELTFILTER, TAP);
        g_assert_cmpuint(settle(filters), ==, 0);
        g_assert_true(bw_netlink_filters_has(filters, TAP));
        g_assert_true(bw_netlink_filters_is_unanswered(filters));
        /* It is not asked in every turn. */
        kernel.questions = 0;
        g_assert_cmpuint(settle(filters), ==, 0);
        g_assert_cmpuint(kernel.questions, ==, 0);
        /* It is asked again when that is wished, until there is an answer. */
        bw_netlink_filters_doubt_unanswered(filters);
        g_assert_cmpuint(settle(filters), ==, 0);
        g_assert_true(bw_netlink_filters_is_unanswered(filters));
        kernel.refuses_filters = BW_ERROR_INVALID;
        kernel.filtered[TAP] = false;
        bw_netlink_filters_doubt_unanswered(filters);
        g_assert_cmpuint(settle(filters), ==, 1);
        g_assert_false(bw_netlink_filters_has(filters, TAP));
        g_assert_false(bw_netlink_filters_is_unanswered(filters));
}

/* The link is gone, or its kernel has no traffic control: then there is none. */
static void test_absent(void) {
        g_autoptr(BwNetlinkFilters) filters = new_filtered();

        kernel.refuses_filters = BW_ERROR_ABSENT;
        take(filters, RTM_DELTFILTER, TAP);
        g_assert_cmpuint(settle(filters), ==, 1);
        g_assert_false(bw_netlink_filters_has(filters, TAP));
        g_assert_false(bw_netlink_filters_is_unanswered(filters));
}

/* A wait for an answer that does not come ends the turn; the others have theirs. */
static void test_one_wait_a_turn(void) {
        g_autoptr(BwNetlinkFilters) filters = new_filtered();

        kernel.refuses_filters = BW_ERROR_STALE;
        kernel.questions = 0;
        take(filters, RTM_DELTFILTER, TAP);
        take(filters, RTM_DELTFILTER, OTHER);
        g_assert_cmpuint(settle(filters), ==, 1);
        g_assert_cmpuint(kernel.questions, ==, 1);
        g_assert_cmpuint(settle(filters), ==, 0);
        g_assert_cmpuint(kernel.questions, ==, 2);
        g_assert_true(bw_netlink_filters_has(filters, TAP));
}

static void test_dump(void) {
        g_autoptr(BwNetlinkFilters) filters = new_filtered();
        g_autoptr(GError) error = NULL;

        kernel.hooked[OTHER] = kernel.filtered[OTHER] = true;
        kernel.refuses_filters = BW_ERROR_STALE;
        g_assert_true(bw_netlink_filters_dump(filters, NULL));
        g_assert_true(bw_netlink_filters_has(filters, TAP));
        g_assert_false(bw_netlink_filters_has(filters, OTHER));
        kernel.refuses_filters = BW_ERROR_INVALID;
        bw_netlink_filters_doubt_unanswered(filters);
        g_assert_cmpuint(settle(filters), ==, 1);
        g_assert_true(bw_netlink_filters_has(filters, OTHER));

        kernel.refuses_qdiscs = BW_ERROR_STALE;
        g_assert_false(bw_netlink_filters_dump(filters, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_STALE);
        g_assert_true(bw_netlink_filters_has(filters, TAP));
        kernel.refuses_qdiscs = BW_ERROR_INVALID;
        kernel.hooked[TAP] = false;
        g_assert_true(bw_netlink_filters_dump(filters, NULL));
        g_assert_false(bw_netlink_filters_has(filters, TAP));
        g_assert_true(bw_netlink_filters_has(filters, OTHER));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/netlink-filters/told", test_told);
        g_test_add_data_func("/netlink-filters/lost", GINT_TO_POINTER(BW_ERROR_STALE), test_lost);
        g_test_add_data_func("/netlink-filters/broken", GINT_TO_POINTER(BW_ERROR_BROKEN),
                             test_lost);
        g_test_add_func("/netlink-filters/absent", test_absent);
        g_test_add_func("/netlink-filters/one-wait-a-turn", test_one_wait_a_turn);
        g_test_add_func("/netlink-filters/dump", test_dump);
        return g_test_run();
}
