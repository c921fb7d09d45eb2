/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "virt_outbox.h"

#define MAX_BATCH 128 /* facts per turn of the main loop; others want their turn too */

struct BwVirtLetter {
        BwFactKind kind;
        BwGuest *guest; /* owned; BW_FACT_GUEST */
        char *uuid;     /* owned; BW_FACT_GUEST_GONE and _SEEN */
};

struct BwVirtOutbox {
        gatomicrefcount references;
        BwFactSink sink;
        gpointer user;
        GMutex lock; /* guards what follows */
        GQueue letters;
        bool closed;
        GSource *delivery; /* attached while there are letters, else NULL */
};

BwVirtLetter *bw_virt_letter_new(BwFactKind kind) {
        BwVirtLetter *letter = g_new0(BwVirtLetter, 1);

        letter->kind = kind;
        return letter;
}

BwVirtLetter *bw_virt_letter_new_guest(BwGuest *guest) {
        BwVirtLetter *letter = bw_virt_letter_new(BW_FACT_GUEST);

        letter->guest = guest;
        return letter;
}

BwVirtLetter *bw_virt_letter_new_gone(const char *uuid) {
        BwVirtLetter *letter = bw_virt_letter_new(BW_FACT_GUEST_GONE);

        letter->uuid = g_strdup(uuid);
        return letter;
}

BwVirtLetter *bw_virt_letter_new_seen(const char *uuid) {
        BwVirtLetter *letter = bw_virt_letter_new(BW_FACT_GUEST_SEEN);

        letter->uuid = g_strdup(uuid);
        return letter;
}

void bw_virt_letter_free(BwVirtLetter *letter) {
        if (!letter)
                return;
        bw_guest_free(letter->guest);
        g_free(letter->uuid);
        g_free(letter);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BwVirtLetter, bw_virt_letter_free)

static void clear_letters(GQueue *letters) {
        g_queue_clear_full(letters, (GDestroyNotify) bw_virt_letter_free);
}

BwVirtOutbox *bw_virt_outbox_new(BwFactSink sink, gpointer user) {
        BwVirtOutbox *outbox = g_new0(BwVirtOutbox, 1);

        g_atomic_ref_count_init(&outbox->references);
        outbox->sink = sink;
        outbox->user = user;
        g_mutex_init(&outbox->lock);
        g_queue_init(&outbox->letters);
        return outbox;
}

BwVirtOutbox *bw_virt_outbox_ref(BwVirtOutbox *outbox) {
        g_atomic_ref_count_inc(&outbox->references);
        return outbox;
}

void bw_virt_outbox_unref(BwVirtOutbox *outbox) {
        if (!g_atomic_ref_count_dec(&outbox->references))
                return;
        clear_letters(&outbox->letters);
        g_mutex_clear(&outbox->lock);
        g_free(outbox);
}

static void deliver(BwVirtOutbox *outbox, const BwVirtLetter *letter) {
        BwFact fact = { .kind = letter->kind };

        if (letter->guest)
                fact.guest = letter->guest;
        else if (letter->uuid)
                fact.uuid = letter->uuid;
        else
                fact.source = BW_SOURCE_LIBVIRT;
        outbox->sink(&fact, outbox->user);
}

static void end_delivery(BwVirtOutbox *outbox) {
        g_source_destroy(outbox->delivery);
        g_clear_pointer(&outbox->delivery, g_source_unref);
}

/* NULL when there is none left or the outbox was closed, by the last fact's receiver maybe. */
static BwVirtLetter *next_letter(BwVirtOutbox *outbox) {
        BwVirtLetter *letter;

        g_mutex_lock(&outbox->lock);
        letter = g_queue_pop_head(&outbox->letters);
        if (!letter && outbox->delivery)
                end_delivery(outbox);
        g_mutex_unlock(&outbox->lock);
        return letter;
}

static gboolean deliver_batch(gpointer user) {
        BwVirtOutbox *outbox = user;

        for (unsigned i = 0; i < MAX_BATCH; i++) {
                g_autoptr(BwVirtLetter) letter = next_letter(outbox);

                if (!letter)
                        break;
                deliver(outbox, letter);
        }
        return G_SOURCE_CONTINUE; /* the source is destroyed when there is nothing left */
}

static void begin_delivery(BwVirtOutbox *outbox) {
        outbox->delivery = g_idle_source_new();
        g_source_set_priority(outbox->delivery, G_PRIORITY_DEFAULT);
        g_source_set_callback(outbox->delivery, deliver_batch, bw_virt_outbox_ref(outbox),
                              (GDestroyNotify) bw_virt_outbox_unref);
        g_source_attach(outbox->delivery, NULL);
}

void bw_virt_outbox_post(BwVirtOutbox *outbox, GQueue *letters) {
        BwVirtLetter *letter;

        g_mutex_lock(&outbox->lock);
        while (!outbox->closed && (letter = g_queue_pop_head(letters)))
                g_queue_push_tail(&outbox->letters, letter);
        if (!outbox->delivery && !g_queue_is_empty(&outbox->letters))
                begin_delivery(outbox);
        g_mutex_unlock(&outbox->lock);
        clear_letters(letters); /* of a closed outbox */
}

guint bw_virt_outbox_length(BwVirtOutbox *outbox) {
        guint length;

        g_mutex_lock(&outbox->lock);
        length = g_queue_get_length(&outbox->letters);
        g_mutex_unlock(&outbox->lock);
        return length;
}

void bw_virt_outbox_close(BwVirtOutbox *outbox) {
        g_mutex_lock(&outbox->lock);
        outbox->closed = true;
        clear_letters(&outbox->letters);
        if (outbox->delivery)
                end_delivery(outbox);
        g_mutex_unlock(&outbox->lock);
}
