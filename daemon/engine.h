/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Engine
 *
 * One way to write the guard into the kernel: what must be there, a commit that
 * makes it so, and what it has counted. Each engine only denies, so they need not
 * know each other and are written in any order. Tries once; sets no timer and
 * speaks to nobody.
 */

#include <bw/difference.h>
#include <bw/engine.h>
#include <bw/plan.h>

/* What one pass over the engines did. */
typedef struct BwPass {
        unsigned commits; /* tables written */
        unsigned wrote;   /* (set of engines) those in use that wrote any of them */
        unsigned chains_created, chains_removed, rules_inserted, rules_deleted; /* of iptables */
        bool anchor_moved;
        bool without_lock;    /* the xtables lock was busy too long, or cannot be opened */
        bool elements_edited; /* of the nftables table … */
        bool table_anew;      /* … or all of it */
} BwPass;

/* What was denied for one reason, since the rules were made. Lent for the call. */
typedef struct BwTally {
        const char *bridge; /* "": the port is on no guarded bridge now */
        const char *port; /* "": of unbound, the strangers of @bridge, where they share one rule; of
                             another reason, what the ports of a segment share: @bridge is its
                             first, and packets of a port are in its own tally or in this */
        BwDirection direction;
        BwReason reason;
        bool drops; /* as the port's mode is now; false: seen and let pass */
        uint64_t packets, bytes;
} BwTally;
typedef void (*BwTallied)(const BwTally *tally, gpointer user);

typedef struct BwEngine BwEngine;

typedef struct BwEngineWork {
        BwEngineKind kind;
        void (*free)(BwEngine *engine);
        /* Whether kernel and library can carry our rules; writes nothing. BW_ERROR_ABSENT,
         * BW_ERROR_DENIED. */
        bool (*probe)(BwEngine *engine, GError **error);
        /* (transfer full): a sentence that says what the engine does without since it was probed
         * and told what to want; NULL: nothing. */
        char *(*lack)(const BwEngine *engine);
        /* (transfer full): a sentence worth saying once, when it first is in force; or NULL. */
        char *(*remark)(BwEngine *engine);

        /* Remembers which ports the rules in the kernel guard now: before the first commit, those
         * of a former run. On failure what was remembered still is. */
        bool (*note_inherited)(BwEngine *engine, GError **error);
        void (*forget_inherited)(BwEngine *engine);
        bool (*inherited)(const BwEngine *engine, const char *port);
        /* Adds to @ret what the rules that @port is inherited with say of it. NULL: whatever the
         * engine has found it keeps by itself. */
        void (*add_own)(const BwEngine *engine, const char *port, BwInheritedPort *ret);

        /* Takes the plan as what must be. May go on reading @plan, in threads of its own, until it
         * is called again in any way; and may begin to read, under locks that others ask for, too,
         * what commit() must write, when that differs: who does not commit then calls another. */
        void (*want)(BwEngine *engine, const BwPlan *plan, const BwModel *model);
        /* Whether what was wanted last differs from what had to be before. */
        bool (*differs)(BwEngine *engine);
        /* Brings the kernel there; adds to @pass what was done, also on failure. BW_ERROR_BUSY:
         * come back; BW_ERROR_STALE: written, but the read-back differs. */
        bool (*commit)(BwEngine *engine, int64_t now_usec, BwPass *pass, GError **error);
        /* Takes every rule of ours down, and wants nothing from then on; needs no probe(). That the
         * kernel cannot hold any is no failure. On failure what was wanted is still wanted, and
         * some of it may be gone. */
        bool (*disarm)(BwEngine *engine, int64_t now_usec, BwPass *pass, GError **error);
        /* Whether part @part of the kernel's, less than @n_check_parts, is as wanted, by what it
         * can carry now; writes nothing. A part is what cannot be read in pieces: a table. */
        bool (*check)(BwEngine *engine, unsigned part, bool *ret_equal, GError **error);
        unsigned n_check_parts;
        /* Others made this generation of the nftables ruleset, and nothing of ours is in it. NULL:
         * it is nothing to this engine. */
        void (*note_others)(BwEngine *engine, uint32_t generation);
        /* Appends to @list (BwDifference) in what the kernel differs; reads all of it, writes
         * nothing.
         */
        bool (*describe)(BwEngine *engine, GPtrArray *list, GError **error);
        /* Tells what was counted in part @part, less than @n_count_parts; writes nothing. A part
         * is read in milliseconds on a large host. Several tallies may speak of one port, reason
         * and direction: they add up. */
        bool (*count)(BwEngine *engine, unsigned part, BwTallied tallied, gpointer user,
                      GError **error);
        unsigned n_count_parts;
} BwEngineWork;

/* The first member of each engine's own. */
struct BwEngine {
        const BwEngineWork *work;
};

BwEngine *bw_engine_iptables_new(void);
BwEngine *bw_engine_nftables_new(void);

static inline void bw_engine_free(BwEngine *engine) {
        if (engine)
                engine->work->free(engine);
}
