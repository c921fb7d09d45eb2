/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/violation.h>

#include <bw/border.h>
#include <bw/evaluate.h>
#include <bw/frame_words.h>
#include <bw/ipt_rule.h>
#include <netinet/in.h>

/* What the rule says that met the packet. */
typedef struct Rule {
        BwDirection direction;
        BwReason reason;
        bool drops;
} Rule;

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

/* The frame as it was on the wire */

#define MACS (2 * sizeof(BwMac))

static bool has_macs(const BwDeniedPacket *denied) {
        return denied->ethernet && denied->ethernet_length >= MACS;
}

static void append_number(GString *frame, uint16_t number) {
        const char bytes[] = { (char) (number >> 8), (char) number };

        g_string_append_len(frame, bytes, sizeof(bytes));
}

/* A rule of IPv4 or IPv6 has met a packet of its own kind, whatever else is before it. */
static void append_ethertype(GString *frame, const BwDeniedPacket *denied) {
        if (denied->family == AF_INET)
                append_number(frame, 0x0800);
        else if (denied->family == AF_INET6)
                append_number(frame, 0x86dd);
        else if (denied->ethernet && denied->ethernet_length >= MACS + sizeof(denied->ethertype))
                g_string_append_len(frame, (const char *) denied->ethernet + MACS,
                                    (gssize) (denied->ethernet_length - MACS));
        else
                append_number(frame, denied->ethertype);
}

/* (transfer full): MACs that are not known are zero. */
static GString *rebuild_frame(const BwDeniedPacket *denied) {
        static const char unknown[MACS];
        GString *frame = g_string_new(NULL);

        g_string_append_len(frame, has_macs(denied) ? (const char *) denied->ethernet : unknown,
                            MACS);
        if (denied->tag.there) {
                append_number(frame, denied->tag.protocol);
                append_number(frame, denied->tag.control);
        }
        append_ethertype(frame, denied);
        if (denied->packet)
                g_string_append_len(frame, (const char *) denied->packet,
                                    (gssize) denied->packet_length);
        return frame;
}

/* Who it was */

/* What is known of a report while it is told. */
typedef struct Report {
        const BwDeniedPacket *denied;
        const BwPlan *plan;
        const BwBridgePlan *bridge;
        const BwPortPlan *port, *offender;
        const BwFrameWords *words;
        BwViolation *violation;
} Report;

/* People know a guest by its name; a port that is nobody's has only its own. */
static char *name_owner(const BwPortPlan *port) {
        return port ? g_strdup(port->guest ? port->guest : port->name) : NULL;
}

static const BwPortPlan *find_port(const BwPlan *plan, int ifindex,
                                   const BwBridgePlan **ret_bridge) {
        return ifindex > 0 ? bw_plan_find_port_by_ifindex(plan, ifindex, ret_bridge) : NULL;
}

/* Kernels without br_netfilter tell the ports of a bridge as plain devices. */
static int ingress_of(const BwDeniedPacket *denied) {
        return denied->physin > 0 || denied->family != AF_BRIDGE ? denied->physin : denied->in;
}

static int egress_of(const BwDeniedPacket *denied) {
        return denied->physout > 0 || denied->family != AF_BRIDGE ? denied->physout : denied->out;
}

/* Only the bridge family sees what the host itself sends, and then there is no way in. */
static bool is_from_host(const BwDeniedPacket *denied, BwDirection direction) {
        return denied->family == AF_BRIDGE && direction == BW_DIRECTION_OUT &&
               denied->physin == 0 && denied->in == 0;
}

static void name_offender(Report *the) {
        BwViolation *violation = the->violation;

        violation->from_host = is_from_host(the->denied, violation->direction);
        if (violation->from_host)
                g_strlcpy(violation->offender, the->bridge->name, sizeof(violation->offender));
        if (!the->offender)
                return;
        g_strlcpy(violation->offender, the->offender->name, sizeof(violation->offender));
        violation->offender_guest = g_strdup(the->offender->guest);
}

