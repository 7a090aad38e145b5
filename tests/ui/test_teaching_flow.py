"""The way of somebody who teaches a model: label by keyboard, teach, use, delete."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from emolive.adapt import shelf
from emolive.audio.output import SilentOutput
from emolive.session.player import session_player
from emolive.types import EngineState
from emolive.ui.main_window import MainWindow
from emolive.ui.sessions.delete_dialog import DeleteDialog
from emolive.ui.sessions.label_moments import LabelMoments
from emolive.ui.sessions.teach_dialog import TeachDialog
from tests.ui.stored_sessions import store
from tests.ui.test_recording import run_demo, window  # noqa: F401


def press(widget: QWidget) -> None:
    """By keyboard alone."""
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(widget, Qt.Key.Key_Space)


def test_from_moments_to_a_model_in_use(
    qtbot: QtBot,
    window: MainWindow,  # noqa: F811
) -> None:
    library = window.library_controller.library
    assert library is not None
    first, second = store(library, title="Monday"), store(library, title="Tuesday")
    window.show_page(1)
    page = window.sessions
    # To nobody, at the pace of a clock.
    page._make_player = lambda lib, info: session_player(lib, info, SilentOutput())
    qtbot.waitUntil(lambda: page.list.model.rowCount() == 2)
    ready = page.hard_worker

    # The most telling moments are played, one after another.
    press(page.list.label_button)
    dialog = page.dialog
    assert isinstance(dialog, LabelMoments)
    qtbot.waitUntil(lambda: dialog.moment is not None, timeout=90_000)
    qtbot.waitUntil(lambda: dialog.playing.playing, timeout=10_000)
    total = dialog.bar.maximum()
    assert total >= 12

    # In a name of one's own, which holds for all marking from now on.
    dialog.who.setFocus()
    dialog.who.selectAll()
    QTest.keyClicks(dialog.who, " ")
    QTest.keyClick(dialog.who, Qt.Key.Key_Return)
    assert dialog.who.text() == dialog.annotator != "", "nobody is no name"
    dialog.who.setFocus()
    dialog.who.selectAll()
    QTest.keyClicks(dialog.who, "Ana  M.")
    QTest.keyClick(dialog.who, Qt.Key.Key_Return)
    assert dialog.hasFocus()
    assert page.replay.marking.annotator == "Ana M."
    assert window.preferences.settings.marking.annotator == "Ana M."

    # Own labels, and a key for each.
    dialog.own.setFocus()
    QTest.keyClicks(dialog.own, "confident, hesitant")
    QTest.keyClick(dialog.own, Qt.Key.Key_Return)
    assert dialog.isVisible(), "Enter in the field ends nothing"
    assert dialog.hasFocus()

    def key(which: Qt.Key) -> None:
        qtbot.waitUntil(lambda: not ready.busy and dialog._ready, timeout=30_000)
        QTest.keyClick(dialog, which)

    before = dialog.moment
    key(Qt.Key.Key_S)
    qtbot.waitUntil(lambda: dialog.moment is not before)
    key(Qt.Key.Key_Backspace)
    qtbot.waitUntil(lambda: dialog.moment is before)
    key(Qt.Key.Key_1)
    qtbot.waitUntil(lambda: dialog.labelled == 1)
    key(Qt.Key.Key_U)
    qtbot.waitUntil(lambda: dialog.labelled == 0 and dialog.moment is before)
    assert not [*library.annotations(first), *library.annotations(second)]
    key(Qt.Key.Key_3)
    assert dialog.labelled == 0, "there are two labels"
    for i in range(10):
        key((Qt.Key.Key_1, Qt.Key.Key_2)[i % 2])
        qtbot.waitUntil(lambda i=i: dialog.labelled == i + 1)
    marks = [*library.annotations(first), *library.annotations(second)]
    assert sorted(mark.label or "" for mark in marks) == ["confident"] * 5 + ["hesitant"] * 5
    assert {mark.annotator for mark in marks} == {"Ana M."}
    qtbot.waitUntil(lambda: "Gain so far" in dialog.worth.text() or "Measured" in
                    dialog.worth.text(), timeout=30_000)  # fmt: skip
    assert "10 labels: 5" in dialog.counts.text()

    # Teach a model with them.
    press(dialog.teach_button)
    qtbot.waitUntil(lambda: isinstance(page.dialog, TeachDialog))
    teaching = page.dialog
    assert isinstance(teaching, TeachDialog)
    qtbot.waitUntil(lambda: "10 labels" in teaching.counts.text(), timeout=30_000)
    teaching.name.setText("fast")
    press(teaching.teach_button)
    qtbot.waitUntil(teaching.problem.isVisible, timeout=20_000)
    assert "comes with emolive" in teaching.problem.text()
    teaching.name.setText("coach")
    press(teaching.teach_button)
    assert teaching.doing.isVisible()
    assert teaching.bar.accessibleName() == teaching.doing.text() != ""
    qtbot.waitUntil(lambda: teaching.model is not None, timeout=90_000)
    assert teaching.doing.isHidden()
    assert "“coach”" in teaching.verdict.text()
    assert "95 of 100" in teaching.verdict.text()
    press(teaching.use_button)
    qtbot.waitUntil(lambda: page.dialog is None)
    assert window.preferences.settings.model.file == Path("coach")

    # It is chosen in the settings, and runs with its own labels.
    window.show_settings()
    analysis = window.settings_page.analysis
    assert analysis.model.value() == Path("coach")
    assert analysis.taught.isVisible()
    assert "5 confident" in analysis.taught.about.text()
    run_demo(qtbot, window)
    model = window.runner.model
    assert model is not None
    assert model.facts.model == "coach"
    assert model.facts.labels == ("confident", "hesitant")
    qtbot.waitUntil(
        lambda: any(s.current is not None for s in model.streams.values()), timeout=30_000
    )
    window.live.toggle()
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED, timeout=20_000)

    # Taught again under its name, it would be replaced: that is said before.
    page.teach()
    again = page.dialog
    assert isinstance(again, TeachDialog)
    assert not again.taken.isVisible()
    again.name.setText("coach")
    assert again.taken.isVisible()
    again.reject()
    qtbot.waitUntil(lambda: page.dialog is None)

    # Who deletes what it was taught with can delete the model, too.
    page.delete([library.get(first)])
    asking = page.dialog
    assert isinstance(asking, DeleteDialog)
    qtbot.waitUntil(asking.models.isVisible, timeout=20_000)
    assert "coach" in asking.models.text()
    press(asking.models)
    press(asking.delete_button)
    qtbot.waitUntil(lambda: not shelf.kept()[0], timeout=20_000)
    qtbot.waitUntil(lambda: not ready.busy)
    assert [info.id for info in library.sessions()] == [second]


def test_nothing_to_label_is_told_in_the_dialog(
    qtbot: QtBot,
    window: MainWindow,  # noqa: F811
) -> None:
    library = window.library_controller.library
    assert library is not None
    store(library, audio=False)
    window.show_page(1)
    page = window.sessions
    page.label_moments()
    dialog = page.dialog
    assert isinstance(dialog, LabelMoments)
    qtbot.waitUntil(dialog.problem.isVisible, timeout=60_000)
    assert "No moments to label" in dialog.problem.text()
    QTest.keyClick(dialog, Qt.Key.Key_1)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: page.dialog is None)
    page.teach()
    teaching = page.dialog
    assert isinstance(teaching, TeachDialog)
    teaching.teach()
    qtbot.waitUntil(teaching.problem.isVisible, timeout=60_000)
    assert "nothing labelled" in teaching.problem.text()
    teaching.reject()
    qtbot.waitUntil(lambda: page.dialog is None)
