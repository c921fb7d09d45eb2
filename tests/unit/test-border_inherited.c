/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What borders know of guests that a former run guards, and nobody has told of yet.
 */

#include "three_bridges.h"

#include <bw/owner.h>

#define GUEST_N "52:54:00:00:00:05"

typedef struct Former {
        const char *port, *addresses, *mac; /* or "" */
        bool is_border, is_closed;
} Former;

static bool tell_former(const char *port, BwInheritedPort *ret, gconstpointer user) {
        for (const Former *former = user; former->port; former++) {
                g_auto(GStrv) texts = g_strsplit(former->addresses, " ", -1);

                if (!g_str_equal(former->port, port))
                        continue;
                ret->is_border = former->is_border;
                ret->is_closed = former->is_closed;
                for (char **text = texts; *text; text++)
                        g_array_append_val(ret->addresses,
                                           ((BwPrefix[]){ bw_test_prefix(*text) })[0]);
                if (*former->mac)
                        g_array_append_val(ret->macs, ((BwMac[]){ bw_test_mac(former->mac) })[0]);
                return true;
        }
        return false;
}

/* "new" on west is nobody's, but for what @formers say. */
static void plan_formers(Scene *scene, const Former *formers, const char *more) {
        tell(scene->model, bw_test_tap(14, "new", bw_test_mac("fe:54:00:00:00:05"), WEST));
        plan(scene, more);
        bw_plan_keep_inherited(scene->plan, scene->model, tell_former, formers);
}

static const Former of_new[] = {
        { "new", "192.168.50.14 2001:db8:7::/64 192.168.50.14", GUEST_N, false, false }, {}
};

/* As if it were declared. */
static void test_inherited(void) {
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "in", "eth0", IN, ip_frame(GUEST_E, OUTSIDE, "192.168.50.14", "192.168.50.12"),
                  "IP source" },
                { "its network", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "2001:db8:7::8", "2001:db8::12"), "IP source" },
                { "ARP", "eth0", IN, arp_frame(OUTSIDE, OUTSIDE, "192.168.50.14", 2),
                  "ARP sender IP" },
                { "MAC", "eth0", IN, ip_frame(GUEST_E, GUEST_N, "8.8.8.8", "192.168.50.12"),
                  "Ethernet source" },
                { "out", "eth0", OUT, ip_frame(OUTSIDE, GUEST_E, "192.168.50.12", "192.168.50.14"),
                  "IP destination" },
                { "the right door", "e-m", IN,
                  ip_frame(GUEST_E, GUEST_N, "192.168.50.14", "192.168.50.12"), NULL },
                { "the wrong door", "w-m", IN,
                  ip_frame(GUEST_W, GUEST_N, "192.168.50.14", "192.168.50.11"), "Ethernet source" },
                { "nobody's", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "192.168.50.99", "192.168.50.12"), NULL },
        };

        plan_formers(&scene, of_new, "");
        check_role(&scene, "new", BW_ROLE_GUEST, BW_PORT_INHERITED, false);
        check_addresses(port_of(&scene, "new"), "192.168.50.14 2001:db8:7::/64");
        check_leads(&scene, "192.168.50.14", "e-m m-w");
        check_leads(&scene, "2001:db8:7::1", "e-m m-w");
        check_leads(&scene, "fe80::5054:ff:fe00:5", "e-m m-w");
        check_mac_leads(&scene, GUEST_N, "eth0", false);
        check_mac_leads(&scene, GUEST_N, "m-w", true);
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
        /* What is known of others is as it was. */
        check_leads(&scene, "192.168.50.11", "e-m m-w");
        check_leads(&scene, "192.168.50.12", "m-e w-m");
}

/* The chains of "new" have been changed to say so; all of that is somebody's who is declared. */
static void test_inherited_yields(void) {
        static const Former forged[] = {
                { "new", "192.168.50.12 192.168.50.1 2001:db8::12 10.7.7.7 10.9.9.9", GUEST_E,
                  false, false },
                {}
        };
        g_auto(Scene) scene = scene_new();

        tell_address(scene.model, MIDDLE, "10.9.9.9/24");
        plan_formers(&scene, forged,
                     "[Guest ge]\nAddresses=192.168.50.12 2001:db8::12 10.7.0.0/16\n");
        check_role(&scene, "new", BW_ROLE_GUEST, BW_PORT_INHERITED, false);
        check_addresses(port_of(&scene, "new"), "");
        g_assert_cmpuint(port_of(&scene, "new")->macs->len, ==, 0);
        check_addresses(port_of(&scene, "vnet1"), "10.7.0.0/16 192.168.50.12 2001:db8::12");
        g_assert_cmpint(port_of(&scene, "vnet1")->state, ==, BW_PORT_BOUND);
        check_leads(&scene, "192.168.50.12", "m-e w-m");
        check_leads(&scene, "2001:db8::12", "m-e w-m");
        check_leads(&scene, "192.168.50.1", "e-m m-w");
        check_leads(&scene, "10.7.7.7", "m-e w-m");
        check_mac_leads(&scene, GUEST_E, "m-e", true);
        check_mac_leads(&scene, GUEST_E, "e-m", false);
}

