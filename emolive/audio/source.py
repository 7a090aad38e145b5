"""What every source of audio offers: one interface for microphones, files and fakes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from emolive.audio.ring import SampleRing


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """What a source delivers: native rate in Hz, and one stream name per channel kept apart."""

    sampling_rate: int
    streams: tuple[str, ...]


class SourceState(StrEnum):
    """Lifecycle of a source; LOST may be opened again, ENDED is a file that is through."""

    CLOSED = "closed"
    RUNNING = "running"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Snapshot of a source: `message` is a sentence for people, `overflows` counts lost blocks."""

    state: SourceState
    message: str | None = None
    overflows: int = 0


class AudioSource(Protocol):
    """A source writes frames at its native rate into a ring that its user provides."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def open(self) -> SourceFormat:
        """Get ready and say what will come; may be called again after `close` or a loss.

        Raises:
            AudioDeviceError: no such device, or it refused.
            AudioFileError: the file cannot be read as audio.
        """
        ...

    def start(self, ring: SampleRing) -> None:
        """Write frames into `ring` from now on."""
        ...

    def status(self) -> SourceStatus:
        """How it is doing; cheap, to be asked several times a second."""
        ...

    def close(self) -> None:
        """Stop and release everything; harmless when already closed."""
        ...


def stream_names(channels: int) -> tuple[str, ...]:
    """Names for `channels` channels that are kept apart."""
    if channels == 1:
        return ("mono",)
    if channels == 2:
        return ("left", "right")
    return tuple(f"ch{number}" for number in range(1, channels + 1))
