/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What others' FORWARD rules do with guests' packets
 *
 * Where br_netfilter shows bridged packets to the rules of IPv4 and IPv6, they
 * meet FORWARD as if the bridge had routed them from itself to itself
 * (Documentation/networking/bridge.rst, br_netfilter). A host whose rules drop
 * by default, as Docker makes them, then cuts its guests off from each other.
 *
 * Asked is what becomes of a packet nobody has a word for: a rule with any other
 * condition than the interfaces is taken not to fit.
 */

#include <glib.h>
#include <stdbool.h>

#define BW_FORWARD_NAME_SIZE 64 /* room for a chain's name and its table's */

typedef enum BwForwardVerdict {
        BW_FORWARD_GO_ON, /* counts, logs, marks */
        BW_FORWARD_ACCEPT,
        BW_FORWARD_DROP, /* or rejects */
        BW_FORWARD_RETURN,
        BW_FORWARD_JUMP,
        BW_FORWARD_GOTO,
} BwForwardVerdict;

/* What a rule asks of one interface. */
typedef struct BwForwardName {
        char bytes[16];   /* its name, as far as it counts */
        unsigned length;  /* so many bytes; 0: any interface. With the NUL: the whole name */
        bool is_inverted; /* any other */
} BwForwardName;

typedef struct BwForwardRule {
        BwForwardVerdict verdict;
        bool is_narrow;        /* has a condition that is not judged, and is taken not to fit */
        BwForwardName in, out; /* the interfaces, which for a bridged packet are its bridge */
        char chain[BW_FORWARD_NAME_SIZE]; /* of a jump or goto */
} BwForwardRule;

typedef struct BwForwardChain {
        char name[BW_FORWARD_NAME_SIZE]; /* in one list, of this chain alone */
        bool is_hook;  /* packets enter here; each such chain must let a packet pass */
        bool drops;    /* policy, of a hook */
        GArray *rules; /* BwForwardRule */
} BwForwardChain;

/* (transfer full) */
BwForwardChain *bw_forward_chain_new(const char *name);
void bw_forward_chain_free(BwForwardChain *chain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwForwardChain, bw_forward_chain_free)

/* Whether @chains (element-type BwForwardChain), of one family, drop a packet that passes over
 * @bridge. Chains may refer to each other in any way. NULL: nothing is known, nothing drops. */
bool bw_forward_drops(const GPtrArray *chains, const char *bridge);