static void name_port(Report *the) {
        BwViolation *violation = the->violation;

        g_strlcpy(violation->port, the->port->name, sizeof(violation->port));
        g_strlcpy(violation->uuid, the->port->uuid, sizeof(violation->uuid));
        violation->guest = g_strdup(the->port->guest);
        g_strlcpy(violation->bridge, the->bridge->name, sizeof(violation->bridge));
}

/* Claims */

static const BwPortPlan *owner_of_mac(const Report *the, const BwMac *mac) {
        return bw_mac_is_group(mac)
                       ? NULL
                       : bw_plan_find_segment_owner_of_mac(the->plan, the->bridge, mac);
}

static const BwPortPlan *owner_of_address(const Report *the, const BwPrefix *address) {
        return bw_plan_find_segment_owner_of_address(the->plan, the->bridge, address);
}

/* A sender's own is no claim, and of an unknown sender nobody can say that it claimed. The host may
 * be behind a port of its own bridge as well. */
static bool is_claim(const Report *the, const BwPortPlan *owner) {
        if (!owner || owner == the->offender)
                return false;
        return the->offender || (the->violation->from_host && owner->role != BW_ROLE_HOST);
}

/* What is behind a border may be said there; only of the rest it is a claim. */

static const BwSegmentPlan *border_segment(const Report *the) {
        return the->port->state == BW_PORT_BORDER && the->violation->direction == BW_DIRECTION_IN
                       ? the->plan->segments->pdata[the->bridge->segment]
                       : NULL;
}

static bool may_claim_address(const Report *the, const BwPrefix *address) {
        const BwSegmentPlan *segment = border_segment(the);
        const BwOwnedAddress *owned = segment ? bw_border_find_address(segment, address) : NULL;

        return owned && bw_border_leads_to(segment, owned->site, the->port);
}

static bool may_claim_mac(const Report *the, const BwMac *mac) {
        const BwSegmentPlan *segment = border_segment(the);
        const BwOwnedMac *owned = segment ? bw_border_find_mac(segment, mac) : NULL;

        return owned && bw_border_leads_to(segment, owned->site, the->port);
}

static bool name_claimed(Report *the, const BwPortPlan *owner, bool owns_mac) {
        if (!is_claim(the, owner))
                return false;
        the->violation->claimed_owner = name_owner(owner);
        the->violation->owns_mac = owns_mac;
        return true;
}

static bool name_claimed_mac(Report *the, const BwMac *mac) {
        return !may_claim_mac(the, mac) && name_claimed(the, owner_of_mac(the, mac), true);
}

static bool name_claimed_address(Report *the, const BwPrefix *address) {
        return !may_claim_address(the, address) &&
               name_claimed(the, owner_of_address(the, address), false);
}

static void name_claimed_owner(Report *the) {
        const BwFrameWords *words = the->words;

        if (the->violation->reason == BW_REASON_SPOOFED_MAC &&
            name_claimed_mac(the, &words->source_mac))
                return;
        if (words->addressed && name_claimed_address(the, &words->claimed))
                return;
        if (words->claims_mac && name_claimed_mac(the, &words->claimed_mac))
                return;
        /* On its way out a frame may come from far behind the port it came in by. */
        if (the->violation->direction == BW_DIRECTION_IN)
                name_claimed_mac(the, &words->source_mac);
}

static void tell_claim(Report *the) {
        BwViolation *violation = the->violation;

        if (violation->direction == BW_DIRECTION_IN && the->words->addressed)
                violation->claimed_address = bw_prefix_print(&the->words->claimed);
        if (violation->reason == BW_REASON_SPOOFED_MAC)
                g_strlcpy(violation->claimed_mac, violation->source_mac,
                          sizeof(violation->claimed_mac));
        else if (the->words->claims_mac)
                bw_mac_print(&the->words->claimed_mac, violation->claimed_mac);
        name_claimed_owner(the);
}

/* Whom it was meant for */

static const BwPortPlan *find_victim_by_mac(const Report *the) {
        const BwPortPlan *owner = owner_of_mac(the, &the->words->destination_mac);

        return owner == the->port || owner == the->offender ? NULL : owner;
}

static const BwPortPlan *find_victim_by_address(const Report *the) {
        return the->words->addressed ? owner_of_address(the, &the->words->destination) : NULL;
}

