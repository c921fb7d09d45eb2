/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The nftables adapter against a real kernel: what it writes it finds again, a change touches the
 * elements that changed, and whatever others do to our table is seen and mended.
 */

#include <bw/error.h>
#include <bw/nft_reports.h>
#include <bw/text.h>
#include <command.h>
#include <netns.h>
#include <nftables.h>
#include <nftables_generation.h>
#include <settings.h>
#include <string.h>
#include <unistd.h>

static BwNftTable *compile_names(const char *const *names, guint n, guint moved, const char *more) {
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(GString) text = g_string_new("[Guard]\nUnknownPorts=drop\nBridges=br1\n"
                                               "[Bridge br1]\nNetworks=10.0.0.0/8\n");
        g_autoptr(BwConfig) config = NULL;
        g_autoptr(BwPlan) plan = NULL;
        g_autoptr(GPtrArray) elsewhere = NULL;
        BwLink link = bw_test_bridge(1, "br1");

        bw_test_tell_link(model, &link);
        for (guint i = 0; i < n; i++) {
                BwMac mac = { { 0x00, 0x16, 0x3e, 0, (uint8_t) (i >> 8), (uint8_t) i } };
                g_autofree char *name = g_strescape(names[i], NULL);
                char text_of_mac[BW_MAC_TEXT_SIZE];

                link = bw_test_tap((int) (10 + i), names[i], mac, 1);
                bw_test_tell_link(model, &link);
                g_string_append_printf(text,
                                       "[Port %s]\nMACs=%s\n"
                                       "Addresses=10.%u.%u.%u 192.168.%u.0/24 2001:db8::%x "
                                       "2001:db8:%x::/64\n",
                                       name, bw_mac_print(&mac, text_of_mac), i == moved ? 99 : 1,
                                       i >> 8, i & 255, i & 255, i + 1, i + 1);
        }
        g_string_append(text, more);
        config = bw_test_config_from_text(text->str);
        g_assert_cmpuint(bw_config_count_errors(config), ==, 0);
        plan = bw_plan_new(model, config);
        elsewhere = bw_nft_list_elsewhere(model, plan);
        return bw_nft_compile(plan, elsewhere);
}

#define NOBODY    G_MAXUINT
#define MANY_SEEN 2000

static BwNftTable *compile(guint n, guint moved) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < n; i++)
                g_ptr_array_add(names, g_strdup_printf("vk%u", i));
        return compile_names((const char *const *) names->pdata, n, moved, "");
}

static BwNftReport sync_table(BwNftables *nftables, const BwNftTable *table) {
        g_autoptr(GError) error = NULL;
        BwNftReport report;

        bw_nftables_sync(nftables, table, &report, &error);
        g_assert_no_error(error);
        return report;
}

static bool is_equal(BwNftables *nftables, const BwNftTable *table) {
        g_autoptr(GError) error = NULL;
        bool equal = false;

        bw_nftables_check(nftables, table, &equal, &error);
        g_assert_no_error(error);
        return equal;
}

static void flush(void) {
        bw_test_run("nft flush ruleset");
}

static void test_load(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new(), later = bw_nftables_new();
        g_autoptr(BwNftTable) table = compile(20, NOBODY);
        g_autoptr(GError) error = NULL;
        BwNftReport report;

        flush();
        g_assert_true(bw_nftables_probe(nftables, &error));
        g_assert_no_error(error);
        g_assert_false(bw_test_try("nft list tables | grep -q bridgewarden"));
        g_assert_true(is_equal(nftables, NULL));
        g_assert_false(is_equal(nftables, table));
        report = sync_table(nftables, table);
        g_assert_true(report.changed && report.whole);
        g_assert_true(is_equal(nftables, table));
        g_assert_false(is_equal(nftables, NULL));
        g_assert_false(bw_test_try("nft list tables | grep -q twin"));
        g_assert_false(sync_table(nftables, table).changed);
        /* Who comes later, after a restart for instance, finds it as it is. */
        g_assert_true(is_equal(later, table));
        g_assert_false(sync_table(later, table).changed);
        g_assert_true(bw_nftables_remove(later, &error));
        g_assert_true(bw_nftables_remove(later, &error));
        g_assert_no_error(error);
        g_assert_true(is_equal(nftables, NULL));
}

