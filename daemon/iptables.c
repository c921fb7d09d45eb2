/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "iptables.h"

#include <bw/error.h>
#include <bw/ipt_diff.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ipt_entry.h"

#define DEFAULT_LOCK_FILE "/run/xtables.lock"

typedef struct xtc_handle Handle;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Handle, iptc_free)

/* One chain of the kernel's, as read: the entries live as long as the handle is not edited. */
typedef struct Found {
        const struct ipt_entry *entry;
        char target[BW_IPT_CHAIN_SIZE];
} Found;

static BwError reaction_to(int err) {
        switch (err) {
        case EAGAIN: /* the table changed between our read and our commit */
                return BW_ERROR_BUSY;
        case EPERM:
        case EACCES:
                return BW_ERROR_DENIED;
        case ENOENT:
        case ENOPROTOOPT: /* no such table, no legacy iptables in this kernel */
                return BW_ERROR_ABSENT;
        default:
                return BW_ERROR_BROKEN;
        }
}

static bool fail(GError **error, int err, BwIptTable table, const char *action, const char *what) {
        g_set_error(error, BW_ERROR, reaction_to(err), "%s %s in iptables table %s: %s", action,
                    what, bw_ipt_table_name(table), iptc_strerror(err));
        return false;
}

static Handle *open_table(BwIptTable table, GError **error) {
        Handle *handle;

        errno = 0;
        handle = iptc_init(bw_ipt_table_name(table));
        if (!handle)
                fail(error, errno, table, "read", "all rules");
        return handle;
}

/* Never waits: this runs in the main loop, and the caller has a timer. Returns a file descriptor.
 */
static int take_lock(GError **error) {
        const char *path = g_getenv("XTABLES_LOCKFILE");
        int fd;

        if (!path || !*path)
                path = DEFAULT_LOCK_FILE;
        fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
                g_set_error(error, BW_ERROR, BW_ERROR_DENIED, "open the xtables lock %s: %s", path,
                            g_strerror(errno));
                return -1;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                g_set_error(error, BW_ERROR, BW_ERROR_BUSY,
                            "another program holds the xtables lock %s", path);
                close(fd);
                return -1;
        }
        return fd;
}

/* Reading */

static GArray *read_chain(Handle *handle, const char *name) {
        GArray *rules = g_array_new(FALSE, TRUE, sizeof(Found));

        for (const struct ipt_entry *entry = iptc_first_rule(name, handle); entry;
             entry = iptc_next_rule(entry, handle)) {
                Found found = { .entry = entry };

                g_strlcpy(found.target, iptc_get_target(entry, handle), sizeof(found.target));
                g_array_append_val(rules, found);
        }
        return rules;
}

static bool rule_is_there(const BwIptRule *rule, const Found *found) {
        BwIptEntry wanted;

        bw_ipt_entry_encode(rule, &wanted);
        return bw_ipt_entry_says(found->entry, found->target, &wanted);
}

static bool chain_is_there(Handle *handle, const BwIptChain *chain) {
        const struct ipt_entry *entry;
        guint i = 0;

        if (!iptc_is_chain(chain->name, handle))
                return false;
        if (chain->opaque)
                return true;
        for (entry = iptc_first_rule(chain->name, handle); entry;
             entry = iptc_next_rule(entry, handle), i++) {
                Found found = { .entry = entry };

                if (i == chain->rules->len)
                        return false;
                g_strlcpy(found.target, iptc_get_target(entry, handle), sizeof(found.target));
                if (!rule_is_there(&g_array_index(chain->rules, BwIptRule, i), &found))
                        return false;
        }
        return i == chain->rules->len;
}

static BwIptRule anchor_of(BwIptTable table) {
        BwIptRule anchor = { .target = BW_IPT_JUMP };

        g_strlcpy(anchor.chain, bw_ipt_table_root(table), sizeof(anchor.chain));
        return anchor;
}

static bool is_anchor(BwIptTable table, const Found *found) {
        return g_str_equal(found->target, bw_ipt_table_root(table));
}

/* First in its hook and nowhere else in it; nowhere at all when nothing is wanted. */
static bool anchor_is_there(Handle *handle, BwIptTable table, bool wanted) {
        g_autoptr(GArray) rules = read_chain(handle, bw_ipt_table_hook(table));
        BwIptRule anchor = anchor_of(table);

        if (wanted && (rules->len == 0 || !rule_is_there(&anchor, &g_array_index(rules, Found, 0))))
                return false;
        for (guint i = wanted ? 1 : 0; i < rules->len; i++)
                if (is_anchor(table, &g_array_index(rules, Found, i)))
                        return false;
        return true;
}

