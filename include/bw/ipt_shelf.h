/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Chains that are taken over
 *
 * Chains that were written together are a piece: all of a bridge, or a node of a
 * tree that a segment shares. Each piece on the shelf has a key: all that whoever
 * writes it looks at, but for the table's family and direction, byte after byte.
 * One whose key is there again is what it was, and is not written again. Keys are
 * compared whole, so nothing that decides a chain's text may be left out of them:
 * who learns to look at more adds it to the key.
 *
 * Refuses to know what the chains say, and what the bytes of a key are.
 */

#include <bw/ipt_rule.h>

/* Whose chains are which, says a list beside that of the chains. */
typedef struct BwIptPiece {
        guint turn;                    /* when it was last wanted                             */
        guint number;                  /* no other of the shelf has it, or has had it; from 1 */
        guint note;                    /* whatever its writer has to know again               */
        char start[BW_IPT_CHAIN_SIZE]; /* the chain to begin with                             */
} BwIptPiece;

/* What a key may begin with, so that no two kinds are taken for each other. */
typedef enum BwIptPieceKind {
        BW_IPT_PIECE_LEADS, /* what all of a segment's borders have in common but for the tree */
        BW_IPT_PIECE_SITE,
        BW_IPT_PIECE_BORDER_NODE,
        BW_IPT_PIECE_OWNED_NODE,
} BwIptPieceKind;

typedef struct BwIptShelf BwIptShelf;

BwIptShelf *bw_ipt_shelf_new(void);
void bw_ipt_shelf_free(BwIptShelf *shelf);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwIptShelf, bw_ipt_shelf_free)

/* Lent, until it is forgotten, or NULL. Is wanted in @turn. */
BwIptPiece *bw_ipt_shelf_find(BwIptShelf *shelf, const GByteArray *key, guint turn);
/* Lent: one that is not there yet; wanted in @turn. Copies @key. */
BwIptPiece *bw_ipt_shelf_add(BwIptShelf *shelf, const GByteArray *key, guint turn);
/* Of all that @turn has not wanted. */
void bw_ipt_shelf_forget(BwIptShelf *shelf, guint turn);

/* Numbers, names and prefixes one after the other: who adds a list adds its length first. */
void bw_ipt_key_begin(GByteArray *key, BwIptPieceKind kind);
void bw_ipt_key_add_number(GByteArray *key, guint number);
void bw_ipt_key_add_name(GByteArray *key, const char *name);
void bw_ipt_key_add_prefix(GByteArray *key, const BwPrefix *prefix);