/* Returns when it listens: until then the kernel shows no netfilter socket (12) with a group. */
static void start_monitor(void) {
        bw_test_run("timeout 120 stdbuf -oL nft monitor >/run/told 2>/dev/null & echo $! "
                    ">/run/monitor.pid\n"
                    "for i in $(seq 600); do\n"
                    "awk '$2 == 12 && $4 != \"00000000\" { found = 1 } END { exit !found }' "
                    "/proc/net/netlink && exit 0\n"
                    "sleep 0.1; done; exit 1");
}

/* (transfer full): what it has told of the next transaction. That ends in a comment. */
static char *stop_monitor(void) {
        return bw_test_output("for i in $(seq 600); do grep -q '^#' /run/told && break; sleep 0.1; "
                              "done; kill $(cat /run/monitor.pid); grep -v '^#' /run/told");
}

/* What one of us leaves who is killed while he learns how nft lists our rules. */
static void test_left_twin(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) table = compile(3, NOBODY);
        g_autofree char *twin = bw_nft_print_twin(table);
        g_autoptr(GError) error = NULL;

        flush();
        g_assert_true(g_file_set_contents("/run/twin", twin, -1, NULL));
        bw_test_run("nft -f /run/twin");
        g_assert_true(bw_nftables_probe(nftables, &error));
        g_assert_no_error(error);
        sync_table(nftables, table);
        g_assert_false(bw_test_try("nft list tables | grep -q twin"));
}

/* What others are told of a change is what it was. */
static void test_change(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) before = compile(20, NOBODY), after = compile(20, 7);
        g_autofree char *told = NULL;
        BwNftReport report;
        g_auto(GStrv) lines = NULL;

        flush();
        sync_table(nftables, before);
        is_equal(nftables, after);
        start_monitor();
        report = sync_table(nftables, after);
        g_assert_true(report.changed);
        g_assert_false(report.whole);
        told = stop_monitor();
        lines = g_strsplit(g_strstrip(told), "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, 2);
        g_assert_true(
                strstr(told, "delete element bridge bridgewarden own4 { \"vk7\" . 10.1.0.7 }"));
        g_assert_true(strstr(told, "add element bridge bridgewarden own4 { \"vk7\" . 10.99.0.7 }"));
        g_assert_true(is_equal(nftables, after));
}

/* What others do */

static const char *const deeds[] = {
        "flush ruleset",
        "delete table bridge bridgewarden",
        "flush chain bridge bridgewarden prerouting",
        "insert rule bridge bridgewarden prerouting accept",
        "add rule bridge bridgewarden in-spoofed-ip accept",
        "add chain bridge bridgewarden mine",
        "add set bridge bridgewarden mine { type ifname; }",
        "add element bridge bridgewarden passing { \"vk3\" }",
        "delete element bridge bridgewarden bound { \"vk3\" }",
        "flush set bridge bridgewarden macs",
        "add element bridge bridgewarden own4 { \"vk3\" . 10.1.0.4 }",
        "add element bridge bridgewarden own-net6 { \"vk3\" . 2001:db8:ff::/48 }",
        "add table bridge bridgewarden { flags dormant; }",
};

static void test_foreign(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) table = compile(20, NOBODY);

        flush();
        for (guint i = 0; i < G_N_ELEMENTS(deeds); i++) {
                sync_table(nftables, table);
                g_assert_true(is_equal(nftables, table));
                bw_test_run("nft '%s'", deeds[i]);
                if (is_equal(nftables, table))
                        g_error("not seen: %s", deeds[i]);
                g_assert_true(sync_table(nftables, table).changed);
                g_assert_true(is_equal(nftables, table));
        }
        bw_test_run("nft add table ip other; nft add chain bridge bridgewarden foo;"
                    "nft delete chain bridge bridgewarden foo");
        g_assert_true(is_equal(nftables, table));
        g_assert_false(sync_table(nftables, table).changed);
}

