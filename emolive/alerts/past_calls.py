"""Calls that are over, as events again: stored sessions, results of `analyze`, recordings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from emolive.alerts.engine import AlertEngine
from emolive.alerts.rules import RuleSet
from emolive.alerts.watch import CallFormat
from emolive.audio.source import RecordedSource
from emolive.conversation import ConversationMeter, Party
from emolive.engine.config import EngineConfig
from emolive.engine.offline import analyze_source
from emolive.errors import EmoliveError
from emolive.inference.classifier import Classifier
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.speech.silero import SileroVad
from emolive.types import (
    Alert,
    AlertEnded,
    Event,
    FeatureBlock,
    Prediction,
    Role,
    SpeechActivity,
    SpeechState,
    Stream,
)

# Streams take turns in steps of this, well below what one may be ahead of another.
_STEP_S = 5.0
# The rate of sample indices in results of `analyze`, which are in seconds.
_JSON_RATE = 16_000
# What reading something else ends in; RecursionError: it nests without end.
_NO_RESULT = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)

Feed = Callable[[AlertEngine], list[Alert]]
"""Gives an engine everything that was heard, without finishing it; returns what was raised."""


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call that is over; `hears` tells whether it holds voice activity, not only answers."""

    name: str
    duration_s: float
    streams: tuple[Stream, ...]
    form: CallFormat
    hears: bool
    feed: Feed
    started_at: datetime | None = None

    def evaluate(self, rules: RuleSet) -> tuple[list[Alert], list[AlertEnded], tuple[str, ...]]:
        """Alerts and ends in the order of time, and notes on rules that had nothing to watch."""
        engine = AlertEngine(rules, self.streams, self.form, kept_ends=None)
        alerts = self.feed(engine)
        alerts += engine.finish()
        alerts.sort(key=lambda alert: alert.fired_sample)
        return alerts, engine.take_ended(), engine.notes


def stored_call(library: Library, info: SessionInfo) -> PastCall:
    """A session of the library."""
    streams = tuple(Stream(s.name, role=s.role, emotion=s.emotion) for s in info.streams)

    def listen() -> dict[str, list[SpeechActivity]]:
        return {stream.name: library.activity(info.id, stream.name) for stream in streams}

    def feed(engine: AlertEngine) -> list[Alert]:
        heard = listen()
        alerts = _accept(engine, library.windows(info.id))
        for stream, activity in _in_turns(heard, info.rate):
            alerts += engine.hear(stream, activity)
        return alerts

    return PastCall(
        name=info.id,
        duration_s=info.duration_s,
        streams=streams,
        form=CallFormat(
            info.rate, info.hop_samples, info.labels, info.model, _one_sound(listen(), info.rate)
        ),
        hears=True,
        feed=feed,
        started_at=info.started_at,
    )


def analysed_call(path: Path) -> PastCall:
    """A JSON result of `analyze` or of `sessions export`. It holds no voice activity.

    Raises:
        EmoliveError: it cannot be read, or is no such result.
    """
    try:
        with path.open(encoding="utf-8") as file:
            document = json.load(file)
        labels = tuple(str(label) for label in document["labels"])
        windows = [_window(window, labels) for window in document["windows"]]
        names = dict.fromkeys(window.stream for window in windows)
        told = {
            entry["name"]: Stream(
                entry["name"],
                role=Role(entry["role"]) if entry["role"] else None,
                emotion=entry["emotion"],
            )
            for entry in document.get("streams", [])
        }
        model, duration_s = str(document["model"]), float(document["duration_s"])
    except OSError as error:
        raise EmoliveError(
            "{path} cannot be read ({reason}): check the name.",
            path=path,
            reason=error.strerror or error,
        ) from error
    except _NO_RESULT as error:
        raise EmoliveError(
            "{path} is no result of `emolive analyze --format json`: name one, or a recording.",
            path=path,
        ) from error
    windows.sort(key=lambda window: window.end_sample)
    return PastCall(
        name=str(path),
        duration_s=duration_s,
        streams=tuple(told.values()) or tuple(Stream(name) for name in names),
        form=CallFormat(_JSON_RATE, _hop(windows), labels, model),
        hears=False,
        feed=lambda engine: _accept(engine, windows),
    )


