/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "announce.h"

#include <syslog.h>

#include <bw/port_text.h>

/* Ports */

static char *join_addresses(const BwPortPlan *port) {
        g_auto(GStrv) addresses = bw_port_text_addresses(port);

        return g_strjoinv(" ", addresses);
}

static void say_port(BwJournal *journal, BwMessage message, int priority,
                     const BwBridgePlan *bridge, const BwPortPlan *port, const char *what) {
        g_autofree char *who = bw_port_text_who(bridge, port);
        g_autofree char *sentence = g_strdup_printf("Port %s %s", who, what);
        g_autofree char *addresses = join_addresses(port);

        bw_journal_say(journal, message, priority, sentence, "BW_PORT", port->name, "BW_BRIDGE",
                       bridge->name, "BW_GUEST", port->guest, "BW_GUEST_UUID",
                       port->uuid[0] ? port->uuid : NULL, "BW_STATE",
                       bw_port_state_name(port->state), "BW_MODE", bw_mode_name(port->mode),
                       "BW_ADDRESSES", addresses, "BW_CONFIG", port->where, NULL);
}

static bool has_nftables(unsigned engines) {
        return engines & BW_ENGINE_BIT(BW_ENGINE_NFTABLES);
}

/* Whether @engines have rules of its own for a port in that state. */
static bool has_rules(BwPortState state, unsigned engines) {
        return has_nftables(engines) ? bw_port_state_is_guarded(state)
                                     : bw_port_state_checks_ip(state);
}

/* A port that is only monitored loses nothing, whatever its state. */
static char *describe_monitored(const BwPortPlan *port, unsigned engines) {
        const char *what = has_nftables(engines) ? "" : "IP ";

        if (port->state == BW_PORT_CLOSED)
                return g_strdup_printf("would be closed: %s. It is only monitored, so everything "
                                       "passes, and all %straffic is reported",
                                       port->trouble, what);
        g_assert(port->state == BW_PORT_UNADDRESSED);
        return g_strdup_printf("without an address, mode monitor: everything passes, and %straffic "
                               "that is not its DHCP client's is reported",
                               what);
}

static char *describe_any_address(const BwPortPlan *port, unsigned engines) {
        if (!has_nftables(engines))
                return g_strdup("passes unguarded: Addresses=any, and iptables checks no MAC");
        return g_strdup_printf("for any address, by its MACs alone, mode %s",
                               bw_mode_name(port->mode));
}

/* What is behind a link is told by the bridges themselves, whatever is declared. */
static char *describe_border(const BwPortPlan *port) {
        return g_strdup_printf("as %s%s, against what is owned on this side of it, mode %s",
                               bw_role_name(port->role), port->closed_border ? ", closed" : "",
                               bw_mode_name(port->mode));
}

static char *describe_bound(const BwPortPlan *port) {
        g_autofree char *addresses = join_addresses(port);

        return g_strdup_printf("for %s, mode %s%s", addresses, bw_mode_name(port->mode),
                               port->absent ? "; its guest does not run here" : "");
}

static char *describe(const BwPortPlan *port, unsigned engines) {

        switch (port->state) {
        case BW_PORT_BOUND:
                return describe_bound(port);
        case BW_PORT_UNADDRESSED:
                if (port->mode == BW_MODE_MONITOR)
                        return describe_monitored(port, engines);
                return g_strdup_printf("without an address: %sonly its DHCP client may speak",
                                       has_nftables(engines) ? "" : "of IP ");
        case BW_PORT_CLOSED:
                if (port->mode == BW_MODE_MONITOR)
                        return describe_monitored(port, engines);
                return g_strdup_printf("closed: %s. %s until that is mended", port->trouble,
                                       has_nftables(engines) ? "Nothing passes"
                                                             : "No IP packet passes");
        case BW_PORT_ANY_ADDRESS:
                return describe_any_address(port, engines);
        case BW_PORT_OFF:
                return g_strdup("passes unguarded: Mode=off");
        case BW_PORT_BORDER:
                return describe_border(port);
        case BW_PORT_INHERITED:
                return g_strdup("keeps the rules of a former run: libvirt has not said yet whose "
                                "it is");
        case BW_PORT_STRANGER:
                return g_strdup("is a stranger: no section of the configuration speaks of it");
        }
        g_assert_not_reached();
}