static uint32_t read_generation(void) {
        g_autoptr(GError) error = NULL;
        uint32_t generation;
        int fd = bw_nftables_generation_open(&error);

        g_assert_no_error(error);
        bw_nftables_generation_read(fd, &generation, &error);
        g_assert_no_error(error);
        close(fd);
        return generation;
}

/* What others have done elsewhere is no reason to read our table again, as long as all of it was
 * told: an element is taken away here that shows who reads. */
static void test_told_of_others(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) table = compile(20, NOBODY);
        uint32_t generation;

        flush();
        sync_table(nftables, table);
        generation = read_generation();
        bw_test_run("nft add table ip other; nft add table ip another");
        bw_test_run("nft 'delete element bridge bridgewarden bound { \"vk7\" }'");
        g_assert_cmpuint(read_generation(), ==, generation + 3);
        for (uint32_t i = 1; i <= 3; i++)
                bw_nftables_note_others(nftables, generation + i);
        g_assert_true(is_equal(nftables, table));
        /* What came before is told late, and something in between is not told. */
        bw_nftables_note_others(nftables, generation + 2);
        g_assert_true(is_equal(nftables, table));
        bw_test_run("nft delete table ip other; nft delete table ip another");
        bw_nftables_note_others(nftables, generation + 5);
        g_assert_false(is_equal(nftables, table));
        g_assert_true(sync_table(nftables, table).changed);
        g_assert_true(is_equal(nftables, table));
}

/* A frame from a stranger is counted; the count outlives a change, and chains written anew. */
static void test_counts(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) before = compile(20, NOBODY), after = compile(20, 7);
        g_autoptr(BwNftListing) listing = NULL;
        BwNftCount count, again;

        flush();
        bw_test_run("ip link add br1 type bridge; ip link set br1 up;"
                    "ip link add stray type veth peer name far; ip link set stray master br1;"
                    "ip link set stray up");
        sync_table(nftables, before);
        bw_test_run("ip link set far up; ip addr add 10.8.0.1/24 dev far;"
                    "ping -c 1 -W 1 10.8.0.2 >/dev/null || true");
        listing = bw_nftables_read(nftables, NULL);
        count = bw_nft_count(listing, BW_DIRECTION_IN, BW_REASON_UNBOUND, true);
        g_assert_cmpuint(count.packets, >, 0);
        bw_test_run("ip link del br1; ip link del far");

        sync_table(nftables, after);
        bw_test_run("nft insert rule bridge bridgewarden in-bound accept");
        g_assert_true(sync_table(nftables, after).whole);
        g_clear_pointer(&listing, bw_nft_listing_free);
        listing = bw_nftables_read(nftables, NULL);
        again = bw_nft_count(listing, BW_DIRECTION_IN, BW_REASON_UNBOUND, true);
        g_assert_cmpuint(again.packets, >=, count.packets);
}

static void note_listed(const char *port, BwDirection direction, BwReason reason, BwNftCount count,
                        gpointer user) {
        char set[BW_NFT_NAME_SIZE];

        g_ptr_array_add(user, g_strdup_printf("%s %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                                              bw_nft_seen_name(direction, reason, set), port,
                                              count.packets, count.bytes));
}

typedef struct Counted {
        GPtrArray *lines;
        BwDirection direction;
        BwReason reason;
} Counted;

static void note_seen(const char *port, BwNftCount count, gpointer user) {
        const Counted *counted = user;

        note_listed(port, counted->direction, counted->reason, count, counted->lines);
}

