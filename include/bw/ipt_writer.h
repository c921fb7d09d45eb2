/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Writer of iptables chains
 *
 * What the parts of the compiler have in common: the chains of one table while
 * they are being written, and which of the chains that ports share are asked
 * for. Parts of the ipt_compile room; nobody else has a use for it.
 */

#include <bw/ipt_rule.h>
#include <bw/ipt_shelf.h>
#include <bw/ipt_view.h>

/* What differs between directions. */
typedef struct BwIptSide {
        const char *port_kind, *node_kind, *stranger_kind, *address_kind, *owned_kind, *denial_kind;
        const char *border_kind, *lead_kind, *closed_kind, *culprit_kind;
        BwIptPhysdev exact, prefix, not_ours;
        BwReason not_own; /* why what is somebody else's falls */
        BwReason border;  /* the same at a border port         */
} BwIptSide;

/* What a tree over all that is owned says of an address nobody owns. */
typedef enum BwIptUnowned {
        BW_IPT_UNOWNED_PASSES,
        BW_IPT_UNOWNED_REFLECTED, /* it comes from the receiver's own address, so it falls, too */
} BwIptUnowned;

#define BW_IPT_UNOWNED_MAX (BW_IPT_UNOWNED_REFLECTED + 1)

/* Shared chains of one segment that some port leads to, for drops and for mere reports. */
typedef struct BwIptShared {
        bool owned[BW_IPT_UNOWNED_MAX];
        bool routes;     /* the trees must know all that is owned, not only what is link-local */
        bool denial;     /* of what is somebody else's */
        bool nowhere;    /* IPv6 from "::" */
        bool request;    /* of DHCP: whether the sender asks for himself */
        bool borders;    /* the borders' tree is asked instead: it owns the same */
        bool reflection; /* of what comes from the receiver's own address */
} BwIptShared;

/* Who writes a bridge's chains knows of the plan what @view shows, and adds to @chains and @shared
 * without asking what is there: nothing else may decide what he writes. */
typedef struct BwIptWriter {
        BwFamily family;
        BwDirection direction;
        const BwIptSide *side;
        const BwIptView *view; /* of the bridge; of chains that a segment shares: of no bridge */
        BwIptShared shared[2]; /* by "drops": asked for by the bridge, or by all of the segment */
        /* Of the ports that ask for a chain of the bridge's own any one, lent; NULL: none does. */
        const BwIptPort *own_sender, *replied_to;
        GPtrArray *chains; /* BwIptChain */
        GPtrArray *makers; /* BwIptPiece * or NULL: which each of @chains is of, as far as that is
                              settled */
        BwIptShelf *shelf; /* pieces of the chains that a segment shares */
        guint turn;
} BwIptWriter;

/* What was written since the last time is @piece's; NULL: nobody will take it over. */
void bw_ipt_settle_makers(BwIptWriter *writer, BwIptPiece *piece);
/* Lent: a piece of the same @key, which need not be written, for its chains will be there; or NULL:
 * then it is written, and nothing else meanwhile but other pieces before it. */
const BwIptPiece *bw_ipt_take_piece(BwIptWriter *writer, const GByteArray *key);
/* Lent: a piece of what has been written since it was asked for, or since the last one. @key is the
 * one it was asked for by. */
const BwIptPiece *bw_ipt_end_piece(BwIptWriter *writer, const GByteArray *key, const char *start,
                                   guint note);

/* Lent. Names of shared chains are of the segment's first bridge; they name no port, and their
 * reports do without: NFLOG says by which port a packet came and goes. */
BwIptChain *bw_ipt_add_chain(BwIptWriter *writer, const char *name);
BwIptChain *bw_ipt_add_shared_chain(BwIptWriter *writer, const char *name);
BwIptChain *bw_ipt_add_port_chain(BwIptWriter *writer, const char *kind, const BwIptPort *port);

void bw_ipt_say(BwIptChain *chain, BwIptRule rule);
void bw_ipt_say_goto(BwIptChain *chain, BwIptRule rule, const char *target);
/* A deny is always a pair: report what the limit lets through, then the verdict, whose counter
 * knows the whole sum. @match says what is denied, and the limit when it is not the plan's. */
void bw_ipt_deny(const BwIptWriter *writer, BwIptChain *chain, BwIptRule match, BwReason reason,
                 bool drops);

/* All that nothing in @chain has taken, for what @port is. */
void bw_ipt_deny_rest(const BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port);

/* The address the side looks at: the source of what comes in, the destination of what goes out. */
BwIptRule bw_ipt_address_rule(const BwIptWriter *writer, BwPrefix prefix);
/* "c0a83200-28"; short, because chain names are. */
#define BW_IPT_PLACE_SIZE 40
void bw_ipt_place(const BwPrefix *base, char place[static BW_IPT_PLACE_SIZE]);

/* IPv6 link-local addresses, and groups of the writer's family. */
BwPrefix bw_ipt_link_local(void);
BwPrefix bw_ipt_multicast(BwFamily family);

/* (transfer full) (element-type BwPrefix): A(P) of the writer's family. */
GArray *bw_ipt_list_own(const BwIptWriter *writer, const BwIptPort *port);
/* (transfer full) (element-type BwPrefix): the link-local addresses made from the MACs of @port
 * that it may use and has not declared, as bw_owner_may_use() says, without asking every port of
 * the bridge. Empty for IPv4. */
