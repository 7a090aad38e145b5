from __future__ import annotations

import html
import re
from pathlib import Path

import webvtt
from hypothesis import given

from emolive.session.export.tiers import TierKind, tiers
from emolive.session.export.values import one_line
from emolive.session.export.webvtt import write_vtt
from emolive.session.timeline import Timeline
from tests.session.export.reading import written
from tests.session.export.timelines import EMPTY, RATE, full, timelines

MS = RATE // 1000
Cue = tuple[int, int, str, str, str]


def read(path: Path) -> list[Cue]:
    """Start and end in milliseconds, kind, tier and text of each cue."""
    found = []
    for caption in webvtt.read(path).captions:
        voice = re.fullmatch(r"<v\.(\w+) (.*)>(.*)</v>", caption.raw_text)
        assert voice is not None
        kind, tier, text = (html.unescape(part) for part in voice.groups())
        found.append((clock(caption.start), clock(caption.end), kind, tier, text))
    return found


def clock(text: str) -> int:
    hours, minutes, seconds, milliseconds = map(int, re.split("[:.]", text))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds


def cues(timeline: Timeline) -> list[Cue]:
    """What should be there of a timeline of whole milliseconds."""
    return [
        (s.start_sample // MS, s.end_sample // MS, tier.kind, tier.name, one_line(s.text))
        for tier in tiers(timeline)
        for s in tier.spans
        if not (tier.kind is TierKind.MODEL and s.text == "silence")
    ]


def test_cues_are_in_order_and_name_their_tier(tmp_path: Path) -> None:
    write_vtt(full(), tmp_path / "a.vtt")
    found = read(tmp_path / "a.vtt")
    assert found[:4] == [
        (0, 1750, "model", "customer model", "happy"),
        (0, 1875, "model", "agent model", "not_inferred"),
        (63, 1250, "human", "customer human (anna)", "happy"),
        (63, 1250, "comments", "customer comments (anna)", "laughs"),
    ]
    starts = [cue[0] for cue in found]
    assert starts == sorted(starts)
    assert "silence" not in {cue[-1] for cue in found}
    first = (tmp_path / "a.vtt").read_text(encoding="utf-8").splitlines()[0]
    assert first == 'WEBVTT Call "7" &lt;á &amp; b&gt;'


def test_an_empty_session_has_no_cues(tmp_path: Path) -> None:
    write_vtt(EMPTY, tmp_path / "a.vtt")
    assert (tmp_path / "a.vtt").read_text() == "WEBVTT\n"
    assert read(tmp_path / "a.vtt") == []


# Whole milliseconds, WebVTT's unit, come back exactly; anything else is rounded to the nearest.
@given(timelines(step=MS))
def test_any_timeline_comes_back(timeline: Timeline) -> None:
    with written(write_vtt, timeline, "a.vtt") as path:
        assert sorted(read(path)) == sorted(cues(timeline))


@given(timelines())
def test_any_time_is_rounded_by_half_a_millisecond_at_most(timeline: Timeline) -> None:
    wanted = sorted(
        (s.start_sample, s.end_sample)
        for tier in tiers(timeline)
        for s in tier.spans
        if not (tier.kind is TierKind.MODEL and s.text == "silence")
    )
    with written(write_vtt, timeline, "a.vtt") as path:
        found = read(path)
    assert len(found) == len(wanted)
    for (start, end, *_), (first, last) in zip(found, wanted, strict=True):
        assert abs(start * MS - first) <= MS / 2
        assert abs(end * MS - last) <= MS / 2 or end == start + 1
