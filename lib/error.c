/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/error.h>

G_DEFINE_QUARK(bw - error - quark, bw_error)
