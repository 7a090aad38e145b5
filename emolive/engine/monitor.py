"""The steppable pipeline: everything between a ring of audio and its decisions, without threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from emolive.audio.channels import ChannelComparison
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.baseline import Baselines
from emolive.engine.config import EngineConfig
from emolive.engine.stream import StreamPipeline
from emolive.engine.track import StreamTrack
from emolive.errors import AudioDeviceError
from emolive.features import CutWindows, Windows, normalize
from emolive.inference.classifier import Classifier
from emolive.inference.metadata import ModelMetadata
from emolive.speech.silero import SileroVad, Sound
from emolive.types import Event, FeatureWindow, FloatArray, ModelOutput, Role, StreamStatus

_RESAMPLING_S = 0.1  # no more than this is held back by resampling


@dataclass(frozen=True, slots=True)
class _Look:
    """What a step found: at time `now` the ring ended at frame `end`.

    At time `before` it ended at frame `begin`.
    """

    now: float
    end: int
    begin: int
    before: float


@dataclass(frozen=True, slots=True, eq=False)
class _Due:
    """A window to be answered; `speech` tells whether it holds enough of it."""

    track: StreamTrack
    window: FeatureWindow
    speech: bool

    @property
    def to_classify(self) -> bool:
        return self.speech and self.track.infers_emotion


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """The audio that a monitor took from its ring, whose voice is to be judged; for `Monitor.hear`.

    `sounds` has all streams', or none.
    """

    sounds: tuple[Sound, ...]
    look: _Look
    more: bool


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What a monitor took from its ring and has to answer; for `Monitor.settle`.

    ``more`` tells that the ring holds more than was taken (lossless only).
    """

    events: tuple[Event, ...]
    due: tuple[_Due, ...]
    look: _Look
    more: bool = False

    @property
    def windows(self) -> tuple[FeatureWindow, ...]:
        """The windows that the classifier has to see, in the order of the answers to come."""
        return tuple(due.window for due in self.due if due.to_classify)


def classify(
    classifier: Classifier, windows: Sequence[FeatureWindow], max_batch: int
) -> ModelOutput:
    """What the model says of any number of windows, `max_batch` at once at most."""
    if not windows:
        return ModelOutput(np.empty((0, len(classifier.metadata.labels)), np.float32))
    return ModelOutput.joined(
        [
            classifier.predict(_batch(windows[first:][:max_batch], classifier.metadata))
            for first in range(0, len(windows), max_batch)
        ]
    )


def _batch(windows: Sequence[FeatureWindow], metadata: ModelMetadata) -> Windows:
    spec = metadata.front_end
    as_they_are = metadata.takes_waveform and spec.normalization == "none"
    cut = CutWindows.of(windows) if as_they_are else None
    return np.stack([normalize(one.features, spec) for one in windows]) if cut is None else cut


