from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from emolive.errors import EmoliveError
from emolive.session.comparison import analyse_again
from emolive.session.library import Library
from emolive.session.session_history import load
from emolive.types import SpeechState
from emolive.ui.sessions.compare_dialog import CompareDialog
from emolive.ui.sessions.comparison import AgreementStrip
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.replay_page import ReplayPage
from emolive.ui.timeline.decisions import DecisionBand
from tests.models import LABELS, tiny_metadata, tiny_model
from tests.ui.stored_sessions import RATE, demo, store


@pytest.fixture
def always_calm(tmp_path: Path) -> Path:
    """A model that answers "calm", whatever it hears."""
    path = tmp_path / "calm.onnx"
    bias = [9.0 if label == "calm" else 0.0 for label in LABELS]
    tiny_model(
        path,
        tiny_metadata(name="always calm"),
        weights=np.zeros((128, len(LABELS)), np.float32),
        bias=bias,
    )
    return path


def test_another_model_answers_the_same_sound(library: Library, always_calm: Path) -> None:
    session = load(library, store(library))
    told: list[float] = []
    other = analyse_again(library, session, always_calm, lambda done, _: told.append(done))
    assert other.model == "always calm"
    rows = other.decisions["mono"].rows(0, 1e6)
    assert len(rows) == len(demo().analysis.windows)
    assert set(rows.label[rows.label != 255]) == {LABELS.index("calm")}
    assert told[-1] == pytest.approx(session.info.duration_s, abs=0.1)
    assert other.comparison.observed is not None
    assert other.comparison.observed < 0.2


def test_the_dialog_leads_to_two_timelines_and_back(
    qtbot: QtBot, page: SessionsPage, replay: ReplayPage, always_calm: Path
) -> None:
    replay.header.compare_button.click()
    dialog = page.dialog
    assert isinstance(dialog, CompareDialog)
    assert dialog.go_button.isEnabled()
    dialog.another.setChecked(True)
    assert not dialog.go_button.isEnabled()
    dialog.file.setText(str(always_calm))
    dialog.go_button.click()
    qtbot.waitUntil(lambda: page.dialog is None, timeout=30_000)
    strips = [p for p in replay.board.panels if isinstance(p, AgreementStrip)]
    bands = [p for p in replay.board.panels if isinstance(p, DecisionBand)]
    assert len(strips) == 1
    assert len(bands) == 2
    assert replay.comparison.isVisible()
    assert "Below: always calm." in replay.comparison.text.text()
    spoken = next(w for w in demo().analysis.windows if w.state is SpeechState.SPEECH)
    assert "the models differ" in strips[0].describe(spoken.centre_sample / RATE, 0.5)
    # Where and how much of it is drawn as different follows from the answers.
    image = strips[0].grab().toImage()
    differ = replay.theme.colour("warning").rgb()
    seconds = [w.centre_sample / RATE for w in demo().analysis.windows if w.label == "angry"]
    at = [round(replay.board.surface.x_of(second)) for second in seconds]
    assert all(image.pixel(x, 2) == differ for x in at)
    # Marks are still there, and the way back.
    assert replay.board.lanes[0]._rows
    replay.comparison.ended.emit()
    assert not any(isinstance(p, AgreementStrip) for p in replay.board.panels)
    assert not replay.comparison.isVisible()


def test_a_model_that_is_none_is_told_in_the_dialog(
    qtbot: QtBot, page: SessionsPage, replay: ReplayPage, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_text("no model")
    replay.header.compare_button.click()
    dialog = page.dialog
    assert isinstance(dialog, CompareDialog)
    dialog.another.setChecked(True)
    dialog.file.setText(str(wrong))
    dialog.go_button.click()
    qtbot.waitUntil(dialog.problem.isVisible, timeout=20_000)
    assert "wrong.onnx" in dialog.problem.text()
    dialog.reject()
    qtbot.waitUntil(lambda: page.dialog is None)


def test_it_can_be_stopped(
    qtbot: QtBot, page: SessionsPage, library: Library, always_calm: Path
) -> None:
    from tests.ui.stored_sessions import Part

    page.open_session(store(library, [Part("mono", 8)]))
    qtbot.waitUntil(lambda: page.replay.session is not None)
    page.replay.header.compare_button.click()
    dialog = page.dialog
    assert isinstance(dialog, CompareDialog)
    dialog.another.setChecked(True)
    dialog.file.setText(str(always_calm))
    dialog.go_button.click()
    qtbot.waitUntil(lambda: dialog.bar.value() > 0, timeout=20_000)
    dialog.reject()
    qtbot.waitUntil(lambda: page.dialog is None, timeout=10_000)
    assert not page.replay.comparison.isVisible()


def test_a_session_without_sound_cannot_be_compared(library: Library) -> None:
    session = load(library, store(library, audio=False))
    with pytest.raises(EmoliveError, match="No audio"):
        analyse_again(library, session, None, lambda *_: None)
