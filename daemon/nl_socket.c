/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "nl_socket.h"

#include <errno.h>
#include <sys/socket.h>

/* Forcing is for who may go beyond the host's limit; without that right we take what we get. */
void bw_nl_socket_set_buffer(int fd, int bytes) {
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
                (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* A turn may end with the last message, and nothing would wake us to find the buffer empty. */
bool bw_nl_socket_is_drained(int fd) {
        ssize_t length;
        char byte;

        /* Asking takes the mark of a further loss away; it belongs to the same overrun. */
        do
                length = recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
        while (length < 0 && errno == ENOBUFS);
        return length < 0;
}
