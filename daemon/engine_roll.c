/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine_roll.h"

#include <bw/error.h>
#include <syslog.h>

#define ASK_AGAIN_SECONDS 30

struct BwEngineRoll {
        BwJournal *journal;
        BwHazards *hazards;
        BwReconciler *reconciler;
        void (*appeared)(gpointer user);
        gpointer user;
        unsigned named, in_force; /* sets of engines */
        bool remarked[BW_ENGINE_MAX];
        guint timer;
};

static bool is_in(unsigned set, BwEngineKind kind) {
        return set & BW_ENGINE_BIT(kind);
}

/* An engine that does not answer */

/* (transfer full): what @missing would deny and none of @used does; "" when there is nothing. */
static char *list_unguarded(BwEngineKind missing, unsigned used) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++) {
                bool carried = false;

                for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                        carried |= is_in(used, kind) && bw_engine_carries(kind, reason);
                if (!carried && bw_engine_carries(missing, reason))
                        g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "",
                                               bw_reason_name(reason));
        }
        return g_strdup(text->str);
}

static void raise_missing(BwEngineRoll *roll, BwEngineKind kind, const char *why) {
        g_autofree char *unguarded = list_unguarded(kind, bw_reconciler_used(roll->reconciler));
        g_autofree char *sentence =
                *unguarded ? g_strdup_printf("The engine %s does not work here: %s. Until it does, "
                                             "nothing guards against: %s",
                                             bw_engine_name(kind), why, unguarded)
                           : g_strdup_printf("The engine %s does not work here: %s. The other one "
                                             "carries every reason, and guards alone: if that is "
                                             "meant, name it alone in Engines=",
                                             bw_engine_name(kind), why);

        bw_hazards_raise(roll->hazards, BW_HAZARD_ENGINE, bw_engine_name(kind), NULL, sentence);
}

static void clear_missing(BwEngineRoll *roll, BwEngineKind kind) {
        bw_hazards_clear(roll->hazards, BW_HAZARD_ENGINE, bw_engine_name(kind));
}

/* Calling */

/* Why each engine that is named and not in use does not answer. */
typedef struct Answers {
        GError *refusals[BW_ENGINE_MAX];
} Answers;

static void answers_clear(Answers *answers) {
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                g_clear_error(&answers->refusals[kind]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answers, answers_clear)

static void ask(BwEngineRoll *roll, unsigned named, Answers *answers) {
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                if (is_in(named, kind) && !is_in(bw_reconciler_used(roll->reconciler), kind) &&
                    bw_reconciler_probe(roll->reconciler, kind, &answers->refusals[kind]))
                        bw_reconciler_use(roll->reconciler, kind);
}

static bool fail(const Answers *answers, GError **error) {
        g_autoptr(GString) text = g_string_new(NULL);
        int code = BW_ERROR_ABSENT;

        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++) {
                const GError *refusal = answers->refusals[kind];

                if (!refusal)
                        continue;
                code = refusal->code;
                g_string_append_printf(text, "%s%s: %s", text->len > 0 ? ". " : "",
                                       bw_engine_name(kind), refusal->message);
        }
        g_set_error(error, BW_ERROR, code, "No engine works here, so nothing can be guarded. %s",
                    text->str);
        return false;
}

static void note_answers(BwEngineRoll *roll, const Answers *answers) {
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++) {
                if (is_in(roll->named, kind) && answers->refusals[kind])
                        raise_missing(roll, kind, answers->refusals[kind]->message);
                else
                        clear_missing(roll, kind);
        }
}

static gboolean on_timer(gpointer user) {
        BwEngineRoll *roll = user;
        unsigned before = bw_reconciler_used(roll->reconciler);
        g_auto(Answers) answers = {};

        ask(roll, roll->named, &answers);
        note_answers(roll, &answers);
        if (bw_reconciler_used(roll->reconciler) != before ||
            bw_reconciler_has_leftovers(roll->reconciler))
                roll->appeared(roll->user);
        return G_SOURCE_CONTINUE;
}

