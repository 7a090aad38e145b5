from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.session.export.values import (
    decimal_seconds,
    milliseconds,
    one_line,
    plain_text,
    seconds,
)


@given(st.text(st.characters(exclude_categories=[])))
def test_plain_text_is_xml_and_says_the_same_twice(text: str) -> None:
    plain = plain_text(text)
    element = ElementTree.Element("a")
    element.text = plain
    assert (ElementTree.fromstring(ElementTree.tostring(element, "utf-8")).text or "") == plain
    assert plain_text(plain) == plain
    assert len(one_line(text).splitlines()) <= 1


def test_what_is_escaped_can_be_seen() -> None:
    assert plain_text("odd\udcff\x00\r\nnext") == "odd\\udcff\\x00\nnext"
    assert one_line("a\tb\r\nc ") == "a b c "


@given(st.integers(0, 10**10), st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]))
def test_times_mean_one_sample(sample: int, rate: int) -> None:
    assert round(seconds(sample, rate) * rate) == sample
    assert round(float(decimal_seconds(sample, rate)) * rate) == sample
    assert abs(milliseconds(sample, rate) / 1000 - sample / rate) <= 0.0005 + 1e-9


@pytest.mark.parametrize(("sample", "wanted"), [(0, 0), (8, 1), (7, 0), (16, 1), (24, 2)])
def test_milliseconds_are_the_nearest(sample: int, wanted: int) -> None:
    assert milliseconds(sample, 16_000) == wanted
