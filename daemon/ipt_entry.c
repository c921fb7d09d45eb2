/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ipt_entry.h"

#include <bw/violation.h>
#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_mac.h>
#include <linux/netfilter/xt_physdev.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter/xt_u32.h>
#include <netinet/in.h>
#include <string.h>

/* Where the next part of the entry goes. Everything was zeroed before. */
typedef struct Writer {
        BwIptEntry *entry;
        gsize offset;
} Writer;

static void *add_match(Writer *writer, const char *name, gsize size) {
        struct xt_entry_match *match = (void *) (writer->entry->bytes + writer->offset);

        match->u.user.match_size = (__u16) (XT_ALIGN(sizeof(*match)) + XT_ALIGN(size));
        g_strlcpy(match->u.user.name, name, sizeof(match->u.user.name));
        writer->offset += match->u.user.match_size;
        g_assert(writer->offset < BW_IPT_ENTRY_SIZE - 256);
        return match->data;
}

static void *add_target(Writer *writer, const char *name, gsize size) {
        struct xt_entry_target *target = (void *) (writer->entry->bytes + writer->offset);

        writer->entry->entry.target_offset = (__u16) writer->offset;
        target->u.user.target_size = (__u16) (XT_ALIGN(sizeof(*target)) + XT_ALIGN(size));
        g_strlcpy(target->u.user.name, name, sizeof(target->u.user.name));
        writer->offset += target->u.user.target_size;
        writer->entry->entry.next_offset = (__u16) writer->offset;
        return target->data;
}

/* As iptables does it: the mask of a whole name covers its NUL, the mask of a prefix ends with it,
 * and the "+" stands in the name only so that iptables-save shows it. */
static void put_name(char *name, char *mask, const char *wish, bool prefix) {
        gsize length = strlen(wish);

        memcpy(name, wish, length);
        memset(mask, 0xff, prefix ? length : length + 1);
        if (prefix)
                name[length] = '+';
}

static void put_addresses(struct ipt_ip *ip, const BwIptRule *rule) {
        memcpy(&ip->src, rule->source.bytes, sizeof(ip->src));
        memcpy(&ip->dst, rule->destination.bytes, sizeof(ip->dst));
        ip->smsk.s_addr = rule->source.length ? htonl(~0u << (32 - rule->source.length)) : 0;
        ip->dmsk.s_addr =
                rule->destination.length ? htonl(~0u << (32 - rule->destination.length)) : 0;
        if (rule->in_bridge[0])
                put_name(ip->iniface, (char *) ip->iniface_mask, rule->in_bridge, false);
        if (rule->out_bridge[0])
                put_name(ip->outiface, (char *) ip->outiface_mask, rule->out_bridge, false);
}

static void add_physdev(Writer *writer, const BwIptRule *rule) {
        struct xt_physdev_info *physdev;

        if (rule->physdev_kind == BW_IPT_PHYSDEV_NONE)
                return;
        physdev = add_match(writer, "physdev", sizeof(*physdev));
        switch (rule->physdev_kind) {
        case BW_IPT_PHYSDEV_IN:
        case BW_IPT_PHYSDEV_IN_PREFIX:
                physdev->bitmask = XT_PHYSDEV_OP_IN;
                put_name(physdev->physindev, physdev->in_mask, rule->physdev,
                         rule->physdev_kind == BW_IPT_PHYSDEV_IN_PREFIX);
                return;
        case BW_IPT_PHYSDEV_OUT:
        case BW_IPT_PHYSDEV_OUT_PREFIX:
                physdev->bitmask = XT_PHYSDEV_OP_OUT;
                put_name(physdev->physoutdev, physdev->out_mask, rule->physdev,
                         rule->physdev_kind == BW_IPT_PHYSDEV_OUT_PREFIX);
                return;
        case BW_IPT_PHYSDEV_NOT_IN:
                physdev->bitmask = physdev->invert = XT_PHYSDEV_OP_ISIN;
                return;
        case BW_IPT_PHYSDEV_NOT_BRIDGED:
                physdev->bitmask = physdev->invert = XT_PHYSDEV_OP_BRIDGED;
                return;
        case BW_IPT_PHYSDEV_NONE:
                break;
        }
        g_assert_not_reached();
}

