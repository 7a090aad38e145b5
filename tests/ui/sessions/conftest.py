"""A real library with the really analysed demo clip, and the page over it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.audio.output import SilentOutput
from emolive.session.library import Library
from emolive.session.player import session_player
from emolive.session.records import Annotation
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.replay_page import ReplayPage
from emolive.ui.theme import DARK, apply
from tests.ui.stored_sessions import OWN_DECISION, RATE, store

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def session(library: Library) -> str:
    """The demo clip with one mark: 2 to 5 s, happy."""
    mark = Annotation("known", 2 * RATE, 5 * RATE, "happy", "smiling", "mono")
    return store(library, title="Interview 7", tags=("pilot",), annotations=(mark,))


@pytest.fixture
def page(qtbot: QtBot, qapp: QApplication, library: Library) -> Iterator[SessionsPage]:
    """The page over the library, playing to nobody at the pace of a clock."""
    apply(qapp, DARK)
    made = SessionsPage(
        DARK,
        make_player=lambda lib, info: session_player(lib, info, SilentOutput()),
        decision=lambda: OWN_DECISION,
    )
    qtbot.addWidget(made)
    made.resize(1240, 720)
    made.show()
    qtbot.waitExposed(made)
    made.set_library(library)
    yield made
    made.end(time.monotonic() + 60.0)
    made.close()


@pytest.fixture
def replay(qtbot: QtBot, page: SessionsPage, session: str) -> ReplayPage:
    """The session, opened."""
    page.open_session(session)
    qtbot.waitUntil(lambda: page.replay.session is not None)
    qtbot.waitUntil(lambda: page.replay.board.surface.height() > 100)
    return page.replay


@pytest.fixture
def at(replay: ReplayPage) -> Callable[[float, int], QPoint]:
    """A point of the surface at a time, at a height of it."""

    def point(second: float, y: int) -> QPoint:
        return QPoint(round(replay.board.surface.x_of(second)), y)

    return point
