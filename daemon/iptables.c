/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "iptables.h"

#include <bw/error.h>
#include <bw/ipt_diff.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ipt_calls.h"
#include "ipt_entry.h"

#define DEFAULT_LOCK_FILE "/run/xtables.lock"

/* What a change of two large tables takes, and more; and the most that the C library lets a piece
 * of it be. */
#define KEPT_BYTES  (64 * 1024 * 1024)
#define PIECE_BYTES (32 * 1024 * 1024)

/* One table as it was read, and edited since. */
typedef struct Handle {
        BwIptTable table;
        BwFamily family;
        const BwIptCalls *calls; /* of the family */
        struct xtc_handle *xtc;
} Handle;

static void handle_free(Handle *handle) {
        if (handle->xtc)
                handle->calls->free(handle->xtc);
        g_free(handle);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Handle, handle_free)

/* One chain of the kernel's, as read: the entries live as long as the handle is not edited. */
typedef struct Found {
        const void *entry;
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
        case ENOPROTOOPT:     /* no such table, no legacy iptables in this kernel */
        case EAFNOSUPPORT:    /* no IPv6 in this kernel, or switched off at boot */
        case EPROTONOSUPPORT: /* the same, as some kernels say it */
                return BW_ERROR_ABSENT;
        default:
                return BW_ERROR_BROKEN;
        }
}

static bool fail(GError **error, int err, BwIptTable table, const char *action, const char *what) {
        const BwIptCalls *calls = bw_ipt_calls_of(bw_ipt_table_family(table));

        g_set_error(error, BW_ERROR, reaction_to(err), "%s %s in %s: %s", action, what,
                    bw_ipt_table_text(table), calls->strerror(err));
        return false;
}

static Handle *open_table(BwIptTable table, GError **error) {
        g_autoptr(Handle) handle = g_new0(Handle, 1);

        handle->table = table;
        handle->family = bw_ipt_table_family(table);
        handle->calls = bw_ipt_calls_of(handle->family);
        errno = 0;
        handle->xtc = handle->calls->init(bw_ipt_table_name(table));
        if (handle->xtc)
                return g_steal_pointer(&handle);
        fail(error, errno, table, "read", "all rules");
        return NULL;
}

static const char *first_chain(Handle *handle) {
        return handle->calls->first_chain(handle->xtc);
}

static const char *next_chain(Handle *handle) {
        return handle->calls->next_chain(handle->xtc);
}

static bool is_chain(Handle *handle, const char *name) {
        return handle->calls->is_chain(name, handle->xtc);
}

static const void *first_rule(Handle *handle, const char *chain) {
        return handle->calls->first_rule(chain, handle->xtc);
}

static const void *next_rule(Handle *handle, const void *entry) {
        return handle->calls->next_rule(entry, handle->xtc);
}

static const char *get_target(Handle *handle, const void *entry) {
        return handle->calls->get_target(entry, handle->xtc);
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

        for (const void *entry = first_rule(handle, name); entry;
             entry = next_rule(handle, entry)) {
                Found found = { .entry = entry };

                g_strlcpy(found.target, get_target(handle, entry), sizeof(found.target));
                g_array_append_val(rules, found);
        }
        return rules;
}

static bool rule_is_there(BwFamily family, const BwIptRule *rule, const Found *found) {
        BwIptEntry wanted;

        bw_ipt_entry_encode(family, rule, &wanted);
        return bw_ipt_entry_says(found->entry, found->target, &wanted);
}

