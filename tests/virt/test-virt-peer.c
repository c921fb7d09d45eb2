/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The libvirt adapter where libvirt cannot be reached, hangs up or hangs.
 */

#include "test_driver.h"
#include "virt_record.h"

#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A listening socket in a folder of its own. */
typedef struct Peer {
        char *folder;
        char *path;
        char *uri;
        int fd;
        guint source;
        unsigned visits;
        gint64 last; /* when, microseconds */
} Peer;

static gboolean on_visit(gint fd, GIOCondition condition, gpointer user) {
        Peer *peer = user;
        int visitor = accept(fd, NULL, NULL);

        (void) condition;
        if (visitor >= 0)
                close(visitor);
        peer->visits++;
        peer->last = g_get_monotonic_time();
        return G_SOURCE_CONTINUE;
}

static void peer_listen(Peer *peer) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        peer->folder = g_dir_make_tmp("bw-virt-XXXXXX", NULL);
        g_assert_nonnull(peer->folder);
        peer->path = g_build_filename(peer->folder, "sock", NULL);
        peer->uri = g_strconcat("qemu+unix:///system?socket=", peer->path, NULL);
        peer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_assert_cmpint(peer->fd, >=, 0);
        g_strlcpy(address.sun_path, peer->path, sizeof address.sun_path);
        g_assert_cmpint(bind(peer->fd, (struct sockaddr *) &address, sizeof address), ==, 0);
        g_assert_cmpint(listen(peer->fd, 8), ==, 0);
}

static void peer_clear(Peer *peer) {
        if (peer->source)
                g_source_remove(peer->source);
        close(peer->fd);
        g_unlink(peer->path);
        g_rmdir(peer->folder);
        g_free(peer->folder);
        g_free(peer->path);
        g_free(peer->uri);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Peer, peer_clear)

/* Nobody waits for the next try. Another program may make us slow once, but not each time. */
static void test_unreachable(void) {
        double best = G_MAXDOUBLE;

        for (unsigned i = 0; i < 4 && best > 0.3; i++) {
                g_autoptr(BwVirtRecord) record =
                        bw_virt_record_new("qemu+unix:///system?socket=/nonexistent");
                gint64 before;

                bw_virt_record_await(record, "disconnected");
                bw_virt_record_run_for(1000); /* the next try is at 1.4 */
                g_assert_cmpuint(record->lines->len, ==, 0);
                before = g_get_monotonic_time();
                g_clear_pointer(&record->virt, bw_virt_free);
                best = MIN(best, (double) (g_get_monotonic_time() - before) / G_USEC_PER_SEC);
        }
        g_assert_cmpfloat(best, <, 0.3);
}

static void test_absurd_uris(void) {
        static const char *const uris[] = { "%n%s%n", "no such thing", "nosuch:///driver" };

        for (unsigned i = 0; i < G_N_ELEMENTS(uris); i++) {
                g_autoptr(BwVirtRecord) record = bw_virt_record_new(uris[i]);

                bw_virt_record_await(record, "disconnected");
        }
}

static void await_visits(const Peer *peer, unsigned visits) {
        for (unsigned i = 0; peer->visits < visits && i < 6000; i++)
                bw_virt_record_run_for(10);
        g_assert_cmpuint(peer->visits, >=, visits);
}

/* Tried again and again, ever more rarely, and reported once. */
static void test_retries(void) {
        g_auto(Peer) peer = { 0 };
        g_autoptr(BwVirtRecord) record = NULL;
        gint64 begin;

        peer_listen(&peer);
        peer.source = g_unix_fd_add(peer.fd, G_IO_IN, on_visit, &peer);
        begin = g_get_monotonic_time();
        record = bw_virt_record_new(peer.uri);
        bw_virt_record_await(record, "disconnected");
        for (unsigned visits = 2; visits <= 4; visits++) {
                /* At 0, 0.2, 0.6 and 1.4: a busy machine makes it later, never sooner. */
                static const double soonest[] = { [2] = 0.2, [3] = 0.6, [4] = 1.4 };

                await_visits(&peer, visits);
                if (peer.visits == visits)
                        g_assert_cmpfloat((double) (peer.last - begin) / G_USEC_PER_SEC, >=,
                                          soonest[visits] * 0.9);
        }
        g_assert_cmpuint(record->lines->len, ==, 0);
}

static void test_hung_peer(void) {
        g_auto(Peer) peer = { 0 };
        g_autoptr(BwVirtRecord) record = NULL;
        unsigned calls = 0;
        guint source = bw_virt_record_count_turns(10, &calls);

        peer_listen(&peer); /* the kernel accepts, nobody answers */
        record = bw_virt_record_new(peer.uri);
        bw_virt_record_run_for(500);
        for (unsigned i = 0; calls <= 20 && i < 600; i++)
                bw_virt_record_run_for(100);
        g_assert_cmpuint(calls, >, 20);
        g_assert_cmpuint(bw_virt_record_count(record, "connected"), ==, 0);
        bw_virt_refresh(record->virt);
        g_clear_pointer(&record->virt, bw_virt_free); /* returns, although the peer never answers */
        g_source_remove(source);
        g_ptr_array_set_size(record->lines, 0);
        shutdown(peer.fd, SHUT_RDWR); /* now the thread that was left behind ends */
        bw_virt_record_run_for(300);
        g_assert_cmpuint(record->lines->len, ==, 0);
}

/* Several left behind at once do not stand in each other's way. */
static void test_hung_peer_and_a_fresh_start(void) {
        g_auto(Peer) peer = { 0 };
        g_autoptr(BwVirtRecord) stuck = NULL, record = NULL;

        peer_listen(&peer);
        stuck = bw_virt_record_new(peer.uri);
        g_usleep(100000);
        record = bw_virt_record_new(URI);
        bw_virt_record_await(record, "end");
        g_clear_pointer(&stuck->virt, bw_virt_free);
        bw_virt_refresh(record->virt);
        bw_virt_record_await(record, "end");
}

static void test_silent(void) {
        if (g_test_subprocess()) {
                test_unreachable();
                return;
        }
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr("");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/virt/unreachable", test_unreachable);
        g_test_add_func("/virt/absurd-uris", test_absurd_uris);
        g_test_add_func("/virt/retries", test_retries);
        g_test_add_func("/virt/hung-peer", test_hung_peer);
        g_test_add_func("/virt/hung-peer-and-a-fresh-start", test_hung_peer_and_a_fresh_start);
        g_test_add_func("/virt/silent", test_silent);
        return g_test_run();
}
