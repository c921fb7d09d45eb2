/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_sites.h>
#include <bw/nft_table.h>
#include <bw/owner.h>
#include <bw/text.h>
#include <string.h>

#define NOWHERE G_MAXUINT
#define LONGEST 16
/* Room for a range, and for where it leads. */
#define ELEMENT_SIZE 128

/* One segment's entry, of all segments' in one order. */
typedef struct Entry {
        BwPrefix prefix;
        guint segment, site;
} Entry;

typedef struct MacEntry {
        BwMac mac;
        guint segment, site;
} MacEntry;

typedef struct Border {
        const BwPortPlan *port;
        GRefString *quoted; /* its name: as many lists have it as there are sites */
} Border;

typedef struct Scope {
        const BwSegmentPlan *segment;
        GArray *borders; /* Border, those whose names can be written, sorted by name */
} Scope;

/* What a site of the table is made of, as hashed: how many words follow, a site in each segment,
 * and whether what nobody owns falls at closed borders. */
typedef guint PlaceKey;

static guint hash_place(gconstpointer pointer) {
        const PlaceKey *key = pointer;
        guint hash = 5381;

        for (guint i = 1; i <= key[0]; i++)
                hash = hash * 33 + key[i];
        return hash;
}

static gboolean is_same_place(gconstpointer a, gconstpointer b) {
        const PlaceKey *left = a, *right = b;

        return memcmp(left, right, sizeof(PlaceKey) * (left[0] + 1)) == 0;
}

typedef struct Builder {
        BwNftSites *sites;
        GArray *scopes;        /* Scope: segments that have borders */
        GHashTable *by_place;  /* PlaceKey -> number of the table's site */
        GHashTable *by_barred; /* names in one text -> number */
        GArray *open;          /* Network, each in the one before */
        guint *key;            /* room for one of by_place */
        guint *places;         /* of what is walked over now */
        GPtrArray *ways;       /* char *: how an element ends, by the number of its site */
} Builder;

/* Where in each segment something is: a site, or NOWHERE. */
typedef guint *Places;

/* What is around it is at @outer; NULL: nothing is. */
static void start_places(const Builder *builder, Places places, const guint *outer) {
        gsize size = sizeof(guint) * builder->scopes->len;

        if (outer)
                memcpy(places, outer, size);
        else
                memset(places, 0xff, size);
}

static bool is_somewhere(const Builder *builder, const guint *places) {
        for (guint i = 0; i < builder->scopes->len; i++)
                if (places[i] != NOWHERE)
                        return true;
        return false;
}

static bool is_everywhere(const Builder *builder, const guint *places) {
        for (guint i = 0; i < builder->scopes->len; i++)
                if (places[i] == NOWHERE)
                        return false;
        return true;
}

/* Which borders bar it */

/* Asked for one port after the other, in the order of their names, which is that of leads, too. */
static bool leads_next(const Scope *scope, guint site, const BwPortPlan *port, guint *lead) {
        const GPtrArray *leads = ((const BwSitePlan *) scope->segment->sites->pdata[site])->leads;

        while (*lead < leads->len &&
               strcmp(((const BwPortPlan *) leads->pdata[*lead])->name, port->name) < 0)
                (*lead)++;
        return *lead < leads->len && leads->pdata[*lead] == port;
}

/* @falls: what nobody owns does not pass a closed border. */
static void add_barred(GPtrArray *barred, const Scope *scope, guint site, bool falls) {
        guint lead = 0;

        for (guint i = 0; i < scope->borders->len; i++) {
                const Border *border = &g_array_index(scope->borders, Border, i);
                bool passes = site == NOWHERE ? !falls || !border->port->closed_border
                                              : leads_next(scope, site, border->port, &lead);

                if (!passes)
                        g_ptr_array_add(barred, g_ref_string_acquire(border->quoted));
        }
}

/* (transfer full) */
static GPtrArray *list_barred(const Builder *builder, const guint *places, bool falls) {
        GPtrArray *barred = g_ptr_array_new_with_free_func((GDestroyNotify) g_ref_string_release);

        for (guint i = 0; i < builder->scopes->len; i++)
                add_barred(barred, &g_array_index(builder->scopes, Scope, i), places[i], falls);
        bw_text_sort(barred);
        return barred;
}

