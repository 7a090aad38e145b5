"""What a session's bundle says: the JSON document in it, with its version, checked on reading.

The records keep their own field names; a stream carries its windows, segments and voice activity.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from emolive.i18n import tr
from emolive.session.records import (
    LONGEST_NAME,
    LONGEST_TEXT,
    Dimension,
    GapKind,
    SessionInfo,
    Trace,
)
from emolive.types import (
    Band,
    Baseline,
    Familiarity,
    FloatArray,
    Prediction,
    Role,
    Segment,
    Shift,
    SpeechActivity,
    SpeechState,
)

VERSION = 1  # as in `BundleDocument.version`
# A session of a day has some 170 000 windows a stream; a call has two streams.
MAX_STREAMS = 64
_DAY_S = 24 * 3600
_LONGEST_S = 366 * _DAY_S
# Together fewer than a writer holds between two commits.
_MAX_MARKS = 20_000


def _checked_moment(value: datetime) -> datetime:
    if not 1970 < value.year < 9000:
        raise ValueError(tr("must be a date from 1971 to 8999"))
    return value


def _as_dict(value: object) -> object:
    """A plain dict of what is one; anything else is refused as what it is."""
    return dict(value) if isinstance(value, Mapping) else value


Sample = Annotated[int, Field(ge=0, lt=2**53)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
# What any calendar can show, in any time zone.
Moment = Annotated[datetime, AfterValidator(_checked_moment)]
Name = Annotated[str, Field(max_length=LONGEST_NAME)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class _Stretch(_Entry):
    start_sample: Sample
    end_sample: Sample

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start_sample > self.end_sample:
            raise ValueError(tr("start_sample must not be after end_sample"))
        return self


class BaselineEntry(_Entry):
    """How far a window's answer is adapted to its source."""

    source: Text
    minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    sessions: Annotated[int, Field(ge=0, lt=2**53)]
    strength: Share
    expected_neutral: Share | None


