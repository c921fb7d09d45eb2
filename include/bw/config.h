/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Configuration
 *
 * Text to settings, or what is wrong in which line. Reads no file: the caller
 * brings each file's name and bytes, drop-ins last. Knows what may be written,
 * not what is plugged in; matching sections to ports is the planner's business.
 *
 * Format: key files (GKeyFile) with sections [Guard], [Libvirt], [Guest NAME],
 * [Interface MAC], [Port NAME], [Bridge NAME]. NAME may use the escapes of C
 * ("\133" for "["). A value ends at " #". See bridgewarden.conf(5).
 *
 * A wrong key or value is a problem, not a failure: it makes the section it
 * stands in BROKEN, so that the planner closes the port the section speaks of,
 * and the rest of the file counts. So is a line that is no key at all. Only text
 * that is no key file fails: a NUL byte, something before the first section, or
 * a bracket out of place (nobody can tell then whose the next keys are).
 */

#include <bw/addr.h>
#include <bw/engine.h>
#include <bw/hazard_kind.h>
#include <glib.h>
#include <stdbool.h>

typedef enum BwMode {
        BW_MODE_ENFORCE, /* drop, count, report  */
        BW_MODE_MONITOR, /* count and report     */
        BW_MODE_OFF,     /* neither              */
} BwMode;

typedef enum BwUnknownPorts {
        BW_UNKNOWN_PORTS_MONITOR,
        BW_UNKNOWN_PORTS_DROP,
        BW_UNKNOWN_PORTS_ACCEPT,
} BwUnknownPorts;

typedef enum BwRole {
        BW_ROLE_GUEST,
        BW_ROLE_HOST,
        BW_ROLE_LINK,
        BW_ROLE_UPLINK,
} BwRole;

/* Which keys a section sets; a more exact section wins key by key. */
typedef enum BwSet {
        BW_SET_ADDRESSES = 1 << 0,
        BW_SET_MACS = 1 << 1,
        BW_SET_ROLE = 1 << 2,
        BW_SET_MODE = 1 << 3,
        BW_SET_DHCP_SERVER = 1 << 4,
        BW_SET_ROUTER = 1 << 5,
        BW_SET_QUERIER = 1 << 6,
        BW_SET_LINK_LOCAL = 1 << 7,
        BW_SET_CLOSED = 1 << 8,
        BW_SET_FDB_LOCK = 1 << 9,
        BW_SET_ISOLATED = 1 << 10,
        BW_SET_GATEWAY = 1 << 11,
} BwSet;

/* More would make one port's chain long enough to slow its own traffic. */
#define BW_MAX_ADDRESSES 256
#define BW_MAX_MACS      16

/* One [Guest], [Interface] or [Port] section. */
typedef struct BwBindingSection {
        char *name;        /* guest name or UUID, MAC as printed, or port name: data, any bytes  */
        char *where;       /* "bridgewarden.conf:12" of the section's first line                 */
        unsigned set;      /* BwSet                                                              */
        bool broken;       /* something in it is wrong: close what it speaks of                  */
        bool any_address;  /* Addresses=any: guard the MAC only                                  */
        GArray *addresses; /* BwPrefix, sorted, no duplicates; empty unless BW_SET_ADDRESSES     */
        GArray *macs;      /* BwMac, sorted, no duplicates                                       */
        BwRole role;
        BwMode mode;
        bool dhcp_server, router, querier; /* may answer as such */
        bool strict_link_local; /* LinkLocal=declared: no fe80::/10 address but those bound */
        bool closed;            /* Closed=: of a border port, only what is known behind it passes */
        bool fdb_lock, isolated;
        GArray *gateways; /* BwPrefix, single: Gateway= of a port: only it may claim them */
} BwBindingSection;

