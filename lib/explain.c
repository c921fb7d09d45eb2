/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/border.h>
#include <bw/error.h>
#include <bw/explain.h>
#include <bw/frame.h>
#include <bw/owner.h>
#include <bw/text.h>
#include <string.h>

/* One frame on one bridge. */
typedef struct Way {
        const BwPlan *plan;
        const BwBridgePlan *bridge;
        const BwPortPlan *in;  /* NULL: the host */
        const BwPortPlan *out; /* NULL: wherever bridges take it */
        const BwBridgePlan *out_bridge;
        const uint8_t *frame;
        gsize length;
        BwFate so_far;
        GPtrArray *entered; /* BwBridgePlan */
        GArray *judgments;
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
                    "the ports are on two bridges, %s and %s, and no link joins them now: no frame "
                    "is bridged from one to the other",
                    first, second);
        return false;
}

static bool fail_blocked(const BwPortPlan *port, GError **error) {
        g_autofree char *name = bw_text_printable(port->name);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                    "no frame passes port %s now: spanning tree blocks it, or the other end of its "
                    "link. Ask again when it forwards; \"bridgewarden topology\" shows it",
                    name);
        return false;
}

static bool find_ends(Way *way, const char *in, const char *out, GError **error) {
        way->in = bw_plan_find_port(way->plan, in, &way->bridge);
        if (!way->in)
                way->bridge = find_bridge(way->plan, in);
        if (!way->bridge)
                return fail_absent(in, error);
        if (way->in && way->in->blocked)
                return fail_blocked(way->in, error);
        if (out[0] == '\0')
                return true;
        way->out = bw_plan_find_port(way->plan, out, &way->out_bridge);
        if (!way->out)
                return fail_absent(out, error);
        return !way->out->blocked || fail_blocked(way->out, error);
}

static BwFate fate_of(const BwVerdict *verdict) {
        if (verdict->reason == BW_REASON_NONE)
                return BW_FATE_PASSES;
        return verdict->drops ? BW_FATE_DROPPED : BW_FATE_MONITORED;
}

static BwJudgment *judgment_at(const Way *way, guint at) {
        return &g_array_index(way->judgments, BwJudgment, at);
}

/* What the host sends itself is not forwarded: the iptables engine stands in FORWARD alone. */
static BwFate judge(const Way *way, const BwPortPlan *port, BwDirection direction) {
        BwVerdict verdict =
                direction == BW_DIRECTION_IN
                        ? bw_evaluate_in(way->plan, way->bridge, port, way->frame, way->length)
                        : bw_evaluate_out(way->plan, way->bridge, port, way->frame, way->length);
        BwJudgment judgment = {
                .plan = way->plan,
                .bridge = way->bridge,
                .port = port,
                .direction = direction,
                .fate = fate_of(&verdict),
                .reason = verdict.reason,
                .detail = verdict.detail,
                .foreign = verdict.foreign,
                .ends = true,
        };

        judgment.so_far = MAX(way->so_far, judgment.fate);
        if (verdict.reason != BW_REASON_NONE)
                judgment.engines = bw_evaluate_engines(&verdict, way->frame, way->length) &
                                   (way->in ? BW_ENGINE_ALL : BW_ENGINE_BIT(BW_ENGINE_NFTABLES));
        g_array_append_val(way->judgments, judgment);
        return judgment.fate;
}

static void enter(const Way *way);

/* Out by one end is in by the other. A frame that comes to a bridge by two ways is told of once. */
static void cross(const Way *way, const BwPortPlan *port) {
        guint out = way->judgments->len - 1;
        Way beyond = *way;

        if (port->far_port == 0)
                return;
        beyond.in = bw_plan_find_port_by_ifindex(way->plan, port->far_port, &beyond.bridge);
        if (!beyond.in || g_ptr_array_find(way->entered, beyond.bridge, NULL))
                return;
        beyond.so_far = judgment_at(way, out)->so_far;
        judgment_at(way, out)->ends = false;
        enter(&beyond);
}

/* What the bridge does not give to a port, no rule sees. */
static void deliver_to(const Way *way, const BwPortPlan *port) {
        if (port->blocked)
                return;
        if (judge(way, port, BW_DIRECTION_OUT) != BW_FATE_DROPPED)
                cross(way, port);
}

static void deliver_to_host(const Way *way) {
        BwJudgment judgment = { .plan = way->plan,
                                .bridge = way->bridge,
                                .direction = BW_DIRECTION_OUT,
                                .so_far = way->so_far,
                                .ends = true };

        g_array_append_val(way->judgments, judgment);
}

