/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Configuration, for any settings: written in any order, spread over drop-ins,
 * with comments and odd spacing, they are read as they were meant; and damage
 * to one section changes nothing of any other.
 */

#include <bw/config.h>
#include <bw/text.h>
#include <string.h>

#define ROUNDS    1500
#define MAX_FILES 3

typedef enum Which {
        GUEST,
        INTERFACE,
        PORT,
        BRIDGE,
} Which;

/* What the generator means, in words: the value of each key, canonical and sorted, or NULL. */
typedef struct Wanted {
        Which which;
        char *name, *header;
        char *addresses, *macs, *role, *mode, *unknown_ports;
} Wanted;

typedef struct Block {
        const Wanted *wanted; /* NULL: [Guard] */
        GString *text;
} Block;

typedef struct Case {
        GPtrArray *sections;         /* Wanted */
        GPtrArray *files[MAX_FILES]; /* Block */
        char *mode, *unknown_ports;  /* of [Guard] */
} Case;

static unsigned below(unsigned n) {
        return (unsigned) g_test_rand_int_range(0, (gint32) n);
}

static void free_wanted(gpointer section) {
        Wanted *wanted = section;

        g_free(wanted->name);
        g_free(wanted->header);
        g_free(wanted->addresses);
        g_free(wanted->macs);
        g_free(wanted->role);
        g_free(wanted->mode);
        g_free(wanted->unknown_ports);
        g_free(wanted);
}

static void free_block(gpointer block) {
        g_string_free(((Block *) block)->text, TRUE);
        g_free(block);
}

static void shuffle(GPtrArray *array) {
        for (guint i = array->len; i > 1; i--) {
                guint j = below(i);
                gpointer other = array->pdata[j];

                array->pdata[j] = array->pdata[i - 1];
                array->pdata[i - 1] = other;
        }
}

/* A set of words, sorted as text: an order that is not the parser's. */
static char *joined(GPtrArray *words) {
        GString *text = g_string_new(NULL);
        const char *last = NULL;

        g_ptr_array_sort(words, bw_text_compare);
        for (guint i = 0; i < words->len; i++) {
                if (last && g_str_equal(last, words->pdata[i]))
                        continue;
                last = words->pdata[i];
                g_string_append_printf(text, "%s ", last);
        }
        return g_string_free(text, FALSE);
}

static const char *gap(void) {
        static const char *const gaps[] = { " ", "  ", "\t", " \t " };

        return gaps[below(G_N_ELEMENTS(gaps))];
}

static char *random_address(void) {
        switch (below(4)) {
        case 0:
                return g_strdup_printf("10.%u.%u.%u", below(3), below(256), below(256));
        case 1:
                return g_strdup_printf("10.%u.0.0/16", below(256));
        case 2:
                return g_strdup_printf("2001:db8:%x::/48", 1 + below(0xffff));
        default:
                return g_strdup_printf("2001:db8:%x::%x", 1 + below(3), 1 + below(0xffff));
        }
}

static char *random_mac(void) {
        return g_strdup_printf("52:54:00:%02x:%02x:%02x", below(256), below(256), below(256));
}

/* Returns a list as a person may write it; @ret_meant (replaced) is what it says. */
static char *random_list(char *(*one)(void), unsigned most, char **ret_meant) {
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
        GString *text = g_string_new(NULL);

        for (unsigned count = 1 + below(most); count > 0; count--) {
                char *word = one();
                g_autofree char *loud = below(3) == 0 ? g_ascii_strup(word, -1) : g_strdup(word);

                g_ptr_array_add(words, word);
                g_string_append_printf(text, "%s%s", text->len > 0 ? gap() : "", loud);
        }
        g_free(*ret_meant);
        *ret_meant = joined(words);
        return g_string_free(text, FALSE);
}

static char *random_word(const char *const *words, char **ret_meant) {
        g_free(*ret_meant);
        *ret_meant = g_strdup(words[below(g_strv_length((char **) words))]);
        return g_strdup(*ret_meant);
}

static const char *const modes[] = { "enforce", "monitor", "off", NULL };
static const char *const strangers[] = { "monitor", "drop", "accept", NULL };
static const char *const roles[] = { "guest", "host", "link", "uplink", NULL };

static void add_noise(GString *text) {
        static const char *const noise[] = { "\n", "# Mode=off\n", "   \t\n", "  # [Port x]\n",
                                             "\r\n" };

        while (below(3) == 0)
                g_string_append(text, noise[below(G_N_ELEMENTS(noise))]);
}

