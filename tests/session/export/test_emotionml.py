from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from lxml import etree

from emolive.session.export.emotionml import write_emotionml
from emolive.session.export.tiers import Span, Tier, TierKind, tiers
from emolive.session.export.values import one_line, plain_text
from emolive.session.timeline import StreamAudio, Timeline, TimelineStream
from emolive.types import Segment
from tests.models import LABELS
from tests.session.export.reading import sample, valid, written
from tests.session.export.timelines import EMPTY, RATE, STARTED, full, recording, timelines

MS = RATE // 1000
# Its name is nothing but a line break.
NAMELESS = TimelineStream("\x85", segments=(Segment("\x85", 0, 8 * MS, "sad", 0.5),))
EMO = "{http://www.w3.org/2009/10/emotionml}"
OWN = "{urn:emolive:timeline:1}"
Emotion = tuple[str, str | None, int, int, str]


def read(path: Path) -> list[tuple[Emotion, etree._Element]]:
    """Kind, stream, start, end (milliseconds, as they stand there) and label of each emotion.

    Checks what a schema cannot: that the vocabulary is in the document and has every category, and
    that times fit together.
    """
    root = valid(path, "emotionml.xsd")
    identifier = root.get("category-set").removeprefix("#")
    (vocabulary,) = (v for v in root.iter(f"{EMO}vocabulary") if v.get("id") == identifier)
    assert vocabulary.get("type") == "category"
    labels = {
        item.get("name"): item.findtext(f"{EMO}info", item.get("name")) for item in vocabulary
    }
    found = []
    for emotion in root.iter(f"{EMO}emotion"):
        (category,) = emotion.iter(f"{EMO}category")
        tier = emotion.find(f"{EMO}info/{OWN}tier")
        if emotion.get("start") is not None:
            assert "offset-to-start" not in emotion.attrib
            start, end = int(emotion.get("start")), int(emotion.get("end"))
        else:
            assert emotion.get("time-ref-uri")
            start = int(emotion.get("offset-to-start"))
            end = start + int(emotion.get("duration"))
        assert start <= end
        label = labels[category.get("name")]
        found.append(((tier.get("kind"), tier.get("stream"), start, end, label), emotion))
    return found


def test_a_session_has_absolute_times_and_exact_references(tmp_path: Path) -> None:
    write_emotionml(full(tmp_path), tmp_path / "a.emotionml")
    began = round(STARTED.timestamp() * 1000)
    found = read(tmp_path / "a.emotionml")
    assert [emotion for emotion, _ in found] == [
        ("model", "customer", began, began + 1750, "happy"),
        ("human", "customer", began + 63, began + 1250, "happy"),
        ("human", "customer", began + 938, began + 2083, "very happy"),
        ("model", "customer", began + 2250, began + 3750, "angry"),
        ("human", "customer", began + 2500, began + 3750, "angry"),
        ("model", "customer", began + 4250, began + 5000, "sad"),
    ]
    third = found[2][1]
    assert third.find(f"{EMO}category").get("name") == "very_20_happy"
    assert third.find(f"{EMO}info/{OWN}tier").get("annotator") == "anna"
    assert stretch(third) == ("2-customer.flac", 15_000, 33_333)
    assert found[3][1].find(f"{EMO}category").get("confidence") == "0.725000"
    root = valid(tmp_path / "a.emotionml", "emotionml.xsd")
    assert root.findtext(f"{EMO}info/{OWN}title") == 'Call "7" <á & b>'
    comments = root.findall(f"{EMO}info/{OWN}comment")
    assert [one.text for one in comments] == ["laughs", 'she said "no"\nand hung up']
    assert comments[1].get("start") == str(began + 2500)


def test_a_file_has_times_relative_to_its_audio(tmp_path: Path) -> None:
    talk = recording(tmp_path / "my talk.wav", ((0, 8_001, "happy"), (8_001, 32_000, "silence")))
    write_emotionml(talk, tmp_path / "a.emotionml")
    ((emotion, element),) = read(tmp_path / "a.emotionml")
    assert emotion == ("model", "mono", 0, 500, "happy")
    assert element.get("time-ref-uri") == "my%20talk.wav"
    assert stretch(element) == ("my talk.wav", 0, 8_001)


