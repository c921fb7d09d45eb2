/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/netlink_decode.h>

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>
#include <sys/socket.h>

/* What follows the netlink header: a fixed part of the message type's own, then attributes. */
typedef struct Body {
        uint16_t type;
        const uint8_t *bytes;
        gsize length;
} Body;

/* Attributes of another size than the kernel's count as missing: no length here is believed. */

static uint8_t u8_of(const struct nlattr *attribute) {
        return attribute && nla_len(attribute) == sizeof(uint8_t) ? nla_get_u8(attribute) : 0;
}

static uint16_t u16_of(const struct nlattr *attribute) {
        return attribute && nla_len(attribute) == sizeof(uint16_t) ? nla_get_u16(attribute) : 0;
}

static uint32_t u32_of(const struct nlattr *attribute) {
        return attribute && nla_len(attribute) == sizeof(uint32_t) ? nla_get_u32(attribute) : 0;
}

/* 0 when missing or absurd. */
static int ifindex_of(const struct nlattr *attribute) {
        uint32_t ifindex = u32_of(attribute);

        return ifindex <= G_MAXINT ? (int) ifindex : 0;
}

static bool read_mac(const struct nlattr *attribute, BwMac *ret) {
        if (!attribute || nla_len(attribute) != sizeof(ret->octet))
                return false;
        memcpy(ret->octet, nla_data(attribute), sizeof(ret->octet));
        return true;
}

/* Whether the attribute's text, with or without its NUL, is @word. */
static bool is_word(const struct nlattr *attribute, const char *word) {
        gsize length = strlen(word);

        if (!attribute || (gsize) nla_len(attribute) < length || nla_len(attribute) > 64)
                return false;
        return strnlen(nla_data(attribute), nla_len(attribute)) == length &&
               memcmp(nla_data(attribute), word, length) == 0;
}

static bool read_name(const struct nlattr *attribute, char ret[static BW_IFNAME_SIZE]) {
        gsize length;

        if (!attribute)
                return false;
        length = strnlen(nla_data(attribute), nla_len(attribute));
        if (length == 0 || length >= BW_IFNAME_SIZE)
                return false;
        memset(ret, 0, BW_IFNAME_SIZE);
        memcpy(ret, nla_data(attribute), length);
        return true;
}

static bool read_address(const struct nlattr *attribute, uint8_t family, BwPrefix *ret) {
        int length = family == AF_INET ? 4 : 16;

        if (!attribute || nla_len(attribute) != length)
                return false;
        *ret = bw_prefix_from_address(family == AF_INET ? BW_FAMILY_IPV4 : BW_FAMILY_IPV6,
                                      nla_data(attribute));
        return true;
}

/* Fills @ret, of @max + 1 entries, with the attributes behind the first @fixed bytes. */
static bool split(const Body *body, gsize fixed, struct nlattr **ret, int max) {
        gsize skip = NLMSG_ALIGN(fixed);

        if (body->length <= skip) {
                memset(ret, 0, sizeof(*ret) * (max + 1));
                return true;
        }
        return nla_parse(ret, max, (struct nlattr *) (body->bytes + skip), body->length - skip,
                         NULL) == 0;
}

static bool split_nested(const struct nlattr *attribute, struct nlattr **ret, int max) {
        memset(ret, 0, sizeof(*ret) * (max + 1));
        return !attribute || nla_parse_nested(ret, max, (struct nlattr *) attribute, NULL) == 0;
}

static BwLinkKind kind_of(const struct nlattr *attribute) {
        if (is_word(attribute, "bridge"))
                return BW_LINK_BRIDGE;
        if (is_word(attribute, "tun"))
                return BW_LINK_TAP;
        if (is_word(attribute, "veth"))
                return BW_LINK_VETH;
        if (is_word(attribute, "macvtap"))
                return BW_LINK_MACVTAP;
        return BW_LINK_OTHER;
}

static void read_kind(const struct nlattr *attribute, BwLink *link) {
        link->kind = kind_of(attribute);
        if (attribute)
                memcpy(link->kind_name, nla_data(attribute),
                       strnlen(nla_data(attribute),
                               MIN((gsize) nla_len(attribute), sizeof(link->kind_name) - 1)));
}

static bool stands_on_another(const struct nlattr *kind) {
        return is_word(kind, "vlan") || is_word(kind, "macvlan") || is_word(kind, "macvtap");
}

/* With a namespace's number the index counts there, and would name a wrong link here. */
static void read_other_end(struct nlattr *const *attributes, const struct nlattr *kind,
                           BwLink *link) {
        const struct nlattr *elsewhere = attributes[IFLA_LINK_NETNSID];
        uint32_t number = u32_of(elsewhere);

        if (link->kind == BW_LINK_VETH && !elsewhere)
                link->peer = ifindex_of(attributes[IFLA_LINK]);
        else if (link->kind == BW_LINK_VETH && nla_len(elsewhere) == sizeof(number) &&
                 number < G_MAXINT)
                link->peer_namespace = (int) number + 1;
        else if (stands_on_another(kind) && !elsewhere)
                link->lower = ifindex_of(attributes[IFLA_LINK]);
}

