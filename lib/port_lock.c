/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/port_lock.h>

void bw_port_lock_free(BwPortLock *lock) {
        if (!lock)
                return;
        g_array_unref(lock->macs);
        g_free(lock->trouble);
        g_free(lock);
}

static void free_lock(gpointer lock) {
        bw_port_lock_free(lock);
}

/* What must be */

static bool is_in_force(const BwPortPlan *port) {
        if (port->mode != BW_MODE_ENFORCE)
                return false;
        switch (port->state) {
        case BW_PORT_BOUND:
        case BW_PORT_UNADDRESSED:
        case BW_PORT_ANY_ADDRESS:
                return true;
        case BW_PORT_CLOSED:
        case BW_PORT_OFF:
        case BW_PORT_BORDER:
        case BW_PORT_INHERITED:
        case BW_PORT_STRANGER:
                return false;
        }
        g_assert_not_reached();
}

/* MACs of the ports of one bridge, and whose they are. */
typedef struct Owners {
        GHashTable *first, *second; /* BwMac * -> BwPortPlan *, all lent from the plan */
} Owners;

static gboolean equal_macs(gconstpointer a, gconstpointer b) {
        return bw_mac_equal(a, b);
}

static void note_owner(Owners *owners, BwPortPlan *port) {
        if (!is_in_force(port) || port->absent)
                return;
        for (guint i = 0; i < port->macs->len; i++) {
                BwMac *mac = &g_array_index(port->macs, BwMac, i);
                const BwPortPlan *first = g_hash_table_lookup(owners->first, mac);

                if (!first)
                        g_hash_table_insert(owners->first, mac, port);
                else if (first != port)
                        g_hash_table_insert(owners->second, mac, port);
        }
}

static Owners list_owners(const BwBridgePlan *bridge) {
        Owners owners = { g_hash_table_new(bw_mac_hash, equal_macs),
                          g_hash_table_new(bw_mac_hash, equal_macs) };

        for (guint i = 0; i < bridge->ports->len; i++)
                note_owner(&owners, bridge->ports->pdata[i]);
        return owners;
}

/* A MAC that two ports of a bridge have can be fixed at one only, and would be lost at the other.
 */
static const BwPortPlan *find_sharer(const Owners *owners, const BwPortPlan *port,
                                     const BwMac *mac) {
        const BwPortPlan *second = g_hash_table_lookup(owners->second, mac);

        return second == port ? g_hash_table_lookup(owners->first, mac) : second;
}

/* The bridge's own and the ports' own MACs are in its table for ever, as places and not as ways. */
static bool is_local(const BwPortLock *lock, const BwModel *model, const BwMac *mac) {
        const BwFdbRecord *record = bw_model_find_fdb(model, lock->bridge->ifindex, mac, 0);

        return (record && record->entry.local) || bw_mac_equal(mac, &lock->link->mac) ||
               bw_mac_equal(mac, &lock->bridge->mac);
}

/* Returns whether the port can be locked at all. */
static bool list_macs(BwPortLock *lock, const BwModel *model, const Owners *owners) {
        char text[BW_MAC_TEXT_SIZE];

        for (guint i = 0; i < lock->port->macs->len; i++) {
                const BwMac *mac = &g_array_index(lock->port->macs, BwMac, i);
                const BwPortPlan *sharer = find_sharer(owners, lock->port, mac);

                if (sharer)
                        lock->trouble = g_strdup_printf(
                                "Port %s is not locked: its MAC %s is also port %s's, and the "
                                "bridge can keep it at one of them only",
                                lock->port->name, bw_mac_print(mac, text), sharer->name);
                if (sharer)
                        return false;
                if (!is_local(lock, model, mac))
                        bw_undo_add_mac(lock->macs, mac);
        }
        return lock->macs->len > 0;
}

static void wish(BwPortLock *lock, unsigned mask, unsigned on) {
        lock->lacking |= mask & ~lock->link->flags_known;
        lock->mask |= mask & lock->link->flags_known;
        lock->on |= on & lock->link->flags_known;
}

static BwPortLock *lock_new(const BwBridgePlan *bridge, const BwPortPlan *port, const BwLink *link,
                            const BwModel *model, const Owners *owners) {
        BwPortLock *lock = g_new0(BwPortLock, 1);

        lock->bridge = bridge;
        lock->port = port;
        lock->link = link;
        lock->flags = link->flags;
        lock->macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        if (!is_in_force(port))
                return lock;
        if (port->fdb_lock && list_macs(lock, model, owners))
                wish(lock, BW_FLAG_LOCK,
                     BW_FLAG_BIT(BW_FLAG_LOCKED) | BW_FLAG_BIT(BW_FLAG_BPDU_GUARD));
        else
                g_array_set_size(lock->macs, 0);
        if (port->isolated)
                wish(lock, BW_FLAG_BIT(BW_FLAG_ISOLATED), BW_FLAG_BIT(BW_FLAG_ISOLATED));
        return lock;
}

static void list_bridge(GPtrArray *list, const BwBridgePlan *bridge, const BwModel *model) {
        Owners owners = list_owners(bridge);

        for (guint i = 0; i < bridge->ports->len; i++) {
                const BwPortPlan *port = bridge->ports->pdata[i];
                const BwLink *link = bw_model_find_link(model, port->ifindex);

                if (link && link->master == bridge->ifindex)
                        g_ptr_array_add(list, lock_new(bridge, port, link, model, &owners));
        }
        g_hash_table_unref(owners.first);
        g_hash_table_unref(owners.second);
}

