/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * D-Bus adapter
 *
 * Shows org.bridgewarden1 at /org/bridgewarden1 and passes requests on. The
 * interface is conf/org.bridgewarden1.xml. Decides nothing. Without a bus it
 * tries again by itself, quietly, and tells when the connection comes and goes.
 */

#include <bw/difference.h>
#include <bw/judgment_text.h>
#include <bw/topology_view.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A row of ListPorts(), lent; strings may hold any bytes (the adapter makes them valid UTF-8). */
typedef struct BwBusPort {
        const char *port, *bridge;
        const char *guest, *uuid; /* "" when not a guest's */
        const char *role, *mode, *state;
        bool protected;      /* read back, equal to the plan, reachable, switches on */
        bool closed, locked; /* Closed= of a border; the bridge learns nothing of it */
        const char *far_bridge, *far_port; /* where a link leads; "" when it is none */
        const char *const *macs;           /* NULL-terminated */
        const char *const *addresses;      /* NULL-terminated */
        const char *where, *trouble;       /* "" when there is none */
        uint64_t dropped[BW_REASON_MAX];   /* packets by BwReason; index 0 unused */
        uint64_t monitored[BW_REASON_MAX];
} BwBusPort;

/* A row of ListFdb(), lent: what a guarded bridge has learned. For looking at, nothing is decided
 * by it. */
typedef struct BwBusFdbEntry {
        const char *bridge, *port; /* "" when the link is gone */
        const char *mac;
        uint16_t vlan; /* 0: none */
        bool local;
        uint64_t age_usec; /* since it was first seen at this port */
} BwBusFdbEntry;

/* Sets of engines. */
typedef struct BwBusEngines {
        unsigned named, in_force;
} BwBusEngines;

/* Lent; strings may hold any bytes. */
typedef struct BwBusHazard {
        const char *kind, *subject, *sentence;
} BwBusHazard;

typedef struct BwBusHazards {
        const BwBusHazard *list; /* each kind and subject once */
        unsigned n;
} BwBusHazards;

typedef struct BwBusState {
        const char *version;
        uint64_t generation;     /* commits since the daemon started that changed the kernel */
        bool in_sync;            /* the kernel was last seen as planned */
        bool armed;              /* false after Disarm() */
        uint64_t last_sync_usec; /* CLOCK_REALTIME of the last check that found the kernel as
                                    planned */
        bool libvirt_connected;
        unsigned ports_guarded, ports_total, strangers, config_errors;
        BwBusEngines engines;
        BwBusHazards hazards;
        const char *const *bridges; /* NULL-terminated names of guarded bridges */
} BwBusState;

/* What the adapter asks of the conductor. A failing call sets a GError of BW_ERROR; the adapter
 * turns the code into a D-Bus error name (one table). */
typedef struct BwBusRequests {
        bool (*resync)(gpointer user, GError **error);
        bool (*resync_port)(gpointer user, const char *port, GError **error);
        bool (*resync_guest)(gpointer user, const char *name_or_uuid, GError **error);
        bool (*reload)(gpointer user, GError **error);
        bool (*disarm)(gpointer user, GError **error);
        /* Reads what list_ports() tells, in turns of its own; then, within this call or later,
         * bw_bus_ports_ready() is called, once. */
        void (*prepare_ports)(gpointer user);
        /* Calls @row for each port, sorted by bridge and name. */
        bool (*list_ports)(gpointer user, void (*row)(const BwBusPort *port, gpointer row_user),
                           gpointer row_user, GError **error);
        /* (transfer full): how bridges and ports hang together; NULL when it cannot be told. */
        BwTopologyView *(*topology)(gpointer user, GError **error);
        /* Calls @row for each entry, sorted by bridge and MAC. */
        void (*list_fdb)(gpointer user, void (*row)(const BwBusFdbEntry *entry, gpointer row_user),
                         gpointer row_user);
        /* Calls @row for each port that is asked, the sender first. Returns a static word for what
         * becomes of the frame in all, or NULL. */
        const char *(*explain)(gpointer user, const char *in, const char *out, const uint8_t *frame,
                               gsize length,
                               void (*row)(const BwJudgmentText *text, gpointer row_user),
                               gpointer row_user, GError **error);
        /* Calls @text for each command that would load rules, with the rules. */
        bool (*list_rules)(gpointer user,
                           void (*text)(const char *command, const char *rules, gpointer text_user),
                           gpointer text_user, GError **error);
        /* Calls @row for each difference between plan and kernel; changes neither. */
        bool (*check)(gpointer user, void (*row)(const BwDifference *difference, gpointer row_user),
                      gpointer row_user, GError **error);
        /* Fills @ret; what it points to is lent until the next request. */
        void (*state)(gpointer user, BwBusState *ret);
        /* The bus came or went; @why is a sentence. */
        void (*connection)(gpointer user, bool connected, const char *why);
} BwBusRequests;

typedef struct BwBus BwBus;

/* @requests and @user are kept until bw_bus_free(). Connects to the system bus
 * (DBUS_SYSTEM_BUS_ADDRESS counts) from the default main context and retries with back-off. */
BwBus *bw_bus_new(const BwBusRequests *requests, gpointer user);
void bw_bus_free(BwBus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwBus, bw_bus_free)

/* Emits PropertiesChanged, HazardRaised and HazardCleared for what differs from the last call.
 * Cheap; returns at once. */
void bw_bus_changed(BwBus *bus);

/* What BwBusRequests.prepare_ports() was asked for is there; of no meaning when nobody waits. */
void bw_bus_ports_ready(BwBus *bus);
