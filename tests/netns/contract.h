/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The contract suite: parts that have a file of their own. Each is a test for
 * g_test_add_func(), works in namespaces of its own, and asserts.
 */

#include <trial.h>

#define IPTABLES BW_ENGINE_BIT(BW_ENGINE_IPTABLES)
#define NFTABLES BW_ENGINE_BIT(BW_ENGINE_NFTABLES)

/* (transfer full): on veth ports. br_netfilter is kept out of the namespace where its switches, and
 * not the bridge's own, would let it in: its checks must not save an engine that missed something.
 */
BwTrial *bw_contract_trial_new(BwStageEnds ends, const char *more);
/* The same with the two bridges that are joined. */
BwTrial *bw_contract_trial_new_joined(BwStageEnds ends, const char *more);
void bw_contract_arm(BwTrial *trial, unsigned engines);
unsigned bw_contract_fire(BwTrial *trial, unsigned port, const GByteArray *frame);
/* Lent. */
const BwCorpusFrame *bw_contract_find(const BwTrial *trial, const char *name);
/* Whether iptables is asked at all on this machine. */
bool bw_contract_has_iptables(BwTrial *trial);

void bw_contract_test_fdb(void);
void bw_contract_test_lldp(void);
void bw_contract_test_reply(void);
void bw_contract_test_victim(void);
void bw_contract_test_host_input(void);
void bw_contract_test_host_output(void);
void bw_contract_test_vlan(void);
/* CONFIG_BRIDGE_VLAN_FILTERING: without it there is no such bridge to guard. */
bool bw_contract_kernel_filters_vlans(void);
