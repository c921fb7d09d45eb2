/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "audit.h"

#include <bw/error.h>
#include <bw/ipt_rule.h>
#include <bw/rate.h>
#include <syslog.h>

#include "announce.h"
#include "nflog.h"

#define SUM_UP_SECONDS 10
#define RETRY_SECONDS  10

/* What is denied for one reason: a port (or a bridge's strangers, or what a segment's ports share),
 * a direction. A port has one account whatever bridge it is on: its counts may outlive its being
 * there. */
typedef struct Account {
        char bridge[BW_IFNAME_SIZE], port[BW_IFNAME_SIZE]; /* as BwTally's */
        char segment[BW_IFNAME_SIZE]; /* the first bridge of the segment whose ports may share what
                                         was reported here; "": they share none of it */
        BwReason reason;
        BwDirection direction;
        bool drops;
        bool counted;      /* in the running count */
        uint64_t packets;  /* what its verdict rules have now */
        uint64_t last;     /* what they had at the last sum   */
        uint64_t left_out; /* those since then that nothing was written of; while it is summed up */
        uint64_t reported; /* entries written since then      */
        uint64_t meanwhile; /* those of them that were written while counts were read */
} Account;

struct BwAudit {
        BwJournal *journal;
        BwHazards *hazards;
        BwReconciler *reconciler;
        BwCounts *counts;
        BwNflog *nflog;
        const BwPlan *plan;
        BwRate *rate;
        GHashTable *accounts; /* key -> Account * */
        unsigned baseline;    /* (set of engines) whose counts of another run are known */
        bool active;          /* something was reported or lost since the last sum */
        bool summing;         /* the counts for a sum are being read */
        guint sum_timer, retry_timer;
        void (*misdelivered)(const BwViolation *violation, gpointer user);
        gpointer user;
};

/* Port names cannot hold a slash. A port's rules have one verdict, its mode's; a segment's ports
 * may be of both modes. */
static char *key_of(const BwTally *what) {
        return g_strdup_printf("%s/%s/%s/%s/%s", *what->port ? "" : what->bridge, what->port,
                               bw_reason_name(what->reason), bw_direction_name(what->direction),
                               *what->port || what->drops ? "" : "seen");
}

static Account *find_account(BwAudit *audit, const BwTally *what) {
        char *key = key_of(what);
        Account *account = g_hash_table_lookup(audit->accounts, key);

        if (account) {
                g_free(key);
                return account;
        }
        account = g_new0(Account, 1);
        g_strlcpy(account->bridge, what->bridge, sizeof(account->bridge));
        g_strlcpy(account->port, what->port, sizeof(account->port));
        account->reason = what->reason;
        account->direction = what->direction;
        g_hash_table_insert(audit->accounts, key, account);
        return account;
}

/* What is let pass meets every engine, and is told once. */
static bool is_told(const BwAudit *audit, const BwDeniedPacket *packet,
                    const BwViolation *violation) {
        return violation->dropped ||
               bw_reconciler_tells_monitored(audit->reconciler,
                                             bw_engine_of_family(packet->family));
}

/* What else is not a single port's is shared by a segment's. */
static bool is_for_strangers(BwReason reason) {
        return reason == BW_REASON_UNBOUND;
}

/* For iptables the strangers of a bridge share one rule, whatever their names. */
static bool shares_stranger_rule(const BwDeniedPacket *packet, const BwPortPlan *port) {
        return bw_engine_of_family(packet->family) == BW_ENGINE_IPTABLES &&
               port->state == BW_PORT_STRANGER;
}

static const char *segment_of(const BwPlan *plan, const BwBridgePlan *bridge) {
        const BwSegmentPlan *segment = plan->segments->pdata[bridge->segment];

        return ((const BwBridgePlan *) segment->bridges->pdata[0])->name;
}

