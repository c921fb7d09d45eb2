/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_compile.h>
#include <bw/ipt_writer.h>
#include <string.h>

static const BwIptSide sides[] = {
        [BW_DIRECTION_IN] = { "i", "it", "is", "ia", "iw", "id", "ib", "il", "ic", "ie",
                              BW_IPT_PHYSDEV_IN, BW_IPT_PHYSDEV_IN_PREFIX, BW_IPT_PHYSDEV_NOT_IN,
                              BW_REASON_SPOOFED_IP, BW_REASON_BORDER_SPOOF },
        [BW_DIRECTION_OUT] = { "o", "ot", "os", "oa", "ow", "od", "ob", "ol", "oc", "oe",
                               BW_IPT_PHYSDEV_OUT, BW_IPT_PHYSDEV_OUT_PREFIX,
                               BW_IPT_PHYSDEV_NOT_BRIDGED, BW_REASON_MISDELIVERED,
                               BW_REASON_BORDER_MISDELIVERED },
};

/* What was written of one bridge. Not on the shelf: its key is the view. */
typedef struct Unit {
        BwIptPiece piece;
        BwIptView *view;
        BwIptShared shared[2]; /* what the chains ask of the segment */
} Unit;

struct BwIptCompiler {
        BwIptTable table;
        guint turn;        /* which plan it is                                             */
        GHashTable *units; /* Unit *, by its bridge                                        */
        BwIptShelf *shelf; /* what segments share                                          */
        GPtrArray *chains; /* BwIptChain: what came of it last, sorted by name             */
        GPtrArray *makers; /* BwIptPiece * or NULL: which piece each of @chains belongs to */
};

/* One plan on its way. */
typedef struct Turn {
        BwIptCompiler *compiler;
        BwIptWriter writer;
        GHashTable *units; /* as BwIptCompiler.units, of this plan */
        BwIptChain *root;
} Turn;

static void free_unit(gpointer pointer) {
        Unit *unit = pointer;

        bw_ipt_view_free(unit->view);
        g_free(unit);
}

static GHashTable *make_units(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_unit);
}

static GPtrArray *make_chains(guint room) {
        return g_ptr_array_new_full(room, (GDestroyNotify) bw_ipt_chain_unref);
}

BwIptCompiler *bw_ipt_compiler_new(BwIptTable table) {
        BwIptCompiler *compiler = g_new0(BwIptCompiler, 1);

        compiler->table = table;
        compiler->units = make_units();
        compiler->shelf = bw_ipt_shelf_new();
        compiler->chains = make_chains(0);
        compiler->makers = g_ptr_array_new();
        return compiler;
}

void bw_ipt_compiler_free(BwIptCompiler *compiler) {
        if (!compiler)
                return;
        g_hash_table_unref(compiler->units);
        bw_ipt_shelf_free(compiler->shelf);
        g_ptr_array_unref(compiler->chains);
        g_ptr_array_unref(compiler->makers);
        g_free(compiler);
}

/* Writing */

static void write_unit(Turn *turn, Unit *unit, const BwIptView *view) {
        BwIptWriter writer = turn->writer;

        writer.view = view;
        memset(writer.shared, 0, sizeof(writer.shared));
        bw_ipt_write_bridge(&writer, unit->piece.start);
        memcpy(unit->shared, writer.shared, sizeof(unit->shared));
        unit->view = bw_ipt_view_copy(view);
        bw_ipt_settle_makers(&writer, &unit->piece);
}

/* Lent: the former one, when it saw all that is to be seen now. */
static Unit *take_unit(Turn *turn, const BwIptView *view) {
        Unit *unit = g_hash_table_lookup(turn->compiler->units, view->bridge.name);

        if (unit && bw_ipt_view_equal(unit->view, view)) {
                g_hash_table_steal(turn->compiler->units, view->bridge.name);
        } else {
                unit = g_new0(Unit, 1);
                write_unit(turn, unit, view);
        }
        unit->piece.turn = turn->compiler->turn;
        g_hash_table_insert(turn->units, unit->view->bridge.name, unit);
        return unit;
}

