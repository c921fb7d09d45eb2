/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "pace.h"

#include <bw/priority.h>
#include <stdbool.h>

#define QUIET_USEC (20 * 1000)
#define CAP_USEC   (200 * 1000)
/* After so long without a commit there is no burst, and the next news waits for nothing. */
#define CALM_USEC (50 * 1000)

struct BwPace {
        void (*work)(gpointer user);
        gpointer user;
        unsigned count;
        int64_t first_usec; /* of the news counted */
        int64_t wrote_usec; /* when the kernel was last changed */
        bool hurried;       /* the timer waits for nothing; more news does not put it off */
        guint timer;
};

BwPace *bw_pace_new(void (*work)(gpointer user), gpointer user) {
        BwPace *pace = g_new0(BwPace, 1);

        pace->work = work;
        pace->user = user;
        return pace;
}

void bw_pace_free(BwPace *pace) {
        if (!pace)
                return;
        g_clear_handle_id(&pace->timer, g_source_remove);
        g_free(pace);
}

static gboolean on_timer(gpointer user) {
        BwPace *pace = user;

        pace->timer = 0;
        pace->work(pace->user);
        return G_SOURCE_REMOVE;
}

static void set_timer(BwPace *pace, int64_t wait_usec) {
        g_clear_handle_id(&pace->timer, g_source_remove);
        pace->timer = g_timeout_add_full(BW_PRIORITY_WORK, (guint) (wait_usec / 1000), on_timer,
                                         pace, NULL);
}

void bw_pace_hurry(BwPace *pace) {
        if (pace->hurried)
                return;
        pace->hurried = true;
        set_timer(pace, 0);
}

void bw_pace_news(BwPace *pace) {
        int64_t now = g_get_monotonic_time();

        if (pace->count++ == 0)
                pace->first_usec = now;
        if (pace->hurried)
                return;
        if (pace->count == 1 && now - pace->wrote_usec > CALM_USEC)
                bw_pace_hurry(pace);
        else
                set_timer(pace, MIN(QUIET_USEC, MAX(0, pace->first_usec + CAP_USEC - now)));
}

void bw_pace_begin(BwPace *pace) {
        g_clear_handle_id(&pace->timer, g_source_remove);
        pace->hurried = false;
}

void bw_pace_end(BwPace *pace, BwPaceWork work) {
        pace->count = 0;
        if (work == BW_PACE_WROTE)
                pace->wrote_usec = g_get_monotonic_time();
}

unsigned bw_pace_count(const BwPace *pace) {
        return pace->count;
}
