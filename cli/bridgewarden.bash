# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of bridgewarden(1) for bash.

# Not with compgen -W: it expands each word, and "$(reboot)" is a lawful name of an interface.
_bridgewarden_ports() {
        local name

        while read -r name _; do
                [[ $name == "$1"* ]] && COMPREPLY+=("$(printf %q "$name")")
        done < <(bridgewarden ports 2>/dev/null | sed -e 1d -e '/^\* /d')
}

_bridgewarden() {
        local current=${COMP_WORDS[COMP_CWORD]} verb="" word

        COMPREPLY=()
        case ${COMP_WORDS[COMP_CWORD-1]} in
        --in | --out)
                _bridgewarden_ports "$current"
                return
                ;;
        --links | --addresses | --guests | --config | -c | --pcap)
                mapfile -t COMPREPLY < <(compgen -f -- "$current")
                return
                ;;
        --engine)
                mapfile -t COMPREPLY < <(compgen -W "iptables ip6tables nftables both" -- "$current")
                return
                ;;
        esac
        for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                case $word in
                -*) ;;
                *)
                        verb=$word
                        break
                        ;;
                esac
        done
        case $verb in
        "")
                mapfile -t COMPREPLY < <(compgen -W "status ports port topology fdb plan check explain selftest resync reload disarm version help --json" -- "$current")
                ;;
        plan | check)
                mapfile -t COMPREPLY < <(compgen -W "--links --addresses --guests --config --engine --json --help" -- "$current")
                ;;
        topology)
                mapfile -t COMPREPLY < <(compgen -W "--dot --links --addresses --guests --config --json --help" -- "$current")
                [[ $current == -* ]] || _bridgewarden_ports "$current"
                ;;
        selftest)
                mapfile -t COMPREPLY < <(compgen -W "--engine --json --help" -- "$current")
                ;;
        explain)
                mapfile -t COMPREPLY < <(compgen -W "--in --out --src --dst --src-mac --mac --dst-mac --ping --arp --arp-reply --nd --na --ra --redirect --dhcp --dhcp-server --query --vlan --hex --pcap --live --links --addresses --guests --config --json --help" -- "$current")
                ;;
        port | resync)
                _bridgewarden_ports "$current"
                ;;
        *)
                mapfile -t COMPREPLY < <(compgen -W "--json" -- "$current")
                ;;
        esac
}

complete -F _bridgewarden bridgewarden
