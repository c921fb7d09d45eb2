/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/nft_chains.h>
#include <bw/nft_reports.h>

/* A chain that never changes. Every way out is accept, a goto to a later chain, or a goto to the
 * chain of a reason; what a rule cannot read in a short frame does not match, so each chain allows
 * what it has seen and denies the rest. nft 1.0.6 makes one comparison of two unequal signs over
 * neighbouring fields, even with other words in between, which then means "not both": never two of
 * them in one rule. It also leaves out, when it lists, what it would add by itself on reading "ip
 * saddr", and takes "ether type ip" for that, which says more: what kind of frame it is, is asked
 * in a rule of its own. The kernel follows gotos 16 deep: keep paths short. */
typedef struct Chain {
        const char *name;
        const char *body;
} Chain;

static const Chain sending[] = {
        /* ether type is the outermost tag's, even where the card has taken the tag off. */
        { "in-bound", "ether type 0x8035 goto in-rarp\n"
                      "ether type != { 0x0800, 0x0806, 0x86dd } goto in-ethertype\n"
                      "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 goto in-bpdu\n"
                      "iifname . ether saddr != @macs goto in-spoofed-mac\n"
                      "ether type vmap { 0x0800 : goto in-ip4, 0x86dd : goto in-ip6 }\n"
                      "goto in-arp\n" },
        /* DHCP's first words (RFC 2131), and nothing else. */
        { "in-unaddressed", "ether type != 0x0800 goto in-unbound\n"
                            "iifname . ether saddr @macs ip saddr 0.0.0.0 "
                            "ip daddr 255.255.255.255 ip frag-off & 0x3fff == 0 udp sport 68 "
                            "udp dport 67 @th,64,24 0x010106 @nh,4,4 . ip length @bootp "
                            "iifname . @th,288,48 @lladdrs goto in-dhcp-first\n"
                            "goto in-unbound\n" },
        { "in-dhcp-first", "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 goto in-bpdu\n"
                           "accept\n" },
        /* What QEMU says for a guest that has come from elsewhere. */
        { "in-rarp", "meta length < 28 goto in-ethertype\n"
                     "@nh,0,64 != 0x0001080006040003 goto in-ethertype\n"
                     "iifname . @nh,64,48 != @lladdrs goto in-ethertype\n"
                     "iifname . @nh,144,48 != @lladdrs goto in-ethertype\n"
                     "@nh,112,32 != 0 goto in-ethertype\n"
                     "@nh,192,32 != 0 goto in-ethertype\n"
                     "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 goto in-bpdu\n"
                     "iifname . ether saddr != @macs goto in-spoofed-mac\n"
                     "accept\n" },
        { "in-arp", "meta length < 28 goto in-spoofed-arp\n"
                    "@nh,0,48 != 0x000108000604 goto in-spoofed-arp\n"
                    "arp operation != { request, reply } goto in-spoofed-arp\n"
                    "iifname . arp saddr ether != @macs goto in-spoofed-arp\n"
                    "iifname . arp saddr ip @own4 accept\n"
                    "iifname . arp saddr ip @own-net4 accept\n"
                    "iifname . arp saddr ip @gateways4 goto in-spoofed-arp\n"
                    "iifname @any-address accept\n"
                    "arp operation request arp saddr ip 0.0.0.0 "
                    "iifname . arp daddr ip @own4 accept\n"
                    "arp operation request arp saddr ip 0.0.0.0 "
                    "iifname . arp daddr ip @own-net4 accept\n"
                    "goto in-spoofed-arp\n" },
        /* meta l4proto says nothing of a header that is not sound. */
        { "in-ip4", "meta l4proto vmap { 1 : goto in-icmp4, 2 : goto in-igmp, 17 : goto in-udp4, "
                    "103 : goto in-pim }\n"
                    "meta l4proto >= 0 goto in-ip4-source\n"
                    "goto in-spoofed-ip\n" },
        { "in-icmp4", "ip frag-off & 0x1fff != 0 goto in-ip4-source\n"
                      "iifname @routers goto in-ip4-source\n"
                      "ip length < 61 @nh,4,4 . ip length @empty goto in-redirect\n"
                      "icmp type router-advertisement goto in-rogue-ra\n"
                      "icmp type != redirect goto in-ip4-source\n"
                      "goto in-redirect\n" },
        { "in-igmp", "iifname @queriers goto in-ip4-source\n"
                     "ip frag-off & 0x3fff != 0 goto in-rogue-querier\n"
                     "ip length < 61 @nh,4,4 . ip length @empty goto in-rogue-querier\n"
                     "@th,0,8 != { 0x11, 0x30 } goto in-ip4-source\n"
                     "goto in-rogue-querier\n" },
        /* Multicast routers say hello, and a bridge with snooping believes it. */
        { "in-pim", "iifname @queriers goto in-ip4-source\n"
                    "ip frag-off & 0x3fff != 0 goto in-rogue-querier\n"
                    "ip length < 61 @nh,4,4 . ip length @empty goto in-rogue-querier\n"
                    "@th,0,8 != 0x20 goto in-ip4-source\n"
                    "goto in-rogue-querier\n" },
        { "in-udp4", "ip frag-off & 0x1fff != 0 goto in-ip4-source\n"
                     "iifname @dhcp-servers goto in-udp4-source\n"
                     "ip length < 64 @nh,4,4 . ip length @portless goto in-rogue-dhcp\n"
                     "udp sport 67 goto in-rogue-dhcp\n"
                     "udp dport 68 goto in-rogue-dhcp\n"
                     "goto in-udp4-source\n" },
        { "in-udp4-source",
          "ip saddr != 0.0.0.0 goto in-ip4-source\n"
          "ip daddr 255.255.255.255 ip frag-off & 0x3fff == 0 udp sport 68 udp dport 67 "
          "@th,64,24 0x010106 @nh,4,4 . ip length @bootp iifname . @th,288,48 @lladdrs accept\n"
          "goto in-ip4-source\n" },
        { "in-ip4-source", "iifname . ip saddr @own4 accept\n"
                           "iifname . ip saddr @own-net4 accept\n"
                           "iifname . ip saddr @gateways4 goto in-spoofed-ip\n"
                           "iifname @any-address accept\n"
                           "iifname != @routers goto in-spoofed-ip\n"
                           "ip saddr { 0.0.0.0, 127.0.0.0/8, 224.0.0.0/4, 255.255.255.255 } "
                           "goto in-spoofed-ip\n"
                           "iifname . ip saddr @foreign4 goto in-spoofed-ip\n"
                           "iifname . ip saddr @foreign-net4 goto in-spoofed-ip\n"
                           "accept\n" },
        /* What stands right behind the header is read by its place there: that works for a packet
         * cut short, too. */
        { "in-ip6",
          "meta length < 40 goto in-spoofed-ip\n"
          "ip6 version != 6 goto in-spoofed-ip\n"
          "ip6 nexthdr vmap { 6 : goto in-ip6-source, 17 : goto in-udp6, "
          "58 : goto in-icmp6 }\n"
          /* A fragment in a fragment: the kernel takes some other bytes for the message. */
          "frag nexthdr { 0, 43, 44, 60 } goto in-spoofed-nd\n"
          "meta l4proto vmap { 17 : goto in-udp6-behind, 58 : goto in-icmp6-behind }\n"
          "ip6 nexthdr @transports meta l4proto @transports goto in-ip6-source\n"
          "meta l4proto @transports goto in-ip6-behind\n"
          "goto in-spoofed-nd\n" },
        /* The kernel believes extension headers that are longer than the packet: there must be
         * something behind them, if only in an earlier fragment. */
        { "in-ip6-behind", "frag frag-off != 0 goto in-ip6-source\n"
                           "@th,0,8 >= 0 goto in-ip6-source\n"
                           "goto in-spoofed-nd\n" },
        /* Behind extension headers: listener discovery has a right to be there. What no place in
         * the packet shows, later fragments apart, is hidden on purpose (RFC 6980, RFC 7113). */
        { "in-icmp6-behind", "frag frag-off != 0 goto in-icmp6-later\n"
                             "@th,0,8 { 133-137, 141, 142 } goto in-spoofed-nd\n"
                             "@th,0,8 { 130, 151 } iifname != @queriers goto in-rogue-querier\n"
                             "exthdr frag exists goto in-icmp6-first\n"
                             "@th,0,8 { 130-132, 143 } ip6 saddr :: ip6 daddr ff00::/8 accept\n"
                             "goto in-icmp6-first\n" },
        { "in-icmp6-first", "@th,0,8 >= 0 goto in-ip6-source\n"
                            "goto in-spoofed-nd\n" },
        { "in-icmp6-later", "ip6 hoplimit 255 goto in-spoofed-nd\n"
                            "goto in-ip6-source\n" },
        { "in-icmp6", "ip6 length 0 goto in-spoofed-nd\n"
                      "@nh,320,8 { 133-137, 141, 142 } goto in-nd\n"
                      "@nh,320,8 { 130, 151 } iifname != @queriers goto in-rogue-querier\n"
                      "@nh,320,8 { 130-132, 143 } ip6 saddr :: ip6 daddr ff00::/8 accept\n"
                      "@nh,320,8 >= 0 goto in-ip6-source\n"
                      "goto in-spoofed-nd\n" },
        { "in-nd", "ip6 hoplimit != 255 goto in-spoofed-nd\n"
                   "ip6 length > 1 @nh,328,8 != 0 goto in-spoofed-nd\n"
                   "@nh,320,8 134 goto in-ra\n"
                   "@nh,320,8 137 goto in-redirect6\n"
                   /* From here on the packet must be whole. */
                   "@th,0,8 vmap { 133 : goto nd-option-8, 135 : goto nd-option-24, "
                   "136 : goto in-na }\n"
                   "goto in-spoofed-nd\n" },
        { "in-ra", "iifname @routers goto in-ip6-source\n"
                   "goto in-rogue-ra\n" },
        { "in-redirect6", "iifname @routers goto in-ip6-source\n"
                          "goto in-redirect\n" },
        { "in-na", "iifname . @th,64,128 @targets goto nd-option-24\n"
                   "iifname . @th,64,128 @target-nets goto nd-option-24\n"
                   "iifname . @th,64,128 @gateway-targets goto in-spoofed-nd\n"
                   "iifname @any-address goto nd-option-24\n"
                   "@th,64,10 != 0x3fa goto in-spoofed-nd\n"
                   "iifname @strict goto in-spoofed-nd\n"
                   "iifname . @th,64,128 @derived-targets goto nd-option-24\n"
                   "@th,64,128 @owned-targets goto in-spoofed-nd\n"
                   "@th,64,128 @owned-target-nets goto in-spoofed-nd\n"
                   "goto nd-option-24\n" },
        { "nd-source", "ip6 saddr != :: goto in-ip6-source\n"
                       "icmpv6 type 135 goto nd-detection\n"
                       "ip6 daddr ff00::/8 icmpv6 type 133 accept\n"
                       "goto in-ip6-source\n" },
        { "nd-detection", "iifname . @th,64,128 @targets goto nd-detected\n"
                          "iifname . @th,64,128 @target-nets goto nd-detected\n"
                          "iifname . @th,64,128 @gateway-targets goto in-spoofed-nd\n"
                          "iifname @any-address accept\n"
                          "@th,64,10 != 0x3fa goto in-spoofed-nd\n"
                          "iifname @strict goto in-spoofed-nd\n"
                          "iifname . @th,64,128 @derived-targets goto nd-detected\n"
                          "@th,64,128 @owned-targets goto in-spoofed-nd\n"
                          "@th,64,128 @owned-target-nets goto in-spoofed-nd\n"
                          "goto nd-detected\n" },
        { "nd-detected", "ip6 daddr ff00::/8 accept\n"
                         "goto in-spoofed-ip\n" },
        { "in-udp6", "iifname @dhcp-servers goto in-ip6-source\n"
                     "ip6 length < 4 goto in-rogue-dhcp\n"
                     "@nh,320,16 547 goto in-rogue-dhcp\n"
                     "@nh,336,16 546 goto in-rogue-dhcp\n"
                     "@nh,336,16 >= 0 goto in-ip6-source\n"
                     "goto in-rogue-dhcp\n" },
        { "in-udp6-behind", "frag frag-off != 0 goto in-ip6-source\n"
                            "@th,0,8 >= 0 goto in-udp6-shown\n"
                            "goto in-spoofed-nd\n" },
        { "in-udp6-shown", "iifname @dhcp-servers goto in-ip6-source\n"
                           "udp sport 547 goto in-rogue-dhcp\n"
                           "udp dport 546 goto in-rogue-dhcp\n"
                           "udp dport >= 0 goto in-ip6-source\n"
                           "goto in-rogue-dhcp\n" },
        { "in-ip6-source", "iifname . ip6 saddr @own6 accept\n"
                           "iifname . ip6 saddr @own-net6 accept\n"
                           "iifname . ip6 saddr @gateways6 goto in-spoofed-ip\n"
                           "iifname @any-address accept\n"
                           "ip6 saddr fe80::/10 goto in-link-local\n"
                           "iifname != @routers goto in-spoofed-ip\n"
                           "ip6 saddr { ::, ::1, ff00::/8 } goto in-spoofed-ip\n"
                           "iifname . ip6 saddr @foreign6 goto in-spoofed-ip\n"
                           "iifname . ip6 saddr @foreign-net6 goto in-spoofed-ip\n"
                           "accept\n" },
        { "in-link-local", "iifname @strict goto in-spoofed-ip\n"
                           "iifname . ip6 saddr @derived accept\n"
                           "ip6 saddr @owned goto in-spoofed-ip\n"
                           "ip6 saddr @owned-nets goto in-spoofed-ip\n"
                           "accept\n" },
};

