"""Text that may come from anywhere, for a terminal.

A title, a note, a file's or a device's name, a model's metadata may hold what a terminal obeys:
move the cursor, rewrite what was printed, set the clipboard. All that a command prints goes through
`plain`: `say` and `tell` (see `cli.outcome`), and what rich draws (see `cli.console`).
"""

from __future__ import annotations

import re

# C0 without tab and line feed, DEL and C1, which no text needs; the separators of lines and the
# marks that turn the direction of writing, by which a line shows other than what it says.
_CONTROLS = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def plain(text: object) -> str:
    """Text without control characters; tabs and line feeds stay."""
    return _CONTROLS.sub("", str(text))


def one_line(text: object) -> str:
    """`plain`, on one line: what a name is that may hold anything."""
    return " ".join(plain(text).splitlines()).replace("\t", " ")


def valid_text(text: str) -> str:
    """Text that UTF-8 can hold; bytes of names of files that are none become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
