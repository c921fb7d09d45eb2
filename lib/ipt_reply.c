/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_request.h>
#include <glib.h>
#include <linux/filter.h>
#include <string.h>

/* Where things are. To xt_bpf a packet begins with its IP header; X is that header's length, and
 * UDP's is eight bytes. */
#define DEVICE    ((uint32_t) (SKF_AD_OFF + SKF_AD_IFINDEX))
#define FRAGMENT  6
#define OPERATION 8
#define CHADDR    (8 + 28)

/* op 2, htype 1, hlen 6 */
#define ETHERNET_REPLY 0x020106

/* A load beyond the packet's end makes the kernel end the program with "no". Where there is no
 * device it ends the program with what the accumulator holds, so the device is asked for while that
 * is still zero. What clients are compared with goes to the scratch memory: the kernel makes much
 * code of each load from the packet, and makes it anew whenever the table changes. */
static const BwIptInstruction front[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DEVICE),
        BPF_STMT(BPF_ST, 0),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, FRAGMENT),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
        BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, OPERATION),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 8),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERNET_REPLY, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_IND, CHADDR),
        BPF_STMT(BPF_ST, 1),
        BPF_STMT(BPF_LD | BPF_H | BPF_IND, CHADDR + 4),
        BPF_STMT(BPF_ST, 2),
};

/* Of one client, and what stands behind the last: "no", then "yes". */
#define PART 6
#define REAR 2

G_STATIC_ASSERT(G_N_ELEMENTS(front) + BW_IPT_CLIENT_MAX * PART + REAR <= BW_IPT_PROGRAM_MAX);

static uint32_t chaddr_front(const BwMac *mac) {
        const uint8_t *octet = mac->octet;

        return (uint32_t) octet[0] << 24 | (uint32_t) octet[1] << 16 | (uint32_t) octet[2] << 8 |
               octet[3];
}

static uint32_t chaddr_end(const BwMac *mac) {
        return (uint32_t) mac->octet[4] << 8 | mac->octet[5];
}

/* Whoever it is not leads to the next one's part: several may be at one port. @to_yes: instructions
 * from the part's end. */
static void write_part(const BwIptClient *client, uint8_t to_yes, BwIptInstruction *at) {
        const BwIptInstruction part[PART] = {
                BPF_STMT(BPF_LD | BPF_MEM, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) client->ifindex, 0, 4),
                BPF_STMT(BPF_LD | BPF_MEM, 1),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, chaddr_front(&client->mac), 0, 2),
                BPF_STMT(BPF_LD | BPF_MEM, 2),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, chaddr_end(&client->mac), to_yes, 0),
        };

        memcpy(at, part, sizeof(part));
}

unsigned bw_ipt_reply_program(const BwIptClient *clients,
                              BwIptInstruction program[static BW_IPT_PROGRAM_MAX]) {
        BwIptInstruction *at = program + G_N_ELEMENTS(front);
        unsigned n = 0;

        while (n < BW_IPT_CLIENT_MAX && clients[n].ifindex)
                n++;
        memcpy(program, front, sizeof(front));
        for (unsigned i = 0; i < n; i++, at += PART)
                write_part(&clients[i], (uint8_t) ((n - i - 1) * PART + 1), at);
        *at++ = (BwIptInstruction) BPF_STMT(BPF_RET | BPF_K, 0);
        *at++ = (BwIptInstruction) BPF_STMT(BPF_RET | BPF_K, 1);
        return (unsigned) (at - program);
}

static BwIptClient read_part(const BwIptInstruction *at) {
        uint32_t first = at[3].operand, last = at[5].operand;

        return (BwIptClient){ .ifindex = (int) at[1].operand,
                              .mac = { { (uint8_t) (first >> 24), (uint8_t) (first >> 16),
                                         (uint8_t) (first >> 8), (uint8_t) first,
                                         (uint8_t) (last >> 8), (uint8_t) last } } };
}

/* Taken for one of ours first; then it must be what would be written for what was read. */
bool bw_ipt_reply_clients(const BwIptInstruction *program, unsigned length,
                          BwIptClient clients[static BW_IPT_CLIENT_MAX]) {
        const unsigned least = G_N_ELEMENTS(front) + PART + REAR;
        BwIptInstruction again[BW_IPT_PROGRAM_MAX];
        unsigned n;

        if (length < least || (length - least) % PART || length > BW_IPT_PROGRAM_MAX)
                return false;
        n = (length - least) / PART + 1;
        memset(clients, 0, BW_IPT_CLIENT_MAX * sizeof(*clients));
        for (unsigned i = 0; i < n; i++) {
                clients[i] = read_part(program + G_N_ELEMENTS(front) + (gsize) i * PART);
                if (clients[i].ifindex <= 0)
                        return false;
        }
        return bw_ipt_reply_program(clients, again) == length &&
               memcmp(program, again, length * sizeof(*program)) == 0;
}
