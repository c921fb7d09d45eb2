/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/plan_claims.h>

typedef struct Claim {
        BwPrefix address;
        BwPortPlan *port;
        bool lost;
        unsigned rivals;
} Claim;

static int compare_claims(gconstpointer a, gconstpointer b) {
        const Claim *left = a, *right = b;

        return bw_prefix_compare(&left->address, &right->address);
}

static bool same_owner(const BwPortPlan *a, const BwPortPlan *b) {
        return a == b || (a->uuid[0] && g_str_equal(a->uuid, b->uuid));
}

/* Naming every rival of a network that is a mistake would fill the journal. */
#define MAX_NAMED 3

static void lose(Claim *claim, const BwPortPlan *other) {
        g_autofree char *address = bw_prefix_print(&claim->address);
        g_autofree char *former = claim->port->trouble;

        claim->lost = true;
        claim->port->contested = true;
        if (++claim->rivals > MAX_NAMED) {
                claim->port->trouble = g_steal_pointer(&former);
                return;
        }
        claim->port->trouble =
                g_strdup_printf("%s%saddress %s is also claimed by port %s", former ? former : "",
                                former ? "; " : "", address, other->name);
}

static GArray *list_claims(const BwBridgePlan *bridge) {
        GArray *claims = g_array_new(FALSE, TRUE, sizeof(Claim));

        for (guint i = 0; i < bridge->ports->len; i++) {
                BwPortPlan *port = bridge->ports->pdata[i];

                for (guint k = 0; port->state == BW_PORT_BOUND && k < port->addresses->len; k++) {
                        Claim claim = { .address = g_array_index(port->addresses, BwPrefix, k),
                                        .port = port };

                        g_array_append_val(claims, claim);
                }
        }
        g_array_sort(claims, compare_claims);
        return claims;
}

static void remove_lost(const Claim *claim) {
        GArray *addresses = claim->port->addresses;

        for (guint i = 0; i < addresses->len; i++) {
                if (!bw_prefix_equal(&g_array_index(addresses, BwPrefix, i), &claim->address))
                        continue;
                g_array_remove_index(addresses, i);
                break;
        }
        if (addresses->len == 0)
                claim->port->state = BW_PORT_CLOSED;
}

/* Both sides come from the configuration, so neither is stronger: the address is closed for both.
 * But a network that reaches over somebody's own address is the mistake, and loses alone. */
void bw_plan_settle_claims(BwBridgePlan *bridge) {
        g_autoptr(GArray) claims = list_claims(bridge);

        for (guint i = 0; i < claims->len; i++) {
                Claim *claim = &g_array_index(claims, Claim, i);

                /* Sorted, a prefix stands before all it contains. */
                for (guint k = i + 1; k < claims->len; k++) {
                        Claim *other = &g_array_index(claims, Claim, k);

                        if (!bw_prefix_overlaps(&claim->address, &other->address))
                                break;
                        if (same_owner(claim->port, other->port))
                                continue;
                        lose(claim, other->port);
                        if (claim->address.length == other->address.length)
                                lose(other, claim->port);
                }
        }
        for (guint i = 0; i < claims->len; i++)
                if (g_array_index(claims, Claim, i).lost)
                        remove_lost(&g_array_index(claims, Claim, i));
}
