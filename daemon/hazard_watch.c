/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hazard_watch.h"

#include <bw/error.h>
#include <syslog.h>

#include "ipt_forward.h"
#include "kernel.h"
#include "listeners.h"
#include "nftables_forward.h"
#include "program_watch.h"

/* What comes back within it, somebody sets back on purpose. */
#define FIGHT_USEC (60 * G_USEC_PER_SEC)
#define MOST_TIMES 2
/* Links that are asked for at once. */
#define MOST_ASKED 16
/* Others' rules are read again after a thousand times what the reading took: a thousandth of the
 * time, unless they are very many. */
#define FORWARD_LEAST_USEC (2 * G_USEC_PER_SEC)
#define FORWARD_MOST_USEC  (10 * G_USEC_PER_SEC)
#define FORWARD_FACTOR     1000

/* What was done about one hazard. */
typedef struct Repair {
        bool tried;         /* since it was raised */
        unsigned times;     /* one after the other, each soon after the last */
        int64_t tried_usec; /* the last time */
} Repair;

struct BwHazardWatch {
        BwJournal *journal;
        BwHazards *hazards;
        BwNetlink *netlink;
        GPtrArray *raised;   /* BwHazard * */
        GHashTable *repairs; /* BwHazard * (kind and subject) -> Repair * */
        guint turn;          /* counts the links that were asked for */
        BwListeners *listeners;
        BwProgramWatch *programs;
        GPtrArray *legacy; /* BwForwardTable * */
        BwNftForward *nft;
        bool nft_troubled;  /* and it was said */
        GPtrArray *forward; /* BwForwardTable *, lent by both of them; NULL: not read yet */
        int64_t forward_again_usec;
};

static void free_hazard(gpointer hazard) {
        bw_hazard_free(hazard);
}

static void free_table(gpointer table) {
        bw_forward_table_free(table);
}

BwHazardWatch *bw_hazard_watch_new(BwJournal *journal, BwHazards *hazards, BwNetlink *netlink) {
        BwHazardWatch *watch = g_new0(BwHazardWatch, 1);

        watch->journal = journal;
        watch->hazards = hazards;
        watch->netlink = netlink;
        watch->raised = g_ptr_array_new_with_free_func(free_hazard);
        watch->repairs =
                g_hash_table_new_full(bw_hazard_hash, bw_hazard_is_same, free_hazard, g_free);
        watch->listeners = bw_listeners_new();
        watch->programs = bw_program_watch_new(journal);
        watch->legacy = g_ptr_array_new_with_free_func(free_table);
        watch->nft = bw_nftables_forward_new();
        return watch;
}

void bw_hazard_watch_free(BwHazardWatch *watch) {
        if (!watch)
                return;
        g_clear_pointer(&watch->forward, g_ptr_array_unref);
        bw_nftables_forward_free(watch->nft);
        g_ptr_array_unref(watch->legacy);
        bw_program_watch_free(watch->programs);
        bw_listeners_free(watch->listeners);
        g_hash_table_unref(watch->repairs);
        g_ptr_array_unref(watch->raised);
        g_free(watch);
}

/* What is read of the host */

static void read_legacy(BwHazardWatch *watch, BwFamily family) {
        BwForwardTable *table = NULL;

        if (bw_kernel_has_filter_table(family))
                table = bw_ipt_forward_read(family);
        if (!table)
                return;
        g_ptr_array_add(watch->legacy, table);
        g_ptr_array_add(watch->forward, table);
}

/* A kernel without nf_tables has no such rules. */
static void note_nft_trouble(BwHazardWatch *watch, const GError *trouble) {
        bool troubled = trouble && !g_error_matches(trouble, BW_ERROR, BW_ERROR_ABSENT);
        g_autofree char *sentence = NULL;

        if (troubled && !watch->nft_troubled) {
                sentence = g_strdup_printf("Whether rules of nftables drop guests' packets in "
                                           "FORWARD is not known: %s",
                                           trouble->message);
                bw_journal_say(watch->journal, BW_MESSAGE_ENGINE_TROUBLE, LOG_NOTICE, sentence,
                               NULL);
        }
        watch->nft_troubled = troubled;
}

