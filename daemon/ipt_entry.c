/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ipt_entry.h"

#include "ipt_message.h"

#include <bw/violation.h>
#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_mac.h>
#include <linux/netfilter/xt_physdev.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv6/ip6t_frag.h>
#include <string.h>

/* Where the two kinds of entry have what both have. */
typedef struct Layout {
        gsize header; /* all before the first match */
        gsize target_offset, next_offset, counters;
        gsize told; /* bytes at the front that are the rule's: addresses, devices, protocol, flags
                     */
} Layout;

static const Layout layouts[] = {
        [BW_FAMILY_IPV4] = { XT_ALIGN(sizeof(struct ipt_entry)),
                             offsetof(struct ipt_entry, target_offset),
                             offsetof(struct ipt_entry, next_offset),
                             offsetof(struct ipt_entry, counters), sizeof(struct ipt_ip) },
        [BW_FAMILY_IPV6] = { XT_ALIGN(sizeof(struct ip6t_entry)),
                             offsetof(struct ip6t_entry, target_offset),
                             offsetof(struct ip6t_entry, next_offset),
                             offsetof(struct ip6t_entry, counters), sizeof(struct ip6t_ip6) },
};

static uint16_t offset_at(const void *entry, gsize place) {
        uint16_t offset;

        memcpy(&offset, (const uint8_t *) entry + place, sizeof(offset));
        return offset;
}

static void put_offset(void *entry, gsize place, gsize offset) {
        uint16_t value = (uint16_t) offset;

        memcpy((uint8_t *) entry + place, &value, sizeof(value));
}

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

        put_offset(writer->entry->bytes, layouts[writer->entry->family].target_offset,
                   writer->offset);
        target->u.user.target_size = (__u16) (XT_ALIGN(sizeof(*target)) + XT_ALIGN(size));
        g_strlcpy(target->u.user.name, name, sizeof(target->u.user.name));
        writer->offset += target->u.user.target_size;
        put_offset(writer->entry->bytes, layouts[writer->entry->family].next_offset,
                   writer->offset);
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

static void put_prefix(const BwPrefix *prefix, void *address, void *mask, gsize size) {
        memcpy(address, prefix->bytes, size);
        memset(mask, 0xff, prefix->length / 8);
        if (prefix->length % 8)
                ((uint8_t *) mask)[prefix->length / 8] = (uint8_t) (0xff00 >> prefix->length % 8);
}

static void put_ipv4(struct ipt_ip *ip, const BwIptRule *rule) {
        put_prefix(&rule->source, &ip->src, &ip->smsk, sizeof(ip->src));
        put_prefix(&rule->destination, &ip->dst, &ip->dmsk, sizeof(ip->dst));
        if (rule->in_bridge[0])
                put_name(ip->iniface, (char *) ip->iniface_mask, rule->in_bridge, false);
        if (rule->out_bridge[0])
                put_name(ip->outiface, (char *) ip->outiface_mask, rule->out_bridge, false);
        if (rule->dhcp != BW_IPT_DHCP_NONE)
                ip->proto = IPPROTO_UDP;
        if (rule->target == BW_IPT_GOTO)
                ip->flags |= IPT_F_GOTO;
        if (rule->source_is_not)
                ip->invflags |= IPT_INV_SRCIP;
}

static void put_ipv6(struct ip6t_ip6 *ip, const BwIptRule *rule) {
        put_prefix(&rule->source, &ip->src, &ip->smsk, sizeof(ip->src));
        put_prefix(&rule->destination, &ip->dst, &ip->dmsk, sizeof(ip->dst));
        if (rule->in_bridge[0])
                put_name(ip->iniface, (char *) ip->iniface_mask, rule->in_bridge, false);
        if (rule->out_bridge[0])
                put_name(ip->outiface, (char *) ip->outiface_mask, rule->out_bridge, false);
        if (rule->icmpv6_type) {
                ip->proto = IPPROTO_ICMPV6;
                ip->flags |= IP6T_F_PROTO;
        }
        if (rule->target == BW_IPT_GOTO)
                ip->flags |= IP6T_F_GOTO;
        if (rule->source_is_not)
                ip->invflags |= IP6T_INV_SRCIP;
}

