"""A real window on a real X server, photographed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtGui import QImage

from emolive.labels import swatch
from tests.models import tiny_model
from tests.ui.test_panels import pixels

pytestmark = pytest.mark.xvfb

# Runs the app as a user would, photographs the screen, closes the window, and says how that went.
SCRIPT = """
import sys, threading
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from emolive.ui import app
from emolive.ui.main_window import MainWindow

def look():
    for window in QApplication.topLevelWidgets():
        if not isinstance(window, MainWindow) or window.runner.model is None:
            continue
        stream = window.runner.model.streams.get("mono")
        if stream is None or stream.decisions.count < 8:
            return
        timer.stop()
        print("platform", QGuiApplication.platformName())
        plot = window.live.workspace.panels[0]
        corner = plot.mapTo(window, plot.plot.topLeft()) + window.pos()
        print("timeline", corner.x(), corner.y(), plot.plot.width(), plot.plot.height())
        QGuiApplication.primaryScreen().grabWindow(0).save(sys.argv[1])
        window.close()
        print("threads", [t.name for t in threading.enumerate() if t.name.startswith("emolive")])

timer = QTimer()
app.make_application()
timer.timeout.connect(look)
timer.start(50)
code = app.run_app(source="demo", model=sys.argv[2], provider="cpu", theme="dark")
print("code", code)
"""


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    """A screen of 1280 × 800 on a free display, or a visible skip."""
    xvfb = shutil.which("Xvfb")
    if xvfb is None:
        pytest.skip("no Xvfb: install the package xvfb")
    read, write = os.pipe()
    with (tmp_path / "xvfb.log").open("wb") as log:
        server = subprocess.Popen(
            [xvfb, "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
            pass_fds=(write,),
            stdout=log,
            stderr=log,
        )
    os.close(write)
    try:
        with os.fdopen(read) as numbers:
            number = numbers.readline().strip()
        assert number, (tmp_path / "xvfb.log").read_text()
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(60)


def lines(output: str) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in output.splitlines())


def test_the_demo_is_seen_on_a_real_screen(display: str, tmp_path: Path) -> None:
    model = tmp_path / "tiny.onnx"
    bias = [0.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 2.0]  # mostly angry
    tiny_model(model, weights=np.zeros((128, 8), np.float32), bias=bias)
    photo = tmp_path / "screen.png"
    env = {k: v for k, v in os.environ.items() if k not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(photo), str(model)],
        env=env | {"DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = lines(done.stdout)
    assert said["platform"] == "xcb"
    assert said["code"] == "0"
    assert said["threads"] == "[]"

    screen = pixels(QImage(str(photo)))
    assert screen.shape == (800, 1280, 3)
    assert len(np.unique(screen.reshape(-1, 3), axis=0)) > 500
    x, y, width, height = (int(part) for part in said["timeline"].split())
    timeline = screen[y : y + height, x : x + width]
    assert len(np.unique(timeline.reshape(-1, 3), axis=0)) > 20
    assert timeline.std(axis=(0, 1)).max() > 20
    assert share(screen, swatch("angry").dark) > 0.05, "the card has the emotion's colour"


def share(screen: npt.NDArray[np.uint8], colour: str) -> float:
    """How much of the screen has exactly that colour."""
    wanted = [int(colour[i : i + 2], 16) for i in (5, 3, 1)]
    return float((screen == wanted).all(axis=2).mean())