static bool chain_is_there(Handle *handle, const BwIptChain *chain) {
        const void *entry;
        guint i = 0;

        if (!is_chain(handle, chain->name))
                return false;
        if (chain->opaque)
                return true;
        for (entry = first_rule(handle, chain->name); entry;
             entry = next_rule(handle, entry), i++) {
                Found found = { .entry = entry };

                if (i == chain->rules->len)
                        return false;
                g_strlcpy(found.target, get_target(handle, entry), sizeof(found.target));
                if (!rule_is_there(handle->family, &g_array_index(chain->rules, BwIptRule, i),
                                   &found))
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

        if (wanted && (rules->len == 0 ||
                       !rule_is_there(handle->family, &anchor, &g_array_index(rules, Found, 0))))
                return false;
        for (guint i = wanted ? 1 : 0; i < rules->len; i++)
                if (is_anchor(table, &g_array_index(rules, Found, i)))
                        return false;
        return true;
}

static void note_reachable(Handle *handle, const char *name, GHashTable *seen) {
        g_autoptr(GArray) rules = NULL;

        if (!is_chain(handle, name) || !g_hash_table_add(seen, g_strdup(name)))
                return;
        rules = read_chain(handle, name);
        for (guint i = 0; i < rules->len; i++)
                if (bw_ipt_chain_is_ours(g_array_index(rules, Found, i).target))
                        note_reachable(handle, g_array_index(rules, Found, i).target, seen);
}

/* (element-type utf8): chains that those of a former run lead to, so that they go on to mean what
 * they meant. */
static GHashTable *list_leaned_on(Handle *handle, const GPtrArray *chains) {
        GHashTable *seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (guint i = 0; chains && i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                if (chain->opaque)
                        note_reachable(handle, chain->name, seen);
        }
        return seen;
}

/* (element-type utf8): chains of ours that are there and not wanted. */
static GPtrArray *list_obsolete(Handle *handle, const GPtrArray *chains) {
        GPtrArray *obsolete = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GHashTable) leaned_on = list_leaned_on(handle, chains);

        for (const char *name = first_chain(handle); name; name = next_chain(handle))
                if (bw_ipt_chain_is_ours(name) && !g_hash_table_contains(leaned_on, name) &&
                    !(chains && bw_ipt_find_chain(chains, name)))
                        g_ptr_array_add(obsolete, g_strdup(name));
        return obsolete;
}

/* An empty chain that a foreign rule refers to cannot be removed and does no harm. */
static bool is_kept_for_others(Handle *handle, const char *name) {
        unsigned references = 0;

        return handle->calls->get_references(&references, name, handle->xtc) && references > 0 &&
               !first_rule(handle, name);
}

/* @obsolete: names of chains. */
static bool may_stay(Handle *handle, const GPtrArray *obsolete) {
        for (guint i = 0; i < obsolete->len; i++)
                if (!is_kept_for_others(handle, obsolete->pdata[i]))
                        return false;
        return true;
}

static bool table_is_there(Handle *handle, BwIptTable table, const GPtrArray *chains) {
        g_autoptr(GPtrArray) obsolete = list_obsolete(handle, chains);

        if (!may_stay(handle, obsolete))
                return false;
        for (guint i = 0; chains && i < chains->len; i++)
                if (!chain_is_there(handle, chains->pdata[i]))
                        return false;
        return anchor_is_there(handle, table, chains != NULL);
}

/* Editing */

typedef struct Comparison {
        BwFamily family;
        const GArray *wanted; /* BwIptRule */
        const GArray *found;  /* Found */
} Comparison;

static bool equal_rules(unsigned wanted, unsigned found, gconstpointer user) {
        const Comparison *comparison = user;

        return rule_is_there(comparison->family,
                             &g_array_index(comparison->wanted, BwIptRule, wanted),
                             &g_array_index(comparison->found, Found, found));
}

typedef struct Editor {
        Handle *handle;
        BwIptReport report;
} Editor;

static bool insert_rule(Editor *editor, const char *chain, const BwIptRule *rule, unsigned at,
                        GError **error) {
        Handle *handle = editor->handle;
        BwIptEntry entry;

        bw_ipt_entry_encode(handle->family, rule, &entry);
        if (!handle->calls->insert_entry(chain, entry.bytes, at, handle->xtc))
                return fail(error, errno, handle->table, "insert into", chain);
        editor->report.rules_inserted++;
        return true;
}

static bool delete_rule(Editor *editor, const char *chain, unsigned at, GError **error) {
        Handle *handle = editor->handle;

        if (!handle->calls->delete_num_entry(chain, at, handle->xtc))
                return fail(error, errno, handle->table, "delete from", chain);
        editor->report.rules_deleted++;
        return true;
}