static void read_nft(BwHazardWatch *watch) {
        g_autoptr(GError) trouble = NULL;
        const GPtrArray *tables = bw_nftables_forward_read(watch->nft, &trouble);

        note_nft_trouble(watch, trouble);
        for (guint i = 0; tables && i < tables->len; i++)
                g_ptr_array_add(watch->forward, tables->pdata[i]);
}

static void read_forward(BwHazardWatch *watch) {
        int64_t begin = g_get_monotonic_time(), took;

        if (begin < watch->forward_again_usec)
                return;
        g_clear_pointer(&watch->forward, g_ptr_array_unref);
        watch->forward = g_ptr_array_new();
        g_ptr_array_set_size(watch->legacy, 0);
        read_legacy(watch, BW_FAMILY_IPV4);
        read_legacy(watch, BW_FAMILY_IPV6);
        read_nft(watch);
        took = g_get_monotonic_time() - begin;
        watch->forward_again_usec =
                begin + CLAMP(took * FORWARD_FACTOR, FORWARD_LEAST_USEC, FORWARD_MOST_USEC);
}

static bool any_promiscuous(const BwModel *model, const BwPlan *plan) {
        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];
                const BwLink *link = bw_model_find_link(model, bridge->ifindex);

                if (link && link->promiscuity > 0)
                        return true;
        }
        return false;
}

static unsigned read_calls(void) {
        unsigned calls = 0;

        if (bw_kernel_bridge_setting("bridge-nf-call-iptables") > 0)
                calls |= BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IPTABLES);
        if (bw_kernel_bridge_setting("bridge-nf-call-ip6tables") > 0)
                calls |= BW_SWITCH_BIT(BW_SWITCH_NF_CALL_IP6TABLES);
        return calls;
}

/* (transfer full) (element-type BwArpSetting): as net/ipv4/conf says. The larger arp_ignore of all
 * and of the link holds, and either's arp_filter (ip-sysctl.rst of the kernel). */
static GArray *read_arp(const BwPlan *plan) {
        GArray *settings =
                g_array_sized_new(FALSE, FALSE, sizeof(BwArpSetting), plan->bridges->len);
        int ignore = bw_kernel_ipv4_setting("all", "arp_ignore");
        bool filter = bw_kernel_ipv4_setting("all", "arp_filter") > 0;

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];
                int own = bw_kernel_ipv4_setting(bridge->name, "arp_ignore");
                BwArpSetting setting = { .ifindex = bridge->ifindex };

                setting.ignore = own < 0 || ignore < 0 ? -1 : MAX(own, ignore);
                setting.filter = filter || bw_kernel_ipv4_setting(bridge->name, "arp_filter") > 0;
                g_array_append_val(settings, setting);
        }
        return settings;
}

static BwHostState read_host(BwHazardWatch *watch, unsigned engines) {
        BwHostState host = {
                .engines = engines,
                .br_netfilter = bw_kernel_has_br_netfilter(),
                .filter_vlan_tagged = bw_kernel_bridge_setting("bridge-nf-filter-vlan-tagged"),
                .calls = read_calls(),
        };

        if (host.br_netfilter)
                read_forward(watch);
        host.forward = watch->forward;
        return host;
}

/* Mending */