/* Whichever rule met it, its port's own or one that is shared: a report does not say. */
static void take_report(BwAudit *audit, const BwDeniedPacket *packet,
                        const BwViolation *violation) {
        const BwBridgePlan *bridge = NULL;
        const BwPortPlan *port = bw_plan_find_port(audit->plan, violation->port, &bridge);
        BwTally what = { .bridge = violation->bridge,
                         .port = port && !shares_stranger_rule(packet, port) ? port->name : "",
                         .direction = violation->direction,
                         .reason = violation->reason,
                         .drops = violation->dropped };
        Account *account = find_account(audit, &what);

        account->reported++;
        account->meanwhile += audit->summing;
        account->drops = violation->dropped;
        if (bridge && !is_for_strangers(violation->reason))
                g_strlcpy(account->segment, segment_of(audit->plan, bridge),
                          sizeof(account->segment));
}

static void take_packet(BwAudit *audit, const BwDeniedPacket *packet) {
        g_autoptr(BwViolation) violation =
                audit->plan ? bw_violation_new(packet, audit->plan) : NULL;
        g_autofree char *key = NULL;

        if (!violation)
                return;
        if (violation->direction == BW_DIRECTION_OUT && audit->misdelivered)
                audit->misdelivered(violation, audit->user);
        if (!is_told(audit, packet, violation))
                return;
        key = key_of(&(BwTally){ .bridge = violation->bridge,
                                 .port = violation->port,
                                 .direction = violation->direction,
                                 .reason = violation->reason });
        if (!bw_rate_pass(audit->rate, key, g_get_monotonic_time()))
                return;
        take_report(audit, packet, violation);
        bw_announce_violation(audit->journal, violation);
}

static void take_count(const BwTally *tally, gpointer user) {
        Account *account = find_account(user, tally);

        /* A port with several addresses has several rules for one reason, and each engine its own.
         */
        account->packets = account->counted ? account->packets + tally->packets : tally->packets;
        account->counted = true;
        account->drops = tally->drops;
        g_strlcpy(account->bridge, tally->bridge, sizeof(account->bridge));
}

/* What was reported is still of no sum. */
static void forget_counts(BwAudit *audit) {
        GHashTableIter iter;
        Account *account;

        g_hash_table_iter_init(&iter, audit->accounts);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &account)) {
                account->counted = false;
                account->meanwhile = 0;
        }
}

/* What was reported while counts were read is mostly in them, but may be in the next ones. */
static void begin_from_counts(BwAudit *audit) {
        GHashTableIter iter;
        Account *account;

        audit->baseline = bw_reconciler_used(audit->reconciler);
        g_hash_table_iter_init(&iter, audit->accounts);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &account)) {
                account->last = account->counted ? account->packets : 0;
                account->reported = MIN(account->reported, account->meanwhile);
        }
        forget_counts(audit);
}

static bool has_links(const BwPlan *plan, const char *first_bridge) {
        for (guint i = 0; plan && i < plan->segments->len; i++) {
                const BwSegmentPlan *segment = plan->segments->pdata[i];
                const BwBridgePlan *first = segment->bridges->pdata[0];

                if (g_str_equal(first->name, first_bridge))
                        return segment->bridges->len > 1;
        }
        return false;
}

/* (transfer full): whose packets they were. */
static char *name_account(const BwAudit *audit, const Account *account) {
        const char *on = account->bridge[0] ? " on " : "";

        if (account->port[0])
                return g_strdup_printf("Port %s%s%s", account->port, on, account->bridge);
        if (is_for_strangers(account->reason))
                return g_strdup_printf("Strangers%s%s", on, account->bridge);
        return g_strdup_printf(
                "Ports of %s%s", account->bridge,
                has_links(audit->plan, account->bridge) ? " and of the bridges linked to it" : "");
}

