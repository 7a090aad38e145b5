"""Sessions for the desktop's tests: the demo clip, really analysed, in a real library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile as sf

from emolive.audio.files import FileSource
from emolive.engine.config import EngineConfig
from emolive.engine.offline import FileAnalysis, analyze_source
from emolive.inference.bundled import model_path
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.decision import DecisionConfig
from emolive.session.flac import FlacWriter
from emolive.session.library import Library
from emolive.session.records import AlertRecord, Annotation, Gap, Note, StreamInfo
from emolive.speech.silero import SileroVad
from emolive.types import (
    Event,
    FeatureBlock,
    FloatArray,
    Prediction,
    Role,
    Segment,
    SpeechActivity,
)
from tests.conftest import SUPPORT_CALL
from tests.session.filled import session_record

RATE = 16_000
E = TypeVar("E", Prediction, Segment)


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """What the shipped model for many calls says about a support call: every emotion once."""

    samples: FloatArray
    analysis: FileAnalysis
    activity: tuple[SpeechActivity, ...]

    @property
    def n_samples(self) -> int:
        return len(self.samples)


# By itself `fast` is seldom sure of a synthesiser's voice.
OWN_DECISION = DecisionConfig(threshold=0.25)


@lru_cache(maxsize=1)
def demo() -> Analysed:
    path = SUPPORT_CALL
    samples, rate = sf.read(path, dtype="float32")
    assert rate == RATE
    activity: list[SpeechActivity] = []

    def listen(event: Event) -> None:
        if isinstance(event, FeatureBlock) and event.activity is not None:
            activity.append(event.activity)

    classifier = OnnxClassifier(model_path(Path("fast")), "cpu")
    source = FileSource(path, paced=False, block_s=0.5)
    config = EngineConfig(decision=OWN_DECISION)
    analysis = analyze_source(source, path, classifier, SileroVad(), config, listen=listen)
    classifier.close()
    return Analysed(np.asarray(samples, np.float32), analysis, tuple(activity))


@dataclass(frozen=True, slots=True)
class Part:
    """One stream: the demo clip `times` over, begun `shift_s` seconds into it."""

    name: str = "mono"
    times: int = 1
    role: Role | None = None


def store(
    library: Library,
    parts: Sequence[Part] = (Part(),),
    *,
    title: str = "Demo",
    tags: Sequence[str] = (),
    started_at: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    audio: bool = True,
    annotations: Sequence[Annotation] = (),
    alerts: Sequence[AlertRecord] = (),
    gaps: Sequence[Gap] = (),
    notes: Sequence[Note] = (),
    native_rate: int = RATE,
) -> str:
    """Put the analysed demo clip into a library; returns the session's id."""
    found = demo()
    metadata = found.analysis.metadata
    writer = library.create(
        session_record(
            streams=tuple(StreamInfo(p.name, native_rate, role=p.role) for p in parts),
            labels=metadata.labels,
            hop_samples=EngineConfig().hop_samples(metadata.front_end),
            window_samples=metadata.window_samples,
            model=metadata.name,
            provider="CPU",
            source="Demo clip",
            title=title,
            tags=tuple(tags),
            started_at=started_at,
        ),
        audio=audio,
    )
    length = max(part.times for part in parts) * found.n_samples
    for part in parts:
        for i in range(part.times):
            at = i * found.n_samples
            writer.add_windows(_moved(w, part.name, at) for w in found.analysis.windows)
            writer.add_segments(_moved(s, part.name, at) for s in found.analysis.segments)
            for piece in found.activity:
                if at + piece.start_sample >= _covered(part.name, i, found):
                    moved = replace(piece, start_sample=at + piece.start_sample)
                    writer.add_activity(part.name, moved)
        if (path := writer.audio_path(part.name)) is not None:
            _write_audio(path, found.samples, part.times, native_rate)
    writer.add_annotations(annotations)
    for alert in alerts:
        writer.add_alert(alert)
    for gap in gaps:
        writer.add_gap(gap)
    for note in notes:
        writer.add_note(note)
    return writer.finish(length).id


def _covered(name: str, i: int, found: Analysed) -> int:
    """Where the activity of the round before ends: its last chunk may reach into this one."""
    del name
    return 0 if i == 0 else (i - 1) * found.n_samples + found.activity[-1].end_sample


def _moved(event: E, stream: str, by: int) -> E:
    return replace(
        event,
        stream=stream,
        start_sample=event.start_sample + by,
        end_sample=event.end_sample + by,
    )


def _write_audio(path: Path, samples: FloatArray, times: int, rate: int) -> None:
    if rate != RATE:
        import soxr

        samples = np.asarray(soxr.resample(samples, RATE, rate), np.float32)
    writer = FlacWriter(path, rate)
    for _ in range(times):
        writer.write(samples)
        writer.flush()
    writer.close()
