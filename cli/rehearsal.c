/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "rehearsal.h"

#include "kernel_rules.h"
#include "stage.h"

#include <bw/error.h>
#include <bw/frame.h>
#include <bw/nft_words.h>
#include <iptables.h>
#include <net/if.h>
#include <netinet/in.h>
#include <nftables.h>
#include <string.h>

#define HOST_BIT (1u << BW_STAGE_HOST)

/* One frame, and where it is expected. Ports are counted as on the stage, the sender's is 0. */
typedef struct Trial {
        GByteArray *frame;
        GArray *expected; /* BwExpected; names are not in it any more … */
        GArray *ports;    /* … but numbers (unsigned) are here, beside it */
        BwOutcome outcomes[BW_ENGINE_MAX];
} Trial;

struct BwRehearsal {
        char *bridge, *written;
        unsigned engines;
        bool host_sends;
        bool fed_ipv4, fed_ipv6; /* whether iptables and ip6tables see what the bridge carries */
        BwKernelRules rules;
        GPtrArray *ports;  /* char * */
        GArray *indexes;   /* int: of each port, on the host */
        GPtrArray *trials; /* Trial * */
        GPtrArray *untried[BW_ENGINE_MAX];
};

static void trial_free(gpointer data) {
        Trial *trial = data;

        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++) {
                g_ptr_array_unref(trial->outcomes[kind].reached);
                g_ptr_array_unref(trial->outcomes[kind].kept);
        }
        g_array_unref(trial->expected);
        g_array_unref(trial->ports);
        g_byte_array_unref(trial->frame);
        g_free(trial);
}

/* What is there */

/* br_netfilter shows packets to iptables when the namespace's sysctl or the bridge says so
 * (Documentation/networking/ip-sysctl.rst, /proc/sys/net/bridge). */
static bool is_sysctl_on(const char *name) {
        g_autofree char *path = g_strconcat("/proc/sys/net/bridge/", name, NULL);
        g_autofree char *text = NULL;

        return g_file_get_contents(path, &text, NULL, NULL) &&
               g_strcmp0(g_strstrip(text), "0") != 0;
}

static bool read_switches(BwRehearsal *rehearsal, GError **error) {
        g_autoptr(BwStageLink) links = bw_stage_link_new(error);
        bool has_module = g_file_test("/proc/sys/net/bridge", G_FILE_TEST_EXISTS);
        bool ipv4, ipv6;

        if (!links || !bw_stage_link_get_nf_call(links, rehearsal->bridge, &ipv4, &ipv6, error))
                return false;
        rehearsal->fed_ipv4 = has_module && (ipv4 || is_sysctl_on("bridge-nf-call-iptables"));
        rehearsal->fed_ipv6 = has_module && (ipv6 || is_sysctl_on("bridge-nf-call-ip6tables"));
        return true;
}

static void add_port(BwRehearsal *rehearsal, const char *port) {
        int index = (int) if_nametoindex(port);

        g_ptr_array_add(rehearsal->ports, g_strdup(port));
        g_array_append_val(rehearsal->indexes, index);
}

BwRehearsal *bw_rehearsal_new(const char *bridge, const char *in, unsigned engines,
                              const char *written, GError **error) {
        g_autoptr(BwRehearsal) rehearsal = g_new0(BwRehearsal, 1);

        rehearsal->bridge = g_strdup(bridge);
        rehearsal->written = g_strdup(written);
        rehearsal->engines = engines;
        rehearsal->host_sends = g_str_equal(bridge, in);
        rehearsal->ports = g_ptr_array_new_with_free_func(g_free);
        rehearsal->indexes = g_array_new(FALSE, FALSE, sizeof(int));
        rehearsal->trials = g_ptr_array_new_with_free_func(trial_free);
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                rehearsal->untried[kind] = g_ptr_array_new_with_free_func(g_free);
        if (!rehearsal->host_sends)
                add_port(rehearsal, in);
        if (!bw_kernel_rules_read(&rehearsal->rules, engines, error) ||
            !read_switches(rehearsal, error))
                return NULL;
        return g_steal_pointer(&rehearsal);
}

