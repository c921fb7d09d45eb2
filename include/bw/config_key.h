/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Every key there is: which section knows it, what its value may be, and what
 * is made of it. A part of the config room; nobody else needs it.
 */

#include <bw/config_place.h>

/* Carries out the key at @place, or says what is wrong with it. */
void bw_config_key_set_guard(const BwConfigPlace *place);
void bw_config_key_set_libvirt(const BwConfigPlace *place);
void bw_config_key_set_binding(const BwConfigPlace *place, BwBindingSection *section);
void bw_config_key_set_bridge(const BwConfigPlace *place, BwBridgeSection *section);
