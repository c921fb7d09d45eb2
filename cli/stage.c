/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "stage.h"

#include <arpa/inet.h>
#include <bw/error.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_BYTES     4096
#define WITNESS        "bw-witness"
#define FAR_WITNESS    "bw-witness2"
#define ALL_ETHERTYPES 0x0003
#define PATIENCE_MSEC  5000
/* Each hop of a frame is one turn in the CPU's queue. A frame crosses a pair, a bridge and a pair,
 * and one that the host answers or routes the same once more; and the pair between two bridges. */
#define MOST_HOPS 6

struct BwStage {
        char *bridges[3]; /* NULL-terminated */
        GPtrArray *names; /* char *: of each port; "": no port */
        unsigned witness;
        uint32_t beyond;  /* set of ports of the far bridge */
        uint32_t joining; /* of these none has a far end of its own */
        BwStageEnds ends;
        BwStageLink *links;
        int far[BW_STAGE_MOST]; /* at the far ends; -1: no port */
        int fence[2];           /* the ends of a pair beside the bridge */
        cpu_set_t cpus;         /* before we came */
        bool is_held;           /* to one CPU */
};

const char *const *bw_stage_free_ports(const BwScene *scene) {
        static const char *const ports[] = { WITNESS, FAR_WITNESS, NULL };
        static const char *const near[] = { WITNESS, NULL };

        return *scene->far_bridge ? ports : near;
}

const char *bw_stage_port_name(const BwStage *stage, unsigned port) {
        return stage->names->pdata[port];
}

const char *bw_stage_bridge(const BwStage *stage) {
        return stage->bridges[0];
}

const char *bw_stage_bridge_of(const BwStage *stage, unsigned port) {
        return stage->bridges[stage->beyond & 1u << port ? 1 : 0];
}

const char *const *bw_stage_bridges(const BwStage *stage) {
        return (const char *const *) stage->bridges;
}

BwStageLink *bw_stage_links(const BwStage *stage) {
        return stage->links;
}

static void number_far_end(const BwPlan *plan, BwPortPlan *port) {
        const BwPortPlan *far = bw_plan_find_port_by_ifindex(plan, port->far_port, NULL);

        port->far_port = port->far_port && far ? (int) if_nametoindex(far->name) : 0;
}

/* The far ends first, while they can be found by their old numbers. */
void bw_stage_number_ports(BwPlan *plan) {
        for (unsigned own = 0; own < 2; own++)
                for (guint i = 0; i < plan->bridges->len; i++) {
                        const GPtrArray *ports = ((BwBridgePlan *) plan->bridges->pdata[i])->ports;

                        for (guint k = 0; k < ports->len; k++) {
                                BwPortPlan *port = ports->pdata[k];

                                if (own)
                                        port->ifindex = (int) if_nametoindex(port->name);
                                else
                                        number_far_end(plan, port);
                        }
                }
}

static bool fail(GError **error, const char *what) {
        int err = errno;
        BwError code = err == EPERM || err == EACCES ? BW_ERROR_DENIED
                       : err == ENOENT || err == ENODEV || err == EAFNOSUPPORT || err == ENOSYS
                               ? BW_ERROR_ABSENT
                               : BW_ERROR_BROKEN;

        g_set_error(error, BW_ERROR, code, "%s: %s", what, g_strerror(err));
        return false;
}

/* The namespace */

static bool look_where(struct stat *ret, GError **error) {
        return stat("/proc/thread-self/ns/net", ret) == 0 ||
               fail(error, "look at the network namespace in /proc");
}

/* Whatever else goes wrong here, the host's own namespace is not worked in. */
bool bw_stage_leave_host(GError **error) {
        struct stat before, after;

        if (!look_where(&before, error))
                return false;
        if (unshare(CLONE_NEWNET) < 0)
                return fail(error, "make a network namespace");
        if (!look_where(&after, error))
                return false;
        if (before.st_dev != after.st_dev || before.st_ino != after.st_ino)
                return true;
        g_set_error(error, BW_ERROR, BW_ERROR_BROKEN,
                    "the network namespace is still the old one after it was left");
        return false;
}

