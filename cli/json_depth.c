/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "json_depth.h"

#include <stdbool.h>
#include <string.h>

/* What is not read yet. */
typedef struct Rest {
        const char *at, *end;
} Rest;

static bool take_hex(Rest *rest, unsigned *ret) {
        *ret = 0;
        if (rest->end - rest->at < 4)
                return false;
        for (unsigned i = 0; i < 4; i++) {
                int digit = g_ascii_xdigit_value(*rest->at++);

                if (digit < 0)
                        return false;
                *ret = *ret << 4 | (unsigned) digit;
        }
        return true;
}

static bool take_byte(Rest *rest, char byte) {
        if (rest->at == rest->end || *rest->at != byte)
                return false;
        rest->at++;
        return true;
}

/* Behind a backslash. A surrogate stands in a pair, or json-glib takes what follows for the other
 * half, be it the end of the string. */
static bool skip_escape(Rest *rest) {
        unsigned first, second;

        if (!take_byte(rest, 'u')) {
                rest->at += rest->at < rest->end;
                return true;
        }
        if (!take_hex(rest, &first))
                return false;
        if (first < 0xd800 || first > 0xdfff)
                return true;
        return first < 0xdc00 && take_byte(rest, '\\') && take_byte(rest, 'u') &&
               take_hex(rest, &second) && second >= 0xdc00 && second <= 0xdfff;
}

/* Behind the quote. That a string has no end, the parser says. */
static bool skip_string(Rest *rest) {
        while (rest->at < rest->end && !take_byte(rest, '"'))
                if (*rest->at++ == '\\' && !skip_escape(rest))
                        return false;
        return true;
}

static bool is_outside_strings(char byte) {
        return byte != '\0' && (g_ascii_isalnum(byte) || strchr(" \t\r\n[]{}:,+-.", byte));
}

const char *bw_json_depth_fault(const char *text, gsize length, unsigned most) {
        Rest rest = { text, text + length };
        unsigned depth = 0;

        while (rest.at < rest.end) {
                char byte = *rest.at++;

                if (byte == '"' ? !skip_string(&rest) : !is_outside_strings(byte))
                        return "is no JSON: it has a comment, or a string that is not written as "
                               "JSON has it";
                if ((byte == '[' || byte == '{') && ++depth > most)
                        return "is nested too deep";
                depth -= (byte == ']' || byte == '}') && depth > 0;
        }
        return NULL;
}
