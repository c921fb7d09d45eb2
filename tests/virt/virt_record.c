/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "virt_record.h"

static GThread *main_thread;

static const char *words_of(BwGuestCpus cpus) {
        switch (cpus) {
        case BW_CPUS_RUN:
                return "";
        case BW_CPUS_RAN:
                return ", at rest, ran";
        case BW_CPUS_REST:
                return ", at rest";
        case BW_CPUS_ELSEWHERE:
                return ", elsewhere";
        }
        g_assert_not_reached();
}

static char *print_guest(const BwGuest *guest) {
        GString *text = g_string_new(NULL);

        g_string_append_printf(text, "guest %s %s%s", guest->name, guest->active ? "runs" : "rests",
                               words_of(guest->cpus));
        for (guint i = 0; i < guest->interfaces->len; i++) {
                const BwGuestInterface *interface =
                        &g_array_index(guest->interfaces, BwGuestInterface, i);
                char mac[BW_MAC_TEXT_SIZE];

                g_string_append_printf(text, " %s %s%s %s", bw_mac_print(&interface->mac, mac),
                                       interface->is_network ? "network:" : "", interface->source,
                                       interface->target);
        }
        return g_string_free(text, FALSE);
}

static char *print_fact(const BwFact *fact) {
        switch ((int) fact->kind) {
        case BW_FACT_CONNECTED:
                return g_strdup("connected");
        case BW_FACT_DISCONNECTED:
                return g_strdup("disconnected");
        case BW_FACT_SNAPSHOT_BEGIN:
                return g_strdup("begin");
        case BW_FACT_SNAPSHOT_END:
                return g_strdup("end");
        case BW_FACT_GUEST:
                return print_guest(fact->guest);
        case BW_FACT_GUEST_GONE:
                return g_strconcat("gone ", fact->uuid, NULL);
        case BW_FACT_GUEST_SEEN:
                return g_strconcat("seen ", fact->uuid, NULL);
        default:
                g_error("a fact of kind %d", (int) fact->kind);
        }
}

static void on_fact(const BwFact *fact, gpointer user) {
        BwVirtRecord *record = user;

        g_assert_true(g_thread_self() == main_thread);
        if (fact->kind != BW_FACT_GUEST && fact->kind != BW_FACT_GUEST_GONE &&
            fact->kind != BW_FACT_GUEST_SEEN)
                g_assert_cmpint(fact->source, ==, BW_SOURCE_LIBVIRT);
        g_ptr_array_add(record->lines, print_fact(fact));
        if (record->free_at_next)
                g_clear_pointer(&record->virt, bw_virt_free);
}

BwVirtRecord *bw_virt_record_new(const char *uri) {
        BwVirtRecord *record = g_new0(BwVirtRecord, 1);

        main_thread = g_thread_self();
        record->lines = g_ptr_array_new_with_free_func(g_free);
        record->virt = bw_virt_new(uri, on_fact, record);
        return record;
}

void bw_virt_record_free(BwVirtRecord *record) {
        bw_virt_free(record->virt);
        g_ptr_array_unref(record->lines);
        g_free(record);
}

unsigned bw_virt_record_count(const BwVirtRecord *record, const char *line) {
        unsigned n = 0;

        for (guint i = 0; i < record->lines->len; i++)
                n += g_str_equal(g_ptr_array_index(record->lines, i), line);
        return n;
}

static gboolean on_timeout(gpointer user) {
        *(bool *) user = true;
        return G_SOURCE_REMOVE;
}

void bw_virt_record_run_for(unsigned milliseconds) {
        bool over = false;

        g_timeout_add(milliseconds, on_timeout, &over);
        while (!over)
                g_main_context_iteration(NULL, TRUE);
}

static char *print_record(const BwVirtRecord *record) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < record->lines->len; i++)
                g_string_append_printf(text, "%s\n", (char *) g_ptr_array_index(record->lines, i));
        return g_string_free(text, FALSE);
}

void bw_virt_record_settle(BwVirtRecord *record) {
        do {
                g_ptr_array_set_size(record->lines, 0);
                bw_virt_record_run_for(300);
        } while (record->lines->len > 0);
}

void bw_virt_record_await(BwVirtRecord *record, const char *line) {
        gint64 deadline = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;

        while (bw_virt_record_count(record, line) == 0) {
                g_autofree char *seen = print_record(record);

                if (g_get_monotonic_time() > deadline)
                        g_error("no \"%s\" in:\n%s", line, seen);
                bw_virt_record_run_for(5);
        }
        while (!g_str_equal(g_ptr_array_index(record->lines, 0), line))
                g_ptr_array_remove_index(record->lines, 0);
        g_ptr_array_remove_index(record->lines, 0);
}

static gboolean on_main_source(gpointer user) {
        unsigned *calls = user;

        g_assert_true(g_thread_self() == main_thread);
        (*calls)++;
        return G_SOURCE_CONTINUE;
}

guint bw_virt_record_count_turns(unsigned milliseconds, unsigned *turns) {
        main_thread = g_thread_self();
        return g_timeout_add(milliseconds, on_main_source, turns);
}