/* The short way: most frames are TCP or UDP from one binding to another, and one look-up finds that
 * they have nothing to fear. These chains accept or return, never deny: whatever they do not know
 * goes the long way and is judged there. They read fields by their place, for nft would ask for the
 * protocol again before each field it knows by name, and they ask for equality, which the kernel
 * answers faster than for more or less. Not here: a first octet as of the link-local groups, and of
 * UDP anything short, with IP options, or with a port of DHCP's servers and clients. */
static const Chain by_binding[] = {
        { "in-short4", "iifname . ether saddr . ip saddr @bindings4 goto in-by-binding4\n" },
        { "in-short6", "iifname . ether saddr . ip6 saddr @bindings6 goto in-by-binding6\n" },
        { "out-short4", "oifname . ether daddr . ip daddr @bindings4 meta l4proto != 255 "
                        "ip saddr . ip daddr != @pairs4 accept\n" },
        { "out-short6", "oifname . ether daddr . ip6 daddr @bindings6 meta length >= 40 @nh,0,4 6 "
                        "ip6 saddr . ip6 daddr != @pairs6 accept\n" },
        { "in-by-binding4", "@ll,0,8 1 return\n"
                            "@nh,72,8 6 meta l4proto 6 accept\n"
                            "@th,0,16 67 return\n"
                            "@nh,72,8 17 @nh,0,8 0x45 @nh,16,16 & 0xffe0 != 0 @th,16,16 != 68 "
                            "accept\n" },
        { "in-by-binding6", "@ll,0,8 1 return\n"
                            "@nh,0,4 != 6 return\n"
                            "meta length < 40 return\n"
                            "@nh,48,8 6 accept\n"
                            "@nh,320,16 547 return\n"
                            "@nh,48,8 17 @nh,32,16 & 0xfffc != 0 @nh,336,16 != 546 accept\n" },
};

