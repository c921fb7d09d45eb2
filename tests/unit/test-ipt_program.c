/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The programs that ask about DHCP messages, run instruction by instruction as the kernel would
 */

#include <bw/corpus_packet.h>
#include <bw/ipt_request.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>

#define ETHERNET 14

/* What xt_bpf is shown. */
typedef struct Packet {
        const GByteArray *frame; /* from the Ethernet header on; the packet begins behind it */
        int ifindex;             /* of its device; 0: it has none */
} Packet;

typedef struct Machine {
        const Packet *packet;
        uint32_t a, x, memory[BPF_MEMWORDS];
        unsigned stored; /* set of cells of @memory */
        bool stopped;
        uint32_t answer;
} Machine;

static void stop(Machine *machine, uint32_t answer) {
        machine->stopped = true;
        machine->answer = answer;
}

/* Big endian; what is beyond the end stops the program with "no". */
static uint32_t load(Machine *machine, int64_t offset, unsigned size) {
        const GByteArray *frame = machine->packet->frame;
        uint32_t value = 0;

        if (offset < 0 || offset + size > frame->len) {
                stop(machine, 0);
                return 0;
        }
        for (unsigned i = 0; i < size; i++)
                value = value << 8 | frame->data[offset + i];
        return value;
}

/* Without a device the kernel's answer is whatever the accumulator holds. */
static uint32_t load_absolute(Machine *machine, uint32_t operand, unsigned size) {
        int32_t offset = (int32_t) operand;

        if (offset == SKF_AD_OFF + SKF_AD_IFINDEX) {
                if (!machine->packet->ifindex)
                        stop(machine, machine->a);
                return (uint32_t) machine->packet->ifindex;
        }
        if (offset < 0)
                return load(machine, (int64_t) offset - SKF_LL_OFF, size);
        return load(machine, (int64_t) offset + ETHERNET, size);
}

static uint32_t load_behind(Machine *machine, uint32_t operand, unsigned size) {
        return load(machine, (int64_t) operand + machine->x + ETHERNET, size);
}

static uint32_t recall(const Machine *machine, uint32_t cell) {
        g_assert_cmpuint(cell, <, BPF_MEMWORDS);
        g_assert_true(machine->stored & 1u << cell);
        return machine->memory[cell];
}

static void keep(Machine *machine, uint32_t cell) {
        g_assert_cmpuint(cell, <, BPF_MEMWORDS);
        machine->memory[cell] = machine->a;
        machine->stored |= 1u << cell;
}

/* Returns how many instructions to skip. */
static unsigned step(Machine *machine, const BwIptInstruction *now) {
        switch (now->code) {
        case BPF_LD | BPF_W | BPF_ABS:
                machine->a = load_absolute(machine, now->operand, 4);
                return 0;
        case BPF_LD | BPF_H | BPF_ABS:
                machine->a = load_absolute(machine, now->operand, 2);
                return 0;
        case BPF_LD | BPF_W | BPF_IND:
                machine->a = load_behind(machine, now->operand, 4);
                return 0;
        case BPF_LD | BPF_H | BPF_IND:
                machine->a = load_behind(machine, now->operand, 2);
                return 0;
        case BPF_LDX | BPF_W | BPF_IMM: /* of a faulty one */
                machine->x = now->operand;
                return 0;
        case BPF_LDX | BPF_B | BPF_MSH:
                machine->x = 4 * (load_absolute(machine, now->operand, 1) & 0xf);
                return 0;
        case BPF_LD | BPF_MEM:
                machine->a = recall(machine, now->operand);
                return 0;
        case BPF_LDX | BPF_MEM:
                machine->x = recall(machine, now->operand);
                return 0;
        case BPF_ST:
                keep(machine, now->operand);
                return 0;
        case BPF_ALU | BPF_RSH | BPF_K:
                machine->a >>= now->operand;
                return 0;
        case BPF_JMP | BPF_JSET | BPF_K:
                return machine->a & now->operand ? now->if_true : now->if_false;
        case BPF_JMP | BPF_JEQ | BPF_K:
                return machine->a == now->operand ? now->if_true : now->if_false;
        case BPF_JMP | BPF_JEQ | BPF_X:
                return machine->a == machine->x ? now->if_true : now->if_false;
        case BPF_RET | BPF_K:
                stop(machine, now->operand);
                return 0;
        default:
                g_error("the programs have no instruction 0x%x", now->code);
        }
}

