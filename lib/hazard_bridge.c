/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/hazard_writer.h>
#include <bw/owner.h>
#include <bw/text.h>

#define CENTISECONDS 100

static bool is_to_mend(const BwBridgePlan *bridge, BwHazardKind kind) {
        return bridge->repair & BW_HAZARD_REPAIRABLE & BW_HAZARD_BIT(kind);
}

/* Of the bridge itself; @sentence is taken over. */
static BwHazard *add(BwHazardWriter *writer, BwHazardKind kind, const BwBridgePlan *bridge,
                     char *sentence) {
        BwHazard *hazard = bw_hazard_add(writer, kind, bridge->name, bridge, sentence);

        hazard->ifindex = bridge->ifindex;
        hazard->repairable = is_to_mend(bridge, kind);
        return hazard;
}

static void add_ageing(BwHazardWriter *writer, const BwBridgePlan *bridge, const BwLink *link) {
        /* While the spanning tree makes it short, nobody can tell what was set. */
        if (link->ageing_centiseconds >= BW_AGEING_LEAST_CENTISECONDS || link->topology_change)
                return;
        if (link->ageing_centiseconds == 0)
                add(writer, BW_HAZARD_HUB_MODE, bridge,
                    g_strdup_printf("Bridge %s has the ageing time 0 and sends every frame to all "
                                    "its ports, as a hub does. Set 300 s: ip link set dev %s type "
                                    "bridge ageing_time 30000",
                                    bridge->name, bridge->name));
        else
                add(writer, BW_HAZARD_SHORT_AGEING, bridge,
                    g_strdup_printf("Bridge %s forgets after %g s where a MAC address is, which "
                                    "is sooner than its neighbours ask again, and floods its "
                                    "frames. Set 60 s at least, 300 s is usual: ip link set dev %s "
                                    "type bridge ageing_time 30000",
                                    bridge->name, (double) link->ageing_centiseconds / CENTISECONDS,
                                    bridge->name));
}

/* Who listens */

static void add_word(GPtrArray *words, char *word) {
        if (g_ptr_array_find_with_equal_func(words, word, g_str_equal, NULL))
                g_free(word);
        else
                g_ptr_array_add(words, word);
}

static void add_listeners(GPtrArray *words, const GArray *listeners, int ifindex) {
        for (guint i = 0; listeners && i < listeners->len; i++) {
                const BwListener *listener = &g_array_index(listeners, BwListener, i);

                if (listener->ifindex != ifindex)
                        continue;
                if (listener->program)
                        add_word(words, g_strdup_printf("the program %s", listener->program));
                else if (listener->user)
                        add_word(words, g_strdup_printf("a program of user %s", listener->user));
                else
                        add_word(words, g_strdup("a program"));
        }
}

/* A bridge has no filter for a second MAC address: what stands on it with one of its own makes it
 * take in everything. */
static void add_uppers(GPtrArray *words, const BwModel *model, const BwLink *bridge) {
        g_autoptr(GPtrArray) links = bw_model_list_links(model);

        for (guint i = 0; i < links->len; i++) {
                const BwLink *link = links->pdata[i];

                if (link->lower == bridge->ifindex && !bw_mac_equal(&link->mac, &bridge->mac))
                        g_ptr_array_add(words, g_strdup_printf("the interface %s, which stands on "
                                                               "it with a MAC address of its own",
                                                               link->name));
        }
}

static char *name_causes(const BwHazardWriter *writer, const BwLink *bridge) {
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

        if (bridge->promiscuous)
                g_ptr_array_add(words, g_strdup("its own setting (promisc on)"));
        add_listeners(words, writer->host->listeners, bridge->ifindex);
        add_uppers(words, writer->model, bridge);
        if (words->len == 0)
                return g_strdup("something that cannot be told");
        g_ptr_array_add(words, NULL);
        return g_strjoinv(", ", (char **) words->pdata);
}

static void add_promiscuous(BwHazardWriter *writer, const BwBridgePlan *bridge,
                            const BwLink *link) {
        g_autofree char *causes = NULL;
        BwHazard *hazard;

        if (!link->promiscuous && link->promiscuity == 0)
                return;
        causes = name_causes(writer, link);
        hazard = add(writer, BW_HAZARD_PROMISCUOUS, bridge,
                     g_strdup_printf("The host takes in all that passes over bridge %s: it is "
                                     "promiscuous, by %s. Stop what listens, or: ip link set dev "
                                     "%s promisc off",
                                     bridge->name, causes, bridge->name));
        /* What others have asked for is theirs to give back. */
        hazard->repairable = hazard->repairable && link->promiscuous;
}

/* What the rules do not see */

