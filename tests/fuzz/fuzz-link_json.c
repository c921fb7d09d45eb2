/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Input: what a file says that should be the output of "ip -json". For any bytes there is a
 * sentence, or facts that a kernel could have told, and the model takes them.
 */

#include "link_json.h"

#include <bw/model.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void take(const BwFact *fact, gpointer user) {
        if (fact->kind == BW_FACT_LINK) {
                g_assert(fact->link.ifindex > 0);
                g_assert(strnlen(fact->link.name, BW_IFNAME_SIZE) < BW_IFNAME_SIZE);
                g_assert(strpbrk(fact->link.name, " \n\t/:") == NULL && fact->link.name[0] != '\0');
        } else {
                g_assert(fact->kind == BW_FACT_ADDRESS);
                g_assert(fact->address.prefix_length <= fact->address.address.length);
        }
        bw_model_apply(user, fact, 0);
}

static void read_parts(const uint8_t *bytes, size_t size, unsigned parts) {
        g_autoptr(BwModel) model = bw_model_new();
        g_autoptr(GError) error = NULL;
        bool done = bw_link_json_read((const char *) bytes, size, parts, take, model, &error);

        g_assert(done == (error == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        read_parts(bytes, size, BW_LINK_JSON_LINKS | BW_LINK_JSON_ADDRESSES);
        read_parts(bytes, size, BW_LINK_JSON_ADDRESSES);
        return 0;
}
