"""Recording from the window: real audio through the real engine into a real library."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.monitoring import RunSettings
from emolive.session.library import Library
from emolive.types import EngineState
from emolive.ui.dialog import ConsentDialog
from emolive.ui.live.sources import DEMO
from emolive.ui.main_window import MainWindow
from emolive.ui.messages import Action, Severity
from emolive.ui.recorded_session import NameDialog
from emolive.ui.runs import Runs
from emolive.ui.sessions.delete_dialog import DeleteDialog
from tests.models import tiny_model
from tests.ui import feed


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    """A window on the real engine with a tiny model, its library open."""
    tiny_model(tmp_path / "tiny.onnx")
    runs = Runs(RunSettings(tmp_path / "tiny.onnx", "cpu", 0.5, keep_s=300.0, explain=False))
    preferences = feed.preferences(
        "dark", model={"file": tmp_path / "tiny.onnx"}, recording={"library": tmp_path / "library"}
    )
    made = MainWindow(runs, preferences, lister=lambda: ())
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    qtbot.waitUntil(lambda: made.library_controller.settings is not None, timeout=10_000)
    yield made
    made.close()


def agree(qtbot: QtBot) -> None:
    """Answer the reminder as a person does."""
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), ConsentDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ConsentDialog)
    qtbot.mouseClick(dialog.agree, Qt.MouseButton.LeftButton)


def wait_for_consent(qtbot: QtBot, window: MainWindow) -> None:
    """Until the library knows that everybody agreed."""
    controller = window.library_controller
    qtbot.waitUntil(lambda: controller.settings is not None and not controller.settings.consent_due)


def agreed_before(qtbot: QtBot, window: MainWindow) -> None:
    """As if the reminder had been answered."""
    assert window.library_controller.library is not None
    window.library_controller.library.confirm_consent()
    window.library_controller.look_again()
    wait_for_consent(qtbot, window)


def run_demo(qtbot: QtBot, window: MainWindow) -> None:
    window.play(DEMO)
    qtbot.waitUntil(lambda: window.runner.state is EngineState.RUNNING, timeout=20_000)


def said(window: MainWindow) -> str:
    return window.banner.message.text if window.banner.message else ""


def test_a_run_is_recorded_found_and_complete(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    run_demo(qtbot, window)
    button = window.live.header.recording
    assert button.accessibleName() == "Record"
    qtbot.keyClick(window, Qt.Key.Key_R)
    agree(qtbot)
    qtbot.waitUntil(lambda: window.recording.active)
    qtbot.waitUntil(lambda: button.text().strip().startswith("0:04"), timeout=20_000)
    assert "kB" in button.text() or "MB" in button.text()
    assert button.accessibleName() == "Stop recording"
    with qtbot.waitSignal(window.recording.recorded, timeout=20_000) as done:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert said(window).startswith("Recorded 0:0")
    assert window.runner.state is EngineState.RUNNING, "the run goes on"
    assert button.text().strip() == "Record"
    with Library.open(tmp_path / "library") as library:
        session = library.get(done.args[0])
        assert session.duration_s > 3.5
        assert session.has_audio
        assert library.windows(session.id)
        assert library.settings().consented_at is not None


def test_consent_is_asked_once_and_no_means_no(qtbot: QtBot, window: MainWindow) -> None:
    run_demo(qtbot, window)
    qtbot.mouseClick(window.live.header.recording, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), ConsentDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ConsentDialog)
    assert dialog.cancel.isDefault(), "Return must not agree"
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not window.recording.active
    qtbot.mouseClick(window.live.header.recording, Qt.MouseButton.LeftButton)
    agree(qtbot)
    qtbot.waitUntil(lambda: window.recording.active)
    wait_for_consent(qtbot, window)
    window.recording.stop()
    qtbot.waitUntil(lambda: not window.recording.active, timeout=10_000)
    qtbot.mouseClick(window.live.header.recording, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.recording.active)
    assert QApplication.activeModalWidget() is None, "asked once"


def test_record_without_a_run_starts_one(qtbot: QtBot, window: MainWindow) -> None:
    window.live.header.select(DEMO)
    agreed_before(qtbot, window)
    qtbot.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: window.recording.active, timeout=20_000)
    assert window.runner.active
    qtbot.waitUntil(lambda: "kB" in window.live.header.recording.text(), timeout=20_000)
    window.runner.stop()
    with qtbot.waitSignal(window.recording.recorded, timeout=20_000):
        pass
    assert said(window).startswith("Recorded")


def test_a_full_disk_is_told_with_the_way_out_and_the_run_goes_on(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emolive.session.flac import FlacWriter

    agreed_before(qtbot, window)
    run_demo(qtbot, window)
    qtbot.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: "kB" in window.live.header.recording.text(), timeout=20_000)
    full = True
    flush = FlacWriter.flush

    def failing(self: FlacWriter, *arguments: object, **options: object) -> object:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return flush(self, *arguments, **options)

    monkeypatch.setattr(FlacWriter, "flush", failing)
    qtbot.waitUntil(
        lambda: (
            window.banner.message is not None
            and window.banner.message.action is Action.STOP_RECORDING
        ),
        timeout=20_000,
    )
    assert window.banner.message is not None
    assert window.banner.message.severity is Severity.WARNING
    assert "\n" not in said(window)
    assert window.runner.state is EngineState.RUNNING
    full = False
    qtbot.waitUntil(lambda: window.banner.message is None, timeout=20_000)
    assert window.recording.active, "it went on as soon as there was room"


def test_a_library_that_cannot_be_opened_stops_nothing_else(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    tiny_model(tmp_path / "tiny.onnx")
    made = MainWindow(
        Runs(RunSettings(tmp_path / "tiny.onnx", "cpu")),
        feed.preferences("light", recording={"library": tmp_path / "file"}),
        lister=lambda: (),
    )
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: made.banner.message is not None, timeout=10_000)
    assert made.banner.message is not None
    assert made.banner.message.action is Action.SETTINGS
    run_demo(qtbot, made)
    qtbot.keyClick(made, Qt.Key.Key_R)
    assert not made.recording.active
    assert "library" in said(made).lower()
    made.close()


def test_closing_stores_what_is_recorded(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    agreed_before(qtbot, window)
    run_demo(qtbot, window)
    qtbot.keyClick(window, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: "kB" in window.live.header.recording.text(), timeout=20_000)
    window.close()
    qtbot.waitUntil(
        lambda: not [t for t in threading.enumerate() if t.name.startswith("emolive")],
        timeout=10_000,
    )
    with Library.open(tmp_path / "library") as library:
        assert not library.recovered, "it was finished, not cut off"
        assert library.get("last").duration_s > 0.2


def test_the_last_minutes_are_kept_after_all_named_opened_and_deleted(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    agreed_before(qtbot, window)
    keep = window.live.header.keep
    assert not keep.isEnabled()
    run_demo(qtbot, window)
    qtbot.waitUntil(keep.isEnabled, timeout=20_000)
    qtbot.waitUntil(lambda: window.runner.model is not None and window.runner.model.end_s > 4)
    window.runner.stop()
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED, timeout=10_000)
    with qtbot.waitSignal(window.recording.recorded, timeout=20_000) as done:
        qtbot.keyClick(window, Qt.Key.Key_K)
    assert said(window).startswith("Recorded 0:0")
    texts = [button.text() for button in window.banner.buttons]
    assert texts == ["Open it", "Name it…", "Delete it…"]
    with Library.open(tmp_path / "library") as library:
        kept = library.get(done.args[0])
    when = f"{kept.started_at.astimezone():%Y-%m-%d %H:%M}"
    assert kept.source
    assert kept.title == f"{kept.source}, {when}", "it tells what was heard, and when"
    assert kept.title in said(window)
    qtbot.mouseClick(window.banner.buttons[1], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), NameDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, NameDialog)
    assert dialog.field.text() == kept.title
    dialog.field.setText("First words")
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "First words" in said(window))
    with Library.open(tmp_path / "library") as library:
        session = library.get(done.args[0])
        assert session.title == "First words"
        assert session.duration_s > 3.5
        assert session.has_audio
        assert library.windows(session.id)
    qtbot.mouseClick(window.banner.buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.sessions.showing_list, timeout=10_000)
    assert window._stack.currentWidget() is window.sessions
    window.bring(window.live)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    with qtbot.waitSignal(window.recording.recorded, timeout=20_000) as done:
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_K)
    qtbot.mouseClick(window.banner.buttons[2], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), DeleteDialog))
    asked = QApplication.activeModalWidget()
    assert isinstance(asked, DeleteDialog)
    qtbot.mouseClick(asked.delete_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.banner.message is None)
    with Library.open(tmp_path / "library") as library:
        assert [info.title for info in library.sessions()] == ["First words"]


def test_another_library_is_opened_when_the_recording_has_ended(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    agreed_before(qtbot, window)
    run_demo(qtbot, window)
    window._on_record()
    recorded = lambda: window.recording._recorder and window.recording._recorder.session  # noqa: E731
    qtbot.waitUntil(lambda: recorded() is not None)
    first = window.library_controller.library
    assert first is not None
    other = tmp_path / "other"
    window.preferences.change("recording", library=other)
    assert window.library_controller.library is first, "it is being recorded into"
    window._on_record()
    qtbot.waitUntil(lambda: window.library_controller.library not in (None, first))
    assert window.library_controller.library is not None
    assert window.library_controller.library.folder == other
    assert window.recording.library is window.library_controller.library
    assert said(window).startswith("Recorded")
    assert not window.banner.message.actions, "it is in the other library"
    second = window.library_controller.library
    window.preferences.change("look", theme="light")
    assert window.library_controller.library is second
    with Library.open(first.folder) as kept:
        assert len(kept.sessions()) == 1
