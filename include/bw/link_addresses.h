/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Link addresses
 *
 * Which addresses the host itself has on which link: a part of bw/model.h's
 * room. Goes by the link's number alone, so that it does not matter which news
 * comes first, the link's or the address's.
 */

#include <bw/fact.h>

/* For one link. The oldest knowledge is kept. */
#define BW_MAX_LINK_ADDRESSES 4096

typedef struct BwLinkAddresses BwLinkAddresses;

BwLinkAddresses *bw_link_addresses_new(void);
void bw_link_addresses_free(BwLinkAddresses *addresses);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwLinkAddresses, bw_link_addresses_free)

/* Whether that was news. */
bool bw_link_addresses_add(BwLinkAddresses *addresses, const BwHostAddress *address);
bool bw_link_addresses_remove(BwLinkAddresses *addresses, const BwHostAddress *address);
void bw_link_addresses_forget(BwLinkAddresses *addresses, int ifindex);

/* A snapshot: what is not added between begin and end is gone. (transfer full) (element-type int):
 * the ifindexes of the links that lost some. */
void bw_link_addresses_begin(BwLinkAddresses *addresses);
GArray *bw_link_addresses_end(BwLinkAddresses *addresses);

/* (transfer full) (element-type BwHostAddress): sorted. */
GArray *bw_link_addresses_list(const BwLinkAddresses *addresses, int ifindex);
