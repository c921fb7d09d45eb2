/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Questions to nftables
 *
 * Asks the kernel itself for what it has of a kind, and hands on its answer as it
 * comes (nfnetlink; linux/netfilter/nf_tables.h). Knows no kind and no meaning.
 */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct BwNftablesQuestion {
        unsigned type;  /* NFT_MSG_GET* */
        uint8_t family; /* NFPROTO_* */
        struct {
                uint16_t type;    /* NFTA_* */
                const char *text; /* NULL: it is not said; shorter than NFT_NAME_MAXLEN */
        } names[2];               /* of what is asked for */
} BwNftablesQuestion;

/* Takes one datagram, lent for the call. False: it cannot be read, and the rest is not wanted. */
typedef bool (*BwNftablesAnswer)(const void *datagram, gsize length, gpointer user);

/* Hands each datagram of the answer to @answer, the one with its end too; waits for nobody: the
 * kernel answers within the call. @ret_interrupted: rules have changed meanwhile, so some of it may
 * be missing or have come twice.
 *
 * @fd: as of bw_nftables_generation_open(). Returns 0 or an errno: the kernel's refusal, what its
 * socket says, EBADMSG for what cannot be read, ENAMETOOLONG. But for a refusal, what is left of
 * the answer then is still in @fd: close it. */
int bw_nftables_dump(int fd, const BwNftablesQuestion *question, BwNftablesAnswer answer,
                     gpointer user, bool *ret_interrupted);

/* How one reading went that others may have come between. */
typedef enum BwNftablesReading {
        BW_NFTABLES_READ,   /* it is whole */
        BW_NFTABLES_TORN,   /* rules have changed meanwhile: nothing of it counts */
        BW_NFTABLES_FAILED, /* another try would fail, too; the error is set */
} BwNftablesReading;
typedef BwNftablesReading (*BwNftablesRead)(gpointer user, GError **error);

/* Calls @read until it is whole or fails, three times at most: others may be in the middle of
 * something; so often at once is no accident. BW_ERROR_BUSY then; @what: was to be read. */
bool bw_nftables_read_whole(BwNftablesRead read, gpointer user, const char *what, GError **error);