/* (transfer full): what was done; NULL and an error when it could not be. */
static char *mend(BwHazardWatch *watch, const BwHazard *hazard, GError **error) {
        switch (hazard->kind) {
        case BW_HAZARD_HUB_MODE:
        case BW_HAZARD_SHORT_AGEING:
                return bw_netlink_set_ageing(watch->netlink, hazard->ifindex,
                                             BW_AGEING_DEFAULT_CENTISECONDS, error)
                               ? g_strdup("the ageing time was set to 300 s")
                               : NULL;
        case BW_HAZARD_PROMISCUOUS:
                return bw_netlink_set_promiscuous(watch->netlink, hazard->ifindex, false, error)
                               ? g_strdup("promiscuous mode was switched off")
                               : NULL;
        case BW_HAZARD_HAIRPIN:
                return bw_netlink_set_port_flags(watch->netlink, hazard->ifindex,
                                                 BW_FLAG_BIT(BW_FLAG_HAIRPIN), 0, error)
                               ? g_strdup("hairpin was switched off")
                               : NULL;
        case BW_HAZARD_LOOP:
                return bw_netlink_set_stp(watch->netlink, hazard->ifindex, true, error)
                               ? g_strdup("the spanning tree was switched on, and its ports begin "
                                          "to forward anew")
                               : NULL;
        case BW_HAZARD_NO_BR_NETFILTER:
        case BW_HAZARD_CALL_OFF:
        case BW_HAZARD_TAGGED_UNSEEN:
        case BW_HAZARD_HOST_ADDRESS:
        case BW_HAZARD_ARP_FLUX:
        case BW_HAZARD_NOT_GUARDED:
        case BW_HAZARD_FILTERS:
        case BW_HAZARD_XDP:
        case BW_HAZARD_FORWARD_DROPS:
        case BW_HAZARD_NO_GATEWAY:
        case BW_HAZARD_FLOOD_RISK:
        case BW_HAZARD_ENGINE:
        case BW_HAZARD_OTHER:
                break;
        }
        g_assert_not_reached();
}

static void say(const BwHazardWatch *watch, const BwHazard *hazard, const char *state,
                const char *sentence) {
        bw_journal_say(watch->journal, BW_MESSAGE_HAZARD_REPAIRED, LOG_WARNING, sentence,
                       "BW_HAZARD", bw_hazard_kind_name(hazard->kind), "BW_SUBJECT",
                       hazard->subject, "BW_BRIDGE", hazard->bridge, "BW_HAZARD_STATE", state,
                       NULL);
}

static void try_to_mend(BwHazardWatch *watch, const BwHazard *hazard) {
        g_autoptr(GError) error = NULL;
        g_autofree char *done = mend(watch, hazard, &error);
        g_autofree char *sentence =
                done ? g_strdup_printf("%s %s: %s, as Repair= says",
                                       bw_hazard_kind_name(hazard->kind), hazard->subject, done)
                     : g_strdup_printf("%s %s could not be mended, though Repair= says so: %s",
                                       bw_hazard_kind_name(hazard->kind), hazard->subject,
                                       error->message);

        say(watch, hazard, done ? "repaired" : "failed", sentence);
}

static void give_up(BwHazardWatch *watch, const BwHazard *hazard) {
        g_autofree char *sentence = g_strdup_printf(
                "%s %s was mended %d times and comes back each time: somebody sets it. It stays as "
                "it is until it was gone for a minute",
                bw_hazard_kind_name(hazard->kind), hazard->subject, MOST_TIMES);

        say(watch, hazard, "given-up", sentence);
}

static Repair *find_repair(BwHazardWatch *watch, const BwHazard *hazard) {
        Repair *repair = g_hash_table_lookup(watch->repairs, hazard);
        BwHazard *key;

        if (repair)
                return repair;
        repair = g_new0(Repair, 1);
        key = g_new0(BwHazard, 1);
        key->kind = hazard->kind;
        key->subject = g_strdup(hazard->subject);
        g_hash_table_insert(watch->repairs, key, repair);
        return repair;
}

