"""The app on accelerated input: hours of a real pipeline's events, and what each frame costs.

Every frame gets `FRAME_S` seconds of speech instead of a thirtieth of one, about 120 times as much
as live; the window is the real one, on the screen that there is, or offscreen.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from emolive.bench.stages import lossless_monitor, resident_mb
from emolive.engine.config import EngineConfig
from emolive.engine.hub import Mailbox
from emolive.inference.classifier import Classifier
from emolive.monitoring import RunSettings
from emolive.monitoring.sources import SourceChoice
from emolive.settings import Settings
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Event, FloatArray, RunFacts, StreamStatus
from emolive.ui.app import make_application
from emolive.ui.live.sources import DEMO
from emolive.ui.main_window import MainWindow
from emolive.ui.preferences import Preferences
from emolive.ui.runs import MAILBOX_EVENTS, Run, Runs

FRAME_S = 4.0
_STREAM = "mono"


@dataclass(frozen=True, slots=True)
class SoakPart:
    """One eighth of a soak: frames, milliseconds a frame (median, 95th percentile, worst), MB."""

    hours: float
    frames: int
    median_ms: float
    p95_ms: float
    worst_ms: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class DesktopSoak:
    """What a soak of the window measured, in eighths; `platform` is Qt's."""

    hours: float
    wall_s: float
    platform: str
    size: tuple[int, int]
    parts: tuple[SoakPart, ...]

    @property
    def growth(self) -> float:
        """Memory at the end over that after the first eighth, less 1."""
        return self.parts[-1].memory_mb / self.parts[0].memory_mb - 1.0


class _FedRun(Run):
    """A run whose events come from a pipeline that is stepped by hand."""

    def put(self, events: list[Event]) -> None:
        """Let `events` wait for the next frame."""
        for event in events:
            self.inbox.put(event)

    def stop(self, timeout: float) -> None:  # noqa: ARG002
        """End."""
        self.put([EngineStatus(EngineState.STOPPED)])


class _FedRuns(Runs):
    """Gives the window the one run."""

    def __init__(self, run: Run) -> None:
        super().__init__(RunSettings())
        self._run = run

    def prepare(self, choice: SourceChoice, *, split: bool) -> Run:  # noqa: ARG002
        """The run."""
        return self._run


def soak_desktop(
    speech: FloatArray,
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    hours: float,
    progress: Callable[[float], None] = lambda _: None,
) -> DesktopSoak:
    """Show `hours` of looped speech (model rate) in the window, `FRAME_S` a frame.

    A frame's time is that of taking its events, following them and painting; making the events is
    not part of it. `progress` is told the share that is done.
    """
    app = make_application()
    metadata = classifier.metadata
    rate = metadata.front_end.sampling_rate
    run = _FedRun(
        RunFacts(
            source="soak",
            model=metadata.name,
            provider="CPU",
            labels=metadata.labels,
            rate=metadata.sampling_rate,
            window_samples=metadata.window_samples,
            hop_samples=config.hop_samples(metadata.front_end),
        ),
        Mailbox(MAILBOX_EVENTS, "conflate"),
    )
    monitor, ring = lossless_monitor(classifier, vad, config, 1)
    n = round(FRAME_S * rate)
    frames = max(80, round(hours * 3600 / FRAME_S))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # Not the person's own library and settings.
        settings = Settings().with_values("recording", library=Path(folder))
        settings = settings.with_values("window", guide_done=True)
        window = MainWindow(_FedRuns(run), Preferences(settings), source=DEMO, lister=lambda: ())
        window.resize(1440, 900)
        window.show()
        window.live.start()
        while window.runner.model is None:
            app.processEvents()
        streams = (StreamStatus(_STREAM),)
        run.put([EngineStatus(EngineState.RUNNING, streams=streams)])
        began, parts, spent_ms = time.monotonic(), list[SoakPart](), list[float]()
        for frame in range(frames):
            where = np.arange(frame * n, (frame + 1) * n)
            ring.write(np.take(speech, where, mode="wrap")[:, None])
            run.put(monitor.step())
            start = time.perf_counter()
            window.runner.bridge.tick()
            app.processEvents()
            spent_ms.append(1e3 * (time.perf_counter() - start))
            if (frame + 1) % (frames // 8) == 0 and len(parts) < 8:
                parts.append(_part((frame + 1) * FRAME_S / 3600, spent_ms))
                spent_ms = []
            if frame % 10 == 0:
                progress(frame / frames)
        size = (window.width(), window.height())
        window.close()
        app.processEvents()
    return DesktopSoak(
        frames * FRAME_S / 3600,
        time.monotonic() - began,
        QApplication.platformName(),
        size,
        tuple(parts),
    )


def _part(hours: float, spent_ms: list[float]) -> SoakPart:
    median, p95, worst = (float(np.percentile(spent_ms, q)) for q in (50, 95, 100))
    return SoakPart(hours, len(spent_ms), median, p95, worst, resident_mb())
