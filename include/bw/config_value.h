/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Words of a value: lists, numbers, names. A part of the config room; nobody
 * else needs it.
 */

#include <bw/config_place.h>

/* Whether @value is one of @words (NULL-terminated); its index goes to @ret. */
bool bw_config_value_find_word(const char *value, const char *const *words, unsigned *ret);
/* From 1 to @most, digits only. */
bool bw_config_value_read_number(const char *text, unsigned most, unsigned *ret);
/* (transfer container): the words of @value, which point into @ret_copy (transfer full). */
GPtrArray *bw_config_value_split(const char *value, char **ret_copy);
/* (transfer full): the value at @place as a sorted list without doubles; NULL, with the error noted
 * at @place, when one of its words is wrong or there are too many. */
GArray *bw_config_value_read_prefixes(const BwConfigPlace *place);
GArray *bw_config_value_read_macs(const BwConfigPlace *place);
/* NULL, or why the kernel would refuse an interface of that name. */
const char *bw_config_value_interface_fault(const char *name);
