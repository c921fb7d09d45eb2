/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Messages this machine's kernel may not be able to make: of links, forwarding entries and
 * addresses, and each cut anywhere.
 */

#include <bw/netlink_decode.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

typedef struct nl_msg Message;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, nlmsg_free)

static Message *new_link_message(int type, uint8_t family) {
        const struct ifinfomsg header = { .ifi_family = family,
                                          .ifi_index = 7,
                                          .ifi_flags = IFF_UP };
        Message *message = nlmsg_alloc_simple(type, 0);

        g_assert_cmpint(nlmsg_append(message, (void *) &header, sizeof(header), NLMSG_ALIGNTO), ==,
                        0);
        g_assert_cmpint(nla_put_string(message, IFLA_IFNAME, "eth7"), ==, 0);
        g_assert_cmpint(nla_put_u32(message, IFLA_MASTER, 5), ==, 0);
        return message;
}

static void put_kinds(Message *message, const char *kind, const char *slave_kind) {
        struct nlattr *more = nla_nest_start(message, IFLA_LINKINFO);

        g_assert_cmpint(nla_put_string(message, IFLA_INFO_KIND, kind), ==, 0);
        g_assert_cmpint(nla_put_string(message, IFLA_INFO_SLAVE_KIND, slave_kind), ==, 0);
        nla_nest_end(message, more);
}

static bool decode(Message *message, BwFact *ret) {
        struct nlmsghdr *header = nlmsg_hdr(message);

        return bw_netlink_decode(header, header->nlmsg_len, ret);
}

static void test_decode_masters(void) {
        static const struct {
                const char *slave_kind;
                int master;
        } rows[] = { { "bridge", 5 },  { "bond", 0 },  { "vrf", 0 },
                     { "bridge2", 0 }, { "bridg", 0 }, { "", 0 } };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Message) message = new_link_message(RTM_NEWLINK, AF_UNSPEC);
                BwFact fact;

                put_kinds(message, "tun", rows[i].slave_kind);
                g_assert_true(decode(message, &fact));
                g_assert_cmpint(fact.kind, ==, BW_FACT_LINK);
                g_assert_cmpint(fact.link.kind, ==, BW_LINK_TAP);
                g_assert_cmpint(fact.link.master, ==, rows[i].master);
        }
}

static void test_decode_families(void) {
        g_autoptr(Message) plain = new_link_message(RTM_DELLINK, AF_UNSPEC);
        g_autoptr(Message) left = new_link_message(RTM_DELLINK, AF_BRIDGE);
        g_autoptr(Message) port = new_link_message(RTM_NEWLINK, AF_BRIDGE);
        BwFact fact;

        g_assert_true(decode(plain, &fact));
        g_assert_cmpint(fact.kind, ==, BW_FACT_LINK_GONE);
        g_assert_cmpint(fact.link.ifindex, ==, 7);
        g_assert_false(decode(left, &fact));
        g_assert_false(decode(port, &fact));
}

static Message *new_fdb_message(uint8_t flags, uint16_t vlan) {
        const struct ndmsg header = { .ndm_family = AF_BRIDGE,
                                      .ndm_ifindex = 7,
                                      .ndm_flags = flags };
        const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
        Message *message = nlmsg_alloc_simple(RTM_NEWNEIGH, 0);

        g_assert_cmpint(nlmsg_append(message, (void *) &header, sizeof(header), NLMSG_ALIGNTO), ==,
                        0);
        g_assert_cmpint(nla_put(message, NDA_LLADDR, sizeof(mac), mac), ==, 0);
        g_assert_cmpint(nla_put_u32(message, NDA_MASTER, 5), ==, 0);
        if (vlan > 0)
                g_assert_cmpint(nla_put_u16(message, NDA_VLAN, vlan), ==, 0);
        return message;
}