static const Chain receiving[] = {
        { "out-bound", "oifname . ether daddr @macs goto out-own\n"
                       "ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 goto out-flooded\n"
                       "goto out-own\n" },
        { "out-any-address", "oifname . ether daddr @macs accept\n"
                             "ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00 "
                             "goto out-flooded\n"
                             "accept\n" },
        { "out-unaddressed", "ether type != 0x0800 goto out-unbound\n"
                             "ip frag-off & 0x3fff == 0 udp sport 67 "
                             "udp dport 68 @th,64,24 0x020106 @nh,4,4 . ip length @bootp "
                             "oifname . @th,288,48 @lladdrs goto out-any-address\n"
                             "goto out-unbound\n" },
        { "out-own", "ether type vmap { 0x0800 : goto out-ip4, 0x86dd : goto out-ip6, "
                     "0x8100 : goto out-tagged, 0x88a8 : goto out-tagged, "
                     "0x9100 : goto out-misdelivered }\n"
                     "accept\n" },
        /* A bridge that filters VLANs has put its tag on before it asks. What the kernel itself
         * looks for behind the tag is meta protocol, and fields are found only where the two are
         * the same. */
        { "out-tagged", "@ll,128,16 0x0800 meta protocol 0x0800 goto out-ip4\n"
                        "@ll,128,16 0x86dd meta protocol 0x86dd goto out-ip6\n"
                        "@ll,128,16 != { 0x0800, 0x86dd, 0x8100, 0x88a8, 0x9100 } accept\n"
                        "goto out-misdelivered\n" },
        { "out-ip4", "meta l4proto >= 0 goto out-ip4-destination\n"
                     "goto out-misdelivered\n" },
        { "out-ip4-destination",
          "oifname . ip daddr @own4 goto out-ip4-source\n"
          "ip daddr { 224.0.0.0/4, 255.255.255.255 } goto out-ip4-source\n"
          "oifname . ip daddr @broadcasts goto out-ip4-source\n"
          "oifname . ip daddr @own-net4 goto out-ip4-source\n"
          "ip frag-off & 0x3fff == 0 udp sport 67 udp dport 68 @th,64,24 0x020106 "
          "@nh,4,4 . ip length @bootp oifname . @th,288,48 @lladdrs goto out-ip4-source\n"
          "oifname != @routers goto out-misdelivered\n"
          "oifname . ip daddr @foreign4 goto out-misdelivered\n"
          "oifname . ip daddr @foreign-net4 goto out-misdelivered\n"
          "goto out-ip4-source\n" },
        { "out-ip4-source", "oifname . ip saddr @own4 goto out-reflected\n"
                            "oifname . ip saddr @own-net4 goto out-reflected\n"
                            "accept\n" },
        { "out-ip6", "meta length < 40 goto out-misdelivered\n"
                     "ip6 version != 6 goto out-misdelivered\n"
                     "oifname . ip6 daddr @own6 goto out-ip6-source\n"
                     "ip6 daddr ff00::/8 goto out-ip6-source\n"
                     "oifname . ip6 daddr @own-net6 goto out-ip6-source\n"
                     "ip6 daddr fe80::/10 goto out-link-local\n"
                     "oifname != @routers goto out-misdelivered\n"
                     "oifname . ip6 daddr @foreign6 goto out-misdelivered\n"
                     "oifname . ip6 daddr @foreign-net6 goto out-misdelivered\n"
                     "goto out-ip6-source\n" },
        { "out-link-local", "oifname @strict goto out-misdelivered\n"
                            "oifname . ip6 daddr @derived goto out-ip6-source\n"
                            "ip6 daddr @owned goto out-misdelivered\n"
                            "ip6 daddr @owned-nets goto out-misdelivered\n"
                            "goto out-ip6-source\n" },
        { "out-ip6-source", "oifname . ip6 saddr @own6 goto out-reflected\n"
                            "oifname . ip6 saddr @own-net6 goto out-reflected\n"
                            "accept\n" },
};

