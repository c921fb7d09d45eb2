/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What others' FORWARD rules do with guests' packets
 *
 * Where br_netfilter shows bridged packets to the rules of IPv4 and IPv6, they
 * meet FORWARD as if the bridge had routed them from itself to itself
 * (Documentation/networking/bridge.rst, br_netfilter): in legacy iptables and in
 * nftables' families ip, ip6 and inet alike. A host whose rules drop by default,
 * as Docker makes them, then cuts its guests off from each other.
 *
 * Asked is what becomes of a packet nobody has a word for: a rule with any other
 * condition than the interfaces and the family is taken not to fit, and so is one
 * that asks a set of which nothing is known (bw/forward_set.h).
 */

#include <bw/addr.h>
#include <bw/forward_set.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define BW_FAMILY_BIT(family) (1u << (family))

/* What a rule asks of one interface. */
typedef struct BwForwardName {
        char bytes[BW_FORWARD_NAME_SIZE]; /* its name, as far as it counts */
        unsigned length;  /* so many bytes; 0: any interface. With the NUL: the whole name */
        unsigned ifindex; /* this one, whatever its name; 0: any */
        bool is_inverted; /* any other */
} BwForwardName;

#define BW_FORWARD_MOST_LOOKUPS 4 /* of one rule */

typedef struct BwForwardRule {
        BwForwardVerdict verdict;
        bool is_narrow;        /* has a condition that is not judged, and is taken not to fit */
        unsigned excluded;     /* set of BwFamily it does not fit */
        BwForwardName in, out; /* the interfaces, which for a bridged packet are its bridge */
        BwForwardLookup lookups[BW_FORWARD_MOST_LOOKUPS];
        unsigned lookup_count; /* the last is the map of BW_FORWARD_LOOK_UP */
        const char *chain;     /* of a jump or goto; a word of the table */
} BwForwardRule;

typedef struct BwForwardChain {
        const char *name; /* a word of the table */
        bool is_hook;     /* packets enter here; each such chain must let a packet pass */
        bool drops;       /* policy, of a hook */
        GArray *rules;    /* BwForwardRule */
} BwForwardChain;

typedef struct BwForwardTable {
        char *name;         /* "filter" */
        const char *nft;    /* static: nftables' family, "inet"; NULL: of legacy iptables */
        unsigned families;  /* set of BwFamily that meet it */
        GPtrArray *chains;  /* BwForwardChain * */
        GHashTable *places; /* its name -> BwForwardChain * */
        GHashTable *sets;   /* its name -> BwForwardSet * */
        GHashTable *words;  /* char *: what is named in it, each once */
} BwForwardTable;

/* (transfer full); @name is copied. */
BwForwardTable *bw_forward_table_new(const char *name, const char *nft, unsigned families);
void bw_forward_table_free(BwForwardTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwForwardTable, bw_forward_table_free)

/* (transfer none): @text as a word of the table, good as long as the table. */
const char *bw_forward_table_word(BwForwardTable *table, const char *text);
/* (transfer none): a chain or set of that name, made where there is none. */
BwForwardChain *bw_forward_table_chain(BwForwardTable *table, const char *name);
BwForwardSet *bw_forward_table_set(BwForwardTable *table, const char *name);

/* Where a packet ends. */
typedef struct BwForwardEnd {
        const BwForwardTable *table;
        const BwForwardChain *hook;  /* where it came in */
        const BwForwardChain *chain; /* whose rule drops it, or @hook by its policy */
} BwForwardEnd;

/* Whether one of @tables (element-type BwForwardTable) drops a packet of @family that passes over
 * the bridge @name. Chains may refer to each other in any way. @tables NULL: nothing is known,
 * nothing drops. @ret_end, which is lent by @tables, is set when it does. */
bool bw_forward_drops(const GPtrArray *tables, BwFamily family, const char *name, int ifindex,
                      BwForwardEnd *ret_end);
