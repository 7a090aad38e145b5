"""The running baseline is robust, bounded, and put into words."""

from __future__ import annotations

import numpy as np
import pytest

from emolive.explain.baseline import RunningBaseline
from emolive.explain.cues import Cue, CueValues
from emolive.explain.wording import comparison, sentence, title

USUAL = {
    Cue.LOUDNESS: -24.0,
    Cue.PITCH: 120.0,
    Cue.PITCH_RANGE: 5.0,
    Cue.RATE: 5.0,
    Cue.TILT: -12.0,
    Cue.JITTER: 1.0,
    Cue.SHIMMER: 9.0,
    Cue.HNR: 9.0,
    Cue.PAUSES: 20.0,
}


def usual_speaker(windows: int = 40, seed: int = 0) -> RunningBaseline:
    rng = np.random.default_rng(seed)
    baseline = RunningBaseline()
    for _ in range(windows):
        baseline.add(CueValues({c: v * float(1 + 0.03 * rng.normal()) for c, v in USUAL.items()}))
    return baseline


def reading(baseline: RunningBaseline, cue: Cue, value: float):
    found = baseline.compare(CueValues({**USUAL, cue: value}))
    return next(r for r in found if r.cue is cue)


def test_nothing_is_compared_before_enough_is_known() -> None:
    baseline = usual_speaker(windows=7)
    assert not baseline.ready
    assert all(r.deviation is None for r in baseline.compare(CueValues(USUAL)))
    text = sentence(baseline.compare(CueValues(USUAL)), baseline.windows, baseline.least)
    assert "7 of 8 windows" in text


def test_a_few_windows_of_shouting_do_not_move_it() -> None:
    baseline = usual_speaker()
    calm = reading(baseline, Cue.LOUDNESS, -24.0)
    for _ in range(8):
        baseline.add(CueValues({**USUAL, Cue.LOUDNESS: -3.0, Cue.PITCH: 380.0}))
    loud = reading(baseline, Cue.LOUDNESS, -24.0)
    assert loud.usual == pytest.approx(calm.usual, abs=0.5)
    assert reading(baseline, Cue.PITCH, 380.0).usual == pytest.approx(120.0, rel=0.03)


def test_it_follows_a_speaker_who_changes_and_forgets() -> None:
    baseline = RunningBaseline(capacity=20)
    for loudness in [-30.0] * 20 + [-10.0] * 20:
        baseline.add(CueValues({Cue.LOUDNESS: loudness}))
    assert reading(baseline, Cue.LOUDNESS, -10.0).usual == -10.0
    assert max(len(values) for values in baseline._values.values()) == 20


def test_pitch_is_compared_in_semitones() -> None:
    baseline = usual_speaker()
    up, down = reading(baseline, Cue.PITCH, 240.0), reading(baseline, Cue.PITCH, 60.0)
    assert up.deviation is not None
    assert down.deviation is not None
    assert up.deviation == pytest.approx(-down.deviation, rel=0.1)
    assert up.usual == pytest.approx(120, rel=0.03)


def test_a_value_that_is_missing_is_not_compared() -> None:
    found = usual_speaker().compare(CueValues({Cue.LOUDNESS: -24.0}))
    pitch = next(r for r in found if r.cue is Cue.PITCH)
    assert (pitch.value, pitch.deviation) == (None, None)
    assert comparison(pitch) == ""


def test_what_stands_out_is_said_first_and_in_words() -> None:
    baseline = usual_speaker()
    cues = CueValues({**USUAL, Cue.LOUDNESS: -14.0, Cue.PITCH: 142.0, Cue.PAUSES: 4.0})
    text = sentence(baseline.compare(cues), baseline.windows, baseline.least)
    assert text == (
        "Much louder, much higher in pitch and much with fewer pauses, compared with how this "
        "speaker usually sounds."
    ).replace("much with fewer", "with far fewer")
    same = sentence(baseline.compare(CueValues(USUAL)), baseline.windows, baseline.least)
    assert same == "Much as this speaker usually sounds."
    for cue in Cue:
        assert title(cue)
        assert comparison(reading(baseline, cue, USUAL[cue])) == "as usual"
