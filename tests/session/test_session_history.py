from __future__ import annotations

import numpy as np
import pytest

from emolive.acoustics import spectrogram_at
from emolive.session.library import Library
from emolive.session.session_history import LevelHistory, load
from emolive.types import Role, SpeechActivity
from tests.ui.stored_sessions import RATE, Part, demo, store


def test_a_session_comes_back_as_it_was_analysed(library: Library) -> None:
    found = demo()
    session = load(library, store(library, [Part("mono", 2)]))
    stream = session.streams[0]
    assert stream.decisions.count == 2 * len(found.analysis.windows)
    rows = stream.decisions.rows(0.0, 1e6)
    first = found.analysis.windows[0]
    assert rows.centre_s[0] == pytest.approx(first.centre_sample / RATE)
    assert first.probabilities is not None
    np.testing.assert_allclose(rows.probabilities[0], first.probabilities, atol=1e-3)
    assert session.info.duration_samples == 2 * found.n_samples
    assert session.hop_s == 0.5
    assert stream.audio is not None
    assert session.spectrogram.sampling_rate == RATE


def test_levels_are_the_loudest_chunk_of_each_cell() -> None:
    chunk = 512
    level = np.linspace(-60, -10, 100).astype(np.float32)
    activity = SpeechActivity(0, chunk, np.arange(100) % 7 == 0, np.zeros(100, np.float32), level)
    stored = LevelHistory.of([activity], RATE, 4.0)
    cells, peak, speech = stored.cells(-2, 42)
    assert np.isnan(cells[:2]).all()
    for cell in range(32):
        inside = [i for i in range(100) if int(i * chunk / (RATE * 0.1)) == cell]
        assert cells[cell + 2] == level[inside].max()
        assert speech[cell + 2] == any(i % 7 == 0 for i in inside)
    assert np.isnan(cells[2 + 32 :]).all()
    np.testing.assert_array_equal(cells, peak)


def test_a_call_has_conversation_metrics_and_a_silent_library_none(library: Library) -> None:
    call = load(
        library,
        store(library, [Part("agent", 1, Role.AGENT), Part("customer", 1, Role.CUSTOMER)]),
    )
    assert call.metrics is not None
    agent, customer = (call.metrics.party(role) for role in (Role.AGENT, Role.CUSTOMER))
    assert agent.talk_s == customer.talk_s > 10
    # Both say the same at the same time: everything is overtalk.
    assert call.metrics.overtalk_s == pytest.approx(agent.talk_s, abs=0.5)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_pictures_keep_its_lengths_at_any_rate(rate: int) -> None:
    spec = spectrogram_at(rate)
    assert spec.sampling_rate == rate
    assert spec.hop_length / rate == pytest.approx(0.01, rel=0.01)
    assert spec.n_fft >= spec.win_length
