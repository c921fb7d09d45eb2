/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/forward_set.h>
#include <string.h>

#define REGISTER_SIZE 4

/* Numbers that never change, of linux/netfilter.h and linux/if_ether.h. */
#define NFPROTO_OF_IPV4   2
#define NFPROTO_OF_IPV6   10
#define ETHERTYPE_OF_IPV4 0x0800
#define ETHERTYPE_OF_IPV6 0x86dd

BwForwardSet *bw_forward_set_new(void) {
        BwForwardSet *set = g_new0(BwForwardSet, 1);

        set->elements = g_array_new(FALSE, FALSE, sizeof(BwForwardElement));
        return set;
}

void bw_forward_set_free(BwForwardSet *set) {
        if (!set)
                return;
        g_array_unref(set->elements);
        g_free(set);
}

/* Keys */

unsigned bw_forward_field_width(BwForwardField field) {
        switch (field) {
        case BW_FORWARD_OTHER:
                return 0;
        case BW_FORWARD_IN_NAME:
        case BW_FORWARD_OUT_NAME:
                return BW_FORWARD_NAME_SIZE;
        case BW_FORWARD_IN_INDEX:
        case BW_FORWARD_OUT_INDEX:
        case BW_FORWARD_IN_INDEX_SWAPPED:
        case BW_FORWARD_OUT_INDEX_SWAPPED:
                return sizeof(uint32_t);
        case BW_FORWARD_NFPROTO:
                return sizeof(uint8_t);
        case BW_FORWARD_PROTOCOL:
                return sizeof(uint16_t);
        }
        return 0;
}

static unsigned filled_up(unsigned width) {
        return (width + REGISTER_SIZE - 1) / REGISTER_SIZE * REGISTER_SIZE;
}

static void write_field(BwForwardField field, const BwForwardPacket *packet, uint8_t *at) {
        bool is_ipv4 = packet->family == BW_FAMILY_IPV4;
        uint32_t ifindex = (uint32_t) packet->ifindex, swapped = GUINT32_TO_BE(ifindex);
        uint16_t ethertype = GUINT16_TO_BE(is_ipv4 ? ETHERTYPE_OF_IPV4 : ETHERTYPE_OF_IPV6);

        switch (field) {
        case BW_FORWARD_OTHER:
                return;
        case BW_FORWARD_IN_NAME:
        case BW_FORWARD_OUT_NAME:
                memcpy(at, packet->bridge, sizeof(packet->bridge));
                return;
        case BW_FORWARD_IN_INDEX:
        case BW_FORWARD_OUT_INDEX:
                memcpy(at, &ifindex, sizeof(ifindex));
                return;
        case BW_FORWARD_IN_INDEX_SWAPPED:
        case BW_FORWARD_OUT_INDEX_SWAPPED:
                memcpy(at, &swapped, sizeof(swapped));
                return;
        case BW_FORWARD_NFPROTO:
                *at = is_ipv4 ? NFPROTO_OF_IPV4 : NFPROTO_OF_IPV6;
                return;
        case BW_FORWARD_PROTOCOL:
                memcpy(at, &ethertype, sizeof(ethertype));
                return;
        }
}

/* Bytes the field at @i has of a key in which it begins at @at; 0: there is none any more. */
static unsigned next_width(const BwForwardLookup *lookup, unsigned i, unsigned at) {
        unsigned width = i < BW_FORWARD_MOST_FIELDS
                                 ? filled_up(bw_forward_field_width(lookup->fields[i]))
                                 : 0;

        return at + width <= BW_FORWARD_KEY_SIZE ? width : 0;
}

unsigned bw_forward_lookup_reach(const BwForwardLookup *lookup) {
        unsigned at = 0, width;

        for (unsigned i = 0; (width = next_width(lookup, i, at)) > 0; i++)
                at += width;
        return at;
}

/* False: that long a key ends in the middle of a field, or behind all that are known. What stands
 * alone is not filled up. */
static bool write_key(const BwForwardLookup *lookup, const BwForwardPacket *packet, unsigned length,
                      uint8_t key[static BW_FORWARD_KEY_SIZE]) {
        unsigned at = 0, width;

        memset(key, 0, BW_FORWARD_KEY_SIZE);
        for (unsigned i = 0; at < length && (width = next_width(lookup, i, at)) > 0; i++) {
                write_field(lookup->fields[i], packet, key + at);
                if (at == 0 && length == bw_forward_field_width(lookup->fields[i]))
                        return true;
                at += width;
        }
        return length > 0 && at == length;
}

/* Elements */

/* Where one ends and the next begins, the beginning counts. */
static bool is_nearer(const BwForwardElement *element, const BwForwardElement *found,
                      unsigned length) {
        int order = found ? memcmp(element->key, found->key, length) : 1;

        return order > 0 || (order == 0 && found && found->is_end);
}

/* Of a set of ranges the last that begins at the key or before it says whether it is in one. */
static const BwForwardElement *find_range(const BwForwardSet *set, const uint8_t *key) {
        const BwForwardElement *found = NULL;

        for (guint i = 0; i < set->elements->len; i++) {
                const BwForwardElement *element =
                        &g_array_index(set->elements, BwForwardElement, i);

                if (!element->is_rest && memcmp(element->key, key, set->length) <= 0 &&
                    is_nearer(element, found, set->length))
                        found = element;
        }
        return found && !found->is_end ? found : NULL;
}

/* Field by field: a later one may be below its first where an earlier one is above. */
static bool is_in_span(const BwForwardElement *element, const BwForwardLookup *lookup,
                       const uint8_t *key, unsigned length) {
        unsigned at = 0, width;

        for (unsigned i = 0; at < length && (width = next_width(lookup, i, at)) > 0; i++) {
                unsigned counted = MIN(width, length - at);

                if (memcmp(key + at, element->key + at, counted) < 0 ||
                    memcmp(key + at, element->last + at, counted) > 0)
                        return false;
                at += width;
        }
        return true;
}

static bool is_for(const BwForwardElement *element, const BwForwardLookup *lookup,
                   const uint8_t *key, unsigned length) {
        if (element->is_span)
                return is_in_span(element, lookup, key, length);
        return !element->is_end && memcmp(element->key, key, length) == 0;
}

static const BwForwardElement *find(const BwForwardSet *set, const BwForwardLookup *lookup,
                                    const uint8_t *key) {
        const BwForwardElement *rest = NULL, *found;
        bool has_ranges = false;

        for (guint i = 0; i < set->elements->len; i++) {
                const BwForwardElement *element =
                        &g_array_index(set->elements, BwForwardElement, i);

                has_ranges |= element->is_end;
                if (element->is_rest)
                        rest = element;
                else if (is_for(element, lookup, key, set->length))
                        return element;
        }
        found = has_ranges ? find_range(set, key) : NULL;
        return found ? found : rest;
}

bool bw_forward_set_find(const BwForwardSet *set, const BwForwardLookup *lookup,
                         const BwForwardPacket *packet, const BwForwardElement **ret_element) {
        uint8_t key[BW_FORWARD_KEY_SIZE];

        if (set->is_foreign || set->length > sizeof(key) ||
            !write_key(lookup, packet, set->length, key))
                return false;
        *ret_element = find(set, lookup, key);
        return true;
}