static void add_key(GPtrArray *lines, const char *key, char *value) {
        static const char *const ends[] = { "", " ", " # a comment", "\t#Mode=x", "\r" };
        static const char *const equals[] = { "=", " = ", "= ", "\t=\t" };

        g_ptr_array_add(lines, g_strdup_printf("%s%s%s%s%s\n", below(4) == 0 ? gap() : "", key,
                                               equals[below(G_N_ELEMENTS(equals))], value,
                                               ends[below(G_N_ELEMENTS(ends))]));
        g_free(value);
}

static Block *new_block(const Wanted *wanted, const char *header, GPtrArray *lines) {
        Block *block = g_new0(Block, 1);

        block->wanted = wanted;
        block->text = g_string_new(NULL);
        g_string_append_printf(block->text, "[%s]%s\n", header, below(3) == 0 ? "  # [x]" : "");
        shuffle(lines);
        for (guint i = 0; i < lines->len; i++) {
                add_noise(block->text);
                g_string_append(block->text, lines->pdata[i]);
        }
        add_noise(block->text);
        return block;
}

static Block *random_guard(Case *c) {
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

        if (below(2) == 0)
                add_key(lines, "Mode", random_word(modes, &c->mode));
        if (below(2) == 0)
                add_key(lines, "UnknownPorts", random_word(strangers, &c->unknown_ports));
        return new_block(NULL, "Guard", lines);
}

static Block *random_block(Wanted *wanted) {
        bool bridge = wanted->which == BRIDGE;
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

        if (below(2) == 0)
                add_key(lines, bridge ? "Networks" : "Addresses",
                        random_list(random_address, 8, &wanted->addresses));
        if (below(2) == 0)
                add_key(lines, "Mode", random_word(modes, &wanted->mode));
        if (bridge && below(2) == 0)
                add_key(lines, "UnknownPorts", random_word(strangers, &wanted->unknown_ports));
        if (!bridge && below(2) == 0)
                add_key(lines, "MACs", random_list(random_mac, 4, &wanted->macs));
        if (!bridge && below(2) == 0)
                add_key(lines, "Role", random_word(roles, &wanted->role));
        return new_block(wanted, wanted->header, lines);
}

/* Any bytes but NUL for a guest; for an interface what the kernel allows. */
static char *random_name(unsigned most, const char * not ) {
        GString *name = g_string_new(NULL);

        for (unsigned size = 1 + below(most); size > 0;) {
                char letter = (char) (below(4) == 0 ? 1 + below(255) : 'a' + below(26));

                if (strchr(not, letter))
                        continue;
                g_string_append_c(name, letter);
                size--;
        }
        return g_string_free(name, FALSE);
}

/* Escapes what must be, and other bytes now and then. */
static char *escaped(const char *name) {
        GString *text = g_string_new(NULL);

        for (; *name; name++)
                if (strchr("[]\\ ", *name) || g_ascii_iscntrl(*name) || below(8) == 0)
                        g_string_append_printf(text, "\\%03o", (unsigned char) *name);
                else
                        g_string_append_c(text, *name);
        return g_string_free(text, FALSE);
}

static char *random_name_of(Which which) {
        switch (which) {
        case GUEST:
                return random_name(40, "");
        case INTERFACE:
                return random_mac();
        case PORT:
        case BRIDGE:
                return random_name(15, "/: \t\n\v\f\r.\xa0");
        }
        g_assert_not_reached();
}

static Wanted *random_section(void) {
        static const char *const words[] = { "Guest", "Interface", "Port", "Bridge" };
        Wanted *wanted = g_new0(Wanted, 1);
        g_autofree char *name = NULL;

        wanted->which = (Which) below(4);
        wanted->name = random_name_of(wanted->which);
        name = escaped(wanted->name);
        wanted->header = g_strdup_printf("%s%s%s", words[wanted->which], gap(), name);
        /* The header itself must not hold a tab: GKeyFile takes it for a control character. */
        g_strdelimit(wanted->header, "\t", ' ');
        return wanted;
}

static void fill_file(Case *c, GPtrArray *file) {
        for (guint i = 0; i < c->sections->len; i++)
                if (below(3) > 0)
                        g_ptr_array_add(file, random_block(c->sections->pdata[i]));
        if (below(2) == 0)
                g_ptr_array_add(file, random_guard(c));
        shuffle(file);
}

