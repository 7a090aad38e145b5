"""Every text of the sessions page passes the seam, and a longer language still has room."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from emolive import i18n
from emolive.audio.output import SilentOutput
from emolive.session.audit_log import login_name
from emolive.session.library import Library
from emolive.session.player import session_player
from emolive.ui.sessions.export_dialog import ExportDialog
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.side_panel import MARKS, NOTES, SUMMARY
from emolive.ui.theme import LIGHT, apply
from tests.ui.test_access import untranslated


@pytest.fixture
def pseudo(
    qtbot: QtBot, qapp: QApplication, library: Library, session: str
) -> Iterator[SessionsPage]:
    """The page in a made-up language, in the smallest window."""
    i18n.use_language(i18n.PSEUDO)
    apply(qapp, LIGHT)
    made = SessionsPage(
        LIGHT, make_player=lambda lib, info: session_player(lib, info, SilentOutput())
    )
    qtbot.addWidget(made)
    made.resize(924, 616)
    made.show()
    qtbot.waitExposed(made)
    made.set_library(library)
    qtbot.waitUntil(lambda: made.list.model.rowCount() == 1)
    assert session
    yield made
    made.end(time.monotonic() + 60.0)
    made.close()
    i18n.use_language("en")


# What a person or the model wrote, and keys.
OWN = {"Interview 7", "pilot", "smiling", "emolive-resnet34", "Demo clip", login_name()}


def texts_without_a_seam(page: QWidget) -> set[str]:
    found = untranslated(page)
    for widget in page.findChildren(QWidget):
        if isinstance(widget, QLineEdit | QPlainTextEdit) and (text := widget.placeholderText()):
            found |= {text} if "[" not in text else set()
    return {text for text in found if not any(own in text for own in OWN)}


def test_every_text_passes_the_seam(qtbot: QtBot, pseudo: SessionsPage, session: str) -> None:
    assert texts_without_a_seam(pseudo.list) == set()
    pseudo.open_session(session)
    qtbot.waitUntil(lambda: pseudo.replay.session is not None)
    qtbot.waitUntil(lambda: bool(pseudo.replay.side.marks.agreement.text()))
    assert texts_without_a_seam(pseudo.replay) == set()
    pseudo.replay.header.export_button.click()
    assert isinstance(pseudo.dialog, ExportDialog)
    names = {"JSON", "ELAN", "RTTM", "EmotionML", "audformat", ".csv", ".parquet", ".vtt", ".html",
             "Praat", "Audacity"}  # fmt: skip
    left = texts_without_a_seam(pseudo.dialog)
    assert {text for text in left if not any(name in text for name in names)} == set()
    pseudo.dialog.reject()


def test_a_longer_language_is_not_cut_off(qtbot: QtBot, pseudo: SessionsPage, session: str) -> None:
    def cut() -> list[str]:
        QApplication.processEvents()
        found = []
        for label in pseudo.findChildren(QLabel):
            wraps = label.isVisible() and label.text() and label.wordWrap()
            if wraps and label.heightForWidth(label.width()) > label.height() + 1:
                found.append(label.text())
        for button in pseudo.findChildren(QPushButton):
            if button.isVisible() and button.text():
                room = button.width() - 8
                if button.fontMetrics().horizontalAdvance(button.text()) > room:
                    found.append(button.text())
        return found

    qtbot.waitUntil(lambda: cut() == [])
    pseudo.open_session(session)
    qtbot.waitUntil(lambda: pseudo.replay.session is not None)
    pseudo.replay._on_side(True)
    for view in (SUMMARY, MARKS, NOTES):
        pseudo.replay.side.show_view(view)
        qtbot.waitUntil(lambda: cut() == [])
    assert pseudo.width() == 924, "it still fits the smallest window"
    transport = pseudo.replay.transport
    for button in transport.findChildren(QToolButton):
        assert button.geometry().right() <= transport.width()
