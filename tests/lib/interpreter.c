/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "interpreter.h"

#include <arpa/inet.h>
#include <string.h>

#define MAX_STACK 16
#define MAX_TRIED 100000

struct BwTestInterpreter {
        GPtrArray *chains;
        GHashTable *by_name; /* name -> BwIptChain * */
};

typedef struct Place {
        const BwIptChain *chain;
        guint at;
} Place;

static void put_address(const char *text, BwTestPacket *packet, uint32_t *ipv4, BwPrefix *ipv6) {
        uint8_t bytes[16];

        packet->family = strchr(text, ':') ? BW_FAMILY_IPV6 : BW_FAMILY_IPV4;
        g_assert_cmpint(inet_pton(packet->family ? AF_INET6 : AF_INET, text, bytes), ==, 1);
        if (packet->family == BW_FAMILY_IPV6)
                *ipv6 = bw_prefix_from_address(BW_FAMILY_IPV6, bytes);
        else
                *ipv4 = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 |
                        (uint32_t) bytes[2] << 8 | bytes[3];
}

void bw_test_packet_go(BwTestPacket *packet, const char *source, const char *destination) {
        put_address(source, packet, &packet->source, &packet->source6);
        put_address(destination, packet, &packet->destination, &packet->destination6);
}

BwTestInterpreter *bw_test_interpreter_new(GPtrArray *chains) {
        BwTestInterpreter *interpreter = g_new0(BwTestInterpreter, 1);

        interpreter->chains = g_ptr_array_ref(chains);
        interpreter->by_name = g_hash_table_new(g_str_hash, g_str_equal);
        for (guint i = 0; i < chains->len; i++) {
                BwIptChain *chain = chains->pdata[i];

                g_assert_true(g_hash_table_insert(interpreter->by_name, chain->name, chain));
        }
        return interpreter;
}

void bw_test_interpreter_free(BwTestInterpreter *interpreter) {
        g_hash_table_unref(interpreter->by_name);
        g_ptr_array_unref(interpreter->chains);
        g_free(interpreter);
}

static Place start_of(const BwTestInterpreter *interpreter, const char *name) {
        const BwIptChain *chain = g_hash_table_lookup(interpreter->by_name, name);

        g_assert_nonnull(chain);
        return (Place){ chain, 0 };
}

static bool device_fits(const char *wish, const char *device) {
        return !wish[0] || g_str_equal(wish, device);
}

static bool address_fits(const BwPrefix *prefix, const BwTestPacket *packet, uint32_t ipv4,
                         const BwPrefix *ipv6) {
        uint32_t network = (uint32_t) prefix->bytes[0] << 24 | prefix->bytes[1] << 16 |
                           prefix->bytes[2] << 8 | prefix->bytes[3];

        if (prefix->length == 0)
                return true;
        /* Such a rule could not even be written into the table. */
        g_assert_cmpint(prefix->family, ==, packet->family);
        if (prefix->family == BW_FAMILY_IPV6)
                return bw_prefix_contains(prefix, ipv6);
        return (ipv4 ^ network) >> (32 - prefix->length) == 0;
}

/* xt_physdev compares under a mask: over the NUL for a whole name, before it for a prefix. A port
 * that is not there fits no name, the empty prefix included. */
static bool port_fits(const BwIptRule *rule, const char *port, bool prefix) {
        gsize length = strlen(rule->physdev) + (prefix ? 0 : 1);

        return port[0] && memcmp(port, rule->physdev, MIN(length, BW_IFNAME_SIZE)) == 0;
}

static bool physdev_fits(const BwIptRule *rule, const BwTestPacket *packet) {
        switch (rule->physdev_kind) {
        case BW_IPT_PHYSDEV_NONE:
                return true;
        case BW_IPT_PHYSDEV_IN:
        case BW_IPT_PHYSDEV_IN_PREFIX:
                return port_fits(rule, packet->port_in,
                                 rule->physdev_kind == BW_IPT_PHYSDEV_IN_PREFIX);
        case BW_IPT_PHYSDEV_OUT:
        case BW_IPT_PHYSDEV_OUT_PREFIX:
                return port_fits(rule, packet->port_out,
                                 rule->physdev_kind == BW_IPT_PHYSDEV_OUT_PREFIX);
        case BW_IPT_PHYSDEV_NOT_IN:
                return !packet->port_in[0];
        case BW_IPT_PHYSDEV_NOT_BRIDGED:
                return !packet->port_out[0];
        }
        g_assert_not_reached();
}

static bool is_any(const BwMac *mac) {
        static const BwMac any = {};

        return bw_mac_equal(mac, &any);
}

static bool client_fits(const BwIptRule *rule, const BwTestPacket *packet, uint8_t operation) {
        return is_any(&rule->client) || (!packet->fragment && packet->hardware_length == 6 &&
                                         packet->bootp_operation == operation &&
                                         bw_mac_equal(&packet->client, &rule->client));
}

