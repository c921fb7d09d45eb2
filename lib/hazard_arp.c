/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/hazard_writer.h>

/* More addresses than this are not named. */
#define MOST_NAMED 4

/* ip-sysctl.rst of the kernel: 1 and 2 answer for addresses of the interface alone, 8 for none; 3
 * for those of any that are not the host's own business, 4 to 7 are reserved and do as 0. With
 * arp_filter one interface answers, which is no riddle to anybody. */
static bool answers_for_others(const GArray *arp, int ifindex) {
        for (guint i = 0; arp && i < arp->len; i++) {
                const BwArpSetting *setting = &g_array_index(arp, BwArpSetting, i);

                if (setting->ifindex == ifindex)
                        return !setting->filter && setting->ignore >= 0 && setting->ignore != 1 &&
                               setting->ignore != 2 && setting->ignore != 8;
        }
        return false;
}

static bool contains(const GArray *prefixes, const BwPrefix *address) {
        for (guint i = 0; prefixes && i < prefixes->len; i++)
                if (bw_prefix_contains(&g_array_index(prefixes, BwPrefix, i), address))
                        return true;
        return false;
}

/* Guests ask for what is in a network of theirs; for anything else they ask a router. */
static bool is_asked_for(const BwBridgePlan *bridge, const BwPrefix *address) {
        return address->family == BW_FAMILY_IPV4 && contains(bridge->networks, address) &&
               !contains(bridge->addresses, address);
}

static guint name_addresses(const BwHazardWriter *writer, const BwBridgePlan *bridge,
                            const BwLink *link, guint named, GString *text) {
        g_autoptr(GArray) own = bw_model_list_addresses(writer->model, link->ifindex);

        for (guint i = 0; i < own->len; i++) {
                const BwPrefix *address = &g_array_index(own, BwHostAddress, i).address;
                g_autofree char *word = bw_prefix_print(address);

                if (!is_asked_for(bridge, address))
                        continue;
                if (named < MOST_NAMED)
                        g_string_append_printf(text, "%s%s of %s", named ? ", " : "", word,
                                               link->name);
                else if (named == MOST_NAMED)
                        g_string_append(text, " and more");
                named++;
        }
        return named;
}

void bw_hazard_add_arp_flux(BwHazardWriter *writer, const BwBridgePlan *bridge,
                            const BwLink *link) {
        g_autoptr(GPtrArray) links = NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        guint named = 0;

        if (!link->up || !answers_for_others(writer->host->arp, link->ifindex))
                return;
        links = bw_model_list_links(writer->model);
        for (guint i = 0; i < links->len; i++)
                if (links->pdata[i] != link)
                        named = name_addresses(writer, bridge, links->pdata[i], named, text);
        if (named == 0)
                return;
        bw_hazard_add(writer, BW_HAZARD_ARP_FLUX, bridge->name, bridge,
                      g_strdup_printf("The host answers ARP on bridge %s for addresses it has "
                                      "elsewhere (%s): guests take the bridge's MAC address for "
                                      "them, and reach them past the port or bridge they belong "
                                      "to. Let it answer for its own alone: sysctl -w "
                                      "net/ipv4/conf/%s/arp_ignore=1",
                                      bridge->name, text->str, bridge->name))
                ->ifindex = bridge->ifindex;
}
