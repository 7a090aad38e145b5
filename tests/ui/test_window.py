"""The window's flows over a fake engine: every state that a person can get into."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from emolive.errors import AudioDeviceError, ModelError
from emolive.monitoring.sources import SourceKind
from emolive.types import Alert, AlertEnded, EngineState, Event, SpeechState, StreamStatus
from emolive.types import Severity as AlertSeverity
from emolive.ui.banner import Banner
from emolive.ui.live.sources import DEMO, file_choice
from emolive.ui.main_window import MainWindow
from emolive.ui.messages import Action, Severity
from emolive.ui.theme import LIGHT
from tests.ui import feed
from tests.ui.feed import RATE, block, mood_events, prediction, status


def run(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns, streams: tuple[str, ...] = ("mono",)
) -> feed.FakeRun:
    """Start by key and wait until the fake engine runs."""
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.runner.model is not None)
    say(window, runs, status(EngineState.RUNNING, streams))
    return runs.run


def say(window: MainWindow, runs: feed.FakeRuns, *events: Event) -> None:
    runs.run.inbox.put(*events)
    window.runner.bridge.tick()


def message(window: MainWindow) -> str:
    assert window.banner.message is not None
    assert window.banner.isVisible()
    return window.banner.message.text


def test_space_starts_and_stops(qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns) -> None:
    assert window.live.header.button.text().strip() == "Start"
    made = run(qtbot, window, runs)
    assert window.runner.state is EngineState.RUNNING
    assert window.live.header.button.accessibleName() == "Stop monitoring"
    assert window.live.present.cards[0].text.headline == "Listening"
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED)
    assert made.stopped.is_set()
    assert window.runner.bridge._inbox is None
    assert window.banner.message is None
    assert window.live.present.cards[0].text.headline == "Ready"


def test_the_window_opens_with_the_focus_on_no_control(window: MainWindow) -> None:
    assert QApplication.focusWidget() is window.root


def test_space_presses_the_control_that_tab_reached(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    button = window.live.workspace.spans.buttons["5 min"]
    button.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert window.live.workspace.axis.span_s == 300.0
    assert window.runner.state is EngineState.RUNNING


def test_clicks_leave_space_to_start_and_stop(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    qtbot.mouseClick(window.live.workspace.spans.buttons["30 min"], Qt.MouseButton.LeftButton)
    assert window.live.workspace.axis.span_s == 1800.0
    qtbot.keyClick(window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED)


def test_events_reach_all_parts(qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns) -> None:
    run(qtbot, window, runs)
    for at in range(0, 12 * RATE, feed.BLOCK):
        say(window, runs, block(at))
    say(window, runs, *(prediction(end, share=0.6) for end in range(48_000, 12 * RATE, 8000)))
    card = window.live.present.cards[0]
    assert card.text.headline == "Angry"
    assert card.text.confidence == pytest.approx(0.6)
    assert "Angry" in card.accessibleName()
    assert "angry 60\u00a0%" in window.live.present.insight.views["now"].accessibleDescription()
    assert "speech" in window.live.present.meter.accessibleDescription()
    assert window.live.header.elapsed.text() == "0:11"
    assert window.live.header.health.details.provider.value.text() == "CPU"
    assert window.live.header.health.details.latency.value.text() == "14 ms"
    assert window.runner.model is not None
    assert len(window.runner.model.streams["mono"].decisions.rows(0, 60)) == 18
    say(window, runs, prediction(13 * RATE, SpeechState.SILENCE))
    assert card.text.headline == "Silence"
    assert window.live.present.insight.views["now"].accessibleDescription() == "no speech"


def test_counters_stand_out_when_they_are_not_zero(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    header = window.live.header
    assert not header.health.details.overflows.value.property("alert")
    assert header.health.text() == "On time"
    counts = {"overflows": 2, "windows_skipped": 7, "events_dropped": 1}
    say(window, runs, status(EngineState.RUNNING, **counts))
    shown = [
        stat.value.text()
        for stat in (
            header.health.details.overflows,
            header.health.details.missing,
            header.health.details.skipped,
            header.health.details.dropped,
        )
    ]
    assert shown == ["2", "0.0 s", "7", "1"]
    assert header.health.details.overflows.value.property("alert")
    assert not header.health.details.missing.value.property("alert")
    assert header.health.text() == "Sound lost"


def test_sound_that_never_came_is_told_in_seconds(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    lost = (StreamStatus("left", samples_lost=RATE // 2), StreamStatus("right", samples_lost=RATE))
    say(window, runs, replace(status(EngineState.RUNNING), streams=lost))
    health = window.live.header.health
    assert health.details.missing.value.text() == "1.0 s"
    assert health.details.missing.value.property("alert")
    assert health.text() == "Sound lost"


def test_a_device_that_is_gone_is_a_banner_and_goes_again(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    say(window, runs, status(EngineState.RECONNECTING, reason="USB interface stopped."))
    assert message(window) == "Reconnecting: USB interface stopped."
    assert window.live.present.cards[0].text.headline == "No input"
    assert window.live.header.button.text().strip() == "Stop"
    say(window, runs, status(EngineState.RUNNING, reconnects=1))
    assert not window.banner.isVisible()


def test_a_hint_stays_as_long_as_it_holds(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    say(window, runs, status(EngineState.RUNNING, hint="Allow the microphone."))
    assert message(window) == "Allow the microphone."
    say(window, runs, status(EngineState.RUNNING))
    assert not window.banner.isVisible()


def test_a_hint_that_was_dismissed_does_not_come_back(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    say(window, runs, status(EngineState.RUNNING, hint="Allow the microphone."))
    qtbot.mouseClick(window.banner.close_button, Qt.MouseButton.LeftButton)
    say(window, runs, status(EngineState.RUNNING, hint="Allow the microphone."))
    assert not window.banner.isVisible()
    say(window, runs, status(EngineState.RUNNING, hint="Something else."))
    assert message(window) == "Something else."


def test_the_next_run_says_again_what_was_read_in_the_last(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    for _ in range(2):
        run(qtbot, window, runs)
        say(window, runs, status(EngineState.RUNNING, hint="Allow the microphone."))
        assert message(window) == "Allow the microphone."
        qtbot.mouseClick(window.banner.close_button, Qt.MouseButton.LeftButton)
        qtbot.keyClick(window, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED)


def test_an_alert_that_was_read_is_told_when_it_comes_again(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    for at in (5, 9):
        anger = Alert("A", "emotion", AlertSeverity.WARNING, "mono", None, at, at, at, "Angry.")
        say(window, runs, anger)
        assert message(window) == "Angry."
        qtbot.mouseClick(window.banner.close_button, Qt.MouseButton.LeftButton)
        say(window, runs, anger)
        assert not window.banner.isVisible(), "it was read"
        say(window, runs, AlertEnded("A", "mono", at, at + 2))


def test_an_engine_that_fails_says_why_and_offers_the_demo(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    say(window, runs, status(EngineState.FAILED, reason="No microphone was found: try the demo."))
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED)
    assert message(window) == "No microphone was found: try the demo."
    assert window.banner.message is not None
    assert window.banner.message.severity is Severity.ERROR
    assert window.banner.action.text() == Action.DEMO
    qtbot.mouseClick(window.banner.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(runs.made) == 2)
    assert runs.made[-1][0].kind is SourceKind.DEMO
    assert window.live.header.picker.currentText() == "Demo clip"


def test_a_run_that_cannot_be_prepared_is_a_banner_not_a_dialog(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    runs.error = ModelError("The model is no ONNX file: use another one.")
    window.live.header.select(DEMO)
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.state is EngineState.FAILED)
    assert message(window) == "The model is no ONNX file: use another one."
    assert QApplication.activeModalWidget() is None
    runs.error = None
    qtbot.mouseClick(window.banner.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.runner.model is not None)
    assert not window.banner.isVisible()


def test_a_defect_is_told_too(qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns) -> None:
    runs.error = ZeroDivisionError("division by zero")
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.state is EngineState.FAILED)
    assert message(window) == "Internal error: ZeroDivisionError: division by zero"


def test_a_clip_that_ends_can_be_played_again(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    window.live.header.select(DEMO)
    run(qtbot, window, runs)
    say(window, runs, block(0), prediction(48_000), status(EngineState.STOPPED))
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED)
    assert message(window) == "Demo clip has ended."
    assert window.live.workspace.panels, "the timeline stays to be looked at"
    qtbot.mouseClick(window.banner.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(runs.made) == 2)
    assert not window.live.workspace.panels


@pytest.mark.parametrize("fails", [False, True])
def test_again_means_what_ended_whatever_was_selected_since(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns, tmp_path: Path, fails: bool
) -> None:
    clip = tmp_path / "call.wav"
    clip.touch()
    window.play(file_choice(clip))
    qtbot.waitUntil(lambda: window.runner.model is not None)
    state = EngineState.FAILED if fails else EngineState.STOPPED
    over = feed.status(state, reason="It broke off." if fails else None)
    say(window, runs, over)
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED)
    picker = window.live.header.picker
    window.live.header.select(picker.microphone("USB interface, ALSA"))
    window.bring(window.settings_page)
    assert window.banner.action.text() == ("Try again" if fails else "Play again")
    window.banner.action.click()
    qtbot.waitUntil(lambda: len(runs.made) == 2)
    assert runs.made[-1][0].path == clip, "and the microphone is not listened to"
    assert picker.choice.path == clip
    assert window.live.isVisible()


def test_the_window_lives_while_a_run_is_prepared(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    runs.gate.clear()
    window.live.start()
    assert not runs.made
    assert window.live.present.cards[0].text.headline == "Starting"
    assert window.live.header.button.text().strip() == "Stop"
    window.runner.stop()  # cancels
    runs.gate.set()
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED)
    assert not runs.run.alive
    assert not window.runner.controller.active
    assert runs.run.stopped.is_set()


def test_closing_while_a_run_is_prepared_leaves_nothing(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    runs.gate.clear()
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.controller.active)
    runs.gate.set()
    window.close()
    assert not any(made.alive for _, _, made in runs.made)
    assert runs.closed


def test_closing_does_not_wait_for_a_model_that_hangs(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    runs.gate.clear()
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.controller.active)
    window.close()
    assert not runs.closed
    runs.gate.set()  # the worker sees that nobody wants its run
    worker = window.runner.controller._worker
    assert worker is not None
    worker.join(60)
    assert not runs.run.alive


def test_two_streams_have_two_cards_and_aligned_timelines(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    window.live.header.picker.setCurrentText("USB interface")
    window.live.header.picker.activated.emit(window.live.header.picker.currentIndex())
    assert window.live.header.split.isEnabled()
    window.live.header.split.click()
    run(qtbot, window, runs, ("left", "right"))
    choice, split, _ = runs.made[-1]
    assert (choice.device, split) == ("USB interface, ALSA", True)
    say(window, runs, block(0, RATE, "left"), block(0, RATE, "right"))
    say(window, runs, prediction(48_000, stream="left"))
    say(window, runs, prediction(48_000, label="calm", stream="right"))
    assert [card.text.headline for card in window.live.present.cards] == ["Angry", "Calm"]
    assert all(card.isVisible() for card in window.live.present.cards)
    assert window.live.present.insight.views["now"].isVisible(), "both streams share the bars"
    qtbot.waitUntil(lambda: len({panel.width() for panel in window.live.workspace.panels}) == 1)
    assert len({panel.plot.left() for panel in window.live.workspace.panels}) == 1
    assert len(window.live.workspace.panels) == 8


def test_two_channels_are_offered_where_there_may_be_two(window: MainWindow) -> None:
    picker = window.live.header.picker
    assert not window.live.header.split.isEnabled(), "the default input has one channel"
    offered = {}
    for text in ("USB interface", "Built-in microphone", "Demo clip"):
        picker.setCurrentText(text)
        picker.activated.emit(picker.currentIndex())
        offered[text] = window.live.header.split.isEnabled()
    assert offered == {"USB interface": True, "Built-in microphone": False, "Demo clip": False}


def test_the_picker_lists_devices_the_demo_and_files(
    qtbot: QtBot, runs: feed.FakeRuns, tmp_path: Path
) -> None:
    file = tmp_path / "call.wav"
    answers = [None, file]
    made = MainWindow(
        runs, feed.preferences("light"), lister=lambda: (), choose=lambda _: answers.pop(0)
    )
    qtbot.addWidget(made)
    picker = made.live.header.picker
    texts = [picker.itemText(i) for i in range(picker.count())]
    assert texts == [
        "System default input",
        "Look for inputs again",
        "",
        "Demo clip",
        "Open file…",
        "Analyse files into sessions…",
    ]
    for _ in range(2):  # cancelled, then chosen
        before = picker.choice
        picker.setCurrentText("Open file…")
        picker.activated.emit(picker.currentIndex())
        expected = before if answers else file_choice(file)
        assert picker.choice == expected
        assert picker.currentText() == expected.title
    made.close()


def test_without_an_audio_system_the_way_out_is_shown(qtbot: QtBot, runs: feed.FakeRuns) -> None:
    def fail() -> tuple[()]:
        raise AudioDeviceError("The PortAudio library was not found: install libportaudio2.")

    made = MainWindow(runs, feed.preferences("light"), lister=fail)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(made.banner.isVisible)
    assert "install libportaudio2" in message(made)
    assert made.banner.action.text() == Action.REFRESH
    made.close()


def test_a_dropped_file_is_played(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns, tmp_path: Path
) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "call.wav"))])
    drop = QDropEvent(
        QPointF(10, 10),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(drop)
    qtbot.waitUntil(lambda: bool(runs.made))
    assert runs.made[0][0].title == "call.wav"


def test_the_theme_changes_while_it_runs(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    run(qtbot, window, runs)
    say(window, runs, block(0, RATE), prediction(48_000))
    dark = window.grab().toImage().pixelColor(3, 3).lightness()
    window.set_theme(LIGHT)
    qtbot.waitUntil(lambda: window.grab().toImage().pixelColor(3, 3).lightness() > dark + 150)
    themes = {w: w.theme for w in window.findChildren(QWidget) if hasattr(w, "theme")}
    assert len(themes) > 60
    assert set(themes.values()) == {LIGHT}


def test_keys_move_the_view(qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns) -> None:
    run(qtbot, window, runs)
    axis = window.live.workspace.axis
    say(window, runs, block(0, 200 * RATE), *mood_events(200))
    for _ in range(3):
        window.runner.bridge.tick()
    start = axis.start_px
    qtbot.keyClick(window, Qt.Key.Key_Left)
    assert axis.start_px < start
    assert window.live.workspace.back.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_L)
    assert not window.live.workspace.back.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Plus)
    assert axis.span_s == 30.0
    assert not any(button.isChecked() for button in window.live.workspace.spans.buttons.values())
    qtbot.keyClick(window, Qt.Key.Key_Minus)
    assert window.live.workspace.spans.buttons["1 min"].isChecked()


def test_controls_have_accessible_names(window: MainWindow) -> None:
    nameless = [
        button
        for button in window.findChildren(QPushButton)
        if not (button.accessibleName() or button.text())
    ]
    assert nameless == []
    assert window.live.header.picker.accessibleName()
    assert window.live.present.cards[0].accessibleName().startswith("Current emotion")


@pytest.mark.parametrize("size", [(1024, 640), (1920, 1080)])
def test_no_text_is_cut_off(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns, size: tuple[int, int]
) -> None:
    """Big counters, a long warning and hours of time at the smallest size."""
    window.resize(*size)
    run(qtbot, window, runs)
    say(window, runs, block(10 * 3600 * RATE), prediction(48_000))
    hint = (
        "USB interface delivers only digital silence, as a microphone without permission does: "
        "allow it in System Settings > Privacy & Security > Microphone, then start again."
    )
    counts = {"overflows": 1234, "windows_skipped": 9876, "events_dropped": 555}
    say(window, runs, status(EngineState.RUNNING, hint=hint, latency_ms=1234.0, **counts))

    def nothing_is_cut() -> None:
        assert window.banner.isVisible()
        assert window.width() == size[0]
        texts = [*window.findChildren(QLabel), *window.findChildren(QPushButton)]
        for widget in texts:
            if not widget.isVisible() or not widget.text():
                continue
            if isinstance(widget, QLabel) and widget.wordWrap():
                assert widget.heightForWidth(widget.width()) <= widget.height(), widget.text()
            else:
                wanted = widget.fontMetrics().horizontalAdvance(widget.text())
                assert wanted <= widget.contentsRect().width() + 1, (widget.text(), widget.size())
            corner = widget.mapTo(window, widget.rect().bottomRight())
            assert window.rect().contains(corner), widget.text()

    # Layouts settle over several turns of the event loop.
    qtbot.waitUntil(nothing_is_cut, timeout=5_000)


def test_the_banner_says_nothing_when_there_is_nothing(window: MainWindow) -> None:
    assert window.findChild(Banner).isHidden()


def test_a_small_window_on_top_and_back(qtbot: QtBot, window: MainWindow) -> None:
    before = window.size()
    qtbot.keyClick(window, Qt.Key.Key_F10)
    assert window.windowFlags() & Qt.WindowType.WindowStaysOnTopHint
    assert window.isVisible()
    assert window.width() < 500
    assert window.live.big
    assert window.live.present.cards[0].isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.windowFlags() & Qt.WindowType.WindowStaysOnTopHint
    assert (window.isVisible(), window.live.big) == (True, False)
    assert window.size() == before
