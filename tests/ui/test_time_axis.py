"""The view on time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emolive.times import clock_text
from emolive.ui.timeline.time_axis import MAX_SPAN_S, MIN_SPAN_S, TimeAxis


def axis(width: int = 600, now_s: float = 0.0) -> TimeAxis:
    made = TimeAxis()
    made.set_width(width)
    made.advance(now_s)
    return made


def test_the_last_minute_fills_from_the_left_then_scrolls() -> None:
    view = axis()
    view.advance(20.0)
    assert (view.start_s, view.end_s) == (0.0, 60.0)
    view.advance(75.0)
    assert view.end_s == pytest.approx(75.0, abs=view.seconds_per_px)
    assert view.end_s - view.start_s == pytest.approx(60.0)


@given(
    width=st.integers(10, 4000),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("advance"), st.floats(0.0, 60.0)),
            st.tuples(st.just("pan"), st.floats(-3000, 3000)),
            st.tuples(st.just("zoom"), st.floats(0.1, 10.0)),
            st.tuples(st.just("width"), st.floats(10, 4000)),
            st.tuples(st.just("span"), st.floats(1.0, 40_000.0)),
            st.tuples(st.just("whole"), st.just(0.0)),
        ),
        max_size=30,
    ),
)
@example(10, [("advance", 1.0), ("advance", 60.0), ("pan", -1.0), ("zoom", 2.0)])
def test_the_view_never_leaves_time(width: int, steps: list[tuple[str, float]]) -> None:
    view = axis(width)
    now_s = 0.0
    for what, amount in steps:
        if what == "advance":
            now_s += amount
            view.advance(now_s)
        elif what == "pan":
            view.pan(int(amount))
        elif what == "zoom":
            view.zoom(amount, view.width / 2)
        elif what == "width":
            view.set_width(int(amount))
        elif what == "span":
            view.set_span(amount)
        else:
            view.show_whole()
        assert MIN_SPAN_S <= view.span_s <= MAX_SPAN_S
        assert view.start_px >= 0
        assert view.start_s <= now_s + view.seconds_per_px
        if view.follow:
            assert view.end_s >= now_s - 2 * view.seconds_per_px
        assert view.x(view.time_at(12.5)) == pytest.approx(12.5, abs=1e-3)


def test_panning_back_lets_go_and_reaching_the_end_follows_again() -> None:
    view = axis(now_s=300.0)
    told: list[bool] = []
    view.follow_changed.connect(told.append)
    view.pan(-100)
    at = view.start_px
    view.advance(310.0)
    assert not view.follow
    assert view.start_px == at
    view.pan(10_000)
    assert view.follow
    assert told == [False, True]


def test_zooming_keeps_the_time_under_the_pointer() -> None:
    view = axis(now_s=1000.0)
    view.pan(-2000)
    at_s = view.time_at(150)
    view.zoom(0.5, 150)
    assert view.span_s == 30.0
    assert view.time_at(150) == pytest.approx(at_s, abs=2 * view.seconds_per_px)


def test_whole_grows_with_the_session() -> None:
    view = axis(now_s=100.0)
    view.show_whole()
    view.advance(1000.0)
    assert view.start_s == 0.0
    assert view.end_s >= 1000.0
    view.set_span(60.0)
    assert not view.whole


def test_what_was_overwritten_cannot_be_reached() -> None:
    view = axis()
    view.advance(40_000.0, oldest_s=11_200.0)
    view.pan(-10_000_000)
    assert view.start_s == pytest.approx(11_200.0, abs=2 * view.seconds_per_px)


@pytest.mark.parametrize("span_s", [5, 60, 300, 1800, 3600, 28_800])
def test_ticks_are_round_and_far_enough_apart(span_s: float) -> None:
    view = axis(width=900, now_s=30_000.0)
    view.set_span(span_s)
    ticks = view.ticks(80)
    assert 2 <= len(ticks) <= 12
    xs = [view.x(at_s) for at_s, _ in ticks]
    assert all(b - a >= 80 for a, b in pairwise(xs))
    assert all(view.start_s <= at_s <= view.end_s for at_s, _ in ticks)


def test_clock_text() -> None:
    assert [clock_text(s) for s in (0, 59.9, 61, 3600, 28_800 + 61)] == [
        "0:00",
        "0:59",
        "1:01",
        "1:00:00",
        "8:01:01",
    ]