static bool matches(const BwIptInstruction *program, unsigned length, const Packet *packet) {
        Machine machine = { .packet = packet };

        for (unsigned at = 0; !machine.stopped; at++) {
                g_assert_cmpuint(at, <, length);
                at += step(&machine, &program[at]);
        }
        return machine.answer != 0;
}

/* Messages */

typedef struct Message {
        uint8_t operation;
        BwMac client, sender;
        uint16_t fragment;
        unsigned options; /* words */
} Message;

static BwMac mac_of(unsigned number) {
        return (BwMac){ { 0x52, 0x54, 0, (uint8_t) (number * 5), (uint8_t) (0xff - number),
                          (uint8_t) number } };
}

static Message reply_to(unsigned number) {
        return (Message){ .operation = 2, .client = mac_of(number), .sender = mac_of(200) };
}

static GByteArray *frame_of(const Message *message) {
        const BwMac to = { { 0x52, 0x54, 0, 0xaa, 0xaa, 0xaa } };
        bool request = message->operation == 1;
        BwPacketIp ip = { .source = { BW_FAMILY_IPV4, 32, { 192, 0, 2, 1 } },
                          .destination = { BW_FAMILY_IPV4, 32, { 192, 0, 2, 9 } },
                          .protocol = IPPROTO_UDP,
                          .fragment = message->fragment,
                          .options = message->options };
        GByteArray *bytes = bw_packet_bootp(message->operation, message->client);

        bytes = bw_packet_udp(request ? 68 : 67, request ? 67 : 68, bytes);
        bytes = bw_packet_ip(&ip, bytes);
        return bw_packet_ethernet(to, message->sender, 0x0800, bytes);
}

static gsize start_of_message(const Message *message) {
        return ETHERNET + 20 + 4 * message->options + 8;
}

static bool passes_bytes(const BwIptClient *clients, const GByteArray *frame, int ifindex) {
        BwIptInstruction program[BW_IPT_PROGRAM_MAX];
        unsigned length = bw_ipt_reply_program(clients, program);
        Packet packet = { frame, ifindex };

        g_assert_cmpuint(length, <=, BW_IPT_PROGRAM_MAX);
        return matches(program, length, &packet);
}

static bool passes(const BwIptClient *clients, Message message, int ifindex) {
        g_autoptr(GByteArray) frame = frame_of(&message);

        return passes_bytes(clients, frame, ifindex);
}

/* @n clients, each at a port of its own: number 1 at port 101. */
static void make_clients(unsigned n, BwIptClient clients[static BW_IPT_CLIENT_MAX]) {
        memset(clients, 0, BW_IPT_CLIENT_MAX * sizeof(*clients));
        for (unsigned i = 0; i < n; i++)
                clients[i] = (BwIptClient){ 101 + (int) i, mac_of(1 + i) };
}

/* Tests */

static void test_each_client_at_its_port(void) {
        BwIptClient clients[BW_IPT_CLIENT_MAX];

        for (unsigned n = 0; n <= BW_IPT_CLIENT_MAX; n++) {
                make_clients(n, clients);
                for (unsigned who = 0; who <= n + 1; who++)
                        for (int port = 99; port <= 102 + (int) n; port++)
                                g_assert_cmpint(passes(clients, reply_to(who), port), ==,
                                                who >= 1 && who <= n && port == 100 + (int) who);
        }
}

