"""From a description to a run: model, voice activity, engine, explanations, rules, recording.

What is opened here blocks (loading a model, looking into files) and belongs on a worker thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from emolive.engine import EngineTotals, Hub, LiveRun
from emolive.engine.live import LiveEngine
from emolive.errors import EmoliveError
from emolive.explain.explainer import Explainer
from emolive.inference.classifier import Classifier
from emolive.inference.fallback import FallbackClassifier
from emolive.inference.loading import load_classifier
from emolive.inference.metadata import ModelMetadata
from emolive.inference.providers import Requested
from emolive.monitoring.baselines import RunBaselines, run_baselines
from emolive.monitoring.description import RecordingChoice, RunDescription
from emolive.monitoring.rules import RunAlerts, SharedRules
from emolive.monitoring.sources import CallChoice, SourceChoice, open_source
from emolive.session.recent import RecentRun
from emolive.session.recorder import Recorder
from emolive.speech.silero import SileroVad

MAX_RUNS = 64
# Events that wait while a moment is explained (2 s at most), with room for two streams.
_EXPLAIN_EVENTS = 2048
_DELIVER_WITHIN_S = 5.0
# What webhooks call a run that nobody has given an id.
_ONLY_CALL = "live"
Loads = Callable[[Path | None, Requested], Classifier]


@dataclass(slots=True, eq=False)
class MonitoredRun:
    """A run that is ready: its events come out of `live.hub` once it was started.

    To be had from `Monitoring.prepare`. `recorder` is what records it, or did so last; `alerts`
    what watches it for rules; `recent` holds its last minutes (None: nothing is held), to be closed
    by whom it was made for. `metadata` is its model's.
    """

    description: RunDescription
    live: LiveRun
    metadata: ModelMetadata
    alerts: RunAlerts
    baselines: RunBaselines | None
    explainer: Explainer | None
    recent: RecentRun | None
    recorder: Recorder | None = None

    @property
    def session_id(self) -> str | None:
        """The session that it is recorded into; None: it is not recorded now."""
        if self.recorder is None:
            return None
        status = self.recorder.status()
        return None if status.state.over and not self.live.over else status.session_id

    def record(self, recording: RecordingChoice) -> Recorder:
        """Record it from now on, before it begins or in the middle of it; it ends with the run.

        Raises:
            EmoliveError: the run is over, or its last recording is still being stored.
        """
        if self.live.over:
            raise EmoliveError("The call is over: there is nothing to record any more.")
        if self.recorder is not None and not self.recorder.status().state.over:
            raise EmoliveError("The last recording of this call is still being stored: try again.")
        self.recorder = Recorder(self.live, recording.library, recording.request)
        self.recorder.start()
        return self.recorder

    def start(self) -> None:
        """Begin; returns at once."""
        if self.description.recording is not None:
            self.record(self.description.recording)
        self.alerts.start()
        if self.recent is not None:
            self.recent.start()
        self.live.start()

    def stop(self, timeout: float = 2.0) -> None:
        """End within `timeout` seconds; what hangs is given up, see `LiveRun.stop`.

        A recording ends with it, on its own time: `recorder` tells when it is stored.
        """
        deadline = time.monotonic() + timeout
        self.live.stop(max(0.1, timeout - 0.3))
        self.alerts.close(max(0.1, deadline - time.monotonic()))


class _Loaded:
    """A model that is loaded, and the engine that runs it."""

    def __init__(
        self, wanted: tuple[Path | None, Requested], classifier: Classifier, max_runs: int
    ) -> None:
        self.wanted = wanted
        self.classifier = classifier
        self.engine = LiveEngine(classifier, SileroVad(), max_runs=max_runs)
        self.engine.start()

    @property
    def idle(self) -> bool:
        """Whether nobody wants a run of it any more."""
        return all(run.over or run.unwanted for run in self.engine.runs)

    def serves(self, wanted: tuple[Path | None, Requested]) -> bool:
        """Whether it takes another run; a graphics card that was lost is tried anew when idle."""
        lost = isinstance(self.classifier, FallbackClassifier) and self.classifier.fallen_back
        return self.engine.alive and wanted == self.wanted and not (lost and self.idle)

    def close(self, timeout: float, *, free: bool) -> bool:
        ended = self.engine.stop(timeout)
        if ended and free:
            self.classifier.close()
        return ended


class Monitoring:
    """All live runs of a program. Runs with the same model share it, and one engine.

    Methods may be called from any thread.
    """

    def __init__(
        self,
        loads: Loads = load_classifier,
        max_runs: int = MAX_RUNS,
        *,
        frees: bool = True,
    ) -> None:
        """Nothing is loaded before the first run; `frees`: what was loaded is this object's."""
        self._loads = loads
        self._frees = frees
        self._max_runs = max_runs
        self._lock = threading.Lock()
        self._loaded: list[_Loaded] = []
        self._numbers = count(1)
        self._baselines: list[RunBaselines] = []  # of runs that go on, or are being kept
        self.rules = SharedRules()

    def prepare(
        self, description: RunDescription, *, run_id: str | None = None, hub: Hub | None = None
    ) -> MonitoredRun:
        """Get everything ready that can be before audio flows; `hub`: where its events go.

        Raises:
            ModelError: the model cannot be used.
            EmoliveError: the input cannot be used, or as many runs go on as may.
        """
        source, settings = description.source, description.settings
        what = source
        if isinstance(source, SourceChoice):
            source = open_source(source, split=description.split)
        elif isinstance(source, CallChoice):
            source = open_source(source)
        baselines = run_baselines(settings.baseline, what, source)
        with self._lock:
            loaded = self._load((settings.model, settings.provider))
            engine = loaded.engine
            live = engine.add(
                run_id or f"run-{next(self._numbers)}",
                source,
                name=description.name,
                config=description.config,
                hub=hub,
                baselines=None if baselines is None else baselines.streams,
            )
            if baselines is not None:
                self._baselines = [one for one in self._baselines if not one.kept]
                self._baselines.append(baselines)
                live.when_over(baselines.begin_to_keep)
        metadata, explainer = loaded.classifier.metadata, None
        recent = RecentRun(live, settings.keep_s) if settings.keep_s > 0 else None
        if settings.keep_s > 0 and settings.explain:
            explainer = Explainer(
                live.hub.subscribe(_EXPLAIN_EVENTS),
                metadata,
                # Beside the run's own, and on the CPU alone: the run must not wait for it.
                lambda: load_classifier(settings.model, "cpu", threads=1),
                memory_s=settings.keep_s,
            )
        alerts = RunAlerts(self.rules, live, run_id or _ONLY_CALL, lambda: run.session_id)
        alerts.use(settings.rules, settings.library)
        run = MonitoredRun(description, live, metadata, alerts, baselines, explainer, recent)
        return run

    def forget(self, run: MonitoredRun) -> None:
        """End a run and forget it, soon."""
        for loaded in tuple(self._loaded):
            if run.live in loaded.engine.runs:
                loaded.engine.remove(run.live.id)
        run.alerts.close(_DELIVER_WITHIN_S)

    def status(self) -> EngineTotals:
        """All runs of the newest model together.

        Raises:
            EmoliveError: there was no run yet.
        """
        if not self._loaded:
            raise EmoliveError("Nothing is monitored.")
        return self._loaded[-1].engine.status()

    def wait(self, timeout: float) -> bool:
        """Wait until all runs are over, at most `timeout` seconds; whether they are."""
        return all(loaded.engine.wait(timeout) for loaded in tuple(self._loaded))

    def free_idle(self, timeout: float = 2.0) -> bool:
        """Free the models that no run needs any more; whether that worked within `timeout` seconds.

        For each user of it that goes: the last one leaves nothing behind.
        """
        with self._lock:
            return self._free([loaded for loaded in self._loaded if loaded.idle], timeout)

    def close(self, timeout: float = 2.0) -> bool:
        """End all runs and free the models; whether that worked within `timeout` seconds.

        Then alerts that are due are delivered, for some seconds more. Recordings end with their
        runs, on their own time.
        """
        with self._lock:
            ended = self._free(list(self._loaded), timeout)
        self.rules.close(_DELIVER_WITHIN_S)
        return ended

    def _load(self, wanted: tuple[Path | None, Requested]) -> _Loaded:
        for loaded in self._loaded:
            if loaded.serves(wanted):
                return loaded
        self._free([one for one in self._loaded if one.idle or not one.engine.alive], 2.0)
        self._loaded.append(_Loaded(wanted, self._loads(*wanted), self._max_runs))
        return self._loaded[-1]

    def _free(self, going: list[_Loaded], timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        self._loaded = [loaded for loaded in self._loaded if loaded not in going]
        ended = True
        for loaded in going:
            ended &= loaded.close(max(0.1, deadline - time.monotonic()), free=self._frees)
        for baselines in self._baselines:
            ended &= baselines.wait(max(0.1, deadline - time.monotonic()))
        return ended
