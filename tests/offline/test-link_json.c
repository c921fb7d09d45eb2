/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What ip(8) prints, as facts; and what it never prints, as sentences.
 */

#include "link_json.h"

#include <bw/error.h>
#include <string.h>

#define BOTH (BW_LINK_JSON_LINKS | BW_LINK_JSON_ADDRESSES)

typedef struct Told {
        GArray *facts; /* BwFact */
} Told;

static void take(const BwFact *fact, gpointer user) {
        g_array_append_val(((Told *) user)->facts, *fact);
}

static Told told_new(void) {
        return (Told){ g_array_new(FALSE, TRUE, sizeof(BwFact)) };
}

static void told_clear(Told *told) {
        g_array_unref(told->facts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Told, told_clear)

static Told read_text(const char *text, unsigned parts) {
        Told told = told_new();
        g_autoptr(GError) error = NULL;

        bw_link_json_read(text, strlen(text), parts, take, &told, &error);
        g_assert_no_error(error);
        return told;
}

static const BwLink *find_link(const Told *told, const char *name) {
        for (guint i = 0; i < told->facts->len; i++) {
                const BwFact *fact = &g_array_index(told->facts, BwFact, i);

                if (fact->kind == BW_FACT_LINK && g_str_equal(fact->link.name, name))
                        return &fact->link;
        }
        g_error("no link %s", name);
}

#define ETHER "\"link_type\":\"ether\",\"address\":\"52:54:00:00:00:01\","
#define PORT  "\"linkinfo\":{\"info_kind\":\"tun\",\"info_slave_kind\":\"bridge\"}"

/* Ports may stand before their bridge, and peers before each other. */
static void test_links(void) {
        g_auto(Told) told = read_text(
                "[{},"
                "{\"ifindex\":5,\"ifname\":\"vk63\",\"flags\":[\"UP\",\"PROMISC\"],\"master\":\"br0\"," ETHER
                "\"linkinfo\":{\"info_kind\":\"tun\",\"info_data\":{\"type\":\"tap\"},"
                "\"info_slave_kind\":\"bridge\"}},"
                "{\"ifindex\":2,\"ifname\":\"br0\",\"flags\":[]," ETHER
                "\"linkinfo\":{\"info_kind\":\"bridge\",\"info_data\":{\"nf_call_iptables\":1,"
                "\"ageing_time\":30000}}},"
                "{\"ifindex\":3,\"ifname\":\"br1\",\"flags\":[],"
                "\"linkinfo\":{\"info_kind\":\"bridge\",\"info_data\":{\"nf_call_iptables\":0}}},"
                "{\"ifindex\":6,\"link\":\"v1\",\"ifname\":\"v0\",\"flags\":[],\"linkinfo\":{\"info_kind\":\"veth\"}},"
                "{\"ifindex\":7,\"link\":\"v0\",\"ifname\":\"v1\",\"flags\":[],\"linkinfo\":{\"info_kind\":\"veth\"}},"
                "{\"ifindex\":8,\"link\":\"v0\",\"link_netnsid\":0,\"ifname\":\"v2\",\"flags\":[],"
                "\"linkinfo\":{\"info_kind\":\"veth\"}},"
                "{\"ifindex\":9,\"link\":null,\"ifname\":\"ib0\",\"flags\":[],\"link_type\":\"infiniband\","
                "\"address\":\"80:00\"},"
                "{\"ifindex\":10,\"ifname\":\"slave\",\"flags\":[],\"master\":\"bond0\","
                "\"linkinfo\":{\"info_slave_kind\":\"bond\"}}]",
                BOTH);
        const BwLink *port = find_link(&told, "vk63"), *bridge = find_link(&told, "br0");

        g_assert_cmpuint(told.facts->len, ==, 8);
        g_assert_cmpint(port->ifindex, ==, 5);
        g_assert_cmpint(port->kind, ==, BW_LINK_TAP);
        g_assert_cmpint(port->master, ==, 2);
        g_assert_true(port->up && port->promiscuous);
        g_assert_cmpint(port->mac.octet[5], ==, 1);
        g_assert_cmpint(bridge->kind, ==, BW_LINK_BRIDGE);
        g_assert_cmpuint(bridge->switches, ==, BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IPTABLES));
        g_assert_cmpuint(bridge->ageing_centiseconds, ==, 30000);
        g_assert_false(bridge->up || find_link(&told, "br1")->switches);
        g_assert_cmpint(find_link(&told, "v0")->peer, ==, 7);
        g_assert_cmpint(find_link(&told, "v1")->peer, ==, 6);
        g_assert_cmpint(find_link(&told, "v2")->peer, ==, 0);
        g_assert_cmpint(find_link(&told, "ib0")->mac.octet[0], ==, 0);
        g_assert_cmpint(find_link(&told, "slave")->master, ==, 0);
}