static void say_armed(BwJournal *journal, const BwBridgePlan *bridge, const BwPortPlan *port,
                      bool again, const char *how) {
        g_autofree char *what = g_strdup_printf("%s %s", again ? "re-armed" : "armed", how);

        say_port(journal, again ? BW_MESSAGE_PORT_REARMED : BW_MESSAGE_PORT_ARMED, LOG_INFO, bridge,
                 port, what);
}

static void say_new_state(BwJournal *journal, const BwBridgePlan *bridge, const BwPortPlan *before,
                          const BwPortPlan *port, unsigned engines) {
        g_autofree char *how = describe(port, engines);

        switch (port->state) {
        case BW_PORT_BOUND:
        case BW_PORT_UNADDRESSED:
        case BW_PORT_ANY_ADDRESS:
        case BW_PORT_BORDER:
                if (has_rules(port->state, engines))
                        say_armed(journal, bridge, port,
                                  before && has_rules(before->state, engines), how);
                else
                        say_port(journal, BW_MESSAGE_HAZARD, LOG_WARNING, bridge, port, how);
                return;
        case BW_PORT_CLOSED:
                say_port(journal, BW_MESSAGE_PORT_CLOSED, LOG_ERR, bridge, port, how);
                return;
        case BW_PORT_OFF:
        case BW_PORT_INHERITED:
                say_port(journal, BW_MESSAGE_HAZARD, LOG_WARNING, bridge, port, how);
                return;
        case BW_PORT_STRANGER:
                say_port(journal, BW_MESSAGE_STRANGER, LOG_WARNING, bridge, port, how);
                return;
        }
        g_assert_not_reached();
}

static void say_conflict(BwJournal *journal, const BwBridgePlan *bridge, const BwPortPlan *before,
                         const BwPortPlan *port) {
        if (!port->contested || (before && g_strcmp0(before->trouble, port->trouble) == 0))
                return;
        g_autofree char *what = g_strdup_printf(
                "lost an address: %s. It may not use it while both claim it", port->trouble);

        say_port(journal, BW_MESSAGE_CONFLICT, LOG_ERR, bridge, port, what);
}

static const BwBridgePlan *find_bridge(const BwPlan *plan, const char *name) {
        for (guint i = 0; plan && i < plan->bridges->len; i++) {
                const BwBridgePlan *bridge = plan->bridges->pdata[i];

                if (g_str_equal(bridge->name, name))
                        return bridge;
        }
        return NULL;
}

/* The port of that name on the bridge of that name: elsewhere it is another port. */
static const BwPortPlan *find_same(const BwPlan *plan, const BwBridgePlan *bridge,
                                   const BwPortPlan *port) {
        const BwBridgePlan *where = find_bridge(plan, bridge->name);

        return where ? bw_plan_find_port_of(where, port->name) : NULL;
}

static void say_news_of_ports(BwJournal *journal, const BwPlan *before, const BwBridgePlan *bridge,
                              unsigned engines) {
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];
                const BwPortPlan *former = find_same(before, bridge, port);

                if (former && bw_port_plan_equal(former, port))
                        continue;
                say_new_state(journal, bridge, former, port, engines);
                say_conflict(journal, bridge, former, port);
        }
}

static void say_gone_ports(BwJournal *journal, const BwBridgePlan *bridge, const BwPlan *after,
                           unsigned engines) {
        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];
                const BwPortPlan *now = find_same(after, bridge, port);

                if (has_rules(port->state, engines) && !(now && has_rules(now->state, engines)))
                        say_port(journal, BW_MESSAGE_PORT_RELEASED, LOG_INFO, bridge, port,
                                 "released: its rules are gone");
        }
}