static char *join(const GPtrArray *barred) {
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < barred->len; i++)
                g_string_append(text, barred->pdata[i]);
        return g_string_free(text, FALSE);
}

static guint find_barred(Builder *builder, const guint *places, bool falls) {
        g_autoptr(GPtrArray) barred = list_barred(builder, places, falls);
        char *text = join(barred);
        gpointer number;

        if (g_hash_table_lookup_extended(builder->by_barred, text, NULL, &number)) {
                g_free(text);
                return GPOINTER_TO_UINT(number);
        }
        number = GUINT_TO_POINTER(builder->sites->barred->len);
        g_hash_table_insert(builder->by_barred, text, number);
        g_ptr_array_add(builder->sites->barred, g_steal_pointer(&barred));
        return GPOINTER_TO_UINT(number);
}

/* Asked for every address: only a place that is new is kept. */
static guint number_of(Builder *builder, const guint *places, bool falls) {
        guint n = builder->scopes->len;
        gpointer number;

        builder->key[0] = n + 1;
        memcpy(builder->key + 1, places, sizeof(guint) * n);
        builder->key[n + 1] = falls && !is_everywhere(builder, places);
        if (g_hash_table_lookup_extended(builder->by_place, builder->key, NULL, &number))
                return GPOINTER_TO_UINT(number);
        number = GUINT_TO_POINTER(find_barred(builder, places, falls));
        g_hash_table_insert(builder->by_place, g_memdup2(builder->key, sizeof(PlaceKey) * (n + 2)),
                            number);
        return GPOINTER_TO_UINT(number);
}

/* Each segment's own sites have the first numbers, whatever is owned there: a guest that comes to a
 * site moves no other. */
static void number_sites(Builder *builder) {
        start_places(builder, builder->places, NULL);
        for (guint i = 0; i < builder->scopes->len; i++) {
                const Scope *scope = &g_array_index(builder->scopes, Scope, i);

                for (guint site = 0; site < scope->segment->sites->len; site++) {
                        builder->places[i] = site;
                        number_of(builder, builder->places, true);
                        number_of(builder, builder->places, false);
                }
                builder->places[i] = NOWHERE;
        }
}

/* @key was written up to @end, and has room for where it leads. */
static void add(Builder *builder, GPtrArray *elements, const char *key, char *end, guint number) {
        const char *way;
        gsize size;

        for (guint next = builder->ways->len; next <= number; next++)
                g_ptr_array_add(builder->ways, g_strdup_printf(" : goto site-%u", next));
        way = builder->ways->pdata[number];
        size = strlen(way) + 1;
        memcpy(end, way, size);
        g_ptr_array_add(elements, g_memdup2(key, (gsize) (end - key) + size));
}

/* Addresses */

static gsize size_of(BwFamily family) {
        return family == BW_FAMILY_IPV4 ? 4 : 16;
}

static unsigned bits_of(BwFamily family) {
        return family == BW_FAMILY_IPV4 ? 32 : 128;
}

static void last_of(const BwPrefix *prefix, uint8_t last[static LONGEST]) {
        memcpy(last, prefix->bytes, LONGEST);
        for (unsigned bit = prefix->length; bit < bits_of(prefix->family); bit++)
                last[bit / 8] |= (uint8_t) (0x80 >> bit % 8);
}

/* False: there is none behind the last. */
static bool step_up(uint8_t *address, gsize n) {
        while (n-- > 0)
                if (++address[n] != 0)
                        return true;
        return false;
}

static void step_down(uint8_t *address, gsize n) {
        while (n-- > 0)
                if (address[n]-- != 0)
                        return;
}

