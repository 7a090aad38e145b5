"""Why an answer is in doubt, in plain words."""

from __future__ import annotations

import numpy as np
import pytest

from emolive.inference.doubt import QUIET_DBFS, doubt_sentence, doubts
from emolive.types import Familiarity, SpeechState

LABELS = ("neutral", "calm", "sad", "angry")
UNCERTAIN, SPEECH = SpeechState.UNCERTAIN, SpeechState.SPEECH


def shares(**given: float) -> np.ndarray:
    """Shares by label; the others share the rest."""
    rest = (1 - sum(given.values())) / max(1, len(LABELS) - len(given))
    return np.array([given.get(label, rest) for label in LABELS], np.float32)


@pytest.mark.parametrize(
    ("probabilities", "confidence", "told"),
    [
        (shares(angry=0.41, sad=0.38), 0.41, "angry 41 %, sad 38 %: too close"),
        (shares(angry=0.71), 0.44, "mixed over the last windows; this one alone says angry 71 %"),
        (
            shares(angry=0.30, sad=0.27),
            0.30,
            "no emotion stands out: angry 30 %, sad 27 %",
        ),
        (shares(sad=0.48, calm=0.2), 0.45, "sad 48 % leads, but not clearly enough"),
    ],
)
def test_each_kind_of_doubt_has_its_words(
    probabilities: np.ndarray, confidence: float, told: str
) -> None:
    found = doubts(UNCERTAIN, None, confidence, probabilities, LABELS)
    assert found == (told.replace(" %", "\u00a0%"),)
    assert doubt_sentence(UNCERTAIN, found) == f"Uncertain: {found[0]}."


def test_strange_and_quiet_sound_is_named_beside_it() -> None:
    about = (UNCERTAIN, None, 0.41, shares(angry=0.41, sad=0.38), LABELS)
    found = doubts(*about, familiarity=Familiarity.UNLIKE, loudest_dbfs=QUIET_DBFS - 1)
    assert found[1:] == ("unlike what the model was trained on", "too quiet")
    assert doubts(*about, familiarity=Familiarity.FAMILIAR, loudest_dbfs=-20.0) == found[:1]
    assert doubt_sentence(UNCERTAIN, found).count(";") == 2


def test_a_window_that_says_something_else_is_explained_too() -> None:
    found = doubts(SPEECH, "calm", 0.5, shares(angry=0.62), LABELS)
    assert "this window alone says angry 62" in found[0]
    said = doubt_sentence(SPEECH, found)
    assert said.startswith("Shown is what the last windows say together")
    assert doubts(SPEECH, "angry", 0.5, shares(angry=0.62), LABELS) == ()
    assert doubt_sentence(SPEECH, ()) == ""


def test_without_speech_there_is_nothing_to_doubt() -> None:
    assert doubts(SpeechState.SILENCE, None, 0.0, None, LABELS) == ()
    assert doubts(SpeechState.NOT_INFERRED, None, 0.0, None, LABELS) == ()
