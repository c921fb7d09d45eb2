/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What others have in nftables' FORWARD, as nft(8) and iptables-nft(8) write it and a real kernel
 * tells it: where a packet over the bridge virbr6 ends.
 */

#include <bw/error.h>
#include <command.h>
#include <net/if.h>
#include <netns.h>
#include <nftables/libnftables.h>
#include <nftables_forward.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BRIDGE "virbr6"

static const char *family_name(BwFamily family) {
        return family == BW_FAMILY_IPV4 ? "IPv4" : "IPv6";
}

/* (transfer full): "IPv4 ip filter FORWARD; ", for each family that is dropped. */
static char *judge(const GPtrArray *tables) {
        g_autoptr(GString) text = g_string_new("");

        for (unsigned family = BW_FAMILY_IPV4; family <= BW_FAMILY_IPV6; family++) {
                BwForwardEnd end;

                if (bw_forward_drops(tables, (BwFamily) family, BRIDGE,
                                     (int) if_nametoindex(BRIDGE), &end))
                        g_string_append_printf(text, "%s %s %s %s; ",
                                               family_name((BwFamily) family), end.table->nft,
                                               end.table->name, end.chain->name);
        }
        return g_string_free(g_steal_pointer(&text), FALSE);
}

/* @wanted: a star is any text, for the numbers the kernel gives. */
static void expect(BwNftForward *forward, const char *wanted) {
        g_autoptr(GError) error = NULL;
        const GPtrArray *tables = bw_nftables_forward_read(forward, &error);
        g_autofree char *found = NULL;

        g_assert_no_error(error);
        found = judge(tables);
        if (!g_pattern_match_simple(wanted, found))
                g_assert_cmpstr(found, ==, wanted);
}

typedef struct Row {
        const char *name;
        const char *commands;
        const char *wanted;
} Row;

#define DROP4      "IPv4 ip filter FORWARD; "
#define BASE       "nft 'add table inet t; add chain inet t f { type filter hook forward priority 0; }'; "
#define DROPPING   BASE "nft 'add chain inet t f { policy drop; }'; "
#define BOTH       "IPv4 inet t f; IPv6 inet t f; "
#define RULE(rule) "nft 'add rule inet t f " rule "'; "

/* @bridge is one of its networks, whose chain asks for packets from @from. */
#define DOCKER_NATIVE(bridge, from, verdict)                                                       \
        "nft -f - <<X\ntable ip docker-bridges {\n"                                                \
        "map filter-forward-in-jumps { type ifname : verdict;\n"                                   \
        "elements = { \"br-1\" : jump none, \"" bridge "\" : jump filter-forward-in__x }\n}\n"     \
        "map filter-forward-out-jumps { type ifname : verdict;\n"                                  \
        "elements = { \"" bridge "\" : jump filter-forward-out__x }\n}\n"                          \
        "chain filter-FORWARD { type filter hook forward priority filter; policy accept;\n"        \
        "oifname vmap @filter-forward-in-jumps\niifname vmap @filter-forward-out-jumps\n}\n"       \
        "chain none {\n}\nchain filter-forward-in__x {\n"                                          \
        "ct state established,related counter accept\niifname \"" from "\" counter " verdict       \
        " comment \"ICC\"\ncounter drop comment \"UNPUBLISHED PORT DROP\"\n}\n"                    \
        "chain filter-forward-out__x {\nct state established,related counter accept\n"             \
        "counter accept comment \"OUTGOING\"\n}\n}\nX\n"