static void put_header(BwIptEntry *entry, const BwIptRule *rule) {
        g_assert(!rule->source_is_not || rule->source.length > 0);
        switch (entry->family) {
        case BW_FAMILY_IPV4:
                put_ipv4(&entry->ipv4.ip, rule);
                return;
        case BW_FAMILY_IPV6:
                put_ipv6(&entry->ipv6.ipv6, rule);
                return;
        }
        g_assert_not_reached();
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

static void add_bootp(Writer *writer, uint8_t operation, const BwMac *client) {
        struct xt_u32 *u32 = add_match(writer, "u32", sizeof(*u32));

        bw_ipt_message_put_bootp(u32, operation, client);
}

static bool is_some(const BwMac *mac) {
        static const BwMac any = {};

        return !bw_mac_equal(mac, &any);
}

static bool has_clients(const BwIptRule *rule) {
        return rule->clients[0].ifindex != 0;
}

/* Revision 1: of 0 iptables-save shows nothing that iptables-restore takes back. */
static void add_program(Writer *writer, const BwIptInstruction *program, unsigned length) {
        struct xt_entry_match *match = (void *) (writer->entry->bytes + writer->offset);
        struct xt_bpf_info_v1 *bpf = add_match(writer, "bpf", sizeof(*bpf));

        match->u.user.revision = 1;
        bw_ipt_message_put_program(bpf, program, length);
}

static void add_programs(Writer *writer, const BwIptRule *rule) {
        BwIptInstruction reply[BW_IPT_PROGRAM_MAX];
        const BwIptInstruction *request;
        unsigned length;

        if (rule->client_is_sender) {
                request = bw_ipt_request_program(&length);
                add_program(writer, request, length);
        }
        if (has_clients(rule)) {
                length = bw_ipt_reply_program(rule->clients, reply);
                add_program(writer, reply, length);
        }
}

static void add_mac_source(Writer *writer, const BwMac *mac) {
        struct xt_mac_info *match = add_match(writer, "mac", sizeof(*match));

        memcpy(match->srcaddr, mac->octet, sizeof(match->srcaddr));
}

static void add_icmpv6(Writer *writer, uint8_t type) {
        struct ip6t_icmp *icmp = add_match(writer, "icmp6", sizeof(*icmp));

        icmp->type = type;
        icmp->code[1] = 0xff;
}

static void add_fragment(Writer *writer) {
        struct ip6t_frag *frag = add_match(writer, "frag", sizeof(*frag));

        frag->ids[1] = 0xffffffff;
}

/* Ports before what is in the message, and IPv6's words in tables of IPv6 alone. */
static void add_matches(Writer *writer, const BwIptRule *rule) {
        bool request = rule->dhcp == BW_IPT_DHCP_REQUEST, ipv6 = writer->entry->family;

        g_assert(ipv6 ? rule->dhcp == BW_IPT_DHCP_NONE : !rule->icmpv6_type && !rule->fragment);
        g_assert(!ipv6 || (!rule->client_is_sender && !has_clients(rule)));
        if (rule->dhcp != BW_IPT_DHCP_NONE)
                add_udp(writer, request ? 68 : 67, request ? 67 : 68);
        if (rule->icmpv6_type)
                add_icmpv6(writer, rule->icmpv6_type);
        if (rule->fragment)
                add_fragment(writer);
        if (is_some(&rule->sender))
                add_mac_source(writer, &rule->sender);
        if (rule->dhcp != BW_IPT_DHCP_NONE && is_some(&rule->client))
                add_bootp(writer, request ? 1 : 2, &rule->client);
        add_programs(writer, rule);
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
                add_verdict(writer, "RETURN");
                return;
        case BW_IPT_DROP:
                add_verdict(writer, "DROP");
                return;
        case BW_IPT_GOTO:
        case BW_IPT_JUMP:
                add_verdict(writer, rule->chain);
                return;
        case BW_IPT_NFLOG:
                add_nflog(writer, rule);
                return;
        }
        g_assert_not_reached();
}

#define PROGRAM_SIZE                                                                               \
        (XT_ALIGN(sizeof(struct xt_entry_match)) + XT_ALIGN(sizeof(struct xt_bpf_info_v1)))

/* Zeroing four kilobytes for each of some thousand rules would be most of the work: only xt_u32
 * needs half of that, and a program an eighth. */
