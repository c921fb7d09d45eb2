/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Rehearsal
 *
 * The rules that are in the kernel now, tried with frames aside: they are read
 * in the network namespace the process is in and loaded as they were read, an
 * engine at a time, beside a bridge with ports of the same names on a stage of
 * its own. So the kernel itself says what they would do. The host's rules and
 * links are read and never touched; the host's own chains and tables of others
 * are not taken along.
 *
 * What of an engine's rules cannot be loaded, because somebody else has written
 * it into our chains or before them, is told in a sentence and is a disagreement
 * in itself. Whether a frame would be dropped for the right reason is not asked.
 */

#include <bw/explain.h>

typedef struct BwRehearsal BwRehearsal;

/* What a port is expected to do with a frame, as bw_explain() judges. */
typedef struct BwExpected {
        const char *port; /* lent for the call; "": the host itself */
        BwDirection direction;
        BwFate fate;
        unsigned engines; /* (set of engines) with a reason: who can carry it */
        bool has_reason;
} BwExpected;

typedef enum BwOutcomeKind {
        BW_OUTCOME_PASSES,    /* everywhere it is expected */
        BW_OUTCOME_DROPPED,   /* everywhere */
        BW_OUTCOME_PARTED,    /* it reaches some ports and not others */
        BW_OUTCOME_UNSEEN,    /* the engine cannot see such a frame, or not what is wrong with it */
        BW_OUTCOME_UNFED,     /* it could, but the bridge does not show it such frames */
        BW_OUTCOME_UNCARRIED, /* without any rules the bridge does not take it anywhere either */
} BwOutcomeKind;

typedef struct BwOutcome {
        BwOutcomeKind kind;
        bool agrees;        /* with what was expected */
        GPtrArray *reached; /* char *: ports that get it; of what was asked */
        GPtrArray *kept;    /* char *: ports that do not */
} BwOutcome;

/* A stage has room for so many ports; what else a frame goes to is not tried. */
#define BW_REHEARSAL_MOST_PORTS  30
#define BW_REHEARSAL_MOST_FRAMES 4096

/* Reads what @engines have in the kernel now, and what @bridge shows them. @in: the port frames
 * come in by, or @bridge itself for what the host sends. @written: the nftables table that is
 * planned (bw_rules_text_nftables()), for its words alone: see bw/nft_words.h. BW_ERROR_DENIED: not
 * root; BW_ERROR_ABSENT: no such bridge here. */
BwRehearsal *bw_rehearsal_new(const char *bridge, const char *in, unsigned engines,
                              const char *written, GError **error);
void bw_rehearsal_free(BwRehearsal *rehearsal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwRehearsal, bw_rehearsal_free)

/* One more frame to try; @expected (BwExpected): of the sender, if it is checked, and of each port
 * it goes to. At most BW_REHEARSAL_MOST_FRAMES. Returns how many of the ports are left out. */
guint bw_rehearsal_add(BwRehearsal *rehearsal, const uint8_t *frame, gsize length,
                       const GArray *expected);

/* Tries all of them. The process is in a network namespace of its own afterwards, for good. */
bool bw_rehearsal_run(BwRehearsal *rehearsal, GError **error);

/* Lent; after the run. @number: counted from 0 as they were added. */
const BwOutcome *bw_rehearsal_outcome(const BwRehearsal *rehearsal, guint number,
                                      BwEngineKind kind);
/* Lent (element-type utf8): what of the engine's rules could not be tried. */
const GPtrArray *bw_rehearsal_untried(const BwRehearsal *rehearsal, BwEngineKind kind);