/* One CPU has one queue of packets, and all of ours go through it in turn. */
static bool hold_cpu(BwStage *stage, GError **error) {
        cpu_set_t one;
        int cpu = sched_getcpu();

        if (cpu < 0 || sched_getaffinity(0, sizeof(stage->cpus), &stage->cpus) < 0)
                return fail(error, "ask for the CPU");
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (sched_setaffinity(0, sizeof(one), &one) < 0)
                return fail(error, "stay on one CPU");
        stage->is_held = true;
        return true;
}

/* Ports */

/* Returns a file descriptor, or -1. */
static int open_wire(const char *link, GError **error) {
        struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                       .sll_protocol = htons(ALL_ETHERTYPES),
                                       .sll_ifindex = (int) if_nametoindex(link) };
        int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int on = 1;

        if (fd >= 0 && setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) == 0 &&
            bind(fd, (struct sockaddr *) &address, sizeof(address)) == 0)
                return fd;
        fail(error, "open a packet socket");
        if (fd >= 0)
                close(fd);
        return -1;
}

static int open_tap(const char *name, GError **error) {
        struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
        int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

        g_strlcpy(request.ifr_name, name, sizeof(request.ifr_name));
        if (fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0)
                return fd;
        fail(error, "make a tap");
        if (fd >= 0)
                close(fd);
        return -1;
}

static int open_pair(BwStage *stage, const char *name, const char *far, GError **error) {
        if (!bw_stage_link_add_pair(stage->links, name, far, error) ||
            !bw_stage_link_raise(stage->links, far, NULL, error))
                return -1;
        return open_wire(far, error);
}

static bool add_port(BwStage *stage, unsigned port, GError **error) {
        const char *name = bw_stage_port_name(stage, port);
        g_autofree char *far = g_strdup_printf("far%u", port);

        stage->far[port] = stage->ends == BW_STAGE_TAP ? open_tap(name, error)
                                                       : open_pair(stage, name, far, error);
        return stage->far[port] >= 0 &&
               bw_stage_link_raise(stage->links, name, bw_stage_bridge_of(stage, port), error);
}

static bool join_bridges(BwStage *stage, GError **error) {
        const unsigned ends[] = { BW_WHO_LINK, BW_WHO_LINK_BEYOND };

        if (!stage->joining)
                return true;
        if (!bw_stage_link_add_pair(stage->links, bw_stage_port_name(stage, ends[0]),
                                    bw_stage_port_name(stage, ends[1]), error))
                return false;
        for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++)
                if (!bw_stage_link_raise(stage->links, bw_stage_port_name(stage, ends[i]),
                                         bw_stage_bridge_of(stage, ends[i]), error))
                        return false;
        return true;
}

static bool add_fence(BwStage *stage, GError **error) {
        if (!bw_stage_link_add_pair(stage->links, "fence0", "fence1", error))
                return false;
        for (unsigned i = 0; i < 2; i++) {
                const char *name = i ? "fence1" : "fence0";

                if (!bw_stage_link_raise(stage->links, name, NULL, error))
                        return false;
                stage->fence[i] = open_wire(name, error);
                if (stage->fence[i] < 0)
                        return false;
        }
        return true;
}

/* Frames */

/* By its two MACs: nobody else on the stage uses them at this moment, a card may have taken its tag
 * off, and br_netfilter its padding. */
static bool is_frame(const GByteArray *frame, const uint8_t *bytes, gsize length) {
        const gsize addresses = 12;

        return length >= addresses && frame->len >= addresses &&
               memcmp(bytes, frame->data, addresses) == 0;
}

/* Empties the port; whether @frame was there. */
static bool take(int fd, const GByteArray *frame) {
        uint8_t bytes[MOST_BYTES];
        bool found = false;
        ssize_t length;

        while ((length = read(fd, bytes, sizeof(bytes))) >= 0)
                found |= is_frame(frame, bytes, (gsize) length);
        return found;
}

static bool wait_for(int fd, const GByteArray *frame, GError **error) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

        while (!take(fd, frame))
                if (poll(&poll_fd, 1, PATIENCE_MSEC) <= 0) {
                        g_set_error(error, BW_ERROR, BW_ERROR_BROKEN,
                                    "a frame beside the bridge did not arrive");
                        return false;
                }
        return true;
}

