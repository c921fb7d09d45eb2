/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/special_address.h>
#include <string.h>

bool bw_address_is_unspecified(const BwPrefix *address) {
        static const uint8_t zero[16];

        return memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

bool bw_address_is_limited_broadcast(const BwPrefix *address) {
        return address->family == BW_FAMILY_IPV4 &&
               memcmp(address->bytes, "\xff\xff\xff\xff", 4) == 0;
}

bool bw_address_is_multicast(const BwPrefix *address) {
        if (address->family == BW_FAMILY_IPV4)
                return address->bytes[0] >> 4 == 0xe;
        return address->bytes[0] == 0xff;
}

static bool is_loopback(const BwPrefix *address) {
        static const uint8_t one[16] = { [15] = 1 };

        if (address->family == BW_FAMILY_IPV4)
                return address->bytes[0] == 127;
        return memcmp(address->bytes, one, sizeof(one)) == 0;
}

bool bw_address_is_never_source(const BwPrefix *address) {
        return bw_address_is_unspecified(address) || is_loopback(address) ||
               bw_address_is_multicast(address) || bw_address_is_limited_broadcast(address);
}

static bool is_broadcast_of(const BwPrefix *network, const BwPrefix *address) {
        BwPrefix rest = *address;

        /* RFC 3021: networks of two addresses or one have no broadcast. */
        if (network->family != BW_FAMILY_IPV4 || network->length >= 31 ||
            !bw_prefix_contains(network, address))
                return false;
        for (unsigned bit = 0; bit < network->length; bit++)
                rest.bytes[bit / 8] |= (uint8_t) (0x80 >> bit % 8);
        return bw_address_is_limited_broadcast(&rest);
}

static bool is_directed_broadcast(const BwPrefix *address, const GArray *networks) {
        for (guint i = 0; i < networks->len; i++)
                if (is_broadcast_of(&g_array_index(networks, BwPrefix, i), address))
                        return true;
        return false;
}

bool bw_address_is_for_all(const BwPrefix *address, const GArray *networks) {
        return bw_address_is_multicast(address) || bw_address_is_limited_broadcast(address) ||
               is_directed_broadcast(address, networks);
}
