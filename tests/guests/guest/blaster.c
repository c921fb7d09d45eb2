/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blaster: a guest without a kernel. A multiboot program that sends frames
 * through an rtl8139 some 20 ms after its CPU starts to run, without end: in
 * turn an ARP reply for itself and a UDP broadcast, both from the IPv4 address
 * of its command line. COM1 gets "GUEST ready" when the first frame is out.
 */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

#define COM1             0x3f8
#define PCI_ADDRESS      0xcf8
#define PCI_DATA         0xcfc
#define RTL8139          0x813910ec
#define RTL_TX_STATUS    0x10
#define RTL_TX_ADDRESS   0x20
#define RTL_COMMAND      0x37
#define RTL_CONFIG1      0x52
#define RTL_RESET        0x10
#define RTL_TRANSMIT     0x04
#define MULTIBOOT_LOADED 0x2badb002
#define MULTIBOOT_MAGIC  0x1badb002
#define FRAME            60

__attribute__((section(".text.0"), used, aligned(4))) static const u32 multiboot[3] = {
        MULTIBOOT_MAGIC, 0, (u32) -MULTIBOOT_MAGIC
};
__attribute__((used, aligned(16))) static u8 stack[4096];
static u8 arp[64] __attribute__((aligned(16))), udp[64] __attribute__((aligned(16)));

static inline void out8(u16 port, u8 value) {
        __asm__ volatile("outb %0,%1" ::"a"(value), "Nd"(port));
}

static inline void out32(u16 port, u32 value) {
        __asm__ volatile("outl %0,%1" ::"a"(value), "Nd"(port));
}

static inline u8 in8(u16 port) {
        u8 value;

        __asm__ volatile("inb %1,%0" : "=a"(value) : "Nd"(port));
        return value;
}

static inline u32 in32(u16 port) {
        u32 value;

        __asm__ volatile("inl %1,%0" : "=a"(value) : "Nd"(port));
        return value;
}

static void say(const char *text) {
        while (*text)
                out8(COM1, *text++);
}

__attribute__((noreturn)) static void stop(void) {
        for (;;)
                __asm__ volatile("hlt");
}

static u32 read_pci(u32 device, u32 where) {
        out32(PCI_ADDRESS, 0x80000000u | device << 11 | where);
        return in32(PCI_DATA);
}

static void write_pci(u32 device, u32 where, u32 value) {
        out32(PCI_ADDRESS, 0x80000000u | device << 11 | where);
        out32(PCI_DATA, value);
}

/* The last word of the command line; the first is the program's path. */
static void read_address(const char *line, u8 *ret) {
        const char *word = line;

        for (; *line; line++)
                if (*line == ' ')
                        word = line + 1;
        for (int i = 0; i < 4; i++) {
                ret[i] = 0;
                while (*word >= '0' && *word <= '9')
                        ret[i] = ret[i] * 10 + *word++ - '0';
                if (*word == '.')
                        word++;
        }
}

static u16 start_card(void) {
        u32 device = 0, bar;
        u16 io;

        while (device < 32 && read_pci(device, 0) != RTL8139)
                device++;
        if (device == 32) {
                say("GUEST has no rtl8139\n");
                stop();
        }
        write_pci(device, 4, read_pci(device, 4) | 5);
        bar = read_pci(device, 0x10);
        if (!(bar & ~3u)) {
                bar = 0xc001;
                write_pci(device, 0x10, bar);
        }
        io = bar & ~3u;
        out8(io + RTL_CONFIG1, 0);
        out8(io + RTL_COMMAND, RTL_RESET);
        while (in8(io + RTL_COMMAND) & RTL_RESET)
                ;
        out8(io + RTL_COMMAND, RTL_TRANSMIT);
        return io;
}

static void write_frames(u16 io, const u8 *address) {
        static const u8 reply[10] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 2 };
        static const u8 ip[14] = { 8, 0, 0x45, 0, 0, FRAME - 14, 0, 0, 0, 0, 64, 17, 0, 0 };
        u32 sum = 0;

        for (int i = 0; i < 6; i++) {
                arp[i] = udp[i] = arp[32 + i] = 0xff;
                arp[6 + i] = udp[6 + i] = arp[22 + i] = in8(io + i);
        }
        for (int i = 0; i < 10; i++)
                arp[12 + i] = reply[i];
        for (int i = 0; i < 14; i++)
                udp[12 + i] = ip[i];
        for (int i = 0; i < 4; i++) {
                arp[28 + i] = arp[38 + i] = udp[26 + i] = address[i];
                udp[30 + i] = 0xff;
        }
        for (int i = 14; i < 34; i += 2)
                sum += udp[i] << 8 | udp[i + 1];
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        udp[24] = ~sum >> 8;
        udp[25] = ~sum;
        udp[35] = udp[37] = 9;
        udp[39] = FRAME - 34;
}

__attribute__((used, noreturn)) static void run(u32 magic, const u32 *boot) {
        u8 address[4] = { 10, 66, 66, 66 };
        u16 io;

        if (magic == MULTIBOOT_LOADED && boot[0] & 4)
                read_address((const char *) boot[4], address);
        io = start_card();
        write_frames(io, address);
        for (u32 n = 0;; n++) {
                out32(io + RTL_TX_ADDRESS + 4 * (n & 3), (u32) (n & 1 ? udp : arp));
                out32(io + RTL_TX_STATUS + 4 * (n & 3), FRAME);
                if (n == 1)
                        say("GUEST ready\n");
                /* some hundred frames a second, so that several of these fit on one machine */
                for (int i = 0; i < 2000; i++)
                        in8(0x80);
        }
}

__asm__(".globl _start\n_start: movl $stack+4096,%esp\n pushl %ebx\n pushl %eax\n call run\n");
