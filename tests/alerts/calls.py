"""Calls made by hand for tests of alerts: windows and voice activity with known content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from emolive.alerts.engine import AlertEngine
from emolive.alerts.rules import RuleSet
from emolive.alerts.watch import CallFormat
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

RATE = 16_000
HOP = 8_000
WINDOW = 48_000
CHUNK = 512
LABELS = ("neutral", "angry", "disgust")
FORMAT = CallFormat(RATE, HOP, LABELS, "tiny")
CUSTOMER = Stream("customer", role=Role.CUSTOMER)
AGENT = Stream("agent", role=Role.AGENT, emotion=False)
CALL = (AGENT, CUSTOMER)


def window(end: int, angry: float | None, stream: str = "customer") -> Prediction:
    """The answer for the window that ends at sample `end`; None: no speech."""
    shares = None
    if angry is not None:
        shares = np.array([1 - angry, angry, 0.0], np.float32)
    return Prediction(
        stream=stream,
        start_sample=max(0, end - WINDOW),
        end_sample=end,
        probabilities=shares,
        state=SpeechState.SILENCE if angry is None else SpeechState.UNCERTAIN,
        label=None,
        confidence=0.0,
        speech_ratio=0.0 if angry is None else 1.0,
        latency_s=0.0,
    )


def windows(values: Iterable[float | None], stream: str = "customer") -> list[Prediction]:
    """One window per hop, the first ends after one window."""
    return [window(WINDOW + i * HOP, value, stream) for i, value in enumerate(values)]


def activity(flags: Sequence[bool] | npt.NDArray[np.bool_], start_chunk: int = 0) -> SpeechActivity:
    """Voice activity from chunk flags."""
    speech = np.asarray(flags, np.bool_)
    return SpeechActivity(
        start_chunk * CHUNK,
        CHUNK,
        speech,
        speech.astype(np.float32),
        np.full(len(speech), -30, np.float32),
    )


def block(stream: str, heard: SpeechActivity) -> FeatureBlock:
    """A feature block that carries voice activity."""
    return FeatureBlock(
        stream,
        heard.start_sample,
        heard.end_sample,
        np.zeros((1, 0), np.float32),
        -30.0,
        -20.0,
        bool(heard.speech[-1]),
        heard,
    )


def spans(total_s: float, *speech: tuple[float, float]) -> npt.NDArray[np.bool_]:
    """Chunk flags of a stream of `total_s` seconds that speaks in the given spans (seconds)."""
    flags = np.zeros(round(total_s * RATE / CHUNK), np.bool_)
    for start, end in speech:
        flags[round(start * RATE / CHUNK) : round(end * RATE / CHUNK)] = True
    return flags


def talk(flags: dict[str, npt.NDArray[np.bool_]], chunks: int = 3) -> list[Event]:
    """The feature blocks of a call, `chunks` chunks at a time, streams in turn."""
    events: list[Event] = []
    for begin in range(0, max(map(len, flags.values())), chunks):
        events += [
            block(stream, activity(part, begin))
            for stream, all_flags in flags.items()
            if len(part := all_flags[begin : begin + chunks])
        ]
    return events


def evaluate(
    rules: RuleSet,
    events: Iterable[Event],
    streams: Sequence[Stream] = CALL,
    form: CallFormat = FORMAT,
) -> tuple[list[Alert], list[AlertEnded]]:
    """Everything that a call raises, and what ends, its end included."""
    engine = AlertEngine(rules, streams, form)
    alerts = [alert for event in events for alert in engine.accept(event)]
    alerts += engine.finish()
    return alerts, engine.take_ended()