static void consider_mending(BwHazardWatch *watch, const BwHazard *hazard, int64_t now_usec) {
        Repair *repair = hazard->repairable ? find_repair(watch, hazard) : NULL;

        if (!repair || repair->tried)
                return;
        if (now_usec - repair->tried_usec > FIGHT_USEC)
                repair->times = 0;
        repair->tried = true;
        repair->tried_usec = now_usec;
        if (repair->times < MOST_TIMES)
                try_to_mend(watch, hazard);
        else if (repair->times == MOST_TIMES)
                give_up(watch, hazard);
        repair->times++;
}

/* One that is gone may be tried anew when it comes again, and is forgotten when that takes long. */
static gboolean note_gone(gpointer key, gpointer value, gpointer user) {
        GHashTable *found = user;
        Repair *repair = value;

        if (g_hash_table_contains(found, key))
                return FALSE;
        repair->tried = false;
        return g_get_monotonic_time() - repair->tried_usec > FIGHT_USEC;
}

/* Looking */

static void clear_gone(BwHazardWatch *watch, GHashTable *found) {
        for (guint i = 0; i < watch->raised->len; i++) {
                const BwHazard *former = watch->raised->pdata[i];

                if (!g_hash_table_contains(found, former))
                        bw_hazards_clear(watch->hazards, former->kind, former->subject);
        }
}

static void take_over(BwHazardWatch *watch, GPtrArray *list) {
        g_autoptr(GHashTable) found = g_hash_table_new(bw_hazard_hash, bw_hazard_is_same);
        int64_t now_usec = g_get_monotonic_time();

        for (guint i = 0; i < list->len; i++)
                g_hash_table_add(found, list->pdata[i]);
        clear_gone(watch, found);
        g_hash_table_foreach_remove(watch->repairs, note_gone, found);
        for (guint i = 0; i < list->len; i++) {
                const BwHazard *hazard = list->pdata[i];

                bw_hazards_raise(watch->hazards, hazard->kind, hazard->subject, hazard->bridge,
                                 hazard->sentence);
                consider_mending(watch, hazard, now_usec);
        }
        g_ptr_array_unref(watch->raised);
        watch->raised = list;
}

/* (transfer full) (element-type int): guarded bridges and all their ports. */
static GArray *list_links(const BwPlan *plan) {
        GArray *links = g_array_new(FALSE, FALSE, sizeof(int));

        for (guint i = 0; i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                g_array_append_val(links, bridge->ifindex);
                for (guint k = 0; k < bridge->ports->len; k++)
                        g_array_append_val(links,
                                           ((BwPortPlan *) bridge->ports->pdata[k])->ifindex);
        }
        return links;
}

void bw_hazard_watch_ask(BwHazardWatch *watch, const BwModel *model, const BwPlan *plan) {
        g_autoptr(GArray) links = plan ? list_links(plan) : NULL;

        for (guint i = 0; plan && i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];
                const BwLink *link = bw_model_find_link(model, bridge->ifindex);

                if (link && link->promiscuity > 0)
                        bw_netlink_look_at(watch->netlink, bridge->ifindex);
        }
        if (links)
                bw_program_watch_take_turn(watch->programs);
        for (guint i = 0; links && i < MIN(links->len, MOST_ASKED); i++)
                bw_netlink_look_at(watch->netlink,
                                   g_array_index(links, int, watch->turn++ % links->len));
}

void bw_hazard_watch_look(BwHazardWatch *watch, const BwModel *model, const BwPlan *plan,
                          unsigned engines) {
        g_autoptr(BwTopology) topology = bw_topology_new(model);
        g_autoptr(GArray) listeners = NULL, arp = plan ? read_arp(plan) : NULL;
        g_autoptr(GArray) links = plan ? list_links(plan) : NULL;
        BwHostState host = {};

        if (plan)
                host = read_host(watch, engines);
        host.arp = arp;
        host.tcx = links ? bw_program_watch_look(watch->programs, links) : NULL;
        if (plan && any_promiscuous(model, plan))
                listeners = bw_listeners_read(watch->listeners);
        host.listeners = listeners;
        take_over(watch, bw_hazard_list(model, plan, topology, &host));
}