static void test_bridge_and_port(void) {
        g_auto(Told) told = read_text(
                "[{\"ifindex\":2,\"ifname\":\"br0\",\"flags\":[\"UP\"],\"promiscuity\":2,"
                "\"linkinfo\":{\"info_kind\":\"bridge\",\"info_data\":{\"stp_state\":1,"
                "\"vlan_filtering\":1,\"topology_change\":1,\"ageing_time\":400}}},"
                "{\"ifindex\":3,\"ifname\":\"br1\",\"flags\":[],"
                "\"linkinfo\":{\"info_kind\":\"bridge\",\"info_data\":{\"stp_state\":0,"
                "\"vlan_filtering\":0,\"topology_change\":1}}},"
                "{\"ifindex\":5,\"ifname\":\"p1\",\"flags\":[\"UP\",\"LOWER_UP\"],\"master\":\"br0\","
                "\"xdp\":{\"mode\":2,\"prog\":{\"id\":17}},"
                "\"linkinfo\":{\"info_kind\":\"tun\",\"info_slave_kind\":\"bridge\","
                "\"info_slave_data\":{\"state\":\"blocking\",\"hairpin\":true,\"guard\":false,"
                "\"learning\":true,\"flood\":false,\"isolated\":true}}},"
                "{\"ifindex\":6,\"ifname\":\"p2\",\"flags\":[\"UP\"],\"master\":\"ovs\","
                "\"linkinfo\":{\"info_kind\":\"tun\",\"info_slave_kind\":\"openvswitch\"}}]",
                BW_LINK_JSON_LINKS);
        const BwLink *bridge = find_link(&told, "br0"), *port = find_link(&told, "p1");

        g_assert_true(bridge->stp && bridge->vlan_filtering && bridge->topology_change);
        g_assert_cmpuint(bridge->promiscuity, ==, 2);
        g_assert_false(bridge->running || bridge->xdp || bridge->openvswitch);
        g_assert_false(find_link(&told, "br1")->stp || find_link(&told, "br1")->vlan_filtering ||
                       find_link(&told, "br1")->topology_change);
        g_assert_true(port->running && port->xdp);
        g_assert_cmpint(port->stp_state, ==, BW_STP_BLOCKING);
        g_assert_cmphex(port->flags, ==,
                        BW_FLAG_BIT(BW_FLAG_HAIRPIN) | BW_FLAG_BIT(BW_FLAG_LEARNING) |
                                BW_FLAG_BIT(BW_FLAG_ISOLATED));
        /* An ip(8) or a kernel before "locked". */
        g_assert_cmphex(port->flags_known, ==,
                        ((1u << BW_FLAG_MAX) - 1) & ~BW_FLAG_BIT(BW_FLAG_LOCKED));
        g_assert_true(find_link(&told, "p2")->openvswitch);
        g_assert_cmpint(find_link(&told, "p2")->master, ==, 0);
}

static void test_other_ends(void) {
        g_auto(Told) told = read_text(
                "[{\"ifindex\":2,\"ifname\":\"eth0\",\"flags\":[]},"
                "{\"ifindex\":3,\"link\":\"eth0\",\"ifname\":\"eth0.7\",\"flags\":[],"
                "\"linkinfo\":{\"info_kind\":\"vlan\"}},"
                "{\"ifindex\":4,\"link\":\"eth0\",\"ifname\":\"mt\",\"flags\":[],"
                "\"linkinfo\":{\"info_kind\":\"macvtap\"}},"
                "{\"ifindex\":5,\"link_index\":2,\"link_netnsid\":3,\"ifname\":\"mt2\",\"flags\":[],"
                "\"linkinfo\":{\"info_kind\":\"macvtap\"}},"
                "{\"ifindex\":6,\"link_index\":2,\"link_netnsid\":3,\"ifname\":\"v0\",\"flags\":[],"
                "\"linkinfo\":{\"info_kind\":\"veth\"}},"
                "{\"ifindex\":7,\"link\":\"eth0\",\"link_netnsid\":-1,\"ifname\":\"v1\",\"flags\":[],"
                "\"linkinfo\":{\"info_kind\":\"veth\"}},"
                "{\"ifindex\":8,\"link\":\"eth0\",\"ifname\":\"vx\",\"flags\":[],"
                "\"linkinfo\":{\"info_kind\":\"vxlan\"}}]",
                BW_LINK_JSON_LINKS);

        g_assert_cmpstr(find_link(&told, "eth0")->kind_name, ==, "");
        g_assert_cmpstr(find_link(&told, "eth0.7")->kind_name, ==, "vlan");
        g_assert_cmpint(find_link(&told, "eth0.7")->lower, ==, 2);
        g_assert_cmpint(find_link(&told, "mt")->kind, ==, BW_LINK_MACVTAP);
        g_assert_cmpint(find_link(&told, "mt")->lower, ==, 2);
        g_assert_cmpint(find_link(&told, "mt2")->lower, ==, 0);
        g_assert_cmpint(find_link(&told, "mt2")->peer_namespace, ==, 0);
        g_assert_cmpint(find_link(&told, "v0")->peer, ==, 0);
        g_assert_cmpint(find_link(&told, "v0")->peer_namespace, ==, 4);
        g_assert_cmpint(find_link(&told, "v1")->peer_namespace, ==, 0);
        g_assert_cmpint(find_link(&told, "v1")->peer, ==, 0);
        g_assert_cmpint(find_link(&told, "vx")->lower, ==, 0);
}

