"""From decisions to shapes: rows per pixel, unbroken trajectories, spans of one decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from emolive.history.rings import N_STATES, NO_LABEL, NOT_INFERRED, SILENCE, SPEECH, DecisionRows
from emolive.types import FloatArray

# A skipped window or two are bridged; a longer absence is a hole.
_BRIDGED_HOPS = 3.4


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Decisions with speech and no hole between them.

    ``at_s`` float64 ``(n,)``; ``shares`` float32 ``(n, n_classes)``: probabilities.
    """

    at_s: npt.NDArray[np.float64]
    shares: FloatArray

    @property
    def tops(self) -> FloatArray:
        """Cumulative probabilities, float32 ``(n, n_classes)``."""
        return np.cumsum(self.shares, axis=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Time of consecutive equal decisions; ``label`` is a class index or NO_LABEL."""

    start_s: float
    end_s: float
    state: int
    label: int


def condense(rows: DecisionRows, column_s: float) -> DecisionRows:
    """One row per column of `column_s` seconds: mean probabilities, most frequent decision."""
    if not len(rows):
        return rows
    columns = np.floor(rows.centre_s / column_s).astype(np.int64)
    starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    column = np.cumsum(np.diff(columns, prepend=columns[0]) != 0)
    n_columns, n_classes = len(starts), rows.probabilities.shape[1]
    voiced = answered(rows)
    weights = np.add.reduceat(voiced.astype(np.float32), starts)
    sums = np.add.reduceat(rows.probabilities, starts, axis=0)
    means: FloatArray = (sums / np.maximum(weights, 1)[:, None]).astype(np.float32)

    states = np.bincount(column * N_STATES + rows.state, minlength=N_STATES * n_columns).reshape(
        -1, N_STATES
    )
    state = states.argmax(axis=1).astype(np.uint8)
    labelled = rows.label != NO_LABEL
    votes = np.bincount(
        column[labelled] * n_classes + rows.label[labelled], minlength=n_classes * n_columns
    ).reshape(-1, n_classes)
    label = np.where(state == SPEECH, votes.argmax(axis=1), NO_LABEL).astype(np.uint8)
    centre = (columns[starts].astype(np.float64) + 0.5) * column_s
    means[(state == SILENCE) | (state == NOT_INFERRED)] = 0.0
    confidence: FloatArray = (
        np.add.reduceat(rows.confidence, starts) / np.maximum(weights, 1)
    ).astype(np.float32)
    return DecisionRows(centre, means, state, label, confidence)


def answered(rows: DecisionRows) -> npt.NDArray[np.bool_]:
    """Which rows have probabilities."""
    known: npt.NDArray[np.bool_] = (rows.state != SILENCE) & (rows.state != NOT_INFERRED)
    return known


def trajectories(rows: DecisionRows, hop_s: float) -> Iterator[Trajectory]:
    """The unbroken stretches with speech, each half a hop wider than its outer decisions."""
    voiced = answered(rows)
    breaks = _holes(rows, hop_s) | (np.diff(voiced.astype(np.int8)) != 0)
    for first, last in _runs(breaks, len(rows)):
        if not voiced[first]:
            continue
        at = rows.centre_s[first:last]
        shares = rows.probabilities[first:last]
        yield Trajectory(
            np.concatenate((at[:1] - hop_s / 2, at, at[-1:] + hop_s / 2)),
            np.concatenate((shares[:1], shares, shares[-1:])),
        )


def spans(rows: DecisionRows, hop_s: float) -> Iterator[Span]:
    """Runs of equal decisions; they meet in the middle between two decisions."""
    holes = _holes(rows, hop_s)
    breaks = holes | (np.diff(rows.state) != 0) | (np.diff(rows.label) != 0)
    at = rows.centre_s
    for first, last in _runs(breaks, len(rows)):
        joined_before = first > 0 and not holes[first - 1]
        joined_after = last < len(rows) and not holes[last - 1]
        start = (at[first - 1] + at[first]) / 2 if joined_before else at[first] - hop_s / 2
        end = (at[last - 1] + at[last]) / 2 if joined_after else at[last - 1] + hop_s / 2
        yield Span(float(start), float(end), int(rows.state[first]), int(rows.label[first]))


def _holes(rows: DecisionRows, hop_s: float) -> npt.NDArray[np.bool_]:
    return np.diff(rows.centre_s) > _BRIDGED_HOPS * hop_s


def _runs(breaks: npt.NDArray[np.bool_], n: int) -> Iterator[tuple[int, int]]:
    """Index ranges ``[first, last)`` between breaks; ``breaks[i]`` lies between i and i + 1."""
    if n:
        edges = [0, *(int(i) + 1 for i in np.flatnonzero(breaks)), n]
        yield from pairwise(edges)
