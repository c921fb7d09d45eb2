/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Links and addresses as ip(8) tells them
 *
 * The output of "ip -details -json link show" and "ip -json address show" to
 * facts, as the netlink adapter would have reported them but for tc filters,
 * which that output does not speak of. Reads no file and
 * believes nothing: what the kernel could not have said is an error that names
 * the entry. Keys it does not know are left alone.
 */

#include <bw/fact.h>

typedef enum BwLinkJsonParts {
        BW_LINK_JSON_LINKS = 1 << 0,     /* links; each must be whole */
        BW_LINK_JSON_ADDRESSES = 1 << 1, /* what is in "addr_info", where there is any */
} BwLinkJsonParts;

/* Calls @sink for each fact, once all of @text was understood. @parts: a set of BwLinkJsonParts.
 * BW_ERROR_INVALID: a sentence without the file's name. */
bool bw_link_json_read(const char *text, gsize length, unsigned parts, BwFactSink sink,
                       gpointer user, GError **error);