void bw_rehearsal_free(BwRehearsal *rehearsal) {
        if (!rehearsal)
                return;
        bw_kernel_rules_clear(&rehearsal->rules);
        g_ptr_array_unref(rehearsal->trials);
        g_ptr_array_unref(rehearsal->ports);
        g_array_unref(rehearsal->indexes);
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                g_ptr_array_unref(rehearsal->untried[kind]);
        g_free(rehearsal->written);
        g_free(rehearsal->bridge);
        g_free(rehearsal);
}

/* What is asked */

/* Its number on the stage; BW_STAGE_MOST: there is no room left. */
static unsigned number_of(BwRehearsal *rehearsal, const char *port) {
        guint number;

        if (*port == '\0')
                return BW_STAGE_HOST;
        if (g_ptr_array_find_with_equal_func(rehearsal->ports, port, g_str_equal, &number))
                return number;
        if (rehearsal->ports->len == BW_REHEARSAL_MOST_PORTS)
                return BW_STAGE_MOST;
        add_port(rehearsal, port);
        return rehearsal->ports->len - 1;
}

guint bw_rehearsal_add(BwRehearsal *rehearsal, const uint8_t *frame, gsize length,
                       const GArray *expected) {
        Trial *trial = g_new0(Trial, 1);
        guint left_out = 0;

        G_STATIC_ASSERT(BW_REHEARSAL_MOST_PORTS == BW_STAGE_MOST_PORTS);
        trial->frame = g_byte_array_append(g_byte_array_new(), frame, (guint) length);
        trial->expected = g_array_new(FALSE, FALSE, sizeof(BwExpected));
        trial->ports = g_array_new(FALSE, FALSE, sizeof(unsigned));
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                trial->outcomes[kind] = (BwOutcome){
                        .reached = g_ptr_array_new_with_free_func(g_free),
                        .kept = g_ptr_array_new_with_free_func(g_free),
                };
        for (guint i = 0; i < expected->len; i++) {
                BwExpected one = g_array_index(expected, BwExpected, i);
                unsigned number = number_of(rehearsal, one.port);

                left_out += number == BW_STAGE_MOST;
                if (number == BW_STAGE_MOST)
                        continue;
                one.port = NULL;
                g_array_append_val(trial->expected, one);
                g_array_append_val(trial->ports, number);
        }
        g_ptr_array_add(rehearsal->trials, trial);
        return left_out;
}

/* Loading what was read */

static void note(BwRehearsal *rehearsal, BwIptTable table, const char *chain, const char *what) {
        g_ptr_array_add(rehearsal->untried[BW_ENGINE_IPTABLES],
                        g_strdup_printf("%s, chain %s: %s", bw_ipt_table_text(table), chain, what));
}

/* A way into a chain of others, which is not taken along, is as foreign as a rule of others. */
static bool can_load(const BwIptRule *rule) {
        bool leads = rule->target == BW_IPT_JUMP || rule->target == BW_IPT_GOTO;

        return !rule->foreign && (!leads || bw_ipt_chain_is_ours(rule->chain));
}

/* 0: it is a port of the host's alone. */
static int number_on_stage(const BwRehearsal *rehearsal, int index) {
        for (guint i = 0; i < rehearsal->ports->len; i++)
                if (g_array_index(rehearsal->indexes, int, i) == index)
                        return (int) if_nametoindex(rehearsal->ports->pdata[i]);
        return 0;
}

/* Clients at ports by the numbers those have on the stage. A rule of none that is there would match
 * nothing: false. */
static bool renumber(const BwRehearsal *rehearsal, BwIptRule *rule) {
        BwIptClient found[BW_IPT_CLIENT_MAX];
        bool asks = rule->clients[0].ifindex != 0;
        unsigned n = 0;

        memcpy(found, rule->clients, sizeof(found));
        memset(rule->clients, 0, sizeof(rule->clients));
        for (unsigned i = 0; i < BW_IPT_CLIENT_MAX && found[i].ifindex; i++) {
                found[i].ifindex = number_on_stage(rehearsal, found[i].ifindex);
                if (found[i].ifindex)
                        rule->clients[n++] = found[i];
        }
        return n > 0 || !asks;
}