static const Row rows[] = {
        { "nothing", "true", "" },
        { "policy", "iptables-nft -P FORWARD DROP", DROP4 },
        { "policy-ipv6", "ip6tables-nft -P FORWARD DROP", "IPv6 ip6 filter FORWARD; " },
        { "both", DROPPING, BOTH },
        /* As Docker makes them. */
        { "docker",
          "iptables-nft -P FORWARD DROP; iptables-nft -N DOCKER; iptables-nft -N DOCKER-USER; "
          "iptables-nft -N DOCKER-ISOLATION-STAGE-1; iptables-nft -N DOCKER-ISOLATION-STAGE-2; "
          "iptables-nft -A FORWARD -j DOCKER-USER; iptables-nft -A DOCKER-USER -j RETURN; "
          "iptables-nft -A FORWARD -j DOCKER-ISOLATION-STAGE-1; "
          "iptables-nft -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED "
          "-j ACCEPT; iptables-nft -A FORWARD -o docker0 -j DOCKER; "
          "iptables-nft -A FORWARD -i docker0 ! -o docker0 -j ACCEPT; "
          "iptables-nft -A FORWARD -i docker0 -o docker0 -j ACCEPT; "
          "iptables-nft -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 "
          "-j DOCKER-ISOLATION-STAGE-2; iptables-nft -A DOCKER-ISOLATION-STAGE-1 -j RETURN; "
          "iptables-nft -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP",
          DROP4 },
        { "docker-user",
          "iptables-nft -P FORWARD DROP; iptables-nft -N DOCKER-USER; "
          "iptables-nft -A FORWARD -j DOCKER-USER; "
          "iptables-nft -A DOCKER-USER -i virbr6 -o virbr6 -j ACCEPT",
          "" },
        { "physdev-is-bridged",
          "iptables-nft -P FORWARD DROP; "
          "iptables-nft -I FORWARD -m physdev --physdev-is-bridged -m comment --comment x "
          "-j ACCEPT",
          "" },
        { "physdev-is-not-bridged",
          "iptables-nft -P FORWARD DROP; "
          "iptables-nft -I FORWARD -m physdev ! --physdev-is-bridged -j ACCEPT",
          DROP4 },
        { "physdev-in", "iptables-nft -A FORWARD -m physdev --physdev-in vk64 -j DROP", "" },
        { "prefix", "iptables-nft -A FORWARD -i virbr+ -j REJECT", DROP4 },
        { "other-prefix", "iptables-nft -A FORWARD -i docker+ -j REJECT", "" },
        { "longer-name", "iptables-nft -A FORWARD -o virbr66 -j REJECT", "" },
        { "not-out", "iptables-nft -A FORWARD ! -o virbr6 -j DROP", "" },
        { "not-in-another", "iptables-nft -A FORWARD ! -i eth0 -j DROP", DROP4 },
        { "narrow",
          "iptables-nft -A FORWARD -p tcp -j DROP; iptables-nft -A FORWARD -s 10.0.0.0/8 -j DROP; "
          "iptables-nft -A FORWARD -m conntrack --ctstate INVALID -j DROP; "
          "iptables-nft -A FORWARD -m limit --limit 3/s -j DROP; "
          "iptables-nft -A FORWARD -m mark --mark 3 -j DROP",
          "" },
        { "no-condition",
          "iptables-nft -N deny; iptables-nft -A FORWARD -j LOG; "
          "iptables-nft -A FORWARD -m comment --comment \"all the rest\" -g deny; "
          "iptables-nft -A FORWARD -j ACCEPT; iptables-nft -A deny -j DROP",
          "IPv4 ip filter deny; " },
        { "queued", "iptables-nft -P FORWARD DROP; iptables-nft -A FORWARD -j NFQUEUE", "" },
        /* As libvirt's networks are: what stays on a bridge passes, the rest is rejected. */
        { "libvirt",
          "for c in FWI FWO FWX; do iptables-nft -N LIBVIRT_$c; "
          "iptables-nft -A FORWARD -j LIBVIRT_$c; done; "
          "for c in virbr0 virbr6; do "
          "iptables-nft -A LIBVIRT_FWO -s 192.168.122.0/24 -i $c -j ACCEPT; "
          "iptables-nft -A LIBVIRT_FWX -i $c -o $c -j ACCEPT; done",
          "" },
        { "libvirt-rejects",
          "for c in FWX FWI FWO; do iptables-nft -N LIBVIRT_$c; "
          "iptables-nft -A FORWARD -j LIBVIRT_$c; done; "
          "iptables-nft -A LIBVIRT_FWX -i virbr0 -o virbr0 -j ACCEPT; "
          "iptables-nft -A LIBVIRT_FWI -o virbr6 -j REJECT --reject-with icmp-port-unreachable",
          "IPv4 ip filter LIBVIRT_FWI; " },
        { "libvirt-by-number",
          DROPPING "ip link add virbr0 type bridge; " RULE("iif virbr0 oif virbr0 counter accept"),
          BOTH },
        { "libvirt-by-own-number", DROPPING RULE("iif virbr6 oif virbr6 counter accept"), "" },
        { "firewalld",
          "nft -f - <<X\ntable inet firewalld {\n"
          "chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept;\n"
          "ct state { established, related } accept\nct status dnat accept\n"
          "iifname \"lo\" accept\nct state vmap { invalid : drop }\n"
          "ip6 daddr { ::/96, ::ffff:0.0.0.0/96 } log prefix \"RFC3964 \" "
          "reject with icmpv6 addr-unreachable\n"
          "jump filter_FORWARD_IN_ZONES\njump filter_FORWARD_OUT_ZONES\n"
          "reject with icmpx admin-prohibited\n}\n"
          "chain filter_FORWARD_IN_ZONES {\niifname \"eth0\" goto filter_FWDI_public\n"
          "goto filter_FWDI_public\n}\n"
          "chain filter_FORWARD_OUT_ZONES {\noifname \"eth0\" goto filter_FWDO_public\n}\n"
          "chain filter_FWDI_public {\nmeta l4proto { icmp, ipv6-icmp } accept\n}\n"
          "chain filter_FWDO_public {\n}\n}\nX",
          "IPv4 inet firewalld filter_FORWARD; IPv6 inet firewalld filter_FORWARD; " },
        /* One zone with two bridges, and what it forwards within itself. */
        { "firewalld-policies",
          "nft -f - <<X\ntable inet firewalld {\n"
          "chain filter_FORWARD { type filter hook forward priority filter + 10; policy accept;\n"
          "ct state { established, related } accept\nct status dnat accept\n"
          "iifname \"lo\" accept\nct state invalid drop\n"
          "jump filter_FORWARD_POLICIES\nreject with icmpx admin-prohibited\n}\n"
          "chain filter_FORWARD_POLICIES {\n"
          "iifname \"eth0\" oifname \"eth0\" jump filter_FWD_public\n"
          "iifname { \"virbr0\", \"virbr6\" } oifname { \"virbr0\", \"virbr6\" } "
          "jump filter_FWD_libvirt\n"
          "jump filter_FWD_public\nreject with icmpx admin-prohibited\n}\n"
          "chain filter_FWD_public {\nmeta l4proto { icmp, ipv6-icmp } accept\n}\n"
          "chain filter_FWD_libvirt {\noif { virbr6, lo } accept\n}\n}\nX",
          "" },
        /* Docker without iptables: a verdict map of networks each way. */
        { "docker-native", DOCKER_NATIVE("docker0", "docker0", "accept"), "" },
        { "docker-native-on-it", DOCKER_NATIVE("virbr6", "virbr6", "accept"), "" },
        { "docker-native-without-icc", DOCKER_NATIVE("virbr6", "virbr6", "drop"),
          "IPv4 ip docker-bridges filter-forward-in__x; " },
        { "docker-native-from-elsewhere", DOCKER_NATIVE("virbr6", "eth0", "accept"),
          "IPv4 ip docker-bridges filter-forward-in__x; " },
        /* The same as some write it by hand, by pairs. */
        { "docker-native-by-pairs",
          DOCKER_NATIVE("virbr6", "eth0", "accept") "nft 'insert rule ip docker-bridges "
                                                    "filter-FORWARD iifname . oifname { "
                                                    "virbr0 . virbr0, virbr6 . virbr6 } accept'",
          "" },
        { "each-hook",
          DROPPING "iptables-nft -I FORWARD -j ACCEPT; ip6tables-nft -I FORWARD -j ACCEPT", BOTH },
        { "one-table-with-two-hooks",
          BASE
          "nft 'add chain inet t g { type filter hook forward priority 10; policy drop; }'; " RULE(
                  "accept"),
          "IPv4 inet t g; IPv6 inet t g; " },
        { "other-hooks",
          "nft 'add table inet t; "
          "add chain inet t i { type filter hook input priority 0; policy drop; }; "
          "add chain inet t o { type filter hook output priority 0; policy drop; }; "
          "add chain inet t p { type filter hook postrouting priority 0; }; "
          "add chain inet t never; add rule inet t never drop'",
          "" },
        { "dormant",
          "nft 'add table ip t { flags dormant; }; "
          "add chain ip t f { type filter hook forward priority 0; policy drop; }'",
          "" },
        { "bridge-family",
          "nft 'add table bridge t; "
          "add chain bridge t f { type filter hook forward priority 0; policy drop; }'",
          "" },
        { "nfproto", BASE RULE("meta nfproto ipv6 drop"), "IPv6 inet t f; " },
        { "not-nfproto", BASE RULE("meta nfproto != ipv6 drop"), "IPv4 inet t f; " },
        { "protocol", BASE RULE("meta protocol ip drop"), "IPv4 inet t f; " },
        { "no-such-protocol", BASE RULE("meta protocol arp drop"), "" },
        { "marks", BASE RULE("counter log prefix \"x\" meta mark set 1 ct mark set mark drop"),
          BOTH },
        { "mark-asked", BASE RULE("meta mark 1 drop"), "" },
        { "masked", BASE RULE("ct state new,untracked drop"), "" },
        { "set", DROPPING RULE("iifname { virbr6, virbr4 } oifname { virbr6, br0 } accept"), "" },
        { "other-set", DROPPING RULE("iifname { virbr66, virbr4 } accept"), BOTH },
        { "not-set", BASE RULE("iifname != { virbr0, lo } drop"), BOTH },
        { "not-set-with-it", BASE RULE("iifname != { virbr6, lo } drop"), "" },
        { "stars", DROPPING RULE("oifname { \"docker*\", \"virbr*\", br0 } accept"), "" },
        { "other-stars", DROPPING RULE("oifname { \"docker*\", \"vir\", \"virbr6?*\" } accept"),
          BOTH },
        { "not-star", BASE RULE("oifname != \"virbr*\" drop"), "" },
        { "named-set",
          DROPPING "nft 'add set inet t s { type ifname; elements = { virbr6 }; }'; " RULE(
                  "iifname @s accept"),
          "" },
        { "empty-set",
          DROPPING "nft 'add set inet t s { type ifname; }'; " RULE("iifname @s accept"), BOTH },
        { "two-of-one", BASE RULE("iifname \"virbr*\" iifname != virbr6 drop"), "" },
        { "pairs", BASE RULE("iifname . oifname { virbr6 . virbr6 } drop"), BOTH },
        { "other-pairs", BASE RULE("iifname . oifname { virbr6 . br0, br0 . virbr6 } drop"), "" },
        { "not-pairs", BASE RULE("oifname . iifname != { virbr6 . br0, br0 . virbr6 } drop"),
          BOTH },
        { "not-pairs-with-it", BASE RULE("iifname . oifname != { a . b, virbr6 . virbr6 } drop"),
          "" },
        { "pairs-with-stars",
          DROPPING RULE("iifname . oifname { \"docker*\" . eth0, \"virbr*\" . \"vir*\" } accept"),
          "" },
        { "other-pairs-with-stars",
          DROPPING RULE("iifname . oifname { \"virbr*\" . \"docker*\", \"a*\" . virbr6 } accept"),
          BOTH },
        { "named-pairs",
          BASE "nft 'add set inet t s { type ifname . ifname; flags interval; "
               "elements = { virbr6 . virbr6 }; }'; " RULE("iifname . oifname @s drop"),
          BOTH },
        { "map-of-pairs",
          DROPPING RULE("iifname . oifname vmap { virbr6 . br0 : drop, virbr6 . virbr6 : accept }"),
          "" },
        { "map-of-pairs-with-stars",
          BASE RULE("oifname . iifname vmap { \"virbr*\" . virbr6 : drop, br0 . br0 : accept }"),
          BOTH },
        { "map-of-pairs-with-chains",
          BASE "nft 'add chain inet t deny; add rule inet t deny reject'; " RULE(
                  "iifname . oifname vmap { br0 . br0 : drop, virbr6 . virbr6 : goto deny }"),
          "IPv4 inet t deny; IPv6 inet t deny; " },
        { "pairs-with-addresses-are-narrow",
          BASE RULE("iifname . ip saddr { virbr6 . 10.0.0.1 } drop"), "" },
        { "pairs-around-addresses-are-narrow",
          BASE RULE("iifname . ip saddr . oifname != { virbr6 . 10.0.0.1 . virbr6 } drop"), "" },
        { "numbers", BASE RULE("iif { lo, virbr6 } drop"), BOTH },
        { "other-numbers", BASE RULE("oif { 70000, lo } drop"), "" },
        { "not-numbers", BASE RULE("oif != { 70000, lo } drop"), BOTH },
        { "not-numbers-with-it", BASE RULE("iif != { virbr6, lo } drop"), "" },
        { "ranges-of-numbers", BASE RULE("iif { 1-255, 300-400 } drop"), BOTH },
        { "other-ranges-of-numbers", BASE RULE("iif { 512-65535, 1000000-33554432 } drop"), "" },
        { "named-numbers",
          DROPPING "nft 'add set inet t s { type iface_index; flags interval; "
                   "elements = { lo, virbr6 }; }'; " RULE("oif @s accept"),
          "" },
        { "pairs-of-numbers", BASE RULE("iif . oif { lo . lo, virbr6 . virbr6 } drop"), BOTH },
        { "other-pairs-of-numbers", BASE RULE("iif . oif { lo . virbr6, virbr6 . lo } drop"), "" },
        { "pairs-of-ranges-of-numbers", BASE RULE("iif . oif { 1-255 . 1-255 } drop"), BOTH },
        { "numbers-and-names", BASE RULE("iif . oifname { lo . lo, virbr6 . virbr6 } drop"), BOTH },
        { "map-of-numbers", DROPPING RULE("oif vmap { lo : drop, virbr6 : accept }"), "" },
        { "map-of-ranges-of-numbers", BASE RULE("iif vmap { 1-255 : drop, 300 : accept }"), BOTH },
        { "families", BASE RULE("meta nfproto { ipv4, ipv6 } drop"), BOTH },
        { "not-families", BASE RULE("meta protocol != { arp, ip } drop"), "IPv6 inet t f; " },
        { "family-and-name", BASE RULE("meta nfproto . iifname { ipv6 . virbr6, ipv4 . br0 } drop"),
          "IPv6 inet t f; " },
        { "four-sets",
          BASE RULE("iifname { virbr6, lo } oifname { virbr6, lo } iif { virbr6, lo } "
                    "oif { virbr6, lo } drop"),
          BOTH },
        { "five-sets-are-narrow",
          BASE RULE("iifname { virbr6, lo } oifname { virbr6, lo } iif { virbr6, lo } "
                    "oif { virbr6, lo } meta nfproto { ipv4, ipv6 } drop"),
          "" },
        { "elements-with-limits-are-narrow",
          BASE "nft 'add set inet t s { type ifname; limit rate 5/second; "
               "elements = { virbr6 }; }'; " RULE("iifname @s drop"),
          "" },
        { "elements-with-counters",
          BASE "nft 'add set inet t s { type ifname; counter; elements = { virbr6 }; }'; " RULE(
                  "iifname @s drop"),
          BOTH },
        { "marked-by-map", BASE RULE("meta mark set iifname map { virbr6 : 1, br0 : 2 } drop"),
          BOTH },
        { "marked-by-other-map", BASE RULE("meta mark set iifname map { br1 : 1, br0 : 2 } drop"),
          "" },
        { "behind-a-map", DROPPING RULE("iifname vmap { virbr6 : accept } drop"), "" },
        { "behind-another-map", BASE RULE("iifname vmap { br0 : accept } drop"), "" },
        { "map", BASE RULE("iifname vmap { virbr6 : drop, br0 : accept }"), BOTH },
        { "other-map", BASE RULE("iifname vmap { virbr66 : drop, br0 : drop }"), "" },
        { "map-with-chains",
          DROPPING "nft 'add chain inet t pass; add rule inet t pass accept'; " RULE(
                  "oifname vmap { br0 : drop, virbr6 : jump pass }"),
          "" },
        { "map-with-the-rest", DROPPING RULE("oifname vmap { br0 : drop, * : accept }"), "" },
        { "map-by-name",
          BASE
          "nft 'add map inet t m { type ifname : verdict; elements = { virbr6 : drop }; }'; " RULE(
                  "oifname vmap @m"),
          BOTH },
        { "chain-in-a-rule", BASE RULE("iifname virbr6 jump { counter; drop; }"),
          "IPv4 inet t __chain*; IPv6 inet t __chain*; " },
        { "limit", BASE RULE("limit rate 5/second drop"), "" },
        { "named-limit",
          BASE "nft 'add limit inet t l { rate 5/second; }'; " RULE("limit name l drop"), "" },
        { "named-counter", BASE "nft 'add counter inet t c'; " RULE("counter name c drop"), BOTH },
};

