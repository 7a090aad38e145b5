from __future__ import annotations

from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given

from emolive.session.export.rttm import write_rttm
from emolive.session.export.tiers import TierKind, tiers
from emolive.session.export.values import plain_text
from emolive.session.timeline import Timeline
from tests.session.export.reading import sample, written
from tests.session.export.timelines import EMPTY, RATE, full, recording, timelines

Line = tuple[str, int, int, int, str, float | None]


def read(path: Path) -> list[Line]:
    """Every line strictly by the ten fields: file, channel, start, end, name, confidence."""
    found = []
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        kind, file, channel, begin, length, ortho, stype, name, conf, slat = line.split(" ")
        assert kind == "SPEAKER"
        assert ortho == stype == slat == "<NA>"
        start = sample(begin, RATE)
        end = start + sample(length, RATE)
        sure = None if conf == "<NA>" else float(conf)
        found.append((unquote(file), int(channel), start, end, unquote(name), sure))
    return found


def lines(timeline: Timeline) -> Counter[tuple[str, int, int, int, str]]:
    """What should be there."""
    names = [stream.name for stream in timeline.streams]
    wanted: Counter[tuple[str, int, int, int, str]] = Counter()
    title = timeline.title or "recording"
    for tier in tiers(timeline):
        file = title if tier.kind is TierKind.MODEL else f"{title}.{tier.annotator or 'human'}"
        if tier.stream is None:
            channels = range(1, len(names) + 1)
        else:
            channels = range(1, 2)
            if tier.stream in names:
                channels = range(names.index(tier.stream) + 1, names.index(tier.stream) + 2)
        for span in tier.spans:
            if tier.kind is TierKind.HUMAN or (
                tier.kind is TierKind.MODEL and span.text != "silence"
            ):
                for channel in channels:
                    wanted[
                        plain_text(file), channel, span.start_sample, span.end_sample,
                        plain_text(span.text),
                    ] += 1  # fmt: skip
    return wanted


def test_streams_are_channels_and_people_are_files_of_their_own(tmp_path: Path) -> None:
    write_rttm(full(), tmp_path / "a.rttm")
    title = 'Call "7" <á & b>'
    assert read(tmp_path / "a.rttm") == [
        (title, 2, 0, 27_997, "happy", 0.61),
        (title, 1, 0, 30_001, "not_inferred", 0.0),
        (f"{title}.anna", 2, 1_001, 20_003, "happy", None),
        (f"{title}.anna", 2, 15_000, 33_333, "very happy", None),
        (title, 2, 36_003, 60_000, "angry", 0.725),
        (f"{title}.ben", 2, 40_000, 59_999, "angry", None),
        (title, 2, 60_000, 68_000, "uncertain", 0.3),
        (title, 2, 68_000, 80_000, "sad", 0.5),
    ]


def test_pyannote_reads_it_this_way(tmp_path: Path) -> None:
    # The call by which pyannote.database.util.load_rttm reads RTTM files.
    pandas = pytest.importorskip("pandas", reason="needs the export extra")
    write_rttm(recording(Path('my "talk".wav'), ((0, 32_000, "happy"),)), tmp_path / "a.rttm")
    columns = ["type", "uri", "channel", "start", "duration"]
    columns += ["NA1", "NA2", "speaker", "NA3", "NA4"]
    table = pandas.read_csv(
        tmp_path / "a.rttm", names=columns, sep=r"\s+", keep_default_na=True,
        dtype={"start": float, "duration": float, "speaker": str},
    )  # fmt: skip
    (row,) = table.itertuples()
    assert (row.uri, row.start, row.duration, row.speaker) == (
        "my%20%22talk%22.wav", 0.0, 2.0, "happy",
    )  # fmt: skip


def test_an_empty_session_has_no_lines(tmp_path: Path) -> None:
    write_rttm(EMPTY, tmp_path / "a.rttm")
    assert read(tmp_path / "a.rttm") == []


@given(timelines())
def test_any_timeline_comes_back_to_the_sample(timeline: Timeline) -> None:
    with written(write_rttm, timeline, "a.rttm") as path:
        found = read(path)
    assert Counter(line[:5] for line in found) == lines(timeline)
    assert [line[2] for line in found] == sorted(line[2] for line in found)
