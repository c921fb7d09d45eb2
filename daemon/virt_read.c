/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "virt_read.h"

#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

typedef virDomainPtr Domain;
typedef virDomainPtr *Domains; /* ends with NULL */

static void domain_free(Domain domain) {
        virDomainFree(domain);
}
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(Domain, domain_free, NULL)

static void domains_free(Domains domains) {
        for (unsigned i = 0; domains[i]; i++)
                virDomainFree(domains[i]);
        free(domains);
}
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(Domains, domains_free, NULL)

typedef virNetworkPtr Network;

static void network_free(Network network) {
        virNetworkFree(network);
}
G_DEFINE_AUTO_CLEANUP_FREE_FUNC(Network, network_free, NULL)

/* The error comes first: the next call of libvirt forgets it. */
static BwVirtReading reading_of_failure(virConnectPtr connection) {
        if (virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
                return BW_VIRT_GONE;
        return virConnectIsAlive(connection) == 0 ? BW_VIRT_LOST : BW_VIRT_REFUSED;
}

/* A domain that starts or stops between the two questions has an event on its way. NULL with
 * libvirt's error set. */
static char *read_xml(virDomainPtr domain, bool *ret_active) {
        int active = virDomainIsActive(domain);

        if (active < 0)
                return NULL;
        *ret_active = active;
        return virDomainGetXMLDesc(domain, active ? 0 : VIR_DOMAIN_XML_INACTIVE);
}

/* What PAUSED is for. POSTCOPY: the source of a migration, whose guest runs on the other host. */
static BwGuestCpus cpus_of_paused(int reason) {
        switch (reason) {
        case VIR_DOMAIN_PAUSED_STARTING_UP:
        case VIR_DOMAIN_PAUSED_MIGRATION:
        case VIR_DOMAIN_PAUSED_POSTCOPY:
                return BW_CPUS_ELSEWHERE;
        default:
                return BW_CPUS_REST;
        }
}

static BwGuestCpus cpus_of(int state, int reason) {
        switch (state) {
        case VIR_DOMAIN_PAUSED:
                return cpus_of_paused(reason);
        case VIR_DOMAIN_SHUTDOWN:
        case VIR_DOMAIN_CRASHED:
        case VIR_DOMAIN_PMSUSPENDED:
                return BW_CPUS_RAN;
        default:
                return BW_CPUS_RUN;
        }
}

/* False with libvirt's error set. @resumed: an event said that they ran for a while. */
static bool read_cpus(virDomainPtr domain, bool resumed, BwGuestCpus *ret) {
        int state, reason;

        if (virDomainGetState(domain, &state, &reason, 0) < 0)
                return false;
        *ret = cpus_of(state, reason);
        if (*ret == BW_CPUS_REST && resumed)
                *ret = BW_CPUS_RAN;
        return true;
}

/* Network name -> bridge, or NULL when libvirt knows none. */
static GHashTable *bridges_new(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free);
}

static char *ask_bridge(virConnectPtr connection, const char *name) {
        g_auto(Network) network = virNetworkLookupByName(connection, name);

        return network ? virNetworkGetBridgeName(network) : NULL;
}

/* A hundred guests on one network are one question, whatever the answer. Lent or NULL. */
static const char *find_bridge(virConnectPtr connection, const char *network, GHashTable *bridges) {
        gpointer bridge;

        if (g_hash_table_lookup_extended(bridges, network, NULL, &bridge))
                return bridge;
        bridge = ask_bridge(connection, network);
        g_hash_table_insert(bridges, g_strdup(network), bridge);
        return bridge;
}

/* Only a running domain's XML names the bridge of its network; it must be guarded before that. */
static void resolve_networks(virConnectPtr connection, BwGuest *guest, GHashTable *bridges) {
        for (guint i = 0; i < guest->interfaces->len; i++) {
                BwGuestInterface *interface =
                        &g_array_index(guest->interfaces, BwGuestInterface, i);
                const char *bridge;

                if (!interface->is_network)
                        continue;
                bridge = find_bridge(connection, interface->source, bridges);
                if (!bridge || !bridge[0])
                        continue;
                g_free(interface->source);
                interface->source = g_strdup(bridge);
                interface->is_network = false;
        }
}

static BwVirtReading read_guest(virConnectPtr connection, virDomainPtr domain, bool resumed,
                                GHashTable *bridges, GQueue *letters) {
        bool active = false;
        g_autofree char *xml = read_xml(domain, &active);
        BwGuestCpus cpus = BW_CPUS_RUN;
        BwGuest *guest;

        if (!xml || (active && !read_cpus(domain, resumed, &cpus)))
                return reading_of_failure(connection);
        guest = bw_guest_parse(xml, strlen(xml), NULL);
        if (!guest)
                return BW_VIRT_ABSURD;
        guest->active = active;
        guest->cpus = cpus;
        resolve_networks(connection, guest, bridges);
        g_queue_push_tail(letters, bw_virt_letter_new_guest(guest));
        return BW_VIRT_READ;
}

BwVirtReading bw_virt_read_domain(virConnectPtr connection, const char *uuid, bool resumed,
                                  GQueue *letters) {
        g_autoptr(GHashTable) bridges = bridges_new();
        g_auto(Domain) domain = virDomainLookupByUUIDString(connection, uuid);
        BwVirtReading reading = domain ? read_guest(connection, domain, resumed, bridges, letters)
                                       : reading_of_failure(connection);

        if (reading == BW_VIRT_GONE)
                g_queue_push_tail(letters, bw_virt_letter_new_gone(uuid));
        return reading;
}

/* It was listed: leaving it out would say that it is gone. */
static void note_unread(const char *uuid, bool resumed, BwVirtReading reading, GQueue *letters,
                        GHashTable *refused) {
        g_queue_push_tail(letters, bw_virt_letter_new_seen(uuid));
        if (reading == BW_VIRT_REFUSED)
                g_hash_table_insert(refused, g_strdup(uuid), GINT_TO_POINTER(resumed));
}

static BwVirtReading read_listed(virConnectPtr connection, virDomainPtr domain, GHashTable *changed,
                                 GHashTable *bridges, GQueue *letters, GHashTable *refused) {
        char uuid[VIR_UUID_STRING_BUFLEN] = "";
        BwVirtReading reading;
        bool resumed;

        virDomainGetUUIDString(domain, uuid);
        resumed = GPOINTER_TO_INT(g_hash_table_lookup(changed, uuid));
        reading = read_guest(connection, domain, resumed, bridges, letters);
        if (reading == BW_VIRT_REFUSED || reading == BW_VIRT_ABSURD)
                note_unread(uuid, resumed, reading, letters, refused);
        return reading;
}

BwVirtReading bw_virt_read_all(virConnectPtr connection, GHashTable *changed, GQueue *letters,
                               GHashTable *refused) {
        g_autoptr(GHashTable) bridges = bridges_new();
        g_auto(Domains) domains = NULL;

        if (virConnectListAllDomains(connection, &domains, 0) < 0)
                return BW_VIRT_LOST;
        g_queue_push_tail(letters, bw_virt_letter_new(BW_FACT_SNAPSHOT_BEGIN));
        for (unsigned i = 0; domains[i]; i++) {
                if (read_listed(connection, domains[i], changed, bridges, letters, refused) ==
                    BW_VIRT_LOST)
                        return BW_VIRT_LOST;
        }
        g_queue_push_tail(letters, bw_virt_letter_new(BW_FACT_SNAPSHOT_END));
        return BW_VIRT_READ;
}