static gsize room_for(const BwIptRule *rule) {
        unsigned programs = (unsigned) rule->client_is_sender + has_clients(rule);

        if (rule->dhcp != BW_IPT_DHCP_NONE && is_some(&rule->client))
                return BW_IPT_ENTRY_SIZE;
        return 768 + programs * PROGRAM_SIZE;
}

void bw_ipt_entry_encode(BwFamily family, const BwIptRule *rule, BwIptEntry *ret) {
        Writer writer = { ret, layouts[family].header };

        g_assert(!rule->foreign);
        ret->family = family;
        memset(ret->bytes, 0, room_for(rule));
        put_header(ret, rule);
        add_physdev(&writer, rule);
        add_matches(&writer, rule);
        if (rule->log_rate)
                add_limit(&writer, rule->log_rate);
        put_target(&writer, rule);
}

/* Comparing */

/* Of a limit and of a program the kernel uses the tail for itself. */
static gsize told_size(const struct xt_entry_match *match) {
        if (strcmp(match->u.user.name, "limit") == 0)
                return offsetof(struct xt_rateinfo, prev);
        if (strcmp(match->u.user.name, "bpf") == 0)
                return offsetof(struct xt_bpf_info_v1, filter);
        return match->u.user.match_size - XT_ALIGN(sizeof(*match));
}

static bool match_equal(const struct xt_entry_match *a, const struct xt_entry_match *b) {
        return a->u.user.match_size == b->u.user.match_size &&
               a->u.user.revision == b->u.user.revision &&
               strncmp(a->u.user.name, b->u.user.name, sizeof(a->u.user.name)) == 0 &&
               memcmp(a->data, b->data, told_size(b)) == 0;
}

static const void *at(const void *entry, gsize offset) {
        return (const uint8_t *) entry + offset;
}

static bool matches_equal(const void *found, const BwIptEntry *wanted, gsize end) {
        for (gsize offset = layouts[wanted->family].header; offset < end;) {
                const struct xt_entry_match *match = at(wanted->bytes, offset);

                if (!match_equal(at(found, offset), match))
                        return false;
                offset += match->u.user.match_size;
        }
        return true;
}

static bool targets_equal(const void *found, const char *name, const BwIptEntry *wanted,
                          gsize offset) {
        const struct xt_entry_target *a = at(found, offset), *b = at(wanted->bytes, offset);

        if (strcmp(name, b->u.user.name) != 0)
                return false;
        if (strcmp(name, "NFLOG") != 0)
                return true;
        return memcmp(a->data, b->data, sizeof(struct xt_nflog_info)) == 0;
}

bool bw_ipt_entry_says(const void *found, const char *target, const BwIptEntry *wanted) {
        const Layout *layout = &layouts[wanted->family];
        gsize end = offset_at(wanted->bytes, layout->target_offset);

        return offset_at(found, layout->target_offset) == end &&
               offset_at(found, layout->next_offset) ==
                       offset_at(wanted->bytes, layout->next_offset) &&
               memcmp(found, wanted->bytes, layout->told) == 0 &&
               matches_equal(found, wanted, end) && targets_equal(found, target, wanted, end);
}

const struct xt_counters *bw_ipt_entry_counters(BwFamily family, const void *found) {
        return at(found, layouts[family].counters);
}

/* Decoding: guess from each part what rule would have written it, then see whether it would have
 * written the whole. */

static void read_prefix(BwFamily family, const void *address, const void *mask, BwPrefix *ret) {
        gsize size = family == BW_FAMILY_IPV4 ? 4 : 16;
        const uint8_t *bits = mask;

        *ret = (BwPrefix){};
        while (ret->length < size * 8 && bits[ret->length / 8] & 0x80 >> ret->length % 8)
                ret->length++;
        if (ret->length == 0)
                return;
        ret->family = family;
        memcpy(ret->bytes, address, size);
}

static bool read_name(const char *name, char ret[static BW_IFNAME_SIZE]) {
        gsize length = strnlen(name, BW_IFNAME_SIZE);

        if (length == BW_IFNAME_SIZE)
                return false;
        memset(ret, 0, BW_IFNAME_SIZE);
        memcpy(ret, name, length);
        return true;
}

