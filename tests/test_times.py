"""Times for people are rounded to what is shown, and nothing is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.times import (
    clock_tenths,
    clock_text,
    duration_text,
    length_text,
    seconds_text,
    table_time,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"), (3.7, "3.7 s"), (9.94, "9.9 s"), (9.96, "10 s"), (42.6, "43 s"),
        (59.4, "59 s"), (59.6, "1 min 00 s"), (3 * 60 + 4.7, "3 min 05 s"),
        (3599.6, "1 h 00 min"), (2 * 3600 + 9 * 60 + 40, "2 h 10 min"),
    ],
)  # fmt: skip
def test_a_length_is_rounded_to_what_is_shown(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "whole", "tenths"),
    [
        (3.7, "0:04", "0:03.7"), (59.96, "1:00", "1:00.0"), (3599.99, "1:00:00", "1:00:00.0"),
        (64.24, "1:04", "1:04.2"),
    ],
)  # fmt: skip
def test_a_clock_is_rounded_and_carries(seconds: float, whole: str, tenths: str) -> None:
    assert length_text(seconds) == whole
    assert clock_tenths(seconds) == tenths
    assert table_time(seconds) == tenths.zfill(7)


def test_a_second_of_a_clock_lasts_to_its_end() -> None:
    assert clock_text(59.9) == "0:59"


@given(st.floats(0, 400_000))
def test_a_clock_is_never_off_by_more_than_half_of_its_last_digit(seconds: float) -> None:
    for text, half in ((length_text(seconds), 0.5), (clock_tenths(seconds), 0.05)):
        shown = 0.0
        for part in text.split(":"):
            shown = 60 * shown + float(part)
        assert abs(shown - seconds) <= half + 1e-6


def test_seconds_have_a_real_minus() -> None:
    assert seconds_text(-0.42) == "−0.4 s"
