/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/neighbour_table.h>
#include <bw/undo.h>
#include <string.h>

#define FIRST_LINE "bridgewarden undo 1"
/* More than any host has; a text that says more is no text of ours. */
#define MAX_LINES 65536

static void free_port(gpointer pointer) {
        BwUndoPort *port = pointer;

        g_array_unref(port->macs);
        g_free(port);
}

BwUndo *bw_undo_new(void) {
        BwUndo *undo = g_new0(BwUndo, 1);

        undo->ports = g_hash_table_new_full(NULL, NULL, NULL, free_port);
        undo->pins = g_array_new(FALSE, FALSE, sizeof(BwNeighbour));
        return undo;
}

void bw_undo_free(BwUndo *undo) {
        if (!undo)
                return;
        g_hash_table_unref(undo->ports);
        g_array_unref(undo->pins);
        g_free(undo);
}

bool bw_undo_is_empty(const BwUndo *undo) {
        return g_hash_table_size(undo->ports) == 0 && undo->pins->len == 0;
}

/* Ports */

BwUndoPort *bw_undo_find_port(const BwUndo *undo, int port) {
        return g_hash_table_lookup(undo->ports, GINT_TO_POINTER(port));
}

BwUndoPort *bw_undo_add_port(BwUndo *undo, const BwLink *link) {
        BwUndoPort *port = bw_undo_find_port(undo, link->ifindex);

        if (port)
                return port;
        port = g_new0(BwUndoPort, 1);
        port->port = link->ifindex;
        port->bridge = link->master;
        port->mac = link->mac;
        g_strlcpy(port->name, link->name, sizeof(port->name));
        port->macs = g_array_new(FALSE, FALSE, sizeof(BwMac));
        g_hash_table_insert(undo->ports, GINT_TO_POINTER(port->port), port);
        return port;
}

bool bw_undo_is_about(const BwUndoPort *port, const BwLink *link) {
        return port->port == link->ifindex && port->bridge == link->master &&
               bw_mac_equal(&port->mac, &link->mac);
}

void bw_undo_remove_port(BwUndo *undo, int port) {
        g_hash_table_remove(undo->ports, GINT_TO_POINTER(port));
}

/* MACs */

/* Whether it is there; if not, @ret_at is where it belongs. */
static bool find_mac(const GArray *macs, const BwMac *mac, guint *ret_at) {
        guint at = 0;

        while (at < macs->len && bw_mac_compare(&g_array_index(macs, BwMac, at), mac) < 0)
                at++;
        *ret_at = at;
        return at < macs->len && bw_mac_equal(&g_array_index(macs, BwMac, at), mac);
}

bool bw_undo_has_mac(const GArray *macs, const BwMac *mac) {
        guint at;

        return find_mac(macs, mac, &at);
}

void bw_undo_add_mac(GArray *macs, const BwMac *mac) {
        guint at;

        if (!find_mac(macs, mac, &at))
                g_array_insert_val(macs, at, *mac);
}

void bw_undo_remove_mac(GArray *macs, const BwMac *mac) {
        guint at;

        if (find_mac(macs, mac, &at))
                g_array_remove_index(macs, at);
}

/* Neighbours */

static const BwNeighbour *pin_at(const BwUndo *undo, guint at) {
        return &g_array_index(undo->pins, BwNeighbour, at);
}

