/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nftables_seen.h"

#include <bw/error.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "nftables_dump.h"

typedef struct Seen {
        char port[BW_IFNAME_SIZE];
        BwNftCount count;
} Seen;

static void fail(GError **error, const char *set, int err) {
        BwError reaction = BW_ERROR_BROKEN;

        if (err == EPERM || err == EACCES)
                reaction = BW_ERROR_DENIED;
        if (err == ENOENT || err == EPROTONOSUPPORT || err == EAFNOSUPPORT || err == EOPNOTSUPP)
                reaction = BW_ERROR_ABSENT;
        g_set_error(error, BW_ERROR, reaction, "read set %s of nftables table " BW_NFT_TABLE ": %s",
                    set, g_strerror(err));
}

static void keep(const char *port, BwNftCount count, gpointer user) {
        Seen seen = { .count = count };

        g_strlcpy(seen.port, port, sizeof(seen.port));
        g_array_append_val((GArray *) user, seen);
}

static bool read_datagram(const void *datagram, gsize length, gpointer user) {
        return bw_nft_seen_read(datagram, length, keep, user);
}

typedef struct Reader {
        int fd;
        const char *set;
        GArray *rows; /* Seen */
} Reader;

static BwNftablesReading read_rows(gpointer user, GError **error) {
        Reader *reader = user;
        const BwNftablesQuestion question = {
                .type = NFT_MSG_GETSETELEM,
                .family = NFPROTO_BRIDGE,
                .names = { { NFTA_SET_ELEM_LIST_TABLE, BW_NFT_TABLE },
                           { NFTA_SET_ELEM_LIST_SET, reader->set } },
        };
        bool interrupted = false;
        int err;

        g_array_set_size(reader->rows, 0);
        err = bw_nftables_dump(reader->fd, &question, read_datagram, reader->rows, &interrupted);
        if (err) {
                fail(error, reader->set, err);
                return BW_NFTABLES_FAILED;
        }
        return interrupted ? BW_NFTABLES_TORN : BW_NFTABLES_READ;
}

bool bw_nftables_seen_read(int fd, const char *set, BwNftSeen seen, gpointer user, GError **error) {
        g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(Seen));
        g_autofree char *what = g_strdup_printf("set %s of nftables table " BW_NFT_TABLE, set);
        Reader reader = { fd, set, rows };

        if (!bw_nftables_read_whole(read_rows, &reader, what, error))
                return false;
        for (guint i = 0; i < rows->len; i++) {
                const Seen *row = &g_array_index(rows, Seen, i);

                seen(row->port, row->count, user);
        }
        return true;
}