/* A fragment that is not the first shows no ports; here none does. */
static bool dhcp_fits(const BwIptRule *rule, const BwTestPacket *packet) {
        bool udp = packet->udp && (!packet->fragment || is_any(&rule->client));

        switch (rule->dhcp) {
        case BW_IPT_DHCP_NONE:
                g_assert_true(is_any(&rule->client));
                return true;
        case BW_IPT_DHCP_REQUEST:
                return udp && packet->from_port == 68 && packet->to_port == 67 &&
                       client_fits(rule, packet, 1);
        case BW_IPT_DHCP_REPLY:
                return udp && packet->from_port == 67 && packet->to_port == 68 &&
                       client_fits(rule, packet, 2);
        }
        g_assert_not_reached();
}

/* Behind a rule that has looked at the ports. */
static bool sender_asks_for_himself(const BwTestPacket *packet) {
        g_assert_true(packet->udp && packet->from_port == 68 && packet->to_port == 67);
        return !packet->fragment && packet->hardware_length == 6 && packet->bootp_operation == 1 &&
               bw_mac_equal(&packet->client, &packet->sender);
}

/* Behind a rule that has looked at the ports; an IPv4 packet's, or it could not be asked. */
static bool is_reply_to_client(const BwIptRule *rule, const BwTestPacket *packet) {
        g_assert_true(packet->udp && packet->from_port == 67 && packet->to_port == 68);
        g_assert_cmpint(packet->family, ==, BW_FAMILY_IPV4);
        if (packet->fragment || packet->hardware_length != 6 || packet->bootp_operation != 2)
                return false;
        for (gsize i = 0; i < BW_IPT_CLIENT_MAX && rule->clients[i].ifindex; i++)
                if (packet->port_out_index == rule->clients[i].ifindex &&
                    bw_mac_equal(&packet->client, &rule->clients[i].mac))
                        return true;
        return false;
}

static bool icmpv6_fits(const BwIptRule *rule, const BwTestPacket *packet) {
        return !rule->icmpv6_type || packet->icmpv6_type == rule->icmpv6_type;
}

static bool source_fits(const BwIptRule *rule, const BwTestPacket *packet) {
        bool fits = address_fits(&rule->source, packet, packet->source, &packet->source6);

        /* "Any but all" could not be written. */
        g_assert_true(!rule->source_is_not || rule->source.length > 0);
        return fits != rule->source_is_not;
}

static bool rule_fits(const BwIptRule *rule, const BwTestPacket *packet) {
        g_assert_false(rule->foreign);
        return device_fits(rule->in_bridge, packet->in_bridge) &&
               device_fits(rule->out_bridge, packet->out_bridge) && source_fits(rule, packet) &&
               address_fits(&rule->destination, packet, packet->destination,
                            &packet->destination6) &&
               physdev_fits(rule, packet) && dhcp_fits(rule, packet) &&
               (is_any(&rule->sender) || bw_mac_equal(&packet->sender, &rule->sender)) &&
               (!rule->client_is_sender || sender_asks_for_himself(packet)) &&
               (!rule->clients[0].ifindex || is_reply_to_client(rule, packet)) &&
               icmpv6_fits(rule, packet) && (!rule->fragment || packet->fragment);
}

static void note_report(BwTestVerdict *verdict, const BwIptRule *rule) {
        if (verdict->reports++ > 0)
                return;
        verdict->reason = rule->reason;
        verdict->direction = rule->direction;
        verdict->drops = rule->drops;
}

BwTestVerdict bw_test_interpret(const BwTestInterpreter *interpreter, const char *root,
                                const BwTestPacket *packet) {
        Place place = start_of(interpreter, root), stack[MAX_STACK];
        BwTestVerdict verdict = {};
        unsigned depth = 0;

        for (;;) {
                const BwIptRule *rule =
                        place.at < place.chain->rules->len
                                ? &g_array_index(place.chain->rules, BwIptRule, place.at)
                                : NULL;

                g_assert_cmpuint(verdict.tried++, <, MAX_TRIED);
                place.at++;
                if (rule && !rule_fits(rule, packet))
                        continue;
                if (!rule || rule->target == BW_IPT_RETURN) {
                        if (depth == 0)
                                return verdict;
                        place = stack[--depth];
                } else if (rule->target == BW_IPT_DROP) {
                        verdict.dropped = true;
                        return verdict;
                } else if (rule->target == BW_IPT_NFLOG) {
                        note_report(&verdict, rule);
                } else {
                        g_assert_cmpuint(depth, <, MAX_STACK);
                        if (rule->target == BW_IPT_JUMP)
                                stack[depth++] = place;
                        place = start_of(interpreter, rule->chain);
                }
        }
}
