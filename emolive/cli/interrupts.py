"""Ctrl-C as a wish, so that a command ends where it wants to."""

from __future__ import annotations

import signal


class Interrupts:
    """Turns Ctrl-C, and a program that ends us politely, into a wish; a second one is an order.

    An exception in the middle of an event would lose it.
    """

    def __init__(self) -> None:
        self.wished = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._wish)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _wish(self, *_: object) -> None:
        if self.wished:
            raise KeyboardInterrupt
        self.wished = True
