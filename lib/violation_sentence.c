/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/text.h>
#include <bw/violation.h>

/* Neither a terminal nor the reader's eye is to be led by a name. */
static void append_name(GString *sentence, const char *name) {
        g_autofree char *shown = bw_text_printable(name);

        g_string_append(sentence, shown);
}

/* "guest kali4 (port vk64)", or "port vmh1" when it is not a guest's. */
static void append_who(GString *sentence, const char *guest, const char *port) {
        if (guest) {
                g_string_append(sentence, "guest ");
                append_name(sentence, guest);
                g_string_append(sentence, " (port ");
                append_name(sentence, port);
                g_string_append_c(sentence, ')');
                return;
        }
        g_string_append(sentence, "port ");
        append_name(sentence, port);
}

static void append_verb(GString *sentence, const BwViolation *violation) {
        switch (violation->direction) {
        case BW_DIRECTION_IN:
                g_string_append(sentence, " sent ");
                return;
        case BW_DIRECTION_OUT:
                g_string_append(sentence,
                                violation->dropped ? " would have received " : " received ");
                return;
        }
        g_assert_not_reached();
}

static void append_name_after(GString *sentence, const char *words, const char *name) {
        if (!name)
                return;
        g_string_append(sentence, words);
        append_name(sentence, name);
}

static void append_sender(GString *sentence, const BwViolation *violation) {
        if (violation->direction == BW_DIRECTION_IN || !violation->offender[0])
                return;
        if (violation->from_host) {
                append_name_after(sentence, " from the host itself by way of bridge ",
                                  violation->offender);
                return;
        }
        g_string_append(sentence, " from ");
        append_who(sentence, violation->offender_guest, violation->offender);
}

char *bw_violation_sentence(const BwViolation *violation) {
        GString *sentence = g_string_new(NULL);

        append_who(sentence, violation->guest, violation->port);
        sentence->str[0] = g_ascii_toupper(sentence->str[0]);
        append_verb(sentence, violation);
        g_string_append(sentence, violation->what);
        append_sender(sentence, violation);
        append_name_after(sentence,
                          violation->owns_mac ? ", claiming the MAC of "
                                              : ", claiming the address of ",
                          violation->claimed_owner);
        append_name_after(sentence, ", meant for ", violation->victim);
        g_string_append_printf(sentence, ": %s, %s", violation->dropped ? "dropped" : "only seen",
                               bw_reason_name(violation->reason));
        if (violation->detail)
                g_string_append_printf(sentence, " (%s)", violation->detail);
        return g_string_free(sentence, FALSE);
}