static void ask_for(BwIptShared *sum, const BwIptShared *more) {
        for (BwIptUnowned unowned = 0; unowned < BW_IPT_UNOWNED_MAX; unowned++)
                sum->owned[unowned] |= more->owned[unowned];
        sum->routes |= more->routes;
        sum->denial |= more->denial;
        sum->nowhere |= more->nowhere;
        sum->request |= more->request;
        sum->borders |= more->borders;
        sum->reflection |= more->reflection;
}

static void lead_to(Turn *turn, const Unit *unit) {
        const char *bridge = unit->view->bridge.name;
        BwIptRule rule = {};

        if (turn->writer.direction == BW_DIRECTION_IN)
                g_strlcpy(rule.in_bridge, bridge, sizeof(rule.in_bridge));
        else
                g_strlcpy(rule.out_bridge, bridge, sizeof(rule.out_bridge));
        bw_ipt_say_goto(turn->root, rule, unit->piece.start);
}

static void write_segment(Turn *turn, const BwSegmentPlan *segment, unsigned log_rate) {
        bool know = bw_ipt_borders_know(segment, turn->writer.family);
        g_autoptr(BwIptView) view = bw_ipt_view_new(segment, log_rate, know);
        BwIptWriter *writer = &turn->writer;

        memset(writer->shared, 0, sizeof(writer->shared));
        for (guint i = 0; i < segment->bridges->len; i++) {
                const Unit *unit;

                bw_ipt_view_turn_to(view, segment->bridges->pdata[i]);
                unit = take_unit(turn, view);
                lead_to(turn, unit);
                for (unsigned drops = 0; drops < G_N_ELEMENTS(unit->shared); drops++)
                        ask_for(&writer->shared[drops], &unit->shared[drops]);
        }
        writer->view = view;
        bw_ipt_write_shared(writer, segment);
        bw_ipt_write_shared_borders(writer, segment);
        bw_ipt_settle_makers(writer, NULL);
}

/* Old and new in one row */

typedef struct Fresh {
        BwIptChain *chain;
        BwIptPiece *maker;
} Fresh;

static int by_name(gconstpointer a, gconstpointer b) {
        return strcmp(((const Fresh *) a)->chain->name, ((const Fresh *) b)->chain->name);
}

