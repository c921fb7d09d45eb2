/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What iptables rules ask of a DHCP message
 *
 * The data of the matches xt_u32 (linux/netfilter/xt_u32.h) and xt_bpf, revision 1
 * (linux/netfilter/xt_bpf.h), written and read. Layout only; what is read is a guess until it has
 * been written again and is the same.
 */

#include <bw/ipt_request.h>
#include <linux/netfilter/xt_bpf.h>
#include <linux/netfilter/xt_u32.h>

/* Into zeroed bytes: a whole message of @operation (RFC 2131, figure 1) for Ethernet whose chaddr
 * is @client. */
void bw_ipt_message_put_bootp(struct xt_u32 *u32, uint8_t operation, const BwMac *client);
BwMac bw_ipt_message_client(const struct xt_u32 *u32);

/* Into zeroed bytes; @length instructions, at most BW_IPT_PROGRAM_MAX. */
void bw_ipt_message_put_program(struct xt_bpf_info_v1 *bpf, const BwIptInstruction *program,
                                unsigned length);
/* Puts what it asks into @ret; false when it is no program of ours. */
bool bw_ipt_message_read_program(const struct xt_bpf_info_v1 *bpf, BwIptRule *ret);
