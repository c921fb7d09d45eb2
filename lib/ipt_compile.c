/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/address_tree.h>
#include <bw/ipt_compile.h>
#include <bw/name_tree.h>
#include <string.h>

/* What differs between the two tables. */
typedef struct Side {
        BwDirection direction;
        const char *port_kind, *node_kind, *stranger_kind, *address_kind;
        BwIptPhysdev exact, prefix, not_ours;
} Side;

static const Side sides[BW_IPT_TABLE_MAX] = {
        [BW_IPT_RAW] = { BW_DIRECTION_IN, "i", "it", "is", "ia", BW_IPT_PHYSDEV_IN,
                         BW_IPT_PHYSDEV_IN_PREFIX, BW_IPT_PHYSDEV_NOT_IN },
        [BW_IPT_MANGLE] = { BW_DIRECTION_OUT, "o", "ot", "os", "oa", BW_IPT_PHYSDEV_OUT,
                            BW_IPT_PHYSDEV_OUT_PREFIX, BW_IPT_PHYSDEV_NOT_BRIDGED },
};

typedef struct Compiler {
        const Side *side;
        const BwPlan *plan;
        const BwBridgePlan *bridge;
        GPtrArray *chains;
} Compiler;

static const BwPrefix limited_broadcast = { BW_FAMILY_IPV4, 32, { 255, 255, 255, 255 } };
static const BwPrefix multicast = { BW_FAMILY_IPV4, 4, { 224 } };

static BwIptChain *add_chain(Compiler *compiler, const char *name) {
        BwIptChain *chain = bw_ipt_chain_new(name);

        g_ptr_array_add(compiler->chains, chain);
        return chain;
}

static void say(BwIptChain *chain, BwIptRule rule) {
        g_array_append_val(chain->rules, rule);
}

static void say_goto(BwIptChain *chain, BwIptRule rule, const char *target) {
        rule.target = BW_IPT_GOTO;
        g_strlcpy(rule.chain, target, sizeof(rule.chain));
        say(chain, rule);
}

/* A deny is always a pair: report what the limit lets through, then the verdict, whose counter
 * knows the whole sum. @match says what is denied. */
static void deny(Compiler *compiler, BwIptChain *chain, BwIptRule match, BwReason reason,
                 BwMode mode) {
        match.reason = reason;
        match.direction = compiler->side->direction;
        match.drops = mode == BW_MODE_ENFORCE;

        match.target = BW_IPT_NFLOG;
        match.log_rate = compiler->plan->log_rate;
        say(chain, match);

        match.target = match.drops ? BW_IPT_DROP : BW_IPT_RETURN;
        match.log_rate = 0;
        say(chain, match);
}

static void pass_dhcp(BwIptChain *chain, const BwPortPlan *port, BwIptDhcp dhcp, BwIptRule rule) {
        rule.dhcp = dhcp;
        if (dhcp == BW_IPT_DHCP_REQUEST) {
                rule.source = (BwPrefix){ BW_FAMILY_IPV4, 32, {} };
                rule.destination = limited_broadcast;
        }
        for (guint i = 0; i < port->macs->len; i++) {
                rule.mac = g_array_index(port->macs, BwMac, i);
                say(chain, rule);
        }
}

static BwIptChain *add_port_chain(Compiler *compiler, const char *kind, const BwPortPlan *port) {
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        bw_ipt_port_chain(kind, port->name, name);
        chain = add_chain(compiler, name);
        g_strlcpy(chain->bridge, compiler->bridge->name, sizeof(chain->bridge));
        g_strlcpy(chain->port, port->name, sizeof(chain->port));
        return chain;
}

static bool is_ipv4(const BwPrefix *prefix) {
        return prefix->family == BW_FAMILY_IPV4;
}

/* What the port's owner may send: from its own addresses, and a DHCP client's first words. */
static void write_in(Compiler *compiler, const BwPortPlan *port) {
        BwIptChain *chain = add_port_chain(compiler, "i", port);

        for (guint i = 0; port->state == BW_PORT_BOUND && i < port->addresses->len; i++) {
                BwPrefix *own = &g_array_index(port->addresses, BwPrefix, i);

                if (is_ipv4(own))
                        say(chain, (BwIptRule){ .source = *own, .target = BW_IPT_RETURN });
        }
        if (port->state != BW_PORT_CLOSED)
                pass_dhcp(chain, port, BW_IPT_DHCP_REQUEST, (BwIptRule){ .target = BW_IPT_RETURN });
        deny(compiler, chain, (BwIptRule){},
             port->state == BW_PORT_BOUND ? BW_REASON_SPOOFED_IP : BW_REASON_UNBOUND, port->mode);
}