/* (transfer full): what all sets have counted, as the kernel tells it; sorted lines. */
static char *read_seen(BwNftables *nftables) {
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        Counted counted = { .lines = lines };

        for (unsigned i = 0; i < 2 * BW_REASON_MAX; i++) {
                g_autoptr(GError) error = NULL;
                char set[BW_NFT_NAME_SIZE];

                counted.direction = i % 2 ? BW_DIRECTION_OUT : BW_DIRECTION_IN;
                counted.reason = (BwReason) (i / 2);
                if (!bw_nft_reason_has(counted.reason, counted.direction))
                        continue;
                bw_nft_seen_name(counted.direction, counted.reason, set);
                if (!bw_nftables_count(nftables, set, note_seen, &counted, &error))
                        g_error("%s", error->message);
        }
        g_ptr_array_sort(lines, bw_text_compare);
        g_ptr_array_add(lines, NULL);
        return g_strjoinv("\n", (char **) lines->pdata);
}

/* (transfer full): the same as nft lists it. */
static char *list_seen(BwNftables *nftables) {
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(BwNftListing) listing = bw_nftables_read(nftables, NULL);

        bw_nft_count_ports(listing, note_listed, lines);
        g_ptr_array_sort(lines, bw_text_compare);
        g_ptr_array_add(lines, NULL);
        return g_strjoinv("\n", (char **) lines->pdata);
}

/* More than fits into one answer of the kernel, and more than fits into 32 bits. */
static void fill_flooded(void) {
        g_autoptr(GString) elements = g_string_new("add element bridge bridgewarden "
                                                   "seen-out-flooded { ");

        for (guint i = 0; i < MANY_SEEN; i++)
                g_string_append_printf(
                        elements, "%s\"vk%u\" counter packets %u bytes %" G_GUINT64_FORMAT,
                        i ? ", " : "", i, i + 1, (i + 1) * G_GUINT64_CONSTANT(10000000000));
        g_string_append(elements, " }\n");
        g_assert_true(g_file_set_contents("/run/elements.nft", elements->str, -1, NULL));
        bw_test_run("nft -f /run/elements.nft");
}

/* What is asked of the kernel is what nft lists: of one expression in an element, and of two. */
static void test_seen(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) table = compile(20, NOBODY);
        g_autofree char *listed = NULL, *seen = NULL;

        flush();
        bw_test_run("ip link add br1 type bridge; ip link set br1 up;"
                    "ip link add stray type veth peer name far; ip link set stray master br1;"
                    "ip link set stray up");
        sync_table(nftables, table);
        bw_test_run("ip link set far up; ip addr add 10.8.0.1/24 dev far;"
                    "ping -c 1 -W 1 10.8.0.2 >/dev/null || true; ip link set far down;"
                    "ip link set stray down");
        fill_flooded();
        listed = list_seen(nftables);
        seen = read_seen(nftables);
        bw_test_run("ip link del br1; ip link del far");
        g_assert_cmpstr(seen, ==, listed);
        g_assert_nonnull(strstr(seen, "seen-in-unbound stray "));
        g_assert_nonnull(strstr(seen, "seen-out-flooded vk1999 2000 20000000000000"));
}

static void must_not_be_seen(G_GNUC_UNUSED const char *port, G_GNUC_UNUSED BwNftCount count,
                             G_GNUC_UNUSED gpointer user) {
        g_assert_not_reached();
}

