/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Outbox of the libvirt thread
 *
 * Carries facts in order from one thread to the default main context. Letters
 * are finished and never changed after they are posted.
 */

#include <bw/fact.h>

typedef struct BwVirtOutbox BwVirtOutbox;
typedef struct BwVirtLetter BwVirtLetter;

BwVirtOutbox *bw_virt_outbox_new(BwFactSink sink, gpointer user);
BwVirtOutbox *bw_virt_outbox_ref(BwVirtOutbox *outbox);
void bw_virt_outbox_unref(BwVirtOutbox *outbox);

/* A fact that is about libvirt as a whole. */
BwVirtLetter *bw_virt_letter_new(BwFactKind kind);
BwVirtLetter *bw_virt_letter_new_guest(BwGuest *guest); /* takes @guest */
BwVirtLetter *bw_virt_letter_new_gone(const char *uuid);
BwVirtLetter *bw_virt_letter_new_seen(const char *uuid);
void bw_virt_letter_free(BwVirtLetter *letter);

/* Any thread. Takes the letters out of @letters, which is empty then. */
void bw_virt_outbox_post(BwVirtOutbox *outbox, GQueue *letters);
/* How many letters wait for the main context. */
guint bw_virt_outbox_length(BwVirtOutbox *outbox);
/* In the main context's thread: nothing is delivered from now on, whoever still posts. */
void bw_virt_outbox_close(BwVirtOutbox *outbox);
