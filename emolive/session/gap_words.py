"""Why nothing was kept, in words."""

from __future__ import annotations

from emolive.i18n import mark, tr
from emolive.session.records import GapKind

_NAMES = {
    GapKind.OVERRUN: mark("the computer was too slow"),
    GapKind.SOURCE: mark("the input was gone"),
    GapKind.DISK: mark("the disk was full or away"),
    GapKind.EVENTS: mark("answers were lost"),
}


def gap_name(kind: GapKind) -> str:
    """Why nothing was kept for a while, for people."""
    return tr(_NAMES[kind])
