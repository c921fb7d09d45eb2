/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "bus_hazards.h"

#include "bus_value.h"

int bw_bus_append_sentences(sd_bus_message *reply, const BwBusHazards *hazards) {
        int r = sd_bus_message_open_container(reply, 'a', "s");

        for (unsigned i = 0; r >= 0 && i < hazards->n; i++)
                r = bw_bus_append_text(reply, hazards->list[i].sentence);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_words(sd_bus_message *message, const BwBusHazard *hazard) {
        int r = bw_bus_append_text(message, hazard->kind);

        if (r >= 0)
                r = bw_bus_append_text(message, hazard->subject);
        return r < 0 ? r : bw_bus_append_text(message, hazard->sentence);
}

int bw_bus_append_hazards(sd_bus_message *reply, const BwBusHazards *hazards) {
        int r = sd_bus_message_open_container(reply, 'a', "(sss)");

        for (unsigned i = 0; r >= 0 && i < hazards->n; i++) {
                r = sd_bus_message_open_container(reply, 'r', "sss");
                if (r >= 0)
                        r = append_words(reply, &hazards->list[i]);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static bool is_same(const BwBusHazard *a, const BwBusHazard *b) {
        return g_str_equal(a->kind, b->kind) && g_str_equal(a->subject, b->subject);
}

static const BwBusHazard *find(const BwBusHazards *hazards, const BwBusHazard *wanted) {
        for (unsigned i = 0; i < hazards->n; i++)
                if (is_same(&hazards->list[i], wanted))
                        return &hazards->list[i];
        return NULL;
}

bool bw_bus_hazards_equal(const BwBusHazards *a, const BwBusHazards *b) {
        if (a->n != b->n)
                return false;
        for (unsigned i = 0; i < a->n; i++)
                if (!is_same(&a->list[i], &b->list[i]) ||
                    !g_str_equal(a->list[i].sentence, b->list[i].sentence))
                        return false;
        return true;
}

BwBusHazards bw_bus_hazards_copy(const BwBusHazards *hazards) {
        BwBusHazard *list = g_new0(BwBusHazard, hazards->n);

        for (unsigned i = 0; i < hazards->n; i++)
                list[i] = (BwBusHazard){
                        .kind = g_strdup(hazards->list[i].kind),
                        .subject = g_strdup(hazards->list[i].subject),
                        .sentence = g_strdup(hazards->list[i].sentence),
                };
        return (BwBusHazards){ list, hazards->n };
}

void bw_bus_hazards_clear(BwBusHazards *hazards) {
        for (unsigned i = 0; i < hazards->n; i++) {
                g_free((char *) hazards->list[i].kind);
                g_free((char *) hazards->list[i].subject);
                g_free((char *) hazards->list[i].sentence);
        }
        g_free((BwBusHazard *) hazards->list);
        *hazards = (BwBusHazards){};
}

/* Who misses one has the property still. */
static void emit(sd_bus *connection, const char *path, const char *interface, const char *member,
                 const BwBusHazard *hazard) {
        __attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *signal = NULL;

        if (sd_bus_message_new_signal(connection, &signal, path, interface, member) >= 0 &&
            append_words(signal, hazard) >= 0)
                (void) sd_bus_send(connection, signal, NULL);
}

void bw_bus_tell_hazards(sd_bus *connection, const char *path, const char *interface,
                         const BwBusHazards *before, const BwBusHazards *after) {
        for (unsigned i = 0; i < before->n; i++)
                if (!find(after, &before->list[i]))
                        emit(connection, path, interface, "HazardCleared", &before->list[i]);
        for (unsigned i = 0; i < after->n; i++) {
                const BwBusHazard *former = find(before, &after->list[i]);

                if (!former || !g_str_equal(former->sentence, after->list[i].sentence))
                        emit(connection, path, interface, "HazardRaised", &after->list[i]);
        }
}
