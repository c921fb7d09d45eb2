/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/port_flag.h>

const char *bw_port_flag_name(BwPortFlag flag) {
        switch (flag) {
        case BW_FLAG_LEARNING:
                return "learning";
        case BW_FLAG_UNICAST_FLOOD:
                return "flood";
        case BW_FLAG_LOCKED:
                return "locked";
        case BW_FLAG_ISOLATED:
                return "isolated";
        case BW_FLAG_BPDU_GUARD:
                return "guard";
        case BW_FLAG_HAIRPIN:
                return "hairpin";
        }
        g_assert_not_reached();
}
