"""One banner, and many who speak: nobody takes away what another one has said."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.types import Severity as AlertSeverity
from emolive.ui.calls.model import CallModel
from emolive.ui.calls.page import CallsPage
from emolive.ui.main_window import MainWindow
from emolive.ui.messages import Action, Message, Severity, session_message
from emolive.ui.recorded_session import NameDialog
from emolive.ui.theme import DARK
from tests.ui import call_shots, feed
from tests.ui.stored_sessions import store
from tests.ui.test_calls_page import Silent


@pytest.fixture
def page(qtbot: QtBot) -> Iterator[CallsPage]:
    made = CallsPage(
        feed.preferences("dark"), DARK, chime=Silent(), find_devices=lambda: call_shots.DEVICES
    )
    qtbot.addWidget(made)
    made.show()
    made.shown()
    yield made
    made.controller._calls.clear()
    made.end(time.monotonic() + 60.0)


def call_in(page: CallsPage, index: int = 0) -> CallModel:
    page.chime = Silent()
    model = call_shots.add_call(page, index, 8)
    page._timer.stop()
    return model


def angry(page: CallsPage, model: CallModel, at_s: float = 5.0) -> None:
    opened, _ = page.controller._calls[model.info.id]
    call_shots.alert(opened, at_s, "Upset", AlertSeverity.CRITICAL, "angry for 5 s")
    page.tick()


def shown(window: MainWindow) -> str:
    return window.banner.message.text if window.banner.message is not None else ""


def test_what_cannot_be_done_is_said_each_time(page: CallsPage) -> None:
    said: list[Message | None] = []
    page.message.connect(said.append)
    page.open_call(call_in(page).info.id)
    for count in (1, 2):
        page._record()
        assert len(said) == count
        assert said[-1] is not None
        assert "is not recorded" in said[-1].text


def test_alerts_and_what_happens_leave_each_other_alone(window: MainWindow) -> None:
    page = window.calls
    first, second = call_in(page), call_in(page, 1)
    angry(page, first)
    assert shown(window).startswith(first.info.name)
    page.controller.said.emit(Message(Severity.INFO, "Recorded 0:10."))
    assert shown(window).startswith(first.info.name), "the alert still waits"
    page.controller.said.emit(Message(Severity.ERROR, "The call cannot be opened."))
    page._acknowledge(first.info.id, None)
    assert shown(window) == "The call cannot be opened."
    page.controller.remove(second.info.id)
    page._clear()
    assert shown(window) == "The call cannot be opened."
    window.dismiss()
    angry(page, first, 7.0)
    assert shown(window).startswith(first.info.name)
    window.dismiss()
    assert not shown(window)
    page._say_alerts()
    assert not shown(window), "it was read"
    angry(page, first, 8.0)
    assert shown(window).startswith(first.info.name), "that is another one"
    page.controller._calls.clear()


def test_why_a_call_is_not_heard_stays_to_be_read(page: CallsPage) -> None:
    model = call_in(page)
    page.open_call(model.info.id)
    page.hearing.problem = "No sound output can be used."
    page.hearing.changed.emit()
    opened, _ = page.controller._calls[model.info.id]
    for event in call_shots.events(12, 3, agent_on=False):
        opened.live.hub.publish(event)
    opened.feed.step(1.0)
    page.tick()
    angry(page, model)
    assert page.call.problem.text() == "No sound output can be used."
    assert page.call.problem.isVisibleTo(page)
    page.hearing.stop()
    assert page.call.problem.isHidden()


@pytest.mark.parametrize("another", [False, True])
def test_a_name_takes_the_place_of_the_message_it_was_asked_from_alone(
    qtbot: QtBot, window: MainWindow, another: bool
) -> None:
    controller = window.library_controller
    qtbot.waitUntil(lambda: controller.library is not None)
    assert controller.library is not None
    info = controller.library.get(store(controller.library, title="Interview"))
    window.recording.said.emit(session_message(info))
    assert window.banner.message is not None
    place = window.banner.message.actions.index(Action.NAME_SESSION)
    window.banner.buttons[place].click()
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), NameDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, NameDialog)
    alert = Message(Severity.ERROR, "Line 3: angry for 5 s", Action.OPEN_CALL)
    window.calls.alerting.emit(alert)
    if another:
        window.recording.said.emit(Message(Severity.WARNING, "Recorded another one."))
    dialog.field.setText("The long talk")
    with qtbot.waitSignal(window.recorded.changed):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert window.banner.message == alert, "nobody has read it"
    window.dismiss()
    if another:
        assert shown(window) == "Recorded another one."
        window.dismiss()
    assert "The long talk" in shown(window)
    window.dismiss()
    assert not shown(window)