static Case random_case(void) {
        Case c = { .sections = g_ptr_array_new_with_free_func(free_wanted) };
        g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (unsigned count = below(10); count > 0; count--) {
                Wanted *wanted = random_section();

                if (g_hash_table_add(taken, g_strdup_printf("%d %s", wanted->which, wanted->name)))
                        g_ptr_array_add(c.sections, wanted);
                else
                        free_wanted(wanted);
        }
        for (unsigned i = 0; i < MAX_FILES; i++) {
                c.files[i] = g_ptr_array_new_with_free_func(free_block);
                fill_file(&c, c.files[i]);
        }
        return c;
}

static void clear_case(Case *c) {
        for (unsigned i = 0; i < MAX_FILES; i++)
                g_ptr_array_unref(c->files[i]);
        g_ptr_array_unref(c->sections);
        g_free(c->mode);
        g_free(c->unknown_ports);
}

static BwConfig *read_case(const Case *c) {
        BwConfig *config = bw_config_new();

        for (unsigned i = 0; i < MAX_FILES; i++) {
                g_autoptr(GString) text = g_string_new(NULL);
                g_autoptr(GError) error = NULL;
                bool taken;

                add_noise(text);
                for (guint j = 0; j < c->files[i]->len; j++)
                        g_string_append(text, ((Block *) c->files[i]->pdata[j])->text->str);
                taken = bw_config_read(config, "x.conf", text->str, text->len, &error);
                g_assert_no_error(error);
                g_assert_true(taken);
        }
        bw_config_finish(config);
        return config;
}

static char *printed_prefixes(const GArray *prefixes) {
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < prefixes->len; i++)
                g_ptr_array_add(words, bw_prefix_print(&g_array_index(prefixes, BwPrefix, i)));
        return joined(words);
}

static char *printed_macs(const GArray *macs) {
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
        char text[BW_MAC_TEXT_SIZE];

        for (guint i = 0; i < macs->len; i++)
                g_ptr_array_add(words,
                                g_strdup(bw_mac_print(&g_array_index(macs, BwMac, i), text)));
        return joined(words);
}

static const char *said(bool set, const char *value) {
        return set ? value : NULL;
}

static void assert_binding(const Wanted *wanted, GHashTable *table) {
        const BwBindingSection *found = g_hash_table_lookup(table, wanted->name);
        g_autofree char *addresses = NULL;
        g_autofree char *macs = NULL;

        if (!found) {
                g_assert_cmpstr(wanted->addresses, ==, NULL);
                g_assert_cmpstr(wanted->macs, ==, NULL);
                g_assert_cmpstr(wanted->role, ==, NULL);
                g_assert_cmpstr(wanted->mode, ==, NULL);
                return;
        }
        addresses = printed_prefixes(found->addresses);
        macs = printed_macs(found->macs);
        g_assert_false(found->broken);
        g_assert_cmpstr(said(found->set & BW_SET_ADDRESSES, addresses), ==, wanted->addresses);
        g_assert_cmpstr(said(found->set & BW_SET_MACS, macs), ==, wanted->macs);
        g_assert_cmpstr(said(found->set & BW_SET_ROLE, bw_role_name(found->role)), ==,
                        wanted->role);
        g_assert_cmpstr(said(found->set & BW_SET_MODE, bw_mode_name(found->mode)), ==,
                        wanted->mode);
}

static void assert_bridge(const Wanted *wanted, GHashTable *table) {
        const BwBridgeSection *found = g_hash_table_lookup(table, wanted->name);
        g_autofree char *networks = NULL;

        if (!found) {
                g_assert_cmpstr(wanted->addresses, ==, NULL);
                g_assert_cmpstr(wanted->mode, ==, NULL);
                g_assert_cmpstr(wanted->unknown_ports, ==, NULL);
                return;
        }
        networks = printed_prefixes(found->networks);
        g_assert_false(found->broken);
        g_assert_cmpstr(networks, ==, wanted->addresses ?: "");
        g_assert_cmpstr(said(found->has_mode, bw_mode_name(found->mode)), ==, wanted->mode);
        g_assert_cmpstr(said(found->has_unknown_ports, bw_unknown_ports_name(found->unknown_ports)),
                        ==, wanted->unknown_ports);
}

static GHashTable *table_of(const BwConfig *config, Which which) {
        switch (which) {
        case GUEST:
                return config->guests;
        case INTERFACE:
                return config->interfaces;
        case PORT:
                return config->ports;
        case BRIDGE:
                return config->bridges;
        }
        g_assert_not_reached();
}