/* An ARP message is read by whoever gets it, whatever its target; one for all is meant for its
 * target, unless it only repeats the claim there. */
static const BwPortPlan *find_victim_of_arp(const Report *the) {
        const BwPortPlan *owner = find_victim_by_mac(the);

        if (owner || (the->words->addressed &&
                      bw_prefix_equal(&the->words->destination, &the->words->claimed)))
                return owner;
        owner = find_victim_by_address(the);
        return owner == the->offender ? NULL : owner;
}

static const BwPortPlan *find_victim(const Report *the) {
        const BwPortPlan *owner;

        if (the->words->is_arp)
                return find_victim_of_arp(the);
        owner = the->violation->reason == BW_REASON_FLOODED ? find_victim_by_mac(the) : NULL;
        if (!owner)
                owner = find_victim_by_address(the);
        return owner ? owner : find_victim_by_mac(the);
}

/* What is wrong */

/* A packet of which only the beginning was kept is judged as if that were all. */
static BwVerdict judge(const Report *the, GString *frame) {
        uint8_t *bytes = (uint8_t *) frame->str;

        if (the->denied->packet_length >= BW_NFLOG_SNAPLEN)
                bw_frame_shorten(bytes, frame->len);
        if (the->violation->direction == BW_DIRECTION_IN)
                return bw_evaluate_in(the->plan, the->bridge, the->port, bytes, frame->len);
        return bw_evaluate_out(the->plan, the->bridge, the->port, bytes, frame->len);
}

/* The plan may have changed since the rule met it: then nobody can say. */
static void tell_detail(Report *the, GString *frame) {
        BwVerdict verdict;

        if (!has_macs(the->denied))
                return;
        verdict = judge(the, frame);
        if (verdict.reason == the->violation->reason)
                the->violation->detail = verdict.detail;
}

/* All of it */

static void tell_macs(Report *the) {
        if (!has_macs(the->denied))
                return;
        bw_mac_print(&the->words->destination_mac, the->violation->destination_mac);
        bw_mac_print(&the->words->source_mac, the->violation->source_mac);
}

static void tell_frame(Report *the) {
        BwViolation *violation = the->violation;
        const BwFrameWords *words = the->words;

        tell_macs(the);
        violation->ethertype = words->ethertype;
        violation->tags = g_strdup(words->tags);
        violation->what = g_strdup(words->text);
        violation->protocol = g_strdup(words->protocol);
        if (words->addressed) {
                violation->source = bw_prefix_print(&words->source);
                violation->destination = bw_prefix_print(&words->destination);
        }
        tell_claim(the);
        violation->victim = name_owner(find_victim(the));
}

static void tell(Report *the) {
        GString *frame = rebuild_frame(the->denied);
        g_autoptr(BwFrameWords) words =
                bw_frame_words_new((const uint8_t *) frame->str, frame->len);

        the->words = words;
        name_port(the);
        name_offender(the);
        tell_frame(the);
        tell_detail(the, frame);
        g_string_free(frame, TRUE);
}

BwViolation *bw_violation_new(const BwDeniedPacket *denied, const BwPlan *plan) {
        Report report = { .denied = denied, .plan = plan };
        Rule rule;

        if (!denied->prefix || !read_prefix(denied->prefix, &rule))
                return NULL;
        report.offender = find_port(plan, ingress_of(denied), NULL);
        report.port = find_port(
                plan, rule.direction == BW_DIRECTION_IN ? ingress_of(denied) : egress_of(denied),
                &report.bridge);
        if (!report.port)
                return NULL;
        report.violation = g_new0(BwViolation, 1);
        report.violation->reason = rule.reason;
        report.violation->direction = rule.direction;
        report.violation->dropped = rule.drops;
        tell(&report);
        return report.violation;
}

void bw_violation_free(BwViolation *violation) {
        if (!violation)
                return;
        g_free(violation->offender_guest);
        g_free(violation->guest);
        g_free(violation->tags);
        g_free(violation->source);
        g_free(violation->destination);
        g_free(violation->protocol);
        g_free(violation->what);
        g_free(violation->claimed_address);
        g_free(violation->claimed_owner);
        g_free(violation->victim);
        g_free(violation);
}