static void test_nothing_seen(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) table = compile(20, NOBODY);
        g_autoptr(GError) error = NULL;

        flush();
        g_assert_false(
                bw_nftables_count(nftables, "seen-in-unbound", must_not_be_seen, NULL, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_ABSENT);
        g_clear_error(&error);
        sync_table(nftables, table);
        g_assert_false(bw_nftables_count(nftables, "nonsense", must_not_be_seen, NULL, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_ABSENT);
        g_assert_nonnull(strstr(error->message, "nonsense"));
        /* A failure leaves nothing behind that the next answer is mistaken for. */
        g_assert_true(bw_nftables_count(nftables, "seen-in-unbound", must_not_be_seen, NULL, NULL));
}

/* Every byte an interface's name may have, in front, within and at the end. */
static void test_names(void) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) table = NULL;
        g_autofree char *listed = NULL;

        for (unsigned byte = 1; byte < 256; byte++) {
                if (strchr("/:", (int) byte) || g_ascii_isspace((char) byte) || byte == 0x0b ||
                    byte == 0xa0 || byte == '[' || byte == ']')
                        continue;
                g_ptr_array_add(names, g_strdup_printf("%c-a", byte));
                g_ptr_array_add(names, g_strdup_printf("b%cb", byte));
                g_ptr_array_add(names, g_strdup_printf("cdefghijklmnop%c", byte));
        }
        g_ptr_array_add(names, g_strdup("accept"));
        g_ptr_array_add(names, g_strdup("ip6"));
        g_ptr_array_add(names, g_strdup("vk1\\*"));
        table = compile_names((const char *const *) names->pdata, names->len, NOBODY, "");
        flush();
        sync_table(nftables, table);
        g_assert_true(is_equal(nftables, table));
        /* A quote anywhere, and a star at the end. */
        g_assert_cmpuint(table->unwritten->len, ==, 5);
        listed = bw_test_output("nft list set bridge bridgewarden bound");
        g_assert_null(strstr(listed, "*\""));
        g_assert_true(bw_test_try("nft list chain bridge bridgewarden prerouting |"
                                  " grep -q '^\t\tgoto in-unbound'"));
}

/* 1000 ports */

static double in_milliseconds(gint64 since) {
        return (double) (g_get_monotonic_time() - since) / 1000;
}

static void test_size(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) table = compile(1000, NOBODY);
        double best = G_MAXDOUBLE;
        gint64 start = g_get_monotonic_time();

        flush();
        sync_table(nftables, table);
        g_test_message("1000 ports, first load with its read-back: %.1f ms",
                       in_milliseconds(start));
        for (guint i = 0; i < 10; i++) {
                g_autoptr(BwNftTable) other = compile(1000, i);
                double took;

                start = g_get_monotonic_time();
                g_assert_false(sync_table(nftables, other).whole);
                took = in_milliseconds(start);
                g_test_message("one port changed: %.2f ms", took);
                best = MIN(best, took);
        }
        start = g_get_monotonic_time();
        g_assert_false(is_equal(nftables, table));
        g_test_message("checked, nothing new: %.2f ms", in_milliseconds(start));
        bw_test_run("nft add table ip other");
        start = g_get_monotonic_time();
        is_equal(nftables, table);
        g_test_message("checked, all read: %.2f ms", in_milliseconds(start));
        /* How long it may take is judged by scripts/bench, on a machine with nothing else to do. */
        g_test_message("one port changed, best of 10: %.2f ms", best);
}

/* An administrator saves the ruleset and loads it again: the kernel must then do the very same, or
 * we, who compare what is listed, would not see that it does less. */
static void test_listing_says_all(void) {
        g_autoptr(BwNftables) nftables = bw_nftables_new();
        g_autoptr(BwNftTable) table = compile(4, 0);

        sync_table(nftables, table);
        bw_test_run("words() {"
                    "  nft --debug=netlink list table bridge bridgewarden | grep '^  \\\\['"
                    "    | sed 's/__[a-z]*[0-9]*/set/'; };"
                    "words >/run/before; nft list ruleset >/run/saved; nft flush ruleset;"
                    "nft -f /run/saved; words >/run/after;"
                    "test -s /run/before; cmp /run/before /run/after");
        g_assert_true(is_equal(nftables, table));
        bw_test_run("nft flush ruleset");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        g_test_add_func("/nftables/load", test_load);
        g_test_add_func("/nftables/listing-says-all", test_listing_says_all);
        g_test_add_func("/nftables/left-twin", test_left_twin);
        g_test_add_func("/nftables/change", test_change);
        g_test_add_func("/nftables/foreign", test_foreign);
        g_test_add_func("/nftables/told-of-others", test_told_of_others);
        g_test_add_func("/nftables/counts", test_counts);
        g_test_add_func("/nftables/seen", test_seen);
        g_test_add_func("/nftables/nothing-seen", test_nothing_seen);
        g_test_add_func("/nftables/names", test_names);
        g_test_add_func("/nftables/size", test_size);
        return g_test_run();
}
