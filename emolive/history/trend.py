"""The last minutes in a few numbers: which emotions, how much speech, and what changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emolive.history.rings import (
    NO_LABEL,
    NOT_INFERRED,
    SILENCE,
    SPEECH,
    UNCERTAIN,
    DecisionRing,
    DecisionRows,
)


@dataclass(frozen=True, slots=True)
class Share:
    """An emotion's part of the decided time, 0 to 1; `change` against the time before, or None."""

    label: str
    share: float
    change: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """One stream's last `seconds`.

    ``shares`` of the decided emotions, the largest first; ``speech``, ``uncertain`` and ``silence``
    are parts of the whole time, 0 to 1.
    """

    seconds: float
    shares: tuple[Share, ...]
    speech: float
    uncertain: float
    silence: float


def trend(decisions: DecisionRing, now_s: float, seconds: float) -> Trend | None:
    """Look at ``[now_s - seconds, now_s]``, and at as much before it; None without decisions.

    A change is told only when the time before holds at least half as many decided windows.
    """
    rows = decisions.rows(now_s - seconds, now_s + 1.0)
    if not len(rows):
        return None
    counts = _counts(rows, len(decisions.labels))
    decided = int(counts.sum())
    before = _counts(decisions.rows(now_s - 2 * seconds, now_s - seconds), len(counts))
    comparable = decided > 0 and before.sum() >= max(4, decided / 2)
    shares = []
    for label in np.argsort(counts)[::-1]:
        if counts[label]:
            share = counts[label] / decided
            change = float(share - before[label] / before.sum()) if comparable else None
            shares.append(Share(decisions.labels[label], float(share), change))
    spoken = np.isin(rows.state, (SPEECH, UNCERTAIN, NOT_INFERRED))
    return Trend(
        min(seconds, float(rows.centre_s[-1] - rows.centre_s[0])),
        tuple(shares),
        float(spoken.mean()),
        float((rows.state == UNCERTAIN).mean()),
        float((rows.state == SILENCE).mean()),
    )


def _counts(rows: DecisionRows, n_classes: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    labels = rows.label[(rows.state == SPEECH) & (rows.label != NO_LABEL)]
    return np.bincount(labels, minlength=n_classes).astype(np.int64)
