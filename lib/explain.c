/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/border.h>
#include <bw/error.h>
#include <bw/explain.h>
#include <bw/frame.h>
#include <bw/owner.h>
#include <bw/text.h>
#include <string.h>

/* One frame between two ends of one bridge. */
typedef struct Way {
        const BwPlan *plan;
        const BwBridgePlan *bridge;
        const BwPortPlan *in;  /* NULL: the host */
        const BwPortPlan *out; /* NULL: wherever the bridge takes it */
        const uint8_t *frame;
        gsize length;
} Way;

static const BwBridgePlan *find_bridge(const BwPlan *plan, const char *name) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                if (g_str_equal(bridge->name, name))
                        return bridge;
        }
        return NULL;
}

static bool fail_absent(const char *name, GError **error) {
        g_autofree char *text = bw_text_short(name, 64);

        g_set_error(error, BW_ERROR, BW_ERROR_ABSENT,
                    "no port %s is on a guarded bridge; \"bridgewarden ports\" lists them", text);
        return false;
}

static bool fail_apart(const BwBridgePlan *a, const BwBridgePlan *b, GError **error) {
        g_autofree char *first = bw_text_printable(a->name);
        g_autofree char *second = bw_text_printable(b->name);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                    "the ports are on two bridges, %s and %s: no frame is bridged from one to the "
                    "other",
                    first, second);
        return false;
}

static bool find_ends(Way *way, const char *in, const char *out, GError **error) {
        const BwBridgePlan *other = NULL;

        way->in = bw_plan_find_port(way->plan, in, &way->bridge);
        if (!way->in)
                way->bridge = find_bridge(way->plan, in);
        if (!way->bridge)
                return fail_absent(in, error);
        if (out[0] == '\0')
                return true;
        way->out = bw_plan_find_port(way->plan, out, &other);
        if (!way->out)
                return fail_absent(out, error);
        return other == way->bridge || fail_apart(way->bridge, other, error);
}

static BwFate fate_of(const BwVerdict *verdict) {
        if (verdict->reason == BW_REASON_NONE)
                return BW_FATE_PASSES;
        return verdict->drops ? BW_FATE_DROPPED : BW_FATE_MONITORED;
}

/* What the host sends itself is not forwarded: the iptables engine stands in FORWARD alone. */
static BwFate judge(GArray *judgments, const Way *way, const BwPortPlan *port,
                    BwDirection direction) {
        BwVerdict verdict =
                direction == BW_DIRECTION_IN
                        ? bw_evaluate_in(way->plan, way->bridge, port, way->frame, way->length)
                        : bw_evaluate_out(way->plan, way->bridge, port, way->frame, way->length);
        BwJudgment judgment = {
                .bridge = way->bridge,
                .port = port,
                .direction = direction,
                .fate = fate_of(&verdict),
                .reason = verdict.reason,
                .detail = verdict.detail,
        };

        if (verdict.reason != BW_REASON_NONE)
                judgment.engines = bw_evaluate_engines(&verdict, way->frame, way->length) &
                                   (way->in ? BW_ENGINE_ALL : BW_ENGINE_BIT(BW_ENGINE_NFTABLES));
        g_array_append_val(judgments, judgment);
        return judgment.fate;
}

static void deliver_to_host(GArray *judgments, const Way *way) {
        BwJudgment judgment = { .bridge = way->bridge, .direction = BW_DIRECTION_OUT };

        g_array_append_val(judgments, judgment);
}

static void deliver_to_all(GArray *judgments, const Way *way) {
        for (guint i = 0; i < way->bridge->ports->len; i++) {
                const BwPortPlan *port = way->bridge->ports->pdata[i];

                if (port != way->in)
                        judge(judgments, way, port, BW_DIRECTION_OUT);
        }
}

/* To the borders behind which somebody of another bridge is. False: nobody knows of any here. */
static bool deliver_to_borders(GArray *judgments, const Way *way, const BwMac *destination) {
        const BwSegmentPlan *segment = way->plan->segments->pdata[way->bridge->segment];
        const BwOwnedMac *owned = bw_border_find_mac(segment, destination);
        bool any = false;

        for (guint i = 0; owned && i < way->bridge->ports->len; i++) {
                const BwPortPlan *port = way->bridge->ports->pdata[i];

                if (!bw_border_leads_to(segment, owned->site, port))
                        continue;
                any = true;
                if (port != way->in)
                        judge(judgments, way, port, BW_DIRECTION_OUT);
        }
        return any;
}

static void deliver(GArray *judgments, const Way *way) {
        BwMac destination = bw_frame_decode(way->frame, way->length).destination;
        const BwPortPlan *owner;

        if (way->out) {
                judge(judgments, way, way->out, BW_DIRECTION_OUT);
                return;
        }
        if (bw_mac_is_group(&destination)) {
                deliver_to_all(judgments, way);
                if (way->in)
                        deliver_to_host(judgments, way);
                return;
        }
        if (way->in && bw_mac_equal(&destination, &way->bridge->mac)) {
                deliver_to_host(judgments, way);
                return;
        }
        owner = bw_plan_find_owner_of_mac(way->plan, way->bridge, &destination);
        if (owner && owner != way->in)
                judge(judgments, way, owner, BW_DIRECTION_OUT);
        else if (!owner && !deliver_to_borders(judgments, way, &destination))
                deliver_to_all(judgments, way);
}

GArray *bw_explain(const BwPlan *plan, const char *in, const char *out, const uint8_t *frame,
                   gsize length, GError **error) {
        Way way = { .plan = plan, .frame = frame, .length = length };
        GArray *judgments;

        if (length > BW_EXPLAIN_MAX_FRAME) {
                g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                            "the frame has %" G_GSIZE_FORMAT
                            " bytes: more than %d are on no Ethernet",
                            length, BW_EXPLAIN_MAX_FRAME);
                return NULL;
        }
        if (!find_ends(&way, in, out, error))
                return NULL;
        judgments = g_array_new(FALSE, TRUE, sizeof(BwJudgment));
        if (way.in && judge(judgments, &way, way.in, BW_DIRECTION_IN) == BW_FATE_DROPPED)
                return judgments;
        deliver(judgments, &way);
        return judgments;
}

BwFate bw_explain_fate(const GArray *judgments) {
        BwFate sent = BW_FATE_PASSES, best = BW_FATE_DROPPED;
        guint receivers = 0;

        for (guint i = 0; i < judgments->len; i++) {
                const BwJudgment *judgment = &g_array_index(judgments, BwJudgment, i);

                if (judgment->direction == BW_DIRECTION_IN) {
                        sent = judgment->fate;
                        continue;
                }
                receivers++;
                best = MIN(best, judgment->fate);
        }
        return receivers > 0 ? MAX(sent, best) : sent;
}

const char *bw_fate_name(BwFate fate) {
        switch (fate) {
        case BW_FATE_PASSES:
                return "passes";
        case BW_FATE_MONITORED:
                return "monitored";
        case BW_FATE_DROPPED:
                return "dropped";
        }
        g_assert_not_reached();
}