static bool write_chain(Editor *editor, const BwIptChain *chain, GError **error) {
        g_autoptr(GArray) found = read_chain(editor->handle, chain->name);
        Comparison comparison = { editor->handle->family, chain->rules, found };
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

/* (element-type BwIptChain): those of @chains that the kernel has otherwise, or not at all. Lent.
 */
static GPtrArray *list_differing(Handle *handle, const GPtrArray *chains) {
        GPtrArray *differing = g_ptr_array_new();

        for (guint i = 0; chains && i < chains->len; i++)
                if (!chain_is_there(handle, chains->pdata[i]))
                        g_ptr_array_add(differing, chains->pdata[i]);
        return differing;
}

/* Chains first: a jump needs its target. */
static bool create_chains(Editor *editor, const GPtrArray *chains, GError **error) {
        Handle *handle = editor->handle;

        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                if (is_chain(handle, chain->name))
                        continue;
                if (!handle->calls->create_chain(chain->name, handle->xtc))
                        return fail(error, errno, handle->table, "create chain", chain->name);
                editor->report.chains_created++;
        }
        return true;
}

static bool write_chains(Editor *editor, const GPtrArray *chains, GError **error) {
        if (!create_chains(editor, chains, error))
                return false;
        for (guint i = 0; i < chains->len; i++)
                if (!((BwIptChain *) chains->pdata[i])->opaque &&
                    !write_chain(editor, chains->pdata[i], error))
                        return false;
        return true;
}

static bool write_anchor(Editor *editor, bool wanted, GError **error) {
        Handle *handle = editor->handle;
        const char *hook = bw_ipt_table_hook(handle->table);
        g_autoptr(GArray) rules = read_chain(handle, hook);
        BwIptRule anchor = anchor_of(handle->table);
        bool stays = wanted && rules->len > 0 &&
                     rule_is_there(handle->family, &anchor, &g_array_index(rules, Found, 0));

        for (guint i = rules->len; i-- > (stays ? 1u : 0u);) {
                if (!is_anchor(handle->table, &g_array_index(rules, Found, i)))
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
        Handle *handle = editor->handle;

        for (guint i = 0; i < names->len; i++)
                if (!handle->calls->flush_entries(names->pdata[i], handle->xtc))
                        return fail(error, errno, handle->table, "empty chain", names->pdata[i]);
        for (guint i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];

                if (is_kept_for_others(handle, name)) {
                        editor->report.foreign_chains_kept++;
                        continue;
                }
                if (!handle->calls->delete_chain(name, handle->xtc))
                        return fail(error, errno, handle->table, "remove chain", name);
                editor->report.chains_removed++;
        }
        return true;
}

/* One table on its way from what it holds to what is wanted. */
typedef struct Passage {
        BwIptTable table;
        BwIptWish *wish;
        bool hinted; /* what to edit is told by BwIptWish.held, and not by looking */
        bool committed;
        int commit_errno;
} Passage;

/* What must be edited. */
typedef struct Work {
        GPtrArray *differing; /* BwIptChain, lent */
        GPtrArray *obsolete;  /* char * */
} Work;

