"""One recording within a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emolive.audio.containers.splice import Part


@dataclass(frozen=True, slots=True)
class Link:
    """A recording, most files hold one, and what its header says about its length.

    `parts` make a file of it that can be decoded, `seconds` is its length where that is known.
    The header promises `promised_s` seconds, or `promised_share` times what is there; both None
    where it promises nothing. `cut` tells that it ends in the middle of something, `unmarked` that
    the mark for its end is missing; `skipped` counts bytes in it that belong to no sound, `unread`
    those of sound behind it that no header tells of.
    """

    parts: tuple[Part, ...]
    seconds: float | None = None
    promised_s: float | None = None
    promised_share: float | None = None
    cut: bool = False
    unmarked: bool = False
    skipped: int = 0
    unread: int = 0


def total_seconds(links: Sequence[Link]) -> float | None:
    """How long they are together; None unless all of them are known."""
    known = [link.seconds for link in links if link.seconds is not None]
    return sum(known) if known and len(known) == len(links) else None
