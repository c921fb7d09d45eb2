/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * News of nftables
 *
 * What the kernel tells of each transaction of anybody's (group NFNLGRP_NFTABLES
 * of nfnetlink; linux/netfilter/nf_tables.h): a message for each thing that
 * changed, then NFT_MSG_NEWGEN, which closes the transaction and names who made
 * it. Transactions are not mixed: the kernel tells one whole before the next.
 *
 * Trusts no length and no text in it. Opens no socket and decides nothing.
 */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define BW_NFT_PROGRAM_SIZE 32 /* the kernel's TASK_COMM_LEN is 16 */

typedef struct BwNftNews {
        uint32_t generation; /* of the ruleset, after the transaction; 0: not known */
        int pid; /* of the thread, in the host's first pid namespace, wherever the program and its
                    reader are; 0: not known */
        char program[BW_NFT_PROGRAM_SIZE]; /* the thread's name; any bytes, its own choice; "": not
                                              known */
        bool ours; /* it named our table, of the bridge family, or something in it */
        bool lost; /* something changed, by whom is not known; nothing else here is set */
} BwNftNews;

/* Lent for the call. */
typedef void (*BwNftNewsSink)(const BwNftNews *news, gpointer user);

/* What of the running transaction was read so far. Begins as zero. */
typedef struct BwNftReader {
        bool ours;
} BwNftReader;

/* Reads one datagram, of any alignment, and tells @sink of each transaction that ends in it.
 * False: there was something in it that cannot be read, and what came behind that is lost. */
bool bw_nft_reader_read(BwNftReader *reader, const void *datagram, gsize length, BwNftNewsSink sink,
                        gpointer user);
