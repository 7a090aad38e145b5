"""The desktop application's start and end."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emolive import __version__, resources
from emolive.errors import EmoliveError
from emolive.heap import give_back_memory
from emolive.logs import log_of_the_app, nothing_unseen
from emolive.plain_text import plain

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from emolive.inference.providers import Requested
    from emolive.monitoring.sources import SourceChoice
    from emolive.settings import SettingsStore, ThemeChoice
    from emolive.ui.language import WindowHolder

_log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the desktop launcher; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="emolive-desktop", description="Live emotion timeline of speech."
    )
    parser.add_argument("file", nargs="?", help="audio file to play instead of a microphone")
    parser.add_argument("--demo", action="store_true", help="play the bundled demo clip")
    parser.add_argument("--theme", choices=("system", "light", "dark"))
    arguments = parser.parse_args(argv)
    source: str | Path = "demo" if arguments.demo else "microphone"
    if arguments.file:
        source = Path(arguments.file)
    try:
        with nothing_unseen(_tell):
            return run_app(source=source, theme=arguments.theme)
    except EmoliveError as error:
        _tell(str(error))
        return 2


def _tell(sentence: str) -> None:
    # A launcher for Windows has no standard error.
    if sys.stderr is not None:
        sys.stderr.write(f"{plain(sentence)}\n")


def run_app(
    *,
    source: str | PathLike[str],
    device: str | int | None = None,
    split: bool = False,
    listen: bool = False,
    model: str | PathLike[str] | None = None,
    provider: Requested | None = None,
    theme: ThemeChoice | None = None,
    language: str | None = None,
    hop_s: float | None = None,
    threshold: float | None = None,
    store: SettingsStore | None = None,
) -> int:
    """Open the window and stay until it is closed; returns the exit code.

    What is not given (None) is as the person has set it; what is given holds for this time only.

    Args:
        source: ``"microphone"``, ``"demo"``, or the path of an audio file. The demo and files start
            at once.
        device: input device (name, part of it, or index); None is the one set, or the default.
        split: keep left and right apart as two streams.
        listen: start a microphone at once, too.
        model: ONNX file.
        provider: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        theme: ``"system"``, ``"light"`` or ``"dark"``.
        language: a code, such as ``"de"``.
        hop_s: seconds between two answers.
        threshold: an answer below this confidence is uncertain.
        store: where settings are kept; None: the usual place.

    Raises:
        EmoliveError: Qt cannot start here, or the file is not there.
    """
    from emolive.settings import SettingsStore
    from emolive.ui.preflight import check_desktop

    store = store or SettingsStore()
    loaded = store.load()
    _scale(loaded.settings.look.scale)
    check_desktop()
    from emolive.monitoring import Monitoring, RunSettings
    from emolive.monitoring.sources import SourceKind
    from emolive.ui.garbage import collected_here
    from emolive.ui.language import WindowHolder, speak
    from emolive.ui.main_window import MainWindow
    from emolive.ui.messages import Message, Severity
    from emolive.ui.preferences import Preferences
    from emolive.ui.qt_messages import qt_messages_logged
    from emolive.ui.runs import Runs

    choice = _choice(source, device)
    for_now = _given(
        {"file": Path(fspath(model)) if model is not None else None, "provider": provider}
    )
    overrides = {
        "model": for_now,
        "look": _given({"theme": theme, "language": language}),
        "analysis": _given({"hop_s": hop_s, "threshold": threshold}),
    }
    preferences = Preferences(loaded.settings, store, overrides=overrides)
    app = make_application()
    monitoring = Monitoring()
    speak(preferences.effective.look.language)

    def make(chosen: Preferences) -> MainWindow:
        runs = Runs(RunSettings.of(chosen.effective), monitoring)
        return MainWindow(runs, chosen, source=choice, monitoring=monitoring)

    holder = WindowHolder(make, preferences)
    window = holder.window
    if loaded.problem:
        window.show_message("settings", Message(Severity.WARNING, loaded.problem))
    if split:
        window.live.header.want_split(True)
    window.show()
    first = not loaded.settings.window.guide_done
    if first and choice is None and not listen:
        window.show_guide()
    if listen or (choice is not None and choice.kind is not SourceKind.MICROPHONE):
        window.live.start()
    with log_of_the_app(), qt_messages_logged(), _interruptible(holder), collected_here():
        _log.info("The app is open: emolive %s, Python %s", __version__, sys.version.split()[0])
        code = app.exec()
        monitoring.close()
        _log.info("The app is closed")
        return code


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _scale(scale: float) -> None:
    """Enlarge everything; Qt reads this once, when the application is made."""
    from PySide6.QtWidgets import QApplication

    if scale != 1.0 and QApplication.instance() is None and "QT_SCALE_FACTOR" not in os.environ:
        os.environ["QT_SCALE_FACTOR"] = f"{scale:g}"


def make_application() -> QApplication:
    """The one QApplication, with name and icon, and memory that is given back."""
    from PySide6.QtGui import QIcon
    from PySide6.QtWidgets import QApplication

    give_back_memory()
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("emolive")
    app.setApplicationDisplayName("emolive")
    app.setDesktopFileName("emolive")
    app.setWindowIcon(QIcon(str(resources.asset(resources.ICON))))
    return app


def _choice(source: str | PathLike[str], device: str | int | None) -> SourceChoice | None:
    from emolive.monitoring.sources import SourceChoice, SourceKind
    from emolive.ui.live.sources import DEMO, file_choice

    if source == "demo":
        return DEMO
    if source == "microphone":
        if device is None:
            return None
        return SourceChoice(SourceKind.MICROPHONE, str(device), device)
    path = Path(fspath(source))
    if not path.exists():
        raise EmoliveError("There is no file {path}: check the path.", path=path)
    return file_choice(path)


@contextmanager
def _interruptible(holder: WindowHolder) -> Iterator[None]:
    """Let Ctrl-C in the terminal close the window."""
    from PySide6.QtCore import QTimer

    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def close(number: int, frame: Any) -> None:  # noqa: ARG001
        holder.window.close()

    before = signal.signal(signal.SIGINT, close)
    # Python sees a signal only when it runs; Qt's loop alone may sleep for long.
    timer = QTimer()
    timer.timeout.connect(lambda: None)
    timer.start(250)
    try:
        yield
    finally:
        timer.stop()
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    sys.exit(main())