static void say_bridge(BwJournal *journal, const BwBridgePlan *bridge, bool guarded) {
        g_autofree char *sentence =
                guarded ? g_strdup_printf("Bridge %s is guarded, mode %s, strangers: %s",
                                          bridge->name, bw_mode_name(bridge->mode),
                                          bw_unknown_ports_name(bridge->unknown_ports))
                        : g_strdup_printf("Bridge %s is no longer guarded", bridge->name);

        bw_journal_say(journal, guarded ? BW_MESSAGE_BRIDGE_GUARDED : BW_MESSAGE_BRIDGE_RELEASED,
                       LOG_INFO, sentence, "BW_BRIDGE", bridge->name, NULL);
}

static bool same_promise(const BwBridgePlan *a, const BwBridgePlan *b) {
        return a && a->mode == b->mode && a->unknown_ports == b->unknown_ports;
}

void bw_announce_plan(BwJournal *journal, const BwPlan *before, const BwPlan *after,
                      unsigned engines) {
        for (guint i = 0; before && i < before->bridges->len; i++) {
                const BwBridgePlan *bridge = before->bridges->pdata[i];

                say_gone_ports(journal, bridge, after, engines);
                if (!find_bridge(after, bridge->name))
                        say_bridge(journal, bridge, false);
        }
        for (guint i = 0; i < after->bridges->len; i++) {
                const BwBridgePlan *bridge = after->bridges->pdata[i];

                if (!same_promise(find_bridge(before, bridge->name), bridge))
                        say_bridge(journal, bridge, true);
                say_news_of_ports(journal, before, bridge, engines);
        }
}

/* Commits */

/* The table of nftables, in which a change is not counted in rules. */
static const char *describe_table(const BwPass *pass) {
        if (pass->table_anew)
                return ", the nftables table written anew";
        return pass->elements_edited ? ", elements of the nftables table changed" : "";
}

/* Who changed nftables says nothing of who changed iptables. */
static bool is_known(const BwPass *pass, const BwNftNews *culprit) {
        return culprit->pid && (pass->table_anew || pass->elements_edited);
}

/* (transfer full): or NULL. */
static char *describe_culprit(const BwPass *pass, const BwNftNews *culprit) {
        if (!is_known(pass, culprit))
                return NULL;
        return g_strdup_printf(". %s was the program \"%s\", process %d",
                               pass->commits > 1 ? "In nftables it" : "It", culprit->program,
                               culprit->pid);
}

static char *describe_repair(const BwPass *pass, const BwNftNews *culprit) {
        g_autofree char *who = describe_culprit(pass, culprit);

        return g_strdup_printf(
                "Somebody changed the guard's rules; repaired in %u tables: %u rules put back, %u "
                "foreign or stale ones removed, %u chains made anew%s%s%s",
                pass->commits, pass->rules_inserted, pass->rules_deleted, pass->chains_created,
                pass->anchor_moved ? ", our jump is first again" : "", describe_table(pass),
                who ? who : "");
}

static char *describe_commit(const BwPass *pass, unsigned facts, int64_t usec) {
        g_autofree char *what_for = facts > 0 ? g_strdup_printf(" for %u facts", facts) : NULL;

        return g_strdup_printf("%u tables committed%s in %.1f ms: %u rules written, %u "
                               "removed, %u chains made, %u removed%s",
                               pass->commits, what_for ? what_for : "", (double) usec / 1000,
                               pass->rules_inserted, pass->rules_deleted, pass->chains_created,
                               pass->chains_removed, describe_table(pass));
}

static void say_pass(BwJournal *journal, const BwPass *pass, BwCause cause, const char *sentence,
                     const BwNftNews *culprit, unsigned facts, int64_t usec) {
        bool is_repair = cause == BW_CAUSE_DRIFT;
        g_autofree char *fact_count = g_strdup_printf("%u", facts);
        g_autofree char *commits = g_strdup_printf("%u", pass->commits);
        g_autofree char *spent = g_strdup_printf("%" G_GINT64_FORMAT, usec);
        g_autofree char *pid =
                is_repair && is_known(pass, culprit) ? g_strdup_printf("%d", culprit->pid) : NULL;

        bw_journal_say(journal, is_repair ? BW_MESSAGE_DRIFT_REPAIRED : BW_MESSAGE_COMMITTED,
                       is_repair ? LOG_WARNING : LOG_INFO, sentence, "BW_FACTS", fact_count,
                       "BW_COMMITS", commits, "BW_USEC", spent, "BW_PROGRAM",
                       pid ? culprit->program : NULL, "BW_PROGRAM_PID", pid, NULL);
}