static void say_left_out(BwAudit *audit, const Account *account) {
        g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, account->left_out);
        g_autofree char *name = name_account(audit, account);
        g_autofree char *sentence = g_strdup_printf(
                "%s: %s more packets %s for %s (%s) than were reported one by one", name, count,
                account->drops ? "dropped" : "seen", bw_reason_name(account->reason),
                bw_direction_name(account->direction));

        bw_journal_say(audit->journal, BW_MESSAGE_VIOLATIONS_LEFT_OUT, LOG_WARNING, sentence,
                       "BW_PORT", account->port[0] ? account->port : NULL, "BW_BRIDGE",
                       account->bridge[0] ? account->bridge : NULL, "BW_REASON",
                       bw_reason_name(account->reason), "BW_DIRECTION",
                       bw_direction_name(account->direction), "BW_VERDICT",
                       account->drops ? "dropped" : "seen", "BW_COUNT", count, NULL);
}

/* Takes as many from both. */
static void settle(uint64_t *left_out, uint64_t *reported, uint64_t most) {
        uint64_t known = MIN(MIN(*left_out, *reported), most);

        *left_out -= known;
        *reported -= known;
}

/* What was reported of the account's own rules. Returns whether they have counted anything. */
static bool settle_own(Account *account) {
        /* A rule that was written anew counts from zero. */
        uint64_t packets = account->counted ? account->packets : 0;
        uint64_t since = packets >= account->last ? packets - account->last : packets;

        account->last = packets;
        account->left_out = since;
        settle(&account->left_out, &account->reported, UINT64_MAX);
        return since > 0;
}

/* What its own rules have not counted the segment's have; or the next count will, of what was
 * reported while this one was read: @keep of it is left for that. */
static void settle_shared(BwAudit *audit, Account *account, uint64_t keep) {
        g_autofree char *key = NULL;
        Account *shared;

        if (account->reported <= keep || !account->segment[0])
                return;
        key = key_of(&(BwTally){ .bridge = account->segment,
                                 .port = "",
                                 .direction = account->direction,
                                 .reason = account->reason,
                                 .drops = account->drops });
        shared = g_hash_table_lookup(audit->accounts, key);
        if (shared)
                settle(&shared->left_out, &account->reported, account->reported - keep);
}

/* Returns whether anything was counted. What no later count can have comes first. */
static bool settle_accounts(BwAudit *audit) {
        GHashTableIter iter;
        Account *account;
        bool moved = false;

        g_hash_table_iter_init(&iter, audit->accounts);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &account))
                moved |= settle_own(account);
        g_hash_table_iter_init(&iter, audit->accounts);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &account))
                settle_shared(audit, account, account->meanwhile);
        g_hash_table_iter_init(&iter, audit->accounts);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &account))
                settle_shared(audit, account, 0);
        return moved;
}

/* Returns whether the account is of any use to the next sum. */
static bool close_account(BwAudit *audit, Account *account) {
        bool keep = account->counted || account->meanwhile;

        if (account->left_out > 0)
                say_left_out(audit, account);
        /* What was reported while counts were read may be in the next ones. */
        account->reported = MIN(account->reported, account->meanwhile);
        account->meanwhile = 0;
        account->counted = false;
        return keep;
}

/* Returns whether anything happened since the last time. */
static bool sum_up(BwAudit *audit) {
        bool moved = settle_accounts(audit) || audit->active;
        GHashTableIter iter;
        Account *account;

        g_hash_table_iter_init(&iter, audit->accounts);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &account))
                if (!close_account(audit, account))
                        g_hash_table_iter_remove(&iter);
        audit->active = false;
        return moved;
}

/* The rules' counters know the sums better; this makes the limiter forget who has gone quiet. */
static void ignore(G_GNUC_UNUSED const char *key, G_GNUC_UNUSED uint64_t left_out,
                   G_GNUC_UNUSED gpointer user) {
}

static void on_counts(BwCounts *counts, const GError *failure, gpointer user) {
        BwAudit *audit = user;

        audit->summing = false;
        if (failure) {
                forget_counts(audit);
                return;
        }
        bw_counts_tell(counts, take_count, audit);
        if (audit->baseline != bw_reconciler_used(audit->reconciler))
                begin_from_counts(audit);
        else if (!sum_up(audit))
                g_clear_handle_id(&audit->sum_timer, g_source_remove);
}

