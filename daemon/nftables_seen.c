/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nftables_seen.h"

#include <bw/error.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "nftables_dump.h"

#define TRIES 3

typedef struct Seen {
        char port[BW_IFNAME_SIZE];
        BwNftCount count;
} Seen;

static bool fail(GError **error, const char *set, int err) {
        BwError reaction = BW_ERROR_BROKEN;

        if (err == EPERM || err == EACCES)
                reaction = BW_ERROR_DENIED;
        if (err == ENOENT || err == EPROTONOSUPPORT || err == EAFNOSUPPORT || err == EOPNOTSUPP)
                reaction = BW_ERROR_ABSENT;
        g_set_error(error, BW_ERROR, reaction, "read set %s of nftables table " BW_NFT_TABLE ": %s",
                    set, g_strerror(err));
        return false;
}

static void keep(const char *port, BwNftCount count, gpointer user) {
        Seen seen = { .count = count };

        g_strlcpy(seen.port, port, sizeof(seen.port));
        g_array_append_val((GArray *) user, seen);
}

static bool read_datagram(const void *datagram, gsize length, gpointer user) {
        return bw_nft_seen_read(datagram, length, keep, user);
}

bool bw_nftables_seen_read(int fd, const char *set, BwNftSeen seen, gpointer user, GError **error) {
        const BwNftablesQuestion question = {
                .type = NFT_MSG_GETSETELEM,
                .family = NFPROTO_BRIDGE,
                .names = { { NFTA_SET_ELEM_LIST_TABLE, BW_NFT_TABLE },
                           { NFTA_SET_ELEM_LIST_SET, set } },
        };
        g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(Seen));

        for (unsigned i = 0; i < TRIES; i++) {
                bool interrupted = false;
                int err;

                g_array_set_size(rows, 0);
                err = bw_nftables_dump(fd, &question, read_datagram, rows, &interrupted);
                if (err)
                        return fail(error, set, err);
                if (interrupted)
                        continue;
                for (guint k = 0; k < rows->len; k++) {
                        const Seen *row = &g_array_index(rows, Seen, k);

                        seen(row->port, row->count, user);
                }
                return true;
        }
        g_set_error(error, BW_ERROR, BW_ERROR_BUSY,
                    "read set %s of nftables table " BW_NFT_TABLE ": others keep changing rules",
                    set);
        return false;
}
