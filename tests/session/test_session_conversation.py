"""The conversation of a recorded call, from what its session keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emolive.session.conversation import session_conversation
from emolive.session.library import Library
from emolive.session.records import StreamInfo
from emolive.types import Role, SpeechActivity
from tests.session.filled import session_record

RATE, CHUNK = 16_000, 512


def activity(first_chunk: int, flags: list[bool]) -> SpeechActivity:
    speech = np.array(flags)
    return SpeechActivity(
        first_chunk * CHUNK,
        CHUNK,
        speech,
        np.where(speech, 0.9, 0.05).astype(np.float32),
        np.where(speech, -20.0, -70.0).astype(np.float32),
    )


def stored(library: Library, streams: tuple[StreamInfo, ...]) -> str:
    """Seventy seconds: the first stream speaks, and after a second of silence the other does."""
    new = session_record(
        streams=streams,
        labels=("happy", "sad"),
    )
    writer = library.create(new, audio=False)
    n = round(35 * RATE / CHUNK)
    gap = round(RATE / CHUNK)
    for index, stream in enumerate(streams):
        flags = [True] * n + [False] * (n + gap)
        if index:
            flags = flags[::-1]
        # One stream at a time, each in one piece: longer than any live delay.
        writer.add_activity(stream.name, activity(0, flags))
    writer.finish((2 * n + gap) * CHUNK)
    return writer.info.id


def test_a_recorded_call_has_a_conversation(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library:
        session = stored(
            library,
            (
                StreamInfo("agent", 8_000, Role.AGENT, emotion=False),
                StreamInfo("customer", 8_000, Role.CUSTOMER),
            ),
        )
        metrics = session_conversation(library, library.get(session))
    assert metrics is not None
    agent, customer = metrics.parties
    assert (agent.role, customer.role) == (Role.AGENT, Role.CUSTOMER)
    assert agent.talk_s == pytest.approx(35, abs=0.1)
    assert metrics.observed_s == metrics.duration_s
    assert customer.responses.median_s == pytest.approx(1.0, abs=0.03)
    assert agent.level_dbfs == pytest.approx(-20, abs=0.1)
    assert agent.syllables_per_s is None


def test_one_stream_or_no_voice_activity_has_none(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library:
        mono = stored(library, (StreamInfo("mono", 48_000),))
        assert session_conversation(library, library.get(mono)) is None
        streams = (StreamInfo("left", 48_000), StreamInfo("right", 48_000))
        new = session_record(
            streams=streams,
            labels=("happy", "sad"),
        )
        writer = library.create(new, audio=False)
        writer.finish(RATE)
        assert session_conversation(library, library.get(writer.info.id)) is None
