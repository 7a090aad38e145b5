"""A run's audio, heard while it goes on: a file that plays, or a call that is listened in to."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from emolive.audio.output import Output
from emolive.audio.ring import SampleRing
from emolive.engine.capture import LiveAudio
from emolive.engine.run import LiveRun
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.types import FloatArray

_log = logging.getLogger(__name__)

# Audio comes in blocks of 0.1 s: that many seconds are ready before anything is heard.
_AHEAD_S = 0.15
# More than this is late: the oldest is left out. An output that stood still would lag for ever.
_MOST_S = 0.6
_LOOK_EVERY_S = 0.02
# A change of speed that nobody hears, by which the output's clock is followed once it is this far
# ahead or behind.
_LARGEST_CORRECTION = 2e-3
_CORRECT_WITHIN_S = 20.0
_LEAST_DRIFT_S = 0.07
_SETTLE_S = 4.0  # over which what is ready is averaged
_RATE_MARGIN = 1.01
_RAMP_S = 0.02


@dataclass(frozen=True, slots=True)
class ListeningStatus:
    """`error` is one sentence on why nothing is heard; `left_out_s` was too late to be heard.

    `underruns` counts how often the output had to go without.
    """

    heard: bool
    error: str | None = None
    left_out_s: float = 0.0
    underruns: int = 0


class Listening:
    """Plays the end of a run's audio as it comes in. All methods may be called from any thread.

    A thread of its own reads the capture ring with a cursor of its own, so neither analysis nor a
    recording notices; the output's thread only copies. What is heard is about a third of a second
    behind the source. The output's clock is followed by resampling (0.2 % at most). Buffer: 0.6 s;
    overflow policy: the oldest is left out and counted.
    """

    def __init__(
        self,
        run: LiveRun,
        output: Output,
        *,
        volume: float = 1.0,
        streams: Sequence[str] | None = None,
    ) -> None:
        """Hear `run` on `output`; `streams` None: all of them, mixed."""
        self._run = run
        self._output = output
        self._volume = volume
        self._streams = streams
        self._gain = volume
        self._ready: deque[FloatArray] = deque()
        self._added = self._taken = 0
        self._offset = 0
        self._flowing = False
        self._underruns = 0
        self._heard = False
        self._left_out_s = 0.0
        self._error: str | None = None
        self._rate = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="emolive listening", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def set_volume(self, volume: float) -> None:
        """From 0 (nothing) to 1 (as it is)."""
        self._volume = min(1.0, max(0.0, volume))

    def select(self, streams: Sequence[str] | None) -> None:
        """Hear these streams only; None: all, mixed."""
        self._streams = streams

    def status(self) -> ListeningStatus:
        """How it is doing; never waits."""
        return ListeningStatus(self._heard, self._error, self._left_out_s, self._underruns)

    @property
    def ended(self) -> bool:
        """Whether it plays no more and has let the output go."""
        return not self._thread.is_alive()

    def close(self, timeout: float = 1.0) -> bool:
        """Fall silent; whether the output was let go within `timeout` seconds."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return self.ended

    # On the thread.

    def _work(self) -> None:
        output = self._output
        try:
            output.open(self._pull)
            self._rate = output.rate
            self._follow(output)
        except EmoliveError as error:
            _log.warning("Nothing is heard", exc_info=True)
            self._error = str(error)
        except Exception as error:  # a worker must not die unseen
            _log.exception("Listening failed")
            self._error = tr(
                "Nothing is heard ({kind}: {error}).", kind=type(error).__name__, error=error
            )
        finally:
            self._heard = False
            output.close()
            if self._left_out_s or self._underruns:
                _log.warning(
                    "Of what was heard %.1f s came too late, and the output ran dry %d times",
                    self._left_out_s,
                    self._underruns,
                )

    def _follow(self, output: Output) -> None:
        reader: _RingReader | None = None
        while not self._closed.wait(_LOOK_EVERY_S):
            over = self._run.over  # before the audio: what came before the end is then still taken
            audio = self._run.audio
            if audio is not None:
                if reader is None or reader.audio is not audio:
                    reader = _RingReader(audio, output.rate, whole=reader is not None)
                ready_s = (self._added - self._taken) / output.rate
                self._add(reader.read(self._streams, ready_s if self._flowing else _AHEAD_S))
            if problem := output.problem():
                self._error = problem
                return
            if over and self._added == self._taken:
                return
            if over:
                self._flowing = True  # the last moments need no more to come

    def _add(self, samples: FloatArray) -> None:
        if not len(samples):
            return
        self._ready.append(samples)
        self._added += len(samples)

    # On the output's thread.

    def _pull(self, out: FloatArray, heard_at: float) -> None:  # noqa: ARG002 - the interface
        rate = max(1, self._rate)
        waiting = self._added - self._taken
        if waiting > _MOST_S * rate and rate > 1:
            late = waiting - round(_AHEAD_S * rate)
            self._skip(late)
            self._left_out_s += late / rate
        if not self._flowing:
            self._flowing = rate > 1 and waiting >= _AHEAD_S * rate
        done = self._copy(out) if self._flowing else 0
        out[done:] = 0.0
        if self._flowing and done < len(out):
            self._flowing = False
            self._underruns += 1
        self._heard = done > 0
        self._fade(out, rate)

    def _copy(self, out: FloatArray) -> int:
        done = 0
        while done < len(out) and self._ready:
            piece = self._ready[0]
            n = min(len(out) - done, len(piece) - self._offset)
            out[done : done + n] = piece[self._offset : self._offset + n]
            done += n
            self._advance(n)
        return done

    def _skip(self, count: int) -> None:
        while count > 0 and self._ready:
            n = min(count, len(self._ready[0]) - self._offset)
            count -= n
            self._advance(n)

    def _advance(self, n: int) -> None:
        self._offset += n
        self._taken += n
        if self._offset == len(self._ready[0]):
            self._ready.popleft()
            self._offset = 0

    def _fade(self, out: FloatArray, rate: int) -> None:
        """At the volume, without a click where it changes."""
        if self._gain == self._volume:
            if self._gain != 1.0:
                out *= np.float32(self._gain)
            return
        step = len(out) / (_RAMP_S * rate)
        end = self._gain + float(np.clip(self._volume - self._gain, -step, step))
        out *= np.linspace(self._gain, end, len(out), dtype=np.float32)
        self._gain = end