/* As nft lists it, which calls a range a network when it is one. */
static char *write_range(BwFamily family, const uint8_t *first, const uint8_t *last, char *at) {
        BwPrefix from = bw_prefix_from_address(family, first);
        BwPrefix to = bw_prefix_from_address(family, last);

        for (unsigned length = 0; length <= bits_of(family); length++) {
                BwPrefix network = bw_prefix_network(&from, (uint8_t) length);
                uint8_t end[LONGEST];

                last_of(&network, end);
                if (memcmp(network.bytes, from.bytes, LONGEST) == 0 &&
                    memcmp(end, to.bytes, LONGEST) == 0)
                        return bw_prefix_write(&network, at);
        }
        at = bw_prefix_write(&from, at);
        *at++ = '-';
        return bw_prefix_write(&to, at);
}

static char *write_numbers(const uint8_t *first, const uint8_t *last, char *at) {
        at = bw_nft_number_write(first, LONGEST, at);
        if (memcmp(first, last, LONGEST) == 0)
                return at;
        *at++ = '-';
        return bw_nft_number_write(last, LONGEST, at);
}

static void add_single(Builder *builder, const BwPrefix *address, const guint *places) {
        BwNftSites *sites = builder->sites;
        guint number = number_of(builder, places, !bw_owner_is_link_local(address));
        char text[ELEMENT_SIZE], *end = bw_prefix_write(address, text);

        if (address->family == BW_FAMILY_IPV4) {
                add(builder, sites->ip4, text, end, number);
                return;
        }
        add(builder, sites->ip6, text, end, number);
        end = bw_nft_number_write(address->bytes, LONGEST, text);
        add(builder, sites->targets, text, end, number);
}

static void add_range(Builder *builder, BwFamily family, const uint8_t *first, const uint8_t *last,
                      const guint *places) {
        BwPrefix address = bw_prefix_from_address(family, first);
        BwNftSites *sites = builder->sites;
        char text[ELEMENT_SIZE], *end;
        guint number;

        if (!is_somewhere(builder, places))
                return;
        number = number_of(builder, places, !bw_owner_is_link_local(&address));
        end = write_range(family, first, last, text);
        if (family == BW_FAMILY_IPV4) {
                add(builder, sites->net4, text, end, number);
                return;
        }
        add(builder, sites->net6, text, end, number);
        end = write_numbers(first, last, text);
        add(builder, sites->target_nets, text, end, number);
}

/* Networks that the walk is in. What of one is in none of its own is a range. */
typedef struct Network {
        BwPrefix prefix;
        Places places;
        uint8_t next[LONGEST]; /* the first address not told of yet */
        bool told;             /* all of it */
} Network;

static void clear_network(gpointer data) {
        g_free(((Network *) data)->places);
}

static Network *innermost(const Builder *builder) {
        return builder->open->len == 0
                       ? NULL
                       : &g_array_index(builder->open, Network, builder->open->len - 1);
}

static void close_network(Builder *builder) {
        Network *network = innermost(builder);
        uint8_t last[LONGEST];

        last_of(&network->prefix, last);
        if (!network->told && memcmp(network->next, last, LONGEST) <= 0)
                add_range(builder, network->prefix.family, network->next, last, network->places);
        g_array_set_size(builder->open, builder->open->len - 1);
}

/* Tells of @outer up to @inner, which begins at or behind what is told of. */
static void tell_before(Builder *builder, Network *outer, const BwPrefix *inner) {
        gsize n = size_of(inner->family);
        uint8_t last[LONGEST];

        if (memcmp(outer->next, inner->bytes, n) != 0) {
                memcpy(last, inner->bytes, LONGEST);
                step_down(last, n);
                add_range(builder, inner->family, outer->next, last, outer->places);
        }
        last_of(inner, outer->next);
        outer->told = !step_up(outer->next, n);
}

static void open_network(Builder *builder, const BwPrefix *prefix) {
        Network *outer = innermost(builder);
        Network network = { .prefix = *prefix,
                            .places = g_memdup2(builder->places,
                                                sizeof(guint) * builder->scopes->len) };

        if (outer)
                tell_before(builder, outer, prefix);
        memcpy(network.next, prefix->bytes, LONGEST);
        g_array_append_val(builder->open, network);
}