void bw_announce_pass(BwJournal *journal, const BwPass *pass, BwCause cause,
                      const BwNftNews *culprit, unsigned facts, int64_t usec) {
        g_autofree char *sentence = NULL;

        if (pass->commits == 0)
                return;
        sentence = cause == BW_CAUSE_DRIFT ? describe_repair(pass, culprit)
                                           : describe_commit(pass, facts, usec);
        say_pass(journal, pass, cause, sentence, culprit, facts, usec);
        if (pass->without_lock)
                bw_journal_say(
                        journal, BW_MESSAGE_ENGINE_TROUBLE, LOG_WARNING,
                        "The rules were written without the xtables lock: it was held too long "
                        "or cannot be opened. Look for a stuck iptables process, and at the "
                        "mode of /run/xtables.lock",
                        NULL);
}

/* Configuration */

void bw_announce_config(BwJournal *journal, const char *path, const BwConfig *config) {
        unsigned errors = bw_config_count_errors(config);
        g_autofree char *sentence = g_strdup_printf(
                "Configuration %s read: %u sections for ports and guests, %u errors", path,
                g_hash_table_size(config->guests) + g_hash_table_size(config->interfaces) +
                        g_hash_table_size(config->ports),
                errors);

        bw_journal_say(journal, BW_MESSAGE_CONFIG_LOADED, LOG_INFO, sentence, "BW_CONFIG", path,
                       NULL);
        for (guint i = 0; i < config->problems->len; i++) {
                const BwConfigProblem *problem = config->problems->pdata[i];
                g_autofree char *text = bw_config_problem_print(problem);
                g_autofree char *line = g_strdup_printf("%u", problem->line);

                bw_journal_say(journal, BW_MESSAGE_CONFIG_PROBLEM,
                               problem->severity == BW_SEVERITY_ERROR ? LOG_ERR : LOG_WARNING, text,
                               "BW_CONFIG", problem->file, "BW_LINE", line, "BW_SECTION",
                               problem->section, "BW_KEY", problem->key, NULL);
        }
}

/* Violations */

static const char *or_null(const char *text) {
        return text[0] ? text : NULL;
}

/* "0x0806"; NULL when it is not known. */
static char *print_ethertype(uint16_t ethertype) {
        return ethertype ? g_strdup_printf("0x%04x", ethertype) : NULL;
}

void bw_announce_violation(BwJournal *journal, const BwViolation *violation) {
        g_autofree char *sentence = bw_violation_sentence(violation);
        g_autofree char *ethertype = print_ethertype(violation->ethertype);

        bw_journal_say(journal, BW_MESSAGE_VIOLATION, LOG_WARNING, sentence, "BW_REASON",
                       bw_reason_name(violation->reason), "BW_DIRECTION",
                       bw_direction_name(violation->direction), "BW_VERDICT",
                       violation->dropped ? "dropped" : "seen", "BW_PORT", violation->port,
                       "BW_BRIDGE", or_null(violation->bridge), "BW_GUEST", violation->guest,
                       "BW_GUEST_UUID", or_null(violation->uuid), "BW_OFFENDER",
                       or_null(violation->offender), "BW_OFFENDER_GUEST", violation->offender_guest,
                       "BW_SOURCE", violation->source, "BW_DESTINATION", violation->destination,
                       "BW_SOURCE_MAC", or_null(violation->source_mac), "BW_DESTINATION_MAC",
                       or_null(violation->destination_mac), "BW_PROTOCOL", violation->protocol,
                       "BW_CLAIMED", violation->claimed_owner, "BW_VICTIM", violation->victim,
                       "BW_CLAIMED_ADDRESS", violation->claimed_address, "BW_CLAIMED_MAC",
                       or_null(violation->claimed_mac), "BW_ETHERTYPE", ethertype, "BW_VLAN",
                       violation->tags, "BW_DETAIL", violation->detail, NULL);
}
