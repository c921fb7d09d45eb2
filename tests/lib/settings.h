/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Settings for tests
 *
 * What an administrator wrote: made up at random or piece by piece, told to the
 * real rooms as configuration text, and looked at by an oracle. No rule lives
 * here.
 */

#include "world.h"

#include <bw/config.h>

typedef enum BwTestSectionKind {
        BW_TEST_PORT,
        BW_TEST_INTERFACE,
        BW_TEST_GUEST,
} BwTestSectionKind;

typedef struct BwTestSection {
        BwTestSectionKind kind;
        char *name; /* port name, MAC text, guest name or UUID (owned) */
        bool has_addresses, any, has_macs, has_role, has_mode, broken;
        GArray *addresses; /* BwPrefix, no duplicates */
        GArray *macs;      /* BwMac, no duplicates */
        BwRole role;
        BwMode mode;
} BwTestSection;

typedef struct BwTestBridge {
        char name[BW_IFNAME_SIZE];
        bool has_mode, has_unknown_ports;
        BwMode mode;
        BwUnknownPorts unknown_ports;
        GArray *networks; /* BwPrefix */
        GArray *gateways; /* BwPrefix, single */
} BwTestBridge;

typedef struct BwTestSettings {
        BwMode mode;
        BwUnknownPorts unknown_ports;
        GPtrArray *bridges;      /* char *; NULL: auto */
        GPtrArray *sections;     /* BwTestSection * */
        GArray *bridge_sections; /* BwTestBridge */
} BwTestSettings;

BwTestSettings *bw_test_settings_new(void);
void bw_test_settings_free(BwTestSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwTestSettings, bw_test_settings_free)
BwTestSettings *bw_test_settings_copy(const BwTestSettings *settings);

/* Sections for about all that is in @world, and for some that is not. */
BwTestSettings *bw_test_random_settings(const BwTestWorld *world);
/* An address or a network, mostly one of a few hundred. */
BwPrefix bw_test_random_address(void);

BwTestSection *bw_test_section_new(BwTestSectionKind kind, const char *name);
BwTestSection *bw_test_find_section(const BwTestSettings *settings, BwTestSectionKind kind,
                                    const char *name);
/* NULL: there is no such section. */
const BwTestBridge *bw_test_find_bridge(const BwTestSettings *settings, const char *name);
BwMode bw_test_bridge_mode(const BwTestSettings *settings, const char *name);

/* What an administrator would have written; (transfer full). */
char *bw_test_settings_text(const BwTestSettings *settings);
BwConfig *bw_test_config(const BwTestSettings *settings);
BwConfig *bw_test_config_from_text(const char *text);