def recorded_call(
    source: RecordedSource,
    name: str,
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
) -> PastCall:
    """A recording, analysed now with exactly the live pipeline; its events are kept in memory.

    `name` is what the call is called in findings.

    Raises:
        AudioFileError: it cannot be read.
    """
    windows: list[Prediction] = []
    heard: dict[str, list[SpeechActivity]] = {}

    def keep(event: Event) -> None:
        if isinstance(event, Prediction):
            windows.append(event.without_embedding())
        elif isinstance(event, FeatureBlock) and event.activity is not None:
            heard.setdefault(event.stream, []).append(event.activity)

    analysis = analyze_source(source, name, classifier, vad, config, listen=keep)
    rate = analysis.metadata.sampling_rate

    def feed(engine: AlertEngine) -> list[Alert]:
        alerts = _accept(engine, windows)
        for stream, activity in _in_turns(heard, rate):
            alerts += engine.hear(stream, activity)
        return alerts

    return PastCall(
        name=name,
        duration_s=analysis.duration_s,
        streams=analysis.streams,
        form=CallFormat(
            rate,
            config.hop_samples(analysis.metadata.front_end),
            analysis.labels,
            analysis.model,
            _one_sound(heard, rate),
        ),
        hears=True,
        feed=feed,
    )


def _one_sound(heard: dict[str, list[SpeechActivity]], rate: int) -> bool:
    """Whether nearly all that was heard is overtalk, as where both channels are the same."""
    meter = ConversationMeter([Party(stream) for stream in heard], rate, patience_s=None)
    for stream, activities in heard.items():
        for activity in activities:
            meter.accept_activity(stream, activity)
    return len(heard) == 2 and not meter.finish().separable


def _accept(engine: AlertEngine, windows: Iterable[Prediction]) -> list[Alert]:
    return [alert for window in windows for alert in engine.accept(window)]


def _in_turns(
    heard: dict[str, list[SpeechActivity]], rate: int
) -> Iterator[tuple[str, SpeechActivity]]:
    """All streams' activity in steps of time, stretches that follow each other joined."""
    parts = [
        (part.start_sample, stream, part)
        for stream, activities in heard.items()
        for part in _stretches(activities, round(_STEP_S * rate))
    ]
    for _, stream, part in sorted(parts, key=lambda entry: entry[0]):
        yield stream, part


def _stretches(activities: list[SpeechActivity], step: int) -> Iterator[SpeechActivity]:
    """Joined as far as they touch, and none longer than `step` samples."""
    waiting: list[SpeechActivity] = []
    for activity in activities:
        if waiting and (
            activity.start_sample != waiting[-1].end_sample
            or activity.end_sample - waiting[0].start_sample > step
        ):
            yield SpeechActivity.joined(waiting)
            waiting = []
        waiting.append(activity)
    if waiting:
        yield SpeechActivity.joined(waiting)


def _window(entry: dict[str, Any], labels: tuple[str, ...]) -> Prediction:
    shares = entry["probabilities"]
    return Prediction(
        stream=str(entry.get("stream", "mono")),
        start_sample=round(entry["start_s"] * _JSON_RATE),
        end_sample=round(entry["end_s"] * _JSON_RATE),
        probabilities=np.array([shares[label] for label in labels], np.float32) if shares else None,
        state=SpeechState(entry["state"]),
        label=None,
        confidence=0.0,
        speech_ratio=float(entry["speech_ratio"]),
        latency_s=0.0,
    )


def _hop(windows: list[Prediction]) -> int:
    """The usual step from one window of a stream to its next; half a second if there is none."""
    ends: dict[str, list[int]] = {}
    for window in windows:
        ends.setdefault(window.stream, []).append(window.end_sample)
    steps = [b - a for found in ends.values() for a, b in pairwise(found) if b > a]
    # The last window ends with the file and others may be missing: most steps are the hop.
    steps.sort()
    return steps[len(steps) // 2] if steps else _JSON_RATE // 2