/* The link-local address that a declared MAC makes, by itself or in a network. */
static void test_inherited_yields_link_local(void) {
        static const Former forged[] = {
                { "new", "fe80::/10 fe80::5054:ff:fe00:2 fe80::7", "", false, false }, {}
        };
        static const char strict[] = "[Guest gw]\nLinkLocal=declared\n"
                                     "[Guest ge]\nLinkLocal=declared\n"
                                     "[Port vmh2]\nLinkLocal=declared\n";
        g_auto(Scene) scene = scene_new();
        BwPrefix made = bw_test_prefix("fe80::5054:ff:fe00:2");

        plan_formers(&scene, forged, "");
        check_addresses(port_of(&scene, "new"), "fe80::7");
        g_assert_true(bw_owner_may_use(scene.plan, bridge_of(&scene, "east"),
                                       port_of(&scene, "vnet1"), &made));
        check_leads(&scene, "fe80::5054:ff:fe00:2", "m-e w-m");
        /* Who may use what is declared only has none to lose. */
        plan_formers(&scene, forged, strict);
        check_addresses(port_of(&scene, "new"), "fe80::/10 fe80::7 fe80::5054:ff:fe00:2");
}

/* What a border may not let in it may not because of a chain either. */
static void test_inherited_opens_nothing(void) {
        static const Former forged[] = {
                { "new", "10.1.2.3 192.168.50.14 10.0.0.0/7", "", false, false }, {}
        };
        static const Former disputed[] = {
                { "new", "192.168.50.14 192.168.51.0/24", GUEST_N, false, false },
                { "stray", "192.168.50.14 192.168.51.7", GUEST_N, false, false },
                {}
        };
        g_auto(Scene) scene = scene_new();

        /* Behind the uplink, and nowhere else. */
        plan_formers(&scene, forged, "[Port eth0]\nAddresses=10.0.0.0/8\n");
        check_leads(&scene, "10.9.9.9", "eth0 m-e w-m");
        check_leads(&scene, "10.1.2.3", "");
        check_leads(&scene, "11.1.2.3", "e-m m-w");
        plan_formers(&scene, forged, "[Port eth0]\nAddresses=10.1.2.3\n");
        check_leads(&scene, "10.1.2.3", "eth0 m-e w-m");
        /* A closed border lets in what is declared behind it. */
        plan_formers(&scene, forged, "[Port e-m]\nClosed=yes\n");
        check_leads(&scene, "192.168.50.14", "m-w");
        /* Two ports say so: it is behind no border that does not lead to both. */
        plan_formers(&scene, disputed, "");
        check_leads(&scene, "192.168.50.14", "e-m");
        check_leads(&scene, "192.168.51.9", "e-m m-w");
        check_leads(&scene, "192.168.51.7", "e-m");
        check_mac_leads(&scene, GUEST_N, "e-m", true);
        check_mac_leads(&scene, GUEST_N, "m-w", false);
}

/* A gateway that nobody is known to have may be behind an uplink, but not when a former run knew
 * better. */
