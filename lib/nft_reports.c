/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_rule.h>
#include <bw/nft_reports.h>
#include <bw/violation.h>

bool bw_nft_reason_has(BwReason reason, BwDirection direction) {
        switch (reason) {
        case BW_REASON_NONE:
                return false;
        case BW_REASON_UNBOUND:
                return true;
        case BW_REASON_ETHERTYPE:
        case BW_REASON_BPDU:
        case BW_REASON_SPOOFED_MAC:
        case BW_REASON_SPOOFED_ARP:
        case BW_REASON_SPOOFED_ND:
        case BW_REASON_ROGUE_DHCP:
        case BW_REASON_ROGUE_RA:
        case BW_REASON_REDIRECT:
        case BW_REASON_ROGUE_QUERIER:
        case BW_REASON_SPOOFED_IP:
        case BW_REASON_BORDER_SPOOF:
                return direction == BW_DIRECTION_IN;
        case BW_REASON_FLOODED:
        case BW_REASON_MISDELIVERED:
        case BW_REASON_REFLECTED:
        case BW_REASON_BORDER_MISDELIVERED:
                return direction == BW_DIRECTION_OUT;
        }
        g_assert_not_reached();
}

const char *bw_nft_counter_name(BwDirection direction, BwReason reason, bool drops,
                                char name[static BW_NFT_NAME_SIZE]) {
        g_snprintf(name, BW_NFT_NAME_SIZE, "%s-%s-%s", bw_direction_name(direction),
                   bw_reason_name(reason), drops ? "drop" : "monitor");
        return name;
}

const char *bw_nft_seen_name(BwDirection direction, BwReason reason,
                             char name[static BW_NFT_NAME_SIZE]) {
        g_snprintf(name, BW_NFT_NAME_SIZE, "seen-%s-%s", bw_direction_name(direction),
                   bw_reason_name(reason));
        return name;
}

/* Whose reports are counted against the limit: the sender's, whatever the way. A frame that is
 * flooded to a thousand ports is one trouble and not a thousand, and nobody's flood takes the room
 * of what others do. */
static const char *told_name(BwDirection direction, BwReason reason,
                             char name[static BW_NFT_NAME_SIZE]) {
        if (direction == BW_DIRECTION_IN)
                return bw_nft_seen_name(direction, reason, name);
        g_snprintf(name, BW_NFT_NAME_SIZE, "told-%s-%s", bw_direction_name(direction),
                   bw_reason_name(reason));
        return name;
}

static const char *port_word(BwDirection direction) {
        return direction == BW_DIRECTION_IN ? "iifname" : "oifname";
}

/* Counts all, reports what the sender's own limit lets through, and gives the verdict. @match: for
 * whom; or "". */
static void print_verdict(GString *text, BwDirection direction, BwReason reason, bool drops,
                          const char *match) {
        char prefix[BW_VIOLATION_PREFIX_SIZE], name[BW_NFT_NAME_SIZE];

        bw_violation_prefix(direction, reason, drops, prefix);
        g_string_append_printf(text, "\t\t%scounter name %s\n", match,
                               bw_nft_counter_name(direction, reason, drops, name));
        g_string_append_printf(text, "\t\t%supdate @%s { %s } ", match,
                               bw_nft_seen_name(direction, reason, name), port_word(direction));
        if (direction == BW_DIRECTION_OUT)
                g_string_append_printf(text, "update @%s { iifname } ",
                                       told_name(direction, reason, name));
        g_string_append_printf(text, "log prefix \"%s\" group %u snaplen %u\n", prefix,
                               BW_NFLOG_GROUP, BW_NFLOG_SNAPLEN);
        g_string_append_printf(text, "\t\t%s%s\n", match, drops ? "drop" : "accept");
}

static void print_reason(GString *text, BwDirection direction, BwReason reason) {
        g_autofree char *match = g_strdup_printf("%s @monitored ", port_word(direction));

        g_string_append_printf(text, "\tchain %s-%s {\n", bw_direction_name(direction),
                               bw_reason_name(reason));
        print_verdict(text, direction, reason, false, match);
        print_verdict(text, direction, reason, true, "");
        g_string_append(text, "\t}\n");
}

/* Strangers that are only watched. */
static void print_watched(GString *text, BwDirection direction) {
        g_string_append_printf(text, "\tchain %s-watched {\n", bw_direction_name(direction));
        print_verdict(text, direction, BW_REASON_UNBOUND, false, "");
        g_string_append(text, "\t}\n");
}

/* @each: what an element, a port, has. */
static void print_counting_set(GString *text, const char *name, const char *each) {
        g_string_append_printf(text,
                               "\tset %s {\n\t\ttype ifname\n\t\tsize 65535\n"
                               "\t\tflags dynamic\n\t\t%s\n\t}\n",
                               name, each);
}

static void print_counting(GString *text, BwDirection direction, BwReason reason,
                           unsigned log_rate) {
        g_autofree char *limit =
                g_strdup_printf("limit rate %u/second burst %u packets", log_rate, log_rate);
        g_autofree char *each = g_strconcat("counter ", limit, NULL);
        char name[BW_NFT_NAME_SIZE];

        for (unsigned drops = 0; drops < 2; drops++)
                g_string_append_printf(text, "\tcounter %s {\n\t\tpackets 0 bytes 0\n\t}\n",
                                       bw_nft_counter_name(direction, reason, drops, name));
        print_counting_set(text, bw_nft_seen_name(direction, reason, name),
                           direction == BW_DIRECTION_IN ? each : "counter");
        if (direction == BW_DIRECTION_OUT)
                print_counting_set(text, told_name(direction, reason, name), limit);
}

static void print_reasons(GString *text, unsigned log_rate) {
        static const BwDirection directions[] = { BW_DIRECTION_IN, BW_DIRECTION_OUT };

        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++)
                for (gsize i = 0; i < G_N_ELEMENTS(directions); i++) {
                        if (!bw_nft_reason_has(reason, directions[i]))
                                continue;
                        print_counting(text, directions[i], reason, log_rate);
                        print_reason(text, directions[i], reason);
                }
}

void bw_nft_reports_print(GString *text, unsigned log_rate) {
        print_reasons(text, log_rate);
        print_watched(text, BW_DIRECTION_IN);
        print_watched(text, BW_DIRECTION_OUT);
}
