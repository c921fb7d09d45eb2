/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <bw/judgment_text.h>

#include <bw/border_words.h>
#include <bw/port_text.h>

static void add_port(BwJudgmentText *text, const BwPortPlan *port) {
        text->port = port->name;
        text->guest = port->guest ? port->guest : "";
        text->state = bw_port_state_name(port->state);
        text->where = port->where ? port->where : "";
        text->macs = bw_port_text_macs(port);
        text->addresses = bw_port_text_addresses(port);
}

static void add_engines(BwJudgmentText *text, unsigned engines) {
        unsigned n = 0;

        for (BwEngineKind kind = BW_ENGINE_IPTABLES; kind < BW_ENGINE_MAX; kind++)
                if (engines & BW_ENGINE_BIT(kind))
                        text->engines[n++] = bw_engine_name(kind);
}

BwJudgmentText bw_judgment_text_new(const BwJudgment *judgment) {
        bool denies = judgment->reason != BW_REASON_NONE;
        BwJudgmentText text = {
                .port = judgment->bridge->name,
                .bridge = judgment->bridge->name,
                .guest = "",
                .state = "host",
                .direction = bw_direction_name(judgment->direction),
                .fate = bw_fate_name(judgment->fate),
                .reason = denies ? bw_reason_name(judgment->reason) : "",
                .sentence = denies ? bw_reason_sentence(judgment->reason) : "",
                .detail = judgment->detail ? judgment->detail : "",
                .where = "",
        };

        if (judgment->port)
                text.because = bw_border_words(judgment->plan, judgment->bridge, judgment->port,
                                               &judgment->foreign);
        if (!text.because)
                text.because = g_strdup("");
        if (judgment->port) {
                add_port(&text, judgment->port);
        } else {
                text.macs = g_new0(char *, 1);
                text.addresses = g_new0(char *, 1);
        }
        add_engines(&text, judgment->engines);
        return text;
}

void bw_judgment_text_clear(BwJudgmentText *text) {
        g_clear_pointer(&text->because, g_free);
        g_clear_pointer(&text->macs, g_strfreev);
        g_clear_pointer(&text->addresses, g_strfreev);
}