typedef struct BwBridgeSection {
        char *name;
        char *where;
        bool broken;
        bool has_mode, has_unknown_ports;
        BwMode mode;
        BwUnknownPorts unknown_ports;
        GArray *networks; /* BwPrefix: whose directed broadcast may be delivered */
        GArray *gateways; /* BwPrefix, single: only the gateway's port may claim them */
        bool has_fdb_lock, fdb_lock;
        bool has_isolated, isolated;
        bool pin_neighbours; /* default false */
        bool has_repair;
        unsigned repair; /* Repair=: set of BwHazardKind to mend and not only to say */
} BwBridgeSection;

typedef enum BwSeverity {
        BW_SEVERITY_ERROR,   /* the section is broken */
        BW_SEVERITY_WARNING, /* understood and carried out, but doubtful */
} BwSeverity;

typedef struct BwConfigProblem {
        BwSeverity severity;
        char *file;
        unsigned line;  /* 1 is the first; 0 when it cannot be said */
        char *section;  /* as written, without brackets */
        char *key;      /* NULL: the section itself, or the line in @value */
        char *value;    /* NULL: the key itself */
        char *sentence; /* what is wrong and what to do, without file and line */
} BwConfigProblem;

typedef struct BwConfig {
        /* [Guard] */
        BwMode mode;                  /* default enforce */
        BwUnknownPorts unknown_ports; /* default monitor */
        bool bridges_auto;            /* default true */
        GPtrArray *bridge_names;      /* char *; used when not auto */
        unsigned engines;             /* set of engines, never empty; default all */
        unsigned log_rate;       /* LogRate=, violations per second, port and reason; default 10 */
        unsigned repair;         /* Repair=: set of BwHazardKind; default none */
        unsigned check_interval; /* CheckInterval=, seconds between drift checks; default 2 */
        bool guard_broken;       /* [Guard] or [Libvirt] has an error: see bw_config_keep_guard() */
        /* [Libvirt] */
        char *libvirt_uri; /* default "qemu:///system"; NULL for "none" */

        GHashTable *guests;     /* name or lower-case UUID -> BwBindingSection *  (owned) */
        GHashTable *interfaces; /* MAC text as bw_mac_print() -> BwBindingSection * */
        GHashTable *ports;      /* port name -> BwBindingSection * */
        GHashTable *bridges;    /* bridge name -> BwBridgeSection * */
        GPtrArray *problems;    /* BwConfigProblem *, in order of files and lines */
} BwConfig;

/* The defaults of every key. Never NULL. */
BwConfig *bw_config_new(void);
void bw_config_free(BwConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwConfig, bw_config_free)

/* Adds what @text (any bytes, @length of them) says to @config; later calls win key by key. @file
 * is used in messages only. BW_ERROR_INVALID when the text is no key file: @config is unusable
 * then. */
bool bw_config_read(BwConfig *config, const char *file, const char *text, gsize length,
                    GError **error);

/* To be called after the last file: notes addresses claimed by two sections (a warning: it is a
 * conflict only when both are on one bridge). */
void bw_config_finish(BwConfig *config);

/* An error in a section that speaks of no port must not loosen the guard at a reload: takes over
 * [Guard] and [Libvirt] of @last_good. */
void bw_config_keep_guard(BwConfig *config, const BwConfig *last_good);

/* The same for each bridge: a [Bridge] section with an error stays as it was in @last_good, if it
 * was there without one. */
void bw_config_keep_bridges(BwConfig *config, const BwConfig *last_good);

/* How many sections speak of ports, guests and bridges. */
unsigned bw_config_count_sections(const BwConfig *config);

/* How many problems are errors. */
unsigned bw_config_count_errors(const BwConfig *config);

/* (transfer full): "FILE:LINE: [Port vk63] Addresses=10.0.0.1/8: sentence". */
char *bw_config_problem_print(const BwConfigProblem *problem);

const char *bw_mode_name(BwMode mode);
const char *bw_unknown_ports_name(BwUnknownPorts unknown_ports);
/* The one of the two that lets less pass. */
BwUnknownPorts bw_unknown_ports_stricter(BwUnknownPorts a, BwUnknownPorts b);
const char *bw_role_name(BwRole role);
/* A link or an uplink. */
bool bw_role_is_border(BwRole role);
