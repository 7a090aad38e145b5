"""Valence and arousal are rated while a session plays."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.session.records import Dimension, Trace
from emolive.ui.sessions import side_panel
from emolive.ui.sessions.replay_page import ReplayPage
from emolive.ui.timeline.rating_panels import ValencePanel

STEP = 640


def rated(library: Library, session: str, dimension: Dimension = Dimension.VALENCE) -> np.ndarray:
    found = [t for t in library.traces(session) if t.dimension is dimension]
    mine = [t for t in found if t.annotator != "ben"]
    return mine[0].values if mine else np.array([])


@pytest.fixture
def rating(library: Library, session: str, replay: ReplayPage) -> ReplayPage:
    ben = np.full(1_000, -0.5, np.float32)
    library.put_traces(session, [Trace("ben", Dimension.VALENCE, STEP, ben)])
    replay.open(library, session)
    return replay


def test_what_is_pointed_at_while_it_plays_is_kept(
    qtbot: QtBot, library: Library, session: str, rating: ReplayPage
) -> None:
    qtbot.waitUntil(lambda: len(rating.rating.traces) == 1)
    rating.side.show_view(side_panel.RATING)
    view = rating.side.rating
    view.button.click()
    pad = view.pad
    # Three quarters to the right, up at the top.
    QTest.mouseMove(pad, QPoint(round(pad.width() * 0.87), 13))
    rating.playing.toggle()
    qtbot.waitUntil(lambda: rating.playing.position_s > 0.5, timeout=10_000)
    QTest.keyClick(pad, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: rating.playing.position_s > 1.0, timeout=10_000)
    rating.playing.toggle()
    qtbot.waitUntil(lambda: rated(library, session).size > 0)
    valence, arousal = rated(library, session), rated(library, session, Dimension.AROUSAL)
    assert valence[3] == pytest.approx(0.75, abs=0.1)
    assert arousal[3] == pytest.approx(1.0, abs=0.02)
    last = int(np.flatnonzero(~np.isnan(valence))[-1])
    assert last >= 20
    assert arousal[last] == pytest.approx(0.9, abs=0.02)
    assert not np.isnan(valence[: last + 1]).any()
    # It is drawn beside ben's, with exact values, and they are compared.
    lane = next(p for p in rating.board.panels if isinstance(p, ValencePanel))
    assert lane.isVisible()
    qtbot.waitUntil(lambda: len(rating.rating.traces) == 3)
    told = lane.describe(0.1, 0.5)
    assert "ben: −0.50" in told
    assert f": {valence[2]:.2f}, ben" in told
    qtbot.waitUntil(lambda: "Valence: 2 annotators" in rating.side.marks.agreement.text())

    view.back_button.click()
    qtbot.waitUntil(lambda: rated(library, session).size == 0)
    assert not view.back_button.isEnabled()
    view.button.click()


def test_rating_ends_with_the_session(
    qtbot: QtBot, library: Library, session: str, rating: ReplayPage
) -> None:
    qtbot.waitUntil(lambda: len(rating.rating.traces) == 1)
    view = rating.side.rating
    view.button.click()
    rating.playing.toggle()
    qtbot.waitUntil(lambda: rating.playing.position_s > 0.2, timeout=10_000)
    rating.close_session()
    assert not view.button.isChecked()
    qtbot.waitUntil(lambda: rated(library, session).size > 0)