static void read_xdp(const struct nlattr *attribute, BwLink *link) {
        struct nlattr *xdp[IFLA_XDP_MAX + 1];

        if (split_nested(attribute, xdp, IFLA_XDP_MAX))
                link->xdp = u8_of(xdp[IFLA_XDP_ATTACHED]) != XDP_ATTACHED_NONE;
}

static void read_port_flag(const struct nlattr *attribute, BwPortFlag flag, BwLink *link) {
        if (!attribute || nla_len(attribute) != sizeof(uint8_t))
                return;
        link->flags_known |= BW_FLAG_BIT(flag);
        if (nla_get_u8(attribute) != 0)
                link->flags |= BW_FLAG_BIT(flag);
}

static void read_port(const struct nlattr *attribute, BwLink *link) {
        struct nlattr *port[IFLA_BRPORT_MAX + 1];

        if (!split_nested(attribute, port, IFLA_BRPORT_MAX))
                return;
        if (u8_of(port[IFLA_BRPORT_STATE]) <= BR_STATE_BLOCKING)
                link->stp_state = u8_of(port[IFLA_BRPORT_STATE]);
        read_port_flag(port[IFLA_BRPORT_LEARNING], BW_FLAG_LEARNING, link);
        read_port_flag(port[IFLA_BRPORT_UNICAST_FLOOD], BW_FLAG_UNICAST_FLOOD, link);
        read_port_flag(port[IFLA_BRPORT_LOCKED], BW_FLAG_LOCKED, link);
        read_port_flag(port[IFLA_BRPORT_ISOLATED], BW_FLAG_ISOLATED, link);
        read_port_flag(port[IFLA_BRPORT_GUARD], BW_FLAG_BPDU_GUARD, link);
        read_port_flag(port[IFLA_BRPORT_MODE], BW_FLAG_HAIRPIN, link);
}

static void read_master(struct nlattr *const *attributes, struct nlattr *const *more,
                        BwLink *link) {
        link->openvswitch = is_word(more[IFLA_INFO_SLAVE_KIND], "openvswitch");
        if (!is_word(more[IFLA_INFO_SLAVE_KIND], "bridge"))
                return;
        link->master = ifindex_of(attributes[IFLA_MASTER]);
        if (link->master != 0)
                read_port(more[IFLA_INFO_SLAVE_DATA], link);
}

static void note_switch(BwLink *link, BwBridgeSwitch kind, bool known, bool on) {
        if (!known)
                return;
        link->switches_known |= BW_SWITCH_BIT(kind);
        if (on)
                link->switches |= BW_SWITCH_BIT(kind);
}

static void read_flag(const struct nlattr *attribute, BwBridgeSwitch kind, BwLink *link) {
        note_switch(link, kind, attribute && nla_len(attribute) == sizeof(uint8_t),
                    u8_of(attribute) != 0);
}

/* The mask names all options this kernel has. */
static void read_options(const struct nlattr *attribute, BwLink *link) {
        struct br_boolopt_multi options = {};

        if (attribute && nla_len(attribute) == sizeof(options))
                memcpy(&options, nla_data(attribute), sizeof(options));
        note_switch(link, BW_SWITCH_NO_LINKLOCAL_LEARN,
                    options.optmask & (1u << BR_BOOLOPT_NO_LL_LEARN),
                    options.optval & (1u << BR_BOOLOPT_NO_LL_LEARN));
}

static void read_bridge(const struct nlattr *attribute, BwLink *link) {
        struct nlattr *bridge[IFLA_BR_MAX + 1];

        if (!split_nested(attribute, bridge, IFLA_BR_MAX))
                return;
        read_flag(bridge[IFLA_BR_NF_CALL_IPTABLES], BW_SWITCH_NF_CALL_IPTABLES, link);
        read_flag(bridge[IFLA_BR_NF_CALL_IP6TABLES], BW_SWITCH_NF_CALL_IP6TABLES, link);
        read_options(bridge[IFLA_BR_MULTI_BOOLOPT], link);
        link->stp = u32_of(bridge[IFLA_BR_STP_STATE]) != 0;
        link->vlan_filtering = u8_of(bridge[IFLA_BR_VLAN_FILTERING]) != 0;
        link->ageing_centiseconds = u32_of(bridge[IFLA_BR_AGEING_TIME]);
        link->topology_change = link->stp && u8_of(bridge[IFLA_BR_TOPOLOGY_CHANGE]) != 0;
}

