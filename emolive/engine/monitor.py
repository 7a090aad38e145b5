"""The steppable pipeline: everything between a ring of audio and its decisions, without threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.engine.config import EngineConfig
from emolive.engine.stream import StreamPipeline
from emolive.engine.track import StreamTrack
from emolive.errors import AudioDeviceError
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import Event, FeatureWindow, FloatArray, StreamStatus


@dataclass(frozen=True, slots=True)
class _Look:
    """What a step found: at time `now` the ring ended at frame `end`.

    At time `before` it ended at frame `begin`.
    """

    now: float
    end: int
    begin: int
    before: float


class Monitor:
    """One to many streams of one source, one classifier.

    Live, each step answers the newest window of every stream and counts the ones it jumped over,
    so latency cannot grow. With `lossless` every window is answered, oldest first. Windows of all
    streams go to the classifier together, at most `config.max_batch` at once. One thread owns it.
    """

    def __init__(
        self,
        source_format: SourceFormat,
        ring: SampleRing,
        classifier: Classifier,
        vad: SileroVad,
        config: EngineConfig,
        *,
        lossless: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read `ring` from its frame 0 on; `clock` (seconds) measures latency only.

        Raises:
            EmoliveError: the hop does not fit the model's front end.
        """
        metadata = classifier.metadata
        self._classifier = classifier
        self._config = config
        self._lossless = lossless
        self._clock = clock
        self._rate = metadata.front_end.sampling_rate
        self._hop = config.hop_samples(metadata.front_end)
        self._looked_at = clock()
        self._slice = 0
        self.ring_overruns = 0
        self.latency_s = 0.0
        self._tracks = tuple(
            StreamTrack(
                StreamPipeline(name, source_format.sampling_rate, metadata, vad, config),
                metadata,
                config,
            )
            for name in source_format.streams
        )
        self._attach(source_format, ring)

    @property
    def elapsed_s(self) -> float:
        """Time on the stream's own clock, gaps included."""
        return self._first.input_position / self._rate

    @property
    def due_in_s(self) -> float:
        """Seconds of audio still to come until the next window is complete; 0.0 if overdue."""
        return max(0.0, (self._first.missing_samples - self._waiting) / self._rate)

    @property
    def lag_s(self) -> float:
        """How far the newest answer is behind the newest window that could be answered."""
        # What resampling still holds back could not be answered yet.
        held_back = self._first.input_position - self._first.position
        late = self._waiting - self._first.missing_samples - held_back
        windows = len(self._first.due) + (late // self._hop + 1 if late >= 0 else 0)
        return windows * self._hop / self._rate

    @property
    def silent_zeros(self) -> tuple[str, ...]:
        """The streams that deliver nothing but digital zeros."""
        return tuple(t.pipeline.stream for t in self._tracks if t.pipeline.silent_zeros)

    @property
    def streams(self) -> tuple[StreamStatus, ...]:
        """Counters of each stream."""
        return tuple(track.status() for track in self._tracks)

    def step(self) -> list[Event]:
        """Take what the ring has and answer what is due; returns at once if there is nothing."""
        now, before = self._clock(), self._looked_at
        look = _Look(now, self._ring.written, self._cursor, before)
        self._looked_at = now
        end = look.end
        events: list[Event] = []
        # Live, everything is read before anything is classified: that is how it catches up.
        while self._cursor < end:
            events += self._read(min(self._slice, end - self._cursor))
            if self._lossless:
                events += self._answer(look, latest_only=False)
        if not self._lossless:
            events += self._answer(look, latest_only=True)
        return events

    def gap(self, n_samples: int, native_rate: int | None = None) -> list[Event]:
        """Answer what is there; then time passes without audio (model rate) and all starts afresh.

        `native_rate`: of the audio from then on, None: as before.
        """
        events = self.step()
        for track in self._tracks:
            track.pipeline.gap(n_samples, native_rate)
        return events

    def resume(
        self, source_format: SourceFormat, ring: SampleRing, gap_samples: int
    ) -> list[Event]:
        """Go on with a source that was opened again, `gap_samples` (model rate) later.

        Raises:
            AudioDeviceError: it has other streams than before.
        """
        names = tuple(track.pipeline.stream for track in self._tracks)
        if source_format.streams != names:
            raise AudioDeviceError(
                f"The input came back with other channels ({', '.join(source_format.streams)} "
                f"instead of {', '.join(names)}): start again."
            )
        events = self.gap(gap_samples, source_format.sampling_rate)
        self._attach(source_format, ring)
        return events

    def finish(self) -> list[Event]:
        """The audio is over: answer the rest and close all segments."""
        events = self.step()
        now = self._clock()
        for track in self._tracks:
            if block := track.pipeline.finish():
                events.append(block)
        # No newer window will come: the last few are all answered.
        events += self._answer(_Look(now, self._cursor, self._cursor, now), latest_only=False)
        return events + self.close_segments()

    def close_segments(self) -> list[Event]:
        """End all segments here, without another answer."""
        return [segment for track in self._tracks for segment in track.finish()]

    @property
    def _first(self) -> StreamPipeline:
        return self._tracks[0].pipeline  # all streams share one ring, so all are equally far

    @property
    def _waiting(self) -> int:
        """Samples in the ring that were not taken yet (model rate)."""
        return (self._ring.written - self._cursor) * self._rate // self._native_rate

    def _attach(self, source_format: SourceFormat, ring: SampleRing) -> None:
        if ring.channels != len(source_format.streams):
            raise ValueError(f"{ring.channels} ring channels for {source_format.streams}")
        self._ring = ring
        self._cursor = 0
        self._looked_at = self._clock()
        self._native_rate = source_format.sampling_rate
        # No more windows at once than a stream may hold.
        self._slice = int(self._native_rate * self._config.max_batch * self._config.hop_s)

    def _read(self, max_frames: int) -> list[Event]:
        read = self._ring.read(self._cursor, max_frames)
        self._cursor = read.end
        if read.lost:
            self.ring_overruns += 1
            for track in self._tracks:
                track.pipeline.gap(read.lost * self._rate // self._native_rate)
        blocks = (
            track.pipeline.accept(read.samples[:, channel])
            for channel, track in enumerate(self._tracks)
        )
        return [block for block in blocks if block is not None]

    def _answer(self, look: _Look, *, latest_only: bool) -> list[Event]:
        """Classify and decide the due windows."""
        due: list[tuple[StreamTrack, FeatureWindow]] = []
        for track in self._tracks:
            windows = track.pipeline.take_windows(latest_only=latest_only)
            due += [(track, window) for window in windows]
        due.sort(key=lambda pair: pair[1].end_sample)
        logits = self._classify([w if t.pipeline.admits(w) else None for t, w in due])
        answered = self._clock()
        events: list[Event] = []
        for (track, window), answer in zip(due, logits, strict=True):
            latency = answered - look.now
            if not self._lossless:
                latency += self._waited_s(track.pipeline, window, look)
            prediction, segments = track.decide(window, answer, latency)
            events += [prediction, *segments]
            self.latency_s = latency
        return events

    def _waited_s(self, pipeline: StreamPipeline, window: FeatureWindow, look: _Look) -> float:
        """How long the audio that completed a window had been in the ring, at most.

        Sound arrives in real time, so what came after it tells. A window that resampling held back
        was completed by audio that had not been seen before; and that is as old as the look before,
        at most.
        """
        beyond = pipeline.input_position - window.end_sample
        completed = self._cursor - beyond * self._native_rate // self._rate
        by_audio = max(0, look.end - max(completed, look.begin)) / self._native_rate
        return min(by_audio, look.now - look.before)

    def _classify(self, windows: list[FeatureWindow | None]) -> list[FloatArray | None]:
        """Logits of each window, float32 ``(n_classes,)``; None stays None."""
        answers: list[FloatArray | None] = [None] * len(windows)
        speech = [(index, window) for index, window in enumerate(windows) if window is not None]
        for first in range(0, len(speech), self._config.max_batch):
            batch = speech[first : first + self._config.max_batch]
            logits = self._classifier.predict(np.stack([window.log_mel for _, window in batch]))
            for (index, _), row in zip(batch, logits, strict=True):
                answers[index] = row
        return answers