/* (element-type utf8): chains of ours that are there and not wanted. */
static GPtrArray *list_obsolete(Handle *handle, const GPtrArray *chains) {
        GPtrArray *obsolete = g_ptr_array_new_with_free_func(g_free);

        for (const char *name = iptc_first_chain(handle); name; name = iptc_next_chain(handle))
                if (bw_ipt_chain_is_ours(name) && !(chains && bw_ipt_find_chain(chains, name)))
                        g_ptr_array_add(obsolete, g_strdup(name));
        return obsolete;
}

/* An empty chain that a foreign rule refers to cannot be removed and does no harm. */
static bool is_kept_for_others(Handle *handle, const char *name) {
        unsigned references = 0;

        return iptc_get_references(&references, name, handle) && references > 0 &&
               !iptc_first_rule(name, handle);
}

static bool table_is_there(Handle *handle, BwIptTable table, const GPtrArray *chains) {
        g_autoptr(GPtrArray) obsolete = list_obsolete(handle, chains);

        for (guint i = 0; i < obsolete->len; i++)
                if (!is_kept_for_others(handle, obsolete->pdata[i]))
                        return false;
        for (guint i = 0; chains && i < chains->len; i++)
                if (!chain_is_there(handle, chains->pdata[i]))
                        return false;
        return anchor_is_there(handle, table, chains != NULL);
}

/* Editing */

typedef struct Comparison {
        const GArray *wanted; /* BwIptRule */
        const GArray *found;  /* Found */
} Comparison;

static bool equal_rules(unsigned wanted, unsigned found, gconstpointer user) {
        const Comparison *comparison = user;

        return rule_is_there(&g_array_index(comparison->wanted, BwIptRule, wanted),
                             &g_array_index(comparison->found, Found, found));
}

typedef struct Editor {
        Handle *handle;
        BwIptTable table;
        BwIptReport report;
} Editor;

static bool insert_rule(Editor *editor, const char *chain, const BwIptRule *rule, unsigned at,
                        GError **error) {
        BwIptEntry entry;

        bw_ipt_entry_encode(rule, &entry);
        if (!iptc_insert_entry(chain, &entry.entry, at, editor->handle))
                return fail(error, errno, editor->table, "insert into", chain);
        editor->report.rules_inserted++;
        return true;
}

static bool delete_rule(Editor *editor, const char *chain, unsigned at, GError **error) {
        if (!iptc_delete_num_entry(chain, at, editor->handle))
                return fail(error, errno, editor->table, "delete from", chain);
        editor->report.rules_deleted++;
        return true;
}

static bool write_chain(Editor *editor, const BwIptChain *chain, GError **error) {
        g_autoptr(GArray) found = read_chain(editor->handle, chain->name);
        Comparison comparison = { chain->rules, found };
        g_autoptr(GArray) edits =
                bw_ipt_diff(chain->rules->len, found->len, equal_rules, &comparison);

        for (guint i = 0; i < edits->len; i++) {
                BwEdit edit = g_array_index(edits, BwEdit, i);

                if (!edit.insert && !delete_rule(editor, chain->name, edit.at, error))
                        return false;
                if (edit.insert &&
                    !insert_rule(editor, chain->name,
                                 &g_array_index(chain->rules, BwIptRule, edit.wanted), edit.at,
                                 error))
                        return false;
        }
        return true;
}

/* Chains first: a jump needs its target. */
static bool create_chains(Editor *editor, const GPtrArray *chains, GError **error) {
        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                if (iptc_is_chain(chain->name, editor->handle))
                        continue;
                if (!iptc_create_chain(chain->name, editor->handle))
                        return fail(error, errno, editor->table, "create chain", chain->name);
                editor->report.chains_created++;
        }
        return true;
}

static bool write_chains(Editor *editor, const GPtrArray *chains, GError **error) {
        if (!create_chains(editor, chains, error))
                return false;
        for (guint i = 0; i < chains->len; i++)
                if (!chain_is_there(editor->handle, chains->pdata[i]) &&
                    !write_chain(editor, chains->pdata[i], error))
                        return false;
        return true;
}

static bool write_anchor(Editor *editor, bool wanted, GError **error) {
        const char *hook = bw_ipt_table_hook(editor->table);
        g_autoptr(GArray) rules = read_chain(editor->handle, hook);
        BwIptRule anchor = anchor_of(editor->table);
        bool stays =
                wanted && rules->len > 0 && rule_is_there(&anchor, &g_array_index(rules, Found, 0));

        for (guint i = rules->len; i-- > (stays ? 1u : 0u);) {
                if (!is_anchor(editor->table, &g_array_index(rules, Found, i)))
                        continue;
                editor->report.anchor_moved = true;
                if (!delete_rule(editor, hook, i, error))
                        return false;
        }
        if (stays || !wanted)
                return true;
        editor->report.anchor_moved = true;
        return insert_rule(editor, hook, &anchor, 0, error);
}

