/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the libvirt adapter told, one line per fact
 */

#include "virt.h"

typedef struct BwVirtRecord {
        BwVirt *virt;
        GPtrArray *lines;  /* char *: owned */
        bool free_at_next; /* the sink itself frees it */
} BwVirtRecord;

/* Facts must come in the thread that calls this. */
BwVirtRecord *bw_virt_record_new(const char *uri);
void bw_virt_record_free(BwVirtRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwVirtRecord, bw_virt_record_free)

/* How often @line is in it. */
unsigned bw_virt_record_count(const BwVirtRecord *record, const char *line);
/* Runs the main loop until @line was reported, and forgets everything up to it. */
void bw_virt_record_await(BwVirtRecord *record, const char *line);
/* Until nothing has been reported for a while; and forgets it all. */
void bw_virt_record_settle(BwVirtRecord *record);

/* Runs the main loop. */
void bw_virt_record_run_for(unsigned milliseconds);
/* A source of the main loop: counts in @turns, every so many @milliseconds. */
guint bw_virt_record_count_turns(unsigned milliseconds, unsigned *turns);