/* What cannot be read is left out; a link that has a name is a link all the same. */
static bool read_link(const struct ifinfomsg *header, struct nlattr *const *attributes,
                      BwLink *link) {
        struct nlattr *more[IFLA_INFO_MAX + 1];

        if (!read_name(attributes[IFLA_IFNAME], link->name))
                return false;
        (void) read_mac(attributes[IFLA_ADDRESS], &link->mac);
        link->up = header->ifi_flags & IFF_UP;
        link->running = header->ifi_flags & IFF_LOWER_UP;
        link->promiscuous = header->ifi_flags & IFF_PROMISC;
        link->promiscuity = u32_of(attributes[IFLA_PROMISCUITY]);
        read_xdp(attributes[IFLA_XDP], link);
        if (!split_nested(attributes[IFLA_LINKINFO], more, IFLA_INFO_MAX))
                return true;
        read_kind(more[IFLA_INFO_KIND], link);
        read_other_end(attributes, more[IFLA_INFO_KIND], link);
        read_master(attributes, more, link);
        if (link->kind == BW_LINK_BRIDGE)
                read_bridge(more[IFLA_INFO_DATA], link);
        return true;
}

/* The other end of a pair may stay behind, and there is no news of it: here is the last. */
static int peer_left(struct nlattr *const *attributes) {
        struct nlattr *more[IFLA_INFO_MAX + 1];

        if (attributes[IFLA_LINK_NETNSID] ||
            !split_nested(attributes[IFLA_LINKINFO], more, IFLA_INFO_MAX) ||
            !is_word(more[IFLA_INFO_KIND], "veth"))
                return 0;
        return ifindex_of(attributes[IFLA_LINK]);
}

static bool decode_link(const Body *body, BwFact *ret) {
        const struct ifinfomsg *header = (const struct ifinfomsg *) body->bytes;
        BwFact fact = { .kind = BW_FACT_LINK };
        struct nlattr *attributes[IFLA_MAX + 1];

        if (body->length < sizeof(*header) || header->ifi_index <= 0)
                return false;
        /* A bridge speaks of its ports in a family of its own: half of the attributes, and its
         * DELLINK only says that a port left. The plain message says all of it. */
        if (header->ifi_family != AF_UNSPEC)
                return false;
        fact.link.ifindex = header->ifi_index;
        if (!split(body, sizeof(*header), attributes, IFLA_MAX))
                memset(attributes, 0, sizeof(attributes));
        if (body->type == RTM_DELLINK) {
                fact.kind = BW_FACT_LINK_GONE;
                fact.link.peer = peer_left(attributes);
        } else if (!read_link(header, attributes, &fact.link))
                return false;
        *ret = fact;
        return true;
}

/* A device lists its own address filter in the same family (NTF_SELF): that is no forwarding. */
static bool decode_fdb(uint16_t type, const struct ndmsg *header, struct nlattr *const *attributes,
                       BwFact *ret) {
        BwFact fact = { .kind = type == RTM_DELNEIGH ? BW_FACT_FDB_GONE : BW_FACT_FDB };

        fact.fdb.port = header->ndm_ifindex;
        fact.fdb.bridge = ifindex_of(attributes[NDA_MASTER]);
        fact.fdb.vlan = u16_of(attributes[NDA_VLAN]);
        fact.fdb.local = header->ndm_state & NUD_PERMANENT;
        fact.fdb.fixed = header->ndm_state & NUD_NOARP;
        if ((header->ndm_flags & NTF_SELF) || fact.fdb.bridge == 0 ||
            !read_mac(attributes[NDA_LLADDR], &fact.fdb.mac))
                return false;
        *ret = fact;
        return true;
}

static bool is_reachable(uint16_t type, const struct ndmsg *header) {
        const unsigned usable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;

        return type == RTM_NEWNEIGH && (header->ndm_state & usable);
}

static bool decode_neighbour(uint16_t type, const struct ndmsg *header,
                             struct nlattr *const *attributes, BwFact *ret) {
        BwFact fact = { .kind = BW_FACT_NEIGHBOUR_GONE };

        /* A proxy entry is what this host answers for, not whom it found. */
        if (header->ndm_flags & NTF_PROXY)
                return false;
        fact.neighbour.ifindex = header->ndm_ifindex;
        if (!read_address(attributes[NDA_DST], header->ndm_family, &fact.neighbour.address))
                return false;
        if (is_reachable(type, header)) {
                if (!read_mac(attributes[NDA_LLADDR], &fact.neighbour.mac))
                        return false;
                fact.neighbour.permanent = header->ndm_state & NUD_PERMANENT;
                fact.kind = BW_FACT_NEIGHBOUR;
        }
        *ret = fact;
        return true;
}

