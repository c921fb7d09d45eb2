/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Judgments in words
 *
 * What answers say of one port's word on a frame, on the bus and on the command
 * line alike. Names stay as they are, whatever bytes they hold.
 */

#include <bw/explain.h>

typedef struct BwJudgmentText {
        const char *port, *bridge; /* the host itself goes by the bridge's name */
        const char *guest;         /* "" when not a guest's */
        const char *state;         /* bw_port_state_name(), or "host" */
        const char *direction, *fate;
        const char *reason, *sentence, *detail; /* "" when it passes */
        char *because;            /* at a border: whose it is, and what leads there; or "". Owned */
        const char *where;        /* "" when no section speaks of the port */
        char **macs, **addresses; /* NULL-terminated, owned */
        const char *engines[BW_ENGINE_MAX + 1]; /* NULL-terminated */
} BwJudgmentText;

/* All but the lists and @because is lent from @judgment and its plan. */
BwJudgmentText bw_judgment_text_new(const BwJudgment *judgment);
void bw_judgment_text_clear(BwJudgmentText *text);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BwJudgmentText, bw_judgment_text_clear)
