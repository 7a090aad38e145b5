"""Listens to an input without a run, so that a person sees whether it hears anything."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emolive.audio.ring import SampleRing
from emolive.audio.source import AudioSource, SourceState
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.types import FloatArray

MakeSource = Callable[[], AudioSource]

_RING_S = 1.0
_EVERY_S = 0.05
_SILENT_FOR_S = 1.5
_SILENT_PEAK = 10 ** (-50 / 20)
_CLIPPED_FOR_S = 1.5
_CLIPPED_PEAK = 10 ** (-0.3 / 20)
_NO_POWER_DBFS = -120.0


@dataclass(frozen=True, slots=True)
class StreamLevel:
    """One stream of an input: its level in dBFS (-inf: none yet).

    `silent`: nothing worth a word for a while; `clipped`: full scale was reached a moment ago.
    """

    stream: str
    level_dbfs: float = -math.inf
    silent: bool = False
    clipped: bool = False


@dataclass(frozen=True, slots=True)
class ProbeStatus:
    """``level_dbfs`` of the last moment, of the loudest stream (-inf: none yet), or ``problem``.

    ``problem`` is one sentence. ``zeros`` tells that only digital silence has been coming from a
    microphone, as without permission. ``streams`` are those of the input, once it is open.
    """

    level_dbfs: float = -math.inf
    problem: str | None = None
    zeros: bool = False
    streams: tuple[StreamLevel, ...] = ()


class LevelProbe:
    """Holds one input open, from `start` to `close`; opened on a thread of its own.

    Size: the last second of audio, of which nothing but levels is taken. `status` may be asked
    from any thread, and never waits.
    """

    def __init__(self, make: MakeSource) -> None:
        """Prepare; the source is made and opened once it is started, on the probe's thread."""
        self._make = make
        self._status = ProbeStatus()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._hold, name="emolive probe", daemon=True)

    def start(self) -> None:
        """Open the input; returns at once."""
        self._thread.start()

    def status(self) -> ProbeStatus:
        """What is heard right now."""
        return self._status

    def close(self, timeout: float = 1.0) -> bool:
        """Let the input go; whether that was done within `timeout` seconds."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _hold(self) -> None:
        try:
            source = self._make()
        except EmoliveError as error:
            self._status = ProbeStatus(problem=str(error))
            return
        try:
            self._listen(source)
        except EmoliveError as error:
            self._status = ProbeStatus(problem=str(error))
        finally:
            source.close()

    def _listen(self, source: AudioSource) -> None:
        found = source.open()
        ring = SampleRing(round(_RING_S * found.sampling_rate), len(found.streams))
        source.start(ring)
        streams = [_Stream(name, found.sampling_rate) for name in found.streams]
        read = 0
        while not self._closed.wait(_EVERY_S):
            status = source.status()
            if status.state is not SourceState.RUNNING:
                stopped = tr("{name} delivers no audio any more.", name=source.name)
                self._status = ProbeStatus(problem=status.message or stopped)
                return
            heard = ring.read(read)
            read = heard.end
            if not len(heard.samples):
                continue
            for channel, stream in enumerate(streams):
                stream.hear(heard.samples[:, channel])
            self._status = ProbeStatus(
                max(stream.level_dbfs for stream in streams),
                zeros=any(one.zeros for one in streams if one.name not in found.loopbacks),
                streams=tuple(stream.now() for stream in streams),
            )


class _Stream:
    """What is known of one stream; times are counted in its own samples."""

    def __init__(self, name: str, rate: int) -> None:
        self.name = name
        self.level_dbfs = -math.inf
        self._rate = rate
        self._silence = 0
        self._zeros = 0
        self._since_clipped = round(_CLIPPED_FOR_S * rate)

    def hear(self, samples: FloatArray) -> None:
        """Take in the newest `samples`, float32 ``(n,)``."""
        power = float(np.mean(np.square(samples, dtype=np.float64)))
        self.level_dbfs = 10 * math.log10(power) if power > 0 else _NO_POWER_DBFS
        peak = float(np.abs(samples).max())
        self._silence = 0 if peak > _SILENT_PEAK else self._silence + len(samples)
        self._zeros = 0 if peak > 0 else self._zeros + len(samples)
        clipped = peak >= _CLIPPED_PEAK
        self._since_clipped = 0 if clipped else self._since_clipped + len(samples)

    @property
    def zeros(self) -> bool:
        """Whether it has been digital silence for a while."""
        return self._zeros >= _SILENT_FOR_S * self._rate

    def now(self) -> StreamLevel:
        """How it is."""
        return StreamLevel(
            self.name,
            self.level_dbfs,
            silent=self._silence >= _SILENT_FOR_S * self._rate,
            clipped=self._since_clipped < _CLIPPED_FOR_S * self._rate,
        )


MakeProbe = Callable[[MakeSource], LevelProbe]
