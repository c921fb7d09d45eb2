/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A frame from words
 *
 * What somebody wants explained: "a ping from this address to that", with all
 * that was not said filled in as an honest sender would. Every part can be said
 * otherwise, down to the bytes. Judges nothing.
 */

#include <bw/addr.h>
#include <json-glib/json-glib.h>

typedef enum BwFrameWord {
        BW_FRAME_WORD_PING,        /* ICMP or ICMPv6 echo request */
        BW_FRAME_WORD_ARP,         /* who has --dst? */
        BW_FRAME_WORD_ARP_REPLY,   /* --src is at --src-mac, told to --dst */
        BW_FRAME_WORD_ND,          /* neighbour solicitation for --dst */
        BW_FRAME_WORD_NA,          /* neighbour advertisement of --src, to all nodes or --dst */
        BW_FRAME_WORD_RA,          /* router advertisement */
        BW_FRAME_WORD_REDIRECT,    /* ICMP or ICMPv6 redirect, to --dst */
        BW_FRAME_WORD_DHCP,        /* a client's message, DHCPv6 with IPv6 addresses */
        BW_FRAME_WORD_DHCP_SERVER, /* a server's */
        BW_FRAME_WORD_QUERY,       /* IGMP or MLD query */
} BwFrameWord;

#define BW_FRAME_WORD_MAX (BW_FRAME_WORD_QUERY + 1)

typedef struct BwFrameWords {
        BwFrameWord kind;
        const char *in, *out;  /* names of ports; @out may be NULL, like all that follow */
        const char *src, *dst; /* addresses */
        const char *src_mac, *dst_mac;
        int vlan;        /* 0: untagged */
        const char *hex; /* the whole frame: nothing else counts then */
} BwFrameWords;

/* "arp-reply": the option that asks for it; static */
const char *bw_frame_word_name(BwFrameWord kind);

/* @stations: who is on the bridges, objects with Port, Bridge, Role, MACs and Addresses as of
 * ListPorts(). (transfer full): NULL with a sentence that says which option would help,
 * BW_ERROR_INVALID, or BW_ERROR_ABSENT when @in is nobody's name. */
GByteArray *bw_frame_words_build(const BwFrameWords *words, JsonArray *stations, GError **error);

/* (transfer full): "98 bytes, 52:54:00:9f:5d:0d > 52:54:00:9f:5d:0e, IPv4 192.168.50.13 > ...". */
char *bw_frame_words_describe(const uint8_t *frame, gsize length);
