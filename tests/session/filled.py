"""Sessions with known content, made through the real writer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from emolive.session.flac import FlacWriter
from emolive.session.library import Library
from emolive.session.records import Gap, GapKind, SessionInfo, StreamInfo
from emolive.session.writer import SessionWriter
from emolive.types import Prediction, Role, Segment, SpeechActivity, SpeechState

RATE = 16_000
LABELS = ("neutral", "happy", "sad", "angry")
CALL = (
    StreamInfo("agent", 8_000, Role.AGENT, emotion=False),
    StreamInfo("customer", 8_000, Role.CUSTOMER),
)


def session_record(
    streams: tuple[StreamInfo, ...], labels: tuple[str, ...] = LABELS, **facts: Any
) -> SessionInfo:
    """What a session is begun with: the usual analysis, unless `facts` (not None) say else."""
    usual: dict[str, Any] = {
        "rate": RATE,
        "hop_samples": RATE // 2,
        "window_samples": 3 * RATE,
        "model": "tiny",
    }
    given = {name: value for name, value in facts.items() if value is not None}
    return SessionInfo(streams=streams, labels=labels, **({"model": "tiny"} | usual | given))


def new_session(
    title: str = "", at: datetime | None = None, streams: tuple[StreamInfo, ...] = CALL
) -> SessionInfo:
    return session_record(streams, provider="CPU", source="line 1", title=title, started_at=at)


def window(stream: str, end: int, label: str | None, p: float = 0.7) -> Prediction:
    """A 3-second window; label None: silence."""
    shares = None
    if label is not None:
        shares = np.full(len(LABELS), (1 - p) / (len(LABELS) - 1), np.float32)
        shares[LABELS.index(label)] = p
    return Prediction(
        stream=stream,
        start_sample=end - 3 * RATE,
        end_sample=end,
        probabilities=shares,
        state=SpeechState.SILENCE if label is None else SpeechState.SPEECH,
        label=label,
        confidence=0.0 if label is None else p,
        speech_ratio=0.5,
        latency_s=0.01,
    )


def segment(stream: str, start_s: float, end_s: float, label: str, p: float = 0.6) -> Segment:
    return Segment(stream, round(start_s * RATE), round(end_s * RATE), label, p)


def activity(start: int, flags: Sequence[bool]) -> SpeechActivity:
    n = len(flags)
    return SpeechActivity(
        start,
        512,
        np.array(flags, np.bool_),
        np.linspace(0, 1, n).astype(np.float32),
        np.linspace(-60, -10, n).astype(np.float32),
    )


def fill(
    library: Library,
    title: str = "",
    segments: Sequence[Segment] = (),
    *,
    at: datetime | None = None,
    seconds: float = 30.0,
    audio: bool = False,
) -> SessionInfo:
    """A finished session."""
    writer = library.create(new_session(title, at or datetime.now(UTC)), audio=audio)
    if audio:
        write_audio(writer, seconds)
    writer.add_segments(segments)
    return writer.finish(round(seconds * RATE))


def write_audio(writer: SessionWriter, seconds: float) -> None:
    for index, stream in enumerate(writer.info.streams):
        path = writer.audio_path(stream.name)
        assert path is not None
        flac = FlacWriter(path, stream.native_rate)
        rng = np.random.default_rng(index)
        flac.write(rng.uniform(-0.5, 0.5, round(seconds * stream.native_rate)).astype(np.float32))
        flac.close()


GAP = Gap(100, 900, GapKind.OVERRUN)
