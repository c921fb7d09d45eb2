/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Netlink sockets that listen
 *
 * What every socket the kernel sends news to needs, whatever the news is about:
 * room for a burst, and to know when it is empty. Shared by the adapters that
 * listen, whatever their library; opens nothing and joins nothing.
 */

#include <stdbool.h>

/* Room for @bytes of unread news; less where the host's limit is lower and may not be passed. */
void bw_nl_socket_set_buffer(int fd, int bytes);

/* Whether nothing is left to be read. Forgets that further news was lost until now. */
bool bw_nl_socket_is_drained(int fd);