class WindowEntry(_Stretch):
    """A window; `probabilities` are rounded to nine digits, which keeps every float32.

    `shift` and `familiarity`, `raw_probabilities` and `baseline` are left out where they are not
    known.
    """

    state: SpeechState
    label: Name | None
    confidence: Share
    speech_ratio: Share
    latency_s: Annotated[float, Field(ge=-1e9, le=1e9)]
    probabilities: tuple[Share, ...] | None
    shift: Share | None = None
    familiarity: Familiarity | None = None
    raw_probabilities: tuple[Share, ...] | None = None
    baseline: BaselineEntry | None = None

    @model_serializer(mode="wrap")
    def _known(self, usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = usual(self)
        if self.shift is None or self.familiarity is None:
            del fields["shift"], fields["familiarity"]
        for name in ("raw_probabilities", "baseline"):
            if getattr(self, name) is None:
                del fields[name]
        return fields


class SegmentEntry(_Stretch):
    """A segment of the model."""

    label: Name
    confidence: Share


class ActivityEntry(_Entry):
    """Voice activity; `speech` is a byte a chunk, the others float16, little-endian, in base64."""

    start_sample: Sample
    chunk_samples: Annotated[int, Field(gt=0, lt=2**31)]
    speech: str
    probability: str
    level_dbfs: str


class AudioEntry(_Entry):
    """A FLAC file in the bundle."""

    file: Annotated[str, Field(pattern=r"^audio/[0-9]{1,3}\.flac$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0, lt=2**53)]


class StreamEntry(_Entry):
    """A stream with its timeline."""

    name: Annotated[str, Field(min_length=1, max_length=1_000)]
    native_rate: Annotated[int, Field(gt=0, le=1_000_000)]
    role: Role | None
    emotion: bool
    band: Band | None
    audio: AudioEntry | None
    windows: tuple[WindowEntry, ...]
    segments: tuple[SegmentEntry, ...]
    activity: tuple[ActivityEntry, ...]


class GapEntry(_Stretch):
    """A gap."""

    kind: GapKind
    stream: Name | None


class AnnotationEntry(_Stretch):
    """What a person marked; ids are made anew."""

    label: Name | None
    comment: Text
    stream: Name | None
    annotator: Name
    tier: Name = ""


class TraceEntry(_Entry):
    """What a person rated continuously: little-endian float32 in base64, NaN for nothing."""

    annotator: Name
    dimension: Dimension
    step_samples: Annotated[int, Field(gt=0, le=1_000_000)]
    ratings: str

    @field_validator("ratings")
    @classmethod
    def _within(cls, text: str) -> str:
        values = np.frombuffer(base64.b64decode(text, validate=True), "<f4")
        if np.any(np.abs(values[~np.isnan(values)]) > 1.0):
            raise ValueError(tr("ratings must be from -1 to 1"))
        return text

    @property
    def end_sample(self) -> int:
        """Where its last value ends."""
        return len(base64.b64decode(self.ratings)) // 4 * self.step_samples


class AlertEntry(_Entry):
    """An alert."""

    rule: Name
    at_sample: Sample
    message: Text
    severity: Name
    end_sample: Sample | None
    stream: Name | None
    details: Annotated[dict[str, JsonValue], BeforeValidator(_as_dict)]


class NoteEntry(_Entry):
    """A note."""

    text: Text
    at_sample: Sample | None
    created_at: Moment | None


class BundleDocument(_Entry):
    """Everything about one session but the sound itself."""

    format: Literal["emolive-session"] = "emolive-session"
    version: Literal[1] = 1
    id: Name
    title: Text
    started_at: Moment
    duration_samples: Sample
    rate: Annotated[int, Field(gt=0, le=1_000_000)]
    recovered: bool
    source: Text
    model: Name
    provider: Name
    labels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1_000)]
    hop_samples: Annotated[int, Field(gt=0, lt=2**31)]
    window_samples: Annotated[int, Field(gt=0, lt=2**31)]
    tags: tuple[Name, ...]
    streams: Annotated[tuple[StreamEntry, ...], Field(min_length=1, max_length=MAX_STREAMS)]
    gaps: Annotated[tuple[GapEntry, ...], Field(max_length=_MAX_MARKS)]
    annotations: Annotated[tuple[AnnotationEntry, ...], Field(max_length=_MAX_MARKS)]
    alerts: Annotated[tuple[AlertEntry, ...], Field(max_length=_MAX_MARKS)]
    notes: Annotated[tuple[NoteEntry, ...], Field(max_length=_MAX_MARKS)]
    traces: Annotated[tuple[TraceEntry, ...], Field(max_length=_MAX_MARKS)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.started_at.tzinfo is None:
            raise ValueError(tr("started_at must have a time zone"))
        for what, names in (
            (tr("labels"), list(self.labels)),
            (tr("streams"), [stream.name for stream in self.streams]),
            (tr("audio files"), [s.audio.file for s in self.streams if s.audio is not None]),
        ):
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                raise ValueError(
                    tr("{what} must be distinct: {name}", what=what, name=repr(twice[0]))
                )
        if self.duration_samples > _LONGEST_S * self.rate:
            raise ValueError(tr("duration_samples: no session is that long"))
        ends = [one.end_sample for one in (*self.gaps, *self.annotations)]
        ends += [one.end_sample for one in self.traces]
        ends += [alert.end_sample or alert.at_sample for alert in self.alerts]
        ends += [note.at_sample or 0 for note in self.notes]
        if max(ends, default=0) > self.latest_sample:
            raise ValueError(tr("a mark lies long after the end"))
        return self

    @property
    def latest_sample(self) -> int:
        """The last one that anything in it can be about; the last window may end after the end."""
        return self.duration_samples + self.window_samples + _DAY_S * self.rate


# What the document repeats of the session's record, under the same names.
SESSION_FACTS = tuple(
    one.name
    for one in fields(SessionInfo)
    if one.name in BundleDocument.model_fields and one.name != "streams"
)


def window_entry(window: Prediction) -> WindowEntry:
    """A window as it stands in the document."""
    baseline = window.baseline
    return WindowEntry(
        start_sample=window.start_sample,
        end_sample=window.end_sample,
        state=window.state,
        label=window.label,
        confidence=_share(window.confidence),
        speech_ratio=_share(window.speech_ratio),
        latency_s=window.latency_s,
        probabilities=_shares(window.probabilities),
        shift=None if window.shift is None else _share(window.shift.value),
        familiarity=None if window.shift is None else window.shift.word,
        raw_probabilities=_shares(window.raw_probabilities),
        baseline=None if baseline is None else BaselineEntry(**asdict(baseline)),
    )


def window_of(entry: WindowEntry, stream: str) -> Prediction:
    """The window that an entry means."""
    shares, raw, word = entry.probabilities, entry.raw_probabilities, entry.familiarity
    return Prediction(
        stream=stream,
        start_sample=entry.start_sample,
        end_sample=entry.end_sample,
        probabilities=None if shares is None else np.array(shares, np.float32),
        state=entry.state,
        label=entry.label,
        confidence=entry.confidence,
        speech_ratio=entry.speech_ratio,
        latency_s=entry.latency_s,
        shift=None if entry.shift is None or word is None else Shift(entry.shift, word),
        raw_probabilities=None if raw is None else np.array(raw, np.float32),
        baseline=None if entry.baseline is None else Baseline(**entry.baseline.model_dump()),
    )


def segment_entry(segment: Segment) -> SegmentEntry:
    """A segment as it stands in the document."""
    return SegmentEntry(
        start_sample=segment.start_sample,
        end_sample=segment.end_sample,
        label=segment.label,
        confidence=_share(segment.confidence),
    )


def activity_entry(activity: SpeechActivity) -> ActivityEntry:
    """Voice activity as it stands in the document."""
    return ActivityEntry(
        start_sample=activity.start_sample,
        chunk_samples=activity.chunk_samples,
        speech=base64.b64encode(activity.speech.astype(np.uint8).tobytes()).decode(),
        probability=base64.b64encode(activity.probability.astype("<f2").tobytes()).decode(),
        level_dbfs=base64.b64encode(activity.level_dbfs.astype("<f2").tobytes()).decode(),
    )


def activity_of(entry: ActivityEntry) -> SpeechActivity:
    """The voice activity that an entry means.

    Raises:
        ValueError: it is damaged.
    """
    speech = np.frombuffer(base64.b64decode(entry.speech, validate=True), np.uint8)
    numbers = [
        np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
        for text in (entry.probability, entry.level_dbfs)
    ]
    if any(len(values) != len(speech) for values in numbers):
        raise ValueError(tr("voice activity of unequal lengths"))
    return SpeechActivity(
        entry.start_sample, entry.chunk_samples, speech.astype(np.bool_), *numbers
    )


def trace_entry(trace: Trace) -> TraceEntry:
    """A trace as it stands in the document."""
    return TraceEntry(
        annotator=trace.annotator,
        dimension=trace.dimension,
        step_samples=trace.step_samples,
        ratings=base64.b64encode(trace.values.astype("<f4").tobytes()).decode(),
    )


def trace_of(entry: TraceEntry) -> Trace:
    """The trace that an entry means."""
    values = np.frombuffer(base64.b64decode(entry.ratings), "<f4").astype(np.float32)
    return Trace(entry.annotator, entry.dimension, entry.step_samples, values)


def _shares(probabilities: FloatArray | None) -> tuple[float, ...] | None:
    return None if probabilities is None else tuple(map(_share, probabilities.tolist()))


def _share(value: float) -> float:
    # Rounding may have left a sum of probabilities a little beyond 1.
    return float(f"{min(1.0, max(0.0, value)):.9g}")