static BwPrefix directed_broadcast(const BwPrefix *network) {
        BwPrefix broadcast = { BW_FAMILY_IPV4, 32, {} };

        for (unsigned bit = 0; bit < 32; bit++) {
                uint8_t mask = (uint8_t) (0x80 >> bit % 8);

                broadcast.bytes[bit / 8] |=
                        bit < network->length ? network->bytes[bit / 8] & mask : mask;
        }
        return broadcast;
}

static void deliver(BwIptChain *chain, BwPrefix destination, const char *next) {
        say_goto(chain, (BwIptRule){ .destination = destination }, next);
}

/* Deliverable: own addresses, broadcast, multicast, a DHCP reply for an own MAC. */
static void write_deliverable(Compiler *compiler, BwIptChain *chain, const BwPortPlan *port,
                              const char *next) {
        for (guint i = 0; i < port->addresses->len; i++) {
                BwPrefix *own = &g_array_index(port->addresses, BwPrefix, i);

                if (is_ipv4(own))
                        deliver(chain, *own, next);
        }
        deliver(chain, limited_broadcast, next);
        deliver(chain, multicast, next);
        for (guint i = 0; i < compiler->bridge->networks->len; i++) {
                BwPrefix *network = &g_array_index(compiler->bridge->networks, BwPrefix, i);

                /* RFC 3021: networks of two addresses or one have no broadcast. */
                if (is_ipv4(network) && network->length < 31)
                        deliver(chain, directed_broadcast(network), next);
        }
}

/* Deliverable is not enough: what comes back from the port's own address is a reflection. */
static void write_reflected(Compiler *compiler, const BwPortPlan *port) {
        BwIptChain *chain = add_port_chain(compiler, "r", port);

        for (guint i = 0; i < port->addresses->len; i++) {
                BwPrefix *own = &g_array_index(port->addresses, BwPrefix, i);

                if (is_ipv4(own))
                        deny(compiler, chain, (BwIptRule){ .source = *own }, BW_REASON_REFLECTED,
                             port->mode);
        }
}

/* What the port's owner may receive. */
static void write_out(Compiler *compiler, const BwPortPlan *port) {
        BwIptChain *chain = add_port_chain(compiler, "o", port);
        BwIptRule pass = { .target = BW_IPT_RETURN };

        if (port->state == BW_PORT_BOUND) {
                pass.target = BW_IPT_GOTO;
                bw_ipt_port_chain("r", port->name, pass.chain);
                write_deliverable(compiler, chain, port, pass.chain);
                write_reflected(compiler, port);
        }
        if (port->state != BW_PORT_CLOSED)
                pass_dhcp(chain, port, BW_IPT_DHCP_REPLY, pass);
        deny(compiler, chain, (BwIptRule){},
             port->state == BW_PORT_BOUND ? BW_REASON_MISDELIVERED : BW_REASON_UNBOUND, port->mode);
}

/* Chains of a former run: their names must be there to lead to, their rules stay as they are. */
static void keep_port(Compiler *compiler, const BwPortPlan *port) {
        if (compiler->side->direction == BW_DIRECTION_IN) {
                add_port_chain(compiler, "i", port)->opaque = true;
                return;
        }
        add_port_chain(compiler, "o", port)->opaque = true;
        add_port_chain(compiler, "r", port)->opaque = true;
}

static void write_port(Compiler *compiler, const BwPortPlan *port) {
        if (!bw_port_state_checks_ip(port->state))
                return;
        if (port->state == BW_PORT_INHERITED) {
                keep_port(compiler, port);
                return;
        }
        if (compiler->side->direction == BW_DIRECTION_IN)
                write_in(compiler, port);
        else
                write_out(compiler, port);
}

/* Whom nobody has declared. Packets that met no bridge port at all are not the guard's business. */
static void write_strangers(Compiler *compiler, const char *name) {
        BwIptChain *chain = add_chain(compiler, name);

        g_strlcpy(chain->bridge, compiler->bridge->name, sizeof(chain->bridge));
        if (compiler->bridge->unknown_ports == BW_UNKNOWN_PORTS_ACCEPT)
                return;
        say(chain,
            (BwIptRule){ .physdev_kind = compiler->side->not_ours, .target = BW_IPT_RETURN });
        deny(compiler, chain, (BwIptRule){}, BW_REASON_UNBOUND,
             compiler->bridge->unknown_ports == BW_UNKNOWN_PORTS_DROP ? BW_MODE_ENFORCE
                                                                      : BW_MODE_MONITOR);
}

