/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Questions to a made-up kernel, at the other end of a pair of sockets, which has all its answers
 * ready: how they end, and what becomes of those that changes of others' have interrupted. */

#include "nftables_dump.h"
#include "nftables_seen.h"

#include <bw/error.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef GByteArray Bytes;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bytes, g_byte_array_unref)

/* Datagrams */

static void put(Bytes *bytes, gconstpointer more, gsize length) {
        static const uint8_t zero[4];

        g_byte_array_append(bytes, more, (guint) length);
        g_byte_array_append(bytes, zero, (guint) (NLMSG_ALIGN(length) - length));
}

static void put_attribute(Bytes *bytes, uint16_t type, gconstpointer value, gsize length) {
        const struct nlattr header = { .nla_len = (uint16_t) (NLA_HDRLEN + length),
                                       .nla_type = type };

        put(bytes, &header, sizeof(header));
        put(bytes, value, length);
}

static void put_nest(Bytes *bytes, uint16_t type, const Bytes *nested) {
        put_attribute(bytes, type, nested->data, nested->len);
}

static void put_message(Bytes *bytes, unsigned type, unsigned flags, gconstpointer body,
                        gsize length) {
        const struct nlmsghdr header = { .nlmsg_len = (uint32_t) (sizeof(header) + length),
                                         .nlmsg_type = (uint16_t) type,
                                         .nlmsg_flags = (uint16_t) flags };

        put(bytes, &header, sizeof(header));
        put(bytes, body, length);
}

static void put_end(Bytes *bytes, unsigned type, unsigned flags, int result) {
        put_message(bytes, type, flags, &result, sizeof(result));
}

static Bytes *expression_new(uint64_t packets) {
        g_autoptr(Bytes) numbers = g_byte_array_new();
        Bytes *expression = g_byte_array_new();

        packets = GUINT64_TO_BE(packets);
        put_attribute(numbers, NFTA_COUNTER_PACKETS, &packets, sizeof(packets));
        put_attribute(expression, NFTA_EXPR_NAME, "counter", sizeof("counter"));
        put_nest(expression, NFTA_EXPR_DATA, numbers);
        return expression;
}

/* An element of a set: a port and its count. */
static void put_element(Bytes *bytes, unsigned flags, const char *port, uint64_t packets) {
        const struct nfgenmsg family = { .nfgen_family = NFPROTO_BRIDGE };
        g_autoptr(Bytes) key = g_byte_array_new(), element = g_byte_array_new();
        g_autoptr(Bytes) list = g_byte_array_new(), body = g_byte_array_new();
        g_autoptr(Bytes) expression = expression_new(packets);
        char name[16] = { 0 };

        memcpy(name, port, MIN(strlen(port), sizeof(name) - 1));
        put_attribute(key, NFTA_DATA_VALUE, name, sizeof(name));
        put_nest(element, NFTA_SET_ELEM_KEY, key);
        put_nest(element, NFTA_SET_ELEM_EXPR, expression);
        put_nest(list, NFTA_LIST_ELEM, element);
        put(body, &family, sizeof(family));
        put_nest(body, NFTA_SET_ELEM_LIST_ELEMENTS, list);
        put_message(bytes, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, flags, body->data,
                    body->len);
}

/* The kernel */

typedef struct Fixture {
        int ours, kernels;
        Bytes *bytes; /* the next datagram */
} Fixture;

static void set_up(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        int pair[2];

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
        fixture->ours = pair[0];
        fixture->kernels = pair[1];
        fixture->bytes = g_byte_array_new();
}

static void tear_down(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        close(fixture->ours);
        close(fixture->kernels);
        g_byte_array_unref(fixture->bytes);
}

static void send_datagram(Fixture *fixture) {
        g_assert_cmpint(send(fixture->kernels, fixture->bytes->data, fixture->bytes->len, 0), ==,
                        fixture->bytes->len);
        g_byte_array_set_size(fixture->bytes, 0);
}

/* An answer of one port's, in two datagrams. */
static void send_answer(Fixture *fixture, unsigned flags, uint64_t packets) {
        put_element(fixture->bytes, flags, "vk63", packets);
        send_datagram(fixture);
        put_end(fixture->bytes, NLMSG_DONE, 0, 0);
        send_datagram(fixture);
}

static unsigned count_requests(Fixture *fixture) {
        char request[4096];
        unsigned n = 0;

        while (recv(fixture->kernels, request, sizeof(request), MSG_DONTWAIT) > 0)
                n++;
        return n;
}

/* Dumps */

static const BwNftablesQuestion question = {
        .type = NFT_MSG_GETSETELEM,
        .family = NFPROTO_BRIDGE,
        .names = { { NFTA_SET_ELEM_LIST_TABLE, "t" }, { NFTA_SET_ELEM_LIST_SET, "set" } },
};

