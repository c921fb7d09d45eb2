/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Our chains, run on one packet as the kernel would
 *
 * ipt_do_table(), xt_physdev and the DHCP matches, as far as our rules use them.
 * Knows chains and packets, nothing of plans. A limit always has room here.
 */

#include <bw/ipt_rule.h>

/* What the rules can see of a packet. Tables of one family see packets of that family only. */
typedef struct BwTestPacket {
        char in_bridge[BW_IFNAME_SIZE];  /* in device of the hook */
        char out_bridge[BW_IFNAME_SIZE]; /* out device; "" where the hook has none */
        char port_in[BW_IFNAME_SIZE];    /* physdev-in; "" when it came in by no bridge port */
        char port_out[BW_IFNAME_SIZE];   /* physdev-out; "" when it is not being bridged */
        int port_out_index;              /* its ifindex; 0 when it is not being bridged */
        BwFamily family;
        uint32_t source, destination;   /* IPv4, host order */
        BwPrefix source6, destination6; /* IPv6 */
        uint8_t icmpv6_type;            /* 0: not ICMPv6 */
        BwMac sender;                   /* Ethernet source */
        bool udp, fragment;
        uint16_t from_port, to_port;
        uint8_t bootp_operation; /* 1 request, 2 reply */
        uint8_t hardware_length; /* 6 for Ethernet */
        BwMac client;            /* chaddr */
} BwTestPacket;

/* @source and @destination in the usual spelling; they decide on the family. */
void bw_test_packet_go(BwTestPacket *packet, const char *source, const char *destination);

typedef struct BwTestVerdict {
        bool dropped;
        unsigned reports; /* NFLOG rules met */
        BwReason reason;  /* of the first report */
        BwDirection direction;
        bool drops;     /* what the report says will happen */
        unsigned tried; /* rules looked at: the packet's cost */
} BwTestVerdict;

typedef struct BwTestInterpreter BwTestInterpreter;

/* Keeps @chains. Two chains of one name, or a hop to no chain, end the test. */
BwTestInterpreter *bw_test_interpreter_new(GPtrArray *chains);
void bw_test_interpreter_free(BwTestInterpreter *interpreter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwTestInterpreter, bw_test_interpreter_free)

/* From the chain @root on, as after the jump of our anchor. */
BwTestVerdict bw_test_interpret(const BwTestInterpreter *interpreter, const char *root,
                                const BwTestPacket *packet);
