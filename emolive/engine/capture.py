"""One run of a source, from opening it to its end, in steps that a loop or a test takes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice

import numpy as np

from emolive.audio.jobs import OnTheSpot, Runner
from emolive.audio.ring import SampleRing
from emolive.audio.source import (
    AudioSource,
    RecordedSource,
    SourceFormat,
    SourceState,
    SourceStatus,
)
from emolive.baseline import Baselines
from emolive.engine.config import EngineConfig
from emolive.engine.hints import one_sound_hint, zeros_hint
from emolive.engine.monitor import Monitor, Taken, Work
from emolive.errors import AudioDeviceError, EmoliveError
from emolive.i18n import tr
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Event, FloatArray, ModelOutput


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


_log = logging.getLogger(__name__)

_GONE = (SourceState.ENDED, SourceState.LOST)


@dataclass(frozen=True, slots=True, eq=False)
class LiveAudio:
    """The audio of a run as its source writes it, for whoever wants to read along.

    Frame 0 of `ring` is sample `start_sample` (model rate) of the run. A source that was opened
    again writes into another ring.
    """

    source_format: SourceFormat
    ring: SampleRing
    start_sample: int


class Capture:
    """Opens a source, follows it, opens it again when it is lost, and ends with it.

    A step is `look`, which costs next to nothing, and where that finds something to do (`due`, or
    at least `unread`) `take`, `hear` and `settle`, so that the sounds of several captures may be
    judged together (`heard_together`), and their windows go to the classifier together. None of
    them waits, unless opening does (see `opener`). Whatever goes wrong ends in the state FAILED,
    never in an exception. One thread owns it; it tells what happens through two callbacks, both on
    that thread: `publish` for events, `report` for a status and whether it is news (a change, or a
    second has passed).
    """

    def __init__(
        self,
        source: AudioSource,
        classifier: Classifier,
        vad: SileroVad,
        config: EngineConfig,
        *,
        publish: Callable[[Event], None],
        report: Callable[[EngineStatus, bool], None],
        clock: Callable[[], float],
        opener: Runner | None = None,
        baselines: Baselines | None = None,
    ) -> None:
        """Prepare; nothing is opened before the first step. `opener` None: opened in a step."""
        self.error: Exception | None = None
        self.audio: LiveAudio | None = None
        self._source = source
        self._recorded = source if isinstance(source, RecordedSource) else None
        self._classifier = classifier
        self._vad = vad
        self._config = config
        self._publish = publish
        self._report = report
        self._clock = clock
        self._opener = opener or OnTheSpot()
        self._baselines = baselines
        self._opening: Future[Opened] | None = None
        self._retry_at = -np.inf
        self._state = EngineState.STARTING
        self._reason: str | None = None
        self._monitor: Monitor | None = None
        self._source_status = SourceStatus(SourceState.CLOSED)
        self._format: SourceFormat | None = None
        self._written = 0
        self._heard_at = 0.0
        self._reconnects = 0
        self._reported_at = 0.0
        self._reported_hint: str | None = None

    @property
    def over(self) -> bool:
        """Whether the run has ended; there are no more steps."""
        return self._state.over

    @property
    def overdue_s(self) -> float:
        """How long the next window has been complete; negative: how soon it may be."""
        return -np.inf if self._monitor is None else self._monitor.overdue_s

    @property
    def due(self) -> bool:
        """Whether something has to be answered, or the source's end or loss to be seen to."""
        if self._state is not EngineState.RUNNING or self._monitor is None:
            return False
        return self.gone or self._monitor.overdue_s >= 0

    @property
    def gone(self) -> bool:
        """Whether its source has ended or is lost."""
        return self._source_status.state in _GONE

    @property
    def unread(self) -> bool:
        """Whether there is audio that was not taken yet."""
        return self._monitor is not None and self._monitor.unread

    def look(self) -> None:
        """Open the source, or see how it is doing and have it write what is due by now."""
        try:
            self._look()
        except Exception as error:
            self.fail(error)

    def take(self, *, newest_only: bool = False) -> Taken | None:
        """What its source delivered, to be judged for `hear`; None: nothing is to be done.

        `newest_only`: others wait, so of a backlog only the end is taken.
        """
        if self._state is not EngineState.RUNNING:
            return None
        assert self._monitor is not None
        try:
            return self._monitor.take(newest_only=newest_only)
        except Exception as error:
            self.fail(error)
        return None

    def hear(self, taken: Taken, voices: Sequence[FloatArray]) -> Work | None:
        """Do what else can be done without the classifier; the work to settle, None: it failed.

        `taken` is what `take` returned, `voices` what was judged of its sounds.
        """
        assert self._monitor is not None
        try:
            return self._monitor.hear(taken, voices)
        except Exception as error:
            self.fail(error)
        return None

    def settle(self, work: Work, output: ModelOutput) -> None:
        """Publish what a step brought, and see to what became of the source.

        `work` is what `hear` returned, `output` the model's, of `work.windows`.
        """
        try:
            self._settle(work, output)
        except Exception as error:
            self.fail(error)

    def stop(self, *, abandon: bool = False) -> None:
        """End the run here: the last audio is answered, segments are closed.

        With `abandon`, audio that is overdue is left out, and counted.
        """
        try:
            if not self.over:
                self._finish(abandon=abandon)
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End the run with this reason: a worker must not die unseen."""
        if self.over:
            return
        _log.error("A run failed", exc_info=error)
        self.error = error
        for end in (self._close_source, self._close_segments):
            try:
                end()
            except Exception:  # the first error is the one to tell
                _log.warning("What it had open could not be closed", exc_info=True)
        known = isinstance(error, EmoliveError)
        text = (
            str(error)
            if known
            else tr("Internal error: {kind}: {error}", kind=type(error).__name__, error=error)
        )
        self._enter(EngineState.FAILED, text)

    def status(self) -> EngineStatus:
        """Where the run stands."""
        monitor = self._monitor
        streams = monitor.stream_statuses(self._source_status.missing) if monitor else ()
        return EngineStatus(
            self._state,
            reason=self._reason,
            source=self._source.name,
            provider=self._classifier.provider,
            provider_note=self._classifier.provider_note,
            model=self._classifier.metadata.name,
            elapsed_s=monitor.elapsed_s if monitor else 0.0,
            overflows=self._source_status.overflows + (monitor.ring_overruns if monitor else 0),
            windows_skipped=sum(stream.windows_skipped for stream in streams),
            reconnects=self._reconnects,
            lag_s=monitor.lag_s if monitor else 0.0,
            latency_ms=1000 * monitor.latency_s if monitor else 0.0,
            hint=self._hint(monitor) if monitor else None,
            one_sound=monitor is not None and monitor.one_sound is not None,
            streams=streams,
        )

    def _look(self) -> None:
        if self.over or (self._state is not EngineState.RUNNING and not self._open()):
            return
        assert self.audio is not None
        ring = self.audio.ring
        if self._recorded is not None:
            self._recorded.pump(ring)
        # Asked before reading: what a source wrote before it ended is then still taken.
        self._source_status = self._source.status()
        if self._monitor is not None:
            self._monitor.count_lost(self._source_status.lost_s)
        if ring.written != self._written:
            self._written, self._heard_at = ring.written, self._clock()
        if not self.gone:
            self._tick()

    def _settle(self, work: Work, output: ModelOutput) -> None:
        assert self._monitor is not None
        self._publish_all(self._monitor.settle(work, output))
        if self._source_status.state is SourceState.ENDED:
            self._finish()
        elif self._source_status.state is SourceState.LOST:
            self._source.close()
            self._retry_at = self._clock() + self._config.reconnect_every_s
            self._enter(EngineState.RECONNECTING, self._source_status.message)
        else:
            self._tick()

    def _open(self) -> bool:
        """Open the source, for the first time or again; whether it runs now."""
        if self._opening is None:
            if self._clock() < self._retry_at:
                return False
            self._opening = self._opener.submit(
                lambda: open_source(self._source, self._config.ring_s, self._clock)
            )
        if not self._opening.done():
            return False
        opening, self._opening = self._opening, None
        try:
            opened = opening.result()
        except AudioDeviceError:
            if self._monitor is None:
                raise
            self._retry_at = self._clock() + self._config.reconnect_every_s
            self._tick()
            return False
        if self._monitor is None:
            self._begin(opened)
        else:
            self._resume(self._monitor, opened)
        self._written, self._heard_at = 0, self._clock()
        self._enter(EngineState.RUNNING)
        return True

    def _begin(self, opened: Opened) -> None:
        self._format = opened.source_format
        self._monitor = Monitor(
            opened.source_format,
            opened.ring,
            self._classifier,
            self._vad,
            self._config,
            clock=self._clock,
            baselines=self._baselines,
        )
        self.audio = LiveAudio(opened.source_format, opened.ring, 0)

    def _resume(self, monitor: Monitor, opened: Opened) -> None:
        gap = round(max(0.0, opened.at - self._heard_at) * monitor.rate)
        self._publish_all(monitor.resume(opened.source_format, opened.ring, gap))
        self._reconnects += 1
        self.audio = LiveAudio(opened.source_format, opened.ring, monitor.position)

    def _finish(self, *, abandon: bool = False) -> None:
        self._enter(EngineState.STOPPING, self._source_status.message)
        self._close_source()
        if self._monitor is not None:
            self._publish_all(self._monitor.finish(abandon=abandon))
        self._enter(EngineState.STOPPED, self._source_status.message)

    def _close_source(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None and not opening.cancel():
            # It is being opened elsewhere right now: whoever does that closes it.
            opening.add_done_callback(lambda _: self._source.close())
        else:
            self._source.close()

    def _close_segments(self) -> None:
        if self._monitor is not None:
            self._publish_all(self._monitor.close_segments())

    def _hint(self, monitor: Monitor) -> str | None:
        # A recording may well hold digital silence, and so may what a computer plays; a device that
        # is away is told by its source.
        about = self._format
        if about is not None and not about.recorded and not self._source_status.missing:
            names = [name for name in about.streams if name not in about.loopbacks]
            silent = [name for name in monitor.silent_zeros if name in names]
            if hint := zeros_hint(self._source.name, silent, names):
                return hint
        if monitor.one_sound:
            return one_sound_hint(self._source.name, monitor.one_sound, call=monitor.is_call)
        return self._source_status.message if self._state is EngineState.RUNNING else None

    def _publish_all(self, events: Sequence[Event]) -> None:
        for event in events:
            self._publish(event)

    def _enter(self, state: EngineState, reason: str | None = None) -> None:
        self._state, self._reason = state, reason
        self._tell(self.status(), news=True)

    def _tick(self) -> None:
        status = self.status()
        late = self._clock() - self._reported_at >= self._config.status_every_s
        self._tell(status, news=late or status.hint != self._reported_hint)

    def _tell(self, status: EngineStatus, *, news: bool) -> None:
        if news:
            self._reported_at, self._reported_hint = self._clock(), status.hint
        self._report(status, news)


def heard_together(
    captures: Sequence[Capture], vad: SileroVad, *, newest_only: bool
) -> list[Work | None]:
    """`take` and `hear` of each, with the voices in all of them judged together."""
    taken = [capture.take(newest_only=newest_only) for capture in captures]
    try:
        voices = iter(vad.judge([sound for one in taken if one for sound in one.sounds]))
    except Exception as error:
        for capture in captures:
            capture.fail(error)
        return [None] * len(captures)
    return [
        capture.hear(one, list(islice(voices, len(one.sounds)))) if one is not None else None
        for capture, one in zip(captures, taken, strict=True)
    ]