/* From @at on: the same prefix in as many segments as have it. Returns how many. */
static guint read_places(const GArray *entries, guint at, Places places) {
        const Entry *first = &g_array_index(entries, Entry, at);
        guint n = 0;

        while (at + n < entries->len) {
                const Entry *entry = &g_array_index(entries, Entry, at + n);

                if (!bw_prefix_equal(&entry->prefix, &first->prefix))
                        break;
                if (entry->segment != NOWHERE)
                        places[entry->segment] = entry->site;
                n++;
        }
        return n;
}

/* A network stands right before all that is in it, and what is said of it holds there, until a more
 * exact entry of the same segment says otherwise. */
static void walk(Builder *builder, const GArray *entries) {
        for (guint at = 0; at < entries->len;) {
                const BwPrefix *prefix = &g_array_index(entries, Entry, at).prefix;
                const Network *outer;

                while ((outer = innermost(builder)) && !bw_prefix_contains(&outer->prefix, prefix))
                        close_network(builder);
                start_places(builder, builder->places, outer ? outer->places : NULL);
                at += read_places(entries, at, builder->places);
                if (prefix->length == bits_of(prefix->family))
                        add_single(builder, prefix, builder->places);
                else
                        open_network(builder, prefix);
        }
        while (innermost(builder))
                close_network(builder);
}

static int compare_entries(gconstpointer a, gconstpointer b) {
        return bw_prefix_compare(&((const Entry *) a)->prefix, &((const Entry *) b)->prefix);
}

/* Nobody's: it parts the ranges of wider networks where another rule begins. */
static void insert_link_local(GArray *entries) {
        static const uint8_t link_local[LONGEST] = { 0xfe, 0x80 };
        BwPrefix local = bw_prefix_from_address(BW_FAMILY_IPV6, link_local);
        Entry entry = { bw_prefix_network(&local, 10), NOWHERE, NOWHERE };
        guint place = entries->len;

        while (place > 0 && compare_entries(&entry, &g_array_index(entries, Entry, place - 1)) < 0)
                place--;
        g_array_insert_val(entries, place, entry);
}

static void append_owned(GArray *entries, const GArray *owned, guint segment) {
        for (guint i = 0; i < owned->len; i++) {
                const BwOwnedAddress *address = &g_array_index(owned, BwOwnedAddress, i);
                Entry entry = { address->prefix, segment, address->site };

                g_array_append_val(entries, entry);
        }
}

static void add_addresses(Builder *builder) {
        g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(Entry));

        for (guint i = 0; i < builder->scopes->len; i++)
                append_owned(entries, g_array_index(builder->scopes, Scope, i).segment->addresses,
                             i);
        /* Each segment's are in order. */
        if (builder->scopes->len > 1)
                g_array_sort(entries, compare_entries);
        insert_link_local(entries);
        walk(builder, entries);
}

/* MACs: nobody's pass closed borders, too. */

static int compare_macs(gconstpointer a, gconstpointer b) {
        return bw_mac_compare(&((const MacEntry *) a)->mac, &((const MacEntry *) b)->mac);
}

static guint add_mac(Builder *builder, const GArray *entries, guint at) {
        const BwMac *mac = &g_array_index(entries, MacEntry, at).mac;
        char text[ELEMENT_SIZE];
        guint n = 0;

        start_places(builder, builder->places, NULL);
        while (at + n < entries->len) {
                const MacEntry *entry = &g_array_index(entries, MacEntry, at + n);

                if (!bw_mac_equal(&entry->mac, mac))
                        break;
                builder->places[entry->segment] = entry->site;
                n++;
        }
        bw_mac_print(mac, text);
        add(builder, builder->sites->macs, text, text + strlen(text),
            number_of(builder, builder->places, false));
        return n;
}

static void add_macs(Builder *builder) {
        g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(MacEntry));

        for (guint i = 0; i < builder->scopes->len; i++) {
                const GArray *owned = g_array_index(builder->scopes, Scope, i).segment->macs;

                for (guint k = 0; k < owned->len; k++) {
                        const BwOwnedMac *mac = &g_array_index(owned, BwOwnedMac, k);
                        MacEntry entry = { mac->mac, i, mac->site };

                        g_array_append_val(entries, entry);
                }
        }
        if (builder->scopes->len > 1)
                g_array_sort(entries, compare_macs);
        for (guint at = 0; at < entries->len;)
                at += add_mac(builder, entries, at);
}