/* Older counts would lack what was reported since. */
static void ask_for_counts(BwAudit *audit) {
        audit->summing = true;
        bw_counts_ask(audit->counts, BW_COUNTS_NEW, g_get_monotonic_time(), on_counts, audit);
}

/* What was to be summed up until now is no news any more. What cannot be read is left to the next
 * sum, which then tells nothing. */
void bw_audit_set_baseline(BwAudit *audit) {
        bw_counts_withdraw(audit->counts, audit);
        audit->baseline = 0;
        forget_counts(audit);
        ask_for_counts(audit);
}

static gboolean on_sum_timer(gpointer user) {
        BwAudit *audit = user;

        bw_rate_sum_up(audit->rate, g_get_monotonic_time(), 0, ignore, NULL);
        if (!audit->summing)
                ask_for_counts(audit);
        return G_SOURCE_CONTINUE;
}

static void on_denied(const BwDeniedPacket *packet, G_GNUC_UNUSED unsigned lost, gpointer user) {
        BwAudit *audit = user;

        audit->active = true;
        if (packet)
                take_packet(audit, packet);
        if (!audit->sum_timer)
                audit->sum_timer = g_timeout_add_seconds(SUM_UP_SECONDS, on_sum_timer, audit);
}

static const char *find_advice(const GError *refusal) {
        if (g_error_matches(refusal, BW_ERROR, BW_ERROR_BUSY))
                return "Is another bridgewardend running in this network namespace?";
        if (g_error_matches(refusal, BW_ERROR, BW_ERROR_DENIED))
                return "It needs CAP_NET_ADMIN";
        return "It needs the kernel module nfnetlink_log";
}

static bool listen_to_rules(BwAudit *audit) {
        g_autoptr(GError) error = NULL;
        g_autofree char *sentence = NULL;

        audit->nflog = bw_nflog_new(BW_NFLOG_GROUP, BW_NFLOG_SNAPLEN, on_denied, audit, &error);
        if (audit->nflog) {
                bw_hazards_clear(audit->hazards, BW_HAZARD_OTHER, "reports");
                return true;
        }
        sentence = g_strdup_printf("What the guard drops cannot be reported: %s. %s",
                                   error->message, find_advice(error));
        bw_hazards_raise(audit->hazards, BW_HAZARD_OTHER, "reports", NULL, sentence);
        return false;
}

static gboolean on_retry(gpointer user) {
        BwAudit *audit = user;

        if (!listen_to_rules(audit))
                return G_SOURCE_CONTINUE;
        audit->retry_timer = 0;
        return G_SOURCE_REMOVE;
}

void bw_audit_set_plan(BwAudit *audit, const BwPlan *plan) {
        audit->plan = plan;
}

void bw_audit_listen(BwAudit *audit,
                     void (*misdelivered)(const BwViolation *violation, gpointer user),
                     gpointer user) {
        audit->misdelivered = misdelivered;
        audit->user = user;
}

void bw_audit_set_rate(BwAudit *audit, unsigned per_second) {
        bw_rate_free(audit->rate);
        audit->rate = bw_rate_new(per_second);
}

BwAudit *bw_audit_new(BwJournal *journal, BwHazards *hazards, BwReconciler *reconciler,
                      BwCounts *counts, unsigned per_second) {
        BwAudit *audit = g_new0(BwAudit, 1);

        audit->journal = journal;
        audit->hazards = hazards;
        audit->reconciler = reconciler;
        audit->counts = counts;
        audit->rate = bw_rate_new(per_second);
        audit->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        if (!listen_to_rules(audit))
                audit->retry_timer = g_timeout_add_seconds(RETRY_SECONDS, on_retry, audit);
        return audit;
}

void bw_audit_free(BwAudit *audit) {
        if (!audit)
                return;
        bw_counts_withdraw(audit->counts, audit);
        g_clear_handle_id(&audit->sum_timer, g_source_remove);
        g_clear_handle_id(&audit->retry_timer, g_source_remove);
        bw_nflog_free(audit->nflog);
        bw_rate_free(audit->rate);
        g_hash_table_unref(audit->accounts);
        g_free(audit);
}