static void test_addresses(void) {
        g_auto(Told) told = read_text(
                "[{\"ifindex\":2,\"addr_info\":[{},"
                "{\"family\":\"inet\",\"local\":\"10.0.0.1\",\"prefixlen\":24},"
                "{\"family\":\"inet\",\"local\":\"10.0.9.1\",\"address\":\"10.0.9.2\",\"prefixlen\":30},"
                "{\"family\":\"inet6\",\"local\":\"2001:db8::1\",\"prefixlen\":64},"
                "{\"family\":\"inet6\",\"local\":\"fe80::1\",\"prefixlen\":64,\"tentative\":true},"
                "{\"family\":\"mctp\",\"local\":\"8\"}]},{\"ifindex\":3}]",
                BW_LINK_JSON_ADDRESSES);
        static const struct {
                const char *text;
                unsigned length;
        } right[] = { { "10.0.0.1", 24 }, { "10.0.9.1", 32 }, { "2001:db8::1", 64 } };

        g_assert_cmpuint(told.facts->len, ==, G_N_ELEMENTS(right));
        for (guint i = 0; i < told.facts->len; i++) {
                const BwFact *fact = &g_array_index(told.facts, BwFact, i);
                g_autofree char *text = bw_prefix_print(&fact->address.address);

                g_assert_cmpint(fact->kind, ==, BW_FACT_ADDRESS);
                g_assert_cmpint(fact->address.ifindex, ==, 2);
                g_assert_cmpstr(text, ==, right[i].text);
                g_assert_cmpuint(fact->address.prefix_length, ==, right[i].length);
        }
}

/* Nothing is told of a file that is wrong anywhere. */
static void expect_wrong(const char *text, gsize length, const char *words) {
        g_auto(Told) told = told_new();
        g_autoptr(GError) error = NULL;

        if (bw_link_json_read(text, length, BOTH, take, &told, &error))
                g_error("taken: %.200s", text);
        g_assert_error(error, BW_ERROR, BW_ERROR_INVALID);
        if (!strstr(error->message, words))
                g_error("no \"%s\" in: %s", words, error->message);
        g_assert_cmpuint(strlen(error->message), <, 400);
        g_assert_cmpuint(told.facts->len, ==, 0);
}

#define LINK(index, name) "{\"ifindex\":" index ",\"ifname\":\"" name "\",\"flags\":[]}"

