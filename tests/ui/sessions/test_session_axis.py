from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.ui.sessions.session_axis import MIN_SPAN_S, SessionAxis


def axis(duration_s: float = 600.0, width: int = 1000) -> SessionAxis:
    made = SessionAxis()
    made.set_width(width)
    made.show_session(duration_s)
    return made


def test_a_session_is_shown_whole_at_first_and_stays_so_when_resized() -> None:
    shown = axis()
    assert (shown.start_s, shown.end_s, shown.whole) == (0.0, 600.0, True)
    shown.set_width(1700)
    assert (shown.start_s, shown.whole) == (0.0, True)
    assert shown.end_s == pytest.approx(600.0)


def test_zooming_keeps_the_time_under_the_pointer() -> None:
    shown = axis()
    at_s = shown.time_at(700)
    shown.zoom(0.25, 700)
    assert shown.time_at(700) == pytest.approx(at_s, abs=shown.seconds_per_px)
    assert shown.span_s == pytest.approx(150.0)
    assert not shown.whole
    shown.zoom(100.0, 100)
    assert shown.whole


def test_reveal_moves_only_when_needed_and_widens_for_a_long_stretch() -> None:
    shown = axis()
    shown.view(100.0, 160.0)
    start = shown.start_px
    shown.reveal(120.0, 130.0)
    assert shown.start_px == start
    shown.reveal(300.0, 310.0)
    assert shown.start_s < 300.0 < 310.0 < shown.end_s
    assert shown.span_s == pytest.approx(60.0)
    shown.reveal(200.0, 400.0)
    assert shown.start_s < 200.0 < 400.0 < shown.end_s


def test_there_is_no_live_edge_to_follow() -> None:
    shown = axis()
    shown.view(10.0, 20.0)
    shown.follow_live()
    shown.advance(900.0)
    assert shown.start_s == pytest.approx(10.0)
    assert not shown.follow


@given(
    duration=st.floats(0.2, 40_000),
    width=st.integers(50, 4000),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("zoom"), st.floats(0.01, 50), st.integers(0, 4000)),
            st.tuples(st.just("pan"), st.integers(-5000, 5000), st.just(0)),
            st.tuples(st.just("view"), st.floats(-100, 40_000), st.floats(0, 3000)),
            st.tuples(st.just("centre"), st.floats(-10, 40_000), st.just(0)),
            st.tuples(st.just("width"), st.integers(50, 4000), st.just(0)),
        ),
        max_size=12,
    ),
)
def test_the_view_never_leaves_the_session(
    duration: float, width: int, steps: list[tuple[str, float, float]]
) -> None:
    shown = axis(duration, width)
    for what, one, other in steps:
        if what == "zoom":
            shown.zoom(one, other)
        elif what == "pan":
            shown.pan(int(one))
        elif what == "view":
            shown.view(one, one + other)
        elif what == "centre":
            shown.centre(one)
        else:
            shown.set_width(int(one))
        px = shown.seconds_per_px
        assert min(MIN_SPAN_S, duration) <= shown.span_s + 1e-9
        assert shown.span_s <= duration + 1e-9
        assert shown.start_px >= 0
        assert shown.end_s <= duration + 1.01 * px
