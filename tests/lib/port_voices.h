/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Whose port it is, and which sections of the configuration speak of it
 *
 * Said a second time for the tests, directly from a world and its settings. Knows nothing of what
 * sections say. What is lent is lent from the two.
 */

#include "settings.h"

#define BW_TEST_MAX_VOICES 4

typedef struct BwTestVoices {
        const BwGuest *guest; /* NULL: not known to be one's */
        const BwGuestInterface *interface;
        const BwTestSection *by_mac;                       /* one of @sections, or NULL */
        const BwTestSection *sections[BW_TEST_MAX_VOICES]; /* the most exact first */
        unsigned n;
} BwTestVoices;

BwTestVoices bw_test_voices(const BwTestWorld *world, const BwTestSettings *settings,
                            const BwLink *link);