static void test_decode_fdb(void) {
        g_autoptr(Message) plain = new_fdb_message(0, 0);
        g_autoptr(Message) tagged = new_fdb_message(NTF_EXT_LEARNED, 4094);
        g_autoptr(Message) self = new_fdb_message(NTF_SELF, 0);
        BwFact fact;

        g_assert_true(decode(plain, &fact));
        g_assert_cmpint(fact.kind, ==, BW_FACT_FDB);
        g_assert_cmpint(fact.fdb.bridge, ==, 5);
        g_assert_cmpint(fact.fdb.port, ==, 7);
        g_assert_cmpuint(fact.fdb.vlan, ==, 0);
        g_assert_true(decode(tagged, &fact));
        g_assert_cmpuint(fact.fdb.vlan, ==, 4094);
        /* A bridge device that is itself a port would name its master here too. */
        g_assert_false(decode(self, &fact));
}

/* A message cut anywhere, whatever its header claims, is never read beyond its end; ASan watches.
 */
static void test_decode_cut(void) {
        g_autoptr(Message) message = new_link_message(RTM_NEWLINK, AF_UNSPEC);
        struct nlmsghdr *header = nlmsg_hdr(message);
        unsigned decoded = 0;

        put_kinds(message, "bridge", "bridge");
        for (uint32_t length = 0; length < header->nlmsg_len; length++) {
                g_autofree struct nlmsghdr *copy = g_memdup2(header, length);
                BwFact fact;

                g_assert_false(bw_netlink_decode(copy, length, &fact));
                if (length < sizeof(*copy))
                        continue;
                copy->nlmsg_len = length;
                decoded += bw_netlink_decode(copy, length, &fact);
        }
        /* The name stands first: with it, what is left is a link. */
        g_assert_cmpuint(decoded, >, 0);
}

typedef struct AddressRow {
        uint8_t family, prefix_length;
        unsigned ifindex;
        uint8_t local_size, address_size; /* bytes of each attribute; 0: none */
        uint8_t address_last;             /* the last octet of IFA_ADDRESS; IFA_LOCAL's is 7 */
        const char *wanted;               /* NULL: no fact */
} AddressRow;

static void put_address(Message *message, int type, uint8_t size, uint8_t last) {
        uint8_t bytes[32] = { 192, 0, 2, 7 };

        if (size == 0)
                return;
        if (size > 4)
                memcpy(bytes, (uint8_t[4]){ 0x20, 0x01 }, 4);
        bytes[size - 1] = last;
        g_assert_cmpint(nla_put(message, type, size, bytes), ==, 0);
}

static Message *new_address_message(int type, const AddressRow *row) {
        const struct ifaddrmsg header = { .ifa_family = row->family,
                                          .ifa_prefixlen = row->prefix_length,
                                          .ifa_index = row->ifindex };
        Message *message = nlmsg_alloc_simple(type, 0);

        g_assert_cmpint(nlmsg_append(message, (void *) &header, sizeof(header), NLMSG_ALIGNTO), ==,
                        0);
        put_address(message, IFA_ADDRESS, row->address_size, row->address_last);
        put_address(message, IFA_LOCAL, row->local_size, 7);
        return message;
}

static char *print_host_address(const BwHostAddress *address) {
        g_autofree char *text = bw_prefix_print(&address->address);

        return g_strdup_printf("%d %s/%u", address->ifindex, text, address->prefix_length);
}

static void check_address(const AddressRow *row, int type, BwFactKind kind) {
        g_autoptr(Message) message = new_address_message(type, row);
        g_autofree char *text = NULL;
        BwFact fact;

        if (!row->wanted) {
                g_assert_false(decode(message, &fact));
                return;
        }
        g_assert_true(decode(message, &fact));
        g_assert_cmpint(fact.kind, ==, kind);
        text = print_host_address(&fact.address);
        g_assert_cmpstr(text, ==, row->wanted);
}

