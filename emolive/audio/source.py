"""What every source of audio offers: one interface for microphones, files and fakes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from emolive.audio.ring import SampleRing
from emolive.types import Role


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """What a source delivers: its rate in Hz, and one stream name per channel kept apart.

    `roles` says who speaks on each stream (empty: nobody in particular), `native_rates` in Hz what
    the streams had before the source resampled them (empty: `sampling_rate`). `recorded` audio was
    made before, so that digital silence in it is no fault of a device; nor is it on `loopbacks`,
    the streams that carry what a computer plays.
    """

    sampling_rate: int
    streams: tuple[str, ...]
    roles: tuple[Role | None, ...] = ()
    native_rates: tuple[int, ...] = ()
    recorded: bool = False
    loopbacks: tuple[str, ...] = ()

    def role(self, channel: int) -> Role | None:
        """Who speaks on the stream at this index."""
        return self.roles[channel] if self.roles else None

    def native_rate(self, channel: int) -> int:
        """The rate in Hz that the stream at this index had in the first place."""
        return self.native_rates[channel] if self.native_rates else self.sampling_rate


class SourceState(StrEnum):
    """Lifecycle of a source; LOST may be opened again, ENDED is a file that is through."""

    CLOSED = "closed"
    RUNNING = "running"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Snapshot of a source: `message` is a sentence for people, `overflows` counts lost blocks.

    `missing` names the streams that carry nothing right now because their device is away, while
    others of the same source go on. `lost_s` tells of each stream for how long silence has stood in
    for what its device did not deliver; empty where a source lays no streams side by side.
    """

    state: SourceState
    message: str | None = None
    overflows: int = 0
    missing: tuple[str, ...] = ()
    lost_s: tuple[float, ...] = ()


class AudioSource(Protocol):
    """A source writes frames at its native rate into a ring that its user provides.

    A device does so by itself, a `RecordedSource` when it is asked to.
    """

    @property
    def name(self) -> str:
        """For people."""

    def open(self) -> SourceFormat:
        """Get ready and say what will come; may be called again after `close` or a loss.

        Raises:
            AudioDeviceError: no such device, or it refused.
            AudioFileError: the file cannot be read as audio.
        """

    def start(self, ring: SampleRing) -> None:
        """Write frames into `ring` from now on."""

    def status(self) -> SourceStatus:
        """How it is doing; cheap, to be asked several times a second."""

    def close(self) -> None:
        """Stop and release everything; harmless when already closed."""


@runtime_checkable
class RecordedSource(AudioSource, Protocol):
    """A source of audio that exists already: it writes only when its user asks it to."""

    @property
    def failed(self) -> bool:
        """Whether it broke off before its end; `status` says where."""

    @property
    def duration_s(self) -> float | None:
        """Its length, as far as that is known once it is open."""

    def pump(self, ring: SampleRing) -> bool:
        """Write the next block, or, paced, all that are due by now; False when it is through."""


def stream_names(channels: int) -> tuple[str, ...]:
    """Names for `channels` channels that are kept apart."""
    if channels == 1:
        return ("mono",)
    if channels == 2:
        return ("left", "right")
    return tuple(f"ch{number}" for number in range(1, channels + 1))
