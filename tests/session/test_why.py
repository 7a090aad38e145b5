"""Stored moments are explained with the model that recorded them."""

from __future__ import annotations

from pathlib import Path

import pytest

from emolive.errors import SessionError
from emolive.explain.cues import Cue, load_praat, measure
from emolive.explain.moment import Moment
from emolive.session.library import Library
from emolive.session.why import recorded_with, session_explainer
from tests.ui.stored_sessions import RATE, demo, store

praat = pytest.importorskip("parselmouth", reason="needs the extra cues")


def spoken() -> Moment:
    window = next(w for w in demo().analysis.windows if w.label == "angry")
    return Moment("mono", window.start_sample, window.end_sample, "angry")


@pytest.mark.parametrize("native", [RATE, 44_100])
def test_a_moment_has_the_saliency_and_cues_of_its_sound(library: Library, native: int) -> None:
    info = library.get(store(library, native_rate=native))
    explainer = session_explainer(library, info)
    moment = spoken()
    found = explainer.explain(moment)
    explainer.close()
    assert found.problem is None
    assert found.saliency is not None
    window = next(w for w in demo().analysis.windows if w.end_sample == moment.end_sample)
    assert window.probabilities is not None
    index = demo().analysis.labels.index("angry")
    assert found.saliency.probability == pytest.approx(
        float(window.probabilities[index]), abs=0.03 if native == RATE else 0.1
    )
    values = {reading.cue: reading.value for reading in found.cues}
    samples = demo().samples[moment.start_sample : moment.end_sample]
    wanted = measure(samples, RATE, load_praat()).get(Cue.PITCH)
    assert values[Cue.PITCH] == pytest.approx(wanted, rel=0.02)
    # Compared with how this speaker sounds in the whole session.
    assert found.baseline_windows >= 8
    assert found.words


def test_without_the_model_or_the_sound_it_says_so(library: Library, tmp_path: Path) -> None:
    info = library.get(store(library, audio=False))
    with pytest.raises(SessionError, match="not kept"):
        session_explainer(library, info).explain(spoken())
    assert recorded_with("nobody's model") is None
    assert recorded_with(info.model) == Path("fast")
    from dataclasses import replace

    other = session_explainer(library, replace(info, model="nobody's model"))
    with pytest.raises(SessionError, match="nobody's model"):
        other.explain(spoken())
    other.close()
    assert tmp_path
