/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/violation.h>

#include <bw/text.h>
#include <netinet/in.h>
#include <string.h>

/* What the rule says that met the packet. */
typedef struct Rule {
        BwDirection direction;
        BwReason reason;
        bool drops;
} Rule;

/* What the packet's own bytes say, as far as they go. */
typedef struct Packet {
        BwPrefix source, destination;
        uint8_t protocol;
        const uint8_t *payload; /* NULL: a later fragment, or nothing of it was copied */
        gsize payload_length;
} Packet;

/* The rule's prefix */

void bw_violation_prefix(BwDirection direction, BwReason reason, bool drops,
                         char text[static BW_VIOLATION_PREFIX_SIZE]) {
        g_snprintf(text, BW_VIOLATION_PREFIX_SIZE, "bw %s %s %s", bw_direction_name(direction),
                   bw_reason_name(reason), drops ? "drop" : "monitor");
}

static bool is_prefix_of(const char *prefix, const Rule *rule) {
        char text[BW_VIOLATION_PREFIX_SIZE];

        bw_violation_prefix(rule->direction, rule->reason, rule->drops, text);
        return g_str_equal(prefix, text);
}

static bool read_prefix(const char *prefix, Rule *ret) {
        for (BwReason reason = BW_REASON_UNBOUND; reason < BW_REASON_MAX; reason++) {
                const Rule rules[] = {
                        { BW_DIRECTION_IN, reason, true },
                        { BW_DIRECTION_IN, reason, false },
                        { BW_DIRECTION_OUT, reason, true },
                        { BW_DIRECTION_OUT, reason, false },
                };

                for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
                        if (!is_prefix_of(prefix, &rules[i]))
                                continue;
                        *ret = rules[i];
                        return true;
                }
        }
        return false;
}

/* The packet's bytes */

static bool read_ipv4(const uint8_t *bytes, gsize length, Packet *ret) {
        gsize header_length = (bytes[0] & 0x0f) * 4u;
        unsigned fragment;

        if (length < 20 || header_length < 20)
                return false;
        fragment = ((bytes[6] & 0x1fu) << 8) | bytes[7];
        ret->source = bw_prefix_from_address(BW_FAMILY_IPV4, bytes + 12);
        ret->destination = bw_prefix_from_address(BW_FAMILY_IPV4, bytes + 16);
        ret->protocol = bytes[9];
        if (fragment == 0 && length > header_length) {
                ret->payload = bytes + header_length;
                ret->payload_length = length - header_length;
        }
        return true;
}

static bool read_ipv6(const uint8_t *bytes, gsize length, Packet *ret) {
        if (length < 40)
                return false;
        ret->source = bw_prefix_from_address(BW_FAMILY_IPV6, bytes + 8);
        ret->destination = bw_prefix_from_address(BW_FAMILY_IPV6, bytes + 24);
        ret->protocol = bytes[6];
        if (length > 40) {
                ret->payload = bytes + 40;
                ret->payload_length = length - 40;
        }
        return true;
}

static bool read_packet(const uint8_t *bytes, gsize length, Packet *ret) {
        *ret = (Packet){ 0 };
        if (!bytes || length == 0)
                return false;
        if (bytes[0] >> 4 == 4)
                return read_ipv4(bytes, length, ret);
        return bytes[0] >> 4 == 6 && read_ipv6(bytes, length, ret);
}

static const char *name_protocol(uint8_t protocol) {
        switch (protocol) {
        case IPPROTO_ICMP:
                return "icmp";
        case IPPROTO_IGMP:
                return "igmp";
        case IPPROTO_TCP:
                return "tcp";
        case IPPROTO_UDP:
                return "udp";
        case IPPROTO_ICMPV6:
                return "icmpv6";
        default:
                return NULL;
        }
}

static char *print_protocol(const Packet *packet) {
        const char *name = name_protocol(packet->protocol);
        const uint8_t *bytes = packet->payload;

        if (!name)
                return g_strdup_printf("proto %u", packet->protocol);
        if ((packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP) || !bytes ||
            packet->payload_length < 4)
                return g_strdup(name);
        return g_strdup_printf("%s %u > %u", name, bytes[0] << 8 | bytes[1],
                               bytes[2] << 8 | bytes[3]);
}

/* Destination first, as on the wire. */
static void read_ethernet(const uint8_t *bytes, gsize length, BwViolation *violation) {
        BwMac source, destination;

        if (!bytes || length < sizeof(destination.octet) + sizeof(source.octet))
                return;
        memcpy(destination.octet, bytes, sizeof(destination.octet));
        memcpy(source.octet, bytes + sizeof(destination.octet), sizeof(source.octet));
        bw_mac_print(&destination, violation->destination_mac);
        bw_mac_print(&source, violation->source_mac);
}

/* Who it was */

/* People know a guest by its name; a port that is nobody's has only its own. */
static char *name_owner(const BwPortPlan *port) {
        return g_strdup(port->guest ? port->guest : port->name);
}

static void name_offender(BwViolation *violation, const BwPortPlan *offender) {
        if (!offender)
                return;
        g_strlcpy(violation->offender, offender->name, sizeof(violation->offender));
        violation->offender_guest = g_strdup(offender->guest);
}