def test_audio_elsewhere_is_named_absolutely(tmp_path: Path) -> None:
    talk = recording(tmp_path / "a" / "talk.wav", ((0, 8_000, "happy"),))
    (tmp_path / "b").mkdir()
    write_emotionml(talk, tmp_path / "b" / "a.emotionml")
    ((_, element),) = read(tmp_path / "b" / "a.emotionml")
    assert element.get("time-ref-uri") == (tmp_path / "a" / "talk.wav").as_uri()


def test_the_vocabulary_has_the_models_labels(tmp_path: Path) -> None:
    write_emotionml(EMPTY, tmp_path / "a.emotionml")
    root = valid(tmp_path / "a.emotionml", "emotionml.xsd")
    assert tuple(item.get("name") for item in root.iter(f"{EMO}item")) == LABELS
    assert read(tmp_path / "a.emotionml") == []


def test_the_schema_refuses_what_the_recommendation_does(tmp_path: Path) -> None:
    write_emotionml(full(), tmp_path / "a.emotionml")
    whole = (tmp_path / "a.emotionml").read_text(encoding="utf-8")
    for right, wrong in (
        ('<emotionml version="1.0"', '<emotionml version="2.0"'),
        ('name="very_20_happy"', 'name="very happy"'),
        ('confidence="0.725000"', 'confidence="1.725000"'),
        ('name="calm"', 'name="happy"'),
        ('type="category"', 'type="mood"'),
    ):
        assert right in whole
        (tmp_path / "b.xml").write_text(whole.replace(right, wrong), encoding="utf-8")
        with pytest.raises(etree.DocumentInvalid):
            valid(tmp_path / "b.xml", "emotionml.xsd")


# Whole milliseconds, EmotionML's unit, come back exactly, and references to audio do anyway.
@given(timelines(step=MS))
@example(replace(EMPTY, streams=(NAMELESS,)))
def test_any_timeline_comes_back(timeline: Timeline) -> None:
    wanted = Counter(
        (
            str(tier.kind),
            None if tier.stream is None else one_line(tier.stream) or None,
            span.start_sample // MS,
            span.end_sample // MS,
            plain_text(span.text),
        )
        for tier, span in emotions(timeline)
    )
    began = timeline.started_at or datetime(1970, 1, 1, tzinfo=UTC)
    offset = round((began - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
    with written(write_emotionml, timeline, "a.emotionml") as path:
        found = Counter(
            (kind, stream, start - offset, end - offset, label)
            for (kind, stream, start, end, label), _ in read(path)
        )
    assert found == wanted


@given(timelines())
def test_references_are_exact_to_the_sample(timeline: Timeline) -> None:
    audio = StreamAudio(Path("/rec/a.flac"))
    heard = replace(
        timeline, streams=tuple(replace(stream, audio=audio) for stream in timeline.streams)
    )
    with written(write_emotionml, heard, "a.emotionml") as path:
        found = Counter(stretch(element)[1:] for _, element in read(path))
    assert found == Counter((s.start_sample, s.end_sample) for _, s in emotions(heard))


def emotions(timeline: Timeline) -> Iterator[tuple[Tier, Span]]:
    """The stretches that are emotions, with their tiers."""
    for tier in tiers(timeline):
        for span in tier.spans:
            none = span.text in ("silence", "uncertain", "not_inferred")
            if tier.kind is TierKind.HUMAN or (tier.kind is TierKind.MODEL and not none):
                yield tier, span


def stretch(emotion: etree._Element) -> tuple[str, int, int]:
    """File, start and end (samples) of the emotion's reference, a media fragment."""
    uri = urlsplit(emotion.find(f"{EMO}reference").get("uri"))
    name, _, times = uri.fragment.partition("=")
    assert name == "t"
    start, end = times.split(",")
    return unquote(uri.path), sample(start, RATE), sample(end, RATE)
