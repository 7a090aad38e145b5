"""How far a run is, how fast, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Advanced, Done, Failed, Message


@dataclass(frozen=True, slots=True)
class PaceNow:
    """A snapshot; seconds of audio, except `elapsed_s` and `left_s`, which are seconds of waiting.

    `total_s` and `left_s` are None as long as nothing is known about the files' lengths.
    """

    files_over: int
    files: int
    done_s: float
    total_s: float | None
    elapsed_s: float
    left_s: float | None

    @property
    def speed(self) -> float:
        """Seconds of audio per second of waiting."""
        return self.done_s / self.elapsed_s if self.elapsed_s > 0 else 0.0


@dataclass(slots=True)
class _Kind:
    """What is known of the files with one extension."""

    waiting_bytes: int = 0
    known_bytes: int = 0
    known_s: float = 0.0


@dataclass(slots=True)
class _Running:
    done_s: float = 0.0
    total_s: float | None = None


@dataclass(slots=True)
class Pace:
    """Follows a run's messages.

    Lengths of files that were not opened yet are estimated from their sizes, for each extension by
    itself: an hour of MP3 is much smaller than an hour of WAV.
    """

    items: Sequence[AudioInput]
    clock: Callable[[], float] = time.monotonic
    _begun_at: float = field(init=False)
    _kinds: dict[str, _Kind] = field(init=False, default_factory=dict)
    _running: dict[AudioInput, _Running] = field(init=False, default_factory=dict)
    _over: int = field(init=False, default=0)
    _over_s: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._begun_at = self.clock()
        for item in self.items:
            self._kind(item).waiting_bytes += item.size

    def accept(self, message: Message) -> None:
        """Take the next message."""
        if isinstance(message, Advanced):
            running = self._started(message.item)
            if message.total_s is not None and running.total_s is None:
                self._learn(message.item, message.total_s)
            running.done_s, running.total_s = message.done_s, message.total_s
        elif isinstance(message, Done | Failed):
            running = self._started(message.item)
            del self._running[message.item]
            self._over += 1
            if isinstance(message, Done):
                self._over_s += message.result.duration_s
                if running.total_s is None:
                    self._learn(message.item, message.result.duration_s)

    def now(self) -> PaceNow:
        """Where it stands."""
        done = self._over_s + sum(running.done_s for running in self._running.values())
        elapsed = self.clock() - self._begun_at
        total = self._total()
        left = None
        if total is not None and done > 0:
            left = max(0.0, total - done) * elapsed / done
        return PaceNow(self._over, len(self.items), done, total, elapsed, left)

    def _kind(self, item: AudioInput) -> _Kind:
        return self._kinds.setdefault(item.path.suffix.lower(), _Kind())

    def _started(self, item: AudioInput) -> _Running:
        if item not in self._running:
            self._running[item] = _Running()
            self._kind(item).waiting_bytes -= item.size
        return self._running[item]

    def _learn(self, item: AudioInput, seconds: float) -> None:
        kind = self._kind(item)
        kind.known_bytes += item.size
        kind.known_s += seconds

    def _total(self) -> float | None:
        known_bytes = sum(kind.known_bytes for kind in self._kinds.values())
        known_s = sum(kind.known_s for kind in self._kinds.values())
        if not known_bytes:
            return self._over_s if self._over == len(self.items) else None
        total = self._over_s
        for kind in self._kinds.values():
            per_byte = (
                kind.known_s / kind.known_bytes if kind.known_bytes else known_s / known_bytes
            )
            total += kind.waiting_bytes * per_byte
        for item, running in self._running.items():
            if running.total_s is not None:
                total += max(running.total_s, running.done_s)
            else:
                total += max(running.done_s, item.size * known_s / known_bytes)
        return total
