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

#include "ipt_entry.h"
#include "ipt_table.h"

#define DEFAULT_LOCK_FILE "/run/xtables.lock"

/* What a change of two large tables takes, and more; and the most that the C library lets a piece
 * of it be. */
#define KEPT_BYTES  (64 * 1024 * 1024)
#define PIECE_BYTES (32 * 1024 * 1024)

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

/* Editing */

typedef struct Comparison {
        BwFamily family;
        const GArray *wanted; /* BwIptRule */
        const GArray *found;  /* BwIptFound */
} Comparison;

static bool equal_rules(unsigned wanted, unsigned found, gconstpointer user) {
        const Comparison *comparison = user;

        return bw_ipt_rule_is_there(comparison->family,
                                    &g_array_index(comparison->wanted, BwIptRule, wanted),
                                    &g_array_index(comparison->found, BwIptFound, found));
}

typedef struct Editor {
        BwIptHandle *handle;
        BwIptReport report;
} Editor;

static bool insert_rule(Editor *editor, const char *chain, const BwIptRule *rule, unsigned at,
                        GError **error) {
        BwIptHandle *handle = editor->handle;
        BwIptEntry entry;

        bw_ipt_entry_encode(handle->family, rule, &entry);
        if (!handle->calls->insert_entry(chain, entry.bytes, at, handle->xtc))
                return bw_ipt_fail(error, errno, handle->table, "insert into", chain);
        editor->report.rules_inserted++;
        return true;
}

static bool delete_rule(Editor *editor, const char *chain, unsigned at, GError **error) {
        BwIptHandle *handle = editor->handle;

        if (!handle->calls->delete_num_entry(chain, at, handle->xtc))
                return bw_ipt_fail(error, errno, handle->table, "delete from", chain);
        editor->report.rules_deleted++;
        return true;
}

