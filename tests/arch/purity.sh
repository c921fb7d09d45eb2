#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every symbol the pure core takes from outside must be on the list of pure ones.
# purity.sh ARCHIVE LIST [ARCHIVE-IT-MAY-USE]
set -eu
export LC_ALL=C
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# What compilers add by themselves: sanitizers, stack protector, fortified string functions.
# Names of another language's runtime begin with two underscores; __assert_fail and __printf_chk do
# not come from the compiler, so they are kept and judged.
own='^__(asan|ubsan|msan|tsan|hwasan|sanitizer|gcov|llvm|sancov|stack_chk)_|^__odr_asan|^_GLOBAL_OFFSET_TABLE_$'
names() {
        nm "$1" --format=just-symbols "$2" | sed -e '/:$/d' -e '/^$/d' | grep -Ev "$own" | sort -u
}

names --undefined-only "$1" >"$dir/needs"
names --defined-only "$1" >"$dir/gives"
if test $# -gt 2; then names --defined-only "$3"; fi | sort -u >"$dir/lends"
grep -v -e '^#' -e '^$' "$2" | sort -u >"$dir/allowed"
# An empty archive would be pure without meaning anything.
test "$(wc -l <"$dir/gives")" -gt 20
comm -23 "$dir/needs" "$dir/gives" | comm -23 - "$dir/lends" |
        comm -23 - "$dir/allowed" >"$dir/impure"
if test -s "$dir/impure"; then
        echo "lib/ takes these from outside, and tests/arch/allowed-symbols.txt does not have them:"
        cat "$dir/impure"
        exit 1
fi
