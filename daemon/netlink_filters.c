/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "netlink_filters.h"

#include <bw/error.h>
#include <bw/tc_news.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

/* Links in doubt that are asked for in one go. */
#define QUESTIONS_A_TURN 32

/* Sets of ifindexes. */
struct BwNetlinkFilters {
        GHashTable *hooked;     /* they have a place for filters */
        GHashTable *filtered;   /* there is one in it, as far as is known */
        GHashTable *doubtful;   /* hooked, but whether filtered has to be asked */
        GHashTable *unanswered; /* the same, and was asked in vain */
        GHashTable *changed;    /* filtered, or no more, and not yet said */
};

BwNetlinkFilters *bw_netlink_filters_new(void) {
        BwNetlinkFilters *filters = g_new(BwNetlinkFilters, 1);

        filters->hooked = g_hash_table_new(NULL, NULL);
        filters->filtered = g_hash_table_new(NULL, NULL);
        filters->doubtful = g_hash_table_new(NULL, NULL);
        filters->unanswered = g_hash_table_new(NULL, NULL);
        filters->changed = g_hash_table_new(NULL, NULL);
        return filters;
}

void bw_netlink_filters_free(BwNetlinkFilters *filters) {
        if (!filters)
                return;
        g_hash_table_unref(filters->hooked);
        g_hash_table_unref(filters->filtered);
        g_hash_table_unref(filters->doubtful);
        g_hash_table_unref(filters->unanswered);
        g_hash_table_unref(filters->changed);
        g_free(filters);
}

bool bw_netlink_filters_has(const BwNetlinkFilters *filters, int ifindex) {
        return g_hash_table_contains(filters->filtered, GINT_TO_POINTER(ifindex));
}

void bw_netlink_filters_forget(BwNetlinkFilters *filters, int ifindex) {
        g_hash_table_remove(filters->hooked, GINT_TO_POINTER(ifindex));
        g_hash_table_remove(filters->filtered, GINT_TO_POINTER(ifindex));
        g_hash_table_remove(filters->doubtful, GINT_TO_POINTER(ifindex));
        g_hash_table_remove(filters->unanswered, GINT_TO_POINTER(ifindex));
        g_hash_table_remove(filters->changed, GINT_TO_POINTER(ifindex));
}

static void note(BwNetlinkFilters *filters, int ifindex, bool has) {
        gpointer key = GINT_TO_POINTER(ifindex);
        bool is_new = has ? g_hash_table_add(filters->filtered, key)
                          : g_hash_table_remove(filters->filtered, key);

        g_hash_table_remove(filters->doubtful, key);
        g_hash_table_remove(filters->unanswered, key);
        if (is_new)
                g_hash_table_add(filters->changed, key);
}

static void doubt_all(BwNetlinkFilters *filters) {
        GHashTableIter iter;
        gpointer ifindex;

        g_hash_table_iter_init(&iter, filters->hooked);
        while (g_hash_table_iter_next(&iter, &ifindex, NULL))
                g_hash_table_add(filters->doubtful, ifindex);
}

static BwTcNews news_of(Message *message, int *ret_ifindex) {
        return bw_tc_news(nlmsg_hdr(message), nlmsg_hdr(message)->nlmsg_len, ret_ifindex);
}

void bw_netlink_filters_take(BwNetlinkFilters *filters, Message *message) {
        int ifindex = 0;

        switch (news_of(message, &ifindex)) {
        case BW_TC_NOTHING:
                return;
        case BW_TC_HOOKED:
        case BW_TC_LEFT:
                g_hash_table_add(filters->hooked, GINT_TO_POINTER(ifindex));
                g_hash_table_add(filters->doubtful, GINT_TO_POINTER(ifindex));
                return;
        case BW_TC_FILTERS:
                g_hash_table_add(filters->hooked, GINT_TO_POINTER(ifindex));
                note(filters, ifindex, true);
                return;
        case BW_TC_UNHOOKED:
                g_hash_table_remove(filters->hooked, GINT_TO_POINTER(ifindex));
                note(filters, ifindex, false);
                return;
        case BW_TC_SHARED:
                doubt_all(filters);
                return;
        }
        g_assert_not_reached();
}

/* Questions */

static bool on_filter(Message *message, void *pointer) {
        bool *has = pointer;
        int ifindex = 0;
        BwTcNews news = news_of(message, &ifindex);

        /* That of a shared block does not name the link. */
        *has = *has || news == BW_TC_FILTERS || news == BW_TC_SHARED;
        return !*has;
}

/* Adds to @has. A kernel without traffic control, and a link that is gone, have no filters; any
 * other error tells nothing. */
