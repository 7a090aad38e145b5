"""The desktop application's start and end."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emolive import resources
from emolive.errors import EmoliveError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from emolive.inference.providers import Requested
    from emolive.ui.main_window import MainWindow
    from emolive.ui.runs import SourceChoice
    from emolive.ui.theme import ThemeChoice


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the desktop launcher; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="emolive-desktop", description="Live emotion timeline of speech."
    )
    parser.add_argument("file", nargs="?", help="audio file to play instead of a microphone")
    parser.add_argument("--demo", action="store_true", help="play the bundled demo clip")
    parser.add_argument("--theme", choices=("system", "light", "dark"), default="system")
    arguments = parser.parse_args(argv)
    source: str | Path = "demo" if arguments.demo else "microphone"
    if arguments.file:
        source = Path(arguments.file)
    try:
        return run_app(source=source, theme=arguments.theme)
    except EmoliveError as error:
        # A launcher for Windows has no standard error.
        if sys.stderr is not None:
            sys.stderr.write(f"{error}\n")
        return 2


def run_app(
    *,
    source: str | PathLike[str],
    device: str | int | None = None,
    split: bool = False,
    listen: bool = False,
    model: str | PathLike[str] | None = None,
    provider: Requested = "auto",
    theme: ThemeChoice = "system",
    hop_s: float = 0.5,
) -> int:
    """Open the window and stay until it is closed; returns the exit code.

    Args:
        source: ``"microphone"``, ``"demo"``, or the path of an audio file. The demo and files start
            at once.
        device: input device (name, part of it, or index); None is the system's default.
        split: keep left and right apart as two streams.
        listen: start a microphone at once, too.
        model: ONNX file; None is the bundled one.
        provider: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        theme: ``"system"``, ``"light"`` or ``"dark"``.
        hop_s: seconds between two answers.

    Raises:
        EmoliveError: Qt cannot start here, or the file is not there.
    """
    from emolive.ui.preflight import check_desktop

    check_desktop()
    from emolive.ui.main_window import MainWindow
    from emolive.ui.runs import LiveRuns, RunSettings, SourceKind

    choice = _choice(source, device)
    settings = RunSettings(Path(fspath(model)) if model is not None else None, provider, hop_s)
    app = make_application()
    window = MainWindow(LiveRuns(settings), theme=theme, source=choice)
    window.header.split.setChecked(split)
    window.show()
    if listen or choice.kind is not SourceKind.MICROPHONE:
        window.start()
    with _interruptible(window):
        return app.exec()


def make_application() -> QApplication:
    """The one QApplication, with name and icon."""
    from PySide6.QtGui import QIcon
    from PySide6.QtWidgets import QApplication

    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("emolive")
    app.setApplicationDisplayName("emolive")
    app.setDesktopFileName("emolive")
    app.setWindowIcon(QIcon(str(resources.asset(resources.ICON))))
    return app


def _choice(source: str | PathLike[str], device: str | int | None) -> SourceChoice:
    from emolive.ui.live.sources import DEFAULT_INPUT, DEMO, file_choice
    from emolive.ui.runs import SourceChoice, SourceKind

    if source == "demo":
        return DEMO
    if source == "microphone":
        if device is None:
            return DEFAULT_INPUT
        return SourceChoice(SourceKind.MICROPHONE, str(device), device)
    path = Path(fspath(source))
    if not path.exists():
        raise EmoliveError(f"There is no file {path}: check the path.")
    return file_choice(path)


@contextmanager
def _interruptible(window: MainWindow) -> Iterator[None]:
    """Let Ctrl-C in the terminal close the window."""
    from PySide6.QtCore import QTimer

    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def close(number: int, frame: Any) -> None:  # noqa: ARG001
        window.close()

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