/* Whether it is there; if not, @ret_at is where it belongs. */
static bool find_pin(const BwUndo *undo, int ifindex, const BwPrefix *address, guint *ret_at) {
        const BwNeighbour sought = { .ifindex = ifindex, .address = *address };
        guint low = 0, high = undo->pins->len;

        while (low < high) {
                guint middle = low + (high - low) / 2;

                if (bw_neighbour_compare(pin_at(undo, middle), &sought) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_at = low;
        return low < undo->pins->len && bw_neighbour_compare(pin_at(undo, low), &sought) == 0;
}

const BwNeighbour *bw_undo_find_pin(const BwUndo *undo, int ifindex, const BwPrefix *address) {
        guint at;

        return find_pin(undo, ifindex, address, &at) ? pin_at(undo, at) : NULL;
}

void bw_undo_set_pin(BwUndo *undo, const BwNeighbour *pin) {
        guint at;

        if (find_pin(undo, pin->ifindex, &pin->address, &at))
                g_array_index(undo->pins, BwNeighbour, at) = *pin;
        else
                g_array_insert_val(undo->pins, at, *pin);
}

void bw_undo_remove_pin(BwUndo *undo, int ifindex, const BwPrefix *address) {
        guint at;

        if (find_pin(undo, ifindex, address, &at))
                g_array_remove_index(undo->pins, at);
}

/* Text: a line for each object, words between spaces. The kernel allows no space in a name. */

static void print_port(GString *text, const BwUndoPort *port) {
        char mac[BW_MAC_TEXT_SIZE];

        g_string_append_printf(text, "port %d %d %s %u %u %s\n", port->port, port->bridge,
                               bw_mac_print(&port->mac, mac), port->touched, port->before,
                               port->name);
        for (guint i = 0; i < port->macs->len; i++)
                g_string_append_printf(text, "entry %d %s\n", port->port,
                                       bw_mac_print(&g_array_index(port->macs, BwMac, i), mac));
}

static int by_number(gconstpointer a, gconstpointer b) {
        const BwUndoPort *const *left = a, *const *right = b;

        return ((*left)->port > (*right)->port) - ((*left)->port < (*right)->port);
}

char *bw_undo_print(const BwUndo *undo) {
        g_autoptr(GPtrArray) ports = g_ptr_array_new();
        GString *text = g_string_new(FIRST_LINE "\n");
        GHashTableIter iter;
        gpointer port;
        char mac[BW_MAC_TEXT_SIZE];

        g_hash_table_iter_init(&iter, undo->ports);
        while (g_hash_table_iter_next(&iter, NULL, &port))
                g_ptr_array_add(ports, port);
        g_ptr_array_sort(ports, by_number);
        for (guint i = 0; i < ports->len; i++)
                print_port(text, ports->pdata[i]);
        for (guint i = 0; i < undo->pins->len; i++) {
                const BwNeighbour *pin = &g_array_index(undo->pins, BwNeighbour, i);
                g_autofree char *address = bw_prefix_print(&pin->address);

                g_string_append_printf(text, "pin %d %s %s\n", pin->ifindex, address,
                                       bw_mac_print(&pin->mac, mac));
        }
        return g_string_free(text, FALSE);
}

static bool read_number(const char *word, guint64 most, guint64 *ret) {
        return g_ascii_string_to_unsigned(word, 10, 0, most, ret, NULL);
}

static bool read_index(const char *word, int *ret) {
        guint64 number;

        if (!read_number(word, G_MAXINT, &number) || number == 0)
                return false;
        *ret = (int) number;
        return true;
}

static bool read_flags(const char *word, unsigned *ret) {
        guint64 number;

        if (!read_number(word, BW_FLAG_BIT(BW_FLAG_MAX) - 1, &number))
                return false;
        *ret = (unsigned) number;
        return true;
}

static void parse_port(BwUndo *undo, char **words) {
        BwLink link = {};
        BwUndoPort *port;
        unsigned touched, before;

        if (!read_index(words[1], &link.ifindex) || !read_index(words[2], &link.master) ||
            !bw_mac_read(words[3], &link.mac) || !read_flags(words[4], &touched) ||
            !read_flags(words[5], &before) || strlen(words[6]) >= sizeof(link.name))
                return;
        g_strlcpy(link.name, words[6], sizeof(link.name));
        port = bw_undo_add_port(undo, &link);
        port->touched = touched;
        port->before = before & touched;
}

static void parse_entry(BwUndo *undo, char **words) {
        BwUndoPort *port;
        BwMac mac;
        int ifindex;

        if (!read_index(words[1], &ifindex) || !bw_mac_parse(words[2], &mac, NULL))
                return;
        port = bw_undo_find_port(undo, ifindex);
        if (port)
                bw_undo_add_mac(port->macs, &mac);
}

static void parse_pin(BwUndo *undo, char **words) {
        BwNeighbour pin = { .permanent = true };

        if (read_index(words[1], &pin.ifindex) && bw_prefix_parse(words[2], &pin.address, NULL) &&
            bw_prefix_is_single(&pin.address) && bw_mac_parse(words[3], &pin.mac, NULL))
                bw_undo_set_pin(undo, &pin);
}

static void parse_line(BwUndo *undo, const char *line) {
        g_auto(GStrv) words = g_strsplit(line, " ", 8);
        guint n = g_strv_length(words);

        if (n == 7 && g_str_equal(words[0], "port"))
                parse_port(undo, words);
        else if (n == 3 && g_str_equal(words[0], "entry"))
                parse_entry(undo, words);
        else if (n == 4 && g_str_equal(words[0], "pin"))
                parse_pin(undo, words);
}

BwUndo *bw_undo_parse(const char *text, gsize length) {
        g_autofree char *copy = g_strndup(text, length); /* ends at the first zero byte */
        g_auto(GStrv) lines = g_strsplit(copy, "\n", MAX_LINES);
        BwUndo *undo = bw_undo_new();

        if (!lines[0] || !g_str_equal(lines[0], FIRST_LINE))
                return undo;
        for (char **line = lines + 1; *line; line++)
                parse_line(undo, *line);
        return undo;
}