class Monitor:
    """One to many streams of one source, one classifier.

    Live, each step answers the newest window of every stream and counts the ones it jumped over,
    so latency cannot grow. With `lossless` every window is answered, oldest first. Windows of all
    streams go to the classifier together, at most `EngineConfig.batch_on` it at once. One thread
    owns it.

    A step is `take`, `SileroVad.judge`, `hear`, `classify` and `settle`: who runs several monitors
    may call these, have the sounds of all of them judged together, and send their windows to the
    classifier together.
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
        listened: bool = True,
        clock: Callable[[], float] = time.monotonic,
        baselines: Baselines | None = None,
    ) -> None:
        """Read `ring` from its frame 0 on; `clock` (seconds) measures latency only.

        `listened` False: nobody wants feature blocks, and none come. `baselines`: where answers are
        adapted to their source, None: nowhere.

        Raises:
            EmoliveError: the hop does not fit the model's front end.
        """
        metadata = classifier.metadata
        self._classifier = classifier
        self._vad = vad
        self._config = config
        self._lossless = lossless
        self._max_batch = config.batch_on(classifier.provider)
        self._clock = clock
        self.rate = metadata.front_end.sampling_rate
        self._hop = config.hop_samples(metadata.front_end)
        self._window = metadata.window_samples
        self._looked_at = clock()
        self._slice = 0
        self.ring_overruns = 0
        self._lost_s: tuple[float, ...] = ()
        self.latency_s = 0.0
        self._tracks = tuple(
            StreamTrack(
                StreamPipeline(
                    name,
                    source_format.sampling_rate,
                    metadata,
                    vad,
                    config,
                    role=source_format.role(channel),
                    first_rate=source_format.native_rate(channel),
                    listened=listened,
                    max_batch=self._max_batch,
                ),
                metadata,
                config,
                baselines.open(
                    name, source_format.role(channel), metadata.fingerprint, metadata.labels
                )
                if baselines is not None and config.infers_emotion(source_format.role(channel))
                else None,
            )
            for channel, name in enumerate(source_format.streams)
        )
        self._attach(source_format, ring)

    @property
    def position(self) -> int:
        """The sample at which the newest audio that came in ends, gaps included."""
        return self._first.input_position

    @property
    def elapsed_s(self) -> float:
        """Time on the stream's own clock, gaps included."""
        return self._first.input_position / self.rate

    @property
    def overdue_s(self) -> float:
        """Seconds of audio that came after the next window's end; negative: still to come."""
        return self._late / self.rate

    @property
    def unread(self) -> bool:
        """Whether the ring holds audio that was not taken yet."""
        return self._cursor < self._ring.written

    @property
    def lag_s(self) -> float:
        """How far the newest answer is behind the newest window that could be answered."""
        return self._windows_waiting * self._hop / self.rate

    @property
    def silent_zeros(self) -> tuple[str, ...]:
        """The streams that deliver nothing but digital zeros."""
        return tuple(t.pipeline.stream for t in self._tracks if t.pipeline.silent_zeros)

    @property
    def one_sound(self) -> str | None:
        """That two channels carry the same sound, as a clause that follows a name, or None."""
        return self._comparison.remark(self._names) if self._comparison is not None else None

    @property
    def streams(self) -> tuple[StreamStatus, ...]:
        """Counters of each stream."""
        return self.stream_statuses()

    def stream_statuses(self, missing: Sequence[str] = ()) -> tuple[StreamStatus, ...]:
        """Counters of each stream, those in `missing` being away right now.

        Live, of the windows that wait all but the newest count as skipped already.
        """
        passed = 0 if self._lossless else max(0, self._windows_waiting - 1)
        return tuple(
            track.status(missing=track.pipeline.stream in missing, passed_over=passed)
            for track in self._tracks
        )

    def count_lost(self, lost_s: Sequence[float]) -> None:
        """Count what the source lost itself: seconds of each stream since it was attached."""
        for track, before, now in zip(self._tracks, self._lost_s, lost_s, strict=False):
            track.pipeline.samples_lost += round(now * self.rate) - round(before * self.rate)
        self._lost_s = tuple(lost_s) or self._lost_s

    def step(self) -> list[Event]:
        """Take what the ring has and answer what is due; returns at once if there is nothing."""
        end = self._ring.written
        events: list[Event] = []
        more = True
        while more:
            taken = self.take(end)
            work = self.hear(taken, self._vad.judge(taken.sounds))
            events += self.settle(work, self._classify(work.windows))
            more = work.more
        return events

    def take(self, end: int | None = None, *, newest_only: bool = False) -> Taken:
        """Take what the ring has; lossless, only as much as the streams can hold windows of.

        `end`: the ring's frame to stop at, None: its newest. `newest_only`: of a backlog, only what
        the newest window needs; the rest is left out before anything is paid for it, and counted.
        Each call is to be followed by `hear` and `settle` before the next.
        """
        if newest_only:
            self._skip_backlog(self._newest_window)
        now, before = self._clock(), self._looked_at
        end = self._ring.written if end is None else end
        look = _Look(now, end, self._cursor, before)
        self._looked_at = now
        sounds: tuple[Sound, ...] = ()
        if self._cursor < end:
            # Live, everything is read before anything is classified: that is how it catches up.
            room = self._slice if self._lossless else end - self._cursor
            sounds = self._read(min(room, end - self._cursor))
        return Taken(sounds, look, more=self._cursor < end)

    def hear(self, taken: Taken, voices: Sequence[FloatArray]) -> Work:
        """Make windows of what was taken; `voices`: what `SileroVad.judge` says of its sounds."""
        events = [
            track.pipeline.hear(samples, voice, at_once=not self._lossless)
            for track, (_, samples), voice in zip(self._tracks, taken.sounds, voices, strict=False)
        ]
        blocks = tuple(block for block in events if block is not None)
        return Work(blocks, self._windows_due(), taken.look, taken.more)

    def settle(self, work: Work, output: ModelOutput) -> list[Event]:
        """Everything that happened: new frames, answers, closed segments.

        `work` is what `hear` returned, `output` the model's, of `work.windows`.
        """
        answered = self._clock()
        events = list(work.events)
        row = 0
        for due in work.due:
            latency = answered - work.look.now
            if not self._lossless:
                latency += self._waited_s(due.track.pipeline, due.window, work.look)
            answer = output[row : row + 1] if due.to_classify else None
            row += due.to_classify
            prediction, segments = due.track.decide(due.window, answer, latency, speech=due.speech)
            events += [prediction, *segments]
            self.latency_s = latency
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
                "The input came back with other channels ({streams} instead of {names}): "
                "start again.",
                streams=", ".join(source_format.streams),
                names=", ".join(names),
            )
        events = self.step()
        for channel, track in enumerate(self._tracks):
            track.pipeline.gap(
                gap_samples, source_format.sampling_rate, source_format.native_rate(channel)
            )
        self._attach(source_format, ring)
        return events

    def finish(self, *, abandon: bool = False) -> list[Event]:
        """The audio is over: answer the rest and close all segments.

        With `abandon`, audio that is overdue is left out, and counted.
        """
        if abandon and self._late >= 0:
            self._skip_backlog(0)
        events = self.step()
        now = self._clock()
        for track in self._tracks:
            if block := track.pipeline.finish():
                events.append(block)
        # No newer window will come: the last few are all answered.
        look = _Look(now, self._cursor, self._cursor, now)
        last = Work((), self._windows_due(), look)
        events += self.settle(last, self._classify(last.windows))
        return events + self.close_segments()

    def close_segments(self) -> list[Event]:
        """End all segments here, without another answer."""
        return [segment for track in self._tracks for segment in track.finish()]

    @property
    def _first(self) -> StreamPipeline:
        return self._tracks[0].pipeline  # all streams share one ring, so all are equally far

    @property
    def _late(self) -> int:
        """Samples (model rate) beyond the next window's end, as far as resampling hands them out.

        What resampling still holds back could not be answered yet.
        """
        held_back = self._first.input_position - self._first.position
        return self._waiting - self._first.missing_samples - held_back

    @property
    def _windows_waiting(self) -> int:
        late = self._late
        return len(self._first.due) + (late // self._hop + 1 if late >= 0 else 0)

    @property
    def _waiting(self) -> int:
        """Samples in the ring that were not taken yet (model rate)."""
        return (self._ring.written - self._cursor) * self.rate // self._native_rate

    @property
    def _newest_window(self) -> int:
        """How much of the newest audio (model rate) the newest complete window needs."""
        end = self._first.input_position + self._waiting
        held_back = 0 if self._native_rate == self.rate else round(_RESAMPLING_S * self.rate)
        return end - (end - held_back - self._window) // self._hop * self._hop

    def _attach(self, source_format: SourceFormat, ring: SampleRing) -> None:
        if ring.channels != len(source_format.streams):
            raise ValueError(f"{ring.channels} ring channels for {source_format.streams}")
        self._ring = ring
        self._cursor = 0
        self._looked_at = self._clock()
        self._native_rate = source_format.sampling_rate
        self._names = source_format.streams
        self._lost_s = (0.0,) * len(self._names)
        two = len(self._names) == 2
        self.is_call = two and len(source_format.roles) == 2 and None not in source_format.roles
        self._comparison = ChannelComparison(self._native_rate) if two else None
        # No more windows at once than a stream may hold.
        self._slice = int(self._native_rate * self._max_batch * self._config.hop_s)

    def _skip_backlog(self, kept_samples: int) -> None:
        """Leave out all that waits in the ring but its last `kept_samples` (model rate)."""
        kept = -(-kept_samples * self._native_rate // self.rate)
        cursor = self._ring.written - kept
        if cursor > self._cursor:
            skipped = (cursor - self._cursor) * self.rate // self._native_rate
            for track in self._tracks:
                track.pipeline.skip(skipped)
            self._cursor = cursor

    def _read(self, max_frames: int) -> tuple[Sound, ...]:
        read = self._ring.read(self._cursor, max_frames)
        self._cursor = read.end
        if read.lost:
            self.ring_overruns += 1
            for track in self._tracks:
                track.pipeline.gap(read.lost * self.rate // self._native_rate)
        if self._comparison is not None:
            self._comparison.accept(read.samples)
            # Where the agent is heard on both channels, both need the agent's permission.
            agent = self.is_call and self._comparison.same
            for track in self._tracks:
                track.withheld = agent and not self._config.infers_emotion(Role.AGENT)
        pipelines = [track.pipeline for track in self._tracks]
        return tuple(
            (
                pipeline.voice,
                pipeline.bring_in(read.samples[:, channel], newest_only=not self._lossless),
            )
            for channel, pipeline in enumerate(pipelines)
        )

    def _windows_due(self) -> tuple[_Due, ...]:
        """The windows that are due, of all streams, in the order of their ends."""
        due = [
            (track, window) for track in self._tracks for window in track.pipeline.take_windows()
        ]
        due.sort(key=lambda pair: pair[1].end_sample)
        return tuple(_Due(track, window, track.pipeline.admits(window)) for track, window in due)

    def _waited_s(self, pipeline: StreamPipeline, window: FeatureWindow, look: _Look) -> float:
        """How long the audio that completed a window had been in the ring, at most.

        Sound arrives in real time, so what came after it tells. A window that resampling held back
        was completed by audio that had not been seen before; and that is as old as the look before,
        at most.
        """
        beyond = pipeline.input_position - window.end_sample
        completed = self._cursor - beyond * self._native_rate // self.rate
        by_audio = max(0, look.end - max(completed, look.begin)) / self._native_rate
        return min(by_audio, look.now - look.before)

    def _classify(self, windows: Sequence[FeatureWindow]) -> ModelOutput:
        return classify(self._classifier, windows, self._max_batch)
