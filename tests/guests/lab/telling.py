# SPDX-License-Identifier: GPL-2.0-or-later
"""How the demonstrations speak to somebody who watches."""

import textwrap

WIDTH = 78


def say(text=""):
    print(text, flush=True)


def tell(text, indent="  "):
    indents = {"initial_indent": indent, "subsequent_indent": indent}
    say(textwrap.fill(text, WIDTH, break_on_hyphens=False, **indents))


def head(text):
    say(f"\n{text}\n{'-' * len(text)}")


def yes(truth):
    return "yes" if truth else "no"


def row(*cells):
    say("{:<35} {:>16} {:>16}  {:<7}".format(*cells).rstrip())


def count_row(text, without, guarded):
    return text, without, guarded, without > 0 == guarded


def tell_verdicts(rows):
    """rows: (what, without guard, with guard, whether it held). Whether all of it did."""
    head("What it came to")
    row("", "without guard", "with guard", "verdict")
    for *cells, held in rows:
        row(*cells, "ok" if held else "NOT OK")
    return all(held for *_, held in rows)
