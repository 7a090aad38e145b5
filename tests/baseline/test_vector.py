from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.baseline import PRESETS, ExpectedMix
from emolive.baseline.evidence import MOST, log_probabilities, mix_vector, moved
from emolive.errors import EmoliveError
from tests.baseline.answers import ANGRY, NEUTRAL, answers, usual_mix
from tests.models import LABELS


@pytest.mark.parametrize("neutral", [0.3, 0.45, 0.7, None])
def test_the_mean_answer_becomes_the_expected_mix(neutral: float | None) -> None:
    rows = answers(usual_mix(0.5), 800, bias={ANGRY: 2.0})
    mix = ExpectedMix(neutral).shares(LABELS)
    vector = mix_vector(log_probabilities(rows), np.ones(len(rows)), mix)
    assert moved(rows, vector).mean(axis=0) == pytest.approx(mix, abs=0.02)


@given(
    st.integers(1, 40),
    st.integers(2, 9),
    st.integers(0, 2**32 - 1),
    st.floats(0.0, 40.0),
)
def test_any_answers_give_a_bounded_vector(n: int, k: int, seed: int, sharp: float) -> None:
    rng = np.random.default_rng(seed)
    logits = sharp * rng.normal(size=(n, k))
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    rows = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
    vector = mix_vector(log_probabilities(rows), rng.uniform(0.1, 2, n), np.full(k, 1 / k))
    assert np.isfinite(vector).all()
    assert np.abs(vector).max() <= MOST
    found = moved(rows, vector)
    assert found.dtype == np.float32
    assert found.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-5)


def test_weights_count() -> None:
    calm, tense = answers({NEUTRAL: 1.0}, 100), answers({ANGRY: 1.0}, 100)
    logs = log_probabilities(np.concatenate([calm, tense]))
    mix = ExpectedMix().shares(LABELS)
    mostly_calm = mix_vector(logs, np.repeat([9.0, 1.0], 100), mix)
    mostly_tense = mix_vector(logs, np.repeat([1.0, 9.0], 100), mix)
    assert mostly_calm[ANGRY] > mostly_tense[ANGRY]


def test_a_mix_is_said_by_name_or_number() -> None:
    assert ExpectedMix.of("calls").neutral == PRESETS["calls"] == 0.70
    assert ExpectedMix.of(" Talk ") == ExpectedMix(0.45)
    assert ExpectedMix.of("balanced").shares(LABELS) == pytest.approx(np.full(8, 1 / 8))
    shares = ExpectedMix.of("0.45").shares(LABELS)
    assert shares[NEUTRAL] == pytest.approx(0.45)
    assert shares.sum() == pytest.approx(1)
    # Own labels without a neutral one are all alike.
    assert ExpectedMix(0.9).shares(("confident", "hesitant")).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("text", ["", "1", "0", "-0.2", "nan", "inf", "mostly", "45 %"])
def test_another_mix_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(EmoliveError, match=r"0\.01 to 0\.99, or one of calls, talk, balanced"):
        ExpectedMix.of(text)
