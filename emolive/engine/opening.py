"""Opening a source, with a ring for it to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emolive.audio.ring import SampleRing
from emolive.audio.source import AudioSource, SourceFormat


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A source that runs: its format, the ring it writes, and when that began (clock seconds)."""

    source_format: SourceFormat
    ring: SampleRing
    at: float


def open_source(source: AudioSource, ring_s: float, clock: Callable[[], float]) -> Opened:
    """Open and start `source`, with a ring of `ring_s` seconds.

    Raises:
        AudioDeviceError: no such device, or it refused.
        AudioFileError: the file cannot be read as audio.
    """
    source_format = source.open()
    ring = SampleRing(round(ring_s * source_format.sampling_rate), len(source_format.streams))
    at = clock()
    source.start(ring)
    return Opened(source_format, ring, at)
