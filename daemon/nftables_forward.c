/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nftables_forward.h"

#include <bw/error.h>
#include <bw/nft_forward.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nftables_generation.h"

/* Others may be in the middle of something; so often at once is no accident. */
#define MOST_TRIES 3

typedef union Answer {
        struct nlmsghdr header;
        uint8_t bytes[65536]; /* the kernel's are half of it */
} Answer;

typedef struct Request {
        struct nlmsghdr header;
        struct nfgenmsg family;
        uint8_t attributes[2 * (NLA_HDRLEN + NLA_ALIGN(NFT_NAME_MAXLEN))];
} Request;

struct BwNftForward {
        int socket;        /* -1 until first needed */
        GPtrArray *tables; /* BwForwardTable *: what there was at @generation; NULL: not known */
        uint32_t generation;
        Answer answer;
};

BwNftForward *bw_nftables_forward_new(void) {
        BwNftForward *forward = g_new0(BwNftForward, 1);

        forward->socket = -1;
        return forward;
}

void bw_nftables_forward_free(BwNftForward *forward) {
        if (!forward)
                return;
        if (forward->socket >= 0)
                (void) close(forward->socket);
        g_clear_pointer(&forward->tables, g_ptr_array_unref);
        g_free(forward);
}

static bool fail(GError **error, int err) {
        BwError reaction = BW_ERROR_BROKEN;

        if (err == EPERM || err == EACCES)
                reaction = BW_ERROR_DENIED;
        /* What was told a moment ago is there no more. */
        if (err == ENOENT)
                reaction = BW_ERROR_BUSY;
        g_set_error(error, BW_ERROR, reaction, "read the FORWARD rules of nftables: %s",
                    g_strerror(err));
        return false;
}

/* Asking */

static void add_text(Request *request, uint16_t type, const char *text) {
        gsize length = strlen(text) + 1;
        struct nlattr header = { .nla_len = (uint16_t) (NLA_HDRLEN + length), .nla_type = type };
        uint8_t *at = (uint8_t *) request + request->header.nlmsg_len;

        memcpy(at, &header, sizeof(header));
        memcpy(at + NLA_HDRLEN, text, length);
        request->header.nlmsg_len += (uint32_t) NLA_ALIGN(NLA_HDRLEN + length);
}

static Request begin_request(unsigned type, uint8_t family) {
        return (Request){
                .header = { .nlmsg_len = offsetof(Request, attributes),
                            .nlmsg_type = (uint16_t) (NFNL_SUBSYS_NFTABLES << 8 | type),
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .family = { .nfgen_family = family, .version = NFNETLINK_V0 },
        };
}

typedef enum Reading {
        READING_MORE,
        READING_DONE,
        READING_FAILED,
} Reading;

static Reading read_end(const struct nlmsghdr *header, GError **error) {
        const struct nlmsgerr *refusal = NLMSG_DATA(header);

        if (header->nlmsg_len < NLMSG_LENGTH(sizeof(int)))
                return READING_DONE;
        /* The end of a dump has a number, too, in the same place. */
        if (refusal->error == 0)
                return READING_DONE;
        fail(error, -refusal->error);
        return READING_FAILED;
}

/* The end may stand behind the last of what was asked for. */
static Reading read_answer(BwNftForward *forward, GPtrArray *tables, gsize length, GError **error) {
        gsize rest = length;

        if (!bw_nft_forward_read(tables, forward->answer.bytes, length)) {
                fail(error, EBADMSG);
                return READING_FAILED;
        }
        for (const struct nlmsghdr *header = &forward->answer.header; NLMSG_OK(header, rest);
             header = NLMSG_NEXT(header, rest))
                if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
                        return read_end(header, error);
        return READING_MORE;
}

static Reading read_datagram(BwNftForward *forward, GPtrArray *tables, GError **error) {
        struct sockaddr_nl sender = {};
        socklen_t size = sizeof(sender);
        ssize_t length = recvfrom(forward->socket, &forward->answer, sizeof(forward->answer),
                                  MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *) &sender, &size);

        if (length < 0 || (gsize) length > sizeof(forward->answer)) {
                fail(error, length < 0 ? errno : EMSGSIZE);
                return READING_FAILED;
        }
        if (sender.nl_pid != 0)
                return READING_MORE;
        return read_answer(forward, tables, (gsize) length, error);
}

/* The kernel goes on with its answer within each call that reads, so there is nothing to wait for.
 */
static bool ask(BwNftForward *forward, GPtrArray *tables, const Request *request, GError **error) {
        Reading reading = READING_MORE;

        if (send(forward->socket, request, request->header.nlmsg_len, 0) < 0)
                return fail(error, errno);
        while (reading == READING_MORE)
                reading = read_datagram(forward, tables, error);
        return reading == READING_DONE;
}