class _RingReader:
    """New frames of a ring, mixed, at an output's rate that is followed."""

    def __init__(self, audio: LiveAudio, output_rate: int, *, whole: bool) -> None:
        """`whole`: from the ring's beginning, for its source came back; else from about now on."""
        self.audio = audio
        ring: SampleRing = audio.ring
        self._native = audio.source_format.sampling_rate
        self._output_rate = output_rate
        # A run that has just begun is heard from its first sample on.
        late = 0 if whole or ring.written < self._native else ring.written - self._native // 10
        self._cursor = max(late, ring.written - ring.capacity // 2)
        self._ready_s = _AHEAD_S
        self._resampler = soxr.ResampleStream(
            self._native * _RATE_MARGIN, output_rate, 1, dtype="float32", quality="HQ", vr=True
        )

    def read(self, streams: Sequence[str] | None, ready_s: float) -> FloatArray:
        """What is new, float32 ``(n,)``, a little faster or slower so that `ready_s` stays."""
        ring = self.audio.ring
        if ring.written == self._cursor:
            return np.empty(0, np.float32)
        read = ring.read(self._cursor)
        self._cursor = read.end
        names = self.audio.source_format.streams
        chosen = [i for i, name in enumerate(names) if streams is None or name in streams]
        frames = read.samples[:, chosen] if chosen else np.zeros((len(read.samples), 1), np.float32)
        samples = np.ascontiguousarray(frames.mean(axis=1), np.float32)
        share = min(1.0, len(samples) / self._native / _SETTLE_S)
        self._ready_s += share * (ready_s - self._ready_s)
        drift_s = self._ready_s - _AHEAD_S
        beyond_s = drift_s - float(np.clip(drift_s, -_LEAST_DRIFT_S, _LEAST_DRIFT_S))
        most = _LARGEST_CORRECTION
        correction = float(np.clip(beyond_s / _CORRECT_WITHIN_S, -most, most))
        ratio = self._native * (1.0 + correction)
        self._resampler.set_io_ratio(ratio, self._output_rate, 0)
        made: FloatArray = self._resampler.resample_chunk(samples)
        return made
