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

static BwVirtReading read_guest(virConnectPtr connection, virDomainPtr domain, GHashTable *bridges,
                                GQueue *letters) {
        bool active = false;
        g_autofree char *xml = read_xml(domain, &active);
        BwGuest *guest;

        if (!xml)
                return reading_of_failure(connection);
        guest = bw_guest_parse(xml, strlen(xml), NULL);
        if (!guest)
                return BW_VIRT_ABSURD;
        guest->active = active;
        resolve_networks(connection, guest, bridges);
        g_queue_push_tail(letters, bw_virt_letter_new_guest(guest));
        return BW_VIRT_READ;
}

BwVirtReading bw_virt_read_domain(virConnectPtr connection, const char *uuid, GQueue *letters) {
        g_autoptr(GHashTable) bridges = bridges_new();
        g_auto(Domain) domain = virDomainLookupByUUIDString(connection, uuid);
        BwVirtReading reading = domain ? read_guest(connection, domain, bridges, letters)
                                       : reading_of_failure(connection);

        if (reading == BW_VIRT_GONE)
                g_queue_push_tail(letters, bw_virt_letter_new_gone(uuid));
        return reading;
}

/* It was listed: leaving it out would say that it is gone. */
static void note_unread(virDomainPtr domain, BwVirtReading reading, GQueue *letters,
                        GHashTable *refused) {
        char uuid[VIR_UUID_STRING_BUFLEN];

        if (virDomainGetUUIDString(domain, uuid) < 0)
                return;
        g_queue_push_tail(letters, bw_virt_letter_new_seen(uuid));
        if (reading == BW_VIRT_REFUSED)
                g_hash_table_add(refused, g_strdup(uuid));
}

BwVirtReading bw_virt_read_all(virConnectPtr connection, GQueue *letters, GHashTable *refused) {
        g_autoptr(GHashTable) bridges = bridges_new();
        g_auto(Domains) domains = NULL;

        if (virConnectListAllDomains(connection, &domains, 0) < 0)
                return BW_VIRT_LOST;
        g_queue_push_tail(letters, bw_virt_letter_new(BW_FACT_SNAPSHOT_BEGIN));
        for (unsigned i = 0; domains[i]; i++) {
                BwVirtReading reading = read_guest(connection, domains[i], bridges, letters);

                if (reading == BW_VIRT_LOST)
                        return BW_VIRT_LOST;
                if (reading == BW_VIRT_REFUSED || reading == BW_VIRT_ABSURD)
                        note_unread(domains[i], reading, letters, refused);
        }
        g_queue_push_tail(letters, bw_virt_letter_new(BW_FACT_SNAPSHOT_END));
        return BW_VIRT_READ;
}
