/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The command line as understood, and how a verb ends
 */

#include "frame_wish.h"
#include "world.h"

#include <json-glib/json-glib.h>

typedef enum Exit {
        EXIT_FINE = 0,
        EXIT_NOT_FINE = 1,
        EXIT_USAGE = 2,
        EXIT_UNREACHABLE = 3,
        EXIT_REFUSED = 4,
        EXIT_DISAGREES = 5,
} Exit;

/* Every option of every verb; what a verb does not take stays unset. Strings are owned. */
typedef struct Line {
        gboolean json, help, version;
        char **names; /* what follows the verb; NULL: nothing */
        /* plan, explain */
        BwWorldFiles files;
        char *engine; /* plan, selftest */
        /* explain */
        char *in, *out, *src, *dst, *src_mac, *dst_mac, *hex, *pcap;
        gboolean kinds[BW_WISH_MAX];
        int vlan;
        gboolean live;
        gboolean dot; /* topology */
} Line;

/* The first name after the verb, or NULL. */
const char *bw_line_name(const Line *line);

void bw_command_print_json(JsonNode *node); /* takes @node */
JsonNode *bw_command_node_of_object(JsonObject *object);
JsonNode *bw_command_node_of_array(JsonArray *array);
/* {"ok": true}, or false with @sentence. */
void bw_command_print_result(bool fine, const char *sentence);

/* Say it and return what main() is to return. */
Exit bw_command_fail(const Line *line, Exit exit, const char *sentence);
/* @error: BW_ASK_ERROR of the questions to the daemon, or BW_ERROR of the rooms. */
Exit bw_command_fail_asking(const Line *line, const GError *error);
Exit bw_command_usage(const char *what, const char *word);
/* Errors in sections close ports, which an answer alone would not explain; they go to stderr.
 * Warnings are for "bridgewardend --check-config". */
void bw_command_tell_problems(const BwConfig *config);

/* verbs.c: what the daemon is asked and told */
Exit bw_verb_status(const Line *line);
Exit bw_verb_ports(const Line *line);
Exit bw_verb_port(const Line *line);
Exit bw_verb_fdb(const Line *line);
Exit bw_verb_resync(const Line *line);
Exit bw_verb_reload(const Line *line);
Exit bw_verb_disarm(const Line *line);
/* verb_plan.c, verb_explain.c, verb_selftest.c, verb_topology.c */
Exit bw_verb_plan(const Line *line);
Exit bw_verb_check(const Line *line);
Exit bw_verb_explain(const Line *line);
Exit bw_verb_selftest(const Line *line);
Exit bw_verb_topology(const Line *line);