/* Where in sorted @chains one of that name is, or would be. */
static guint find_place(const GPtrArray *chains, const char *name) {
        guint low = 0, high = chains->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;

                if (strcmp(((const BwIptChain *) chains->pdata[middle])->name, name) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static const BwIptChain *chain_at(const GPtrArray *chains, guint place, const char *name) {
        const BwIptChain *chain = place < chains->len ? chains->pdata[place] : NULL;

        return chain && g_str_equal(chain->name, name) ? chain : NULL;
}

const BwIptChain *bw_ipt_find_chain(const GPtrArray *chains, const char *name) {
        return chain_at(chains, find_place(chains, name), name);
}

static bool is_same_chain(const BwIptChain *a, const BwIptChain *b) {
        return bw_ipt_chain_equal(a, b) && g_str_equal(a->bridge, b->bridge) &&
               g_str_equal(a->port, b->port);
}

static void add_made(BwIptCompiler *made, const BwIptChain *chain, BwIptPiece *maker) {
        g_ptr_array_add(made->chains, bw_ipt_chain_ref((BwIptChain *) chain));
        g_ptr_array_add(made->makers, maker);
}

/* Those of the former chains from @first to before @end whose pieces were taken over. */
static void add_kept(BwIptCompiler *made, const BwIptCompiler *former, guint first, guint end) {
        for (guint i = first; i < end; i++) {
                BwIptPiece *maker = former->makers->pdata[i];

                if (maker && maker->turn == former->turn)
                        add_made(made, former->chains->pdata[i], maker);
        }
}

/* What is written as it was is the object it was. */
static void add_fresh(BwIptCompiler *made, const BwIptCompiler *former, const Fresh *fresh,
                      guint place) {
        const BwIptChain *before = chain_at(former->chains, place, fresh->chain->name);

        if (before && is_same_chain(before, fresh->chain))
                add_made(made, before, fresh->maker);
        else
                add_made(made, fresh->chain, fresh->maker);
}

static GArray *list_fresh(const Turn *turn) {
        const BwIptWriter *writer = &turn->writer;
        GArray *list = g_array_sized_new(FALSE, FALSE, sizeof(Fresh), writer->chains->len);

        for (guint i = 0; i < writer->chains->len; i++) {
                Fresh fresh = { writer->chains->pdata[i], writer->makers->pdata[i] };

                g_array_append_val(list, fresh);
        }
        g_array_sort(list, by_name);
        return list;
}

static void merge(BwIptCompiler *made, const Turn *turn) {
        const BwIptCompiler *former = turn->compiler;
        g_autoptr(GArray) list = list_fresh(turn);
        guint at = 0;

        for (guint i = 0; i < list->len; i++) {
                const Fresh *fresh = &g_array_index(list, Fresh, i);
                guint place = find_place(former->chains, fresh->chain->name);

                add_kept(made, former, at, place);
                add_fresh(made, former, fresh, place);
                at = place;
        }
        add_kept(made, former, at, former->chains->len);
}

static bool same_objects(const GPtrArray *a, const GPtrArray *b) {
        return a->len == b->len &&
               (a->len == 0 || memcmp(a->pdata, b->pdata, a->len * sizeof(gpointer)) == 0);
}

/* Pieces that were not taken over are forgotten only now that nobody asks whose a chain was. */
static void replace(Turn *turn) {
        BwIptCompiler *compiler = turn->compiler;
        guint likely = compiler->chains->len + turn->writer.chains->len;
        BwIptCompiler made = { .chains = make_chains(likely),
                               .makers = g_ptr_array_sized_new(likely) };

        merge(&made, turn);
        if (same_objects(made.chains, compiler->chains))
                g_ptr_array_unref(g_steal_pointer(&made.chains));
        if (made.chains) {
                g_ptr_array_unref(compiler->chains);
                compiler->chains = made.chains;
        }
        g_ptr_array_unref(compiler->makers);
        compiler->makers = made.makers;
        g_hash_table_unref(compiler->units);
        compiler->units = turn->units;
        bw_ipt_shelf_forget(compiler->shelf, compiler->turn);
}

GPtrArray *bw_ipt_compiler_run(BwIptCompiler *compiler, const BwPlan *plan) {
        BwDirection direction = bw_ipt_table_direction(compiler->table);
        g_autoptr(GPtrArray) makers = g_ptr_array_new(), chains = make_chains(0);
        Turn turn = { .compiler = compiler,
                      .writer = { .family = bw_ipt_table_family(compiler->table),
                                  .direction = direction,
                                  .side = &sides[direction],
                                  .chains = chains,
                                  .makers = makers,
                                  .shelf = compiler->shelf,
                                  .turn = ++compiler->turn },
                      .units = make_units() };

        turn.root = bw_ipt_add_chain(&turn.writer, bw_ipt_table_root(compiler->table));
        bw_ipt_settle_makers(&turn.writer, NULL);
        for (guint i = 0; i < plan->segments->len; i++)
                write_segment(&turn, plan->segments->pdata[i], plan->log_rate);
        replace(&turn);
        return g_ptr_array_ref(compiler->chains);
}

GPtrArray *bw_ipt_compile(const BwPlan *plan, BwIptTable table) {
        g_autoptr(BwIptCompiler) compiler = bw_ipt_compiler_new(table);

        return bw_ipt_compiler_run(compiler, plan);
}