/* Borders. Frames are read behind one tag: the kernel has taken it off, and meta protocol is what
 * stands behind it. A site's chain ends in return or in a reason: where more is to be asked, the
 * question stands in a chain that is jumped to, and where nothing is, the end is the base chain's
 * accept. A map of single addresses goes before its twin with networks, for the goto to a site ends
 * the question. The kernel follows each element of a map through all chains behind it: these are
 * short, and few ways lead to a map. */
static const Chain at_borders[] = {
        /* Behind a second tag no rule can look, yet a host takes off all that name no VLAN. */
        { "in-border", "jump in-border-mac\n"
                       "meta protocol vmap { 0x0800 : goto in-border-ip4, "
                       "0x0806 : goto in-border-arp, 0x86dd : goto in-border-ip6, "
                       "0x8100 : goto in-border-spoof, 0x88a8 : goto in-border-spoof }\n"
                       "accept\n" },
        { "in-border-mac", "ether saddr vmap @site-macs\n" },
        { "in-border-arp", "meta length < 28 goto in-border-spoof\n"
                           "@nh,0,48 != 0x000108000604 goto in-border-spoof\n"
                           "jump in-border-arp-mac\n"
                           "meta protocol 0x0806 arp saddr ip vmap @sites4\n"
                           "meta protocol 0x0806 arp saddr ip vmap @site-nets4\n"
                           "meta protocol 0x0806 arp saddr ip 0.0.0.0 accept\n"
                           "goto in-border-unknown\n" },
        { "in-border-arp-mac", "meta protocol 0x0806 arp saddr ether vmap @site-macs\n" },
        { "in-border-ip4", "meta l4proto >= 0 goto in-border-ip4-source\n"
                           "goto in-border-spoof\n" },
        { "in-border-ip4-source", "ip saddr vmap @sites4\n"
                                  "ip saddr vmap @site-nets4\n"
                                  "ip saddr 0.0.0.0 accept\n"
                                  "goto in-border-unknown\n" },
        /* As in-ip6, where it says why. */
        { "in-border-ip6", "meta length < 40 goto in-border-spoof\n"
                           "ip6 version != 6 goto in-border-spoof\n"
                           "ip6 nexthdr vmap { 6 : goto in-border-ip6-source, "
                           "17 : goto in-border-ip6-source, 58 : goto in-border-icmp6 }\n"
                           "frag nexthdr { 0, 43, 44, 60 } goto in-border-spoof\n"
                           "meta l4proto 58 goto in-border-icmp6-behind\n"
                           "ip6 nexthdr @transports meta l4proto @transports "
                           "goto in-border-ip6-source\n"
                           "meta l4proto @transports goto in-border-ip6-behind\n"
                           "goto in-border-spoof\n" },
        { "in-border-ip6-behind", "frag frag-off != 0 goto in-border-ip6-source\n"
                                  "@th,0,8 >= 0 goto in-border-ip6-source\n"
                                  "goto in-border-spoof\n" },
        { "in-border-icmp6-behind", "frag frag-off != 0 goto in-border-icmp6-later\n"
                                    "@th,0,8 { 133-137, 141, 142 } goto in-border-spoof\n"
                                    "@th,0,8 >= 0 goto in-border-ip6-source\n"
                                    "goto in-border-spoof\n" },
        { "in-border-icmp6-later", "ip6 hoplimit 255 goto in-border-spoof\n"
                                   "goto in-border-ip6-source\n" },
        { "in-border-icmp6", "ip6 length 0 goto in-border-spoof\n"
                             "@nh,320,8 136 jump in-border-target\n"
                             "@nh,320,8 135 ip6 saddr :: jump in-border-target\n"
                             "@nh,320,8 >= 0 goto in-border-ip6-source\n"
                             "goto in-border-spoof\n" },
        { "in-border-target", "@nh,384,128 vmap @site-targets\n"
                              "@nh,384,128 vmap @site-target-nets\n"
                              "@nh,384,10 0x3fa return\n"
                              "@nh,384,128 >= 0 iifname @closed-borders goto in-border-spoof\n" },
        { "in-border-ip6-source", "ip6 saddr vmap @sites6\n"
                                  "ip6 saddr vmap @site-nets6\n"
                                  "ip6 saddr { ::, fe80::/10 } accept\n"
                                  "goto in-border-unknown\n" },
        { "in-border-unknown", "iifname @closed-borders goto in-border-spoof\n"
                               "accept\n" },
        { "out-border", "jump out-border-mac\n"
                        "meta protocol vmap { 0x0800 : goto out-border-ip4, "
                        "0x86dd : goto out-border-ip6, 0x8100 : goto out-border-tagged, "
                        "0x88a8 : goto out-border-tagged }\n"
                        "accept\n" },
        { "out-border-mac", "ether daddr vmap @site-macs\n" },
        /* A program of the host's can send a tag that nobody has taken off: what is behind it is
         * found at no place that rules can name. */
        { "out-border-tagged", "@ll,128,16 { 0x0800, 0x86dd } goto out-border-misdelivered\n"
                               "accept\n" },
        { "out-border-ip4", "meta l4proto >= 0 goto out-border-ip4-destination\n"
                            "goto out-border-misdelivered\n" },
        { "out-border-ip4-destination", "ip daddr { 224.0.0.0/4, 255.255.255.255 } accept\n"
                                        "oifname . ip daddr @broadcasts accept\n"
                                        "ip daddr vmap @sites4\n"
                                        "ip daddr vmap @site-nets4\n"
                                        "goto out-border-unknown\n" },
        { "out-border-ip6", "meta length < 40 goto out-border-misdelivered\n"
                            "ip6 version != 6 goto out-border-misdelivered\n"
                            "ip6 daddr ff00::/8 accept\n"
                            "ip6 daddr vmap @sites6\n"
                            "ip6 daddr vmap @site-nets6\n"
                            "ip6 daddr fe80::/10 accept\n"
                            "goto out-border-unknown\n" },
        { "out-border-unknown", "oifname @closed-borders goto out-border-misdelivered\n"
                                "accept\n" },
};

