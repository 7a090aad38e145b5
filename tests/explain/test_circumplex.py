"""Expected positions on the valence–arousal plane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.explain.circumplex import Circumplex
from emolive.labels import USUAL, position_of
from tests.models import LABELS


def probabilities(**shares: float) -> np.ndarray:
    return np.array([shares.get(label, 0.0) for label in LABELS], np.float32)


def test_a_certain_answer_lies_where_its_class_lies() -> None:
    plane = Circumplex(LABELS)
    for label in LABELS:
        derived = plane.expected(probabilities(**{label: 1.0}))
        place = position_of(label)
        assert derived is not None
        assert place is not None
        assert (derived.valence, derived.arousal) == pytest.approx((place.valence, place.arousal))
        assert derived.known == 1.0


def test_the_quadrants_are_those_of_the_literature() -> None:
    def signs(label: str) -> tuple[bool, bool]:
        place = position_of(label)
        assert place is not None
        return place.valence > 0, place.arousal > 0

    assert signs("happy") == (True, True)
    assert signs("angry") == signs("fearful") == signs("disgust") == (False, True)
    assert signs("sad") == (False, False)
    assert signs("calm") == (True, False)
    assert all(p and p.valence**2 + p.arousal**2 <= 1.0 for p in map(position_of, USUAL))


def test_other_names_of_the_same_emotions_are_known() -> None:
    assert position_of("Anger") == position_of("angry")
    assert position_of("happiness") == position_of("joy") == position_of("happy")
    assert position_of("boredom") == position_of("bored")


def test_a_class_without_a_position_is_left_out_and_named() -> None:
    plane = Circumplex(("happy", "sarcastic"))
    assert plane.unknown == ("sarcastic",)
    derived = plane.expected(np.array([0.4, 0.6], np.float32))
    assert derived is not None
    assert derived.valence == pytest.approx(0.81)
    assert derived.known == pytest.approx(0.4)
    assert plane.expected(np.array([0.05, 0.95], np.float32)) is None


@given(st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8).filter(lambda p: sum(p) > 0.2))
def test_positions_stay_between_those_of_the_classes(shares: list[float]) -> None:
    weights = np.array(shares, np.float32) / np.float32(sum(shares))
    derived = Circumplex(LABELS).expected(weights)
    assert derived is not None
    places = [position_of(label) for label in LABELS]
    valences = [p.valence for p in places if p]
    arousals = [p.arousal for p in places if p]
    assert min(valences) - 1e-5 <= derived.valence <= max(valences) + 1e-5
    assert min(arousals) - 1e-5 <= derived.arousal <= max(arousals) + 1e-5