/* What is asked for */

static bool ask_family(BwNftForward *forward, GPtrArray *tables, unsigned type, GError **error) {
        static const uint8_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET };

        for (gsize i = 0; i < G_N_ELEMENTS(families); i++) {
                Request request = begin_request(type, families[i]);

                if (!ask(forward, tables, &request, error))
                        return false;
        }
        return true;
}

G_STATIC_ASSERT((int) NFTA_RULE_TABLE == (int) NFTA_SET_TABLE);

static bool ask_table(BwNftForward *forward, GPtrArray *tables, const BwForwardTable *table,
                      unsigned type, GError **error) {
        Request request = begin_request(type, bw_nft_forward_family(table));

        add_text(&request, NFTA_RULE_TABLE, table->name);
        return ask(forward, tables, &request, error);
}

static bool ask_elements(BwNftForward *forward, GPtrArray *tables, const BwForwardTable *table,
                         GError **error) {
        GHashTableIter iter;
        gpointer name, set;

        g_hash_table_iter_init(&iter, table->sets);
        while (g_hash_table_iter_next(&iter, &name, &set)) {
                Request request = begin_request(NFT_MSG_GETSETELEM, bw_nft_forward_family(table));

                if (((const BwForwardSet *) set)->is_foreign)
                        continue;
                add_text(&request, NFTA_SET_ELEM_LIST_TABLE, table->name);
                add_text(&request, NFTA_SET_ELEM_LIST_SET, name);
                if (!ask(forward, tables, &request, error))
                        return false;
        }
        return true;
}

static bool ask_rules(BwNftForward *forward, GPtrArray *tables, const BwForwardTable *table,
                      GError **error) {
        if (!ask_table(forward, tables, table, NFT_MSG_GETRULE, error))
                return false;
        if (g_hash_table_size(table->sets) == 0)
                return true;
        return ask_table(forward, tables, table, NFT_MSG_GETSET, error) &&
               ask_elements(forward, tables, table, error);
}

static void free_table(gpointer table) {
        bw_forward_table_free(table);
}

/* (transfer full) */
static GPtrArray *read_tables(BwNftForward *forward, GError **error) {
        g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(free_table);

        if (!ask_family(forward, tables, NFT_MSG_GETTABLE, error) ||
            !ask_family(forward, tables, NFT_MSG_GETCHAIN, error))
                return NULL;
        bw_nft_forward_keep_entered(tables);
        for (guint i = 0; i < tables->len; i++)
                if (!ask_rules(forward, tables, tables->pdata[i], error))
                        return NULL;
        return g_steal_pointer(&tables);
}

/* Reading */

/* NULL without an error: others were in between. */
static GPtrArray *try_to_read(BwNftForward *forward, uint32_t generation, GError **error) {
        g_autoptr(GError) trouble = NULL;
        g_autoptr(GPtrArray) tables = read_tables(forward, &trouble);
        uint32_t after;

        if (!tables && !g_error_matches(trouble, BW_ERROR, BW_ERROR_BUSY)) {
                g_propagate_error(error, g_steal_pointer(&trouble));
                return NULL;
        }
        if (!bw_nftables_generation_read(forward->socket, &after, error) || after != generation)
                return NULL;
        return g_steal_pointer(&tables);
}

/* As long as others keep changing rules, what was found last stays. */
static bool look(BwNftForward *forward, GError **error) {
        for (unsigned i = 0; i < MOST_TRIES; i++) {
                g_autoptr(GError) trouble = NULL;
                g_autoptr(GPtrArray) found = NULL;
                uint32_t generation;

                if (!bw_nftables_generation_read(forward->socket, &generation, error))
                        return false;
                if (forward->tables && generation == forward->generation)
                        return true;
                found = try_to_read(forward, generation, &trouble);
                if (trouble) {
                        g_propagate_error(error, g_steal_pointer(&trouble));
                        return false;
                }
                if (!found)
                        continue;
                g_clear_pointer(&forward->tables, g_ptr_array_unref);
                forward->tables = g_steal_pointer(&found);
                forward->generation = generation;
                return true;
        }
        if (forward->tables)
                return true;
        g_set_error(error, BW_ERROR, BW_ERROR_BUSY,
                    "read the FORWARD rules of nftables: others keep changing rules");
        return false;
}

const GPtrArray *bw_nftables_forward_read(BwNftForward *forward, GError **error) {
        if (forward->socket < 0)
                forward->socket = bw_nftables_generation_open(error);
        if (forward->socket < 0)
                return NULL;
        if (look(forward, error))
                return forward->tables;
        /* An answer that was not read to its end would be taken for the next one's. */
        g_clear_pointer(&forward->tables, g_ptr_array_unref);
        (void) close(forward->socket);
        forward->socket = -1;
        return NULL;
}
