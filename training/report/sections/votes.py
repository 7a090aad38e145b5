"""Answers beside listeners' votes: distances of distributions, and pairs of emotions named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from emolive.inference.doubt import second_emotion
from training.report.document import Table
from training.report.numbers import Answers, Floats, mean_interval, pooled
from training.report.rows import ReportRow
from training.report.wording import percent, signed_interval
from training.results import FoldResult

_LIKE = ("cosine", "intersection")
_DECIDED = 0.45


def distances(told: Floats, votes: Floats) -> dict[str, float]:
    """EM2LDL's measures between two ``(n, k)`` of distributions, means over the clips.

    Chebyshev, Clark, Canberra and KL are distances; cosine and intersection are likenesses.
    """
    p, q = np.maximum(told, 1e-9), np.maximum(votes, 1e-9)
    gap, total = np.abs(told - votes), np.maximum(told + votes, 1e-9)
    lengths = np.linalg.norm(told, axis=1) * np.linalg.norm(votes, axis=1)
    each = {
        "Chebyshev": gap.max(axis=1),
        "Clark": np.sqrt(((gap / total) ** 2).sum(axis=1)),
        "Canberra": (gap / total).sum(axis=1),
        "KL": (q * np.log(q / p)).sum(axis=1),
        "cosine": (told * votes).sum(axis=1) / np.maximum(lengths, 1e-9),
        "intersection": np.minimum(told, votes).sum(axis=1),
    }
    return {name: float(values.mean()) for name, values in each.items()}


def voted(results: Sequence[FoldResult]) -> tuple[Answers, Floats] | None:
    """Answers on clips that listeners voted on, and the votes, among the classes they could choose.

    At the temperature that fits each fold's own validation part.
    """
    parts: list[tuple[Answers, Floats]] = []
    for result in results:
        if result.votes is None:
            continue
        answers = pooled([result], "window", calibrated=True)
        assert answers is not None
        known = np.asarray(~np.isnan(result.votes).any(axis=1), np.bool_)
        parts.append((answers.where(known), result.votes[known].astype(np.float64)))
    if not parts:
        return None
    votes = np.concatenate([votes for _, votes in parts])
    columns = np.flatnonzero(votes.sum(axis=0) > 0)
    joined = [np.concatenate([getattr(a, name) for a, _ in parts]) for name in Answers.__slots__]
    together = Answers(*joined)
    told = together.probabilities[:, columns]
    told = told / np.maximum(told.sum(axis=1, keepdims=True), 1e-9)
    return replace(together, probabilities=told), votes[:, columns]


def _voted_rows(
    members: Sequence[ReportRow],
) -> Iterator[tuple[ReportRow, str, Answers, Floats]]:
    """Each row, on which speakers it was tested, its answers and the votes."""
    for row in members:
        for protocol, what in (("cremad", "CREMA-D's speakers"), ("cross-corpus", "left out")):
            if (found := voted(row.of(protocol))) is not None:
                yield row, what, *found


def distributions(members: Sequence[ReportRow]) -> Table | None:
    """How near each row comes to the listeners' votes."""
    lines = []
    names: tuple[str, ...] = ()
    for row, what, answers, votes in _voted_rows(members):
        values = distances(answers.probabilities, votes)
        names = tuple(values)
        lines.append((row.title, what, str(len(answers)), *(f"{v:.3f}" for v in values.values())))
    if not lines:
        return None
    return Table(
        "Against the listeners' votes (CREMA-D), among the classes that they could choose",
        ("model", "tested", "clips", *(f"{n} ↑" if n in _LIKE else f"{n} ↓" for n in names)),
        tuple(lines),
    )


def named_pairs(members: Sequence[ReportRow]) -> Table | None:
    """What listeners heard where the program would name two emotions; its own rule decides."""
    lines = []
    for row, what, answers, votes in _voted_rows(members):
        names = [str(i) for i in range(votes.shape[1])]
        second, other, single, pair, who = [], [], [], [], []
        decided = answers.probabilities.max(axis=1) >= _DECIDED
        for p, heard, speaker in zip(
            answers.probabilities[decided], votes[decided], answers.speakers[decided],
            strict=True,
        ):  # fmt: skip
            first = int(p.argmax())
            named = second_emotion(p.astype(np.float32), names[first], names)
            if named is None:
                continue
            rest = np.delete(heard, [first, int(named)])
            second.append(heard[int(named)])
            other.append(rest.mean())
            single.append(heard.argmax() == first)
            pair.append(heard.argmax() in (first, int(named)))
            who.append(speaker)
        if not second:
            continue
        gap = mean_interval(np.array(second) - np.array(other), np.array(who))
        lines.append(
            (
                row.title,
                what,
                f"{len(second)} of {int(decided.sum())}",
                percent(float(np.mean(second))),
                percent(float(np.mean(other))),
                signed_interval(*gap),
                percent(float(np.mean(single))),
                percent(float(np.mean(pair))),
            )
        )
    if not lines:
        return None
    return Table(
        f"Pairs: windows decided (at least {_DECIDED:.0%}) whose second emotion is close, and what "
        "listeners chose",
        (
            "model",
            "tested",
            "pairs named",
            "votes for the second, %",
            "for each other, %",
            "difference",
            "first choice is the first, %",
            "first choice is in the pair, %",
        ),
        tuple(lines),
    )
