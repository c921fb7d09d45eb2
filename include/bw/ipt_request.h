/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * DHCP requests and replies, asked about by programs
 *
 * Whether the client of a request is who sends it, and whether a reply leaves by its client's port,
 * in classic BPF as xt_bpf takes it. With xt_u32 the MAC stands in each port's rule, 2 KB of a
 * table that is rewritten whole; a program compares with the Ethernet source, or with the ports and
 * MACs of several clients, so that many ports share one rule. It needs the kernel module xt_bpf,
 * revision 1 (Linux 4.10). A pure value: knows no chain, no bytes of an entry.
 */

#include <bw/ipt_rule.h>
#include <stdint.h>

/* As struct sock_filter (linux/filter.h), in host order. */
typedef struct BwIptInstruction {
        uint16_t code;
        uint8_t if_true, if_false; /* instructions to skip */
        uint32_t operand;
} BwIptInstruction;

/* Lent, for ever; *@ret_length instructions, at most 64 (XT_BPF_MAX_NUM_INSTR). For UDP over IPv4
 * from port 68 to 67, which it does not ask: matches a whole (no fragment) BOOTREQUEST for Ethernet
 * (RFC 2131, figure 1) whose chaddr is the Ethernet source. What is too short matches nothing. */
const BwIptInstruction *bw_ipt_request_program(unsigned *ret_length);

/* Writes the program for @clients, of BW_IPT_CLIENT_MAX, and returns its length. For UDP over IPv4
 * from port 67 to 68 in the hook FORWARD, where a bridged packet's device is the port it leaves by:
 * matches a whole (no fragment) BOOTREPLY for Ethernet whose chaddr is the MAC of one of @clients
 * and whose port is that client's; several may be at one port. Of @clients the first ones count, up
 * to one without ifindex. What is too short, or has no device, matches nothing. */
#define BW_IPT_PROGRAM_MAX 64
unsigned bw_ipt_reply_program(const BwIptClient *clients,
                              BwIptInstruction program[static BW_IPT_PROGRAM_MAX]);

/* The inverse: whose replies @program, of @length instructions, lets through; the rest of @clients
 * is zero then. False, with @clients undefined, when it is not just what is written for somebody.
 */
bool bw_ipt_reply_clients(const BwIptInstruction *program, unsigned length,
                          BwIptClient clients[static BW_IPT_CLIENT_MAX]);
