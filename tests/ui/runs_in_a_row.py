"""Starts and stops the app's own runs; prints resident megabytes after each, as JSON.

    python -m tests.ui.runs_in_a_row STARTS

A process of its own: what other tests have left in the heap would hide growth.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QTimer

from emolive.bench.stages import resident_mb
from emolive.monitoring import RunSettings
from emolive.types import EngineState
from emolive.ui.app import make_application
from emolive.ui.garbage import collected_here
from emolive.ui.live.sources import DEMO
from emolive.ui.main_window import MainWindow
from emolive.ui.runs import Runs
from tests.models import tiny_model
from tests.ui import feed


def main(starts: int) -> list[float]:
    make_application()
    loop = QEventLoop()
    with tempfile.TemporaryDirectory() as folder, collected_here():
        preferences = feed.preferences("dark", recording={"library": Path(folder) / "library"})
        model = Path(folder) / "tiny.onnx"
        tiny_model(model)
        settings = RunSettings(model, "cpu")
        window = MainWindow(Runs(settings), preferences, source=DEMO, lister=lambda: ())
        window.show()
        memory: list[float] = []
        runner = window.runner

        def stop_when_heard(_: float) -> None:
            if runner.model is not None and runner.model.end_s > 0.0:
                runner.stop()

        def again(state: EngineState) -> None:
            if state.over:
                gc.collect()
                memory.append(resident_mb())
                if len(memory) == starts or state is EngineState.FAILED:
                    loop.quit()
                else:
                    QTimer.singleShot(0, window.live.start)

        runner.frame.connect(stop_when_heard)
        runner.state_changed.connect(again)
        window.live.start()
        loop.exec()
        window.close()
    return memory


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]))))