static const struct {
        const char *text, *words;
} wrong[] = {
        { "", "it is no" },
        { "no", "it is no JSON" },
        { "[", "it is no JSON" },
        { "{}", "it is no list" },
        { "3", "it is no list" },
        { "[3]", "entry 1: it is no object" },
        { "[" LINK("1", "lo") ",[]]", "entry 2: it is no object" },
        { "[{\"ifname\":\"a\"}]", "entry 1: \"ifindex\"" },
        { "[" LINK("0", "a") "]", "\"ifindex\"" },
        { "[" LINK("-4", "a") "]", "\"ifindex\"" },
        { "[" LINK("2147483648", "a") "]", "\"ifindex\"" },
        { "[" LINK("\"1\"", "a") "]", "\"ifindex\"" },
        { "[" LINK("1.5", "a") "]", "\"ifindex\"" },
        { "[" LINK("1", "") "]", "\"ifname\"" },
        { "[" LINK("1", "0123456789abcdef") "]", "\"ifname\"" },
        { "[" LINK("1", "a b") "]", "\"ifname\"" },
        { "[" LINK("1", "a\\nb") "]", "\"ifname\" is no name of a link: a\\x0ab" },
        { "[" LINK("1", "a\\u000bb") "]", "\"ifname\"" },
        { "[" LINK("1", "a/b") "]", "\"ifname\"" },
        { "[" LINK("1", "a:1") "]", "\"ifname\"" },
        { "[" LINK("1", "..") "]", "\"ifname\"" },
        { "[" LINK("1", "a") "," LINK("1", "b") "]", "same \"ifindex\"" },
        { "[" LINK("1", "a") "," LINK("2", "a") "]", "same name" },
        { "[{\"ifindex\":1,\"ifname\":\"a\"}]", "\"flags\"" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":\"UP\"}]", "\"flags\"" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],\"link_type\":\"ether\","
          "\"address\":\"52:54:00:00:00\"}]",
          "no MAC address" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],\"link_type\":\"ether\","
          "\"address\":\"52:54:00:00:00:0g\"}]",
          "no MAC address" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],\"master\":\"br0\"}]", "-details" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],\"master\":\"br0\"," PORT "}]",
          "a is a port of br0, which is not in the list" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],\"addr_info\":[7]}]", "\"addr_info\"" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],\"addr_info\":[{\"family\":\"inet\"}]}]",
          "\"local\"" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],\"addr_info\":[{\"family\":\"inet\","
          "\"local\":\"10.0.0.300\",\"prefixlen\":8}]}]",
          "\"local\"" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],\"addr_info\":[{\"family\":\"inet\","
          "\"local\":\"10.0.0.1\",\"prefixlen\":33}]}]",
          "\"prefixlen\"" },
        { "[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],\"addr_info\":[{\"family\":\"inet\","
          "\"local\":\"10.0.0.1\"}]}]",
          "\"prefixlen\"" },
        { "[{\"ifindex\":1,\"ifname\":\"\xff\",\"flags\":[]}]", "it is no JSON" },
};

static void test_wrong(void) {
        for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
                expect_wrong(wrong[i].text, strlen(wrong[i].text), wrong[i].words);
}

/* What the parser reads otherwise than JSON has it must not hide brackets from our count. */
static void test_hidden(void) {
        static const char *const covers[] = {
                "/* \" */",
                "'\"'",
                "// \"\n",
                "[\"\\u1\"\",",
                "[\"\\ud800\"\",",
                "[\"\\ud800\\\"\",",
                "[\"\\ud800\\n\\\"\",",
                "[\"\\udc00\\u12\"\",",
                "[\"\\ud800\\u\"\",",
                "#\"\n",
                "$\"",
                "[\"\\u12",
        };
        g_autofree char *deep = g_strnfill(4 << 20, '[');

        for (guint i = 0; i < G_N_ELEMENTS(covers); i++) {
                g_autofree char *text = g_strconcat(covers[i], deep, NULL);

                expect_wrong(text, strlen(text), "it is no JSON");
        }
}

/* Whatever JSON may hold in a string is read. */
static void test_escapes(void) {
        g_auto(Told) told = read_text("[{\"ifindex\":1,\"ifname\":\"\\u0061\\u00E9\",\"flags\":[],"
                                      "\"ifalias\":\"\\\"\\\\\\/ [[ \\ud83d\\ude00 '/*\"}]",
                                      BOTH);

        g_assert_cmpuint(told.facts->len, ==, 1);
        g_assert_cmpstr(g_array_index(told.facts, BwFact, 0).link.name, ==, "a\xc3\xa9");
}

/* The parser follows any depth; brackets in strings are none. */
static void test_deep(void) {
        g_autofree char *deep = g_strnfill(4 << 20, '[');
        g_autofree char *objects = g_malloc0(1000001);
        g_auto(Told) told = told_new();

        expect_wrong(deep, strlen(deep), "nested too deep");
        for (guint i = 0; i < 200000; i++)
                memcpy(objects + 5 * i, "{\"a\":", 5);
        expect_wrong(objects, strlen(objects), "nested too deep");
        told_clear(&told);
        told = read_text("[{\"ifindex\":1,\"ifname\":\"a\",\"flags\":[],"
                         "\"ifalias\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[\"}]",
                         BOTH);
        g_assert_cmpuint(told.facts->len, ==, 1);
}

static void test_many(void) {
        g_autoptr(GString) text = g_string_new("[{}");

        for (guint i = 0; i < 65536; i++)
                g_string_append(text, ",{}");
        g_string_append_c(text, ']');
        expect_wrong(text->str, text->len, "more than 65536");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/link-json/links", test_links);
        g_test_add_func("/link-json/bridge-and-port", test_bridge_and_port);
        g_test_add_func("/link-json/other-ends", test_other_ends);
        g_test_add_func("/link-json/addresses", test_addresses);
        g_test_add_func("/link-json/wrong", test_wrong);
        g_test_add_func("/link-json/deep", test_deep);
        g_test_add_func("/link-json/hidden", test_hidden);
        g_test_add_func("/link-json/escapes", test_escapes);
        g_test_add_func("/link-json/many", test_many);
        return g_test_run();
}
