"""The terminal as rich draws on it, for text that may come from anywhere (see `plain_text`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import console
from rich.segment import Segment

from emolive.plain_text import plain


class Console(console.Console):  # noqa: TID251 - the one place
    """Draws what it is given and never obeys it: no control character, no markup, no emoji."""

    def __init__(self, **options: Any) -> None:
        """Take the options of rich's own, whose `highlight` is off, too."""
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

    def render(
        self, renderable: console.RenderableType, options: console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The pieces of what is drawn; control codes are rich's own or none."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(plain(segment.text), segment.style)
