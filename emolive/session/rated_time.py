"""Time cut wherever one of several raters begins or ends to say something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

# What a rater says: from a sample, to a sample, a label.
Rating = tuple[int, int, str]


def rated_stretches(
    raters: Sequence[Iterable[Rating]],
) -> Iterator[tuple[int, tuple[tuple[str, ...], ...]]]:
    """Stretches in which nothing changes: samples, and each rater's different labels there."""
    # At each edge what ends and what begins: +1 or -1 of a label.
    edges: dict[int, list[tuple[int, str, int]]] = {}
    for rater, ratings in enumerate(raters):
        for start, end, label in ratings:
            edges.setdefault(start, []).append((rater, label, 1))
            edges.setdefault(end, []).append((rater, label, -1))
    now: list[Counter[str]] = [Counter() for _ in raters]
    for start, end in pairwise(sorted(edges)):
        for rater, label, step in edges[start]:
            now[rater][label] += step
        yield (
            end - start,
            tuple(tuple(label for label, n in said.items() if n > 0) for said in now),
        )
