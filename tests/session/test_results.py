from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emolive.session.library import Library
from emolive.session.results import (
    Span,
    emotions_of,
    session_results,
    trend,
    write_results,
)
from tests.session.filled import fill, segment

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def three(library: Library) -> Library:
    for title, days, parts in (
        ("first", 0, (("angry", 0, 6), ("uncertain", 6, 8), ("silence", 8, 20))),
        ("second", 0.01, (("happy", 0, 2),)),
        ("third", 8, (("happy", 0, 3), ("sad", 3, 4))),
    ):
        fill(
            library, title,
            [segment("customer", start, end, label) for label, start, end in parts],
            at=MONDAY + timedelta(days=days), seconds=20.0,
        )  # fmt: skip
    return library


def test_a_session_in_numbers(three: Library) -> None:
    results = session_results(three.sessions(), three.label_samples())
    first = next(one for one in results if one.session.title == "first")
    assert first.decided_s == 6
    assert first.decided == pytest.approx(6 / 8)  # silence is not what was to be decided
    assert first.share("angry") == 1.0
    assert first.share("happy") == 0.0
    assert first.dominant == "angry"
    assert emotions_of(results) == ["happy", "sad", "angry"]


def test_trends_weigh_sessions_by_their_time(three: Library) -> None:
    results = session_results(three.sessions(), three.label_samples())
    one, other = trend(results, Span.WEEK)
    assert (one.sessions, other.sessions) == (2, 1)
    assert one.shares == pytest.approx({"angry": 6 / 8, "happy": 2 / 8})
    assert other.shares == pytest.approx({"happy": 3 / 4, "sad": 1 / 4})
    assert one.start.weekday() == 0
    (month,) = trend(results, Span.MONTH)
    assert month.shares == pytest.approx({"angry": 6 / 12, "happy": 5 / 12, "sad": 1 / 12})
    assert [point.title for point in trend(results, Span.SESSION)] == ["first", "second", "third"]
    assert len(trend(results, Span.DAY)) == 2
    assert trend([], Span.DAY) == []


def test_the_table_is_csv(three: Library, tmp_path: Path) -> None:
    write_results(session_results(three.sessions(), three.label_samples()), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["title"]: row for row in csv.DictReader(file)}
    assert rows["third"]["p_happy"] == "0.75"
    assert rows["third"]["dominant"] == "happy"
    assert rows["first"]["decided"] == "0.75"
