"""The coefficients against the worked examples of their publications."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.session.coefficients import (
    Item,
    cohen_kappa,
    concordance,
    fleiss_kappa,
    krippendorff_alpha,
    krippendorff_alpha_interval,
)

# Fleiss (1971), as tabled widely: 14 raters, 10 items, 5 categories.
FLEISS = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip
# Krippendorff (2011), section C: four observers, twelve units, with missing values.
_ = np.nan
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)


def items(table: np.ndarray, weight: int = 1) -> list[Item]:
    return [
        (weight, Counter(str(value) for value in column if not np.isnan(value)))
        for column in table.T
    ]


def test_fleiss_own_example() -> None:
    counted: list[Item] = [(1, {str(i): n for i, n in enumerate(row) if n}) for row in FLEISS]
    assert fleiss_kappa(counted, 14) == pytest.approx(0.210, abs=5e-4)
    # Only what all raters labelled counts, however long it lasts.
    longer = [(1600 * n, counts) for n, counts in counted]
    assert fleiss_kappa([*longer, (10_000, {"0": 3})], 14) == pytest.approx(0.210, abs=5e-4)


def test_krippendorffs_own_example() -> None:
    assert krippendorff_alpha(items(KRIPPENDORFF)) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha_interval(KRIPPENDORFF) == pytest.approx(0.849, abs=5e-4)


def test_weights_are_repetitions() -> None:
    many = np.repeat(KRIPPENDORFF, 7, axis=1)
    assert krippendorff_alpha(items(KRIPPENDORFF, 7)) == pytest.approx(
        krippendorff_alpha(items(many))
    )
    assert krippendorff_alpha_interval(KRIPPENDORFF, 7) == pytest.approx(
        krippendorff_alpha_interval(many)
    )


def test_lins_definition() -> None:
    one, other = [1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]
    # Pearson 1, both variances 1.25, means one apart: 2.5 / (2.5 + 1).
    assert concordance(one, other) == pytest.approx(2.5 / 3.5)
    assert concordance(one, one) == pytest.approx(1.0)
    assert concordance([*one, np.nan], [*other, 9.0]) == pytest.approx(2.5 / 3.5)


def test_where_there_is_nothing_to_tell_apart_there_is_no_coefficient() -> None:
    assert fleiss_kappa([(5, {"a": 3})], 3) is None
    assert fleiss_kappa([], 3) is None
    assert fleiss_kappa([(5, {"a": 1})], 1) is None
    assert krippendorff_alpha([(5, {"a": 2})]) is None
    assert krippendorff_alpha([(5, {"a": 1}), (2, {"b": 1})]) is None
    assert krippendorff_alpha_interval(np.array([[0.5, 0.5], [0.5, 0.5]])) is None
    assert krippendorff_alpha_interval(np.array([[0.5, _], [_, 0.5]])) is None
    assert concordance([0.5], [0.5]) is None
    assert concordance([0.5, 0.5], [0.5, 0.5]) is None


labels = st.sampled_from("abc")


@given(st.lists(st.tuples(labels, labels), min_size=1, max_size=40))
def test_with_two_raters_they_are_what_theory_says(pairs: list[tuple[str, str]]) -> None:
    counted = [(1, Counter(pair)) for pair in pairs]
    fleiss, alpha = fleiss_kappa(counted, 2), krippendorff_alpha(counted)
    if fleiss is None:
        assert alpha is None
        return
    assert alpha is not None
    # Alpha is Scott's pi, which Fleiss' kappa of two raters is, with a correction for few items.
    n = 2 * len(pairs)
    assert alpha == pytest.approx(fleiss + (1 - fleiss) / n, abs=1e-9)
    kappa = cohen_kappa(Counter(pairs))
    assert kappa is None or kappa >= fleiss - 1e-9
