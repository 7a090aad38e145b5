"""Rings against the plain lists they stand for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.history.rings import (
    NO_LABEL,
    NOT_INFERRED,
    SILENCE,
    SPEECH,
    UNCERTAIN,
    DecisionRing,
    LevelRing,
    SpectrogramRing,
)
from emolive.types import SpeechState
from tests.memory import array_bytes
from tests.ui.feed import LABELS, RATE, SPEC, WINDOW, prediction

HOP = RATE // 2
STATES = tuple(SpeechState)
CODE = {
    SpeechState.SPEECH: SPEECH,
    SpeechState.SILENCE: SILENCE,
    SpeechState.UNCERTAIN: UNCERTAIN,
    SpeechState.NOT_INFERRED: NOT_INFERRED,
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
    size = array_bytes(ring)
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
    assert rows.confidence.tolist() == pytest.approx([a.confidence for a in wanted], abs=1e-3)
    assert array_bytes(ring) == size
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


@given(
    writes=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 25)), min_size=1, max_size=12),
    cells=st.integers(1, 20),
    first=st.integers(0, 30),
    n=st.integers(1, 30),
)
def test_what_is_older_comes_coarser(
    writes: list[tuple[int, int]], cells: int, first: int, n: int
) -> None:
    """Everything is beyond the fine frames' capacity, so that only the overview can tell."""
    per_cell, n_mels = 5, 5
    ring = SpectrogramRing(n_mels, 1, 0.0, 255.0, per_cell=per_cell, overview_cells=cells)
    size = array_bytes(ring)
    heard = np.zeros((1000, n_mels), np.uint8)
    at = 0
    for gap, count in writes:
        at += gap
        values = np.random.default_rng(at).integers(0, 255, (n_mels, count))
        ring.write(at, values.astype(np.float32))
        heard[max(at, 0) : at + count] = values.T
        at += count
    edges = per_cell * np.arange(first, first + n + 1)
    edges = edges[edges < ring.end - 1]
    if len(edges) < 2:
        return
    columns = ring.columns(edges)
    last_cell = -(-ring.end // per_cell)
    for i, start in enumerate(edges[:-1]):
        cell = heard[start : start + per_cell].max(axis=0)
        pairs = [max(cell[0], cell[1]), max(cell[2], cell[3]), cell[4]]
        # Writes larger than the fine ring enter only what it holds; the fake ones here are.
        known = start // per_cell >= last_cell - cells
        assert (columns[:, i] <= np.repeat(pairs, 2)[:n_mels]).all()
        if not known:
            assert not columns[:, i].any()
    assert array_bytes(ring) == size


def test_the_overview_equals_the_fine_picture_at_its_own_width() -> None:
    rng = np.random.default_rng(0)
    fine = SpectrogramRing(4, 2000, 0.0, 255.0)
    both = SpectrogramRing(4, 50, 0.0, 255.0, per_cell=10, overview_cells=200)
    at = 0
    while at < 1000:
        count = int(rng.integers(1, 40))
        values = rng.integers(0, 255, (4, count)).astype(np.float32)
        fine.write(at, values)
        both.write(at, values)
        at += count
    edges = np.arange(0, at - 60, 10)
    expected = fine.columns(edges).reshape(2, 2, -1).max(axis=1).repeat(2, axis=0)
    np.testing.assert_array_equal(both.columns(edges), expected)
    recent = np.arange(at - 50, at + 1)
    np.testing.assert_array_equal(both.columns(recent), fine.columns(recent))


def test_spectrogram_levels_are_explicit() -> None:
    ring = SpectrogramRing(SPEC.n_mels, 10, -10.0, 5.0)
    for start, power in enumerate((-30.0, -10.0, -2.5, 5.0, 20.0)):
        ring.write(start, np.full((SPEC.n_mels, 1), power, np.float32))
    assert ring.columns(np.arange(6))[0].tolist() == [0, 0, pytest.approx(127, abs=1), 255, 255]