/* (transfer full): the chain as it was read, but for what cannot be said again. */
static BwIptChain *copy_chain(BwRehearsal *rehearsal, BwIptTable table, const BwIptChain *found) {
        BwIptChain *chain = bw_ipt_chain_new(found->name);
        unsigned foreign = 0;

        for (guint i = 0; i < found->rules->len; i++) {
                BwIptRule rule = g_array_index(found->rules, BwIptRule, i);

                if (!can_load(&rule))
                        foreign++;
                else if (renumber(rehearsal, &rule))
                        g_array_append_val(chain->rules, rule);
        }
        if (foreign)
                note(rehearsal, table, found->name,
                     "there are rules of somebody else's in it, which were not tried");
        return chain;
}

static void free_chain(gpointer chain) {
        bw_ipt_chain_unref(chain);
}

static GPtrArray *copy_chains(BwRehearsal *rehearsal, BwIptTable table) {
        const GPtrArray *found = rehearsal->rules.chains[table];
        GPtrArray *chains = g_ptr_array_new_with_free_func(free_chain);

        for (guint i = 0; i < found->len; i++) {
                const BwIptChain *chain = found->pdata[i];

                if (bw_ipt_chain_is_ours(chain->name))
                        g_ptr_array_add(chains, copy_chain(rehearsal, table, chain));
        }
        return chains;
}

static bool is_anchor(BwIptTable table, const BwIptRule *rule) {
        BwIptRule anchor = { .target = BW_IPT_JUMP };

        g_strlcpy(anchor.chain, bw_ipt_table_root(table), sizeof(anchor.chain));
        return bw_ipt_rule_equal(&anchor, rule);
}

/* Whether packets meet our chains at all. What stands before the anchor may let them by. */
static bool has_anchor(BwRehearsal *rehearsal, BwIptTable table) {
        const char *name = bw_ipt_table_hook(table);
        const BwIptChain *hook = bw_ipt_find_chain(rehearsal->rules.chains[table], name);

        for (guint i = 0; hook && i < hook->rules->len; i++) {
                if (!is_anchor(table, &g_array_index(hook->rules, BwIptRule, i)))
                        continue;
                if (i > 0)
                        note(rehearsal, table, name,
                             "rules of somebody else's come before ours, and were not tried");
                return true;
        }
        note(rehearsal, table, name, "nothing leads from here to our rules");
        return false;
}

/* Nobody else is on the stage, so there is nobody to share the xtables lock with. */
static bool load_iptables(BwRehearsal *rehearsal, GError **error) {
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                g_autoptr(GPtrArray) chains = NULL;
                BwIptReport report;

                if (!has_anchor(rehearsal, table))
                        continue;
                chains = copy_chains(rehearsal, table);
                if (!bw_iptables_sync(table, chains, BW_IPT_LOCK_SKIPPED, &report, error))
                        return false;
        }
        return true;
}

/* How nft lists what was planned is learned here, where nobody sees it. */
static bool load_table(const BwRehearsal *rehearsal, GError **error) {
        g_autoptr(BwNftables) kernel = bw_nftables_new();
        g_autofree char *listed = NULL, *text = NULL;
        g_autofree char *found = bw_nft_forget_seen(rehearsal->rules.nft);

        if (!bw_nftables_load(kernel, rehearsal->written, error))
                return false;
        listed = bw_nftables_list(kernel, error);
        if (!listed || !bw_nftables_remove(kernel, error))
                return false;
        text = bw_nft_reword(found, listed, rehearsal->written);
        return bw_nftables_load(kernel, text, error);
}

static bool load_nftables(BwRehearsal *rehearsal, GError **error) {
        if (rehearsal->rules.nft)
                return load_table(rehearsal, error);
        g_ptr_array_add(rehearsal->untried[BW_ENGINE_NFTABLES],
                        g_strdup("there is no table " BW_NFT_FAMILY " " BW_NFT_TABLE));
        return true;
}

static bool load(BwRehearsal *rehearsal, BwEngineKind kind, GError **error) {
        switch (kind) {
        case BW_ENGINE_IPTABLES:
                return load_iptables(rehearsal, error);
        case BW_ENGINE_NFTABLES:
                return load_nftables(rehearsal, error);
        }
        g_assert_not_reached();
}

static bool unload(const BwRehearsal *rehearsal, BwEngineKind kind, GError **error) {
        g_autoptr(BwNftables) kernel = bw_nftables_new();

        if (kind == BW_ENGINE_NFTABLES)
                return !rehearsal->rules.nft || bw_nftables_remove(kernel, error);
        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++) {
                BwIptReport report;

                if (rehearsal->rules.chains[table]->len > 0 &&
                    !bw_iptables_sync(table, NULL, BW_IPT_LOCK_SKIPPED, &report, error))
                        return false;
        }
        return true;
}