static void deliver_to_all(const Way *way) {
        for (guint i = 0; i < way->bridge->ports->len; i++) {
                const BwPortPlan *port = way->bridge->ports->pdata[i];

                if (port != way->in)
                        deliver_to(way, port);
        }
}

/* To the borders behind which somebody of another bridge is. False: nobody knows of any here. */
static bool deliver_to_borders(const Way *way, const BwMac *destination) {
        const BwSegmentPlan *segment = way->plan->segments->pdata[way->bridge->segment];
        const BwOwnedMac *owned = bw_border_find_mac(segment, destination);
        bool any = false;

        for (guint i = 0; owned && i < way->bridge->ports->len; i++) {
                const BwPortPlan *port = way->bridge->ports->pdata[i];

                if (!bw_border_leads_to(segment, owned->site, port))
                        continue;
                any = true;
                if (port != way->in)
                        deliver_to(way, port);
        }
        return any;
}

/* The link of @bridge by which the other bridge is reached; each of @tried is asked once. */
static const BwPortPlan *find_link_to(const Way *way, const BwBridgePlan *bridge,
                                      GPtrArray *tried) {
        g_ptr_array_add(tried, (gpointer) bridge);
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];
                const BwBridgePlan *next = NULL;

                if (port->far_port == 0 ||
                    !bw_plan_find_port_by_ifindex(way->plan, port->far_port, &next) ||
                    g_ptr_array_find(tried, next, NULL))
                        continue;
                if (next == way->out_bridge || find_link_to(way, next, tried))
                        return port;
        }
        return NULL;
}

static const BwPortPlan *next_to(const Way *way) {
        g_autoptr(GPtrArray) tried = g_ptr_array_new();

        if (way->bridge == way->out_bridge)
                return way->out;
        return find_link_to(way, way->bridge, tried);
}

static void deliver(const Way *way) {
        BwMac destination = bw_frame_decode(way->frame, way->length).destination;
        const BwPortPlan *owner;

        if (way->out) {
                deliver_to(way, next_to(way));
                return;
        }
        if (bw_mac_is_group(&destination)) {
                deliver_to_all(way);
                if (way->in)
                        deliver_to_host(way);
                return;
        }
        if (way->in && bw_mac_equal(&destination, &way->bridge->mac)) {
                deliver_to_host(way);
                return;
        }
        owner = bw_plan_find_owner_of_mac(way->plan, way->bridge, &destination);
        if (owner && owner != way->in)
                deliver_to(way, owner);
        else if (!owner && !deliver_to_borders(way, &destination))
                deliver_to_all(way);
}

static void enter(const Way *way) {
        Way here = *way;
        guint in = way->judgments->len;

        g_ptr_array_add(way->entered, (gpointer) way->bridge);
        if (way->in) {
                if (judge(way, way->in, BW_DIRECTION_IN) == BW_FATE_DROPPED)
                        return;
                here.so_far = judgment_at(way, in)->so_far;
        }
        deliver(&here);
        if (way->in)
                judgment_at(way, in)->ends = way->judgments->len == in + 1;
}

GArray *bw_explain(const BwPlan *plan, const char *in, const char *out, const uint8_t *frame,
                   gsize length, GError **error) {
        g_autoptr(GPtrArray) entered = g_ptr_array_new();
        Way way = { .plan = plan, .frame = frame, .length = length, .entered = entered };

        if (length > BW_EXPLAIN_MAX_FRAME) {
                g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                            "the frame has %" G_GSIZE_FORMAT
                            " bytes: more than %d are on no Ethernet",
                            length, BW_EXPLAIN_MAX_FRAME);
                return NULL;
        }
        if (!find_ends(&way, in, out, error))
                return NULL;
        if (way.out && !next_to(&way)) {
                fail_apart(way.bridge, way.out_bridge, error);
                return NULL;
        }
        way.judgments = g_array_new(FALSE, TRUE, sizeof(BwJudgment));
        enter(&way);
        return way.judgments;
}

/* The best of what becomes of it wherever it ends. */
BwFate bw_explain_fate(const GArray *judgments) {
        BwFate best = judgments->len > 0 ? BW_FATE_DROPPED : BW_FATE_PASSES;

        for (guint i = 0; i < judgments->len; i++) {
                const BwJudgment *judgment = &g_array_index(judgments, BwJudgment, i);

                if (judgment->ends)
                        best = MIN(best, judgment->so_far);
        }
        return best;
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