static bool remove_chains(Editor *editor, const GPtrArray *names, GError **error) {
        for (guint i = 0; i < names->len; i++)
                if (!iptc_flush_entries(names->pdata[i], editor->handle))
                        return fail(error, errno, editor->table, "empty chain", names->pdata[i]);
        for (guint i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];

                if (is_kept_for_others(editor->handle, name)) {
                        editor->report.foreign_chains_kept++;
                        continue;
                }
                if (!iptc_delete_chain(name, editor->handle))
                        return fail(error, errno, editor->table, "remove chain", name);
                editor->report.chains_removed++;
        }
        return true;
}

static bool edit_table(Editor *editor, const GPtrArray *chains, GError **error) {
        g_autoptr(GPtrArray) obsolete = list_obsolete(editor->handle, chains);

        if (chains && !write_chains(editor, chains, error))
                return false;
        return write_anchor(editor, chains != NULL, error) &&
               remove_chains(editor, obsolete, error);
}

/* The kernel may say no and have done it, or say yes to what somebody undid a moment later. */
static bool read_back(BwIptTable table, const GPtrArray *chains, int commit_errno, GError **error) {
        g_autoptr(Handle) handle = open_table(table, error);

        if (!handle)
                return false;
        if (table_is_there(handle, table, chains))
                return true;
        if (commit_errno && commit_errno != EINVAL)
                return fail(error, commit_errno, table, "commit", "the new rules");
        /* A commit is two steps: the rules, then their counters. When another program writes in
         * between, the kernel calls the second one invalid. */
        if (commit_errno) {
                g_set_error(error, BW_ERROR, BW_ERROR_STALE,
                            "iptables table %s: the kernel refused the new rules, or another "
                            "program replaced them at once: %s",
                            bw_ipt_table_name(table), iptc_strerror(commit_errno));
                return false;
        }
        g_set_error(
                error, BW_ERROR, BW_ERROR_STALE,
                "iptables table %s differs from what was just written; another program writes it too",
                bw_ipt_table_name(table));
        return false;
}

static bool sync_locked(BwIptTable table, const GPtrArray *chains, BwIptReport *ret,
                        GError **error) {
        g_autoptr(Handle) handle = open_table(table, error);
        Editor editor = { .handle = handle, .table = table };
        int commit_errno = 0;

        if (!handle)
                return false;
        if (table_is_there(handle, table, chains)) {
                *ret = editor.report;
                return true;
        }
        if (!edit_table(&editor, chains, error))
                return false;
        if (!iptc_commit(handle))
                commit_errno = errno ? errno : EIO;
        if (!read_back(table, chains, commit_errno, error))
                return false;
        editor.report.changed = true;
        *ret = editor.report;
        return true;
}

bool bw_iptables_sync(BwIptTable table, const GPtrArray *chains, BwIptLock lock, BwIptReport *ret,
                      GError **error) {
        int fd = -1;
        bool done;

        if (lock == BW_IPT_LOCK_NEEDED) {
                fd = take_lock(error);
                if (fd < 0)
                        return false;
        }
        done = sync_locked(table, chains, ret, error);
        if (fd >= 0)
                close(fd);
        return done;
}

bool bw_iptables_check(BwIptTable table, const GPtrArray *chains, bool *ret_equal, GError **error) {
        g_autoptr(Handle) handle = open_table(table, error);

        if (!handle)
                return false;
        *ret_equal = table_is_there(handle, table, chains);
        return true;
}

GPtrArray *bw_iptables_list_chains(BwIptTable table, GError **error) {
        g_autoptr(Handle) handle = open_table(table, error);
        GPtrArray *chains = handle ? list_obsolete(handle, NULL) : NULL;

        for (guint i = chains ? chains->len : 0; i-- > 0;)
                if (!iptc_first_rule(chains->pdata[i], handle))
                        g_ptr_array_remove_index_fast(chains, i);
        return chains;
}

bool bw_iptables_probe(BwIptTable table, GError **error) {
        g_autoptr(Handle) handle = open_table(table, error);

        return handle != NULL;
}

static void count_chain(Handle *handle, const BwIptChain *chain, BwIptCounted counted,
                        gpointer user) {
        guint i = 0;

        for (const struct ipt_entry *entry = iptc_first_rule(chain->name, handle);
             entry && i < chain->rules->len; entry = iptc_next_rule(entry, handle), i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);

                if (rule->reason != BW_REASON_NONE && rule->target != BW_IPT_NFLOG)
                        counted(chain, rule, entry->counters.pcnt, entry->counters.bcnt, user);
        }
}

bool bw_iptables_count(BwIptTable table, const GPtrArray *chains, BwIptCounted counted,
                       gpointer user, GError **error) {
        g_autoptr(Handle) handle = open_table(table, error);

        if (!handle)
                return false;
        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                if (iptc_is_chain(chain->name, handle))
                        count_chain(handle, chain, counted, user);
        }
        return true;
}
