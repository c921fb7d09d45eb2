/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Hazards in D-Bus messages
 *
 * The two properties that list them, and the signals that tell which came and
 * went between two lists. Knows no connection but the one it is handed.
 */

#include "bus.h"

#include <systemd/sd-bus.h>

/* as: the sentences. a(sss): kind, subject, sentence. Both return a negative errno when the message
 * takes no more. */
int bw_bus_append_sentences(sd_bus_message *reply, const BwBusHazards *hazards);
int bw_bus_append_hazards(sd_bus_message *reply, const BwBusHazards *hazards);

bool bw_bus_hazards_equal(const BwBusHazards *a, const BwBusHazards *b);
/* (transfer full): to be given to bw_bus_hazards_clear(). */
BwBusHazards bw_bus_hazards_copy(const BwBusHazards *hazards);
void bw_bus_hazards_clear(BwBusHazards *hazards);

/* HazardCleared for what only @before has, then HazardRaised for what only @after has. One whose
 * sentence changed is raised anew. */
void bw_bus_tell_hazards(sd_bus *connection, const char *path, const char *interface,
                         const BwBusHazards *before, const BwBusHazards *after);
