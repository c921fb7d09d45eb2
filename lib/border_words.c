/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/border_words.h>

#include <bw/border.h>
#include <bw/owner.h>
#include <bw/text.h>

/* What is asked about. */
typedef struct Question {
        const BwPlan *plan;
        const BwBridgePlan *bridge;
        const BwPortPlan *border;
        const BwForeign *foreign;
        const BwSegmentPlan *segment;
        GString *text;
} Question;

static void append_name(GString *text, const char *name) {
        g_autofree char *shown = bw_text_printable(name);

        g_string_append(text, shown);
}

static void append_claim(const Question *the) {
        g_autofree char *address = NULL;
        char mac[BW_MAC_TEXT_SIZE];

        if (the->foreign->kind == BW_FOREIGN_MAC) {
                g_string_append(the->text, bw_mac_print(&the->foreign->mac, mac));
                return;
        }
        address = bw_prefix_print(&the->foreign->address);
        g_string_append(the->text, address);
}

/* NULL: nobody's. */
static const BwSitePlan *find_site(const Question *the) {
        const BwOwnedAddress *address;
        const BwOwnedMac *mac;

        if (the->foreign->kind == BW_FOREIGN_MAC) {
                mac = bw_border_find_mac(the->segment, &the->foreign->mac);
                return mac ? the->segment->sites->pdata[mac->site] : NULL;
        }
        address = bw_border_find_address(the->segment, &the->foreign->address);
        return address ? the->segment->sites->pdata[address->site] : NULL;
}

/* A MAC makes a link-local address likely. */
static const BwPortPlan *find_maker(const Question *the, const BwPrefix *address) {
        for (guint i = 0; i < the->segment->bridges->len; i++) {
                const BwBridgePlan *bridge = the->segment->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        const BwPortPlan *port = bridge->ports->pdata[k];

                        for (guint m = 0; m < port->macs->len; m++) {
                                BwPrefix made = bw_owner_derive_link_local(
                                        &g_array_index(port->macs, BwMac, m));

                                if (bw_prefix_equal(&made, address))
                                        return port;
                        }
                }
        }
        return NULL;
}

static const BwPortPlan *find_owner(const Question *the) {
        const BwPortPlan *owner;

        if (the->foreign->kind == BW_FOREIGN_MAC)
                return bw_plan_find_segment_owner_of_mac(the->plan, the->bridge,
                                                         &the->foreign->mac);
        owner = bw_plan_find_segment_owner_of_address(the->plan, the->bridge,
                                                      &the->foreign->address);
        return owner ? owner : find_maker(the, &the->foreign->address);
}

static void append_port(const Question *the, const BwPortPlan *owner) {
        const BwBridgePlan *bridge = NULL;

        bw_plan_find_port(the->plan, owner->name, &bridge);
        g_string_append(the->text,
                        owner->state == BW_PORT_BORDER ? " is declared behind " : " belongs to ");
        append_name(the->text, owner->name);
        g_string_append(the->text, " on ");
        append_name(the->text, bridge->name);
        if (!owner->guest)
                return;
        g_string_append(the->text, " (guest ");
        append_name(the->text, owner->guest);
        g_string_append_c(the->text, ')');
}

static bool is_gateway(const Question *the) {
        const GArray *gateways = the->segment->gateways;

        for (guint i = 0; the->foreign->kind == BW_FOREIGN_ADDRESS && i < gateways->len; i++)
                if (bw_prefix_equal(&g_array_index(gateways, BwPrefix, i), &the->foreign->address))
                        return true;
        return false;
}

static void append_leads(const Question *the, const BwSitePlan *site) {
        guint n = site->leads->len;

        if (n == 0) {
                g_string_append(the->text, ", and no border leads there");
                return;
        }
        for (guint i = 0; i < n; i++) {
                g_string_append(the->text, i == 0 ? ", and " : i + 1 < n ? ", " : " and ");
                append_name(the->text, ((const BwPortPlan *) site->leads->pdata[i])->name);
        }
        g_string_append(the->text, n == 1 ? " leads there, not " : " lead there, not ");
        append_name(the->text, the->border->name);
}

char *bw_border_words(const BwPlan *plan, const BwBridgePlan *bridge, const BwPortPlan *border,
                      const BwForeign *foreign) {
        Question question = { .plan = plan,
                              .bridge = bridge,
                              .border = border,
                              .foreign = foreign,
                              .segment = plan->segments->pdata[bridge->segment] },
                 *the = &question;
        const BwPortPlan *owner;
        const BwSitePlan *site;

        if (foreign->kind == BW_FOREIGN_NOTHING)
                return NULL;
        the->text = g_string_new(NULL);
        append_claim(the);
        site = find_site(the);
        if (!site) {
                g_string_append(the->text, " is nobody's here, and the border ");
                append_name(the->text, border->name);
                g_string_append(the->text, " is closed");
                return g_string_free(the->text, FALSE);
        }
        owner = find_owner(the);
        if (owner)
                append_port(the, owner);
        else
                g_string_append(the->text, is_gateway(the) ? " is the gateway's, which no port has"
                                                           : " is the host's own");
        append_leads(the, site);
        return g_string_free(the->text, FALSE);
}
