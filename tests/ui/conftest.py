"""Desktop tests run offscreen; a widget that outlives its test fails it."""

from __future__ import annotations

import gc
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.audio.devices import InputDevice
from emolive.ui.main_window import MainWindow
from emolive.ui.preflight import check_desktop
from tests.ui import feed
from tests.waiting import PATIENCE_S


class PatientBot(QtBot):
    """Its waits have the limit of all tests, whatever shorter one pytest-qt or a test has."""

    def waitUntil(  # noqa: N802
        self, callback: Callable[[], bool | None], *, timeout: int = 0
    ) -> None:
        super().waitUntil(callback, timeout=max(timeout, round(1e3 * PATIENCE_S)))

    def waitSignal(self, signal: Any, *, timeout: int = 0, **more: Any) -> Any:  # noqa: N802
        return super().waitSignal(signal, timeout=max(timeout, round(1e3 * PATIENCE_S)), **more)

    def waitExposed(self, widget: Any, *, timeout: int = 0) -> Any:  # noqa: N802
        return super().waitExposed(widget, timeout=max(timeout, round(1e3 * PATIENCE_S)))


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:  # noqa: ARG001
    return PatientBot(request)


@pytest.fixture(scope="session", autouse=True)
def _desktop() -> None:
    # Some versions of PySide6 end the process; say so in words instead.
    check_desktop()


@pytest.fixture(autouse=True)
def _own_settings(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's real settings are read or written."""
    own = tmp_path_factory.getbasetemp() / f"own-{uuid.uuid4().hex[:12]}"
    for name in ("config", "library", "log"):
        (own / name).mkdir(parents=True)
    monkeypatch.setenv("EMOLIVE_CONFIG", str(own / "config"))
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(own / "library"))
    monkeypatch.setattr("emolive.logs.app_log_file", lambda: own / "log" / "emolive.log")


@pytest.fixture(autouse=True)
def _garbage_is_collected_here() -> Iterator[None]:
    """As in the app: Qt objects in cycles must not die on a worker's thread."""
    gc.disable()
    # The last test's values are gone only now; what is left need not be looked through again.
    gc.collect()
    gc.freeze()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(autouse=True)
def _nothing_left(qapp: QApplication) -> Iterator[None]:
    before = set(QApplication.topLevelWidgets())
    yield
    for widget in QApplication.topLevelWidgets():
        # What belongs to another one (a list's pop-up, a completer's) goes with that, not before.
        owned = widget.parent() is not None or widget.windowType() == Qt.WindowType.Popup
        if widget not in before and not widget.isVisible() and not owned:
            widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    shown = [w for w in QApplication.topLevelWidgets() if w not in before and w.isVisible()]
    assert not shown, f"left open: {shown}"
    # The next window is built before it is dressed, as in the app: a quarter less to compute.
    qapp.setStyleSheet("")


@pytest.fixture
def runs() -> feed.FakeRuns:
    return feed.FakeRuns()


DEVICES = (
    InputDevice(0, "Built-in microphone", "ALSA", 1, 44_100, True),
    InputDevice(3, "USB interface", "ALSA", 2, 48_000, False),
)


@pytest.fixture
def window(qtbot: QtBot, runs: feed.FakeRuns) -> Iterator[MainWindow]:
    """A window over fake runs, with two devices listed."""
    made = MainWindow(runs, feed.preferences("dark"), lister=lambda: DEVICES, choose=lambda _: None)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    qtbot.waitUntil(lambda: made.live.header.picker.findText("USB interface") >= 0)
    yield made
    made.close()