static bool ask_at(int ifindex, unsigned end, bool *has) {
        const struct tcmsg header = { .tcm_family = AF_UNSPEC,
                                      .tcm_ifindex = ifindex,
                                      .tcm_parent = TC_H_MAKE(TC_H_CLSACT, end) };
        g_autoptr(GError) trouble = NULL;

        return bw_netlink_read_all("list tc filters", RTM_GETTFILTER, &header, sizeof(header),
                                   on_filter, has, &trouble) ||
               g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT);
}

/* False: there was no answer, and what was known stays. */
static bool ask(BwNetlinkFilters *filters, int ifindex) {
        bool has = false;
        bool answered = ask_at(ifindex, TC_H_MIN_INGRESS, &has) &&
                        (has || ask_at(ifindex, TC_H_MIN_EGRESS, &has));

        if (has || answered) {
                note(filters, ifindex, has);
                return true;
        }
        g_hash_table_remove(filters->doubtful, GINT_TO_POINTER(ifindex));
        g_hash_table_add(filters->unanswered, GINT_TO_POINTER(ifindex));
        return false;
}

static void take_all(GHashTable *set, GArray *list) {
        GHashTableIter iter;
        gpointer key;

        g_hash_table_iter_init(&iter, set);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                int ifindex = GPOINTER_TO_INT(key);

                g_array_append_val(list, ifindex);
        }
        g_hash_table_remove_all(set);
}

/* An answer that does not come is waited for: one such wait a turn is enough. */
GArray *bw_netlink_filters_settle(BwNetlinkFilters *filters) {
        GArray *links = g_array_new(FALSE, FALSE, sizeof(int));
        g_autofree gpointer *doubtful = g_hash_table_get_keys_as_array(filters->doubtful, NULL);
        bool answered = true;
        unsigned asked = 0;

        while (doubtful[asked] && asked < QUESTIONS_A_TURN && answered)
                answered = ask(filters, GPOINTER_TO_INT(doubtful[asked++]));
        if (doubtful[asked])
                g_hash_table_add(filters->changed, doubtful[asked]);
        take_all(filters->changed, links);
        return links;
}

bool bw_netlink_filters_is_unanswered(const BwNetlinkFilters *filters) {
        return g_hash_table_size(filters->unanswered) > 0;
}

static void move_all(GHashTable *from, GHashTable *to) {
        GHashTableIter iter;
        gpointer key;

        g_hash_table_iter_init(&iter, from);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                g_hash_table_add(to, key);
                g_hash_table_iter_remove(&iter);
        }
}

void bw_netlink_filters_doubt_unanswered(BwNetlinkFilters *filters) {
        move_all(filters->unanswered, filters->doubtful);
}

/* Everything */

static bool on_qdisc(Message *message, void *pointer) {
        GHashTable *hooked = pointer;
        int ifindex = 0;

        if (news_of(message, &ifindex) == BW_TC_HOOKED)
                g_hash_table_add(hooked, GINT_TO_POINTER(ifindex));
        return true;
}

/* (transfer full); NULL with an error set. */
static GHashTable *read_hooked(GError **error) {
        const struct tcmsg header = { .tcm_family = AF_UNSPEC };
        g_autoptr(GHashTable) hooked = g_hash_table_new(NULL, NULL);
        g_autoptr(GError) trouble = NULL;

        if (!bw_netlink_read_all("dump qdiscs", RTM_GETQDISC, &header, sizeof(header), on_qdisc,
                                 hooked, &trouble) &&
            !g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT)) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return NULL;
        }
        return g_steal_pointer(&hooked);
}

static gboolean is_not_hooked(gpointer ifindex, G_GNUC_UNUSED gpointer value, gpointer pointer) {
        const BwNetlinkFilters *filters = pointer;

        return !g_hash_table_contains(filters->hooked, ifindex);
}

/* Links whose answer is not waited for, behind one that did not come, are asked later. */
static void ask_all(BwNetlinkFilters *filters) {
        GHashTableIter iter;
        bool answered = true;
        gpointer key;

        g_hash_table_iter_init(&iter, filters->hooked);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                if (answered)
                        answered = ask(filters, GPOINTER_TO_INT(key));
                else
                        g_hash_table_add(filters->unanswered, key);
        }
}

bool bw_netlink_filters_dump(BwNetlinkFilters *filters, GError **error) {
        GHashTable *hooked = read_hooked(error);

        if (!hooked)
                return false;
        g_hash_table_unref(filters->hooked);
        filters->hooked = hooked;
        g_hash_table_foreach_remove(filters->filtered, is_not_hooked, filters);
        g_hash_table_remove_all(filters->doubtful);
        g_hash_table_remove_all(filters->unanswered);
        ask_all(filters);
        g_hash_table_remove_all(filters->changed);
        return true;
}