static void test_decode_addresses(void) {
        static const AddressRow rows[] = {
                { AF_INET, 24, 7, 4, 4, 7, "7 192.0.2.7/24" },
                { AF_INET, 24, 7, 4, 0, 7, "7 192.0.2.7/24" },
                { AF_INET, 24, 7, 0, 4, 9, "7 192.0.2.9/24" },
                { AF_INET, 24, 7, 4, 4, 9, "7 192.0.2.7/32" }, /* 9 is a peer */
                { AF_INET, 0, 7, 4, 4, 7, "7 192.0.2.7/0" },
                { AF_INET, 32, 7, 4, 4, 7, "7 192.0.2.7/32" },
                { AF_INET, 33, 7, 4, 4, 7, NULL },
                { AF_INET, 255, 7, 4, 4, 9, NULL },
                { AF_INET, 24, 0, 4, 4, 7, NULL },
                { AF_INET, 24, 0x80000000, 4, 4, 7, NULL },
                { AF_INET, 24, 7, 0, 0, 7, NULL },
                { AF_INET, 24, 7, 3, 4, 7, NULL },
                { AF_INET, 24, 7, 16, 4, 7, NULL },
                { AF_INET, 24, 7, 0, 5, 7, NULL },
                { AF_INET, 24, 7, 4, 3, 7, "7 192.0.2.7/32" },
                { AF_INET6, 64, 7, 0, 16, 7, "7 2001::7/64" },
                { AF_INET6, 64, 7, 16, 16, 9, "7 2001::7/128" },
                { AF_INET6, 128, 7, 0, 16, 7, "7 2001::7/128" },
                { AF_INET6, 129, 7, 0, 16, 7, NULL },
                { AF_INET6, 64, 7, 0, 4, 7, NULL },
                { AF_UNSPEC, 24, 7, 4, 4, 7, NULL },
                { AF_BRIDGE, 24, 7, 4, 4, 7, NULL },
        };

        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
                check_address(&rows[i], RTM_NEWADDR, BW_FACT_ADDRESS);
                check_address(&rows[i], RTM_DELADDR, BW_FACT_ADDRESS_GONE);
        }
}

/* A dump names what is still being probed for; that it is ours then comes as news. */
static void test_decode_tentative_address(void) {
        const AddressRow row = { AF_INET6, 64, 7, 0, 16, 7, NULL };
        g_autoptr(Message) by_header = new_address_message(RTM_NEWADDR, &row);
        g_autoptr(Message) by_attribute = new_address_message(RTM_NEWADDR, &row);
        g_autoptr(Message) gone = new_address_message(RTM_DELADDR, &row);
        BwFact fact;

        g_assert_true(decode(by_header, &fact));
        ((struct ifaddrmsg *) nlmsg_data(nlmsg_hdr(by_header)))->ifa_flags = IFA_F_TENTATIVE;
        g_assert_false(decode(by_header, &fact));
        nla_put_u32(by_attribute, IFA_FLAGS, IFA_F_TENTATIVE | IFA_F_DADFAILED);
        g_assert_false(decode(by_attribute, &fact));
        ((struct ifaddrmsg *) nlmsg_data(nlmsg_hdr(gone)))->ifa_flags = IFA_F_TENTATIVE;
        g_assert_true(decode(gone, &fact));
}

static void test_decode_address_cut(void) {
        const AddressRow row = { AF_INET, 24, 7, 4, 4, 7, NULL };
        g_autoptr(Message) message = new_address_message(RTM_NEWADDR, &row);
        struct nlmsghdr *header = nlmsg_hdr(message);
        unsigned decoded = 0;

        for (uint32_t length = 0; length < header->nlmsg_len; length++) {
                g_autofree struct nlmsghdr *copy = g_memdup2(header, length);
                BwFact fact;

                g_assert_false(bw_netlink_decode(copy, length, &fact));
                if (length < sizeof(*copy))
                        continue;
                copy->nlmsg_len = length;
                decoded += bw_netlink_decode(copy, length, &fact);
        }
        /* Either attribute is enough. */
        g_assert_cmpuint(decoded, >, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/netlink_message/masters", test_decode_masters);
        g_test_add_func("/netlink_message/families", test_decode_families);
        g_test_add_func("/netlink_message/fdb", test_decode_fdb);
        g_test_add_func("/netlink_message/cut", test_decode_cut);
        g_test_add_func("/netlink_message/addresses", test_decode_addresses);
        g_test_add_func("/netlink_message/tentative-address", test_decode_tentative_address);
        g_test_add_func("/netlink_message/address-cut", test_decode_address_cut);
        return g_test_run();
}