static void test_inherited_gateway(void) {
        static const Former gateway[] = { { "new", "192.168.50.254", "", false, false }, {} };
        g_auto(Scene) scene = scene_new();

        plan_formers(&scene, gateway, "[Bridge west]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "");
        tell(scene.model, port_of_kind(BW_LINK_OTHER, 31, "eth1", 0, WEST));
        plan_formers(&scene, gateway, "[Bridge west]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "e-m m-w");
}

/* A guest that routes: what is owned it may not use, nobody's it may, and it opens no other way to
 * a gateway. */
static void test_inherited_border(void) {
        static const Former border[] = { { "new", "", "", true, false }, {} };
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "a guest's", "new", IN,
                  ip_frame(GUEST_W, OUTSIDE, "192.168.50.12", "192.168.50.11"), "IP source" },
                { "nobody's", "new", IN, ip_frame(GUEST_W, OUTSIDE, "8.8.8.8", "192.168.50.11"),
                  NULL },
                { "gateway's", "new", IN,
                  ip_frame(GUEST_W, OUTSIDE, "192.168.50.254", "192.168.50.11"), NULL },
                { "misdelivered", "new", OUT,
                  ip_frame(OUTSIDE, GUEST_W, "192.168.50.11", "192.168.50.12"), "IP destination" },
        };

        plan_formers(&scene, border, "[Bridge east]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "eth0 m-e w-m");
        plan_formers(&scene, border, "[Bridge west]\nGateway=192.168.50.254\n");
        check_leads(&scene, "192.168.50.254", "new");
        check_role(&scene, "new", BW_ROLE_UPLINK, BW_PORT_INHERITED, false);
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
}

/* A guest that routes for what is declared behind it, and for nobody else. */
static void test_inherited_closed_border(void) {
        static const Former border[] = {
                { "new", "10.7.0.0/16 192.168.50.12 192.168.50.254", "", true, true }, {}
        };
        static const Former nested[] = { { "new", "10.0.0.0/8", "", true, true },
                                         { "stray", "10.7.0.0/16", "", true, true },
                                         {} };
        static const Former guests_own[] = { { "new", "200.0.0.0/8", "", false, false },
                                             { "stray", "10.0.0.0/8 200.7.0.0/16", "", true, true },
                                             {} };
        static const char gateway[] = "[Bridge east]\nGateway=192.168.50.254\n";
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "what is behind it", "new", IN,
                  ip_frame(GUEST_W, OUTSIDE, "10.7.1.1", "192.168.50.11"), NULL },
                { "to what is behind it", "new", OUT,
                  ip_frame(OUTSIDE, GUEST_W, "192.168.50.11", "10.7.1.1"), NULL },
                { "the same elsewhere", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "10.7.1.1", "192.168.50.12"), "IP source" },
                { "nobody's", "new", IN, ip_frame(GUEST_W, OUTSIDE, "8.8.8.8", "192.168.50.11"),
                  "IP source" },
                { "to nobody", "new", OUT, ip_frame(OUTSIDE, GUEST_W, "192.168.50.11", "8.8.8.8"),
                  "IP destination" },
                { "what somebody has by now", "new", IN,
                  ip_frame(GUEST_W, OUTSIDE, "192.168.50.12", "192.168.50.11"), "IP source" },
                { "nobody's elsewhere", "eth0", IN,
                  ip_frame(GUEST_E, OUTSIDE, "8.8.8.8", "192.168.50.12"), NULL },
        };

        plan_formers(&scene, border, gateway);
        g_assert_true(port_of(&scene, "new")->closed_border);
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
        /* What nobody has the former run had behind each uplink, and it may be there still. */
        check_leads(&scene, "192.168.50.254", "eth0 m-e w-m");
        /* Another that is closed, and is asked now, is not opened. */
        plan_formers(&scene, border, "[Port m-w]\nClosed=yes\n[Port e-m]\nClosed=yes\n");
        check_leads(&scene, "10.7.1.1", "new");
        /* Of two, the more exact one counts, as it did; but not against a guest's own. */
        plan_formers(&scene, nested, "");
        check_leads(&scene, "10.1.1.1", "e-m m-w new");
        check_leads(&scene, "10.7.1.1", "e-m stray w-m");
        plan_formers(&scene, guests_own, "[Port eth0]\nAddresses=10.0.0.0/8\n");
        check_leads(&scene, "200.1.1.1", "e-m m-w");
        check_leads(&scene, "200.7.1.1", "e-m");
}

