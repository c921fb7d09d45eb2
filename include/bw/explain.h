/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Explanation
 *
 * What becomes of one frame on its way over a guarded bridge, and over the
 * bridges that links join to it, port by port: who judges it and how. Asks the
 * evaluator; knows the way a bridge takes a frame (IEEE 802.1Q, 8.6: forwarding
 * and filtering) as far as the plan tells it, not what the bridge has learned.
 */

#include <bw/evaluate.h>

typedef enum BwFate {
        BW_FATE_PASSES,
        BW_FATE_MONITORED, /* a rule is against it, and only counts */
        BW_FATE_DROPPED,
} BwFate;

/* Longer frames are refused: no Ethernet has them. */
#define BW_EXPLAIN_MAX_FRAME 65536

/* One port's word. */
typedef struct BwJudgment {
        const BwPlan *plan; /* lent, as all else */
        const BwBridgePlan *bridge;
        const BwPortPlan *port; /* NULL: the host itself, which nothing keeps from receiving */
        BwDirection direction;
        BwFate fate;
        BwReason reason;    /* BW_REASON_NONE when it passes */
        const char *detail; /* static or NULL: what exactly is wrong */
        unsigned engines;   /* (set of engines) which can see enough of it to carry @reason */
        BwForeign foreign;  /* of a border that is against it */
        BwFate so_far;      /* with all that was said on the way here */
        bool ends;          /* it goes no further from here: somebody has it, or it fell */
} BwJudgment;

/* (transfer full) (element-type BwJudgment): the sender's word first, then that of every port it
 * would be delivered to; those come only when the sender's rules let it go. Behind the word of a
 * link that lets it out stand that of its other end, and those of the ports of the bridge there,
 * and so on; each bridge is entered once, by whatever way comes first.
 *
 * @in: the port it comes in by, or the bridge's own name for what the host sends, which is not
 * checked at its source. @out: the one port that is asked, on the way there each link, too; or "":
 * where bridges take it, that is to the port that owns its destination, to the host itself, to the
 * border ports that lead to its owner's bridge, or else to all others. Ports that no frame passes
 * now (BwPortPlan.blocked) are not asked.
 *
 * BW_ERROR_ABSENT: a port is on no guarded bridge. BW_ERROR_INVALID: the ports are on two bridges
 * that no link joins now, no frame passes one of them now, or the frame is longer than
 * BW_EXPLAIN_MAX_FRAME. */
GArray *bw_explain(const BwPlan *plan, const char *in, const char *out, const uint8_t *frame,
                   gsize length, GError **error);

/* What becomes of it in all: it passes when its sender may send it and somebody gets it. */
BwFate bw_explain_fate(const GArray *judgments);

/* "passes", "monitored", "dropped"; static */
const char *bw_fate_name(BwFate fate);