/* Link layer options of solicitations and advertisements, wherever they stand among others. A
 * chain for each place an option may begin, the places counted from the ICMPv6 header. */
#define FIRST_OPTION 8
#define LAST_OPTION  56

static void close_chain(GString *text) {
        g_string_append(text, "\t}\n");
}

static void print_chain(GString *text, const Chain *chain) {
        const char *line = chain->body;

        g_string_append_printf(text, "\tchain %s {\n", chain->name);
        for (const char *end; *line; line = end + 1) {
                end = line;
                while (*end != '\n')
                        end++;
                g_string_append_printf(text, "\t\t%.*s\n", (int) (end - line), line);
        }
        close_chain(text);
}

/* An option says its own length, in units of eight bytes. */
static void print_option_lengths(GString *text, unsigned at) {
        g_string_append_printf(text, "\t\t@th,%u,8 vmap { ", at * 8 + 8);
        for (unsigned units = 1; at + units * 8 <= LAST_OPTION; units++)
                g_string_append_printf(text, "%s%u : goto nd-option-%u", units > 1 ? ", " : "",
                                       units, at + units * 8);
        g_string_append(text, " }\n");
}

static void print_option(GString *text, unsigned at) {
        g_string_append_printf(text, "\tchain nd-option-%u {\n\t\tip6 length %u goto nd-source\n",
                               at, at);
        if (at < LAST_OPTION) {
                g_string_append_printf(text,
                                       "\t\t@th,%u,8 { 1, 2 } @th,%u,8 != 1 goto in-spoofed-nd\n"
                                       "\t\t@th,%u,8 { 1, 2 } iifname . @th,%u,48 != @lladdrs "
                                       "goto in-spoofed-nd\n",
                                       at * 8, at * 8 + 8, at * 8, at * 8 + 16);
                print_option_lengths(text, at);
        }
        g_string_append(text, "\t\tgoto in-spoofed-nd\n\t}\n");
}

