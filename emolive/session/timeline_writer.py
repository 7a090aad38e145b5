"""The timeline of a recording: from the engine's events to rows, in session time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from emolive.i18n import Said, parts_of
from emolive.inference.segments import Segmenter
from emolive.session.records import AlertRecord, Gap, GapKind, Note
from emolive.session.writer import SessionWriter
from emolive.types import (
    Alert,
    AlertEnded,
    Band,
    EngineStatus,
    Event,
    FeatureBlock,
    Prediction,
    Remark,
    SpeechActivity,
    StreamStatus,
)


class TimelineWriter:
    """Writes what the engine says, from the engine's sample `origin_sample` on.

    Windows that begin before are left out: they heard what is not in the recording. The segments
    are the session's own, so that they cover it from its first sample to its last. One thread owns
    it.
    """

    def __init__(self, writer: SessionWriter, origin_sample: int) -> None:
        info = writer.info
        self._writer = writer
        self._origin = origin_sample
        self._segmenters = {
            stream.name: Segmenter(stream.name, info.hop_samples) for stream in info.streams
        }
        self._activity: dict[str, list[SpeechActivity]] = {}
        self._missing_since: dict[str, int] = {}
        self._bands: dict[str, Band] = {}
        self.heard = 0  # the session's sample up to which the engine has told what it knows
        self._lost_since: int | None = None
        self._until: int | None = None

    def end_at(self, sample: int) -> None:
        """Take nothing that lies beyond this sample of the session."""
        self._until = sample

    def accept(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, Prediction):
            self._predict(event)
        elif isinstance(event, FeatureBlock):
            self._close_loss(event.start_sample - self._origin)
            self.heard = max(self.heard, event.end_sample - self._origin)
            if event.activity is not None:
                self._hear(event.stream, event.activity)
        elif isinstance(event, Alert):
            self._alert(event)
        elif isinstance(event, AlertEnded):
            self._end_alert(event)
        elif isinstance(event, Remark):
            self._remark(event)
        elif isinstance(event, EngineStatus):
            for stream in event.streams:
                self._look_after(stream)

    def lose_events(self) -> None:
        """Events were lost between the last one accepted and the next."""
        if self._lost_since is None:
            self._lost_since = self.heard

    def write_activity(self) -> None:
        """Hand on the voice activity so far; stretches that follow each other as one."""
        for stream, parts in self._activity.items():
            for run in _runs(parts):
                self._writer.add_activity(stream, SpeechActivity.joined(run))
        self._activity.clear()

    def finish(self, duration_samples: int) -> None:
        """The session ends here: close what is open."""
        self._close_loss(duration_samples)
        self.write_activity()
        for segmenter in self._segmenters.values():
            self._writer.add_segments(segmenter.finish(duration_samples))
        for stream in list(self._missing_since):
            self._found(stream, duration_samples)
        self._writer.set_bands(self._bands)

    def _close_loss(self, now: int) -> None:
        since, self._lost_since = self._lost_since, None
        if since is not None and since < now:
            self._writer.add_gap(Gap(since, now, GapKind.EVENTS))

    def _predict(self, prediction: Prediction) -> None:
        start, end = prediction.start_sample - self._origin, prediction.end_sample - self._origin
        if start < 0 or (self._until is not None and end > self._until):
            return
        segmenter = self._segmenters.get(prediction.stream)
        if segmenter is None:
            return
        window = replace(prediction, start_sample=start, end_sample=end)
        self._writer.add_windows([window])
        self._writer.add_segments(segmenter.accept(window))

    def _hear(self, stream: str, activity: SpeechActivity) -> None:
        start = activity.start_sample - self._origin
        chunk = activity.chunk_samples
        first = max(0, -(start // chunk))
        last = len(activity.speech)
        if self._until is not None:
            last = min(last, (self._until - start) // chunk)
        if first < last and stream in self._segmenters:
            self._activity.setdefault(stream, []).append(
                SpeechActivity(
                    start + first * chunk,
                    chunk,
                    activity.speech[first:last],
                    activity.probability[first:last],
                    activity.level_dbfs[first:last],
                )
            )

    def _remark(self, remark: Remark) -> None:
        at = remark.at_sample - self._origin
        if at >= 0 and (self._until is None or at <= self._until):
            self._writer.add_note(Note(remark.text, at, created_at=datetime.now(UTC)))

    def _alert(self, alert: Alert) -> None:
        at = alert.fired_sample - self._origin
        if at < 0 or (self._until is not None and at > self._until):
            return
        details: dict[str, object] = dict(alert.values)
        details["kind"] = alert.kind
        if isinstance(alert.message, Said):
            details["said"] = parts_of(alert.message)
        details["start_sample"] = max(0, alert.start_sample - self._origin)
        self._writer.add_alert(
            AlertRecord(
                rule=alert.rule,
                at_sample=at,
                message=alert.message,
                severity=alert.severity.value,
                stream=alert.stream,
                details=details,
            )
        )

    def _end_alert(self, ended: AlertEnded) -> None:
        at = ended.fired_sample - self._origin
        if at >= 0:
            self._writer.end_alert(ended.rule, ended.stream, at, ended.end_sample - self._origin)

    def _look_after(self, stream: StreamStatus) -> None:
        if stream.band is not None:
            self._bands[stream.name] = stream.band
        now = max(0, stream.samples - self._origin)
        if stream.missing:
            self._missing_since.setdefault(stream.name, now)
        elif stream.name in self._missing_since:
            self._found(stream.name, now)

    def _found(self, stream: str, now: int) -> None:
        since = self._missing_since.pop(stream)
        if since < now:
            self._writer.add_gap(Gap(since, now, GapKind.SOURCE, stream))


def _runs(parts: Sequence[SpeechActivity]) -> list[list[SpeechActivity]]:
    """Parts grouped so that in each group one begins where the one before ends."""
    runs: list[list[SpeechActivity]] = []
    for part in parts:
        if runs and runs[-1][-1].end_sample == part.start_sample:
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs
