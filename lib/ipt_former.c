/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_former.h>
#include <string.h>

/* The whole rule is "-s ADDRESS -j RETURN". */
static bool passes_source(const BwIptRule *rule) {
        BwIptRule pass = { .source = rule->source, .target = BW_IPT_RETURN };

        return rule->source.length > 0 && bw_ipt_rule_equal(rule, &pass);
}

static bool passes_client(const BwIptRule *rule) {
        static const BwMac none = {};

        return rule->dhcp == BW_IPT_DHCP_REQUEST && !bw_mac_equal(&rule->sender, &none) &&
               (rule->target == BW_IPT_RETURN || rule->target == BW_IPT_GOTO);
}

void bw_ipt_former_add_own(const BwIptChain *chain, GArray *addresses, GArray *macs) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);

                if (passes_source(rule))
                        g_array_append_val(addresses, rule->source);
                else if (passes_client(rule))
                        g_array_append_val(macs, rule->sender);
        }
}

/* "bw-KIND-…", or "bw-KINDx-…" where the name is encoded. */
static bool is_of_kind(const char *name, const char *kind) {
        gsize length = strlen(kind);

        if (!g_str_has_prefix(name, "bw-") || strncmp(name + 3, kind, length) != 0)
                return false;
        name += 3 + length;
        return *name == '-' || (*name == 'x' && name[1] == '-');
}

bool bw_ipt_former_is_border(const BwIptChain *chain) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);
                BwIptRule ask = { .target = BW_IPT_GOTO };

                g_strlcpy(ask.chain, rule->chain, sizeof(ask.chain));
                if (is_of_kind(rule->chain, "ib") && bw_ipt_rule_equal(rule, &ask))
                        return true;
        }
        return false;
}

/* What borders were told of */

typedef struct Reader {
        GHashTable *chains; /* name -> BwIptChain *, lent */
        GPtrArray *borders; /* BwIptFormerBorder */
        GHashTable
                *led_to; /* name of a site's chain, lent -> GArray of guint: borders it lets in */
} Reader;

static void free_border(gpointer pointer) {
        BwIptFormerBorder *border = pointer;

        g_array_unref(border->addresses);
        g_free(border);
}

static BwIptFormerBorder *find_border(const GPtrArray *borders, const char *port) {
        for (guint i = 0; i < borders->len; i++)
                if (g_str_equal(((BwIptFormerBorder *) borders->pdata[i])->port, port))
                        return borders->pdata[i];
        return NULL;
}

/* The whole rule is "came in by PORT: to PORT's own denial". */
static bool denies_border(const BwIptRule *rule) {
        BwIptRule denial = { .physdev_kind = BW_IPT_PHYSDEV_IN, .target = BW_IPT_GOTO };

        memcpy(denial.physdev, rule->physdev, sizeof(denial.physdev));
        bw_ipt_port_chain("b", rule->physdev, denial.chain);
        return bw_ipt_rule_equal(rule, &denial);
}

static void add_border(GPtrArray *borders, const char *port) {
        BwIptFormerBorder *border;

        if (find_border(borders, port))
                return;
        border = g_new0(BwIptFormerBorder, 1);
        g_strlcpy(border->port, port, sizeof(border->port));
        border->addresses = g_array_new(FALSE, FALSE, sizeof(BwPrefix));
        g_ptr_array_add(borders, border);
}

/* All borders are among those who are denied what is somebody's, the closed ones among those who
 * are denied what is nobody's. */
static void list_denied(GPtrArray *borders, const BwIptChain *chain) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);

                if (!denies_border(rule))
                        continue;
                add_border(borders, rule->physdev);
                find_border(borders, rule->physdev)->is_closed |= is_of_kind(chain->name, "ic");
        }
}

static bool is_about(const BwIptRule *rule, const char *port) {
        BwIptRule any = { .target = rule->target };

        if (rule->foreign ||
            (rule->physdev_kind == BW_IPT_PHYSDEV_IN_PREFIX &&
             !g_str_has_prefix(port, rule->physdev)) ||
            (rule->physdev_kind == BW_IPT_PHYSDEV_IN && !g_str_equal(port, rule->physdev)))
                return false;
        any.physdev_kind = rule->physdev_kind;
        memcpy(any.physdev, rule->physdev, sizeof(any.physdev));
        memcpy(any.chain, rule->chain, sizeof(any.chain));
        return bw_ipt_rule_equal(rule, &any);
}

static const BwIptRule *find_verdict(const BwIptChain *chain, const char *port) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);

                if (is_about(rule, port))
                        return rule;
        }
        return NULL;
}

/* The kernel takes no chains that lead back to themselves; who has written them here may. */
static bool lets_in(const Reader *reader, const char *name, const char *port) {
        for (guint step = 0; step < g_hash_table_size(reader->chains); step++) {
                const BwIptChain *chain = g_hash_table_lookup(reader->chains, name);
                const BwIptRule *verdict =
                        chain && is_of_kind(name, "il") ? find_verdict(chain, port) : NULL;

                if (!verdict || verdict->target == BW_IPT_RETURN)
                        return verdict;
                if (verdict->target != BW_IPT_GOTO)
                        return false;
                name = verdict->chain;
        }
        return false;
}

/* Entries are many and sites are few. */
static const GArray *list_led_to(Reader *reader, const char *site) {
        GArray *led_to = g_hash_table_lookup(reader->led_to, site);

        if (led_to)
                return led_to;
        led_to = g_array_new(FALSE, FALSE, sizeof(guint));
        for (guint i = 0; i < reader->borders->len; i++)
                if (lets_in(reader, site, ((BwIptFormerBorder *) reader->borders->pdata[i])->port))
                        g_array_append_val(led_to, i);
        g_hash_table_insert(reader->led_to, (gpointer) site, led_to);
        return led_to;
}

/* The whole rule is "-s ADDRESS: to the chain of its site". */
static bool is_entry(const BwIptRule *rule) {
        BwIptRule entry = { .source = rule->source, .target = BW_IPT_GOTO };

        memcpy(entry.chain, rule->chain, sizeof(entry.chain));
        return rule->source.length > 0 && is_of_kind(rule->chain, "il") &&
               bw_ipt_rule_equal(rule, &entry);
}

static void add_entries(Reader *reader, const BwIptChain *chain) {
        for (guint i = 0; i < chain->rules->len; i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);
                const GArray *led_to;

                if (!is_entry(rule))
                        continue;
                led_to = list_led_to(reader, rule->chain);
                for (guint k = 0; k < led_to->len; k++) {
                        BwIptFormerBorder *border =
                                reader->borders->pdata[g_array_index(led_to, guint, k)];

                        g_array_append_val(border->addresses, rule->source);
                }
        }
}

GPtrArray *bw_ipt_former_list_borders(const GPtrArray *chains) {
        g_autoptr(GPtrArray) borders = g_ptr_array_new_with_free_func(free_border);
        g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GHashTable) led_to = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                                             (GDestroyNotify) g_array_unref);
        Reader reader = { by_name, borders, led_to };

        for (guint i = 0; i < chains->len; i++) {
                BwIptChain *chain = chains->pdata[i];

                g_hash_table_insert(by_name, chain->name, chain);
                if (is_of_kind(chain->name, "ie") || is_of_kind(chain->name, "ic"))
                        list_denied(borders, chain);
        }
        for (guint i = 0; i < chains->len; i++)
                if (is_of_kind(((BwIptChain *) chains->pdata[i])->name, "ib"))
                        add_entries(&reader, chains->pdata[i]);
        return g_steal_pointer(&borders);
}
