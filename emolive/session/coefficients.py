"""Coefficients of agreement: Cohen's and Fleiss' kappa, Krippendorff's alpha, concordance.

Items are weighted by how long they last, in samples: every sample of audio is one rated item. The
coefficients are those of the literature for items that are repeated that often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from emolive.session.records import Annotation
from emolive.types import Segment

# What a rater says: from a sample, to a sample, a label.
Rating = tuple[int, int, str]


def ratings(marks: Iterable[Annotation | Segment]) -> list[Rating]:
    """Those of the marks that have a label."""
    return [(one.start_sample, one.end_sample, one.label) for one in marks if one.label]


def rated_stretches(
    raters: Sequence[Iterable[Rating]],
) -> Iterator[tuple[int, int, tuple[tuple[str, ...], ...]]]:
    """Stretches in which nothing changes: from, to, and each rater's different labels there."""
    # At each edge what ends and what begins: +1 or -1 of a label.
    edges: dict[int, list[tuple[int, str, int]]] = {}
    for rater, stretches in enumerate(raters):
        for start, end, label in stretches:
            edges.setdefault(start, []).append((rater, label, 1))
            edges.setdefault(end, []).append((rater, label, -1))
    now: list[Counter[str]] = [Counter() for _ in raters]
    for start, end in pairwise(sorted(edges)):
        for rater, label, step in edges[start]:
            now[rater][label] += step
        yield (
            start,
            end,
            tuple(tuple(label for label, n in said.items() if n > 0) for said in now),
        )


# How many raters gave each label to an item, and for how many samples.
Item = tuple[int, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Samples by (one rater's label, the other's), only where both gave one."""

    confusion: Mapping[tuple[str, str], int]

    @property
    def compared(self) -> int:
        """Samples that both labelled."""
        return sum(self.confusion.values())

    @property
    def observed(self) -> float | None:
        """The share of the compared time with equal labels; None where nothing is compared."""
        same = sum(n for (one, other), n in self.confusion.items() if one == other)
        return same / self.compared if self.compared else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa; None where it is not defined (see `cohen_kappa`)."""
        return cohen_kappa(self.confusion)


def cohen_kappa(confusion: Mapping[tuple[str, str], int]) -> float | None:
    """Cohen's kappa of counts by (one rater's label, the other's).

    Agreement beyond what chance would give: (observed - expected) / (1 - expected), where the
    expected agreement is that of two independent raters with the same shares of labels (J. Cohen,
    "A coefficient of agreement for nominal scales", Educational and Psychological Measurement
    20(1), 1960). None where it is not defined: nothing is compared, or both used one and the same
    label only.
    """
    total = sum(confusion.values())
    one: Counter[str] = Counter()
    other: Counter[str] = Counter()
    same = 0
    for (first, second), count in confusion.items():
        one[first] += count
        other[second] += count
        same += count if first == second else 0
    chance = sum(count * other[label] for label, count in one.items())
    if total * total == chance:
        return None
    return (same * total - chance) / (total * total - chance)


def fleiss_kappa(items: Iterable[Item], raters: int) -> float | None:
    """Fleiss' kappa of items that all `raters` labelled; others are left out.

    J. L. Fleiss, "Measuring nominal scale agreement among many raters", Psychological Bulletin
    76(5), 1971. None where it is not defined: fewer than two raters, no such item, or one and the
    same label only.
    """
    whole = [(n, counts) for n, counts in items if sum(counts.values()) == raters]
    total = sum(n for n, _ in whole)
    if raters < 2 or not total:
        return None
    given: Counter[str] = Counter()
    agreed = 0.0
    for n, counts in whole:
        for label, count in counts.items():
            given[label] += n * count
        pairs = sum(count * count for count in counts.values()) - raters
        agreed += n * pairs / (raters * (raters - 1))
    chance = sum((count / (raters * total)) ** 2 for count in given.values())
    if sum(1 for count in given.values() if count) < 2:
        return None
    return (agreed / total - chance) / (1.0 - chance)


def krippendorff_alpha(items: Iterable[Item]) -> float | None:
    """Krippendorff's alpha for names; an item needs two labels, not one of every rater.

    K. Krippendorff, "Computing Krippendorff's alpha-reliability", 2011. None where it is not
    defined: no item has two labels, or there is one and the same label only.
    """
    given: Counter[str] = Counter()
    differing = 0.0
    for n, counts in items:
        raters = sum(counts.values())
        if raters < 2:
            continue
        for label, count in counts.items():
            given[label] += n * count
            differing += n * count * (raters - count) / (raters - 1)
    total = sum(given.values())
    chance = total * total - sum(count * count for count in given.values())
    if not chance:
        return None
    return 1.0 - (total - 1) * differing / chance


def krippendorff_alpha_interval(values: npt.NDArray[np.floating], weight: int = 1) -> float | None:
    """Krippendorff's alpha for numbers whose differences mean something.

    `values` are ``(n_raters, n_items)``, NaN where a rater gave none; each item is repeated
    `weight` times.
    """
    given = np.asarray(values, np.float64)
    held = ~np.isnan(given)
    raters = held.sum(axis=0)
    given, held, raters = given[:, raters >= 2], held[:, raters >= 2], raters[raters >= 2]
    total = int(raters.sum()) * weight
    if not total:
        return None
    # Around the mean: squares of large numbers would lose what differs.
    middle = given[held].mean()
    filled = np.where(held, given - middle, 0.0)
    within = raters * (filled**2).sum(axis=0) - filled.sum(axis=0) ** 2
    differing = float((within / (raters - 1)).sum()) * weight
    squares = float((filled**2).sum()) * weight
    chance = total * squares - (float(filled.sum()) * weight) ** 2
    if chance <= 1e-12 * total:
        return None
    return 1.0 - (total - 1) * differing / chance


def concordance(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Lin's concordance correlation coefficient, over the items for which both have a number.

    L. I.-K. Lin, "A concordance correlation coefficient to evaluate reproducibility", Biometrics
    45(1), 1989: like Pearson's, lowered by differences of mean and spread. None where it is not
    defined: fewer than two such items, or two equal constants.
    """
    pair = np.array([one, other], np.float64)
    pair = pair[:, ~np.isnan(pair).any(axis=0)]
    if pair.shape[1] < 2:
        return None
    first, second = pair
    spread = float(first.var() + second.var() + (first.mean() - second.mean()) ** 2)
    if spread == 0.0:
        return None
    return 2.0 * float(((first - first.mean()) * (second - second.mean())).mean()) / spread
