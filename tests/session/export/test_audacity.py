from __future__ import annotations

from pathlib import Path

from hypothesis import given

from emolive.session.export.audacity import write_audacity
from emolive.session.export.tiers import tiers
from emolive.session.export.values import one_line
from emolive.session.timeline import Timeline
from tests.session.export.reading import sample, written
from tests.session.export.timelines import EMPTY, RATE, full, timelines


def read(path: Path) -> list[tuple[int, int, str]]:
    """A label track as Audacity reads it: lines of start, end and text between tabs."""
    found = []
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        start, end, text = line.split("\t")
        assert float(start) < float(end)
        found.append((sample(start, RATE), sample(end, RATE), text))
    return found


def test_a_track_per_tier(tmp_path: Path) -> None:
    write_audacity(full(), tmp_path / "call.audacity.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "call.audacity.2-agent-gaps.txt",
        "call.audacity.3-customer-model.txt",
        "call.audacity.4-customer-human-anna.txt",
        "call.audacity.5-customer-human-anna-2.txt",
        "call.audacity.6-customer-comments-anna.txt",
        "call.audacity.7-customer-human-ben.txt",
        "call.audacity.8-comments.txt",
        "call.audacity.9-gaps.txt",
        "call.audacity.txt",
    ]
    assert read(tmp_path / "call.audacity.txt") == [
        (0, 30_001, "not_inferred"),
        (30_001, 80_000, "silence"),
    ]
    assert read(tmp_path / "call.audacity.8-comments.txt") == [
        (40_000, 80_000, 'she said "no" and hung up')
    ]


def test_without_segments_the_track_is_empty(tmp_path: Path) -> None:
    write_audacity(EMPTY, tmp_path / "a.audacity.txt")
    assert read(tmp_path / "a.audacity.txt") == []


@given(timelines())
def test_any_timeline_comes_back_to_the_sample(timeline: Timeline) -> None:
    with written(write_audacity, timeline, "a.audacity.txt") as path:
        for number, tier in enumerate(tiers(timeline), 1):
            (track,) = [path] if number == 1 else path.parent.glob(f"a.audacity.{number}*.txt")
            wanted = [(s.start_sample, s.end_sample, one_line(s.text)) for s in tier.spans]
            assert read(track) == wanted
