/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/ipt_request.h>
#include <glib.h>
#include <linux/filter.h>

/* Where things are. To xt_bpf a packet begins with its IP header; SKF_LL_OFF leads to the frame's
 * own. X is the IP header's length, and UDP's header is eight bytes. */
#define FRAGMENT        6
#define ETHERNET_SOURCE ((uint32_t) (SKF_LL_OFF + 6))
#define OPERATION       8
#define CHADDR          (8 + 28)

/* op 1, htype 1, hlen 6 */
#define ETHERNET_REQUEST 0x010106

/* A load beyond the packet's end makes the kernel end the program with "no". An answer is compared
 * with X, which is why chaddr goes to the scratch memory first: to find it X was needed. */
const BwIptInstruction *bw_ipt_request_program(unsigned *ret_length) {
        static const BwIptInstruction program[] = {
                BPF_STMT(BPF_LD | BPF_H | BPF_ABS, FRAGMENT),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 15, 0),
                BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
                BPF_STMT(BPF_LD | BPF_W | BPF_IND, OPERATION),
                BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 8),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERNET_REQUEST, 0, 11),
                BPF_STMT(BPF_LD | BPF_W | BPF_IND, CHADDR),
                BPF_STMT(BPF_ST, 0),
                BPF_STMT(BPF_LD | BPF_H | BPF_IND, CHADDR + 4),
                BPF_STMT(BPF_ST, 1),
                BPF_STMT(BPF_LDX | BPF_MEM, 0),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ETHERNET_SOURCE),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 4),
                BPF_STMT(BPF_LDX | BPF_MEM, 1),
                BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETHERNET_SOURCE + 4),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, 1),
                BPF_STMT(BPF_RET | BPF_K, 0),
        };

        *ret_length = G_N_ELEMENTS(program);
        return program;
}