bool bw_engine_roll_call(BwEngineRoll *roll, unsigned named, GError **error) {
        g_auto(Answers) answers = {};

        ask(roll, named, &answers);
        if (!(bw_reconciler_used(roll->reconciler) & named))
                return fail(&answers, error);
        roll->named = named;
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                if (!is_in(named, kind))
                        bw_reconciler_give_up(roll->reconciler, kind);
        note_answers(roll, &answers);
        if (!roll->timer)
                roll->timer = g_timeout_add_seconds(ASK_AGAIN_SECONDS, on_timer, roll);
        return true;
}

/* What is in force */

static void raise_or_clear(BwEngineRoll *roll, const char *subject, const char *sentence) {
        if (sentence)
                bw_hazards_raise(roll->hazards, BW_HAZARD_OTHER, subject, NULL, sentence);
        else
                bw_hazards_clear(roll->hazards, BW_HAZARD_OTHER, subject);
}

static void note_lacks(BwEngineRoll *roll) {
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++) {
                g_autofree char *lack = bw_reconciler_lack(roll->reconciler, kind);

                raise_or_clear(roll, bw_engine_name(kind), lack);
        }
}

static void note_leftover(BwEngineRoll *roll) {
        const GError *leftover = bw_reconciler_leftover(roll->reconciler);
        g_autofree char *sentence =
                leftover ? g_strdup_printf("Rules of an engine that Engines= does not name could "
                                           "not be taken down: %s",
                                           leftover->message)
                         : NULL;

        raise_or_clear(roll, "leftover", sentence);
}

static void say_remarks(BwEngineRoll *roll) {
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++) {
                g_autofree char *remark = NULL;

                if (roll->remarked[kind] || !is_in(roll->in_force, kind))
                        continue;
                roll->remarked[kind] = true;
                remark = bw_reconciler_remark(roll->reconciler, kind);
                if (remark)
                        bw_journal_say(roll->journal, BW_MESSAGE_ENGINES, LOG_INFO, remark,
                                       "BW_ENGINES", bw_engine_name(kind), NULL);
        }
}

static void say_in_force(BwEngineRoll *roll) {
        g_autoptr(GString) names = g_string_new(NULL), text = g_string_new(NULL);
        g_autofree char *sentence = NULL;

        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++) {
                g_auto(GStrv) list = bw_engine_list_reasons(kind);
                g_autofree char *reasons = g_strjoinv(", ", list);

                if (!is_in(roll->in_force, kind))
                        continue;
                g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "",
                                       bw_engine_name(kind));
                g_string_append_printf(text, "%s%s, against %s", text->len > 0 ? "; " : "",
                                       bw_engine_name(kind), reasons);
        }
        sentence = g_strdup_printf("Engines in force: %s", text->len > 0 ? text->str : "none");
        bw_journal_say(roll->journal, BW_MESSAGE_ENGINES, text->len > 0 ? LOG_INFO : LOG_WARNING,
                       sentence, "BW_ENGINES", names->str, NULL);
}

void bw_engine_roll_note(BwEngineRoll *roll, unsigned in_force) {
        note_lacks(roll);
        note_leftover(roll);
        if (roll->in_force == in_force)
                return;
        roll->in_force = in_force;
        say_in_force(roll);
        say_remarks(roll);
}

BwEngineRoll *bw_engine_roll_new(BwJournal *journal, BwHazards *hazards, BwReconciler *reconciler,
                                 void (*appeared)(gpointer user), gpointer user) {
        BwEngineRoll *roll = g_new0(BwEngineRoll, 1);

        roll->journal = journal;
        roll->hazards = hazards;
        roll->reconciler = reconciler;
        roll->appeared = appeared;
        roll->user = user;
        return roll;
}

void bw_engine_roll_free(BwEngineRoll *roll) {
        if (!roll)
                return;
        g_clear_handle_id(&roll->timer, g_source_remove);
        g_free(roll);
}