static void work_clear(Work *work) {
        g_ptr_array_unref(work->differing);
        g_ptr_array_unref(work->obsolete);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

/* The kernel is asked of every chain. */
static Work find_work(Handle *handle, const GPtrArray *chains) {
        return (Work){ list_differing(handle, chains), list_obsolete(handle, chains) };
}

static const BwIptChain *chain_at(const GPtrArray *chains, guint i) {
        return i < chains->len ? chains->pdata[i] : NULL;
}

/* Which comes first; what is not there comes last. */
static int compare_chains(const BwIptChain *a, const BwIptChain *b) {
        if (!a || !b)
                return a ? -1 : 1;
        return strcmp(a->name, b->name);
}

/* The kernel is believed to hold @held still; both are sorted by name. */
static Work find_hinted_work(const GPtrArray *chains, const GPtrArray *held) {
        Work work = { g_ptr_array_new(), g_ptr_array_new_with_free_func(g_free) };

        for (guint i = 0, k = 0; i < chains->len || k < held->len;) {
                const BwIptChain *wanted = chain_at(chains, i), *old = chain_at(held, k);
                int order = compare_chains(wanted, old);

                if (order < 0 || (order == 0 && !bw_ipt_chain_equal(wanted, old)))
                        g_ptr_array_add(work.differing, (gpointer) wanted);
                if (order > 0)
                        g_ptr_array_add(work.obsolete, g_strdup(old->name));
                i += order <= 0;
                k += order >= 0;
        }
        return work;
}

static bool has_opaque(const GPtrArray *chains) {
        for (guint i = 0; i < chains->len; i++)
                if (((const BwIptChain *) chains->pdata[i])->opaque)
                        return true;
        return false;
}

/* What chains of a former run lead to is for the kernel to tell. */
static bool has_hint(const BwIptWish *wish) {
        return wish->held && wish->chains && !has_opaque(wish->chains) && !has_opaque(wish->held);
}

static bool is_nothing(Handle *handle, const Work *work, bool wanted) {
        return work->differing->len == 0 && may_stay(handle, work->obsolete) &&
               anchor_is_there(handle, handle->table, wanted);
}

/* @ret_edited: false when all is as wanted. */
static bool edit_table(Editor *editor, Passage *passage, bool *ret_edited, GError **error) {
        const GPtrArray *chains = passage->wish->chains;
        Handle *handle = editor->handle;
        g_auto(Work) work = passage->hinted ? find_hinted_work(chains, passage->wish->held)
                                            : find_work(handle, chains);

        /* Who has nothing to change asks because of what others may have done. */
        if (passage->hinted && is_nothing(handle, &work, chains != NULL)) {
                passage->hinted = false;
                work_clear(&work);
                work = find_work(handle, chains);
        }
        *ret_edited = !is_nothing(handle, &work, chains != NULL);
        if (!*ret_edited)
                return true;
        return write_chains(editor, work.differing, error) &&
               write_anchor(editor, chains != NULL, error) &&
               remove_chains(editor, work.obsolete, error);
}

static void write_table(Passage *passage) {
        BwIptWish *wish = passage->wish;
        g_autoptr(Handle) handle = open_table(passage->table, &wish->error);
        Editor editor = { .handle = handle, .report = wish->report };

        if (!handle || !edit_table(&editor, passage, &passage->committed, &wish->error) ||
            !passage->committed)
                return;
        if (!handle->calls->commit(handle->xtc))
                passage->commit_errno = errno ? errno : EIO;
        editor.report.changed = true;
        wish->report = editor.report;
}

/* The kernel may say no and have done it, or say yes to what somebody undid a moment later. */
static bool read_back(const Passage *passage, GError **error) {
        g_autoptr(Handle) handle = open_table(passage->table, error);
        int commit_errno = passage->commit_errno;

        if (!handle)
                return false;
        if (table_is_there(handle, passage->table, passage->wish->chains))
                return true;
        if (commit_errno && commit_errno != EINVAL)
                return fail(error, commit_errno, passage->table, "commit", "the new rules");
        /* A commit is two steps: the rules, then their counters. When another program writes in
         * between, the kernel calls the second one invalid. */
        if (commit_errno) {
                g_set_error(error, BW_ERROR, BW_ERROR_STALE,
                            "%s: the kernel refused the new rules, or another "
                            "program replaced them at once: %s",
                            bw_ipt_table_text(passage->table),
                            handle->calls->strerror(commit_errno));
                return false;
        }
        g_set_error(error, BW_ERROR, BW_ERROR_STALE,
                    "%s differs from what was just written; another program writes it too",
                    bw_ipt_table_text(passage->table));
        return false;
}

/* Once more, and everything is looked at. */
static void write_again(Passage *passage) {
        g_clear_error(&passage->wish->error);
        passage->hinted = passage->committed = false;
        passage->commit_errno = 0;
        write_table(passage);
}

static void check_table(Passage *passage) {
        GError **error = &passage->wish->error;

        if (passage->committed && !*error)
                read_back(passage, error);
        if (!*error || !passage->hinted)
                return;
        write_again(passage);
        if (passage->committed && !*error)
                read_back(passage, error);
}

/* What is done with each table of a family. */
typedef struct Errand {
        Passage *passages; /* by table */
        BwFamily family;
        void (*work)(Passage *passage);
} Errand;

static gpointer run_errand(gpointer user) {
        const Errand *errand = user;

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                if (bw_ipt_table_family(table) == errand->family &&
                    !errand->passages[table].wish->skipped)
                        errand->work(&errand->passages[table]);
        return NULL;
}

/* libip4tc and libip6tc share nothing, so each family may have a thread. */
static void run_errands(Passage *passages, void (*work)(Passage *passage)) {
        Errand ipv4 = { passages, BW_FAMILY_IPV4, work }, ipv6 = { passages, BW_FAMILY_IPV6, work };
        GThread *thread = g_thread_try_new("ip6tables", run_errand, &ipv6, NULL);

        run_errand(&ipv4);
        if (thread)
                g_thread_join(thread);
        else
                run_errand(&ipv6);
}

/* All is written before any of it is read back: until then a guest waits. */
static void pass_tables(BwIptWish *wishes) {
        Passage passages[BW_IPT_TABLE_MAX];

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                passages[table] = (Passage){ .table = table,
                                             .wish = &wishes[table],
                                             .hinted = has_hint(&wishes[table]) };
        run_errands(passages, write_table);
        run_errands(passages, check_table);
}

bool bw_iptables_sync_all(BwIptWish wishes[static BW_IPT_TABLE_MAX], BwIptLock lock,
                          GError **error) {
        int fd = -1;

        if (lock == BW_IPT_LOCK_NEEDED) {
                fd = take_lock(error);
                if (fd < 0)
                        return false;
        }
        pass_tables(wishes);
        if (fd >= 0)
                close(fd);
        return true;
}

bool bw_iptables_sync(BwIptTable table, const GPtrArray *chains, BwIptLock lock, BwIptReport *ret,
                      GError **error) {
        BwIptWish wish = { .chains = chains };
        Passage passage = { .table = table, .wish = &wish };
        int fd = -1;

        if (lock == BW_IPT_LOCK_NEEDED) {
                fd = take_lock(error);
                if (fd < 0)
                        return false;
        }
        write_table(&passage);
        check_table(&passage);
        if (fd >= 0)
                close(fd);
        if (wish.error) {
                g_propagate_error(error, wish.error);
                return false;
        }
        *ret = wish.report;
        return true;
}

bool bw_iptables_check(BwIptTable table, const GPtrArray *chains, bool *ret_equal, GError **error) {
        g_autoptr(Handle) handle = open_table(table, error);

        if (!handle)
                return false;
        *ret_equal = table_is_there(handle, table, chains);
        return true;
}

/* A verdict's bytes do not tell its reason; the report before it does. */
static void infer_reason(const BwIptRule *report, BwIptRule *verdict) {
        BwIptRule wanted = *report;

        wanted.target = report->drops ? BW_IPT_DROP : BW_IPT_RETURN;
        wanted.log_rate = 0;
        verdict->reason = report->reason;
        verdict->direction = report->direction;
        verdict->drops = report->drops;
        if (report->target == BW_IPT_NFLOG && bw_ipt_rule_equal(verdict, &wanted))
                return;
        verdict->reason = BW_REASON_NONE;
        verdict->direction = BW_DIRECTION_IN;
        verdict->drops = false;
}

static void note_foreign(BwIptRule *rule, const char *target) {
        *rule = (BwIptRule){ .foreign = true };
        if (bw_ipt_chain_is_ours(target))
                g_strlcpy(rule->chain, target, sizeof(rule->chain));
}

static BwIptChain *decode_chain(Handle *handle, const char *name) {
        BwIptChain *chain = bw_ipt_chain_new(name);
        g_autoptr(GArray) found = read_chain(handle, name);

        for (guint i = 0; i < found->len; i++) {
                const Found *entry = &g_array_index(found, Found, i);
                BwIptRule rule = {};

                if (!bw_ipt_entry_decode(handle->family, entry->entry, entry->target, &rule))
                        note_foreign(&rule, entry->target);
                if (i > 0 && (rule.target == BW_IPT_DROP || rule.target == BW_IPT_RETURN))
                        infer_reason(&g_array_index(chain->rules, BwIptRule, i - 1), &rule);
                g_array_append_val(chain->rules, rule);
        }
        return chain;
}

static int by_name(gconstpointer a, gconstpointer b) {
        const BwIptChain *const *left = a, *const *right = b;

        return strcmp((*left)->name, (*right)->name);
}

GPtrArray *bw_iptables_read(BwIptTable table, GError **error) {
        g_autoptr(Handle) handle = open_table(table, error);
        g_autoptr(GPtrArray) names = handle ? list_obsolete(handle, NULL) : NULL;
        GPtrArray *chains = NULL;

        if (!handle)
                return NULL;
        chains = g_ptr_array_new_with_free_func((GDestroyNotify) bw_ipt_chain_unref);
        g_ptr_array_add(chains, decode_chain(handle, bw_ipt_table_hook(table)));
        for (guint i = 0; i < names->len; i++)
                g_ptr_array_add(chains, decode_chain(handle, names->pdata[i]));
        g_ptr_array_sort(chains, by_name);
        return chains;
}

static const char *modules_of(BwFamily family) {
        switch (family) {
        case BW_FAMILY_IPV4:
                return "legacy iptables (ip_tables, iptable_raw, iptable_mangle)";
        case BW_FAMILY_IPV6:
                return "legacy ip6tables (ip6_tables, ip6table_raw, ip6table_mangle)";
        }
        g_assert_not_reached();
}

bool bw_iptables_probe(BwIptTable table, GError **error) {
        g_autoptr(GError) refusal = NULL;
        g_autoptr(Handle) handle = open_table(table, &refusal);
        const char *what = "cannot be read", *needed = "legacy iptables that works";

        if (handle)
                return true;
        if (refusal->code == BW_ERROR_DENIED) {
                what = "may not be read";
                needed = "CAP_NET_ADMIN and CAP_NET_RAW";
        }
        if (refusal->code == BW_ERROR_ABSENT) {
                what = "is not in this kernel";
                needed = modules_of(bw_ipt_table_family(table));
        }
        g_set_error(error, BW_ERROR, refusal->code, "%s %s (%s). It needs %s",
                    bw_ipt_table_text(table), what, g_strrstr(refusal->message, ": ") + 2, needed);
        return false;
}

static void count_chain(Handle *handle, const BwIptChain *chain, BwIptCounted counted,
                        gpointer user) {
        guint i = 0;

        for (const void *entry = first_rule(handle, chain->name); entry && i < chain->rules->len;
             entry = next_rule(handle, entry), i++) {
                const BwIptRule *rule = &g_array_index(chain->rules, BwIptRule, i);
                const struct xt_counters *counters = bw_ipt_entry_counters(handle->family, entry);

                if (rule->reason != BW_REASON_NONE && rule->target != BW_IPT_NFLOG)
                        counted(chain, rule, counters->pcnt, counters->bcnt, user);
        }
}

bool bw_iptables_count(BwIptTable table, const GPtrArray *chains, BwIptCounted counted,
                       gpointer user, GError **error) {
        g_autoptr(Handle) handle = open_table(table, error);

        if (!handle)
                return false;
        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                if (is_chain(handle, chain->name))
                        count_chain(handle, chain, counted, user);
        }
        return true;
}

void bw_iptables_keep_memory(void) {
#ifdef M_TRIM_THRESHOLD
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
        mallopt(M_MMAP_THRESHOLD, PIECE_BYTES);
#endif
}