/* Judging */

/* For one engine and frame. Sets of ports; the host's place stands for the sender's rules: whatever
 * those let go, the host hears. */
typedef struct Wish {
        unsigned asked, must_pass, must_drop;
        bool is_blind; /* somebody denies it for a reason the engine cannot carry */
} Wish;

/* Whether IPv4 is too short for a whole UDP header, of which two ports may well be there. */
static bool is_cut_udp(const BwFrame *frame, const GByteArray *bytes) {
        const guint ethernet = 14, smallest = ethernet + 20, udp = 8;
        const uint8_t *header = bytes->data + ethernet;

        if (frame->kind != BW_FRAME_IPV4 || frame->ip.protocol != IPPROTO_UDP ||
            bytes->len < smallest)
                return false;
        return (guint) (header[2] << 8 | header[3]) < (header[0] & 15u) * 4 + udp;
}

/* xt_udp and the walk along IPv6 headers drop by themselves what they cannot read, in whatever
 * chain asks, a monitored port's too: no rule can have it otherwise. */
static bool may_fall_by_itself(BwEngineKind kind, const GByteArray *bytes) {
        BwFrame frame = bw_frame_decode(bytes->data, bytes->len);

        return kind == BW_ENGINE_IPTABLES &&
               (is_cut_udp(&frame, bytes) || (frame.kind == BW_FRAME_IPV6 && !frame.ip.has_ports));
}

static void wish_one(Wish *wish, const BwExpected *one, unsigned ports, unsigned engine) {
        wish->asked |= ports;
        if (one->fate != BW_FATE_DROPPED)
                wish->must_pass |= ports;
        else if (one->engines & engine)
                wish->must_drop |= ports;
        else
                wish->is_blind = true;
}

/* What its sender may not send must reach nobody. */
static void wish_of_sender(Wish *wish, const BwExpected *sender, unsigned engine) {
        wish_one(wish, sender, HOST_BIT, engine);
        if (wish->must_drop & HOST_BIT) {
                wish->must_drop = wish->asked;
                wish->must_pass = 0;
        }
}

static Wish wish_of(const BwRehearsal *rehearsal, const Trial *trial, BwEngineKind kind) {
        bool may_fall = may_fall_by_itself(kind, trial->frame);
        const BwExpected *sender = NULL;
        unsigned by_itself = 0;
        Wish wish = {};

        for (guint i = 0; i < trial->expected->len; i++) {
                const BwExpected *one = &g_array_index(trial->expected, BwExpected, i);
                unsigned ports = 1u << g_array_index(trial->ports, unsigned, i);

                if (one->direction == BW_DIRECTION_IN) {
                        sender = one;
                        continue;
                }
                wish_one(&wish, one, ports, BW_ENGINE_BIT(kind));
                if (may_fall && one->has_reason)
                        by_itself |= ports;
        }
        if (sender)
                wish_of_sender(&wish, sender, BW_ENGINE_BIT(kind));
        if (sender && may_fall && sender->has_reason)
                by_itself = wish.asked;
        wish.must_pass &= ~by_itself;
        if (rehearsal->host_sends)
                wish.asked &= ~HOST_BIT;
        return wish;
}

static bool sees(const BwRehearsal *rehearsal, const Trial *trial, BwEngineKind kind) {
        unsigned engines =
                bw_evaluate_engines(&(BwVerdict){}, trial->frame->data, trial->frame->len);

        if (rehearsal->host_sends)
                engines &= BW_ENGINE_BIT(BW_ENGINE_NFTABLES);
        return engines & BW_ENGINE_BIT(kind);
}

static bool is_fed(const BwRehearsal *rehearsal, const Trial *trial, BwEngineKind kind) {
        BwFrame frame = bw_frame_decode(trial->frame->data, trial->frame->len);

        if (kind == BW_ENGINE_NFTABLES)
                return true;
        return frame.kind == BW_FRAME_IPV6 ? rehearsal->fed_ipv6 : rehearsal->fed_ipv4;
}

