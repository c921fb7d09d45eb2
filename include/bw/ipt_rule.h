/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * iptables rules
 *
 * The closed vocabulary in which the iptables engine's chains are written. The
 * compiler speaks it, the adapter encodes it byte for byte, nobody invents a
 * sentence: what cannot be said here cannot get into the kernel. Names of ports
 * are compared as bytes; they never become text of a rule.
 */

#include <bw/addr.h>
#include <bw/guest.h>
#include <bw/reason.h>

/* libiptc takes 32 bytes for a chain's name, the kernel keeps 29 of them, and iptables-restore
 * takes no more than 28 characters: our names never have more. */
#define BW_IPT_CHAIN_SIZE   32
#define BW_IPT_CHAIN_LENGTH 28

/* The NFLOG group the guard reports through. */
#define BW_NFLOG_GROUP 25207
/* Bytes of each packet NFLOG copies: any IP and transport header, nothing of the guest's talk. */
#define BW_NFLOG_SNAPLEN 128

typedef enum BwIptTarget {
        BW_IPT_RETURN, /* the guard has nothing against it                   */
        BW_IPT_DROP,
        BW_IPT_JUMP,  /* to @chain and back                                  */
        BW_IPT_GOTO,  /* to @chain; its end returns to the last jump's place */
        BW_IPT_NFLOG, /* report and go on with the next rule                 */
} BwIptTarget;

/* How a rule looks at the bridge port (xt_physdev). */
typedef enum BwIptPhysdev {
        BW_IPT_PHYSDEV_NONE,
        BW_IPT_PHYSDEV_IN,          /* came in by the port @physdev                       */
        BW_IPT_PHYSDEV_IN_PREFIX,   /* came in by a port whose name begins with @physdev  */
        BW_IPT_PHYSDEV_OUT,         /* leaves by the port @physdev                        */
        BW_IPT_PHYSDEV_OUT_PREFIX,  /* leaves by a port whose name begins with @physdev   */
        BW_IPT_PHYSDEV_NOT_IN,      /* did not come in by a bridge port                   */
        BW_IPT_PHYSDEV_NOT_BRIDGED, /* is not being bridged (routed through the bridge)  */
} BwIptPhysdev;

/* The DHCP exceptions (RFC 2131), IPv4's alone: always UDP. What a message must be beyond its ports
 * is asked with @client. */
typedef enum BwIptDhcp {
        BW_IPT_DHCP_NONE,
        BW_IPT_DHCP_REQUEST, /* :68 > :67; with @client a BOOTREQUEST */
        BW_IPT_DHCP_REPLY,   /* :67 > :68; with @client a BOOTREPLY   */
} BwIptDhcp;

/* A client of DHCP, and the port it is at. */
typedef struct BwIptClient {
        int ifindex; /* zero: none */
        BwMac mac;
} BwIptClient;

/* So many one program asks about: XT_BPF_MAX_NUM_INSTR leaves room for no more. */
#define BW_IPT_CLIENT_MAX 8

/* A value: no pointers. What a rule does not use is zero. */
typedef struct BwIptRule {
        char in_bridge[BW_IFNAME_SIZE];  /* "" for any */
        char out_bridge[BW_IFNAME_SIZE]; /* "" for any */
        BwIptPhysdev physdev_kind;
        char physdev[BW_IFNAME_SIZE];
        BwPrefix source, destination; /* of the table's family; length 0 for any */
        bool source_is_not;           /* any source but those of @source         */
        BwIptDhcp dhcp;
        BwMac sender;          /* Ethernet source; zero for any */
        BwMac client;          /* with @dhcp: whole (no fragment), chaddr is this; zero for any */
        bool client_is_sender; /* IPv4: what bw_ipt_request_program() asks of a DHCP request */
        BwIptClient clients[BW_IPT_CLIENT_MAX]; /* IPv4: what bw_ipt_reply_program() asks of a DHCP
                                                   reply that leaves by a port; the first ones */
        bool fragment;       /* IPv6: there is a fragment header, an atomic one included */
        uint8_t icmpv6_type; /* IPv6: ICMPv6 of this type, whatever its code; 0 for anything */
        unsigned log_rate;   /* per second, with BW_IPT_NFLOG; bursts of as many */
        BwIptTarget target;
        char chain[BW_IPT_CHAIN_SIZE]; /* with BW_IPT_JUMP and BW_IPT_GOTO */
        BwReason reason;               /* what a deny pair (NFLOG, then verdict) denies */
        BwDirection direction;         /* with @reason */
        bool drops;                    /* with @reason: false in a monitored chain */
        bool foreign; /* read from the kernel and not of this vocabulary: all else is zero, but
                         @chain, when it leads to one of ours */
} BwIptRule;

typedef struct BwIptChain {
        char name[BW_IPT_CHAIN_SIZE];
        char bridge[BW_IFNAME_SIZE]; /* whose port and stranger chains these are; "" for dispatch */
        char port[BW_IFNAME_SIZE]; /* whose port chain it is; "" for dispatch and stranger chains */
        bool opaque;   /* of a former run: must be there; what it says, and the chains it leads to,
                          are   not ours to change now */
        GArray *rules; /* BwIptRule, in kernel order; empty when opaque */
} BwIptChain;

/* In the order of writing: what guards senders goes before what guards receivers. */
typedef enum BwIptTable {
        BW_IPT_RAW,     /* what comes in: hook PREROUTING, before connection tracking */
        BW_IPT_RAW6,    /* the same of IPv6                                           */
        BW_IPT_MANGLE,  /* what goes out: hook FORWARD, before any filter rule        */
        BW_IPT_MANGLE6, /* the same of IPv6                                           */
} BwIptTable;

#define BW_IPT_TABLE_MAX (BW_IPT_MANGLE6 + 1)

const char *bw_ipt_table_name(BwIptTable table); /* the kernel's: "raw", "mangle" */
BwFamily bw_ipt_table_family(BwIptTable table);
BwDirection bw_ipt_table_direction(BwIptTable table);
const char *bw_ipt_table_text(BwIptTable table); /* for messages: "ip6tables table raw" */
const char *bw_ipt_table_hook(BwIptTable table); /* the built-in chain our anchor stands first in */
const char *
bw_ipt_table_root(BwIptTable table); /* our chain the anchor jumps to: "bw-in", "bw-out" */
/* Whether a chain of this name is ours to write and to remove. */
bool bw_ipt_chain_is_ours(const char *name);

/* Counted, from any thread; who shares a chain leaves it as it is. */
BwIptChain *bw_ipt_chain_new(const char *name);
BwIptChain *bw_ipt_chain_ref(BwIptChain *chain);
void bw_ipt_chain_unref(BwIptChain *chain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwIptChain, bw_ipt_chain_unref)
bool bw_ipt_rule_equal(const BwIptRule *a, const BwIptRule *b);
bool bw_ipt_chain_equal(const BwIptChain *a, const BwIptChain *b); /* names and rules */

/* Chain names. Two ports never share one, nor do two (bridge, prefix) pairs; only letters, digits
 * and "._+-" occur. Readable where the name is plain and short, else encoded. Write @name. */
void bw_ipt_port_chain(const char *kind, const char *port, char name[static BW_IPT_CHAIN_SIZE]);
void bw_ipt_node_chain(const char *kind, const char *bridge, const char *prefix,
                       char name[static BW_IPT_CHAIN_SIZE]);

/* (transfer full): as "iptables-save" or "ip6tables-save" shows the rule, without the counters: "-A
 * CHAIN …". */
char *bw_ipt_rule_print(const char *chain, const BwIptRule *rule);
