/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What borders know, as elements of the nftables table: whom an address bars, networks in one
 * another, segments that own the same, and what one guest more comes to.
 */

#include "settings.h"

#include <bw/nft_sites.h>
#include <bw/nft_table.h>
#include <string.h>

typedef struct Host {
        BwModel *model;
        GString *settings;
        int next;
} Host;

static Host host_new(void) {
        return (Host){ bw_model_new(), g_string_new("[Guard]\nUnknownPorts=drop\n"), 1 };
}

static void host_clear(Host *host) {
        bw_model_free(host->model);
        g_string_free(host->settings, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Host, host_clear)

static int add_bridge(Host *host, const char *name) {
        BwLink link = bw_test_bridge(host->next++, name);
        BwMac own = { { 0x02, 0xb0, 0, 0, 0, (uint8_t) link.ifindex } };

        link.mac = own;
        bw_test_tell_link(host->model, &link);
        g_string_append_printf(host->settings, "[Bridge %s]\nMode=enforce\n", name);
        return link.ifindex;
}

static void add_link(Host *host, BwLink link, const char *name) {
        g_strlcpy(link.name, name, sizeof(link.name));
        link.mac = bw_test_mac("02:ee:00:00:00:01");
        link.up = link.running = true;
        link.stp_state = BW_STP_FORWARDING;
        bw_test_tell_link(host->model, &link);
}

static void add_uplink(Host *host, const char *name, int bridge, const char *more) {
        add_link(host, (BwLink){ .ifindex = host->next++, .master = bridge }, name);
        g_string_append_printf(host->settings, "[Port %s]\nRole=uplink\n%s", name, more);
}

static void add_pair(Host *host, const char *name, int bridge, const char *peer, int peer_bridge) {
        BwLink near = { .ifindex = host->next++, .kind = BW_LINK_VETH, .master = bridge };
        BwLink far = { .ifindex = host->next++, .kind = BW_LINK_VETH, .master = peer_bridge };

        near.peer = far.ifindex;
        far.peer = near.ifindex;
        add_link(host, near, name);
        add_link(host, far, peer);
}

static void add_guest(Host *host, const char *name, int bridge, const char *mac,
                      const char *addresses) {
        BwLink link = bw_test_tap(host->next++, name, bw_test_mac(mac), bridge);

        bw_test_tell_link(host->model, &link);
        g_string_append_printf(host->settings, "[Port %s]\nMACs=%s\nAddresses=%s\n", name, mac,
                               addresses);
}

static BwNftTable *compile(const Host *host) {
        g_autoptr(BwConfig) config = bw_test_config_from_text(host->settings->str);
        g_autoptr(BwPlan) plan = bw_plan_new(host->model, config);
        g_autoptr(GPtrArray) elsewhere = g_ptr_array_new();

        g_assert_cmpuint(bw_config_count_errors(config), ==, 0);
        return bw_nft_compile(plan, elsewhere);
}

static const GPtrArray *elements_of(const BwNftTable *table, const char *name) {
        for (guint i = 0; i < table->sets->len; i++)
                if (g_str_equal(g_array_index(table->sets, BwNftSet, i).name, name))
                        return g_array_index(table->sets, BwNftSet, i).elements;
        return NULL;
}

/* (transfer full): the borders where a claim to @key falls, or "nobody's". */
static char *barred(const BwNftTable *table, const char *map, const char *key) {
        const GPtrArray *elements = elements_of(table, map);
        g_autofree char *begin = g_strconcat(key, " : goto site-", NULL);
        GString *text = g_string_new(NULL);

        for (guint i = 0; i < elements->len; i++) {
                char name[BW_NFT_BARRED_SIZE];
                const char *element = elements->pdata[i];
                const GPtrArray *names;

                if (!g_str_has_prefix(element, begin))
                        continue;
                names = elements_of(
                        table,
                        bw_nft_barred_name(
                                (guint) g_ascii_strtoull(element + strlen(begin), NULL, 10), name));
                for (guint k = 0; k < names->len; k++)
                        g_string_append_printf(text, "%s%s", k ? " " : "",
                                               (char *) names->pdata[k]);
                return g_string_free(text, FALSE);
        }
        return g_string_free(g_string_append(text, "nobody's"), FALSE);
}

static void assert_barred(const BwNftTable *table, const char *map, const char *key,
                          const char *wanted) {
        g_autofree char *found = barred(table, map, key);

        g_assert_cmpstr(found, ==, wanted);
}

static void assert_keys(const BwNftTable *table, const char *map, const char *wanted) {
        const GPtrArray *elements = elements_of(table, map);
        g_autoptr(GString) text = g_string_new(NULL);

        for (guint i = 0; i < elements->len; i++) {
                g_autofree char *key = bw_nft_element_key(elements->pdata[i]);

                g_string_append_printf(text, "%s%s", i ? " " : "", key);
        }
        g_assert_cmpstr(text->str, ==, wanted);
}

/* br1 with guest g1, uplink u1, joined to br2 with guest g2. */
static Host joined(const char *behind) {
        Host host = host_new();
        int br1 = add_bridge(&host, "br1"), br2 = add_bridge(&host, "br2");

        add_uplink(&host, "u1", br1, behind);
        add_pair(&host, "l1", br1, "l2", br2);
        add_guest(&host, "g1", br1, "52:54:00:00:00:01", "10.0.0.1 2001:db8::1");
        add_guest(&host, "g2", br2, "52:54:00:00:00:02", "10.0.0.2 2001:db8:2::/64");
        return host;
}

static void test_joined(void) {
        g_auto(Host) host = joined("");
        g_autoptr(BwNftTable) table = compile(&host);

        g_assert_cmpuint(elements_of(table, "borders")->len, ==, 3);
        g_assert_cmpuint(elements_of(table, "closed-borders")->len, ==, 0);
        assert_barred(table, "sites4", "10.0.0.1", "\"l1\" \"u1\"");
        assert_barred(table, "sites4", "10.0.0.2", "\"l2\" \"u1\"");
        assert_barred(table, "sites6", "2001:db8::1", "\"l1\" \"u1\"");
        assert_barred(table, "sites6", "fe80::5054:ff:fe00:2", "\"l2\" \"u1\"");
        assert_barred(table, "site-targets", "0x20010db8000000000000000000000001", "\"l1\" \"u1\"");
        assert_barred(table, "site-nets6", "2001:db8:2::/64", "\"l2\" \"u1\"");
        assert_barred(table, "site-target-nets",
                      "0x20010db8000200000000000000000000-0x20010db800020000ffffffffffffffff",
                      "\"l2\" \"u1\"");
        assert_barred(table, "site-macs", "52:54:00:00:00:01", "\"l1\" \"u1\"");
        assert_barred(table, "site-macs", "02:b0:00:00:00:02", "\"l2\" \"u1\"");
        assert_barred(table, "sites4", "10.0.0.3", "nobody's");
}

/* What is behind the uplink comes in by it, and by l2, which leads to it. */
static void test_behind(void) {
        g_auto(Host) host =
                joined("Addresses=172.16.0.0/12 172.16.5.0/24 172.16.5.128/25 2001:db8::/32\n"
                       "Closed=yes\n");
        g_autoptr(BwNftTable) table = NULL;

        add_guest(&host, "g3", 1, "52:54:00:00:00:03", "172.16.5.0/26 172.31.255.255");
        table = compile(&host);
        g_assert_cmpuint(elements_of(table, "closed-borders")->len, ==, 1);
        assert_keys(table, "site-nets4",
                    "172.16.0.0-172.16.4.255 172.16.5.0/26 172.16.5.128/25 172.16.5.64/26 "
                    "172.16.6.0-172.31.255.255");
        assert_barred(table, "site-nets4", "172.16.0.0-172.16.4.255", "\"l1\"");
        assert_barred(table, "site-nets4", "172.16.5.0/26", "\"l1\" \"u1\"");
        assert_barred(table, "site-nets4", "172.16.5.64/26", "\"l1\"");
        assert_barred(table, "sites4", "172.31.255.255", "\"l1\" \"u1\"");
        assert_keys(table, "site-nets6",
                    "2001:db8:2:1::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 2001:db8:2::/64 "
                    "2001:db8::/47");
}

/* A rule cannot tell segments apart: what is owned in one is nobody's in the other, or owned there,
 * too. */
static void test_segments(void) {
        g_auto(Host) host = joined("");
        int other = add_bridge(&host, "br3");
        g_autoptr(BwNftTable) table = NULL;

        add_uplink(&host, "u3", other, "Closed=yes\n");
        add_guest(&host, "g3", other, "52:54:00:00:00:02", "10.0.0.1 10.0.0.3 fe80::7");
        table = compile(&host);
        assert_barred(table, "sites4", "10.0.0.1", "\"l1\" \"u1\" \"u3\"");
        /* u3 is closed: nobody beyond it is known there. */
        assert_barred(table, "sites4", "10.0.0.2", "\"l2\" \"u1\" \"u3\"");
        assert_barred(table, "sites4", "10.0.0.3", "\"u3\"");
        assert_barred(table, "sites6", "fe80::7", "\"u3\"");
        assert_barred(table, "sites6", "fe80::5054:ff:fe00:1", "\"l1\" \"u1\"");
        assert_barred(table, "site-macs", "52:54:00:00:00:01", "\"l1\" \"u1\"");
        assert_barred(table, "site-macs", "52:54:00:00:00:02", "\"l2\" \"u1\" \"u3\"");
}

/* No border: no element, no site, and no chain for one. */
static void test_no_border(void) {
        g_auto(Host) host = host_new();
        g_autoptr(BwNftTable) table = NULL;

        add_guest(&host, "g1", add_bridge(&host, "br1"), "52:54:00:00:00:01", "10.0.0.1");
        table = compile(&host);
        g_assert_cmpuint(table->sites, ==, 0);
        g_assert_cmpuint(elements_of(table, "sites4")->len, ==, 0);
        g_assert_null(elements_of(table, "barred-0"));
        g_assert_null(strstr(table->base, "chain site-0"));
}

static Host forty(void) {
        Host host = host_new();
        int bridges[40];

        for (guint i = 0; i < G_N_ELEMENTS(bridges); i++) {
                g_autofree char *name = g_strdup_printf("br%u", i);

                bridges[i] = add_bridge(&host, name);
        }
        for (guint i = 1; i < G_N_ELEMENTS(bridges); i++) {
                g_autofree char *near = g_strdup_printf("l%u", i);
                g_autofree char *far = g_strdup_printf("m%u", i);

                add_pair(&host, near, bridges[i], far, bridges[(i - 1) / 2]);
        }
        return host;
}

/* One guest more is a few elements, in however many bridges, and nobody else's change. */
static void test_guest(void) {
        g_auto(Host) before = forty(), after = forty();
        g_autoptr(BwNftTable) table = compile(&before), later = NULL;
        g_autofree char *text = bw_nft_print(table, NULL), *commands = NULL;
        g_autoptr(BwNftListing) listing = bw_nft_listing_parse(text);
        g_auto(GStrv) words = NULL;

        add_guest(&after, "g1", 30, "52:54:00:00:00:01", "10.0.0.1 2001:db8::1");
        later = compile(&after);
        g_assert_cmpuint(table->sites, ==, later->sites);
        g_assert_cmpstr(table->base, ==, later->base);
        commands = bw_nft_diff(later, listing);
        g_assert_null(strstr(commands, "delete"));
        words = g_strsplit(commands, "goto site-", -1);
        /* IPv4, IPv6 and link-local, the latter two as numbers, too; the MAC. */
        g_assert_cmpuint(g_strv_length(words) - 1, ==, 6);
}

/* Room for a power of two: most changes of the topology leave the chains as they are. */
static void test_room(void) {
        g_auto(Host) host = forty();
        g_autoptr(BwNftTable) table = compile(&host);

        g_assert_cmpuint(table->sites, >=, 40);
        g_assert_cmpuint(table->sites, <=, 64);
        g_assert_nonnull(elements_of(table, "barred-63"));
        g_assert_null(elements_of(table, "barred-64"));
        g_assert_nonnull(strstr(table->base, "\tchain site-63 {\n"));
        g_assert_null(strstr(table->base, "\tchain site-64 {\n"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/nft_sites/joined", test_joined);
        g_test_add_func("/nft_sites/behind", test_behind);
        g_test_add_func("/nft_sites/segments", test_segments);
        g_test_add_func("/nft_sites/no-border", test_no_border);
        g_test_add_func("/nft_sites/guest", test_guest);
        g_test_add_func("/nft_sites/room", test_room);
        return g_test_run();
}
