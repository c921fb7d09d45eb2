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
typedef struct BwTestStation {
        char port[BW_IFNAME_SIZE];
        BwMac mac;
        BwPrefix ipv4, ipv6;
        BwPrefix link_local; /* made from @mac */
} BwTestStation;

typedef enum BwTestWho {
        BW_TEST_ATTACKER, /* a guest */
        BW_TEST_VICTIM,   /* a guest */
        BW_TEST_GATEWAY,  /* the host: DHCP server, router, querier */
        BW_TEST_NOBODY,   /* on no port: an address and a MAC that nobody has */
} BwTestWho;

typedef struct BwTestStage {
        char bridge[BW_IFNAME_SIZE];
        BwTestStation stations[BW_TEST_NOBODY + 1];
        BwPrefix network; /* IPv4 */
} BwTestStage;

/* A bridge "virbr6" with the ports vk63, vk64 and vmh1. Change what you like, then ask for frames.
 */
BwTestStage bw_test_stage_new(void);
/* (transfer full): the configuration that makes the stage. */
char *bw_test_stage_settings(const BwTestStage *stage);

typedef struct BwTestFrame {
        char *name;      /* unique; words with "/" between */
        unsigned attack; /* the line it comes from in the list of attacks; 0: only legal ones */
        BwTestWho from, to;
        GByteArray *bytes;
        BwReason in;  /* when @from sends it; BW_REASON_NONE: it passes */
        BwReason out; /* when @to would receive it, whoever sent it */
} BwTestFrame;

/* (transfer full) (element-type BwTestFrame). Hostile ones have a reason in or out. */
GPtrArray *bw_test_frames_new(const BwTestStage *stage);

static inline bool bw_test_frame_is_hostile(const BwTestFrame *frame) {
        return frame->in != BW_REASON_NONE || frame->out != BW_REASON_NONE;
}