static const char *unknown_verdict(BwDirection direction, BwUnknownPorts unknown) {
        bool in = direction == BW_DIRECTION_IN;

        switch (unknown) {
        case BW_UNKNOWN_PORTS_DROP:
                return in ? "goto in-unbound" : "goto out-unbound";
        case BW_UNKNOWN_PORTS_MONITOR:
                return in ? "goto in-watched" : "goto out-watched";
        case BW_UNKNOWN_PORTS_ACCEPT:
                return "accept";
        }
        g_assert_not_reached();
}

/* Whom the source of a delivered frame belongs to is asked together with its destination: a pair of
 * one port's own addresses is a reflection, or at least to be looked at. 255 is no protocol: the
 * question is whether the header is sound. */
static void print_short_way(GString *text, BwDirection direction) {
        const char *way = bw_direction_name(direction);

        g_string_append_printf(text,
                               "\t\tether type 0x0800 jump %s-short4\n"
                               "\t\tether type 0x86dd jump %s-short6\n",
                               way, way);
}

/* A base chain. Sets and not one map of verdicts: the kernel follows every element of such a map
 * through all chains behind it whenever one is added. @match: what frames; or "". */
static void print_hook(GString *text, const char *hook, const char *match, BwDirection direction,
                       BwUnknownPorts unknown) {
        bool in = direction == BW_DIRECTION_IN;
        const char *way = bw_direction_name(direction), *port = in ? "iifname" : "oifname";
        const char *any = in ? "bound" : "any-address";

        g_string_append_printf(text,
                               "\tchain %s {\n"
                               "\t\ttype filter hook %s priority -350; policy accept;\n",
                               hook, hook);
        if (!*match)
                print_short_way(text, direction);
        g_string_append_printf(text, "\t\t%s%s @bound goto %s-bound\n", match, port, way);
        g_string_append_printf(text, "\t\t%s%s @passing accept\n", match, port);
        g_string_append_printf(text, "\t\t%s%s @any-address goto %s-%s\n", match, port, way, any);
        g_string_append_printf(text, "\t\t%s%s @unaddressed goto %s-unaddressed\n", match, port,
                               way);
        g_string_append_printf(text, "\t\t%s%s @borders goto %s-border\n", match, port, way);
        g_string_append_printf(text, "\t\t%s%s @closed goto %s-unbound\n", match, port, way);
        g_string_append_printf(text, "\t\t%s%s @watched goto %s-watched\n", match, port, way);
        g_string_append_printf(text, "\t\t%s%s\n", match, unknown_verdict(direction, unknown));
        close_chain(text);
}