static void clear(void) {
        bw_test_run("nft flush ruleset; ip link del virbr0 2>/dev/null; true");
}

static void test_row(gconstpointer pointer) {
        const Row *row = pointer;
        g_autoptr(BwNftForward) forward = bw_nftables_forward_new();

        clear();
        /* What was there before must not stay. */
        expect(forward, "");
        bw_test_run("set -e; %s", row->commands);
        expect(forward, row->wanted);
        clear();
        expect(forward, "");
}

/* Names of 255 bytes that differ in the last. */
static void test_long_names(void) {
        g_autoptr(BwNftForward) forward = bw_nftables_forward_new();
        g_autofree char *name = g_strnfill(254, 'c');

        clear();
        bw_test_run(BASE RULE("counter") "nft 'add chain inet t %sx; add chain inet t %sy; "
                                         "add rule inet t %sx drop; add rule inet t f jump %sy'",
                    name, name, name, name);
        expect(forward, "");
        bw_test_run("nft add rule inet t f jump %sx", name);
        {
                g_autofree char *wanted =
                        g_strdup_printf("IPv4 inet t %sx; IPv6 inet t %sx; ", name, name);

                expect(forward, wanted);
        }
}

static double cpu_milliseconds(void) {
        struct rusage usage;

        getrusage(RUSAGE_SELF, &usage);
        return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
               (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static double spend(BwNftForward *forward, unsigned times) {
        double before = cpu_milliseconds();

        for (unsigned i = 0; i < times; i++)
                expect(forward, BOTH);
        return cpu_milliseconds() - before;
}

/* More rules than one datagram holds, beside a hundred thousand elements that nobody reads. */
static void test_large_host(void) {
        g_autoptr(BwNftForward) forward = bw_nftables_forward_new();
        double first, second;

        clear();
        bw_test_run(BASE);
        bw_test_run("{ echo 'add chain inet t many'; echo 'add set inet t big { type ifname . "
                    "ipv4_addr; }'; echo 'add rule inet t f iifname . ip saddr @big drop'; "
                    "i=0; while [ $i -lt 2000 ]; do "
                    "echo \"add rule inet t many iifname dock$i oifname eth$i accept\"; "
                    "i=$((i+1)); done; echo 'add rule inet t many drop'; "
                    "echo 'add rule inet t f jump many'; } | nft -f -");
        bw_test_run("python3 -c 'print(\"add element inet t big { \" + \", \".join("
                    "f\"e{n} . 10.{n >> 16}.{n >> 8 & 255}.{n & 255}\" for n in range(100000)) + "
                    "\" }\")' | nft -f -");
        {
                g_autoptr(GError) error = NULL;
                const GPtrArray *tables = bw_nftables_forward_read(forward, &error);
                g_autofree char *found = judge(tables);
                const BwForwardSet *big;

                g_assert_no_error(error);
                g_assert_cmpstr(found, ==, "IPv4 inet t many; IPv6 inet t many; ");
                big = g_hash_table_lookup(((BwForwardTable *) tables->pdata[0])->sets, "big");
                g_assert_true(big->is_foreign);
                g_assert_cmpuint(big->elements->len, ==, 0);
        }
        bw_test_run("nft add rule inet t f drop; nft insert rule inet t f drop");
        first = spend(forward, 1);
        second = spend(forward, 1000);
        g_test_message("2000 rules beside 100000 elements: %.2f ms to read, %.4f ms while nothing "
                       "changes",
                       first, second / 1000);
}

static void fill_names(const char *table, unsigned count) {
        bw_test_run("python3 -c 'print(\"add element inet %s names { \" + \", \".join("
                    "[\"virbr6\"] + [f\"e{n}\" for n in range(%u)]) + \" }\")' | nft -f -",
                    table, count - 1);
}

/* So many are looked at and no more; the answer that is left lying must not become that to the next
 * question. */
static void test_many_elements(void) {
        g_autoptr(BwNftForward) forward = bw_nftables_forward_new();
        double first, second;

        clear();
        bw_test_run(BASE
                    "nft 'add set inet t names { type ifname; }'; " RULE("iifname @names drop"));
        fill_names("t", BW_FORWARD_MOST_ELEMENTS);
        first = spend(forward, 1);
        second = spend(forward, 100);
        g_test_message("%u elements: %.2f ms to read, %.4f ms while nothing changes",
                       BW_FORWARD_MOST_ELEMENTS, first, second / 100);
        bw_test_run("nft 'add element inet t names { another }'");
        expect(forward, "");
        fill_names("t", 20 * BW_FORWARD_MOST_ELEMENTS);
        first = cpu_milliseconds();
        expect(forward, "");
        g_test_message("20 times as many: %.2f ms until it is given up",
                       cpu_milliseconds() - first);
        bw_test_run(
                "nft 'add table inet u; add chain inet u f { type filter hook forward priority 1; "
                "}; add rule inet u f iifname { virbr6, lo } drop'");
        expect(forward, "IPv4 inet u f; IPv6 inet u f; ");
        bw_test_run("nft 'add rule inet t f iifname { virbr6, lo } drop'");
        expect(forward, BOTH);
}

/* Both states drop, and at no time is there any other. */
static void change_all_the_time(void) {
        g_autoptr(GString) many = g_string_new("flush chain inet t f\n");
        struct nft_ctx *context = nft_ctx_new(NFT_CTX_DEFAULT);

        for (unsigned i = 0; i < 600; i++)
                g_string_append_printf(many, "add rule inet t f iifname eth%u accept\n", i);
        g_string_append(many, "add rule inet t f drop\n");
        for (unsigned i = 0; i < 40; i++)
                if (nft_run_cmd_from_buffer(context, many->str) != 0 ||
                    nft_run_cmd_from_buffer(context, "flush chain inet t f\n"
                                                     "add rule inet t f drop\n") != 0)
                        _exit(1);
        _exit(0);
}

/* What is read while others write is never half of one and half of the other. */
static void test_torn(void) {
        unsigned whole = 0, busy = 0;
        pid_t child;
        int status;

        clear();
        bw_test_run(BASE RULE("drop"));
        child = fork();
        if (child == 0)
                change_all_the_time();
        while (waitpid(child, &status, WNOHANG) == 0) {
                g_autoptr(BwNftForward) forward = bw_nftables_forward_new();
                g_autoptr(GError) error = NULL;
                const GPtrArray *tables = bw_nftables_forward_read(forward, &error);
                g_autofree char *found = tables ? judge(tables) : NULL;

                whole += tables != NULL;
                busy += !tables;
                if (tables)
                        g_assert_cmpstr(found, ==, BOTH);
                else
                        g_assert_error(error, BW_ERROR, BW_ERROR_BUSY);
        }
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpuint(whole, >, 0);
        g_test_message("read %u times whole, %u times busy", whole, busy);
}

static void test_denied(void) {
        g_autoptr(BwNftForward) forward = bw_nftables_forward_new();
        g_autoptr(GError) error = NULL;
        const GPtrArray *tables;

        clear();
        bw_test_run(DROPPING);
        bw_test_set_net_admin(false);
        tables = bw_nftables_forward_read(forward, &error);
        bw_test_set_net_admin(true);
        g_assert_null(tables);
        g_assert_error(error, BW_ERROR, BW_ERROR_DENIED);
        expect(forward, BOTH);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (!bw_test_enter_netns()) {
                g_print("1..0 # SKIP no namespaces here\n");
                return 0;
        }
        bw_test_run("ip link add " BRIDGE " type bridge");
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autofree char *path = g_strconcat("/nftables-forward/", rows[i].name, NULL);

                g_test_add_data_func(path, &rows[i], test_row);
        }
        g_test_add_func("/nftables-forward/long-names", test_long_names);
        g_test_add_func("/nftables-forward/large-host", test_large_host);
        g_test_add_func("/nftables-forward/many-elements", test_many_elements);
        g_test_add_func("/nftables-forward/torn", test_torn);
        g_test_add_func("/nftables-forward/denied", test_denied);
        return g_test_run();
}
