/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/uuid.h>
#include <glib.h>
#include <string.h>

bool bw_uuid_parse(const char *text, char ret[static BW_UUID_TEXT_SIZE]) {
        if (strlen(text) != BW_UUID_TEXT_SIZE - 1)
                return false;
        for (unsigned i = 0; i < BW_UUID_TEXT_SIZE - 1; i++) {
                bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (is_dash ? text[i] != '-' : !g_ascii_isxdigit(text[i]))
                        return false;
        }
        for (unsigned i = 0; i < BW_UUID_TEXT_SIZE; i++)
                ret[i] = g_ascii_tolower(text[i]);
        return true;
}
