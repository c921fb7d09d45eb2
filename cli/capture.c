/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "capture.h"

#include <bw/error.h>
#include <bw/text.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>

struct BwCapture {
        pcap_t *file;
        char *path; /* as it may be shown */
};

static void fail(const BwCapture *capture, const char *what, GError **error) {
        g_autofree char *sentence = bw_text_printable(what);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID, "%s: %s", capture->path, sentence);
}

static void fail_link_type(const BwCapture *capture, int type, GError **error) {
        const char *name = pcap_datalink_val_to_name(type);

        g_set_error(error, BW_ERROR, BW_ERROR_INVALID,
                    "%s: its frames are not Ethernet but link type %d (%s); capture at the port "
                    "itself, not at \"any\"",
                    capture->path, type, name ? name : "unknown");
}

BwCapture *bw_capture_open(const char *path, GError **error) {
        g_autoptr(BwCapture) capture = g_new0(BwCapture, 1);
        FILE *file = g_str_equal(path, "-") ? stdin : fopen(path, "re");
        char why[PCAP_ERRBUF_SIZE] = "";

        capture->path = bw_text_printable(path);
        if (!file) {
                fail(capture, g_strerror(errno), error);
                return NULL;
        }
        capture->file = pcap_fopen_offline(file, why);
        if (!capture->file) {
                (void) fclose(file);
                fail(capture, why, error);
                return NULL;
        }
        if (pcap_datalink(capture->file) != DLT_EN10MB) {
                fail_link_type(capture, pcap_datalink(capture->file), error);
                return NULL;
        }
        return g_steal_pointer(&capture);
}

void bw_capture_free(BwCapture *capture) {
        if (!capture)
                return;
        if (capture->file)
                pcap_close(capture->file);
        g_free(capture->path);
        g_free(capture);
}

bool bw_capture_next(BwCapture *capture, BwCaptured *ret, GError **error) {
        struct pcap_pkthdr *header;
        const u_char *bytes;
        int r = pcap_next_ex(capture->file, &header, &bytes);

        if (r == 1) {
                *ret = (BwCaptured){ bytes, header->caplen, header->len > header->caplen };
                return true;
        }
        if (r != PCAP_ERROR_BREAK)
                fail(capture, pcap_geterr(capture->file), error);
        return false;
}
