#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults in the compilers, one each, for the contract suite to find. mutate.py NAME LIB-FOLDER OUTPUT

Writes a copy of one source with the fault in it. The text that is replaced must be there exactly
once: a fault that is no fault would prove nothing."""

import sys
from pathlib import Path

# Name: file, what it says, what it says with the fault.
FAULTS = {
    'arp-sender-mac': ('nft_chains.c', r'"iifname . arp saddr ether != @macs goto in-spoofed-arp\n"',
                       '""'),
    'arp-operation': ('nft_chains.c', r'"arp operation != { request, reply } goto in-spoofed-arp\n"',
                      '""'),
    'dhcp-chaddr': ('nft_chains.c', '0x010106 @nh,4,4 . ip length @bootp iifname . @th,288,48 '
                    '@lladdrs accept', '0x010106 accept'),
    'dhcp-server': ('nft_chains.c', 'udp sport 67 goto in-rogue-dhcp', 'udp sport 66 accept'),
    'hop-limit': ('nft_chains.c', r'"ip6 hoplimit != 255 goto in-spoofed-nd\n"', '""'),
    'ah-is-transport': ('nft_chains.c', '47, 50, 58', '47, 50, 51, 58'),
    'igmp-fragments': ('nft_chains.c', r'''{ "in-igmp", "iifname @queriers goto in-ip4-source\n"
                     "ip frag-off & 0x3fff != 0 goto in-rogue-querier\n"''',
                       r'{ "in-igmp", "iifname @queriers goto in-ip4-source\n"'),
    'pim': ('nft_chains.c', r'"@th,0,8 != 0x20 goto in-ip4-source\n"', r'"goto in-ip4-source\n"'),
    'wide-multicast': ('nft_chains.c', 'ip daddr { 224.0.0.0/4, 255.255.255.255 } goto out',
                       'ip daddr { 192.0.0.0/2 } goto out'),
    'nd-target-nets': ('nft_chains.c', r'''"iifname @strict goto in-spoofed-nd\n"
                   "iifname . @th,64,128 @derived-targets goto nd-option-24\n"
                   "@th,64,128 @owned-targets goto in-spoofed-nd\n"''',
                       r'"iifname @strict goto in-spoofed-nd\n"'),
    'behind-tags': ('nft_chains.c', '"0x8100 : goto out-tagged, 0x88a8 : goto out-tagged, "', '""'),
    'all-are-routers': ('nft_compile.c', 'if (port->router)\n                add_name', 'add_name'),
    'watched-drops': ('nft_compile.c', '''port->mode == BW_MODE_MONITOR)
                add_name(compiler, SET_MONITORED);
        if (port->dhcp_server)''', '''port->mode == BW_MODE_OFF)
                add_name(compiler, SET_MONITORED);
        if (port->dhcp_server)'''),
    'border-arp-mac': ('nft_chains.c', r'"jump in-border-arp-mac\n"', '""'),
    'border-detection': ('nft_chains.c', r'"@nh,320,8 135 ip6 saddr :: jump in-border-target\n"',
                         '""'),
    'border-out': ('nft_chains.c', r'"\t\toifname @%s goto out-border-misdelivered\n"',
                   r'"\t\toifname @%s accept\n"'),
    'border-arp-sender': ('nft_chains.c', r'"meta protocol 0x0806 arp saddr ip vmap @sites4\n"', '""'),
    'border-arp-networks': ('nft_chains.c', r'"meta protocol 0x0806 arp saddr ip vmap @site-nets4\n"',
                            '""'),
    'border-arp-form': ('nft_chains.c', r'"@nh,0,48 != 0x000108000604 goto in-border-spoof\n"', '""'),
    'border-mac': ('nft_chains.c', r'{ "in-border", "jump in-border-mac\n"', '{ "in-border", ""'),
    'border-out-mac': ('nft_chains.c', r'"jump out-border-mac\n"', '""'),
    'border-target': ('nft_chains.c', r'"@nh,320,8 136 jump in-border-target\n"', '""'),
    'border-target-closed': ('nft_chains.c',
                             r'"@nh,384,128 >= 0 iifname @closed-borders goto in-border-spoof\n"', '""'),
    'border-hidden': ('nft_chains.c', r'''"meta l4proto @transports goto in-border-ip6-behind\n"
                           "goto in-border-spoof\n" },''',
                      r'''"meta l4proto @transports goto in-border-ip6-behind\n"
                           "accept\n" },'''),
    'border-later-fragment': ('nft_chains.c', r'"ip6 hoplimit 255 goto in-border-spoof\n"', '""'),
    'border-exact': ('nft_chains.c', r'''"ip saddr vmap @sites4\n"
                                  "ip saddr vmap @site-nets4\n"''',
                     r'''"ip saddr vmap @site-nets4\n"
                                  "ip saddr vmap @sites4\n"'''),
    'border-broadcasts': ('nft_chains.c', r'''"oifname . ip daddr @broadcasts accept\n"
                                        "ip daddr vmap @sites4\n"''',
                          r'"ip daddr vmap @sites4\n"'),
    'border-all-lead': ('nft_sites.c', 'leads_next(scope, site, border->port, &lead);',
                        '(leads_next(scope, site, border->port, &lead) || site > 0);'),
    'border-closed': ('nft_compile.c', 'if (compiler->port->closed_border)', 'if (false)'),
    'border-leads': ('nft_sites.c', ': leads_next(', ': !leads_next('),
    'ipt-border-all-lead': ('ipt_border.c',
                            'write_dispatch(tree->writer, &dispatch, site->leads)',
                            'write_dispatch(tree->writer, &dispatch, tree->borders)'),
    'ipt-border-difference': ('ipt_border.c', 'leads ? BW_IPT_RETURN : BW_IPT_GOTO', 'BW_IPT_RETURN'),
    'ipt-border-closed': ('ipt_border.c', 'tree->closed = piece->note;', 'tree->closed = false;'),
    'ipt-border-exact': ('ipt_border.c', 'for (guint i = node->items->len; i-- > 0;)',
                         'for (guint i = 0; i < node->items->len; i++)'),
    'ipt-border-around': ('ipt_border.c', 'if (around != NOBODY)',
                          'if (around != NOBODY && node == tree->nodes->pdata[0])'),
    'ipt-piece-site': ('ipt_border.c', 'bw_ipt_key_add_number(tree->key, site_of(tree, node, i));', ''),
    'ipt-piece-around': ('ipt_border.c', 'bw_ipt_key_add_number(tree->key, around);', '(void) around;'),
    'ipt-piece-closed': ('ipt_border.c', 'bw_ipt_key_add_number(tree->key, port->closed_border);', ''),
    'ipt-piece-likeness': ('ipt_border.c', '        find_way(tree, like);',
                           '        if (!piece)\n                find_way(tree, like);'),
    'ipt-piece-owned': ('ipt_shared.c', 'bw_ipt_key_add_prefix(tree->key, &child->base);', '(void) child;'),
    'ipt-piece-forgotten': ('ipt_compile.c',
                            'bw_ipt_shelf_forget(compiler->shelf, compiler->turn);', ''),
    'ipt-border-out': ('ipt_border.c', '        bw_ipt_say_goto(chain, (BwIptRule){}, tree);',
                       '''        if (writer->direction == BW_DIRECTION_IN)
                bw_ipt_say_goto(chain, (BwIptRule){}, tree);'''),
    'ipt-border-groups': ('ipt_border.c', 'if (writer->direction == BW_DIRECTION_OUT)', 'if (false)'),
    'ipt-border-nowhere': ('ipt_border.c', '''        rule.source = nowhere;
        if (tree->writer->direction == BW_DIRECTION_IN)''', '''        rule.source = nowhere;
        if (false)'''),
    'ipt-no-broadcast': ('ipt_port.c', 'deliver(chain, limited_broadcast, pass);',
                         '(void) limited_broadcast;'),
    'ipt-reflected': ('ipt_port.c', 'BW_REASON_REFLECTED, drops(port)', 'BW_REASON_REFLECTED, false'),
    'ipt-reflection-itself': ('ipt_reflection.c', '''                bw_ipt_say_goto(chain, rule, name);
        }
        bw_ipt_own''', '''        }
        bw_ipt_own'''),
    'ipt-reflection-short': ('ipt_short.c', 'rule.source_is_not = bw_ipt_has_one_own(writer, owner->port)',
                             'rule.source_is_not = false'),
    'ipt-reflection-long': ('ipt_reflection.c',
                            'bw_ipt_say_goto(chain, (BwIptRule){ .source = rule.source }, name);', ''),
    'ipt-reflection-groups': ('ipt_reflection.c',
                              'bw_ipt_deliver_groups(writer, chain, reflected);', ''),
    'ipt-reflection-reply': ('ipt_reflection.c', '''{ .dhcp = BW_IPT_DHCP_REPLY }, name,''',
                             '''{ .dhcp = BW_IPT_DHCP_REQUEST }, name,'''),
    'ipt-reflection-asked': ('ipt_reflection.c', '''        bw_ipt_say(chain, ask);
''', ''),
    'ipt-reply-denial': ('ipt_dhcp.c', '''        bw_ipt_denial_chain(writer, writer->replied_to, name);
        bw_ipt_say_goto(chain, (BwIptRule){}, name);''', '''        bw_ipt_denial_chain(writer, writer->replied_to, name);'''),
    'ipt-reply-first': ('ipt_dhcp.c', 'i += BW_IPT_CLIENT_MAX', 'i += clients->len'),
    'ipt-request-chaddr': ('ipt_request.c', 'BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 4)',
                           'BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 3, 3)'),
    'ipt-request-chaddr-front': ('ipt_request.c', 'BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 4)',
                                 'BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 0)'),
    'ipt-request-chaddr-end': ('ipt_request.c', 'BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1)',
                               'BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 0)'),
    'ipt-request-fragment': ('ipt_request.c', '0x3fff, 15, 0)', '0x3fff, 0, 0)'),
    'ipt-request-header': ('ipt_request.c', 'BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0)',
                           'BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 20)'),
    'ipt-request-operation': ('ipt_request.c', 'ETHERNET_REQUEST, 0, 11)', 'ETHERNET_REQUEST, 0, 0)'),
    'ipt-request-type': ('ipt_request.c', '''BPF_STMT(BPF_LD | BPF_W | BPF_IND, OPERATION),
                BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 8)''',
                         '''BPF_STMT(BPF_LD | BPF_B | BPF_IND, OPERATION),
                BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 0x010105)'''),
    'ipt-reply-port': ('ipt_reply.c', '(uint32_t) client->ifindex, 0, 4)',
                       '(uint32_t) client->ifindex, 0, 0)'),
    'ipt-reply-chaddr-front': ('ipt_reply.c', 'chaddr_front(&client->mac), 0, 2)',
                               'chaddr_front(&client->mac), 0, 0)'),
    'ipt-reply-chaddr-end': ('ipt_reply.c', 'chaddr_end(&client->mac), to_yes, 0)',
                             'chaddr_end(&client->mac), to_yes, to_yes)'),
    'ipt-reply-fragment': ('ipt_reply.c', '0x3fff, 4, 0)', '0x3fff, 0, 0)'),
    'ipt-reply-header': ('ipt_reply.c', 'BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0)',
                         'BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 20)'),
    'ipt-reply-operation': ('ipt_reply.c', 'ETHERNET_REPLY, 1, 0)', 'ETHERNET_REPLY, 1, 1)'),
    'ipt-reply-type': ('ipt_reply.c', '''BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 8),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERNET_REPLY, 1, 0)''',
                       '''BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 24),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERNET_REPLY >> 16, 1, 0)'''),
    'ipt-reply-second': ('ipt_reply.c', 'chaddr_front(&client->mac), 0, 2)',
                         'chaddr_front(&client->mac), 0, (uint8_t) (to_yes + 1))'),
    'ipt-reply-no-device': ('ipt_reply.c', 'BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DEVICE)',
                            '''BPF_STMT(BPF_LD | BPF_H | BPF_ABS, FRAGMENT),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DEVICE)'''),
    'ipt-request-denial': ('ipt_shared.c', '''.client_is_sender = true, .target = BW_IPT_RETURN });
        bw_ipt_say_goto(chain, (BwIptRule){}, denial);''',
                           '''.client_is_sender = true, .target = BW_IPT_RETURN });
        (void) denial;'''),
    'ipt-no-sources': ('ipt_port.c', '''                deny_no_sources(writer, chain, port);
                ask''', '''                (void) deny_no_sources;
                ask'''),
    'ipt-strangers': ('ipt_bridge.c', 'unknown_ports == BW_UNKNOWN_PORTS_DROP',
                      'unknown_ports != BW_UNKNOWN_PORTS_DROP'),
}


def main(name, folder, output):
    file, right, wrong = FAULTS[name]
    text = (Path(folder) / file).read_text()
    if text.count(right) != 1:
        print(f'{name}: {file} has the text to replace {text.count(right)} times')
        return 1
    Path(output).write_text(text.replace(right, wrong))
    return 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