static bool has_address(const BwBridgePlan *bridge) {
        for (guint i = 0; bridge->addresses && i < bridge->addresses->len; i++)
                if (!bw_owner_is_link_local(&g_array_index(bridge->addresses, BwPrefix, i)))
                        return true;
        return false;
}

/* The host's own output is nftables' to check. */
static void add_host_address(BwHazardWriter *writer, const BwBridgePlan *bridge) {
        unsigned engines = writer->host->engines;

        if (!(engines & BW_ENGINE_BIT(BW_ENGINE_IPTABLES)) ||
            (engines & BW_ENGINE_BIT(BW_ENGINE_NFTABLES)) || !has_address(bridge))
                return;
        add(writer, BW_HAZARD_HOST_ADDRESS, bridge,
            g_strdup_printf("The host has an address of its own on bridge %s, and the engine "
                            "iptables alone does not see what the host itself sends to the guests "
                            "there. Use the engine nftables, or take the address off the bridge",
                            bridge->name));
}

/* Others' rules */

static bool is_iptables(const BwForwardEnd *end) {
        return !end->table->nft ||
               (g_str_equal(end->hook->name, "FORWARD") &&
                g_str_equal(end->table->name, "filter") && !g_str_equal(end->table->nft, "inet"));
}

/* (transfer full): "chain FORWARD of nftables' table ip filter" */
static char *name_place(const BwForwardEnd *end) {
        const BwForwardTable *table = end->table;

        return table->nft ? g_strdup_printf("chain %s of nftables' table %s %s", end->chain->name,
                                            table->nft, table->name)
                          : g_strdup_printf("chain %s of legacy iptables' table %s",
                                            end->chain->name, table->name);
}

/* (transfer full): where what may pass can be said, in the words of who has made the table. */
static char *name_way_out(const BwForwardEnd *end, const char *bridge) {
        return is_iptables(end)
                       ? g_strdup("-I FORWARD -m physdev --physdev-is-bridged -j ACCEPT; with "
                                  "Docker in DOCKER-USER")
                       : g_strdup_printf("nft 'insert rule %s %s %s iifname \"%s\" oifname \"%s\" "
                                         "accept', or as the program says whose rules they are",
                                         end->table->nft, end->table->name, end->hook->name, bridge,
                                         bridge);
}

/* @ends, by family: where packets end; table NULL: they pass. */
static char *write_forward_drops(const BwBridgePlan *bridge, const BwForwardEnd ends[2]) {
        const BwForwardEnd *ipv4 = &ends[BW_FAMILY_IPV4], *ipv6 = &ends[BW_FAMILY_IPV6];
        const BwForwardEnd *first = ipv4->table ? ipv4 : ipv6;
        bool two = ipv4->table && ipv6->table && ipv4->chain != ipv6->chain;
        g_autofree char *place = name_place(first), *other = two ? name_place(ipv6) : NULL;
        g_autofree char *way_out = name_way_out(first, bridge->name);
        g_autofree char *sentence = g_strdup_printf(
                "Rules of others in FORWARD (%s) drop what guests send each other over bridge %s, "
                "as Docker's do, in %s%s%s: the guard lets it pass, they do not. Accept it there "
                "(%s), or use the engine nftables alone and switch the bridge's nf_call_iptables "
                "and nf_call_ip6tables off",
                !ipv6->table  ? "IPv4"
                : ipv4->table ? "IPv4 and IPv6"
                              : "IPv6",
                bridge->name, place, two ? " and " : "", two ? other : "", way_out);

        return bw_text_printable(sentence);
}

static void add_forward_drops(BwHazardWriter *writer, const BwBridgePlan *bridge) {
        static const BwBridgeSwitch switches[] = {
                [BW_FAMILY_IPV4] = BW_SWITCH_NF_CALL_IPTABLES,
                [BW_FAMILY_IPV6] = BW_SWITCH_NF_CALL_IP6TABLES,
        };
        const BwHostState *host = writer->host;
        unsigned calls = bridge->switches | host->calls;
        BwForwardEnd ends[2] = {};
        bool drops = false;

        for (unsigned family = BW_FAMILY_IPV4; family <= BW_FAMILY_IPV6; family++)
                drops |= (calls & BW_SWITCH_BIT(switches[family])) &&
                         bw_forward_drops(host->forward, (BwFamily) family, bridge->name,
                                          bridge->ifindex, &ends[family]);
        if (host->br_netfilter && drops)
                add(writer, BW_HAZARD_FORWARD_DROPS, bridge, write_forward_drops(bridge, ends));
}

static bool owns(const GArray *addresses, const BwPrefix *wanted) {
        for (guint i = 0; addresses && i < addresses->len; i++)
                if (bw_prefix_contains(&g_array_index(addresses, BwPrefix, i), wanted))
                        return true;
        return false;
}

