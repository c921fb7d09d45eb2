/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The nftables table
 *
 * Plan to one table of the bridge family, and back from what nft lists. The
 * chains are fixed: they depend on the log rate, on what becomes of unknown
 * ports, and on how many sites there is room for. All that belongs to a port is
 * elements of sets keyed by its name, so that a packet costs look-ups and a change
 * costs the elements that changed. What borders must know of others' addresses is
 * elements of maps, from the address to the chain of a site (nft_sites.h).
 *
 * prerouting > in-PORTCLASS  > ...: may this port send that?
 * forward, output > out-PORTCLASS > ...: may this port receive that?
 *
 * Names of ports are data. They stand in quotes, and a name that nft's scanner
 * would not take as it is (a quote in it, a star at its end) is never written:
 * such a port is told of, and while it is there, what is in no list is dropped.
 */

#include <bw/plan.h>

#define BW_NFT_FAMILY "bridge"
#define BW_NFT_TABLE  "bridgewarden"
/* Dormant, for a moment: how the library at hand lists our chains. */
#define BW_NFT_TWIN "bridgewarden-twin"

/* One set or map, with elements as nft lists them: "\"vk63\" . 192.0.2.7", or
 * "192.0.2.7 : goto site-3". */
typedef struct BwNftSet {
        char *name;
        const char *type;    /* static: what stands between its braces, beside the elements */
        GPtrArray *elements; /* char *, sorted by strcmp(), no duplicates. Tables and listings share
                                it, so it is never changed once it is made, but put in place anew */
} BwNftSet;

/* (transfer full): the name an element begins with, "vk63" of "\"vk63\" . 192.0.2.7"; NULL: none.
 */
char *bw_nft_element_name(const char *element);
/* (transfer full): the key of a map's element, "192.0.2.7" of "192.0.2.7 : goto site-3". */
char *bw_nft_element_key(const char *element);
/* Bytes as one number in nft's words, "0x20010db8"; 16 of them at most. Returns the place of its
 * NUL.
 */
#define BW_NFT_NUMBER_SIZE 35
char *bw_nft_number_write(const uint8_t *bytes, gsize n, char text[static BW_NFT_NUMBER_SIZE]);
/* (transfer full): with texts of its own. */
GPtrArray *bw_nft_elements_copy(const GPtrArray *elements);

typedef struct BwNftTable {
        GArray *sets;      /* BwNftSet, in a fixed order */
        char *base;        /* everything else: counters, counting sets, chains */
        unsigned log_rate; /* with @unknown and the room for sites, what @base is made of */
        BwUnknownPorts unknown;
        guint sites;          /* how many there are; there may be room for more */
        GPtrArray *unwritten; /* char *: guarded ports whose names cannot be written; closed */
        GHashTable *kept;     /* set of names: ports that keep the elements they are found with */
        GHashTable *weak; /* set of keys of what borders know: what is found bars, too; or NULL */
} BwNftTable;

/* (transfer full): never NULL. @elsewhere: as of bw_nft_list_elsewhere(). Nothing is written for a
 * port that is inherited. */
BwNftTable *bw_nft_compile(const BwPlan *plan, const GPtrArray *elsewhere);
/* A set of table.sets without elements. Takes @name. */
BwNftSet bw_nft_set_new(char *name, const char *type);
bool bw_nft_set_is_map(const BwNftSet *set);
/* Makes room for as many sites as @table has, in its sets and in its base: a power of two, so that
 * the base, whose change is the whole table's, seldom changes. */
void bw_nft_table_make_room(BwNftTable *table);
/* The borders that a site bars; @name is written and returned. */
#define BW_NFT_BARRED_SIZE 24
const char *bw_nft_barred_name(guint site, char name[static BW_NFT_BARRED_SIZE]);
/* (transfer full) (element-type BwLink): ports of bridges that are not guarded, so that they are
 * not taken for strangers: many kernels cannot tell a rule which bridge a port is on. Lent from
 * @model. */
GPtrArray *bw_nft_list_elsewhere(const BwModel *model, const BwPlan *plan);
void bw_nft_table_free(BwNftTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNftTable, bw_nft_table_free)
bool bw_nft_table_equal(const BwNftTable *a, const BwNftTable *b);
/* Where a set of @table has the elements it has in @other, both have one list of them from then on,
 * which are equal at a glance. */
void bw_nft_table_share(BwNftTable *table, const BwNftTable *other);
/* What @plan has only because rules of a former run say so opens no border that this table itself,
 * as it is found, has closed. */
void bw_nft_table_weaken_inherited(BwNftTable *table, const BwPlan *plan);
/* @port, one of @table->kept, was in no list of the former run: it passes. */
void bw_nft_table_let_pass(BwNftTable *table, const char *port);

/* Whether nft 1.0.6 and later take @name in quotes for exactly these bytes. */
bool bw_nft_name_is_writable(const char *name);

/* What nft listed of one table. */
typedef struct BwNftListing {
        char *base;           /* without elements, counts and the table's own name */
        GHashTable *elements; /* name of a set -> GPtrArray of char *, sorted */
        GHashTable *counts;   /* name of a counter -> BwNftCount * */
} BwNftListing;

typedef struct BwNftCount {
        uint64_t packets, bytes;
} BwNftCount;

/* (transfer full): NULL when @text is no listing of one table. */
BwNftListing *bw_nft_listing_parse(const char *text);
void bw_nft_listing_free(BwNftListing *listing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwNftListing, bw_nft_listing_free)

/* (transfer full): @text, a listing, without what ports have taught the sets that count them: nft
 * does not take all of it back. Frames of the host itself come by no port, and "" is no name. */
char *bw_nft_forget_seen(const char *text);

/* Names of a former run. */

/* (transfer full): set of names: the ports the table checks. */
GHashTable *bw_nft_list_guarded(const BwNftListing *found);
/* (transfer full): @wanted, with what @found has of the ports that are kept. While there are any,
 * the lists of what is somebody else's do not shrink. @found may be NULL. */
BwNftTable *bw_nft_table_keep(const BwNftTable *wanted, const BwNftListing *found);

/* (transfer full): the whole table as one text. @found: its counts go on; or NULL. */
char *bw_nft_print(const BwNftTable *table, const BwNftListing *found);
/* (transfer full): the chains and empty sets as a dormant table BW_NFT_TWIN. */
char *bw_nft_print_twin(const BwNftTable *table);

/* (transfer full): the commands that turn the elements of @found into those of @wanted, one
 * transaction; NULL when there is nothing to do. Chains are not looked at. */
char *bw_nft_diff(const BwNftTable *wanted, const BwNftListing *found);

/* Counts of a listing. */

/* How often @reason was met: by the whole host. */
BwNftCount bw_nft_count(const BwNftListing *listing, BwDirection direction, BwReason reason,
                        bool drops);
/* Calls @counted once for each port and reason that was met. */
typedef void (*BwNftCounted)(const char *port, BwDirection direction, BwReason reason,
                             BwNftCount count, gpointer user);
void bw_nft_count_ports(const BwNftListing *listing, BwNftCounted counted, gpointer user);
