"""A thread that computes pieces of a stored stream, those that were asked for last, first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, Signal

from emolive.errors import EmoliveError
from emolive.ui.background import Worker


class TileReader(Protocol):
    """What computes; opened, used and closed on the worker's thread."""

    def tile(self, key: Any) -> object:
        """The piece of a key."""

    def close(self) -> None:
        """Release what is held."""


class TileWorker(Worker):
    """`computed` brings a key and its piece, `broken` one sentence why nothing will come."""

    computed = Signal(object, object)
    broken = Signal(str)
    _done = Signal(object, object)
    _failed = Signal(str)

    def __init__(
        self, name: str, open_reader: Callable[[], TileReader], parent: QObject | None = None
    ) -> None:
        super().__init__(name, parent)
        self._open = open_reader
        self._wanted: list[Any] = []
        self._done.connect(self.computed, Qt.ConnectionType.QueuedConnection)
        self._failed.connect(self.broken, Qt.ConnectionType.QueuedConnection)

    @property
    def idle(self) -> bool:
        """Whether nothing that was asked for is missing."""
        with self._changed:
            return not self._wanted

    def want(self, keys: Sequence[Any]) -> None:
        """Compute these instead of what was asked for before; nothing is no change."""
        with self._changed:
            if self._closed or not keys:
                return
            self._wanted = list(keys)
            self._wake()

    def _drop(self) -> None:
        self._wanted = []

    def _work(self) -> None:
        try:
            with closing(self._open()) as reader:
                self._compute(reader)
        except EmoliveError as error:
            with self._changed:
                if not self._closed:
                    self._closed = True
                    self._wanted = []
                    self._failed.emit(str(error))

    def _compute(self, reader: TileReader) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._wanted))
                if self._closed:
                    return
                key = self._wanted[0]
            tile = reader.tile(key)
            with self._changed:
                if self._over:
                    return
                self._wanted = [one for one in self._wanted if one != key]
                self._done.emit(key, tile)