static void write_leaf(Compiler *compiler, BwIptChain *chain, BwIptRule rule, const char *name) {
        const BwPortPlan *port = bw_plan_find_port(compiler->plan, name, NULL);

        rule.physdev_kind = compiler->side->exact;
        if (bw_port_state_checks_ip(port->state)) {
                rule.target = BW_IPT_GOTO;
                bw_ipt_port_chain(compiler->side->port_kind, name, rule.chain);
        } else {
                rule.target = BW_IPT_RETURN;
        }
        say(chain, rule);
}

static void write_node(Compiler *compiler, const BwNameNode *node, const char *strangers) {
        const char *bridge = compiler->bridge->name;
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        bw_ipt_node_chain(compiler->side->node_kind, bridge, node->prefix, name);
        chain = add_chain(compiler, name);
        for (guint i = 0; i < node->branches->len; i++) {
                const BwNameBranch *branch = &g_array_index(node->branches, BwNameBranch, i);
                BwIptRule rule = {};

                memcpy(rule.physdev, branch->name, sizeof(rule.physdev));
                if (!branch->is_node) {
                        write_leaf(compiler, chain, rule, branch->name);
                        continue;
                }
                rule.physdev_kind = compiler->side->prefix;
                bw_ipt_node_chain(compiler->side->node_kind, bridge, branch->name, name);
                say_goto(chain, rule, name);
        }
        say_goto(chain, (BwIptRule){}, strangers);
}

static void write_tree(Compiler *compiler, const char *strangers) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        g_autoptr(GPtrArray) nodes = NULL;

        for (guint i = 0; i < compiler->bridge->ports->len; i++) {
                BwPortPlan *port = compiler->bridge->ports->pdata[i];

                if (port->state != BW_PORT_STRANGER)
                        g_ptr_array_add(names, port->name);
        }
        nodes = bw_name_tree_new((const char *const *) names->pdata, names->len);
        for (guint i = 0; i < nodes->len; i++)
                write_node(compiler, nodes->pdata[i], strangers);
}

/* The short way: who uses a single address of his own at his own port has nothing to fear from the
 * guard, and a tree over addresses finds that out for a quarter of what the name tree costs.
 * Whatever it does not find goes on to the name tree and is judged there. */

typedef struct Owner {
        uint32_t address; /* host byte order */
        BwPrefix prefix;
        const BwPortPlan *port;
} Owner;

static int compare_owners(gconstpointer a, gconstpointer b) {
        const Owner *left = a, *right = b;

        if (left->address != right->address)
                return left->address < right->address ? -1 : 1;
        return strcmp(left->port->name, right->port->name);
}

static uint32_t number_of(const BwPrefix *address) {
        const uint8_t *bytes = address->bytes;

        return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 |
               bytes[3];
}

/* Of a bound port: its single addresses. Whole networks keep to the long way. */
static void list_owner(GArray *owners, const BwPortPlan *port) {
        for (guint i = 0; port->state == BW_PORT_BOUND && i < port->addresses->len; i++) {
                BwPrefix *own = &g_array_index(port->addresses, BwPrefix, i);

                if (is_ipv4(own) && own->length == 32)
                        g_array_append_val(owners, ((Owner){ number_of(own), *own, port }));
        }
}

static GArray *list_owners(const BwBridgePlan *bridge) {
        GArray *owners = g_array_new(FALSE, FALSE, sizeof(Owner));

        for (guint i = 0; i < bridge->ports->len; i++)
                list_owner(owners, bridge->ports->pdata[i]);
        g_array_sort(owners, compare_owners);
        return owners;
}

static BwPrefix prefix_of(const BwAddressNode *node) {
        uint32_t base = node->base;

        return (BwPrefix){ BW_FAMILY_IPV4,
                           node->length,
                           { (uint8_t) (base >> 24), (uint8_t) (base >> 16), (uint8_t) (base >> 8),
                             (uint8_t) base } };
}

static void address_chain(const Compiler *compiler, const BwAddressNode *node,
                          char name[static BW_IPT_CHAIN_SIZE]) {
        char place[16];

        g_snprintf(place, sizeof(place), "%08x-%u", node->base, node->length);
        bw_ipt_node_chain(compiler->side->address_kind, compiler->bridge->name, place, name);
}

/* The address the side looks at: the source of what comes in, the destination of what goes out. */
static BwIptRule address_rule(const Compiler *compiler, BwPrefix prefix) {
        if (compiler->side->direction == BW_DIRECTION_IN)
                return (BwIptRule){ .source = prefix };
        return (BwIptRule){ .destination = prefix };
}

