"""A replayed session is adapted to another mix, or not at all, from its own page."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from emolive.baseline import ExpectedMix
from emolive.session.library import Library
from emolive.session.records import StreamInfo
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.replay_page import ReplayPage
from tests.session.filled import session_record
from tests.ui.stored_sessions import RATE


def pick(replay: ReplayPage, mix: ExpectedMix | None) -> None:
    next(one for one in replay.header.adapting.actions() if one.data() == mix).trigger()


def shown(replay: ReplayPage) -> list[ExpectedMix | None]:
    return [one.data() for one in replay.header.adapting.actions() if one.isChecked()]


def test_another_mix_is_chosen_and_taken_back(
    qtbot: QtBot, library: Library, session: str, replay: ReplayPage
) -> None:
    before = library.windows(session)
    assert shown(replay) == [None]
    said: list[str] = []
    replay.said.connect(said.append)
    replay.actions_.seek(3.0)
    with qtbot.waitSignal(replay.said, timeout=20_000):
        pick(replay, ExpectedMix(0.7))
    assert replay.session is not None
    assert shown(replay) == [ExpectedMix(0.7)]
    assert replay.session.baseline is not None
    assert replay.session.baseline.source == "Demo clip"
    assert "not adapted yet" in replay.header.facts.text() or "adapted" in said[-1]
    assert replay.playing.position == 3 * RATE
    assert any(w.raw_probabilities is not None for w in library.windows(session))
    with qtbot.waitSignal(replay.changed, timeout=20_000):
        pick(replay, None)
    assert replay.session.baseline is None
    assert shown(replay) == [None]
    # By the person's own threshold, which is far below the model's.
    assert [w.label for w in library.windows(session)] == [w.label for w in before]
    assert "the model's own answers" in said[-1]


def test_a_model_that_is_not_here_is_told(
    qtbot: QtBot, library: Library, page: SessionsPage
) -> None:
    new = session_record((StreamInfo("mono", RATE),), ("a", "b"), model="gone")
    session = library.create(new, audio=False).finish(16_000)
    page.open_session(session.id)
    qtbot.waitUntil(lambda: page.replay.session is not None)
    with qtbot.waitSignal(page.replay.failed, timeout=20_000) as problem:
        pick(page.replay, ExpectedMix(0.7))
    assert "The model gone is neither" in problem.args[0]
    assert shown(page.replay) == [None]