static void add_udp(Writer *writer, uint16_t source, uint16_t destination) {
        struct xt_udp *udp = add_match(writer, "udp", sizeof(*udp));

        udp->spts[0] = udp->spts[1] = source;
        udp->dpts[0] = udp->dpts[1] = destination;
}

static void locate(struct xt_u32_test *test, uint8_t operation, uint32_t number) {
        test->location[test->nnums] = (struct xt_u32_location_element){ number, operation };
        test->nnums++;
}

static void expect(struct xt_u32_test *test, uint32_t value) {
        test->value[0] = (struct xt_u32_value_element){ value, value };
        test->nvalues = 1;
}

/* "0 >> 22 & 0x3C" is the length of the IP header (RFC 791); then go on behind it. */
static struct xt_u32_test *add_test_behind_header(struct xt_u32 *u32, uint32_t offset) {
        struct xt_u32_test *test = &u32->tests[u32->ntests++];

        locate(test, 0, 0);
        locate(test, XT_U32_RIGHTSH, 22);
        locate(test, XT_U32_AND, 0x3c);
        locate(test, XT_U32_AT, offset);
        return test;
}

/* RFC 2131, figure 1: op, htype 1, hlen 6 open the message; chaddr is its byte 28. UDP's header is
 * eight bytes. A fragment shows no whole message and falls. */
static void add_bootp(Writer *writer, uint8_t operation, const BwMac *mac) {
        struct xt_u32 *u32 = add_match(writer, "u32", sizeof(*u32));
        const uint8_t *octet = mac->octet;
        struct xt_u32_test *test = &u32->tests[u32->ntests++];

        locate(test, 0, 4);
        locate(test, XT_U32_AND, 0x3fff);
        expect(test, 0);

        test = add_test_behind_header(u32, 8);
        locate(test, XT_U32_RIGHTSH, 8);
        expect(test, (uint32_t) operation << 16 | 0x0106);

        test = add_test_behind_header(u32, 8 + 28);
        expect(test, (uint32_t) octet[0] << 24 | (uint32_t) octet[1] << 16 |
                             (uint32_t) octet[2] << 8 | octet[3]);

        test = add_test_behind_header(u32, 8 + 32);
        locate(test, XT_U32_RIGHTSH, 16);
        expect(test, (uint32_t) octet[4] << 8 | octet[5]);
}

static void add_mac_source(Writer *writer, const BwMac *mac) {
        struct xt_mac_info *match = add_match(writer, "mac", sizeof(*match));

        memcpy(match->srcaddr, mac->octet, sizeof(match->srcaddr));
}

static void add_dhcp(Writer *writer, const BwIptRule *rule) {
        switch (rule->dhcp) {
        case BW_IPT_DHCP_NONE:
                return;
        case BW_IPT_DHCP_REQUEST:
                writer->entry->entry.ip.proto = IPPROTO_UDP;
                add_udp(writer, 68, 67);
                add_mac_source(writer, &rule->mac);
                add_bootp(writer, 1, &rule->mac);
                return;
        case BW_IPT_DHCP_REPLY:
                writer->entry->entry.ip.proto = IPPROTO_UDP;
                add_udp(writer, 67, 68);
                add_bootp(writer, 2, &rule->mac);
                return;
        }
        g_assert_not_reached();
}

static void add_limit(Writer *writer, unsigned rate) {
        struct xt_rateinfo *limit = add_match(writer, "limit", sizeof(*limit));

        limit->avg = XT_LIMIT_SCALE / rate;
        limit->burst = rate;
}

static void add_nflog(Writer *writer, const BwIptRule *rule) {
        struct xt_nflog_info *nflog = add_target(writer, "NFLOG", sizeof(*nflog));

        nflog->group = BW_NFLOG_GROUP;
        nflog->len = BW_NFLOG_SNAPLEN;
        nflog->flags = XT_NFLOG_F_COPY_LEN;
        bw_violation_prefix(rule->direction, rule->reason, rule->drops, nflog->prefix);
}