typedef struct Reader {
        unsigned datagrams;
        bool refuses;
} Reader;

static bool on_datagram(const void *datagram G_GNUC_UNUSED, gsize length, gpointer user) {
        Reader *reader = user;

        g_assert_cmpuint(length, >, 0);
        reader->datagrams++;
        return !reader->refuses;
}

static int dump(Fixture *fixture, Reader *reader, bool *ret_interrupted) {
        return bw_nftables_dump(fixture->ours, &question, on_datagram, reader, ret_interrupted);
}

static void test_request(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        static const uint8_t attributes[] = "\6\0\1\0t\0\0\0\10\0\2\0set";
        struct {
                struct nlmsghdr header;
                struct nfgenmsg family;
                uint8_t attributes[1024];
        } request;
        Reader reader = {};
        bool interrupted = true;

        send_answer(fixture, 0, 1);
        g_assert_cmpint(dump(fixture, &reader, &interrupted), ==, 0);
        g_assert_false(interrupted);
        g_assert_cmpuint(reader.datagrams, ==, 2);
        g_assert_cmpint(recv(fixture->kernels, &request, sizeof(request), MSG_DONTWAIT), ==,
                        sizeof(request.header) + sizeof(request.family) + sizeof(attributes));
        g_assert_cmpuint(request.header.nlmsg_len, ==,
                         sizeof(request.header) + sizeof(request.family) + sizeof(attributes));
        g_assert_cmpuint(request.header.nlmsg_type, ==,
                         NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM);
        g_assert_cmphex(request.header.nlmsg_flags, ==, NLM_F_REQUEST | NLM_F_DUMP);
        g_assert_cmpuint(request.family.nfgen_family, ==, NFPROTO_BRIDGE);
        if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
                g_assert_cmpmem(request.attributes, sizeof(attributes), attributes,
                                sizeof(attributes));
}

/* The end may stand behind the last of what was asked for; nothing is read behind it. */
static void test_end_in_last(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        Reader reader = {};
        bool interrupted;

        put_element(fixture->bytes, NLM_F_DUMP_INTR, "vk63", 1);
        put_end(fixture->bytes, NLMSG_DONE, 0, 0);
        put_end(fixture->bytes, NLMSG_ERROR, 0, -EPERM);
        send_datagram(fixture);
        send_answer(fixture, 0, 1);
        g_assert_cmpint(dump(fixture, &reader, &interrupted), ==, 0);
        g_assert_true(interrupted);
        g_assert_cmpuint(reader.datagrams, ==, 1);
        g_assert_cmpint(dump(fixture, &reader, &interrupted), ==, 0);
        g_assert_false(interrupted);
        g_assert_cmpuint(reader.datagrams, ==, 3);
}

static void test_refusals(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        Reader reader = {};
        bool interrupted;

        put_end(fixture->bytes, NLMSG_ERROR, 0, -ENOENT);
        send_datagram(fixture);
        g_assert_cmpint(dump(fixture, &reader, &interrupted), ==, ENOENT);
        put_end(fixture->bytes, NLMSG_DONE, 0, -EINTR);
        send_datagram(fixture);
        g_assert_cmpint(dump(fixture, &reader, &interrupted), ==, EINTR);
        /* No answer at all: nobody waits. */
        g_assert_cmpint(dump(fixture, &reader, &interrupted), ==, EAGAIN);
}

static void test_unreadable(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        Reader reader = {}, refusing = { .refuses = true };
        bool interrupted;

        put_message(fixture->bytes, NLMSG_DONE, 0, "", 1);
        send_datagram(fixture);
        g_assert_cmpint(dump(fixture, &reader, &interrupted), ==, EBADMSG);
        put_end(fixture->bytes, NLMSG_DONE, 0, 0);
        send_datagram(fixture);
        g_assert_cmpint(dump(fixture, &refusing, &interrupted), ==, EBADMSG);
        g_byte_array_set_size(fixture->bytes, 65536 + 4);
        memset(fixture->bytes->data, 0, fixture->bytes->len);
        send_datagram(fixture);
        g_assert_cmpint(dump(fixture, &reader, &interrupted), ==, EMSGSIZE);
        g_assert_cmpuint(reader.datagrams, ==, 1);
}

static void test_long_names(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        g_autofree char *name = g_strnfill(NFT_NAME_MAXLEN, 'x');
        BwNftablesQuestion longest = question;
        Reader reader = {};
        bool interrupted;

        longest.names[0].text = longest.names[1].text = name;
        g_assert_cmpint(
                bw_nftables_dump(fixture->ours, &longest, on_datagram, &reader, &interrupted), ==,
                ENAMETOOLONG);
        g_assert_cmpuint(count_requests(fixture), ==, 0);
        name[NFT_NAME_MAXLEN - 1] = '\0';
        send_answer(fixture, 0, 1);
        g_assert_cmpint(
                bw_nftables_dump(fixture->ours, &longest, on_datagram, &reader, &interrupted), ==,
                0);
        g_assert_cmpuint(count_requests(fixture), ==, 1);
}