/* What is behind two of them was said once, of both. */
static void test_inherited_pair(void) {
        static const Former pair[] = { { "new", "10.7.0.0/16", "", true, false },
                                       { "stray", "10.7.0.0/16", "", true, true },
                                       {} };
        static const Former and_guest[] = { { "new", "10.7.0.0/16", "", true, false },
                                            { "spare", "10.7.0.0/16", "", false, false },
                                            { "stray", "10.7.0.0/16", "", true, false },
                                            {} };
        g_auto(Scene) scene = scene_new();
        const Check checks[] = {
                { "the first", "new", IN, ip_frame(GUEST_W, OUTSIDE, "10.7.1.1", "192.168.50.11"),
                  NULL },
                { "to the first", "new", OUT,
                  ip_frame(OUTSIDE, GUEST_W, "192.168.50.11", "10.7.1.1"), NULL },
                { "the second, closed", "stray", IN,
                  ip_frame(GUEST_W, OUTSIDE, "10.7.1.1", "192.168.50.11"), NULL },
                { "to the second", "stray", OUT,
                  ip_frame(OUTSIDE, GUEST_W, "192.168.50.11", "10.7.1.1"), NULL },
                { "elsewhere", "eth0", IN, ip_frame(GUEST_E, OUTSIDE, "10.7.1.1", "192.168.50.12"),
                  "IP source" },
                { "nobody's, of the closed one", "stray", IN,
                  ip_frame(GUEST_W, OUTSIDE, "8.8.8.8", "192.168.50.11"), "IP source" },
        };

        plan_formers(&scene, pair, "");
        check_leads(&scene, "10.7.1.1", "e-m m-w new stray w-m");
        for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
                check_frame(&scene, &checks[i]);
        /* A declaration is stronger than both of them. */
        plan_formers(&scene, pair, "[Port eth0]\nAddresses=10.7.0.0/16\n");
        check_leads(&scene, "10.7.1.1", "eth0 m-e w-m");
        plan_formers(&scene, pair, "[Port eth0]\nAddresses=10.7.1.1\n");
        check_leads(&scene, "10.7.1.1", "eth0 m-e w-m");
        check_leads(&scene, "10.7.1.2", "e-m m-w new stray w-m");
        /* A guest's own is no border's, however many say so. */
        tell(scene.model, bw_test_tap(15, "spare", bw_test_mac("fe:54:00:00:00:06"), WEST));
        plan_formers(&scene, and_guest, "");
        check_leads(&scene, "10.7.1.1", "e-m m-w");
}

/* What was behind an uplink, too, may be there still; as far as that is nobody else's now. */
static void test_inherited_with_uplink(void) {
        static const Former both[] = { { "eth0", "10.7.0.0/16 10.9.0.0/16", "", true, false },
                                       { "new", "10.7.0.0/16 10.8.0.0/16", "", true, false },
                                       {} };
        static const Former and_guest[] = { { "eth0", "10.7.0.0/16", "", true, false },
                                            { "new", "10.7.0.0/16", "", true, false },
                                            { "stray", "10.7.0.0/16", "", false, false },
                                            {} };
        static const Former no_more[] = { { "eth0", "10.7.0.0/16", "", true, false },
                                          { "new", "", "", true, false },
                                          {} };
        static const Former guests_own[] = { { "eth0", "10.7.0.0/16", "", true, false },
                                             { "new", "10.7.0.0/16", "", false, false },
                                             {} };
        static const Former no_border[] = { { "eth0", "10.7.0.0/16", "", false, false },
                                            { "new", "10.7.0.0/16", "", true, false },
                                            {} };
        static const char owned[] = "[Guest ge]\nAddresses=192.168.50.12 10.7.0.0/16\n";
        static const char nobodys[] = "e-m eth0 m-e m-w new w-m";
        g_auto(Scene) scene = scene_new();

        plan_formers(&scene, both, "");
        check_leads(&scene, "10.7.1.1", nobodys);
        check_leads(&scene, "10.8.1.1", "e-m m-w new");
        g_assert_null(bw_border_find_address(scene.plan->segments->pdata[0],
                                             ((BwPrefix[]){ bw_test_prefix("10.9.1.1") })));
        /* One that is closed now lets in what is declared, and a link what is behind it. */
        plan_formers(&scene, both, "[Port eth0]\nClosed=yes\n");
        check_leads(&scene, "10.7.1.1", "e-m m-w new");
        plan_formers(&scene, both, owned);
        check_leads(&scene, "10.7.1.1", "m-e w-m");
        plan_formers(&scene, and_guest, "");
        check_leads(&scene, "10.7.1.1", "e-m w-m");
        plan_formers(&scene, guests_own, "");
        check_leads(&scene, "10.7.1.1", "e-m m-w");
        plan_formers(&scene, no_border, "");
        check_leads(&scene, "10.7.1.1", "e-m m-w new");
        /* The other is gone, or says nothing: nobody has it. */
        plan_formers(&scene, no_more, "");
        g_assert_null(bw_border_find_address(scene.plan->segments->pdata[0],
                                             ((BwPrefix[]){ bw_test_prefix("10.7.1.1") })));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/border_inherited/declared", test_inherited);
        g_test_add_func("/border_inherited/yields", test_inherited_yields);
        g_test_add_func("/border_inherited/yields-link-local", test_inherited_yields_link_local);
        g_test_add_func("/border_inherited/opens-nothing", test_inherited_opens_nothing);
        g_test_add_func("/border_inherited/gateway", test_inherited_gateway);
        g_test_add_func("/border_inherited/border", test_inherited_border);
        g_test_add_func("/border_inherited/closed-border", test_inherited_closed_border);
        g_test_add_func("/border_inherited/pair", test_inherited_pair);
        g_test_add_func("/border_inherited/with-uplink", test_inherited_with_uplink);
        return g_test_run();
}