static void assert_section(const Wanted *wanted, const BwConfig *config) {
        GHashTable *table = table_of(config, wanted->which);

        if (wanted->which == BRIDGE)
                assert_bridge(wanted, table);
        else
                assert_binding(wanted, table);
}

static void assert_all_but(const Case *c, const BwConfig *config, const Wanted *damaged) {
        for (guint i = 0; i < c->sections->len; i++)
                if (c->sections->pdata[i] != damaged)
                        assert_section(c->sections->pdata[i], config);
        g_assert_cmpstr(bw_mode_name(config->mode), ==, c->mode ?: "enforce");
        g_assert_cmpstr(bw_unknown_ports_name(config->unknown_ports), ==,
                        c->unknown_ports ?: "monitor");
        g_assert_false(config->guard_broken);
}

static void test_round_trip(void) {
        for (unsigned i = 0; i < ROUNDS; i++) {
                Case c = random_case();
                g_autoptr(BwConfig) config = read_case(&c);

                g_assert_cmpuint(bw_config_count_errors(config), ==, 0);
                assert_all_but(&c, config, NULL);
                clear_case(&c);
        }
}

static Block *pick_block(const Case *c) {
        GPtrArray *file = c->files[below(MAX_FILES)];
        Block *block = file->len > 0 ? file->pdata[below(file->len)] : NULL;

        return block && block->wanted ? block : NULL;
}

static bool is_broken(const BwConfig *config, const Wanted *wanted) {
        gpointer found = g_hash_table_lookup(table_of(config, wanted->which), wanted->name);

        g_assert_nonnull(found);
        return wanted->which == BRIDGE ? ((BwBridgeSection *) found)->broken
                                       : ((BwBindingSection *) found)->broken;
}

/* A line no section may have, somewhere in one section of one file. */
static void test_damage_closes_one(void) {
        static const char *const bad[] = { "Mode=",    "Mode=x",    "Nonsense=1",
                                           "nonsense", "FdbLock=1", "Gateway=10.0.0.1/8",
                                           "=",        "; x",       "Mode enforce",
                                           "\xff" };
        unsigned damaged = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                Case c = random_case();
                Block *block = pick_block(&c);

                if (block) {
                        const char *newline = strchr(block->text->str, '\n');
                        g_autofree char *line =
                                g_strconcat(bad[below(G_N_ELEMENTS(bad))], "\n", NULL);
                        gssize at = below(2) ? (gssize) block->text->len
                                             : newline + 1 - block->text->str;
                        g_autoptr(BwConfig) config = NULL;

                        /* The later of two equal keys counts: let it be the bad one. */
                        if (g_str_has_prefix(line, "Mode="))
                                at = (gssize) block->text->len;
                        g_string_insert(block->text, at, line);
                        config = read_case(&c);
                        assert_all_but(&c, config, block->wanted);
                        g_assert_true(is_broken(config, block->wanted));
                        g_assert_cmpuint(bw_config_count_errors(config), >=, 1);
                        damaged++;
                }
                clear_case(&c);
        }
        g_assert_cmpuint(damaged, >, ROUNDS / 3);
}

/* Bytes overwritten at random within one section, but for those that could make or unmake another
 * one (brackets, space, the beginning of a comment): whatever comes of it, comes of that
 * section alone. */
static void test_garbage_stays_inside(void) {
        unsigned damaged = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                Case c = random_case();
                Block *block = pick_block(&c);

                if (block) {
                        char *body = strchr(block->text->str, '\n') + 1;
                        g_autoptr(BwConfig) config = NULL;

                        for (unsigned hits = 1 + below(10); *body && hits > 0; hits--) {
                                char *at = body + below((unsigned) strlen(body));
                                char byte = (char) (1 + below(255));

                                if (!strchr("[]# \t\n", *at) && !strchr("[]\n", byte))
                                        *at = byte;
                        }
                        config = read_case(&c);
                        assert_all_but(&c, config, block->wanted);
                        damaged++;
                }
                clear_case(&c);
        }
        g_assert_cmpuint(damaged, >, ROUNDS / 3);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config/round-trip", test_round_trip);
        g_test_add_func("/config/damage-closes-one", test_damage_closes_one);
        g_test_add_func("/config/garbage-stays-inside", test_garbage_stays_inside);
        return g_test_run();
}