static void test_several_at_one_port(void) {
        const BwIptClient clients[BW_IPT_CLIENT_MAX] = {
                { 7, mac_of(1) }, { 8, mac_of(2) }, { 7, mac_of(3) }, { 7, mac_of(4) }
        };

        g_assert_true(passes(clients, reply_to(1), 7));
        g_assert_true(passes(clients, reply_to(3), 7));
        g_assert_true(passes(clients, reply_to(4), 7));
        g_assert_false(passes(clients, reply_to(2), 7));
        g_assert_true(passes(clients, reply_to(2), 8));
        g_assert_false(passes(clients, reply_to(3), 8));
}

/* One MAC at two ports: a guest that is being moved. */
static void test_one_at_several_ports(void) {
        const BwIptClient clients[BW_IPT_CLIENT_MAX] = { { 7, mac_of(1) }, { 8, mac_of(1) } };

        g_assert_true(passes(clients, reply_to(1), 7));
        g_assert_true(passes(clients, reply_to(1), 8));
        g_assert_false(passes(clients, reply_to(1), 9));
}

static void test_every_bit_of_chaddr(void) {
        BwIptClient clients[BW_IPT_CLIENT_MAX];

        make_clients(BW_IPT_CLIENT_MAX, clients);
        for (unsigned bit = 0; bit < 48; bit++) {
                Message message = reply_to(5);

                message.client.octet[bit / 8] ^= (uint8_t) (1 << bit % 8);
                g_assert_false(passes(clients, message, 105));
        }
}

/* Then the kernel answers with what the accumulator holds, which must still be nothing. */
static void test_no_device(void) {
        BwIptClient clients[BW_IPT_CLIENT_MAX];

        make_clients(3, clients);
        for (unsigned who = 1; who <= 3; who++) {
                Message message = reply_to(who);

                message.fragment = 0x4000; /* loaded first, this would be the answer */
                g_assert_false(passes(clients, message, 0));
                g_assert_false(passes(clients, reply_to(who), 0));
        }
}

static void test_fragments(void) {
        static const uint16_t parts[] = { 0x2000, 0x0001, 0x1fff, 0x0800, 0x3000 };
        BwIptClient clients[BW_IPT_CLIENT_MAX];
        Message message = reply_to(1);

        make_clients(1, clients);
        message.fragment = 0x4000; /* it must not be fragmented, and is not */
        g_assert_true(passes(clients, message, 101));
        for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
                message.fragment = parts[i];
                g_assert_false(passes(clients, message, 101));
        }
}

/* op, htype and hlen; and not what follows them. */
static void test_opening(void) {
        BwIptClient clients[BW_IPT_CLIENT_MAX];
        Message message = reply_to(1);
        gsize start = start_of_message(&message);

        make_clients(1, clients);
        for (unsigned bit = 0; bit < 32; bit++) {
                g_autoptr(GByteArray) frame = frame_of(&message);

                frame->data[start + bit / 8] ^= (uint8_t) (1 << bit % 8);
                g_assert_cmpint(passes_bytes(clients, frame, 101), ==, bit >= 24);
        }
}

/* With the last byte of chaddr it is enough, and with options all of it is further behind. */
static void test_length(void) {
        BwIptClient clients[BW_IPT_CLIENT_MAX];

        make_clients(1, clients);
        for (unsigned options = 0; options <= 10; options += 5) {
                Message message = reply_to(1);
                gsize enough;

                message.options = options;
                enough = start_of_message(&message) + 28 + 6;
                for (guint length = ETHERNET; length <= enough + 20; length++) {
                        g_autoptr(GByteArray) frame = frame_of(&message);

                        g_byte_array_set_size(frame, length);
                        g_assert_cmpint(passes_bytes(clients, frame, 101), ==, length >= enough);
                }
        }
}

static void assert_same_clients(const BwIptClient *a, const BwIptClient *b) {
        for (gsize i = 0; i < BW_IPT_CLIENT_MAX; i++) {
                g_assert_cmpint(a[i].ifindex, ==, b[i].ifindex);
                g_assert_true(bw_mac_equal(&a[i].mac, &b[i].mac));
        }
}

