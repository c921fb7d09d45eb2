/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A topology's bridges and ports, field by field
 *
 * The one table of the names under which GetTopology() and "topology --json" tell them, so that
 * both tell the same.
 */

#include <bw/topology_view.h>

typedef enum BwFieldKind {
        BW_FIELD_TEXT,   /* any bytes; NULL is the empty one */
        BW_FIELD_TEXTS,  /* of any bytes */
        BW_FIELD_BOOL,   /* @number is 0 or 1 */
        BW_FIELD_NUMBER, /* of 32 bits */
        BW_FIELD_USEC,   /* a span of time, of 64 bits, in microseconds */
} BwFieldKind;

/* All is lent until the sink returns, but @key, which is static. */
typedef struct BwField {
        const char *key;
        BwFieldKind kind;
        const char *text;
        const char *const *texts; /* ends with NULL */
        uint64_t number;
} BwField;

typedef void (*BwFieldSink)(const BwField *field, gpointer user);

/* In a steady order. What a daemon alone knows is told when it is known. */
void bw_bridge_view_tell(const BwBridgeView *bridge, BwFieldSink sink, gpointer user);
void bw_port_view_tell(const BwPortView *port, BwFieldSink sink, gpointer user);