/* The same rule the port's own chain begins with, at the end of the short way. */
static void write_owner(Compiler *compiler, BwIptChain *chain, const Owner *owner) {
        BwIptRule rule = address_rule(compiler, owner->prefix);

        rule.physdev_kind = compiler->side->exact;
        g_strlcpy(rule.physdev, owner->port->name, sizeof(rule.physdev));
        if (compiler->side->direction == BW_DIRECTION_IN) {
                rule.target = BW_IPT_RETURN;
        } else {
                rule.target = BW_IPT_GOTO;
                bw_ipt_port_chain("r", owner->port->name, rule.chain);
        }
        say(chain, rule);
}

static void write_address_node(Compiler *compiler, const GPtrArray *nodes,
                               const BwAddressNode *node, const GArray *owners, const char *tree) {
        char name[BW_IPT_CHAIN_SIZE];
        BwIptChain *chain;

        address_chain(compiler, node, name);
        chain = add_chain(compiler, name);
        for (guint i = 0; i < node->children->len; i++) {
                const BwAddressNode *child = nodes->pdata[g_array_index(node->children, guint, i)];

                address_chain(compiler, child, name);
                say_goto(chain, address_rule(compiler, prefix_of(child)), name);
        }
        for (gsize i = 0; i < node->n; i++)
                write_owner(compiler, chain, &g_array_index(owners, Owner, node->first + i));
        say_goto(chain, (BwIptRule){}, tree);
}

/* Writes the name of the chain to begin with into @start. */
static void write_addresses(Compiler *compiler, const char *tree,
                            char start[static BW_IPT_CHAIN_SIZE]) {
        g_autoptr(GArray) owners = list_owners(compiler->bridge);
        g_autofree uint32_t *addresses = g_new(uint32_t, owners->len);
        g_autoptr(GPtrArray) nodes = NULL;

        for (guint i = 0; i < owners->len; i++)
                addresses[i] = g_array_index(owners, Owner, i).address;
        nodes = bw_address_tree_new(addresses, owners->len);
        for (guint i = 0; i < nodes->len; i++)
                write_address_node(compiler, nodes, nodes->pdata[i], owners, tree);
        if (nodes->len > 0)
                address_chain(compiler, nodes->pdata[0], start);
        else
                g_strlcpy(start, tree, BW_IPT_CHAIN_SIZE);
}

static void write_bridge(Compiler *compiler, BwIptChain *root) {
        const char *bridge = compiler->bridge->name;
        char strangers[BW_IPT_CHAIN_SIZE], tree[BW_IPT_CHAIN_SIZE], start[BW_IPT_CHAIN_SIZE];
        BwIptRule rule = {};

        bw_ipt_port_chain(compiler->side->stranger_kind, bridge, strangers);
        bw_ipt_node_chain(compiler->side->node_kind, bridge, "", tree);
        if (compiler->side->direction == BW_DIRECTION_IN)
                g_strlcpy(rule.in_bridge, bridge, sizeof(rule.in_bridge));
        else
                g_strlcpy(rule.out_bridge, bridge, sizeof(rule.out_bridge));
        write_addresses(compiler, tree, start);
        say_goto(root, rule, start);

        write_strangers(compiler, strangers);
        write_tree(compiler, strangers);
        for (guint i = 0; i < compiler->bridge->ports->len; i++)
                write_port(compiler, compiler->bridge->ports->pdata[i]);
}

static int by_name(gconstpointer a, gconstpointer b) {
        const BwIptChain *const *left = a, *const *right = b;

        return strcmp((*left)->name, (*right)->name);
}

GPtrArray *bw_ipt_compile(const BwPlan *plan, BwIptTable table) {
        Compiler compiler = {
                .side = &sides[table],
                .plan = plan,
                .chains = g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_chain_free),
        };
        BwIptChain *root = add_chain(&compiler, bw_ipt_table_root(table));

        for (guint i = 0; i < plan->bridges->len; i++) {
                compiler.bridge = plan->bridges->pdata[i];
                write_bridge(&compiler, root);
        }
        g_ptr_array_sort(compiler.chains, by_name);
        return compiler.chains;
}

const BwIptChain *bw_ipt_find_chain(const GPtrArray *chains, const char *name) {
        guint low = 0, high = chains->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;
                int order = strcmp(((const BwIptChain *) chains->pdata[middle])->name, name);

                if (order == 0)
                        return chains->pdata[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}