static void test_read_again(void) {
        BwIptClient clients[BW_IPT_CLIENT_MAX], read[BW_IPT_CLIENT_MAX];
        BwIptInstruction program[BW_IPT_PROGRAM_MAX] = {};
        const BwIptInstruction *request;
        unsigned length;

        make_clients(0, clients);
        length = bw_ipt_reply_program(clients, program);
        g_assert_false(bw_ipt_reply_clients(program, length, read));
        for (unsigned n = 1; n <= BW_IPT_CLIENT_MAX; n++) {
                make_clients(n, clients);
                clients[n - 1].ifindex = G_MAXINT;
                length = bw_ipt_reply_program(clients, program);
                memset(read, 0xff, sizeof(read));
                g_assert_true(bw_ipt_reply_clients(program, length, read));
                assert_same_clients(clients, read);
                for (unsigned other = 0; other <= BW_IPT_PROGRAM_MAX + 9; other++)
                        if (other != length)
                                g_assert_false(bw_ipt_reply_clients(program, other, read));
        }
        request = bw_ipt_request_program(&length);
        g_assert_false(bw_ipt_reply_clients(request, length, read));
}

/* Of all that differs by a bit, only what is written for other clients is ours. */
static void test_near_programs(void) {
        BwIptClient clients[BW_IPT_CLIENT_MAX], read[BW_IPT_CLIENT_MAX];
        BwIptInstruction program[BW_IPT_PROGRAM_MAX], again[BW_IPT_PROGRAM_MAX];
        uint8_t *bytes = (uint8_t *) program;
        unsigned length, ours = 0;

        make_clients(2, clients);
        length = bw_ipt_reply_program(clients, program);
        for (gsize bit = 0; bit < 8 * length * sizeof(*program); bit++) {
                bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
                if (bw_ipt_reply_clients(program, length, read)) {
                        ours++;
                        g_assert_cmpuint(bw_ipt_reply_program(read, again), ==, length);
                        g_assert_cmpmem(program, length * sizeof(*program), again,
                                        length * sizeof(*again));
                }
                bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
        }
        /* Of each client 48 bits of its MAC, and 31 of its port: none is negative. */
        g_assert_cmpuint(ours, ==, 2 * (48 + 31));
}

/* The other program, by the same machine. */
static bool asks(Message message) {
        g_autoptr(GByteArray) frame = frame_of(&message);
        unsigned length;
        const BwIptInstruction *program = bw_ipt_request_program(&length);
        Packet packet = { frame, 0 };

        return matches(program, length, &packet);
}

static void test_request(void) {
        const Message right = { .operation = 1, .client = mac_of(1), .sender = mac_of(1) };
        Message message = right;

        g_assert_true(asks(right));
        message.options = 10;
        g_assert_true(asks(message));
        message.fragment = 0x2000;
        g_assert_false(asks(message));
        message = right;
        message.operation = 2;
        g_assert_false(asks(message));
        for (unsigned i = 0; i < 6; i++) {
                message = right;
                message.sender.octet[i] ^= 2;
                g_assert_false(asks(message));
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ipt-program/each-client-at-its-port", test_each_client_at_its_port);
        g_test_add_func("/ipt-program/several-at-one-port", test_several_at_one_port);
        g_test_add_func("/ipt-program/one-at-several-ports", test_one_at_several_ports);
        g_test_add_func("/ipt-program/every-bit-of-chaddr", test_every_bit_of_chaddr);
        g_test_add_func("/ipt-program/no-device", test_no_device);
        g_test_add_func("/ipt-program/fragments", test_fragments);
        g_test_add_func("/ipt-program/opening", test_opening);
        g_test_add_func("/ipt-program/length", test_length);
        g_test_add_func("/ipt-program/read-again", test_read_again);
        g_test_add_func("/ipt-program/near-programs", test_near_programs);
        g_test_add_func("/ipt-program/request", test_request);
        return g_test_run();
}