static void name_port(BwViolation *violation, const BwPortPlan *port, const BwBridgePlan *bridge) {
        g_strlcpy(violation->port, port->name, sizeof(violation->port));
        g_strlcpy(violation->uuid, port->uuid, sizeof(violation->uuid));
        violation->guest = g_strdup(port->guest);
        if (bridge)
                g_strlcpy(violation->bridge, bridge->name, sizeof(violation->bridge));
}

/* The packet's two addresses, and the ports that own them. A sender's own address is no claim,
 * and of an unknown sender nobody can say that it claimed. */
static void tell_packet(BwViolation *violation, const Packet *packet, const BwPlan *plan,
                        const BwBridgePlan *bridge, const BwPortPlan *offender) {
        const BwPortPlan *claimed = bw_plan_find_owner_of_address(plan, bridge, &packet->source);
        const BwPortPlan *victim =
                bw_plan_find_owner_of_address(plan, bridge, &packet->destination);

        violation->source = bw_prefix_print(&packet->source);
        violation->destination = bw_prefix_print(&packet->destination);
        violation->protocol = print_protocol(packet);
        if (claimed && offender && claimed != offender)
                violation->claimed_owner = name_owner(claimed);
        if (victim)
                violation->victim = name_owner(victim);
}

static const BwPortPlan *find_port(const BwPlan *plan, int ifindex,
                                   const BwBridgePlan **ret_bridge) {
        return ifindex > 0 ? bw_plan_find_port_by_ifindex(plan, ifindex, ret_bridge) : NULL;
}

BwViolation *bw_violation_new(const BwDeniedPacket *denied, const BwPlan *plan) {
        const BwBridgePlan *bridge = NULL;
        const BwPortPlan *port, *offender;
        BwViolation *violation;
        Packet packet;
        Rule rule;

        if (!denied->prefix || !read_prefix(denied->prefix, &rule))
                return NULL;
        offender = find_port(plan, denied->physin, NULL);
        port = find_port(plan, rule.direction == BW_DIRECTION_IN ? denied->physin : denied->physout,
                         &bridge);
        if (!port)
                return NULL;
        violation = g_new0(BwViolation, 1);
        violation->reason = rule.reason;
        violation->direction = rule.direction;
        violation->dropped = rule.drops;
        name_port(violation, port, bridge);
        name_offender(violation, offender);
        read_ethernet(denied->ethernet, denied->ethernet_length, violation);
        if (read_packet(denied->packet, denied->packet_length, &packet))
                tell_packet(violation, &packet, plan, bridge, offender);
        return violation;
}

void bw_violation_free(BwViolation *violation) {
        if (!violation)
                return;
        g_free(violation->offender_guest);
        g_free(violation->guest);
        g_free(violation->source);
        g_free(violation->destination);
        g_free(violation->protocol);
        g_free(violation->claimed_owner);
        g_free(violation->victim);
        g_free(violation);
}

/* The sentence */

/* Neither a terminal nor the reader's eye is to be led by a name. */
static void append_name(GString *sentence, const char *name) {
        g_autofree char *shown = bw_text_printable(name);

        g_string_append(sentence, shown);
}

/* "guest kali4 (port vk64)", or "port vmh1" when it is not a guest's. */
static void append_who(GString *sentence, const char *guest, const char *port) {
        if (guest) {
                g_string_append(sentence, "guest ");
                append_name(sentence, guest);
                g_string_append(sentence, " (port ");
                append_name(sentence, port);
                g_string_append_c(sentence, ')');
                return;
        }
        g_string_append(sentence, "port ");
        append_name(sentence, port);
}

static void append_verb(GString *sentence, const BwViolation *violation) {
        switch (violation->direction) {
        case BW_DIRECTION_IN:
                g_string_append(sentence, " sent ");
                return;
        case BW_DIRECTION_OUT:
                g_string_append(sentence,
                                violation->dropped ? " would have received " : " received ");
                return;
        }
        g_assert_not_reached();
}

static void append_packet(GString *sentence, const BwViolation *violation) {
        if (!violation->source) {
                g_string_append(sentence, "a packet too short to read");
                return;
        }
        g_string_append_printf(sentence, "%s > %s", violation->source, violation->destination);
        if (violation->protocol)
                g_string_append_printf(sentence, " (%s)", violation->protocol);
}

static void append_name_after(GString *sentence, const char *words, const char *name) {
        if (!name)
                return;
        g_string_append(sentence, words);
        append_name(sentence, name);
}

char *bw_violation_sentence(const BwViolation *violation) {
        GString *sentence = g_string_new(NULL);

        append_who(sentence, violation->guest, violation->port);
        sentence->str[0] = g_ascii_toupper(sentence->str[0]);
        append_verb(sentence, violation);
        append_packet(sentence, violation);
        if (violation->direction == BW_DIRECTION_OUT && violation->offender[0]) {
                g_string_append(sentence, " from ");
                append_who(sentence, violation->offender_guest, violation->offender);
        }
        append_name_after(sentence, ", claiming the address of ", violation->claimed_owner);
        append_name_after(sentence, ", meant for ", violation->victim);
        g_string_append_printf(sentence, ": %s, %s", violation->dropped ? "dropped" : "only seen",
                               bw_reason_name(violation->reason));
        return g_string_free(sentence, FALSE);
}
