from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from emolive.engine import FileAnalysis
from emolive.errors import SessionError
from emolive.session.library import Library
from emolive.session.records import Annotation, Gap, GapKind
from emolive.session.timeline import StreamAudio, Timeline
from emolive.types import Prediction, Role, Segment, SpeechState, StreamStatus
from tests.models import LABELS, tiny_metadata
from tests.session.filled import LABELS as SESSION_LABELS
from tests.session.filled import RATE, new_session, segment, window, write_audio


def analysis(*streams: str) -> FileAnalysis:
    windows = tuple(
        Prediction(name, 0, 48_000, None, SpeechState.SILENCE, None, 0.0, 0.0, 0.0)
        for name in streams
    )
    segments = tuple(Segment(name, 0, 64_001, "silence", 0.0) for name in streams)
    return FileAnalysis(Path("in/talk.wav"), 4.0, 44_100, tiny_metadata(), windows, segments)


def test_a_file_of_one_stream_is_plain() -> None:
    timeline = Timeline.of_analysis(analysis("mono"))
    assert timeline.plain
    assert (timeline.title, timeline.source) == ("talk.wav", str(Path("in/talk.wav")))
    assert (timeline.rate, timeline.sample_rate, timeline.labels) == (RATE, 44_100, LABELS)
    assert timeline.streams[0].audio == StreamAudio(Path("in/talk.wav"))
    assert timeline.end_sample == 64_001  # a segment may end a sample after the file
    assert timeline.label is None
    assert not replace(timeline, annotations=(Annotation("a", 0, 1, "sad"),)).plain


@pytest.mark.parametrize(
    ("names", "channels"), [(("left", "right"), (0, 1)), (("ch1", "ch2", "ch3"), (0, 1, 2))]
)
def test_streams_of_a_file_are_its_channels(
    names: tuple[str, ...], channels: tuple[int, ...]
) -> None:
    timeline = Timeline.of_analysis(analysis(*names))
    assert not timeline.plain
    assert [stream.name for stream in timeline.streams] == list(names)
    assert [s.audio and s.audio.channel for s in timeline.streams] == list(channels)
    assert [[w.stream for w in s.windows] for s in timeline.streams] == [[n] for n in names]


def test_roles_come_with_the_analysis() -> None:
    status = StreamStatus("agent", role=Role.AGENT, emotion=False)
    timeline = Timeline.of_analysis(replace(analysis("customer"), streams=(status,)))
    assert [(s.name, s.role, s.emotion) for s in timeline.streams] == [
        ("agent", Role.AGENT, False), ("customer", None, True),
    ]  # fmt: skip
    assert timeline.streams[0].audio is None  # its name does not tell where it is


def test_a_session_is_the_same_document(library: Library) -> None:
    writer = library.create(new_session("Call"), audio=True)
    write_audio(writer, 5.0)
    writer.add_windows([window("customer", 3 * RATE, "happy"), window("agent", 3 * RATE, None)])
    writer.add_segments([segment("customer", 0, 5, "happy"), segment("agent", 0, 5, "silence", 0)])
    writer.add_gap(Gap(1, 9, GapKind.DISK))
    writer.add_annotations([Annotation("a", 0, 9, "sad")])
    info = writer.finish(5 * RATE)
    library.add_tag(info.id, "vip")
    library.add_note(info.id, "nice")
    timeline = Timeline.of_session(library, info.id[:15])
    assert not timeline.plain
    assert (timeline.title, timeline.source, timeline.duration_s) == ("Call", "line 1", 5.0)
    assert (timeline.labels, timeline.sample_rate) == (SESSION_LABELS, 8_000)
    assert timeline.started_at == info.started_at
    agent, customer = timeline.streams
    assert (agent.role, agent.emotion) == (Role.AGENT, False)
    assert customer.audio == StreamAudio(library.audio_path(info.id, "customer"))  # type: ignore[arg-type]
    assert customer.segments == (segment("customer", 0, 5, "happy"),)
    assert [w.label for w in customer.windows] == ["happy"]
    assert timeline.label == "happy"
    assert timeline.gaps == (Gap(1, 9, GapKind.DISK),)
    assert [one.label for one in timeline.annotations] == ["sad"]
    assert timeline.tags == ("vip",)
    assert [note.text for note in timeline.notes] == ["nice"]


def test_an_unknown_session_is_one_sentence(library: Library) -> None:
    with pytest.raises(SessionError, match="There is no session"):
        Timeline.of_session(library, "nobody")