GPtrArray *bw_port_lock_list(const BwPlan *plan, const BwModel *model) {
        GPtrArray *list = g_ptr_array_new_with_free_func(free_lock);

        for (guint i = 0; i < plan->bridges->len; i++)
                list_bridge(list, plan->bridges->pdata[i], model);
        return list;
}

/* What is */

/* With VLANs an entry stands in each of the port's, and once without any: that one is looked at. */
bool bw_port_lock_is_fixed(const BwModel *model, const BwLink *port, const BwMac *mac) {
        const BwFdbRecord *record = bw_model_find_fdb(model, port->master, mac, 0);

        return record && record->entry.port == port->ifindex && record->entry.fixed;
}

static bool are_all_fixed(const BwPortLock *lock, const BwModel *model) {
        for (guint i = 0; i < lock->macs->len; i++)
                if (!bw_port_lock_is_fixed(model, lock->link, &g_array_index(lock->macs, BwMac, i)))
                        return false;
        return true;
}

static bool is_in_force_as_wished(const BwPortLock *lock, const BwModel *model) {
        return ((lock->flags ^ lock->on) & lock->mask) == 0 && are_all_fixed(lock, model);
}

/* What was */

static bool remember_macs(const BwPortLock *lock, const BwModel *model, BwUndoPort *port,
                          bool are_ours) {
        guint known = port->macs->len;

        for (guint i = 0; i < lock->macs->len; i++) {
                const BwMac *mac = &g_array_index(lock->macs, BwMac, i);

                /* What somebody else has fixed there stays when we go. */
                if (are_ours || !bw_port_lock_is_fixed(model, lock->link, mac))
                        bw_undo_add_mac(port->macs, mac);
        }
        return port->macs->len != known;
}

bool bw_port_lock_remember(const BwPortLock *lock, const BwModel *model, BwUndo *undo,
                           bool was_lost) {
        unsigned defaults = BW_UNDO_DEFAULT_FLAGS;
        BwUndoPort *port = bw_undo_find_port(undo, lock->link->ifindex);
        bool is_ours = was_lost && !port && is_in_force_as_wished(lock, model);
        unsigned fresh = lock->mask & ~(port ? port->touched : 0);

        if (lock->mask == 0)
                return false;
        port = bw_undo_add_port(undo, lock->link);
        port->touched |= fresh;
        port->before |= fresh & (is_ours ? defaults : lock->flags);
        return remember_macs(lock, model, port, is_ours) || fresh;
}

bool bw_port_lock_looks_locked(const BwLink *link) {
        unsigned known = BW_FLAG_LOCK & link->flags_known;
        unsigned on = known & ~BW_UNDO_DEFAULT_FLAGS;

        return link->master && on && (link->flags & known) == on;
}

char *bw_port_lock_print_unlock(const BwLink *link) {
        g_autofree char *name = g_shell_quote(link->name);
        GString *text = g_string_new(NULL);
        unsigned others = (BW_FLAG_LOCK | BW_FLAG_BIT(BW_FLAG_ISOLATED)) & link->flags_known &
                          (link->flags ^ BW_UNDO_DEFAULT_FLAGS);

        g_string_printf(text, "bridge link set dev %s", name);
        for (BwPortFlag flag = 0; flag < BW_FLAG_MAX; flag++)
                if (others & BW_FLAG_BIT(flag))
                        g_string_append_printf(text, " %s %s", bw_port_flag_name(flag),
                                               BW_UNDO_DEFAULT_FLAGS & BW_FLAG_BIT(flag) ? "on"
                                                                                         : "off");
        return g_string_free(text, FALSE);
}

/* From what is to what must be */

static void plan_flags(BwPortLockStep *step, const BwPortLock *lock, const BwUndoPort *undo) {
        unsigned wished = lock ? lock->mask : 0;
        unsigned former = undo ? undo->touched & ~wished : 0;

        step->mask = former;
        step->on = undo ? undo->before & former : 0;
        if (!lock)
                return;
        step->mask |= (lock->flags ^ lock->on) & wished;
        step->on |= lock->on & step->mask;
}

BwPortLockStep *bw_port_lock_step(const BwPortLock *lock, const BwUndoPort *undo,
                                  const BwLink *link, const BwModel *model, const GArray *sure) {
        BwPortLockStep *step = g_new0(BwPortLockStep, 1);

        step->fix = g_array_new(FALSE, FALSE, sizeof(BwMac));
        step->release = g_array_new(FALSE, FALSE, sizeof(BwMac));
        for (guint i = 0; lock && i < lock->macs->len; i++) {
                const BwMac *mac = &g_array_index(lock->macs, BwMac, i);

                if (!bw_port_lock_is_fixed(model, link, mac) &&
                    !(sure && bw_undo_has_mac(sure, mac)))
                        g_array_append_val(step->fix, *mac);
        }
        plan_flags(step, lock, undo);
        for (guint i = 0; undo && i < undo->macs->len; i++) {
                const BwMac *mac = &g_array_index(undo->macs, BwMac, i);

                if (!lock || !bw_undo_has_mac(lock->macs, mac))
                        g_array_append_val(step->release, *mac);
        }
        return step;
}

bool bw_port_lock_forget(const BwPortLock *lock, const BwPortLockStep *step, BwUndoPort *undo) {
        undo->touched &= lock ? lock->mask : 0;
        undo->before &= undo->touched;
        for (guint i = 0; i < step->release->len; i++)
                bw_undo_remove_mac(undo->macs, &g_array_index(step->release, BwMac, i));
        return undo->touched == 0 && undo->macs->len == 0;
}

void bw_port_lock_step_free(BwPortLockStep *step) {
        if (!step)
                return;
        g_array_unref(step->fix);
        g_array_unref(step->release);
        g_free(step);
}
