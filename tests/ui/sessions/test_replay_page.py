from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from emolive.session.flac import FlacWriter
from emolive.session.library import Library
from emolive.session.records import AlertRecord, Gap, GapKind, StreamInfo
from emolive.types import Role
from emolive.ui.sessions.mark_lane import MarkLane
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.replay_page import ReplayPage
from emolive.ui.theme import LIGHT, dress
from emolive.ui.timeline.decisions import DecisionBand
from emolive.ui.timeline.levels import LevelPanel
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.ui.timeline.spectrogram import SpectrogramPanel
from tests.session.filled import session_record
from tests.ui.session_shots import marks
from tests.ui.stored_sessions import RATE, Part, demo, store

At = Callable[[float, int], QPoint]
LEFT = Qt.MouseButton.LeftButton
_NONE = Qt.KeyboardModifier.NoModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_CTRL = Qt.KeyboardModifier.ControlModifier


def drag(surface: QWidget, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(surface, LEFT, pos=start)
    for share in (0.3, 0.7, 1.0):
        step = start + (end - start) * share
        QTest.mouseMove(surface, step)
    QTest.mouseRelease(surface, LEFT, pos=end)


def row(replay: ReplayPage, kind: type) -> int:
    """Height of the middle of the first panel of a kind."""
    panel = next(p for p in replay.board.panels if type(p) is kind)
    return panel.y() + panel.height() // 2


def key(replay: ReplayPage, code: Qt.Key, modifiers: Qt.KeyboardModifier = _NONE) -> None:
    QTest.keyClick(replay.board.surface, code, modifiers)


def test_all_panels_share_one_time_axis(replay: ReplayPage) -> None:
    kinds = [type(panel) for panel in replay.board.panels if panel.isVisible()]
    assert kinds == [ProbabilityPanel, DecisionBand, MarkLane, SpectrogramPanel, LevelPanel]
    plots = {(p.x() + p.plot.x(), p.plot.width()) for p in replay.board.panels if p.isVisible()}
    assert len(plots) == 1
    axis = replay.board.axis
    assert axis.start_s == 0.0
    assert axis.end_s == pytest.approx(demo().n_samples / RATE, abs=0.1)
    x = replay.board.surface.x_of(20.0)
    assert replay.board.surface.time_at(x) == pytest.approx(20.0, abs=1e-6)


def test_a_click_seeks_and_the_cursor_follows(replay: ReplayPage, at: At) -> None:
    QTest.mouseClick(replay.board.surface, LEFT, pos=at(12.0, row(replay, ProbabilityPanel)))
    assert replay.playing.position_s == pytest.approx(12.0, abs=0.05)
    assert replay.board.surface.position_s == replay.playing.position_s
    assert replay.transport.clock.text().startswith(("0:12.0", "0:11.9"))


def test_it_plays_pauses_and_the_cursor_moves_along(qtbot: QtBot, replay: ReplayPage) -> None:
    key(replay, Qt.Key.Key_Space)
    assert replay.playing.playing
    assert replay.transport.play_button.accessibleName() == "Pause"
    qtbot.waitUntil(lambda: replay.board.surface.position_s > 0.3, timeout=10_000)
    key(replay, Qt.Key.Key_Space)
    assert not replay.playing.playing
    stood = replay.playing.position
    qtbot.wait(80)
    assert replay.playing.position == stood


def test_twice_the_speed_is_heard_twice_as_fast(qtbot: QtBot, replay: ReplayPage) -> None:
    key(replay, Qt.Key.Key_Greater, _SHIFT)
    key(replay, Qt.Key.Key_Greater, _SHIFT)
    key(replay, Qt.Key.Key_Greater, _SHIFT)
    assert replay.transport.speeds.currentText() == "2×"
    key(replay, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: replay.playing.position_s > 0.2, timeout=10_000)

    def pace() -> float:
        begin, wall = replay.playing.position_s, time.monotonic()
        qtbot.wait(300)
        return (replay.playing.position_s - begin) / (time.monotonic() - wall)

    # A busy machine makes it stumble now and then.
    assert any(1.4 < pace() < 2.6 for _ in range(30))
    key(replay, Qt.Key.Key_Space)


def test_dragging_selects_and_loops(qtbot: QtBot, replay: ReplayPage, at: At) -> None:
    y = row(replay, SpectrogramPanel)
    drag(replay.board.surface, at(7.0, y), at(9.0, y))
    stretch = replay.selection.stretch
    assert stretch is not None
    assert stretch.start_sample / RATE == pytest.approx(7.0, abs=0.2)
    assert stretch.end_sample / RATE == pytest.approx(9.0, abs=0.2)
    key(replay, Qt.Key.Key_L)
    assert replay.transport.loop_button.isChecked()
    assert replay.playing.looped == (stretch.start_sample, stretch.end_sample)
    assert replay.board.surface.loop is not None
    # A seek outside ends it.
    QTest.mouseClick(replay.board.surface, LEFT, pos=at(30.0, y))
    assert replay.playing.looped is None
    assert not replay.transport.loop_button.isChecked()
    assert qtbot


def test_a_loop_needs_a_selection(qtbot: QtBot, page: SessionsPage, replay: ReplayPage) -> None:
    with qtbot.waitSignal(page.message) as told:
        key(replay, Qt.Key.Key_L)
    assert "Select a stretch first" in told.args[0].text
    assert not replay.transport.loop_button.isChecked()


def test_next_and_previous_segment_of_an_emotion(replay: ReplayPage) -> None:
    angry = [s for s in demo().analysis.segments if s.label == "angry"]
    replay.transport.target.setCurrentIndex(replay.transport.target.findText("angry"))
    key(replay, Qt.Key.Key_Right, _CTRL)
    assert replay.playing.position == angry[0].start_sample
    assert replay.selection.stretch is not None
    assert replay.selection.stretch.end_sample == angry[0].end_sample
    key(replay, Qt.Key.Key_Right, _CTRL)
    assert replay.playing.position == angry[1].start_sample
    key(replay, Qt.Key.Key_Left, _CTRL)
    assert replay.playing.position == angry[0].start_sample


def test_there_being_no_further_segment_is_told(
    qtbot: QtBot, page: SessionsPage, replay: ReplayPage
) -> None:
    with qtbot.waitSignal(page.message) as told:
        key(replay, Qt.Key.Key_Left, _CTRL)
    assert told.args[0].text == "There is no emotion segment before this."


def test_arrows_move_and_extend_home_and_end_go_all_the_way(replay: ReplayPage) -> None:
    key(replay, Qt.Key.Key_Right)
    key(replay, Qt.Key.Key_Right)
    assert replay.playing.position == 2 * RATE
    key(replay, Qt.Key.Key_Right, _SHIFT)
    key(replay, Qt.Key.Key_Right, _SHIFT)
    stretch = replay.selection.stretch
    assert stretch is not None
    assert (stretch.start_sample, stretch.end_sample) == (2 * RATE, 3 * RATE)
    key(replay, Qt.Key.Key_Left, _SHIFT)
    assert replay.selection.stretch is not None
    assert replay.selection.stretch.end_sample == round(2.5 * RATE)
    key(replay, Qt.Key.Key_BracketLeft)  # begins at its own end: left as it is
    key(replay, Qt.Key.Key_End)
    key(replay, Qt.Key.Key_BracketRight)
    assert replay.selection.stretch.end_sample == demo().n_samples
    key(replay, Qt.Key.Key_Home)
    assert replay.playing.position == 0


def test_zooming_by_key_and_wheel_and_back(replay: ReplayPage, at: At) -> None:
    axis = replay.board.axis
    key(replay, Qt.Key.Key_Plus)
    assert axis.span_s == pytest.approx(axis.now_s / 2)
    surface = replay.board.surface
    place = QPointF(at(4.0, 40))
    event = QWheelEvent(
        place, QPointF(surface.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, 240),
        Qt.MouseButton.NoButton, _NONE, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(surface, event)
    assert axis.span_s == pytest.approx(0.64 * axis.now_s / 2)
    assert surface.time_at(place.x()) == pytest.approx(4.0, abs=2 * axis.seconds_per_px)
    key(replay, Qt.Key.Key_0)
    assert axis.whole
    replay.actions_.select_segment_at(8 * RATE, None)
    key(replay, Qt.Key.Key_Z)
    segment = next(s for s in demo().analysis.segments if s.start_sample <= 8 * RATE < s.end_sample)
    assert axis.start_s < segment.start_sample / RATE
    assert axis.end_s > segment.end_sample / RATE
    assert axis.span_s < 2 * (segment.end_sample - segment.start_sample) / RATE


def test_a_double_click_selects_the_segment_under_the_pointer(replay: ReplayPage, at: At) -> None:
    y = row(replay, DecisionBand)
    QTest.mouseDClick(replay.board.surface, LEFT, pos=at(8.0, y))
    segment = next(s for s in demo().analysis.segments if s.start_sample <= 8 * RATE < s.end_sample)
    stretch = replay.selection.stretch
    assert stretch is not None
    assert (stretch.start_sample, stretch.end_sample) == (segment.start_sample, segment.end_sample)


def test_the_spectrogram_fills_in(qtbot: QtBot, replay: ReplayPage) -> None:
    panel = next(p for p in replay.board.panels if isinstance(p, SpectrogramPanel))

    def colours() -> int:
        image = panel.grab().toImage()
        middle = image.height() * 3 // 4
        return len({image.pixel(x, middle) for x in range(70, image.width() - 20, 3)})

    qtbot.waitUntil(lambda: colours() > 20, timeout=15_000)


def test_two_streams_are_aligned_and_can_be_heard_alone(
    qtbot: QtBot, page: SessionsPage, library: Library
) -> None:
    call = store(library, [Part("agent", 1, Role.AGENT), Part("customer", 1, Role.CUSTOMER)])
    page.open_session(call)
    replay = page.replay
    qtbot.waitUntil(lambda: replay.session is not None)
    bands = [p for p in replay.board.panels if isinstance(p, DecisionBand)]
    assert len(bands) == 2
    assert bands[0].plot == bands[1].plot
    assert [replay.transport.streams.itemText(i) for i in range(3)] == [
        "hear all",
        "hear agent",
        "hear customer",
    ]
    replay.transport.hear.emit(("customer",))
    assert replay.playing.heard == ("customer",)
    # What is dragged in one stream's panels is about that stream.
    qtbot.waitUntil(lambda: bands[1].y() > bands[0].y() > 0)
    surface = replay.board.surface
    y = bands[1].y() + 10
    drag(surface, QPoint(round(surface.x_of(5)), y), QPoint(round(surface.x_of(9)), y))
    assert replay.selection.stretch is not None
    assert replay.selection.stretch.stream == "customer"


def test_alerts_and_gaps_are_marked(qtbot: QtBot, page: SessionsPage, library: Library) -> None:
    session = store(
        library,
        alerts=(AlertRecord("anger", 8 * RATE, "Angry for 5 s"),),
        gaps=(Gap(20 * RATE, 24 * RATE, GapKind.SOURCE),),
    )
    page.open_session(session)
    board = page.replay.board
    qtbot.waitUntil(lambda: page.replay.session is not None)
    assert board.events is not None
    assert board.events.isVisible()
    assert "Angry for 5 s" in board.events.describe(8.0, 0.5)
    assert board.events.describe(30.0, 0.5) == ""
    qtbot.waitUntil(lambda: board.surface.width() == board.width())
    before = board.grab().toImage()
    board.surface.gaps = ()
    board.surface.update()
    after = board.grab().toImage()
    x = round(board.surface.x_of(22.0))
    column = [before.pixel(x, y) != after.pixel(x, y) for y in range(40, board.height() - 10)]
    assert sum(column) > 0.8 * len(column)
    outside = round(board.surface.x_of(30.0))
    assert all(before.pixel(outside, y) == after.pixel(outside, y) for y in range(before.height()))


def test_a_session_without_sound_can_still_be_walked_through(
    qtbot: QtBot, page: SessionsPage, library: Library
) -> None:
    page.open_session(store(library, audio=False))
    replay = page.replay
    qtbot.waitUntil(lambda: replay.session is not None)
    assert not any(isinstance(p, SpectrogramPanel) for p in replay.board.panels)
    assert "no audio" in replay.transport.length.text()
    assert not replay.header.compare_button.isEnabled()
    key(replay, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: replay.playing.position_s > 0.2, timeout=10_000)
    key(replay, Qt.Key.Key_Space)


def test_panels_can_be_hidden(qtbot: QtBot, replay: ReplayPage) -> None:
    spectrogram = next(p for p in replay.board.panels if isinstance(p, SpectrogramPanel))
    replay.header.kinds[SpectrogramPanel].trigger()
    assert not spectrogram.isVisible()
    replay.header.kinds[SpectrogramPanel].trigger()
    assert spectrogram.isVisible()
    assert qtbot


def test_summary_leads_to_the_strongest_moments(replay: ReplayPage) -> None:
    buttons = replay.side.summary.findChildren(QPushButton)
    peak = replay.session.summary.streams[0].peaks[0] if replay.session else None
    assert peak is not None
    assert buttons[0].accessibleName().startswith(peak.label)
    buttons[0].click()
    assert replay.playing.position == pytest.approx(peak.at_sample, abs=2)


def test_escape_first_unselects_then_leaves(page: SessionsPage, replay: ReplayPage) -> None:
    replay.actions_.select_segment_at(8 * RATE, None)
    key(replay, Qt.Key.Key_Escape)
    assert replay.selection.stretch is None
    assert not page.showing_list
    key(replay, Qt.Key.Key_Escape)
    assert page.showing_list
    assert replay.session is None


def test_renaming_in_the_header(qtbot: QtBot, library: Library, replay: ReplayPage) -> None:
    assert replay.session is not None
    session = replay.session.info.id
    title = replay.header.title
    title.setFocus()
    title.selectAll()
    qtbot.keyClicks(title, "Interview 8")
    QTest.keyClick(title, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: library.get(session).title == "Interview 8")


def test_a_session_that_is_gone_is_told(qtbot: QtBot, page: SessionsPage) -> None:
    with qtbot.waitSignal(page.message, check_params_cb=lambda m: m is not None) as told:
        page.open_session("20200101-000000-abcdef")
    assert "There is no session" in told.args[0].text


def test_hiding_the_page_pauses(replay: ReplayPage, page: SessionsPage) -> None:
    key(replay, Qt.Key.Key_Space)
    page.hidden()
    assert not replay.playing.playing


def test_the_theme_can_change_while_it_plays(
    qtbot: QtBot, page: SessionsPage, replay: ReplayPage
) -> None:
    key(replay, Qt.Key.Key_Space)
    dress(page, LIGHT)
    qtbot.waitUntil(lambda: replay.playing.position_s > 0.1, timeout=10_000)
    assert replay.board.theme is LIGHT
    image = replay.board.grab().toImage()
    assert image.pixelColor(4, 4).lightness() > 200


@pytest.mark.parametrize("size", [(948, 640), (3000, 1900)])
def test_nothing_is_cut_off_at_any_size(
    qtbot: QtBot, page: SessionsPage, replay: ReplayPage, size: tuple[int, int]
) -> None:
    page.resize(*size)
    qtbot.waitUntil(lambda: replay.width() > size[0] - 60)
    for panel in replay.board.panels:
        if panel.isVisible():
            assert panel.height() >= panel.minimumHeight() > 0 or panel.height() > 10
    bottoms = [p.y() + p.height() for p in replay.board.panels if p.isVisible()]
    assert max(bottoms) <= replay.board.height()
    assert replay.transport.geometry().bottom() <= replay.height()
    for button in replay.transport.findChildren(QToolButton):
        assert button.geometry().right() <= replay.transport.width()


def test_hovering_tells_exact_values(
    qtbot: QtBot, replay: ReplayPage, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(
        "emolive.ui.sessions.surface.QToolTip.showText", lambda _at, text, _on: told.append(text)
    )
    window = next(w for w in demo().analysis.windows if w.label == "angry")
    second = window.centre_sample / RATE
    surface = replay.board.surface
    for kind in (DecisionBand, LevelPanel, SpectrogramPanel, MarkLane):
        QTest.mouseMove(surface, at(second, row(replay, kind)) + QPoint(1, 0))
        QTest.mouseMove(surface, at(second, row(replay, kind)))
        qtbot.wait(5)
    assert any("angry" in text and "%" in text for text in told)
    assert any("dBFS" in text for text in told)
    assert any("Hz" in text for text in told)
    QTest.mouseMove(surface, at(3.0, row(replay, MarkLane)))
    assert "smiling" in told[-1]


def test_notes_are_added_at_the_cursor_shown_and_deleted(
    qtbot: QtBot, library: Library, replay: ReplayPage
) -> None:
    assert replay.session is not None
    session = replay.session.info.id
    replay.actions_.seek(12.0)
    notes = replay.side.notes
    notes.field.setPlainText("Second question")
    notes.here.setChecked(True)
    notes.add_button.click()
    qtbot.waitUntil(lambda: notes.shown == ("Second question",))
    stored = library.notes(session)[0]
    assert stored.at_sample == 12 * RATE
    assert replay.board.events is not None
    assert "Second question" in replay.board.events.describe(12.0, 0.5)
    next(b for b in notes.findChildren(QPushButton) if b.text() == "0:12").click()
    assert replay.playing.position == 12 * RATE
    trash = next(b for b in notes.findChildren(QToolButton))
    trash.click()
    qtbot.waitUntil(lambda: library.notes(session) == [])
    qtbot.waitUntil(lambda: notes.shown == ())


def test_the_chip_says_what_is_decided_at_the_cursor(replay: ReplayPage) -> None:
    window = next(w for w in demo().analysis.windows if w.label == "angry")
    replay.actions_.seek(window.centre_sample / RATE)
    assert replay.now.text.startswith("angry ")
    unsure = next(w for w in demo().analysis.windows if w.state == "uncertain")
    replay.actions_.seek(unsure.centre_sample / RATE)
    assert replay.now.text == "uncertain"


@pytest.mark.parametrize("scale", ["1.5", "2"])
def test_enlarged_it_shows_the_same(tmp_path: Path, scale: str) -> None:
    """In a process of its own: Qt reads the scale once."""
    script = (
        "import sys; from pathlib import Path; from tests.ui import session_shots as shots;"
        "shots.main(Path(sys.argv[1]), ['annotate'], ((1024, 640),), ('light',))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    image = QImage(str(tmp_path / "annotate-light-1024.png"))
    factor = float(scale)
    assert image.width() == round(948 * factor)
    # The cursor stands at the selected mark's start, through all panels.
    second = marks()[1].start_sample / RATE
    left, right = 12 + 1 + 56, 924 + 12 - 1 - 14
    x = left + second / 24.0 * (right - left)
    dark = [
        min(image.pixelColor(round(x * factor) + dx, round(y * factor)).lightness()
            for dx in (-2, -1, 0, 1, 2))
        for y in (200, 320, 430, 520)
    ]  # fmt: skip
    assert max(dark) < 90, dark


def test_a_session_that_is_being_recorded_is_shown_as_far_as_it_is_stored(
    qtbot: QtBot, page: SessionsPage, library: Library
) -> None:
    found = demo()
    writer = library.create(
        session_record(
            streams=(StreamInfo("mono", RATE),),
            labels=found.analysis.labels,
        )
    )
    path = writer.audio_path("mono")
    assert path is not None
    audio = FlacWriter(path, RATE)
    try:
        audio.write(found.samples[: 10 * RATE])
        audio.flush()
        writer.add_windows(
            replace(w, stream="mono") for w in found.analysis.windows if w.end_sample < 10 * RATE
        )
        writer.commit(10 * RATE)
        page.open_session(writer.info.id)
        replay = page.replay
        qtbot.waitUntil(lambda: replay.session is not None)
        assert "as far as it is stored" in replay.header.facts.toolTip()
        assert replay.board.axis.now_s == 10.0
        key(replay, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: replay.playing.position_s > 0.1, timeout=10_000)
        key(replay, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: bool(replay.board.tiles[0]._tiles), timeout=10_000)
        assert any(tile.any() for tile in replay.board.tiles[0]._tiles.values())
    finally:
        audio.close()
        writer.finish(10 * RATE)
