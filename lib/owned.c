/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/owned.h>

/* The last entry that does not stand behind @prefix. */
static const BwOwnedAddress *find_last(const GArray *entries, const BwPrefix *prefix) {
        guint low = 0, high = entries->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;

                if (bw_prefix_compare(&g_array_index(entries, BwOwnedAddress, middle).prefix,
                                      prefix) <= 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low > 0 ? &g_array_index(entries, BwOwnedAddress, low - 1) : NULL;
}

static uint8_t shared_bits(const BwPrefix *a, const BwPrefix *b) {
        uint8_t most = MIN(a->length, b->length), bits = 0;

        while (bits < most && !((a->bytes[bits / 8] ^ b->bytes[bits / 8]) >> (7 - bits % 8) & 1))
                bits++;
        return bits;
}

/* What stands right before the address either contains it, or shows how many bits an entry that
 * does can have at most. */
const BwOwnedAddress *bw_owned_find_address(const GArray *entries, const BwPrefix *address) {
        BwPrefix sought = *address;
        const BwOwnedAddress *last;

        for (;;) {
                last = find_last(entries, &sought);
                if (!last || last->prefix.family != address->family)
                        return NULL;
                if (bw_prefix_contains(&last->prefix, address))
                        return last;
                sought = bw_prefix_network(address, shared_bits(&last->prefix, &sought));
        }
}

bool bw_owned_has_address(const GArray *entries, const BwPrefix *prefix) {
        const BwOwnedAddress *last = find_last(entries, prefix);

        return last && bw_prefix_equal(&last->prefix, prefix);
}

const BwOwnedMac *bw_owned_find_mac(const GArray *entries, const BwMac *mac) {
        guint low = 0, high = entries->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;
                const BwOwnedMac *owned = &g_array_index(entries, BwOwnedMac, middle);
                int order = bw_mac_compare(&owned->mac, mac);

                if (order == 0)
                        return owned;
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}
