"""The trail on the plane."""

from __future__ import annotations

import numpy as np
import pytest

from emolive.explain.circumplex import Circumplex
from emolive.labels import position_of
from emolive.ui.live.plane import trail_of
from tests.history.test_trend import stream_of
from tests.ui.feed import LABELS


def test_the_trail_goes_smoothly_from_one_emotion_to_the_other() -> None:
    stream = stream_of([(20, "sad"), (10, "happy")])
    trail = trail_of(stream, Circumplex(LABELS), seconds=30)
    sad, happy = position_of("sad"), position_of("happy")
    assert sad
    assert happy
    assert (trail[0].valence, trail[0].arousal) == pytest.approx((sad.valence, sad.arousal))
    assert trail[-1].valence == pytest.approx(happy.valence, abs=0.05)
    valences = np.array([point.valence for point in trail])
    assert (np.diff(valences) >= -1e-9).all()
    assert np.diff(valences).max() < 0.5, "no jump across the plane"
    assert all(point.joined for point in trail[1:])


def test_the_trail_is_not_drawn_across_a_silence_nor_where_nothing_was_inferred() -> None:
    stream = stream_of([(5, "sad"), (8, None), (5, "happy")])
    trail = trail_of(stream, Circumplex(LABELS), seconds=60)
    breaks = [point for point in trail[1:] if not point.joined]
    assert len(breaks) == 1
    happy = position_of("happy")
    assert happy
    assert breaks[0].valence == pytest.approx(happy.valence)
