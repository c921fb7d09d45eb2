/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A frame wished for
 *
 * What somebody wants explained: "a ping from this address to that", with all
 * that was not said filled in as an honest sender would. Every part can be said
 * otherwise, down to the bytes. Judges nothing.
 */

#include <bw/addr.h>
#include <json-glib/json-glib.h>

typedef enum BwWishKind {
        BW_WISH_PING,        /* ICMP or ICMPv6 echo request */
        BW_WISH_ARP,         /* who has --dst? */
        BW_WISH_ARP_REPLY,   /* --src is at --src-mac, told to --dst */
        BW_WISH_ND,          /* neighbour solicitation for --dst */
        BW_WISH_NA,          /* neighbour advertisement of --src, to all nodes or --dst */
        BW_WISH_RA,          /* router advertisement */
        BW_WISH_REDIRECT,    /* ICMP or ICMPv6 redirect, to --dst */
        BW_WISH_DHCP,        /* a client's message, DHCPv6 with IPv6 addresses */
        BW_WISH_DHCP_SERVER, /* a server's */
        BW_WISH_QUERY,       /* IGMP or MLD query */
} BwWishKind;

#define BW_WISH_MAX (BW_WISH_QUERY + 1)

typedef struct BwFrameWish {
        BwWishKind kind;
        const char *in, *out;  /* names of ports; @out may be NULL, like all that follow */
        const char *src, *dst; /* addresses */
        const char *src_mac, *dst_mac;
        int vlan;        /* 0: untagged */
        const char *hex; /* the whole frame: nothing else counts then */
} BwFrameWish;

/* "arp-reply": the option that asks for it; static */
const char *bw_wish_name(BwWishKind kind);

/* @stations: who is on the bridges, objects with Port, Bridge, Role, MACs and Addresses as of
 * ListPorts(); those of one "Segment", not 0, are on bridges that links join. (transfer full): NULL
 * with a sentence that says which option would help, BW_ERROR_INVALID, or BW_ERROR_ABSENT when @in
 * is nobody's name. */
GByteArray *bw_frame_wish_build(const BwFrameWish *wish, JsonArray *stations, GError **error);