/* What nobody has may be behind any uplink. */
static bool may_have(const BwPortPlan *port, const BwPrefix *wanted) {
        return port->role == BW_ROLE_UPLINK || owns(port->addresses, wanted);
}

static bool bridge_has(const BwBridgePlan *bridge, const BwPrefix *wanted) {
        for (guint i = 0; i < bridge->ports->len; i++)
                if (may_have(bridge->ports->pdata[i], wanted))
                        return true;
        return owns(bridge->addresses, wanted);
}

static bool segment_has(const BwPlan *plan, const BwBridgePlan *bridge, const BwPrefix *wanted) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *other = plan->bridges->pdata[i];

                if (other->segment == bridge->segment && bridge_has(other, wanted))
                        return true;
        }
        return false;
}

static void add_gateways(BwHazardWriter *writer, const BwBridgePlan *bridge) {
        g_autoptr(GString) missing = g_string_new(NULL);

        for (guint i = 0; bridge->gateways && i < bridge->gateways->len; i++) {
                const BwPrefix *gateway = &g_array_index(bridge->gateways, BwPrefix, i);
                g_autofree char *text = bw_prefix_print(gateway);

                if (!segment_has(writer->plan, bridge, gateway))
                        g_string_append_printf(missing, "%s%s", missing->len ? ", " : "", text);
        }
        if (missing->len == 0)
                return;
        add(writer, BW_HAZARD_NO_GATEWAY, bridge,
            g_strdup_printf("Gateway= of bridge %s names %s, which no port has, and there is no "
                            "uplink it could be behind: nobody may claim it, and the guests find "
                            "no gateway. Give it to its port with Addresses=, or declare the port "
                            "it is behind with Role=uplink",
                            bridge->name, missing->str));
}

/* Ports */

static void add_hairpin(BwHazardWriter *writer, const BwBridgePlan *bridge, const BwLink *port) {
        BwHazard *hazard;

        if (!(port->flags & BW_FLAG_BIT(BW_FLAG_HAIRPIN)))
                return;
        hazard = bw_hazard_add(writer, BW_HAZARD_HAIRPIN, port->name, bridge,
                               g_strdup_printf("Port %s on %s gives frames back to where they came "
                                               "from (hairpin): what is behind it meets its own "
                                               "frames, and loops can begin. Unless it is meant: "
                                               "bridge link set dev %s hairpin off",
                                               port->name, bridge->name, port->name));
        hazard->ifindex = port->ifindex;
        hazard->repairable = is_to_mend(bridge, BW_HAZARD_HAIRPIN);
}

static bool is_checked(const BwPortPlan *port) {
        return port->state == BW_PORT_BORDER || bw_port_state_is_guarded(port->state);
}

static void add_ports(BwHazardWriter *writer, const BwBridgePlan *bridge) {
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];
                const BwLink *link = bw_model_find_link(writer->model, port->ifindex);

                if (!link)
                        continue;
                add_hairpin(writer, bridge, link);
                if (is_checked(port))
                        bw_hazard_add_programs(writer, bridge, link, "port");
        }
}

/* A loop is its bridges' matter: any of them can cut it. */
static void add_loop(BwHazardWriter *writer, const BwBridgePlan *bridge) {
        g_autoptr(GString) ports = g_string_new(NULL);

        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];

                if (bw_topology_is_in_loop(writer->topology, port->ifindex) ||
                    bw_topology_is_short_circuit(writer->topology, port->ifindex))
                        g_string_append_printf(ports, "%s%s", ports->len ? ", " : "", port->name);
        }
        if (ports->len == 0)
                return;
        add(writer, BW_HAZARD_LOOP, bridge,
            g_strdup_printf("Bridge %s is reached by more than one way, by its ports %s, and no "
                            "spanning tree cuts the loop: frames go round in it without end. Take "
                            "one of the pairs away, or: ip link set dev %s type bridge stp_state 1",
                            bridge->name, ports->str, bridge->name));
}

void bw_hazard_add_bridges(BwHazardWriter *writer) {
        for (guint i = 0; i < writer->plan->bridges->len; i++) {
                const BwBridgePlan *bridge = writer->plan->bridges->pdata[i];
                const BwLink *link = bw_model_find_link(writer->model, bridge->ifindex);

                if (!link)
                        continue;
                add_ageing(writer, bridge, link);
                add_promiscuous(writer, bridge, link);
                add_host_address(writer, bridge);
                bw_hazard_add_arp_flux(writer, bridge, link);
                add_forward_drops(writer, bridge);
                add_gateways(writer, bridge);
                bw_hazard_add_programs(writer, bridge, link, "bridge");
                add_ports(writer, bridge);
                add_loop(writer, bridge);
        }
}
