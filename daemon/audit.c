/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "audit.h"

#include <bw/rate.h>
#include <syslog.h>

#include "announce.h"

/* One deny pair of the kernel's: a port (or a bridge's strangers), a direction, a reason. */
typedef struct Account {
        char bridge[BW_IFNAME_SIZE], port[BW_IFNAME_SIZE];
        BwReason reason;
        BwDirection direction;
        bool drops;
        bool counted;      /* in the running count */
        uint64_t packets;  /* what its verdict rule has now   */
        uint64_t last;     /* what it had at the last sum     */
        uint64_t reported; /* entries written since then      */
} Account;

struct BwAudit {
        BwJournal *journal;
        BwRate *rate;
        GHashTable *accounts; /* key -> Account * */
        bool active;          /* something was reported or lost since the last sum */
};

BwAudit *bw_audit_new(BwJournal *journal, unsigned per_second) {
        BwAudit *audit = g_new0(BwAudit, 1);

        audit->journal = journal;
        audit->rate = bw_rate_new(per_second);
        audit->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        return audit;
}

void bw_audit_free(BwAudit *audit) {
        if (!audit)
                return;
        bw_rate_free(audit->rate);
        g_hash_table_unref(audit->accounts);
        g_free(audit);
}

/* Port names cannot hold a slash. */
static char *key_of(const char *bridge, const char *port, BwReason reason, BwDirection direction) {
        return g_strdup_printf("%s/%s/%s/%s", bridge, port, bw_reason_name(reason),
                               bw_direction_name(direction));
}

static Account *find_account(BwAudit *audit, const char *bridge, const char *port, BwReason reason,
                             BwDirection direction) {
        char *key = key_of(bridge, port, reason, direction);
        Account *account = g_hash_table_lookup(audit->accounts, key);

        if (account) {
                g_free(key);
                return account;
        }
        account = g_new0(Account, 1);
        g_strlcpy(account->bridge, bridge, sizeof(account->bridge));
        g_strlcpy(account->port, port, sizeof(account->port));
        account->reason = reason;
        account->direction = direction;
        g_hash_table_insert(audit->accounts, key, account);
        return account;
}

/* The strangers of a bridge share one rule, whatever their names. */
static const char *account_name(const BwPlan *plan, const BwViolation *violation) {
        const BwPortPlan *port = bw_plan_find_port(plan, violation->port, NULL);

        return port && port->state != BW_PORT_STRANGER ? violation->port : "";
}

void bw_audit_packet(BwAudit *audit, const BwDeniedPacket *packet, const BwPlan *plan,
                     int64_t now_usec) {
        g_autoptr(BwViolation) violation = bw_violation_new(packet, plan);
        g_autofree char *key = NULL;

        audit->active = true;
        if (!violation)
                return;
        key = key_of(violation->bridge, violation->port, violation->reason, violation->direction);
        if (!bw_rate_pass(audit->rate, key, now_usec))
                return;
        find_account(audit, violation->bridge, account_name(plan, violation), violation->reason,
                     violation->direction)
                ->reported++;
        bw_announce_violation(audit->journal, violation);
}

void bw_audit_lost(BwAudit *audit) {
        audit->active = true;
}

void bw_audit_counted(BwAudit *audit, const BwIptChain *chain, const BwIptRule *rule,
                      uint64_t packets) {
        Account *account =
                find_account(audit, chain->bridge, chain->port, rule->reason, rule->direction);

        /* A port with several addresses has several rules for one reason. */
        account->packets = account->counted ? account->packets + packets : packets;
        account->counted = true;
        account->drops = rule->drops;
}

void bw_audit_set_baseline(BwAudit *audit) {
        GHashTableIter iter;
        Account *account;

        g_hash_table_iter_init(&iter, audit->accounts);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &account)) {
                account->last = account->packets;
                account->counted = false;
        }
}

static void say_left_out(BwAudit *audit, const Account *account, uint64_t left_out) {
        g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, left_out);
        g_autofree char *sentence = g_strdup_printf(
                "%s%s%s%s: %s more packets %s for %s (%s) than were reported one by one",
                account->port[0] ? "Port " : "Strangers", account->port,
                account->port[0] ? " on " : " on ", account->bridge, count,
                account->drops ? "dropped" : "seen", bw_reason_name(account->reason),
                bw_direction_name(account->direction));

        bw_journal_say(audit->journal, BW_MESSAGE_VIOLATIONS_LEFT_OUT, LOG_WARNING, sentence,
                       "BW_PORT", account->port[0] ? account->port : NULL, "BW_BRIDGE",
                       account->bridge, "BW_REASON", bw_reason_name(account->reason),
                       "BW_DIRECTION", bw_direction_name(account->direction), "BW_VERDICT",
                       account->drops ? "dropped" : "seen", "BW_COUNT", count, NULL);
}

static void sum_up_account(BwAudit *audit, Account *account, bool *ret_moved) {
        /* A rule that was written anew counts from zero. */
        uint64_t since = account->packets >= account->last ? account->packets - account->last
                                                           : account->packets;

        if (since > account->reported)
                say_left_out(audit, account, since - account->reported);
        *ret_moved |= since > 0;
        account->last = account->packets;
        account->reported = 0;
        account->counted = false;
}

bool bw_audit_sum_up(BwAudit *audit) {
        bool moved = audit->active;
        GHashTableIter iter;
        Account *account;

        g_hash_table_iter_init(&iter, audit->accounts);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &account)) {
                if (account->counted)
                        sum_up_account(audit, account, &moved);
                else
                        g_hash_table_iter_remove(&iter);
        }
        audit->active = false;
        return moved;
}