/* Segments */

static void clear_scope(gpointer data) {
        g_array_unref(((Scope *) data)->borders);
}

static void clear_border(gpointer data) {
        g_ref_string_release(((Border *) data)->quoted);
}

static void add_border(GArray *borders, const BwPortPlan *port) {
        g_autofree char *quoted = g_strdup_printf("\"%s\"", port->name);
        Border border = { port, g_ref_string_new(quoted) };

        g_array_append_val(borders, border);
}

static int compare_borders(gconstpointer a, gconstpointer b) {
        return strcmp(((const Border *) a)->port->name, ((const Border *) b)->port->name);
}

/* (transfer full) */
static GArray *list_borders(const BwSegmentPlan *segment) {
        GArray *borders = g_array_new(FALSE, FALSE, sizeof(Border));

        g_array_set_clear_func(borders, clear_border);
        for (guint i = 0; i < segment->bridges->len; i++) {
                const BwBridgePlan *bridge = segment->bridges->pdata[i];

                for (guint k = 0; k < bridge->ports->len; k++) {
                        const BwPortPlan *port = bridge->ports->pdata[k];

                        if (port->state == BW_PORT_BORDER && bw_nft_name_is_writable(port->name))
                                add_border(borders, port);
                }
        }
        g_array_sort(borders, compare_borders);
        return borders;
}

static GArray *list_scopes(const BwPlan *plan) {
        GArray *scopes = g_array_new(FALSE, FALSE, sizeof(Scope));

        g_array_set_clear_func(scopes, clear_scope);
        for (guint i = 0; i < plan->segments->len; i++) {
                Scope scope = { .segment = plan->segments->pdata[i] };

                if (scope.segment->sites->len == 0)
                        continue;
                scope.borders = list_borders(scope.segment);
                g_array_append_val(scopes, scope);
        }
        return scopes;
}

static BwNftSites *sites_new(void) {
        BwNftSites *sites = g_new(BwNftSites, 1);

        *sites = (BwNftSites){
                .barred = g_ptr_array_new_with_free_func((GDestroyNotify) g_ptr_array_unref),
                .ip4 = g_ptr_array_new_with_free_func(g_free),
                .net4 = g_ptr_array_new_with_free_func(g_free),
                .ip6 = g_ptr_array_new_with_free_func(g_free),
                .net6 = g_ptr_array_new_with_free_func(g_free),
                .targets = g_ptr_array_new_with_free_func(g_free),
                .target_nets = g_ptr_array_new_with_free_func(g_free),
                .macs = g_ptr_array_new_with_free_func(g_free),
        };
        return sites;
}

BwNftSites *bw_nft_sites_new(const BwPlan *plan) {
        g_autoptr(GArray) scopes = list_scopes(plan);
        g_autoptr(GHashTable) by_place =
                g_hash_table_new_full(hash_place, is_same_place, g_free, NULL);
        g_autoptr(GHashTable) by_barred =
                g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(Network));
        g_autofree guint *key = g_new0(guint, scopes->len + 2);
        g_autofree guint *places = g_new0(guint, scopes->len + 1);
        g_autoptr(GPtrArray) ways = g_ptr_array_new_with_free_func(g_free);
        Builder builder = { sites_new(), scopes, by_place, by_barred, open, key, places, ways };

        g_array_set_clear_func(open, clear_network);
        number_sites(&builder);
        if (scopes->len > 0)
                add_addresses(&builder);
        add_macs(&builder);
        return builder.sites;
}

void bw_nft_sites_free(BwNftSites *sites) {
        if (!sites)
                return;
        g_ptr_array_unref(sites->barred);
        g_ptr_array_unref(sites->ip4);
        g_ptr_array_unref(sites->net4);
        g_ptr_array_unref(sites->ip6);
        g_ptr_array_unref(sites->net6);
        g_ptr_array_unref(sites->targets);
        g_ptr_array_unref(sites->target_nets);
        g_ptr_array_unref(sites->macs);
        g_free(sites);
}
