"""What the card says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emolive import i18n
from emolive.conversation.definitions import DEFINITIONS, Definition
from emolive.types import Baseline, EngineState, Familiarity, Shift, SpeechState
from emolive.ui.calls.metrics_panel import definition_text
from emolive.ui.live.current import card_text
from tests.history.test_model import ends, model
from tests.ui.feed import LABELS, RATE, block, prediction


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (EngineState.IDLE, "Ready"),
        (EngineState.STARTING, "Starting"),
        (EngineState.RECONNECTING, "No input"),
        (EngineState.STOPPED, "Ready"),
    ],
)
def test_without_a_run_the_card_names_no_emotion(state: EngineState, said: str) -> None:
    made = model()
    made.apply([prediction(end) for end in ends(3.0, 4.0)])
    text = card_text(made.streams["mono"], state, 3.0)
    assert (text.headline, text.state, text.label, text.confidence) == (said, None, None, None)


def test_the_card_tells_emotion_doubt_and_silence() -> None:
    made = model()
    made.apply([block(0)])
    stream = made.streams["mono"]
    assert card_text(stream, EngineState.RUNNING, 3.0).headline == "Listening"
    made.apply([block(0, 10 * RATE), prediction(3 * RATE, label="sad", share=0.6)])
    text = card_text(stream, EngineState.RUNNING, 3.0)
    assert (text.headline, text.detail) == ("Sad", "for 10 s, since 0:00")
    assert text.confidence == pytest.approx(0.6)
    made.apply([prediction(4 * RATE, SpeechState.UNCERTAIN, "calm", 0.3)])
    text = card_text(stream, EngineState.RUNNING, 3.0)
    assert text.headline == "Uncertain"
    assert text.detail.startswith("no emotion stands out: calm 30")
    assert text.why.startswith("Uncertain: no emotion stands out")
    made.apply([prediction(5 * RATE, SpeechState.SILENCE)])
    text = card_text(stream, EngineState.RUNNING, 3.0)
    assert (text.headline, text.confidence) == ("Silence", None)


def test_the_card_names_two_emotions_that_are_close() -> None:
    made = model()
    made.apply([block(0, 10 * RATE)])
    answer = prediction(3 * RATE, label="sad", share=0.5)
    assert answer.probabilities is not None
    close = answer.probabilities.copy()
    close[LABELS.index("fearful")] = 0.3
    made.apply([replace(answer, probabilities=close)])
    text = card_text(made.streams["mono"], EngineState.RUNNING, 3.0)
    assert (text.headline, text.label) == ("Sad + fearful", "sad")
    doubt = replace(answer, probabilities=close, state=SpeechState.UNCERTAIN, label=None)
    made.apply([doubt])
    assert card_text(made.streams["mono"], EngineState.RUNNING, 3.0).headline == "Uncertain"


def test_the_card_tells_how_far_answers_are_adapted() -> None:
    made = model()
    answer = prediction(3 * RATE, label="sad", share=0.6)
    made.apply([block(0, 10 * RATE), answer])
    stream = made.streams["mono"]
    assert card_text(stream, EngineState.RUNNING, 3.0).note == ""
    new = Baseline("Headset", 0.2, 0, 0.01, 0.45)
    made.apply([replace(prediction(4 * RATE, label="sad"), baseline=new)])
    note = card_text(stream, EngineState.RUNNING, 3.0).note
    assert note == "not adapted yet: this source is new"
    known = Baseline("Headset", 42.3, 9, 0.49, 0.45)
    strange = Shift(0.95, Familiarity.UNUSUAL)
    made.apply([replace(prediction(5 * RATE, label="sad"), baseline=known, shift=strange)])
    note = card_text(stream, EngineState.RUNNING, 3.0).note
    assert note == "unusual  ·  adapted to this source: 42 min"


@pytest.mark.parametrize("definition", DEFINITIONS, ids=[one.field for one in DEFINITIONS])
def test_what_a_number_means_is_said_in_the_language_in_use(definition: Definition) -> None:
    i18n.use_language(i18n.PSEUDO)
    text = definition_text(definition.field)
    i18n.use_language("en")
    assert definition.name not in text
    assert definition.text not in text
    assert definition_text(definition.field).startswith(f"<p><b>{definition.name}")