static bool write_chain(Editor *editor, const BwIptChain *chain, GError **error) {
        g_autoptr(GArray) found = bw_ipt_read_chain(editor->handle, chain->name);
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
static GPtrArray *list_differing(BwIptHandle *handle, const GPtrArray *chains) {
        GPtrArray *differing = g_ptr_array_new();

        for (guint i = 0; chains && i < chains->len; i++)
                if (!bw_ipt_chain_is_there(handle, chains->pdata[i]))
                        g_ptr_array_add(differing, chains->pdata[i]);
        return differing;
}

/* Chains first: a jump needs its target. */
static bool create_chains(Editor *editor, const GPtrArray *chains, GError **error) {
        BwIptHandle *handle = editor->handle;

        for (guint i = 0; i < chains->len; i++) {
                const BwIptChain *chain = chains->pdata[i];

                if (bw_ipt_is_chain(handle, chain->name))
                        continue;
                if (!handle->calls->create_chain(chain->name, handle->xtc))
                        return bw_ipt_fail(error, errno, handle->table, "create chain",
                                           chain->name);
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
        BwIptHandle *handle = editor->handle;
        const char *hook = bw_ipt_table_hook(handle->table);
        g_autoptr(GArray) rules = bw_ipt_read_chain(handle, hook);
        BwIptRule anchor = bw_ipt_anchor_of(handle->table);
        bool stays =
                wanted && rules->len > 0 &&
                bw_ipt_rule_is_there(handle->family, &anchor, &g_array_index(rules, BwIptFound, 0));

        for (guint i = rules->len; i-- > (stays ? 1u : 0u);) {
                if (!bw_ipt_is_anchor(handle->table, &g_array_index(rules, BwIptFound, i)))
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
        BwIptHandle *handle = editor->handle;

        for (guint i = 0; i < names->len; i++)
                if (!handle->calls->flush_entries(names->pdata[i], handle->xtc))
                        return bw_ipt_fail(error, errno, handle->table, "empty chain",
                                           names->pdata[i]);
        for (guint i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];

                if (bw_ipt_is_kept_for_others(handle, name)) {
                        editor->report.foreign_chains_kept++;
                        continue;
                }
                if (!handle->calls->delete_chain(name, handle->xtc))
                        return bw_ipt_fail(error, errno, handle->table, "remove chain", name);
                editor->report.chains_removed++;
        }
        return true;
}

/* Reading ahead */

struct BwIptAhead {
        BwIptTable table;
        int lock;
        GThread *thread; /* NULL: it is done, or was never begun */
        BwIptHandle *handle;
};

/* What goes wrong here goes wrong again where it is told. */
static gpointer read_ahead(gpointer user) {
        BwIptAhead *ahead = user;

        ahead->handle = bw_ipt_handle_open(ahead->table, NULL);
        return NULL;
}

BwIptAhead *bw_iptables_read_ahead(BwIptTable table) {
        int fd = take_lock(NULL);
        BwIptAhead *ahead;

        if (fd < 0)
                return NULL;
        ahead = g_new0(BwIptAhead, 1);
        ahead->table = table;
        ahead->lock = fd;
        ahead->thread = g_thread_try_new("ahead", read_ahead, ahead, NULL);
        return ahead;
}

/* (transfer full): NULL when it is another table, or was taken before. */
static BwIptHandle *take_ahead(BwIptAhead *ahead, BwIptTable table) {
        if (!ahead || ahead->table != table)
                return NULL;
        g_clear_pointer(&ahead->thread, g_thread_join);
        return g_steal_pointer(&ahead->handle);
}

void bw_iptables_ahead_free(BwIptAhead *ahead) {
        if (!ahead)
                return;
        bw_ipt_handle_free(take_ahead(ahead, ahead->table));
        close(ahead->lock);
        g_free(ahead);
}

/* One table on its way from what it holds to what is wanted. */
typedef struct Passage {
        BwIptTable table;
        BwIptWish *wish;
        BwIptAhead *ahead;   /* or NULL */
        BwIptHandle *handle; /* as edited; once it is committed, worth nothing any more */
        bool hinted;         /* what to edit is told by BwIptWish.held, and not by looking */
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
static Work find_work(BwIptHandle *handle, const GPtrArray *chains) {
        return (Work){ list_differing(handle, chains), bw_ipt_list_obsolete(handle, chains) };
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

static bool is_nothing(BwIptHandle *handle, const Work *work, bool wanted) {
        return work->differing->len == 0 && bw_ipt_may_stay(handle, work->obsolete) &&
               bw_ipt_anchor_is_there(handle, wanted);
}

/* @ret_edited: false when all is as wanted. */
static bool edit_table(Editor *editor, Passage *passage, bool *ret_edited, GError **error) {
        const GPtrArray *chains = passage->wish->chains;
        BwIptHandle *handle = editor->handle;
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
        Editor editor = { .report = wish->report };

        passage->handle = take_ahead(passage->ahead, passage->table);
        if (!passage->handle)
                passage->handle = bw_ipt_handle_open(passage->table, &wish->error);
        editor.handle = passage->handle;
        if (!passage->handle || !edit_table(&editor, passage, &passage->committed, &wish->error) ||
            !passage->committed)
                return;
        if (!passage->handle->calls->commit(passage->handle->xtc))
                passage->commit_errno = errno ? errno : EIO;
        editor.report.changed = true;
        wish->report = editor.report;
}

static bool tell_refusal(const Passage *passage, GError **error) {
        int code = passage->commit_errno;
        BwFamily family = bw_ipt_table_family(passage->table);

        if (code == ENOENT)
                g_set_error(error, BW_ERROR, BW_ERROR_ABSENT,
                            "commit the new rules in %s: this kernel lacks a match or a target of "
                            "theirs (%s). It needs %s",
                            bw_ipt_table_text(passage->table),
                            bw_ipt_calls_of(family)->strerror(code), bw_ipt_needed_modules(family));
        /* A commit is two steps: the rules, then their counters. When another program writes in
         * between, the kernel calls the second one invalid. */
        else if (code == EINVAL)
                g_set_error(error, BW_ERROR, BW_ERROR_STALE,
                            "%s: the kernel refused the new rules, or another program replaced "
                            "them at once: %s",
                            bw_ipt_table_text(passage->table),
                            bw_ipt_calls_of(family)->strerror(code));
        else if (code)
                bw_ipt_fail(error, code, passage->table, "commit", "the new rules");
        else
                g_set_error(error, BW_ERROR, BW_ERROR_STALE,
                            "%s differs from what was just written; another program writes it too",
                            bw_ipt_table_text(passage->table));
        return false;
}

/* The kernel may say no and have done it, or say yes to what somebody undid a moment later. */
static bool read_back(const Passage *passage, GError **error) {
        g_autoptr(BwIptHandle) handle = bw_ipt_handle_open(passage->table, error);

        if (!handle)
                return false;
        return bw_ipt_table_is_there(handle, passage->wish->chains) || tell_refusal(passage, error);
}

/* To give a handle back takes its time, too, and nobody waits for that. */
static void check_commit(Passage *passage) {
        g_clear_pointer(&passage->handle, bw_ipt_handle_free);
        if (passage->committed && !passage->wish->error)
                read_back(passage, &passage->wish->error);
}

/* Once more, and everything is looked at. */
static void write_again(Passage *passage) {
        g_clear_error(&passage->wish->error);
        passage->hinted = passage->committed = false;
        passage->commit_errno = 0;
        write_table(passage);
}

static void check_table(Passage *passage) {
        check_commit(passage);
        if (!passage->wish->error || !passage->hinted)
                return;
        write_again(passage);
        check_commit(passage);
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
static void pass_tables(BwIptWish *wishes, BwIptAhead *ahead) {
        Passage passages[BW_IPT_TABLE_MAX];

        for (BwIptTable table = BW_IPT_RAW; table < BW_IPT_TABLE_MAX; table++)
                passages[table] = (Passage){ .table = table,
                                             .wish = &wishes[table],
                                             .ahead = ahead,
                                             .hinted = has_hint(&wishes[table]) };
        run_errands(passages, write_table);
        run_errands(passages, check_table);
}

bool bw_iptables_sync_all(BwIptWish wishes[static BW_IPT_TABLE_MAX], BwIptLock lock,
                          BwIptAhead *ahead, GError **error) {
        int fd = -1;

        if (lock == BW_IPT_LOCK_NEEDED && !ahead) {
                fd = take_lock(error);
                if (fd < 0)
                        return false;
        }
        pass_tables(wishes, ahead);
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
        g_autoptr(BwIptHandle) handle = bw_ipt_handle_open(table, error);

        if (!handle)
                return false;
        *ret_equal = bw_ipt_table_is_there(handle, chains);
        return true;
}

void bw_iptables_keep_memory(void) {
#ifdef M_TRIM_THRESHOLD
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
        mallopt(M_MMAP_THRESHOLD, PIECE_BYTES);
#endif
}