/* Frames to a link-local group are handed to the host, and their source is learned, without ever
 * passing prerouting. */
static void print_hooks(GString *text, BwUnknownPorts unknown) {
        print_hook(text, "prerouting", "", BW_DIRECTION_IN, unknown);
        print_hook(text, "input", "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 ",
                   BW_DIRECTION_IN, unknown);
        print_hook(text, "forward", "", BW_DIRECTION_OUT, unknown);
        print_hook(text, "output", "", BW_DIRECTION_OUT, unknown);
}

/* Pairs of an IPv4 header's length, in units of four bytes, and the packet's: padding behind its
 * end is not the packet's. From @from to @to bytes behind the header. */
static void print_lengths(GString *text, const char *name, unsigned from, unsigned to) {
        g_string_append_printf(text,
                               "\tset %s {\n\t\ttypeof @nh,4,4 . ip length\n"
                               "\t\tflags constant,interval\n\t\telements = { ",
                               name);
        for (unsigned units = 5; units < 16; units++) {
                unsigned first = units * 4 + from;

                g_string_append_printf(text, "%s%u . %u", units > 5 ? ",\n\t\t\t" : "", units,
                                       first);
                if (to > from)
                        g_string_append_printf(text, "-%u", MIN(units * 4 + to, 65535));
        }
        g_string_append(text, " }\n\t}\n");
}