static void add_verdict(Writer *writer, const char *name) {
        add_target(writer, name,
                   sizeof(struct xt_standard_target) - sizeof(struct xt_entry_target));
}

static void put_target(Writer *writer, const BwIptRule *rule) {
        switch (rule->target) {
        case BW_IPT_RETURN:
                add_verdict(writer, IPTC_LABEL_RETURN);
                return;
        case BW_IPT_DROP:
                add_verdict(writer, IPTC_LABEL_DROP);
                return;
        case BW_IPT_GOTO:
                writer->entry->entry.ip.flags |= IPT_F_GOTO;
                add_verdict(writer, rule->chain);
                return;
        case BW_IPT_JUMP:
                add_verdict(writer, rule->chain);
                return;
        case BW_IPT_NFLOG:
                add_nflog(writer, rule);
                return;
        }
        g_assert_not_reached();
}

/* Zeroing four kilobytes for each of some thousand rules would be most of the work. */
static gsize room_for(const BwIptRule *rule) {
        return rule->dhcp == BW_IPT_DHCP_NONE ? 768 : BW_IPT_ENTRY_SIZE;
}

void bw_ipt_entry_encode(const BwIptRule *rule, BwIptEntry *ret) {
        Writer writer = { ret, XT_ALIGN(sizeof(struct ipt_entry)) };

        memset(ret->bytes, 0, room_for(rule));
        put_addresses(&ret->entry.ip, rule);
        add_physdev(&writer, rule);
        add_dhcp(&writer, rule);
        if (rule->log_rate)
                add_limit(&writer, rule->log_rate);
        put_target(&writer, rule);
}

/* Of a limit the kernel uses the tail for itself. */
static gsize told_size(const struct xt_entry_match *match) {
        if (strcmp(match->u.user.name, "limit") == 0)
                return offsetof(struct xt_rateinfo, prev);
        return match->u.user.match_size - XT_ALIGN(sizeof(*match));
}

static bool match_equal(const struct xt_entry_match *a, const struct xt_entry_match *b) {
        return a->u.user.match_size == b->u.user.match_size &&
               a->u.user.revision == b->u.user.revision &&
               strncmp(a->u.user.name, b->u.user.name, sizeof(a->u.user.name)) == 0 &&
               memcmp(a->data, b->data, told_size(b)) == 0;
}

static bool matches_equal(const struct ipt_entry *found, const struct ipt_entry *wanted) {
        for (gsize offset = sizeof(struct ipt_entry); offset < wanted->target_offset;) {
                const struct xt_entry_match *match =
                        (const void *) ((const uint8_t *) wanted + offset);

                if (!match_equal((const void *) ((const uint8_t *) found + offset), match))
                        return false;
                offset += match->u.user.match_size;
        }
        return true;
}

static bool targets_equal(const struct ipt_entry *found, const char *name,
                          const struct ipt_entry *wanted) {
        const struct xt_entry_target *a =
                (const void *) ((const uint8_t *) found + found->target_offset);
        const struct xt_entry_target *b =
                (const void *) ((const uint8_t *) wanted + wanted->target_offset);

        if (strcmp(name, b->u.user.name) != 0)
                return false;
        if (strcmp(name, "NFLOG") != 0)
                return true;
        return memcmp(a->data, b->data, sizeof(struct xt_nflog_info)) == 0;
}

bool bw_ipt_entry_says(const struct ipt_entry *found, const char *target,
                       const BwIptEntry *wanted) {
        return found->target_offset == wanted->entry.target_offset &&
               found->next_offset == wanted->entry.next_offset &&
               memcmp(&found->ip, &wanted->entry.ip, sizeof(found->ip)) == 0 &&
               matches_equal(found, &wanted->entry) && targets_equal(found, target, &wanted->entry);
}
