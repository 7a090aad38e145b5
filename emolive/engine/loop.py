"""What the engine's thread does: open, step, reconnect, finish."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

from emolive.audio.ring import SampleRing
from emolive.audio.source import AudioSource, SourceFormat, SourceState, SourceStatus
from emolive.engine.config import EngineConfig
from emolive.engine.hints import zeros_hint
from emolive.engine.monitor import Monitor
from emolive.errors import AudioDeviceError, EmoliveError
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Event

_DUE_POLL_S = 0.005


class CaptureLoop:
    """One run from opening the source to its end; `run` belongs on a thread of its own.

    It tells what happens through two callbacks, both on that thread: `publish` for events, `report`
    for a status and whether it is news (a change, or a second has passed).
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
    ) -> None:
        """Prepare; nothing is opened yet."""
        self.error: Exception | None = None
        self._source = source
        self._classifier = classifier
        self._vad = vad
        self._config = config
        self._publish = publish
        self._report = report
        self._clock = clock
        self._stop = threading.Event()
        self._state = EngineState.STARTING
        self._reason: str | None = None
        self._monitor: Monitor | None = None
        self._source_status = SourceStatus(SourceState.CLOSED)
        self._recorded = False
        self._reconnects = 0
        self._reported_at = 0.0
        self._reported_hint: str | None = None

    def stop(self) -> None:
        """Ask for the end; returns at once."""
        self._stop.set()

    def run(self) -> None:
        """Do it all; returns when stopped, at the source's end, or failed. Never raises."""
        try:
            self._run()
        except Exception as error:  # a worker must not die unseen
            self.error = error
            self._close_after(error)

    def status(self) -> EngineStatus:
        """Where the run stands; for this thread only."""
        monitor = self._monitor
        about = EngineStatus(
            self._state,
            reason=self._reason,
            source=self._source.name,
            provider=self._classifier.provider,
            model=self._classifier.metadata.name,
            overflows=self._source_status.overflows,
            reconnects=self._reconnects,
        )
        if monitor is None:
            return about
        streams = monitor.stream_statuses(self._source_status.missing)
        return EngineStatus(
            about.state,
            reason=about.reason,
            source=about.source,
            provider=about.provider,
            model=about.model,
            elapsed_s=monitor.elapsed_s,
            overflows=about.overflows + monitor.ring_overruns,
            windows_skipped=sum(stream.windows_skipped for stream in streams),
            reconnects=about.reconnects,
            lag_s=monitor.lag_s,
            latency_ms=1000 * monitor.latency_s,
            hint=self._hint(monitor),
            streams=streams,
        )

    def _run(self) -> None:
        source_format = self._source.open()
        self._recorded = source_format.recorded
        ring = self._ring_for(source_format)
        monitor = self._monitor = Monitor(
            source_format, ring, self._classifier, self._vad, self._config, clock=self._clock
        )
        self._source.start(ring)
        self._enter(EngineState.RUNNING)
        written, heard_at = 0, self._clock()
        while not self._stop.is_set():
            # Asked before stepping: what a source wrote before it ended is then still taken.
            self._source_status = self._source.status()
            if ring.written != written:
                written, heard_at = ring.written, self._clock()
            self._publish_all(monitor.step())
            if self._source_status.state is SourceState.ENDED:
                break
            if self._source_status.state is SourceState.LOST:
                if (again := self._reconnect(monitor, heard_at)) is None:
                    break
                ring, written, heard_at = again, 0, self._clock()
                continue
            self._tick()
            self._stop.wait(min(self._config.poll_s, max(_DUE_POLL_S, monitor.due_in_s)))
        self._enter(EngineState.STOPPING, self._source_status.message)
        self._source.close()
        self._publish_all(monitor.finish())
        self._enter(EngineState.STOPPED, self._source_status.message)

    def _reconnect(self, monitor: Monitor, heard_at: float) -> SampleRing | None:
        """Open the source again and again; the new ring, or None when stopped meanwhile."""
        self._source.close()
        self._enter(EngineState.RECONNECTING, self._source_status.message)
        while not self._stop.wait(self._config.reconnect_every_s):
            try:
                source_format = self._source.open()
                ring = self._ring_for(source_format)
                gap_s = self._clock() - heard_at
                self._source.start(ring)
            except AudioDeviceError:
                self._tick()
                continue
            rate = self._classifier.metadata.front_end.sampling_rate
            self._publish_all(monitor.resume(source_format, ring, round(gap_s * rate)))
            self._reconnects += 1
            self._enter(EngineState.RUNNING)
            return ring
        return None

    def _ring_for(self, source_format: SourceFormat) -> SampleRing:
        capacity = round(self._config.ring_s * source_format.sampling_rate)
        return SampleRing(capacity, len(source_format.streams))

    def _close_after(self, error: Exception) -> None:
        with contextlib.suppress(Exception):  # the first error is the one to tell
            self._source.close()
        with contextlib.suppress(Exception):
            if self._monitor is not None:
                self._publish_all(self._monitor.close_segments())
        known = isinstance(error, EmoliveError)
        text = str(error) if known else f"Internal error: {type(error).__name__}: {error}"
        self._enter(EngineState.FAILED, text)

    def _hint(self, monitor: Monitor) -> str | None:
        missing = self._source_status.missing
        # A recording may well hold digital silence; a device that is away is told by its source.
        if not self._recorded and not missing:
            names = [stream.stream for stream in monitor.streams]
            if hint := zeros_hint(self._source.name, monitor.silent_zeros, names):
                return hint
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