static bool decode_neigh(const Body *body, BwFact *ret) {
        const struct ndmsg *header = (const struct ndmsg *) body->bytes;
        struct nlattr *attributes[NDA_MAX + 1];

        if (body->length < sizeof(*header) || header->ndm_ifindex <= 0)
                return false;
        if (!split(body, sizeof(*header), attributes, NDA_MAX))
                return false;
        if (header->ndm_family == AF_BRIDGE)
                return decode_fdb(body->type, header, attributes, ret);
        if (header->ndm_family == AF_INET || header->ndm_family == AF_INET6)
                return decode_neighbour(body->type, header, attributes, ret);
        return false;
}

/* Towards a peer the length is that of the peer's network, and the host itself is in none. */
static bool has_peer(struct nlattr *const *attributes, const BwPrefix *address) {
        const struct nlattr *other = attributes[IFA_ADDRESS];
        int length = address->length / 8;

        return other && (nla_len(other) != length ||
                         memcmp(nla_data(other), address->bytes, (gsize) length) != 0);
}

static bool read_host_address(const struct ifaddrmsg *header, struct nlattr *const *attributes,
                              BwHostAddress *ret) {
        const struct nlattr *own = attributes[IFA_LOCAL];

        if (!read_address(own ? own : attributes[IFA_ADDRESS], header->ifa_family, &ret->address) ||
            header->ifa_prefixlen > ret->address.length)
                return false;
        ret->ifindex = (int) header->ifa_index;
        ret->prefix_length =
                has_peer(attributes, &ret->address) ? ret->address.length : header->ifa_prefixlen;
        return true;
}

/* Until the kernel has made sure that nobody else has it, it is not the host's; the news comes when
 * it is. */
static bool is_tentative(const struct ifaddrmsg *header, struct nlattr *const *attributes) {
        return (header->ifa_flags | u32_of(attributes[IFA_FLAGS])) & IFA_F_TENTATIVE;
}

static bool decode_host_address(const Body *body, BwFact *ret) {
        const struct ifaddrmsg *header = (const struct ifaddrmsg *) body->bytes;
        BwFact fact = { .kind = body->type == RTM_DELADDR ? BW_FACT_ADDRESS_GONE
                                                          : BW_FACT_ADDRESS };
        struct nlattr *attributes[IFA_MAX + 1];

        if (body->length < sizeof(*header) || header->ifa_index == 0 ||
            header->ifa_index > G_MAXINT)
                return false;
        if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6)
                return false;
        if (!split(body, sizeof(*header), attributes, IFA_MAX) ||
            (body->type == RTM_NEWADDR && is_tentative(header, attributes)) ||
            !read_host_address(header, attributes, &fact.address))
                return false;
        *ret = fact;
        return true;
}

static bool open_body(const void *message, gsize length, Body *ret) {
        const struct nlmsghdr *header = message;

        if (length < NLMSG_HDRLEN || header->nlmsg_len < NLMSG_HDRLEN ||
            header->nlmsg_len > length || header->nlmsg_len > G_MAXINT)
                return false;
        ret->type = header->nlmsg_type;
        ret->bytes = (const uint8_t *) message + NLMSG_HDRLEN;
        ret->length = header->nlmsg_len - NLMSG_HDRLEN;
        return true;
}

bool bw_netlink_decode(const void *message, gsize length, BwFact *ret) {
        Body body;

        if (!open_body(message, length, &body))
                return false;
        if (body.type == RTM_NEWLINK || body.type == RTM_DELLINK)
                return decode_link(&body, ret);
        if (body.type == RTM_NEWNEIGH || body.type == RTM_DELNEIGH)
                return decode_neigh(&body, ret);
        if (body.type == RTM_NEWADDR || body.type == RTM_DELADDR)
                return decode_host_address(&body, ret);
        return false;
}

/* The end that is made first is told before the other is there; and an end that comes back from
 * another namespace, whole, is news of that end only. */
static int find_untold_end(const BwLink *link, bool is_new) {
        if (link->kind != BW_LINK_VETH || link->peer_namespace != 0)
                return 0;
        if (link->peer == 0)
                return link->ifindex;
        return is_new ? link->peer : 0;
}

int bw_netlink_decode_untold(const void *message, gsize length) {
        const struct ifinfomsg *header;
        BwFact fact;
        Body body;

        if (!open_body(message, length, &body) || body.length < sizeof(*header) ||
            (body.type != RTM_NEWLINK && body.type != RTM_DELLINK))
                return 0;
        header = (const struct ifinfomsg *) body.bytes;
        if (header->ifi_family == AF_BRIDGE && body.type == RTM_NEWLINK)
                return MAX(header->ifi_index, 0);
        if (!decode_link(&body, &fact))
                return 0;
        if (fact.kind == BW_FACT_LINK_GONE)
                return fact.link.peer;
        /* A change names the flags that changed; all of them is a link that has just come. */
        return find_untold_end(&fact.link, header->ifi_change == ~0u);
}
