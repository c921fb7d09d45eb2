/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The corpus of frames
 *
 * Known ways round a port guard, with variations and their legal twins: real
 * bytes on a small bridge, and what must become of each. One corpus for the
 * evaluator and for every engine. The words here are the guard's meaning stated
 * by hand, frame by frame; nothing of lib/ but addresses is used to make them.
 */

#include <bw/plan.h>

/* Who is behind a port. */
typedef struct BwStation {
        char port[BW_IFNAME_SIZE];
        BwMac mac;
        BwPrefix ipv4, ipv6;
        BwPrefix link_local; /* made from @mac */
} BwStation;

typedef enum BwWho {
        BW_WHO_ATTACKER, /* a guest */
        BW_WHO_VICTIM,   /* a guest */
        BW_WHO_GATEWAY,  /* the host: DHCP server, router, querier */
        BW_WHO_NOBODY,   /* on no port: an address and a MAC that nobody has */
        BW_WHO_FRESH,    /* a guest whose MAC is known, and no address yet */
        BW_WHO_STRANGER, /* on a port that nobody has declared */
        BW_WHO_WATCHED,  /* a guest, Mode=monitor: told of, and nothing is dropped */
        /* Of two bridges that are joined, and else on no port: */
        BW_WHO_UPLINK, /* somebody unknown, behind a network card of the bridge */
        BW_WHO_LINK,   /* the bridge's end of the veth pair: somebody unknown on the far bridge */
        BW_WHO_BEYOND, /* a guest of the far bridge */
        BW_WHO_CLOSED, /* behind a card of the far bridge, Closed=yes: what he has is declared */
        BW_WHO_LINK_BEYOND, /* the far bridge's end: somebody unknown on the bridge */
} BwWho;

#define BW_WHO_MAX (BW_WHO_LINK_BEYOND + 1)

typedef struct BwScene {
        char bridge[BW_IFNAME_SIZE];
        char far_bridge[BW_IFNAME_SIZE]; /* a veth pair joins it to @bridge; "": there is none */
        BwStation stations[BW_WHO_MAX];
        BwPrefix network; /* IPv4 */
} BwScene;

/* A bridge "virbr6" and its ports. Change what you like, then ask for frames. */
BwScene bw_scene_new(void);
/* The same joined to a bridge "virbr4", and an uplink on each: frames for the borders, too. */
BwScene bw_scene_new_joined(void);
/* Whether somebody is there, and on which bridge; lent from @scene. */
bool bw_scene_has(const BwScene *scene, BwWho who);
const char *bw_scene_bridge_of(const BwScene *scene, BwWho who);
/* (transfer full): the configuration that makes the scene. */
char *bw_scene_settings(const BwScene *scene);
/* (transfer full): what the guard makes of the scene. @free_ports, NULL-terminated: further ports
 * which nobody checks, the first on the bridge, the next on the far one. @more: configuration
 * beyond bw_scene_settings(); may be NULL. */
BwPlan *bw_scene_plan_new(const BwScene *scene, const char *const *free_ports, const char *more);

typedef struct BwCorpusFrame {
        char *name;      /* unique; words with "/" between */
        unsigned attack; /* the line it comes from in the list of attacks; 0: only legal ones */
        BwWho from, to;
        GByteArray *bytes;
        BwReason in;  /* when @from sends it; BW_REASON_NONE: it passes */
        BwReason out; /* when @to would receive it, whoever sent it */
} BwCorpusFrame;

/* (transfer full) (element-type BwCorpusFrame). Hostile ones have a reason in or out. */
GPtrArray *bw_corpus_new(const BwScene *scene);

/* (transfer full): takes @name and @bytes. */
BwCorpusFrame *bw_corpus_frame_new(char *name, BwWho from, BwWho to, GByteArray *bytes);
void bw_corpus_frame_free(BwCorpusFrame *frame);

static inline bool bw_corpus_frame_is_hostile(const BwCorpusFrame *frame) {
        return frame->in != BW_REASON_NONE || frame->out != BW_REASON_NONE;
}

/* "attacker", "victim", …; static. */
const char *bw_who_name(BwWho who);
