"""Rings against the plain lists they stand for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.types import SpeechState
from emolive.ui.history.rings import (
    NO_LABEL,
    SILENCE,
    SPEECH,
    UNCERTAIN,
    DecisionRing,
    LevelRing,
    SpectrogramRing,
)
from tests.ui.feed import LABELS, RATE, SPEC, WINDOW, prediction

HOP = RATE // 2
STATES = tuple(SpeechState)
CODE = {
    SpeechState.SPEECH: SPEECH,
    SpeechState.SILENCE: SILENCE,
    SpeechState.UNCERTAIN: UNCERTAIN,
}


@given(
    decisions=st.lists(
        st.tuples(st.sampled_from(STATES), st.sampled_from(LABELS), st.integers(1, 4)), max_size=40
    ),
    capacity=st.integers(1, 12),
    start=st.integers(-2, 60),
    length=st.integers(0, 60),
)
def test_decisions_are_those_of_the_last_ones(
    decisions: list[tuple[SpeechState, str, int]], capacity: int, start: int, length: int
) -> None:
    ring = DecisionRing(LABELS, RATE, capacity)
    size = ring.nbytes
    expected = []
    end = WINDOW
    for state, label, hops in decisions:
        end += hops * HOP
        answer = prediction(end, state, label, 0.6)
        ring.append(answer)
        ring.append(answer)  # told twice is not two decisions
        expected.append(answer)
    wanted = [
        answer
        for answer in expected[-capacity:]
        if start <= answer.centre_sample / RATE < start + length
    ]
    rows = ring.rows(start, start + length)
    assert rows.centre_s.tolist() == [answer.centre_sample / RATE for answer in wanted]
    assert rows.state.tolist() == [CODE[answer.state] for answer in wanted]
    assert rows.label.tolist() == [
        NO_LABEL if answer.label is None else LABELS.index(answer.label) for answer in wanted
    ]
    for row, answer in zip(rows.probabilities, wanted, strict=True):
        shares = np.zeros(8) if answer.probabilities is None else answer.probabilities
        np.testing.assert_allclose(row, shares, atol=1e-3)
    assert ring.nbytes == size
    assert ring.oldest_s == (
        0.0 if len(expected) <= capacity else expected[-capacity].centre_sample / RATE
    )


@given(
    runs=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=20),
    capacity=st.integers(4, 40),
)
def test_levels_keep_the_loudest_of_each_cell(runs: list[tuple[int, int]], capacity: int) -> None:
    ring = LevelRing(0.1, capacity)
    cells: dict[int, float] = {}
    at = 0
    for gap, length in runs:
        at += gap
        level = -float(at % 50) - length
        ring.add(at * 0.04, (at + length) * 0.04, level, level + 6, speech=length > 4)
        first = int(at * 0.04 / 0.1)
        last = max(first + 1, int(np.ceil((at + length) * 0.04 / 0.1 - 1e-9)))
        for cell in range(first, last):
            cells[cell] = max(cells.get(cell, -999.0), level)
        at += length
    end = max(cells, default=-1) + 1
    level, peak, speech = ring.cells(-3, end + 3)
    assert level.shape == peak.shape == speech.shape == (end + 6,)
    for cell, heard in zip(range(-3, end + 3), level, strict=True):
        if cell in cells and cell >= end - capacity:
            assert heard == cells[cell]
        else:
            assert np.isnan(heard)


def test_levels_stay_within_what_bytes_hold() -> None:
    ring = LevelRing(0.1, 10)
    ring.add(0.0, 0.1, -np.inf, 3.0, speech=False)
    level, peak, speech = ring.cells(0, 1)
    assert (level[0], peak[0], speech[0]) == (-127.0, 0.0, False)


@given(
    writes=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 25)), min_size=1, max_size=12),
    capacity=st.integers(5, 60),
    first=st.integers(-5, 150),
    widths=st.lists(st.integers(0, 7), min_size=1, max_size=30),
)
def test_spectrogram_columns_are_the_loudest_frames(
    writes: list[tuple[int, int]], capacity: int, first: int, widths: list[int]
) -> None:
    ring = SpectrogramRing(4, capacity, 0.0, 255.0)
    frames: dict[int, np.ndarray] = {}
    at = 0
    for gap, n in writes:
        at += gap
        values = np.random.default_rng(at).integers(0, 255, (4, n)).astype(np.float32)
        ring.write(at, values)
        frames |= {at + i: values[:, i] for i in range(n)}
        at += n
    edges = first + np.cumsum([0, *widths])
    columns = ring.columns(edges)
    assert columns.shape == (4, len(widths))
    for i, (start, stop) in enumerate(pairwise(edges)):
        held = [
            frames.get(k, np.zeros(4))
            for k in range(start, max(start + 1, stop))
            if at - capacity <= k < at
        ]
        expected = np.max(held, axis=0) if held else np.zeros(4)
        np.testing.assert_array_equal(columns[:, i], expected)


def test_spectrogram_levels_are_explicit() -> None:
    ring = SpectrogramRing(SPEC.n_mels, 10, -10.0, 5.0)
    for start, power in enumerate((-30.0, -10.0, -2.5, 5.0, 20.0)):
        ring.write(start, np.full((SPEC.n_mels, 1), power, np.float32))
    assert ring.columns(np.arange(6))[0].tolist() == [0, 0, pytest.approx(127, abs=1), 255, 255]