static bool read_header(BwFamily family, const void *found, BwIptRule *ret, bool *ret_goto) {
        const struct ipt_ip *ipv4 = found;
        const struct ip6t_ip6 *ipv6 = found;

        if (family == BW_FAMILY_IPV4) {
                read_prefix(family, &ipv4->src, &ipv4->smsk, &ret->source);
                read_prefix(family, &ipv4->dst, &ipv4->dmsk, &ret->destination);
                ret->source_is_not = ipv4->invflags & IPT_INV_SRCIP;
                *ret_goto = ipv4->flags & IPT_F_GOTO;
                return read_name(ipv4->iniface, ret->in_bridge) &&
                       read_name(ipv4->outiface, ret->out_bridge);
        }
        read_prefix(family, &ipv6->src, &ipv6->smsk, &ret->source);
        read_prefix(family, &ipv6->dst, &ipv6->dmsk, &ret->destination);
        ret->source_is_not = ipv6->invflags & IP6T_INV_SRCIP;
        *ret_goto = ipv6->flags & IP6T_F_GOTO;
        return read_name(ipv6->iniface, ret->in_bridge) &&
               read_name(ipv6->outiface, ret->out_bridge);
}

/* The mask of a whole name covers its NUL; that of a prefix ends before the "+". */
static bool read_port(const char *name, const char *mask, bool in, BwIptRule *ret) {
        gsize length = strnlen(name, BW_IFNAME_SIZE);

        if (length == 0 || !read_name(name, ret->physdev))
                return false;
        if (mask[length]) {
                ret->physdev_kind = in ? BW_IPT_PHYSDEV_IN : BW_IPT_PHYSDEV_OUT;
                return true;
        }
        ret->physdev_kind = in ? BW_IPT_PHYSDEV_IN_PREFIX : BW_IPT_PHYSDEV_OUT_PREFIX;
        ret->physdev[length - 1] = '\0';
        return true;
}

static bool read_physdev(const void *data, BwIptRule *ret) {
        const struct xt_physdev_info *physdev = data;

        switch (physdev->bitmask) {
        case XT_PHYSDEV_OP_IN:
                return read_port(physdev->physindev, physdev->in_mask, true, ret);
        case XT_PHYSDEV_OP_OUT:
                return read_port(physdev->physoutdev, physdev->out_mask, false, ret);
        case XT_PHYSDEV_OP_ISIN:
                ret->physdev_kind = BW_IPT_PHYSDEV_NOT_IN;
                return true;
        case XT_PHYSDEV_OP_BRIDGED:
                ret->physdev_kind = BW_IPT_PHYSDEV_NOT_BRIDGED;
                return true;
        default:
                return false;
        }
}

static bool read_udp(const void *data, BwIptRule *ret) {
        const struct xt_udp *udp = data;

        ret->dhcp = udp->spts[0] == 68 ? BW_IPT_DHCP_REQUEST : BW_IPT_DHCP_REPLY;
        return true;
}

static bool read_icmpv6(const void *data, BwIptRule *ret) {
        const struct ip6t_icmp *icmp = data;

        ret->icmpv6_type = icmp->type;
        return true;
}

static bool read_fragment(const void *data G_GNUC_UNUSED, BwIptRule *ret) {
        ret->fragment = true;
        return true;
}

static bool read_sender(const void *data, BwIptRule *ret) {
        const struct xt_mac_info *mac = data;

        memcpy(ret->sender.octet, mac->srcaddr, sizeof(ret->sender.octet));
        return true;
}

static bool read_client(const void *data, BwIptRule *ret) {
        ret->client = bw_ipt_message_client(data);
        return true;
}

static bool read_program(const void *data, BwIptRule *ret) {
        return bw_ipt_message_read_program(data, ret);
}

/* As many packets at once as in a second. */
static bool read_limit(const void *data, BwIptRule *ret) {
        const struct xt_rateinfo *limit = data;

        ret->log_rate = limit->burst;
        return limit->burst > 0 && limit->burst <= XT_LIMIT_SCALE;
}

