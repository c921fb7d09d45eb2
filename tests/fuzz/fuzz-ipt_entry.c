/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Input: a byte for the family, one for what libiptc calls the target, then an entry. The kernel
 * answers for the two lengths in it, and so does this; everything else is anybody's.
 */

#include <ipt_entry.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint16_t number_at(const uint8_t *bytes, size_t offset) {
        uint16_t number;

        memcpy(&number, bytes + offset, sizeof(number));
        return number;
}

static uint16_t next_offset(BwFamily family, const uint8_t *entry) {
        return number_at(entry, family == BW_FAMILY_IPV6 ? offsetof(struct ip6t_entry, next_offset)
                                                         : offsetof(struct ipt_entry, next_offset));
}

static void check(BwFamily family, const char *target, const void *entry) {
        BwIptRule rule = {};
        BwIptEntry again, once_more;
        gsize length;

        if (!bw_ipt_entry_decode(family, entry, target, &rule))
                return;
        g_assert(!rule.foreign);
        /* Nothing of what was in the memory before is left. */
        memset(&again, 0xff, sizeof(again));
        memset(&once_more, 0, sizeof(once_more));
        bw_ipt_entry_encode(family, &rule, &again);
        bw_ipt_entry_encode(family, &rule, &once_more);
        length = next_offset(family, once_more.bytes);
        g_assert(length <= sizeof(again.bytes));
        g_assert(memcmp(again.bytes, once_more.bytes, length) == 0);
        g_assert(bw_ipt_entry_says(entry, target, &again));
        g_free(bw_ipt_rule_print("bw-in", &rule));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        static const char *const targets[] = { "DROP",  "RETURN", "ACCEPT", "bw-i-vk63",
                                               "NFLOG", "",       "bw-in" };
        bool ipv6 = size > 0 && bytes[0] & 1;
        gsize header = ipv6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry), next;
        g_autofree uint8_t *entry = NULL;

        if (size < 2 + header)
                return 0;
        next = next_offset(ipv6 ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4, bytes + 2);
        if (next < header || next > size - 2)
                return 0;
        /* An exact copy, so that a sanitizer sees each byte read too far. */
        entry = g_memdup2(bytes + 2, next);
        check(ipv6 ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4, targets[bytes[1] % G_N_ELEMENTS(targets)],
              entry);
        return 0;
}
