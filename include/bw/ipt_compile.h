/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Plan to iptables chains
 *
 * raw PREROUTING > bw-in > per bridge a tree over port names > bw-i-PORT: may this port send that?
 * mangle FORWARD > bw-out > the same tree                   > bw-o-PORT: may this port receive
 * that?
 *
 * The same for IPv6 in its own tables. Every hop inside is a goto, so RETURN
 * anywhere leads back behind our anchor, to whatever rules others have; but from
 * bw-or-BRIDGE, where what comes from a receiver's own address goes to be told
 * misdelivered from reflected: what a jump there brings back is reflected. What no
 * branch of a tree takes goes to the bridge's stranger chain. Whether an address
 * is somebody else's is asked of a tree that all ports of the segment share, named
 * after its first bridge: bw-iw-BRIDGE, bw-ow-BRIDGE; what it denies falls in
 * bw-id-BRIDGE, bw-od-BRIDGE.
 *
 * The chains of a border port lead to bw-ib-BRIDGE, bw-ob-BRIDGE, a tree over all
 * that is owned in the segment: the most exact entry leads to the chain of its site
 * (bw-il-, bw-ol-), which lets its leads pass and sends all others by their names
 * (bw-ie-, bw-oe-) to bw-b-PORT, to be denied. What no entry contains passes, but
 * for closed borders (bw-ic-, bw-oc-).
 *
 * Means what bw_evaluate_in() and bw_evaluate_out() say, as far as the reasons
 * unbound, spoofed-ip, misdelivered, reflected, border-spoof and border-misdelivered
 * go. Says nothing of ARP, neighbour discovery, MACs or tags. The kernel drops by itself,
 * unreported, IPv6 packets from "::" whose headers it cannot follow, in a monitored port, too.
 */

#include <bw/ipt_rule.h>
#include <bw/plan.h>

/* (transfer full) (element-type BwIptChain): every chain of ours that @table must hold, sorted by
 * name, the root chain always among them. The anchor (hook, rule 1, jump to the root) is implied.
 */
GPtrArray *bw_ipt_compile(const BwPlan *plan, BwIptTable table);

/* The same for one plan after the other. Remembers the chains it made last and, of each bridge,
 * all that they were made from (bw/ipt_view.h), and so of the pieces of what a segment shares
 * (bw/ipt_shelf.h); keeps nothing of a plan. A bridge, a site or a node of a tree of which nothing
 * has changed is not written again. Refuses to know what is in the kernel, and what changed in the
 * world: it looks at the whole plan each time, and two that are equal are so byte for byte.
 *
 * For one thread at a time; compilers of several tables may run at once. */
typedef struct BwIptCompiler BwIptCompiler;

BwIptCompiler *bw_ipt_compiler_new(BwIptTable table);
void bw_ipt_compiler_free(BwIptCompiler *compiler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwIptCompiler, bw_ipt_compiler_free)

/* (transfer full): as of bw_ipt_compile(), whatever was compiled before; to be left as it is. What
 * it has in common with the last time, bridge and port included, is one object: to see that nothing
 * changed there takes no look inside. The very same array when that is all. */
GPtrArray *bw_ipt_compiler_run(BwIptCompiler *compiler, const BwPlan *plan);

/* Lent or NULL: binary search by name in such an array. */
const BwIptChain *bw_ipt_find_chain(const GPtrArray *chains, const char *name);
