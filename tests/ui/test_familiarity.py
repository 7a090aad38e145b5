"""Sound that the model was trained on nothing like is said so, in the live view and in a call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from emolive.history.model import MonitorModel
from emolive.monitoring.call_feed import Digest
from emolive.monitoring.sources import CallChoice, CallKind
from emolive.types import EngineState, Familiarity, Prediction, Shift, SpeechState
from emolive.ui.calls.call_view import CallView
from emolive.ui.calls.model import CallInfo, CallModel
from emolive.ui.live.current import card_text
from emolive.ui.theme import LIGHT
from tests.ui import feed

UNLIKE = "unlike anything this model was trained on"


def answer(end_s: float, word: Familiarity | None, **fields: object) -> Prediction:
    shift = None if word is None else Shift(0.5, word)
    return replace(feed.prediction(round(end_s * feed.RATE), **fields), shift=shift)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (None, ""),
        (Familiarity.FAMILIAR, ""),
        (Familiarity.UNUSUAL, "unusual"),
        (Familiarity.UNLIKE, UNLIKE),
    ],
)
def test_the_card_says_it(word: Familiarity | None, said: str) -> None:
    model = MonitorModel(feed.run_facts())
    model.apply([feed.block(0, 10 * feed.RATE), answer(3, word, label="sad", share=0.6)])
    text = card_text(model.streams["mono"], EngineState.RUNNING, 3.0)
    assert (text.headline, text.note) == ("Sad", said)


def test_an_uncertain_card_says_it_too() -> None:
    model = MonitorModel(feed.run_facts())
    uncertain = answer(3, Familiarity.UNLIKE, state=SpeechState.UNCERTAIN, label="calm", share=0.3)
    model.apply([feed.block(0, 10 * feed.RATE), uncertain])
    text = card_text(model.streams["mono"], EngineState.RUNNING, 3.0)
    assert text.detail.startswith("no emotion stands out: calm")
    assert "unlike what the model was trained on" in text.why
    assert text.note == UNLIKE


def test_an_opened_call_says_it_through_silence(qtbot: QtBot) -> None:
    choice = CallChoice(CallKind.STEREO_FILE, "a", files=(Path("a"),))
    model = CallModel(CallInfo("a", "a", choice, feed.run_facts(), {}))
    model.apply(Digest(status=feed.status(EngineState.RUNNING, ("customer",))))
    assert model.strange is None
    digest = Digest()
    digest.decisions.append(answer(3, Familiarity.UNLIKE, stream="customer"))
    digest.decisions.append(answer(4, None, state=SpeechState.SILENCE, stream="customer"))
    model.apply(digest)
    assert model.strange is Familiarity.UNLIKE
    view = CallView(LIGHT)
    qtbot.addWidget(view)
    view.show_call(model)
    view.refresh()
    assert view.telephone.text() == f"To the model, this speech is {UNLIKE}."
    assert not view.telephone.isHidden()
    digest = Digest()
    digest.decisions.append(answer(5, Familiarity.FAMILIAR, stream="customer"))
    model.apply(digest)
    view.refresh()
    assert view.telephone.isHidden()
