/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/tc_news.h>

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdint.h>

/* Qdiscs "ingress" and "clsact" share the handle; filters name it, or one of its two ends. */
static bool is_at_the_edge(const struct tcmsg *header) {
        return TC_H_MAJ(header->tcm_parent) == TC_H_MAJ(TC_H_CLSACT);
}

/* Without a handle it is a place for filters of one kind, which may be empty, not one of them. */
static BwTcNews news_of(uint16_t type, const struct tcmsg *header) {
        bool is_shared = header->tcm_ifindex == (int) TCM_IFINDEX_MAGIC_BLOCK;

        switch (type) {
        case RTM_NEWTFILTER:
                if (header->tcm_handle == 0)
                        return BW_TC_NOTHING;
                if (is_shared)
                        return BW_TC_SHARED;
                return is_at_the_edge(header) ? BW_TC_FILTERS : BW_TC_NOTHING;
        case RTM_DELTFILTER:
                if (is_shared)
                        return BW_TC_SHARED;
                return is_at_the_edge(header) ? BW_TC_LEFT : BW_TC_NOTHING;
        case RTM_NEWQDISC:
                return header->tcm_parent == TC_H_CLSACT ? BW_TC_HOOKED : BW_TC_NOTHING;
        case RTM_DELQDISC:
                return header->tcm_parent == TC_H_CLSACT ? BW_TC_UNHOOKED : BW_TC_NOTHING;
        default:
                return BW_TC_NOTHING;
        }
}

BwTcNews bw_tc_news(const void *message, gsize length, int *ret_ifindex) {
        const struct nlmsghdr *header = message;
        const struct tcmsg *tc;
        BwTcNews news;

        if (length < NLMSG_LENGTH(sizeof(*tc)) || header->nlmsg_len < NLMSG_LENGTH(sizeof(*tc)) ||
            header->nlmsg_len > length)
                return BW_TC_NOTHING;
        tc = (const struct tcmsg *) ((const uint8_t *) message + NLMSG_HDRLEN);
        news = news_of(header->nlmsg_type, tc);
        if (news == BW_TC_NOTHING || (news != BW_TC_SHARED && tc->tcm_ifindex <= 0))
                return BW_TC_NOTHING;
        *ret_ifindex = news == BW_TC_SHARED ? 0 : tc->tcm_ifindex;
        return news;
}
