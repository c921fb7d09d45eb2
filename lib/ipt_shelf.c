/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_shelf.h>
#include <string.h>

/* A piece and its key. */
typedef struct Entry {
        BwIptPiece piece;
        guint hash;
        guint length;
        const guint8 *key;
} Entry;

struct BwIptShelf {
        GHashTable *entries; /* Entry *, each its own key */
        guint last_number;
};

static guint hash_of(gconstpointer entry) {
        return ((const Entry *) entry)->hash;
}

static gboolean is_same(gconstpointer a, gconstpointer b) {
        const Entry *left = a, *right = b;

        return left->length == right->length && memcmp(left->key, right->key, left->length) == 0;
}

static void free_entry(gpointer pointer) {
        Entry *entry = pointer;

        g_free((guint8 *) entry->key);
        g_free(entry);
}

BwIptShelf *bw_ipt_shelf_new(void) {
        BwIptShelf *shelf = g_new0(BwIptShelf, 1);

        shelf->entries = g_hash_table_new_full(hash_of, is_same, free_entry, NULL);
        return shelf;
}

void bw_ipt_shelf_free(BwIptShelf *shelf) {
        if (!shelf)
                return;
        g_hash_table_unref(shelf->entries);
        g_free(shelf);
}

/* Eight bytes at once: keys have hundreds, and there are hundreds of them (FNV-1a otherwise). */
static guint hash_key(const GByteArray *key) {
        guint64 hash = G_GUINT64_CONSTANT(0xcbf29ce484222325);
        guint at = 0;

        for (; at + sizeof(guint64) <= key->len; at += sizeof(guint64)) {
                guint64 word;

                memcpy(&word, key->data + at, sizeof(word));
                hash = (hash ^ word) * G_GUINT64_CONSTANT(0x100000001b3);
        }
        for (; at < key->len; at++)
                hash = (hash ^ key->data[at]) * G_GUINT64_CONSTANT(0x100000001b3);
        return (guint) (hash >> 32 ^ hash);
}

static Entry entry_of(const GByteArray *key) {
        return (Entry){ .hash = hash_key(key), .length = key->len, .key = key->data };
}

BwIptPiece *bw_ipt_shelf_find(BwIptShelf *shelf, const GByteArray *key, guint turn) {
        const Entry sought = entry_of(key);
        Entry *entry = g_hash_table_lookup(shelf->entries, &sought);

        if (!entry)
                return NULL;
        entry->piece.turn = turn;
        return &entry->piece;
}

BwIptPiece *bw_ipt_shelf_add(BwIptShelf *shelf, const GByteArray *key, guint turn) {
        Entry *entry = g_new(Entry, 1);

        *entry = entry_of(key);
        entry->key = g_memdup2(key->data, key->len);
        entry->piece.turn = turn;
        entry->piece.number = ++shelf->last_number;
        g_hash_table_add(shelf->entries, entry);
        return &entry->piece;
}

static gboolean is_unwanted(gpointer entry, gpointer value G_GNUC_UNUSED, gpointer turn) {
        return ((const Entry *) entry)->piece.turn != GPOINTER_TO_UINT(turn);
}

void bw_ipt_shelf_forget(BwIptShelf *shelf, guint turn) {
        g_hash_table_foreach_remove(shelf->entries, is_unwanted, GUINT_TO_POINTER(turn));
}

/* Keys */

void bw_ipt_key_begin(GByteArray *key, BwIptPieceKind kind) {
        g_byte_array_set_size(key, 0);
        bw_ipt_key_add_number(key, kind);
}

void bw_ipt_key_add_number(GByteArray *key, guint number) {
        g_byte_array_append(key, (const guint8 *) &number, sizeof(number));
}

void bw_ipt_key_add_name(GByteArray *key, const char *name) {
        g_byte_array_append(key, (const guint8 *) name, (guint) strlen(name) + 1);
}

void bw_ipt_key_add_prefix(GByteArray *key, const BwPrefix *prefix) {
        g_byte_array_append(key, (const guint8 *) prefix, sizeof(*prefix));
}
