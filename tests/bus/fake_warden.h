/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A conductor that only remembers what was asked
 */

#include "bus.h"

#include <bw/error.h>

typedef enum BwFakeRequest {
        BW_FAKE_RESYNC,
        BW_FAKE_RESYNC_PORT,
        BW_FAKE_RESYNC_GUEST,
        BW_FAKE_RELOAD,
        BW_FAKE_DISARM,
} BwFakeRequest;

#define BW_FAKE_MAX (BW_FAKE_DISARM + 1)

typedef struct BwFakeWarden {
        BwBus *bus; /* told of changes after each request, when set */
        BwBusState state;
        const BwBusHazards *hazards_then; /* after the next request; NULL: as now */
        unsigned requests[BW_FAKE_MAX];
        char argument[8192]; /* of the last request */
        GError *refusal;     /* what every request answers, when set (owned) */
        const BwBusPort *ports;
        unsigned n_ports;
        unsigned repeat; /* how often @ports is listed */
        bool takes_time; /* what is told of ports is not ready before the test says so */
        unsigned prepared, listed;
        unsigned n_fdb; /* how long ListFdb()'s list is */
        unsigned fdb_asked;
        const BwPlan *plan; /* what Explain() is answered by */
        unsigned explained, plan_asked, checked;
        unsigned n_differences; /* how many Check() tells */
        unsigned came, went;
        char why[512]; /* of the last coming or going */
} BwFakeWarden;

extern const BwBusRequests bw_fake_requests;

void bw_fake_warden_init(BwFakeWarden *warden);
void bw_fake_warden_clear(BwFakeWarden *warden);
