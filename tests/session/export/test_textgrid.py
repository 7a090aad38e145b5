from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from praatio import textgrid

from emolive.session.export.textgrid import write_textgrid
from emolive.session.export.tiers import tiers
from emolive.session.export.values import plain_text
from emolive.session.timeline import Timeline
from tests.session.export.reading import sample, written
from tests.session.export.timelines import EMPTY, RATE, full, tidy, timelines


def read(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    """The tiers as praatio reads them, in samples; intervals without text are left out."""
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")
    return {
        tier.name: [
            (sample(start, RATE), sample(end, RATE), text)
            for start, end, text in tier.entries
            if text
        ]
        for tier in grid.tiers
    }


def test_praatio_finds_every_tier_to_the_sample(tmp_path: Path) -> None:
    write_textgrid(full(), tmp_path / "a.TextGrid")
    found = read(tmp_path / "a.TextGrid")
    assert list(found) == [tier.name for tier in tiers(full())]
    for tier in tiers(full()):
        wanted = [(s.start_sample, s.end_sample, s.text) for s in tier.spans]
        assert found[tier.name] == wanted


def test_intervals_cover_the_recording(tmp_path: Path) -> None:
    write_textgrid(full(), tmp_path / "a.TextGrid")
    grid = textgrid.openTextgrid(
        str(tmp_path / "a.TextGrid"), includeEmptyIntervals=True, reportingMode="error"
    )
    for tier in grid.tiers:
        edges = [0.0, *(entry.end for entry in tier.entries)]
        assert [entry.start for entry in tier.entries] == edges[:-1]
        assert edges[-1] == 5.0


@pytest.mark.parametrize("timeline", [full(), EMPTY], ids=["full", "empty"])
def test_praat_itself_opens_it(tmp_path: Path, timeline: Timeline) -> None:
    parselmouth = pytest.importorskip("parselmouth", reason="needs the cues extra (Praat)")
    write_textgrid(timeline, tmp_path / "a.TextGrid")
    grid = parselmouth.read(str(tmp_path / "a.TextGrid"))
    call = parselmouth.praat.call
    assert call(grid, "Get number of tiers") == len(tiers(timeline))
    for number, tier in enumerate(tiers(timeline), 1):
        assert call(grid, "Get tier name", number) == tier.name
        found = []
        for index in range(1, call(grid, "Get number of intervals", number) + 1):
            text = call(grid, "Get label of interval", number, index)
            if text:
                start = call(grid, "Get start time of interval", number, index)
                end = call(grid, "Get end time of interval", number, index)
                found.append((sample(start, RATE), sample(end, RATE), text))
        assert found == [(s.start_sample, s.end_sample, s.text) for s in tier.spans]


@given(timelines(label=tidy))
def test_any_timeline_comes_back(timeline: Timeline) -> None:
    with written(write_textgrid, timeline, "a.TextGrid") as path:
        found = read(path)
        for tier in tiers(timeline):
            wanted = [(s.start_sample, s.end_sample, plain_text(s.text)) for s in tier.spans]
            assert found[plain_text(tier.name)] == wanted


# Spaces and quotes at the ends of labels are beyond praatio, but not beyond Praat.
@given(timelines())
def test_praat_itself_reads_any_timeline(timeline: Timeline) -> None:
    parselmouth = pytest.importorskip("parselmouth", reason="needs the cues extra (Praat)")
    with written(write_textgrid, timeline, "a.TextGrid") as path:
        grid = parselmouth.read(str(path))
        call = parselmouth.praat.call
        for number, tier in enumerate(tiers(timeline), 1):
            texts = [
                call(grid, "Get label of interval", number, index)
                for index in range(1, call(grid, "Get number of intervals", number) + 1)
            ]
            assert [text for text in texts if text] == [plain_text(s.text) for s in tier.spans]