static const uint8_t marker_bytes[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

/* What is sent into the same queue later arrives later, hop by hop. The pair of the fence is no
 * port of the bridge, so no rule sees it. */
static bool settle(BwStage *stage, GError **error) {
        const GByteArray marker = { (guint8 *) marker_bytes, sizeof(marker_bytes) };

        for (unsigned hop = 0; hop < MOST_HOPS; hop++) {
                if (write(stage->fence[0], marker_bytes, sizeof(marker_bytes)) < 0)
                        return fail(error, "send a frame beside the bridge");
                if (!wait_for(stage->fence[1], &marker, error))
                        return false;
        }
        return true;
}

bool bw_stage_collect(BwStage *stage, const GByteArray *head, unsigned *ret_arrived,
                      GError **error) {
        unsigned arrived = 0;

        if (!settle(stage, error))
                return false;
        for (unsigned i = 0; i < BW_STAGE_MOST; i++)
                if (stage->far[i] >= 0 && take(stage->far[i], head))
                        arrived |= 1u << i;
        *ret_arrived = arrived;
        return true;
}

bool bw_stage_fire(BwStage *stage, unsigned port, const GByteArray *frame, unsigned *ret_arrived,
                   GError **error) {
        ssize_t length = write(stage->far[port], frame->data, frame->len);

        *ret_arrived = 0;
        if (length < 0)
                return errno == EINVAL || errno == EMSGSIZE || fail(error, "send a frame");
        if (!bw_stage_collect(stage, frame, ret_arrived, error))
                return false;
        *ret_arrived &= ~(1u << port);
        return true;
}

/* A link that is up carries nothing until the kernel has got round to switching its queue on. */

static bool is_live(BwStage *stage, unsigned port, GError **error) {
        static const uint8_t bytes[60] = { 2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 0x88, 0xb5 };
        const GByteArray probe = { (guint8 *) bytes, sizeof(bytes) };
        unsigned there = 0, back = 0;

        return bw_stage_fire(stage, port, &probe, &there, error) &&
               bw_stage_fire(stage, stage->witness, &probe, &back, error) &&
               (there & 1u << stage->witness) && (back & 1u << port);
}

static bool await_port(BwStage *stage, unsigned port, GError **error) {
        for (unsigned i = 0; i < PATIENCE_MSEC; i++) {
                g_autoptr(GError) trouble = NULL;

                if (is_live(stage, port, &trouble))
                        return true;
                if (trouble) {
                        g_propagate_error(error, g_steal_pointer(&trouble));
                        return false;
                }
                g_usleep(G_TIME_SPAN_MILLISECOND);
        }
        g_set_error(error, BW_ERROR, BW_ERROR_BROKEN, "the port %s carries nothing",
                    bw_stage_port_name(stage, port));
        return false;
}

static bool await_fence(BwStage *stage) {
        for (unsigned i = 0; i < PATIENCE_MSEC; i++) {
                struct pollfd poll_fd = { .fd = stage->fence[1], .events = POLLIN };

                if (write(stage->fence[0], marker_bytes, sizeof(marker_bytes)) >= 0 &&
                    poll(&poll_fd, 1, 1) > 0)
                        return true;
        }
        return false;
}

static bool await_links(BwStage *stage, GError **error) {
        (void) await_fence(stage); /* whoever waits at it next tells when it does not work */
        for (unsigned port = 0; port < stage->names->len; port++)
                if (port != stage->witness && stage->far[port] >= 0 &&
                    !await_port(stage, port, error))
                        return false;
        return true;
}

static bool add_bridge(BwStage *stage, const char *name, GError **error) {
        return bw_stage_link_add_bridge(stage->links, name, error) &&
               bw_stage_link_set_ageing(stage->links, name, 0, error);
}

static bool build(BwStage *stage, GError **error) {
        stage->links = bw_stage_link_new(error);
        if (!stage->links)
                return false;
        for (unsigned i = 0; stage->bridges[i]; i++)
                if (!add_bridge(stage, stage->bridges[i], error))
                        return false;
        for (unsigned port = 0; port < stage->names->len; port++)
                if (*bw_stage_port_name(stage, port) && !(stage->joining & 1u << port) &&
                    !add_port(stage, port, error))
                        return false;
        return join_bridges(stage, error) && add_fence(stage, error) && await_links(stage, error);
}

static BwStage *stage_new(const char *bridge, BwStageEnds ends) {
        BwStage *stage = g_new0(BwStage, 1);

        stage->bridges[0] = g_strdup(bridge);
        stage->names = g_ptr_array_new_with_free_func(g_free);
        stage->ends = ends;
        stage->fence[0] = stage->fence[1] = -1;
        for (unsigned port = 0; port < BW_STAGE_MOST; port++)
                stage->far[port] = -1;
        return stage;
}

static bool set_up(BwStage *stage, GError **error) {
        g_assert(stage->names->len <= BW_STAGE_HOST);
        return bw_stage_leave_host(error) && hold_cpu(stage, error) && build(stage, error);
}

static void add_name(BwStage *stage, const char *name) {
        g_ptr_array_add(stage->names, g_strdup(name));
}

static void add_far_bridge(BwStage *stage, const BwScene *scene) {
        stage->bridges[1] = g_strdup(scene->far_bridge);
        stage->joining = 1u << BW_WHO_LINK | 1u << BW_WHO_LINK_BEYOND;
        stage->beyond = 1u << BW_STAGE_FAR_WITNESS;
        for (BwWho who = BW_WHO_ATTACKER; who < BW_WHO_MAX; who++)
                if (bw_scene_bridge_of(scene, who) == scene->far_bridge)
                        stage->beyond |= 1u << who;
}

BwStage *bw_stage_new(const BwScene *scene, BwStageEnds ends, GError **error) {
        g_autoptr(BwStage) stage = stage_new(scene->bridge, ends);

        for (unsigned who = 0; who < BW_WHO_MAX; who++)
                add_name(stage, scene->stations[who].port);
        add_name(stage, WITNESS);
        add_name(stage, *scene->far_bridge ? FAR_WITNESS : "");
        stage->witness = BW_STAGE_WITNESS;
        if (*scene->far_bridge)
                add_far_bridge(stage, scene);
        return set_up(stage, error) ? g_steal_pointer(&stage) : NULL;
}

/* The host hears all that its bridge has let in, whomever it is for. */
static bool open_host(BwStage *stage, GError **error) {
        struct packet_mreq all = { .mr_ifindex = (int) if_nametoindex(stage->bridges[0]),
                                   .mr_type = PACKET_MR_PROMISC };

        stage->far[BW_STAGE_HOST] = open_wire(stage->bridges[0], error);
        if (stage->far[BW_STAGE_HOST] < 0)
                return false;
        return setsockopt(stage->far[BW_STAGE_HOST], SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all,
                          sizeof(all)) == 0 ||
               fail(error, "listen to all a bridge lets in");
}

BwStage *bw_stage_new_bridge(const char *bridge, const GPtrArray *ports, GError **error) {
        g_autoptr(BwStage) stage = stage_new(bridge, BW_STAGE_VETH);

        for (guint i = 0; i < ports->len; i++)
                add_name(stage, ports->pdata[i]);
        add_name(stage, WITNESS);
        stage->witness = ports->len;
        if (!set_up(stage, error) || !open_host(stage, error))
                return NULL;
        return g_steal_pointer(&stage);
}

static void close_end(int fd) {
        if (fd >= 0)
                close(fd);
}

void bw_stage_free(BwStage *stage) {
        if (!stage)
                return;
        for (unsigned port = 0; port < BW_STAGE_MOST; port++)
                close_end(stage->far[port]);
        close_end(stage->fence[0]);
        close_end(stage->fence[1]);
        bw_stage_link_free(stage->links);
        g_ptr_array_unref(stage->names);
        for (unsigned i = 0; stage->bridges[i]; i++)
                g_free(stage->bridges[i]);
        if (stage->is_held)
                (void) sched_setaffinity(0, sizeof(stage->cpus), &stage->cpus);
        g_free(stage);
}
