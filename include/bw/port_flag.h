/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Flags of a bridge port
 *
 * The closed list of what the bridge itself can be told of a port (ip-link(8),
 * "bridge_slave"; bridge(8), "link set"). Knows what each is for; neither reads
 * nor sets one.
 */

#include <glib.h>
#include <stdbool.h>

typedef enum BwPortFlag {
        BW_FLAG_LEARNING,      /* IFLA_BRPORT_LEARNING: sources are taken into the FDB */
        BW_FLAG_UNICAST_FLOOD, /* IFLA_BRPORT_UNICAST_FLOOD: it gets unicast to unknown MACs */
        BW_FLAG_LOCKED,        /* IFLA_BRPORT_LOCKED, Linux 5.18: a source that the FDB has not at
                                  this port is dropped */
        BW_FLAG_ISOLATED,   /* IFLA_BRPORT_ISOLATED, Linux 4.18: nothing to other isolated ports */
        BW_FLAG_BPDU_GUARD, /* IFLA_BRPORT_GUARD: a BPDU switches the port off */
        BW_FLAG_HAIRPIN,    /* IFLA_BRPORT_MODE: frames may leave where they came in; only looked
                               at */
} BwPortFlag;

#define BW_FLAG_MAX (BW_FLAG_HAIRPIN + 1)

/* Sets of flags: 1 << flag. */
#define BW_FLAG_BIT(flag) (1u << (flag))
/* Those FdbLock= and Isolated= speak of. */
#define BW_FLAG_LOCK                                                                               \
        (BW_FLAG_BIT(BW_FLAG_LEARNING) | BW_FLAG_BIT(BW_FLAG_UNICAST_FLOOD) |                      \
         BW_FLAG_BIT(BW_FLAG_LOCKED) | BW_FLAG_BIT(BW_FLAG_BPDU_GUARD))

/* As bridge(8) calls it: "learning", "flood", "locked", "isolated", "guard", "hairpin"; static. */
const char *bw_port_flag_name(BwPortFlag flag);