static bool read_match(const struct xt_entry_match *match, BwIptRule *ret) {
        static const struct {
                const char *name;
                gsize size;
                bool (*read)(const void *data, BwIptRule *ret);
        } readers[] = {
                { "physdev", sizeof(struct xt_physdev_info), read_physdev },
                { "udp", sizeof(struct xt_udp), read_udp },
                { "icmp6", sizeof(struct ip6t_icmp), read_icmpv6 },
                { "frag", sizeof(struct ip6t_frag), read_fragment },
                { "mac", sizeof(struct xt_mac_info), read_sender },
                { "u32", sizeof(struct xt_u32), read_client },
                { "bpf", sizeof(struct xt_bpf_info_v1), read_program },
                { "limit", sizeof(struct xt_rateinfo), read_limit },
        };
        const char *name = match->u.user.name;

        for (gsize i = 0; i < G_N_ELEMENTS(readers); i++)
                if (strncmp(name, readers[i].name, sizeof(match->u.user.name)) == 0)
                        return match->u.user.match_size ==
                                       XT_ALIGN(sizeof(*match)) + XT_ALIGN(readers[i].size) &&
                               readers[i].read(match->data, ret);
        return false;
}

static bool read_matches(BwFamily family, const void *found, gsize end, BwIptRule *ret) {
        for (gsize offset = layouts[family].header; offset < end;) {
                const struct xt_entry_match *match = at(found, offset);

                if (offset + sizeof(*match) > end || match->u.user.match_size < sizeof(*match) ||
                    offset + match->u.user.match_size > end || !read_match(match, ret))
                        return false;
                offset += match->u.user.match_size;
        }
        return true;
}

/* Few enough to try them all. */
static bool read_report(const struct xt_nflog_info *nflog, BwIptRule *ret) {
        char prefix[BW_VIOLATION_PREFIX_SIZE];

        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                for (unsigned i = 0; i < 4; i++) {
                        ret->direction = i & 1 ? BW_DIRECTION_OUT : BW_DIRECTION_IN;
                        ret->drops = i & 2;
                        ret->reason = reason;
                        bw_violation_prefix(ret->direction, reason, ret->drops, prefix);
                        if (strncmp(prefix, nflog->prefix, sizeof(nflog->prefix)) == 0)
                                return true;
                }
        return false;
}

/* Our rules lead to our chains only. To libiptc, ACCEPT looks like any chain's name. */
static bool read_target(const struct xt_entry_target *target, gsize room, const char *name,
                        bool is_goto, BwIptRule *ret) {
        if (room < sizeof(*target) + sizeof(struct xt_nflog_info) && g_str_equal(name, "NFLOG"))
                return false;
        if (g_str_equal(name, "NFLOG")) {
                ret->target = BW_IPT_NFLOG;
                return read_report((const void *) target->data, ret);
        }
        if (g_str_equal(name, "RETURN") || g_str_equal(name, "DROP")) {
                ret->target = *name == 'R' ? BW_IPT_RETURN : BW_IPT_DROP;
                return true;
        }
        ret->target = is_goto ? BW_IPT_GOTO : BW_IPT_JUMP;
        g_strlcpy(ret->chain, name, sizeof(ret->chain));
        return bw_ipt_chain_is_ours(name) && g_str_equal(ret->chain, name);
}

/* What encoding takes for granted: a single host's MACs, each family's own words, and that "any
 * source but all" is not asked. */
static bool is_sayable(BwFamily family, const BwIptRule *rule) {
        unsigned groups = rule->client.octet[0] | rule->sender.octet[0];

        for (gsize i = 0; i < BW_IPT_CLIENT_MAX; i++)
                groups |= rule->clients[i].mac.octet[0];
        if (groups & 1 || (rule->source_is_not && rule->source.length == 0))
                return false;
        if (family == BW_FAMILY_IPV4)
                return !rule->icmpv6_type && !rule->fragment;
        return rule->dhcp == BW_IPT_DHCP_NONE && !rule->client_is_sender && !has_clients(rule);
}

bool bw_ipt_entry_decode(BwFamily family, const void *found, const char *target, BwIptRule *ret) {
        gsize end = offset_at(found, layouts[family].target_offset);
        gsize next = offset_at(found, layouts[family].next_offset);
        BwIptRule rule = {};
        BwIptEntry again;
        bool is_goto;

        if (end < layouts[family].header || next < end ||
            !read_header(family, found, &rule, &is_goto) ||
            !read_matches(family, found, end, &rule) ||
            !read_target(at(found, end), next - end, target, is_goto, &rule) ||
            !is_sayable(family, &rule))
                return false;
        bw_ipt_entry_encode(family, &rule, &again);
        if (!bw_ipt_entry_says(found, target, &again))
                return false;
        *ret = rule;
        return true;
}