GArray *bw_ipt_list_derived(const BwIptWriter *writer, const BwIptPort *port);

/* lib/ipt_port.c: the chains of one port, and whether it has any. */
bool bw_ipt_has_port_chain(const BwIptWriter *writer, const BwIptPort *port);
void bw_ipt_write_port(BwIptWriter *writer, const BwIptPort *port);
/* The rule that delivers to a port that is bound, but for the destination: there is a look at who
 * sent it. */
BwIptRule bw_ipt_delivery(const BwIptWriter *writer, const BwIptPort *port);
/* What is everybody's on the bridge, groups and broadcasts, meets the end of @pass. */
void bw_ipt_deliver_groups(const BwIptWriter *writer, BwIptChain *chain, BwIptRule pass);

/* lib/ipt_shared.c: write the name of a shared chain, which will then be written. */
void bw_ipt_owned_chain(BwIptWriter *writer, const BwIptPort *port, BwIptUnowned unowned,
                        char name[static BW_IPT_CHAIN_SIZE]);
void bw_ipt_denial_chain(BwIptWriter *writer, const BwIptPort *port,
                         char name[static BW_IPT_CHAIN_SIZE]);
void bw_ipt_nowhere_chain(BwIptWriter *writer, const BwIptPort *port,
                          char name[static BW_IPT_CHAIN_SIZE]);
void bw_ipt_request_chain(BwIptWriter *writer, const BwIptPort *port,
                          char name[static BW_IPT_CHAIN_SIZE]);
void bw_ipt_reflection_chain(BwIptWriter *writer, const BwIptPort *port,
                             char name[static BW_IPT_CHAIN_SIZE]);
/* The same of what all else that is somebody's goes to. */
void bw_ipt_shared_denial_chain(const BwIptWriter *writer, bool drops,
                                char name[static BW_IPT_CHAIN_SIZE]);
/* Whether one tree will do for the ports of @segment and its borders. */
bool bw_ipt_borders_know(const BwSegmentPlan *segment, BwFamily family);
/* What the bridges of @segment have asked for. */
void bw_ipt_write_shared(BwIptWriter *writer, const BwSegmentPlan *segment);

/* lib/ipt_border.c: the chains of one border port, and what those of the segment share. A guest's
 * port may ask the borders' tree, too: no border leads to it, so whatever is owned is denied. */
void bw_ipt_border_tree(const BwIptWriter *writer, char name[static BW_IPT_CHAIN_SIZE]);
void bw_ipt_write_border(BwIptWriter *writer, const BwIptPort *port);
void bw_ipt_write_shared_borders(BwIptWriter *writer, const BwSegmentPlan *segment);

/* lib/ipt_site.c: (transfer full) (element-type guint): for each of @sites (BwSitePlan) another, of
 * a lower index, with nearly the same leads; BW_IPT_UNLIKE: there is none. */
#define BW_IPT_UNLIKE G_MAXUINT
GArray *bw_ipt_list_likeness(const GPtrArray *sites);
/* (transfer container) (element-type BwPortPlan): what leads to @site and not to @other. */
GPtrArray *bw_ipt_list_leads_beyond(const BwSitePlan *site, const BwSitePlan *other);

/* lib/ipt_dhcp.c: what passes of @port's requests, and what is delivered of replies to it, which
 * meets the end of @pass. */
void bw_ipt_pass_request(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port);
void bw_ipt_deliver_replies(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port,
                            BwIptRule pass);
/* Writes the name of the bridge's chain for replies, which comes back when they are for a client of
 * the port they go to. @port is bound, drops and is no router. */
void bw_ipt_reply_chain(BwIptWriter *writer, const BwIptPort *port,
                        char name[static BW_IPT_CHAIN_SIZE]);
/* Once all ports of the bridge are written; does nothing when none of them has asked for it. */
void bw_ipt_write_replies(BwIptWriter *writer);

/* lib/ipt_reflection.c: what comes to a port from its own address. Of ports with one address, in
 * "drops", a chain of the bridge judges; others have a chain of their own. */
bool bw_ipt_has_one_own(const BwIptWriter *writer, const BwIptPort *port);
void bw_ipt_deny_own_senders(BwIptWriter *writer, BwIptChain *chain, const BwIptPort *port);
/* Writes the chain's name. @port drops and is no router. */
void bw_ipt_own_sender_chain(BwIptWriter *writer, const BwIptPort *port,
                             char name[static BW_IPT_CHAIN_SIZE]);
/* As bw_ipt_write_replies(), and before it. */
void bw_ipt_write_own_senders(BwIptWriter *writer);

/* lib/ipt_short.c: the short way of one bridge. Writes the name of the chain to begin with into
 * @start: @next itself when there is no short way. */
void bw_ipt_write_short_way(BwIptWriter *writer, const char *next,
                            char start[static BW_IPT_CHAIN_SIZE]);

/* lib/ipt_bridge.c: all chains of the bridge. Writes the name of the one to begin with into
 * @start. */
void bw_ipt_write_bridge(BwIptWriter *writer, char start[static BW_IPT_CHAIN_SIZE]);
