/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ipt_forward.h"

#include "ipt_calls.h"
#include "ipt_entry.h"

#include <linux/netfilter/xt_physdev.h>
#include <string.h>

static void read_name(const char *bytes, const unsigned char *mask, bool is_inverted,
                      BwForwardName *ret) {
        memcpy(ret->bytes, bytes, sizeof(ret->bytes));
        while (ret->length < sizeof(ret->bytes) && mask[ret->length])
                ret->length++;
        ret->is_inverted = is_inverted;
}

static bool is_zero(const void *bytes, gsize length) {
        const char *at = bytes;

        for (gsize i = 0; i < length; i++)
                if (at[i])
                        return false;
        return true;
}

/* Both set the same two bits when an interface is meant the other way round. */
G_STATIC_ASSERT(IPT_INV_VIA_IN == IP6T_INV_VIA_IN && IPT_INV_VIA_OUT == IP6T_INV_VIA_OUT);

static void read_ipv4(const struct ipt_ip *ip, BwForwardRule *rule) {
        rule->is_narrow = !is_zero(&ip->smsk, sizeof(ip->smsk)) ||
                          !is_zero(&ip->dmsk, sizeof(ip->dmsk)) || ip->proto ||
                          (ip->flags & IPT_F_FRAG) ||
                          (ip->invflags & ~(IPT_INV_VIA_IN | IPT_INV_VIA_OUT));
        read_name(ip->iniface, ip->iniface_mask, ip->invflags & IPT_INV_VIA_IN, &rule->in);
        read_name(ip->outiface, ip->outiface_mask, ip->invflags & IPT_INV_VIA_OUT, &rule->out);
}

static void read_ipv6(const struct ip6t_ip6 *ip, BwForwardRule *rule) {
        rule->is_narrow = !is_zero(&ip->smsk, sizeof(ip->smsk)) ||
                          !is_zero(&ip->dmsk, sizeof(ip->dmsk)) ||
                          (ip->flags & (IP6T_F_PROTO | IP6T_F_TOS)) ||
                          (ip->invflags & ~(IP6T_INV_VIA_IN | IP6T_INV_VIA_OUT));
        read_name(ip->iniface, ip->iniface_mask, ip->invflags & IP6T_INV_VIA_IN, &rule->in);
        read_name(ip->outiface, ip->outiface_mask, ip->invflags & IP6T_INV_VIA_OUT, &rule->out);
}

/* Says nothing more of a bridged packet than that it is one, or nothing at all. */
static bool is_wide(const struct xt_entry_match *match) {
        const struct xt_physdev_info *info = (const void *) match->data;

        if (g_str_equal(match->u.user.name, "comment"))
                return true;
        return g_str_equal(match->u.user.name, "physdev") &&
               match->u.match_size >= sizeof(*match) + sizeof(*info) &&
               info->bitmask == XT_PHYSDEV_OP_BRIDGED && !(info->invert & XT_PHYSDEV_OP_BRIDGED);
}

static void read_matches(const void *entry, gsize begin, gsize end, BwForwardRule *rule) {
        while (begin + sizeof(struct xt_entry_match) <= end) {
                const struct xt_entry_match *match = (const void *) ((const char *) entry + begin);

                if (match->u.match_size < sizeof(*match) || !is_wide(match))
                        rule->is_narrow = true;
                if (rule->is_narrow)
                        return;
                begin += match->u.match_size;
        }
}

static BwForwardVerdict verdict_of(const BwIptCalls *calls, struct xtc_handle *handle,
                                   const char *target, bool is_goto) {
        if (g_str_equal(target, "ACCEPT"))
                return BW_FORWARD_ACCEPT;
        if (g_str_equal(target, "DROP") || g_str_equal(target, "REJECT"))
                return BW_FORWARD_DROP;
        if (g_str_equal(target, "RETURN"))
                return BW_FORWARD_RETURN;
        /* What a program does with what it is handed cannot be known. */
        if (g_str_equal(target, "QUEUE") || g_str_equal(target, "NFQUEUE"))
                return BW_FORWARD_ACCEPT;
        if (!calls->is_chain(target, handle))
                return BW_FORWARD_GO_ON;
        return is_goto ? BW_FORWARD_GOTO : BW_FORWARD_JUMP;
}

static BwForwardRule read_rule(BwFamily family, struct xtc_handle *handle, const void *entry,
                               BwForwardTable *table) {
        const BwIptCalls *calls = bw_ipt_calls_of(family);
        const char *target = calls->get_target(entry, handle);
        BwForwardRule rule = {};
        bool is_goto;

        if (family == BW_FAMILY_IPV4) {
                const struct ipt_entry *ipv4 = entry;

                read_ipv4(&ipv4->ip, &rule);
                read_matches(entry, sizeof(*ipv4), ipv4->target_offset, &rule);
                is_goto = ipv4->ip.flags & IPT_F_GOTO;
        } else {
                const struct ip6t_entry *ipv6 = entry;

                read_ipv6(&ipv6->ipv6, &rule);
                read_matches(entry, sizeof(*ipv6), ipv6->target_offset, &rule);
                is_goto = ipv6->ipv6.flags & IP6T_F_GOTO;
        }
        rule.verdict = verdict_of(calls, handle, target, is_goto);
        if (rule.verdict == BW_FORWARD_JUMP || rule.verdict == BW_FORWARD_GOTO)
                rule.chain = bw_forward_table_word(table, target);
        return rule;
}

static void read_chain(BwFamily family, struct xtc_handle *handle, const char *name,
                       BwForwardTable *table) {
        const BwIptCalls *calls = bw_ipt_calls_of(family);
        BwForwardChain *chain = bw_forward_table_chain(table, name);
        struct xt_counters counters;

        for (const void *entry = calls->first_rule(name, handle); entry;
             entry = calls->next_rule(entry, handle)) {
                BwForwardRule rule = read_rule(family, handle, entry, table);

                g_array_append_val(chain->rules, rule);
        }
        if (g_str_equal(name, "FORWARD")) {
                chain->is_hook = true;
                chain->drops = g_strcmp0(calls->get_policy(name, &counters, handle), "DROP") == 0;
        }
}

BwForwardTable *bw_ipt_forward_read(BwFamily family) {
        const BwIptCalls *calls = bw_ipt_calls_of(family);
        struct xtc_handle *handle = calls->init("filter");
        BwForwardTable *table;

        if (!handle)
                return NULL;
        table = bw_forward_table_new("filter", NULL, BW_FAMILY_BIT(family));
        for (const char *name = calls->first_chain(handle); name; name = calls->next_chain(handle))
                read_chain(family, handle, name, table);
        calls->free(handle);
        return table;
}
