/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "ipt_message.h"

#include <glib.h>
#include <string.h>

/* Member by member: a whole struct would bring its padding along, and the kernel keeps that. */
static void locate(struct xt_u32_test *test, uint8_t operation, uint32_t number) {
        test->location[test->nnums].number = number;
        test->location[test->nnums].nextop = operation;
        test->nnums++;
}

static void expect(struct xt_u32_test *test, uint32_t value) {
        test->value[0].min = test->value[0].max = value;
        test->nvalues = 1;
}

/* "0 >> 22 & 0x3C" is the length of the IP header (RFC 791); then go on behind it. */
static struct xt_u32_test *add_test_behind_header(struct xt_u32 *u32, uint32_t offset) {
        struct xt_u32_test *test = &u32->tests[u32->ntests++];

        locate(test, 0, 0);
        locate(test, XT_U32_RIGHTSH, 22);
        locate(test, XT_U32_AND, 0x3c);
        locate(test, XT_U32_AT, offset);
        return test;
}

/* RFC 2131, figure 1: op, htype 1, hlen 6 open the message; chaddr is its byte 28. UDP's header is
 * eight bytes. A fragment shows no whole message and falls. */
void bw_ipt_message_put_bootp(struct xt_u32 *u32, uint8_t operation, const BwMac *client) {
        const uint8_t *octet = client->octet;
        struct xt_u32_test *test = &u32->tests[u32->ntests++];

        locate(test, 0, 4);
        locate(test, XT_U32_AND, 0x3fff);
        expect(test, 0);

        test = add_test_behind_header(u32, 8);
        locate(test, XT_U32_RIGHTSH, 8);
        expect(test, (uint32_t) operation << 16 | 0x0106);

        test = add_test_behind_header(u32, 8 + 28);
        expect(test, (uint32_t) octet[0] << 24 | (uint32_t) octet[1] << 16 |
                             (uint32_t) octet[2] << 8 | octet[3]);

        test = add_test_behind_header(u32, 8 + 32);
        locate(test, XT_U32_RIGHTSH, 16);
        expect(test, (uint32_t) octet[4] << 8 | octet[5]);
}

BwMac bw_ipt_message_client(const struct xt_u32 *u32) {
        uint32_t front = u32->tests[2].value[0].min, rear = u32->tests[3].value[0].min;

        return (BwMac){ { (uint8_t) (front >> 24), (uint8_t) (front >> 16), (uint8_t) (front >> 8),
                          (uint8_t) front, (uint8_t) (rear >> 8), (uint8_t) rear } };
}

void bw_ipt_message_put_program(struct xt_bpf_info_v1 *bpf, const BwIptInstruction *program,
                                unsigned length) {
        bpf->mode = XT_BPF_MODE_BYTECODE;
        bpf->bpf_program_num_elem = (__u16) length;
        for (unsigned i = 0; i < length; i++) {
                bpf->bpf_program[i].code = program[i].code;
                bpf->bpf_program[i].jt = program[i].if_true;
                bpf->bpf_program[i].jf = program[i].if_false;
                bpf->bpf_program[i].k = program[i].operand;
        }
}

static bool is_request(const BwIptInstruction *program, unsigned length) {
        unsigned wanted_length;
        const BwIptInstruction *wanted = bw_ipt_request_program(&wanted_length);

        return length == wanted_length && memcmp(program, wanted, length * sizeof(*program)) == 0;
}

bool bw_ipt_message_read_program(const struct xt_bpf_info_v1 *bpf, BwIptRule *ret) {
        BwIptInstruction program[BW_IPT_PROGRAM_MAX];
        unsigned length = bpf->bpf_program_num_elem;

        if (bpf->mode != XT_BPF_MODE_BYTECODE || length > BW_IPT_PROGRAM_MAX)
                return false;
        for (unsigned i = 0; i < length; i++)
                program[i] = (BwIptInstruction){ bpf->bpf_program[i].code, bpf->bpf_program[i].jt,
                                                 bpf->bpf_program[i].jf, bpf->bpf_program[i].k };
        if (!is_request(program, length))
                return bw_ipt_reply_clients(program, length, ret->clients);
        ret->client_is_sender = true;
        return true;
}
