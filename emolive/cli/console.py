"""The terminal as rich draws on it, for text that may come from anywhere (see `plain_text`)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich import box, console
from rich.progress import Progress
from rich.segment import Segment
from rich.table import Table

from emolive.i18n import tr
from emolive.plain_text import plain

_WIDE = 10_000


class Console(console.Console):  # noqa: TID251 - the one place
    """Draws what it is given and never obeys it: no control character, no markup, no emoji."""

    def __init__(self, **options: Any) -> None:
        """Take the options of rich's own, whose `highlight` is off, too."""
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

    @classmethod
    def wide(cls) -> Console:
        """Standard output; where that is no terminal, no line is broken."""
        return cls(width=None if sys.stdout.isatty() else _WIDE, soft_wrap=False)

    def render(
        self, renderable: console.RenderableType, options: console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The pieces of what is drawn; control codes are rich's own or none."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(plain(segment.text), segment.style)


def print_table(table: Table) -> None:
    """On standard output; where that is no terminal, no line is broken."""
    Console.wide().print(table)


def columns(*names: str, numbers: Collection[str] = (), **options: Any) -> Table:
    """A table with these columns, wide text folded; those of `numbers` stand at the right.

    Names are as `mark` marked them, `options` rich's own.
    """
    table = Table(**{"box": box.SIMPLE_HEAD, "pad_edge": False, **options})
    for name in names:
        table.add_column(
            tr(name) if name else "",
            justify="right" if name in numbers else "left",
            overflow="fold",
            no_wrap=name == "id",
        )
    return table


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[float, float | None], None]]:
    """A bar on a terminal while work goes on; it is told what is done, and in all (None: open)."""
    terminal = Console(stderr=True)
    with Progress(console=terminal, disable=not terminal.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
