"""JSON: everything in one object."""

from __future__ import annotations

import json
from pathlib import Path

from emolive.i18n import in_language
from emolive.session.export.atomic import replacing, text
from emolive.session.export.values import (
    SHARE_DIGITS,
    TIME_DIGITS,
    JsonValue,
    baseline_object,
    mixed_fields,
    named,
    raw_fields,
    seconds,
    shift_fields,
    stream_fields,
)
from emolive.session.records import AlertRecord, Annotation, Gap, Note, Trace
from emolive.session.timeline import Timeline
from emolive.types import Prediction, Segment


def timeline_dict(timeline: Timeline) -> dict[str, JsonValue]:
    """The timeline in the shape of the JSON export.

    One stream of a file: file, duration_s, sample_rate, model, labels, windows, segments, summary.
    `summary` pools the windows with an answer: the mean of their calibrated probabilities and its
    leading label; without any, its `probabilities` are empty and its `label` is null. A window
    whose answer holds two emotions names the second as `mixed_with`. Where the model tells how far
    sound is from its training data, windows have `shift` and `familiarity`, and
    `summary` has the share of them for each word as `familiarity`. Where answers are adapted to
    their source, `probabilities` are the adapted ones, with `raw_probabilities` beside them in
    windows and `summary`, and windows have `baseline`. Anything more
    (several streams, a session) adds `stream` to each window and segment, the window's label and
    confidence, and title, started_at, streams, annotations, traces, gaps, alerts, notes and tags.
    """
    plain = timeline.plain
    segments = [segment_object(segment, timeline.rate) for segment in timeline.segments]
    if plain:
        for one in segments:
            del one["stream"]
    document: dict[str, JsonValue] = {
        "file": timeline.source,
        "duration_s": round(timeline.duration_s, TIME_DIGITS),
        "sample_rate": timeline.sample_rate,
        "model": timeline.model,
        "labels": list(timeline.labels),
        "windows": [_window(window, timeline, plain) for window in timeline.windows],
        "segments": list[JsonValue](segments),
        "summary": {
            "probabilities": named(timeline.probabilities, timeline.labels),
            **_raw(timeline),
            "label": timeline.label,
            **_familiarity(timeline),
        },
    }
    if plain:
        return document
    started = timeline.started_at
    return document | {
        "title": timeline.title,
        "started_at": None if started is None else started.isoformat(),
        "recovered": timeline.recovered,
        "streams": [{"name": stream.name, **stream_fields(stream)} for stream in timeline.streams],
        "annotations": [annotation_object(one, timeline.rate) for one in timeline.annotations],
        "traces": [_trace(one, timeline.rate) for one in timeline.traces],
        "gaps": [gap_object(gap, timeline.rate) for gap in timeline.gaps],
        "alerts": [alert_object(alert, timeline.rate) for alert in timeline.alerts],
        "notes": [_note(note, timeline.rate) for note in timeline.notes],
        "tags": list(timeline.tags),
    }


def write_json(timeline: Timeline, path: Path) -> None:
    """Write one JSON object (see `timeline_dict`).

    Raises:
        OSError: the file cannot be written.
    """
    with replacing(path) as partial, text(partial) as file:
        json.dump(timeline_dict(timeline), file, indent=1)
        file.write("\n")


def _raw(timeline: Timeline) -> dict[str, JsonValue]:
    raw = timeline.raw_probabilities
    return {} if raw is None else {"raw_probabilities": named(raw, timeline.labels)}


def _familiarity(timeline: Timeline) -> dict[str, JsonValue]:
    shares = timeline.familiarity
    if not shares:
        return {}
    return {"familiarity": {word.value: round(n, SHARE_DIGITS) for word, n in shares.items()}}


def _window(window: Prediction, timeline: Timeline, plain: bool) -> dict[str, JsonValue]:
    shown: dict[str, JsonValue] = {
        "start_s": seconds(window.start_sample, timeline.rate),
        "end_s": seconds(window.end_sample, timeline.rate),
        "state": window.state.value,
        **mixed_fields(window, timeline.labels),
        "speech_ratio": round(window.speech_ratio, SHARE_DIGITS),
        "probabilities": named(window.probabilities, timeline.labels),
        **shift_fields(window.shift),
        **raw_fields(window, timeline.labels),
    }
    if window.baseline is not None:
        shown["baseline"] = baseline_object(window.baseline)
    if plain:
        return shown
    return {
        "stream": window.stream,
        **shown,
        "label": window.label,
        "confidence": round(window.confidence, SHARE_DIGITS),
    }


def segment_object(segment: Segment, rate: int) -> dict[str, JsonValue]:
    """A segment, of one stream of several."""
    return {
        "stream": segment.stream,
        "start_s": seconds(segment.start_sample, rate),
        "end_s": seconds(segment.end_sample, rate),
        "label": segment.label,
        "confidence": round(segment.confidence, SHARE_DIGITS),
    }


def annotation_object(annotation: Annotation, rate: int) -> dict[str, JsonValue]:
    """What a person marked."""
    return {
        "stream": annotation.stream,
        "start_s": seconds(annotation.start_sample, rate),
        "end_s": seconds(annotation.end_sample, rate),
        "label": annotation.label,
        "comment": annotation.comment,
        "annotator": annotation.annotator,
        "tier": annotation.tier,
    }


def _trace(trace: Trace, rate: int) -> JsonValue:
    values = [None if value != value else round(value, SHARE_DIGITS)
              for value in trace.values.tolist()]  # fmt: skip
    return {
        "annotator": trace.annotator,
        "dimension": trace.dimension.value,
        "step_s": seconds(trace.step_samples, rate),
        "values": values,
    }


def gap_object(gap: Gap, rate: int) -> JsonValue:
    """A stretch of which nothing was kept."""
    return {
        "stream": gap.stream,
        "start_s": seconds(gap.start_sample, rate),
        "end_s": seconds(gap.end_sample, rate),
        "kind": gap.kind.value,
    }


def alert_object(alert: AlertRecord, rate: int) -> JsonValue:
    """An alert that was raised."""
    return {
        "rule": alert.rule,
        "at_s": seconds(alert.at_sample, rate),
        "end_s": None if alert.end_sample is None else seconds(alert.end_sample, rate),
        "stream": alert.stream,
        "severity": alert.severity,
        "message": in_language("en", alert.message),
    }


def _note(note: Note, rate: int) -> JsonValue:
    return {
        "at_s": None if note.at_sample is None else seconds(note.at_sample, rate),
        "text": note.text,
        "created_at": None if note.created_at is None else note.created_at.isoformat(),
    }
