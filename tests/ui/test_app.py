"""Starting the desktop: where it cannot start, one sentence says why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive import resources
from emolive.errors import EmoliveError
from emolive.types import EngineState
from emolive.ui import app, preflight, theme
from emolive.ui.main_window import MainWindow
from tests.models import tiny_model

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="displays are a matter of Linux")


def starting(*arguments: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run the launcher in a process of its own; None removes a variable."""
    env = {k: v for k, v in os.environ.items() if environment.get(k, v) is not None}
    env |= {k: v for k, v in environment.items() if v is not None}
    return subprocess.run(
        [sys.executable, "-m", "emolive.ui.app", *arguments],
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@on_linux
def test_without_a_display_there_is_one_sentence_and_code_2() -> None:
    done = starting(QT_QPA_PLATFORM=None, DISPLAY=None, WAYLAND_DISPLAY=None)
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "There is no display for the window: use `emolive demo --headless` or "
        "`emolive live --headless` for the terminal."
    )


@on_linux
def test_a_display_that_does_not_answer_is_named() -> None:
    done = starting(QT_QPA_PLATFORM=None, DISPLAY=":4711", WAYLAND_DISPLAY=None)
    assert done.returncode == 2
    assert "The display :4711 cannot be reached" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@on_linux
def test_a_missing_library_comes_with_the_packages_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "_import_qt", lambda _: tmp_path)  # a folder without plugins
    with pytest.raises(EmoliveError, match=r"libqxcb.so.*apt-get install libegl1.*libxcb-cursor0"):
        preflight.check_desktop({"DISPLAY": ":0"}, "linux")


def test_a_qt_that_does_not_load_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> object:
        raise ImportError("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr(preflight.importlib, "import_module", missing)
    with pytest.raises(EmoliveError, match=r"libEGL.so.1.*apt-get install"):
        preflight.check_desktop({}, "linux")
    with pytest.raises(EmoliveError, match="reinstall PySide6"):
        preflight.check_desktop({}, "win32")


def test_a_binding_that_loses_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([1_000, 936])
    monkeypatch.setattr(preflight.sys, "getrefcount", lambda _: next(counts))
    with pytest.raises(EmoliveError, match=r"PySide6 .* crashes on Python .*!=6.12.0"):
        preflight.check_desktop({"QT_QPA_PLATFORM": "offscreen"})


def test_offscreen_needs_no_display() -> None:
    preflight.check_desktop({"QT_QPA_PLATFORM": "offscreen"}, "linux")
    assert QRectF().isEmpty()


def test_a_file_that_is_not_there_ends_the_launcher(tmp_path: Path) -> None:
    done = starting(str(tmp_path / "ghost.wav"), QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 2
    assert "ghost.wav" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_starts_by_itself_and_closing_ends_the_app(
    qapp: QApplication,  # noqa: ARG001
    qtbot: QtBot,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    tiny_model(tmp_path / "tiny.onnx")
    seen: list[EngineState] = []

    def look() -> None:
        for window in QApplication.topLevelWidgets():
            if isinstance(window, MainWindow) and window.runner.state is EngineState.RUNNING:
                seen.append(window.runner.state)
                timer.stop()
                window.close()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(20)
    code = app.run_app(source="demo", model=tmp_path / "tiny.onnx", provider="cpu", theme="light")
    assert (code, seen) == (0, [EngineState.RUNNING])


@pytest.mark.parametrize("listen", [True, False])
def test_a_microphone_starts_by_itself_only_when_asked(
    qapp: QApplication,  # noqa: ARG001
    qtbot: QtBot,  # noqa: ARG001
    tmp_path: Path,
    listen: bool,
) -> None:
    tiny_model(tmp_path / "tiny.onnx")
    seen: set[EngineState] = set()
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        for window in QApplication.topLevelWidgets():
            if isinstance(window, MainWindow) and window.isVisible():
                seen.add(window.runner.state)
                if looks > 25 or window.runner.state is not EngineState.IDLE:
                    window.close()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(20)
    model = tmp_path / "tiny.onnx"
    # Whether there is a microphone does not matter: trying to open one is starting.
    assert app.run_app(source="microphone", listen=listen, model=model, provider="cpu") == 0
    assert (seen == {EngineState.IDLE}) == (not listen)


def test_the_icon_is_a_picture(qapp: QApplication) -> None:
    made = app.make_application()
    assert made is qapp
    image = made.windowIcon().pixmap(64, 64).toImage()
    assert image.width() == 64
    assert len({image.pixel(x, 32) for x in range(64)}) > 4
    assert resources.asset(resources.ICON).stat().st_size < 4_000


@pytest.mark.parametrize(("choice", "expected"), [("light", theme.LIGHT), ("dark", theme.DARK)])
def test_a_theme_can_be_asked_for(choice: theme.ThemeChoice, expected: theme.Theme) -> None:
    assert theme.resolve(choice) is expected


def test_otherwise_the_system_decides(
    qapp: QApplication,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hints = QGuiApplication.styleHints()
    for scheme, expected in (
        (Qt.ColorScheme.Dark, theme.DARK),
        (Qt.ColorScheme.Light, theme.LIGHT),
        (Qt.ColorScheme.Unknown, theme.LIGHT),
    ):
        monkeypatch.setattr(type(hints), "colorScheme", lambda _, scheme=scheme: scheme)
        assert theme.resolve("system") is expected


def test_themes_are_readable() -> None:
    from emolive.labels import contrast

    for look in (theme.LIGHT, theme.DARK):
        for ground in (look.surface, look.plot, look.window):
            assert contrast(look.text, ground) > 7
            assert contrast(look.muted, ground) > 4.5
        assert contrast(look.on_accent, look.accent) > 4.5
        assert contrast(look.warning, look.warning_tint) > 4.5
        assert contrast(look.danger, look.danger_tint) > 4.5