/* Whether what is asked of is the source or the destination: a way out is known in the hooks on the
 * way out alone, and there the port is a border that has been asked for. */
static void print_site(GString *text, guint site) {
        char barred[BW_NFT_BARRED_SIZE];

        bw_nft_barred_name(site, barred);
        g_string_append_printf(text,
                               "\tchain site-%u {\n"
                               "\t\toifname @%s goto out-border-misdelivered\n"
                               "\t\toifname @borders return\n"
                               "\t\tiifname @%s goto in-border-spoof\n"
                               "\t}\n",
                               site, barred, barred);
}

/* Of IPv6: what is known to be no further header (as in bw/frame.h's room). */
static void print_transports(GString *text) {
        g_string_append(text, "\tset transports {\n\t\ttype inet_proto\n\t\tflags constant\n"
                              "\t\telements = { 4, 6, 17, 33, 41, 47, 50, 58, 59, 89, 103, 108, "
                              "112, 115, 132, 136 }\n\t}\n");
}

char *bw_nft_chains_print(unsigned log_rate, BwUnknownPorts unknown, guint sites) {
        GString *text = g_string_new(NULL);

        print_lengths(text, "empty", 0, 0);
        print_lengths(text, "portless", 0, 3);
        print_lengths(text, "bootp", 42, 65535);
        print_transports(text);
        bw_nft_reports_print(text, log_rate);
        for (unsigned at = LAST_OPTION; at >= FIRST_OPTION; at -= 8)
                print_option(text, at);
        for (gsize i = 0; i < G_N_ELEMENTS(sending); i++)
                print_chain(text, &sending[i]);
        for (gsize i = 0; i < G_N_ELEMENTS(receiving); i++)
                print_chain(text, &receiving[i]);
        for (gsize i = 0; i < G_N_ELEMENTS(by_binding); i++)
                print_chain(text, &by_binding[i]);
        for (guint site = 0; site < sites; site++)
                print_site(text, site);
        for (gsize i = 0; i < G_N_ELEMENTS(at_borders); i++)
                print_chain(text, &at_borders[i]);
        print_hooks(text, unknown);
        return g_string_free(text, FALSE);
}