static void name_ports(const BwRehearsal *rehearsal, unsigned ports, GPtrArray *names) {
        for (guint i = 0; i < rehearsal->ports->len; i++)
                if (ports & 1u << i)
                        g_ptr_array_add(names, g_strdup(rehearsal->ports->pdata[i]));
}

static BwOutcomeKind kind_of(const Wish *wish, unsigned carried, unsigned arrived) {
        unsigned ports = carried & ~HOST_BIT ? carried & ~HOST_BIT : carried;

        if (!carried)
                return BW_OUTCOME_UNCARRIED;
        if ((arrived & ports) == ports)
                return wish->is_blind && !(wish->must_pass & ports) ? BW_OUTCOME_UNSEEN
                                                                    : BW_OUTCOME_PASSES;
        return arrived & ports ? BW_OUTCOME_PARTED : BW_OUTCOME_DROPPED;
}

static void judge(const BwRehearsal *rehearsal, Trial *trial, BwEngineKind kind, unsigned bare,
                  unsigned guarded) {
        BwOutcome *outcome = &trial->outcomes[kind];
        Wish wish = wish_of(rehearsal, trial, kind);
        unsigned carried = wish.asked & bare, arrived = carried & guarded;

        outcome->agrees = rehearsal->untried[kind]->len == 0;
        if (!sees(rehearsal, trial, kind)) {
                outcome->kind = BW_OUTCOME_UNSEEN;
                outcome->agrees = true;
                return;
        }
        if (!is_fed(rehearsal, trial, kind)) {
                outcome->kind = BW_OUTCOME_UNFED;
                outcome->agrees &= !wish.must_drop;
                return;
        }
        outcome->kind = kind_of(&wish, carried, arrived);
        outcome->agrees &= !(carried & wish.must_pass & ~arrived) && !(arrived & wish.must_drop);
        name_ports(rehearsal, arrived, outcome->reached);
        name_ports(rehearsal, carried & ~arrived, outcome->kept);
}

/* Trying */

static bool fire_all(const BwRehearsal *rehearsal, BwStage *stage, unsigned *ret, GError **error) {
        unsigned from = rehearsal->host_sends ? BW_STAGE_HOST : 0;

        for (guint i = 0; i < rehearsal->trials->len; i++) {
                const Trial *trial = rehearsal->trials->pdata[i];

                if (!bw_stage_fire(stage, from, trial->frame, &ret[i], error))
                        return false;
        }
        return true;
}

/* A frame that does not arrive without rules either says nothing about them. */
static bool try_engine(BwRehearsal *rehearsal, BwStage *stage, BwEngineKind kind, GError **error) {
        g_autofree unsigned *bare = g_new0(unsigned, rehearsal->trials->len);
        g_autofree unsigned *guarded = g_new0(unsigned, rehearsal->trials->len);

        if (!bw_stage_link_set_nf_call(bw_stage_links(stage), rehearsal->bridge,
                                       kind == BW_ENGINE_IPTABLES, error) ||
            !fire_all(rehearsal, stage, bare, error) || !load(rehearsal, kind, error) ||
            !fire_all(rehearsal, stage, guarded, error) || !unload(rehearsal, kind, error))
                return false;
        for (guint i = 0; i < rehearsal->trials->len; i++)
                judge(rehearsal, rehearsal->trials->pdata[i], kind, bare[i], guarded[i]);
        return true;
}

bool bw_rehearsal_run(BwRehearsal *rehearsal, GError **error) {
        g_autoptr(BwStage) stage = bw_stage_new_bridge(rehearsal->bridge, rehearsal->ports, error);

        if (!stage)
                return false;
        for (BwEngineKind kind = 0; kind < BW_ENGINE_MAX; kind++)
                if ((rehearsal->engines & BW_ENGINE_BIT(kind)) &&
                    !try_engine(rehearsal, stage, kind, error))
                        return false;
        return true;
}

const BwOutcome *bw_rehearsal_outcome(const BwRehearsal *rehearsal, guint number,
                                      BwEngineKind kind) {
        const Trial *trial = rehearsal->trials->pdata[number];

        return &trial->outcomes[kind];
}

const GPtrArray *bw_rehearsal_untried(const BwRehearsal *rehearsal, BwEngineKind kind) {
        return rehearsal->untried[kind];
}