/* Counts */

static void on_seen(const char *port, BwNftCount count, gpointer user) {
        g_string_append_printf(user, "%s %" G_GUINT64_FORMAT "; ", port, count.packets);
}

/* Nothing is told of an answer with holes in it. */
static void test_interrupted(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(GError) error = NULL;

        send_answer(fixture, NLM_F_DUMP_INTR, 1);
        send_answer(fixture, NLM_F_DUMP_INTR, 2);
        send_answer(fixture, 0, 3);
        g_assert_true(bw_nftables_seen_read(fixture->ours, "set", on_seen, told, &error));
        g_assert_no_error(error);
        g_assert_cmpstr(told->str, ==, "vk63 3; ");
        g_assert_cmpuint(count_requests(fixture), ==, 3);
}

static void test_interrupted_always(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        g_autoptr(GString) told = g_string_new(NULL);
        g_autoptr(GError) error = NULL;

        for (unsigned i = 0; i < 3; i++)
                send_answer(fixture, NLM_F_DUMP_INTR, i);
        g_assert_false(bw_nftables_seen_read(fixture->ours, "set", on_seen, told, &error));
        g_assert_error(error, BW_ERROR, BW_ERROR_BUSY);
        g_assert_cmpstr(told->str, ==, "");
        g_assert_cmpuint(count_requests(fixture), ==, 3);
}

typedef struct Attempts {
        unsigned made, torn;
        bool fails;
} Attempts;

static BwNftablesReading attempt(gpointer user, GError **error) {
        Attempts *attempts = user;

        if (++attempts->made <= attempts->torn)
                return BW_NFTABLES_TORN;
        if (!attempts->fails)
                return BW_NFTABLES_READ;
        g_set_error(error, BW_ERROR, BW_ERROR_DENIED, "made up");
        return BW_NFTABLES_FAILED;
}

/* What is torn is read again, what fails is not. */
static void test_read_whole(Fixture *fixture G_GNUC_UNUSED, gconstpointer unused G_GNUC_UNUSED) {
        g_autoptr(GError) denied = NULL, busy = NULL;
        Attempts whole = { .torn = 2 }, failing = { .torn = 1, .fails = true };
        Attempts torn = { .torn = G_MAXUINT };

        g_assert_true(bw_nftables_read_whole(attempt, &whole, "it", NULL));
        g_assert_cmpuint(whole.made, ==, 3);
        g_assert_false(bw_nftables_read_whole(attempt, &failing, "it", &denied));
        g_assert_error(denied, BW_ERROR, BW_ERROR_DENIED);
        g_assert_cmpuint(failing.made, ==, 2);
        g_assert_false(bw_nftables_read_whole(attempt, &torn, "it", &busy));
        g_assert_error(busy, BW_ERROR, BW_ERROR_BUSY);
        g_assert_cmpstr(busy->message, ==, "read it: others keep changing rules");
        g_assert_cmpuint(torn.made, ==, 3);
}

static void test_errors(Fixture *fixture, gconstpointer unused G_GNUC_UNUSED) {
        static const struct {
                int refusal;
                BwError code;
        } rows[] = { { ENOENT, BW_ERROR_ABSENT },
                     { EOPNOTSUPP, BW_ERROR_ABSENT },
                     { EPERM, BW_ERROR_DENIED },
                     { ENOMEM, BW_ERROR_BROKEN } };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GString) told = g_string_new(NULL);
                g_autoptr(GError) error = NULL;

                put_element(fixture->bytes, 0, "vk63", 1);
                put_end(fixture->bytes, NLMSG_DONE, 0, -rows[i].refusal);
                send_datagram(fixture);
                g_assert_false(bw_nftables_seen_read(fixture->ours, "set", on_seen, told, &error));
                g_assert_error(error, BW_ERROR, (int) rows[i].code);
                g_assert_nonnull(strstr(error->message, "read set set of nftables table"));
                g_assert_cmpstr(told->str, ==, "");
        }
}

static void add(const char *name, void (*test)(Fixture *fixture, gconstpointer unused)) {
        g_test_add(name, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        add("/nftables_dump/request", test_request);
        add("/nftables_dump/end-in-last", test_end_in_last);
        add("/nftables_dump/refusals", test_refusals);
        add("/nftables_dump/unreadable", test_unreadable);
        add("/nftables_dump/long-names", test_long_names);
        add("/nftables_dump/read-whole", test_read_whole);
        add("/nftables_seen/interrupted", test_interrupted);
        add("/nftables_seen/interrupted-always", test_interrupted_always);
        add("/nftables_seen/errors", test_errors);
        return g_test_run();
}
