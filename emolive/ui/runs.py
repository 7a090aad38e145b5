"""From a choice in the window to a running engine. No Qt; heavy imports happen when first needed.

Everything here blocks (loading a model, opening files) and belongs on a worker thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emolive import resources
from emolive.errors import ModelError
from emolive.history.model import RunInfo
from emolive.inference.decision import DecisionConfig
from emolive.inference.fallback import FallbackClassifier
from emolive.types import Event

if TYPE_CHECKING:
    from emolive.audio.source import AudioSource
    from emolive.engine import EngineConfig
    from emolive.explain.explainer import Explainer, Explanation, Moment
    from emolive.inference.classifier import Classifier
    from emolive.inference.providers import Requested
    from emolive.session.recorded_run import RecordedRun
    from emolive.settings import Settings
    from emolive.speech.silero import SileroVad

# Events between two frames of the window, with room for a window that stands still for seconds.
# Overflow policy: the oldest are dropped and counted; of statuses only the newest waits.
MAILBOX_EVENTS = 4096
# Events that wait while a moment is explained (2 s at most), with room for two streams.
EXPLAIN_EVENTS = 2048


class SourceKind(StrEnum):
    """Where audio comes from."""

    MICROPHONE = "microphone"
    DEMO = "demo"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """One entry of the picker; ``channels`` is what the input has, 0 if not known."""

    kind: SourceKind
    title: str
    device: str | int | None = None
    path: Path | None = None
    channels: int = 0


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run is made with.

    ``keep_s`` of audio stay in memory for explanations (0: none). ``rules`` is a file of alert
    rules (None: none), whose outbox lies in ``library``.
    """

    model: Path | None = None
    provider: Requested = "auto"
    hop_s: float = 0.5
    decision: DecisionConfig = field(default_factory=DecisionConfig)
    keep_s: float = 300.0
    rules: Path | None = None
    library: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> RunSettings:
        """From what a person has chosen."""
        analysis = settings.analysis
        decision = DecisionConfig(
            smoothing_s=analysis.smoothing_s,
            min_dwell_s=analysis.min_dwell_s,
            threshold=analysis.threshold,
        )
        return cls(
            settings.model.file,
            settings.model.provider,
            analysis.hop_s,
            decision,
            60.0 * settings.privacy.keep_minutes,
            settings.alerts.rules_file,
            settings.recording.library,
        )


class EventInbox(Protocol):
    """Where a run's events wait."""

    def drain(self) -> list[Event]:
        """All waiting events, oldest first, without waiting."""


class Explains(Protocol):
    """What answers questions about moments of a run, and after it."""

    def start(self) -> None:
        """Begin to follow the run; nothing of it that came before is missed."""

    def ask(self, moment: Moment, answer: Callable[[Explanation], None]) -> None:
        """Explain; `answer` is called on another thread, unless a newer question replaces it."""

    def close(self, timeout: float) -> bool:
        """End it."""


class Run(Protocol):
    """A prepared engine."""

    @property
    def info(self) -> RunInfo:
        """What will run."""

    @property
    def inbox(self) -> EventInbox:
        """Its events; the last one is a STOPPED or FAILED status."""

    @property
    def explainer(self) -> Explains | None:
        """Answers questions, also when the run has ended; to be started and closed by who asks."""

    @property
    def recorded(self) -> RecordedRun | None:
        """What a recorder records; None: this run cannot be recorded."""

    @property
    def alert_problem(self) -> str | None:
        """Why the alert rules are not watched for, in one sentence; None: they are, or none."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self, timeout: float) -> None:
        """End within `timeout` seconds; harmless when it has ended."""


class Runs(Protocol):
    """Prepares runs; keeps the model between them."""

    @property
    def own_model(self) -> bool:
        """Whether the next run uses another model than the bundled one."""

    def use(self, settings: RunSettings) -> None:
        """From the next run on."""

    def prepare(self, choice: SourceChoice, *, split: bool) -> Run:
        """Get everything ready that can be before audio flows.

        Raises:
            ModelError: the model cannot be used.
            EmoliveError: the input cannot be used.
        """

    def close(self) -> None:
        """Free the model, once no run uses it."""


class LiveRuns:
    """Runs on the real engine."""

    def __init__(self, settings: RunSettings) -> None:
        self._settings = settings
        self._classifier: Classifier | None = None
        self._loaded: tuple[Path | None, Requested] | None = None
        self._vad: SileroVad | None = None

    @property
    def own_model(self) -> bool:
        """Whether the next run uses another model than the bundled one."""
        return self._settings.model is not None

    def use(self, settings: RunSettings) -> None:
        """From the next run on."""
        self._settings = settings

    def prepare(self, choice: SourceChoice, *, split: bool) -> LiveRun:
        """Load the model unless it is there, and connect source and engine."""
        from emolive.engine import EngineConfig
        from emolive.speech.silero import SileroVad

        settings = self._settings
        source = open_source(choice, split=split)
        classifier = self._load(settings)
        if self._vad is None:
            self._vad = SileroVad()
        config = EngineConfig(hop_s=settings.hop_s, decision=settings.decision)
        return LiveRun(source, classifier, self._vad, config, settings)

    def close(self) -> None:
        """Free the model."""
        if self._classifier is not None:
            self._classifier.close()
            self._classifier = self._loaded = None

    def _load(self, settings: RunSettings) -> Classifier:
        wanted = (settings.model, settings.provider)
        lost = isinstance(self._classifier, FallbackClassifier) and self._classifier.fallen_back
        if self._classifier is None or lost or wanted != self._loaded:
            self.close()
            self._classifier = open_model(settings.model, settings.provider)
            self._loaded = wanted
        return self._classifier


class LiveRun:
    """One run of a `LiveEngine`, with a mailbox for the window."""

    def __init__(
        self,
        source: AudioSource,
        classifier: Classifier,
        vad: SileroVad,
        config: EngineConfig,
        settings: RunSettings,
    ) -> None:
        from emolive.engine import Hub, LiveEngine
        from emolive.explain.explainer import Explainer
        from emolive.ui.run_alerts import RunAlerts

        hub = Hub()
        metadata = classifier.metadata
        self.inbox: EventInbox = hub.subscribe(MAILBOX_EVENTS, "conflate")
        self.info = RunInfo(
            source=source.name,
            model=metadata.name,
            provider_note=classifier.provider_note,
            labels=metadata.labels,
            sampling_rate=metadata.sampling_rate,
            window_samples=metadata.window_samples,
            hop_samples=config.hop_samples(metadata.front_end),
        )
        self._engine = LiveEngine(classifier, vad, config)
        self._run = self._engine.add("live", source, hub=hub)
        self._alerts = RunAlerts(self._run, settings) if settings.rules is not None else None
        self.explainer: Explainer | None = None
        if settings.keep_s > 0:
            self.explainer = Explainer(
                hub.subscribe(EXPLAIN_EVENTS),
                metadata,
                # Beside the run's own, and on the CPU alone: the run must not wait for it.
                lambda: open_model(settings.model, "cpu", threads=1),
                memory_s=settings.keep_s,
            )

    @property
    def recorded(self) -> RecordedRun:
        """The run of the engine."""
        return self._run

    @property
    def alert_problem(self) -> str | None:
        """Why the alert rules are not watched for."""
        return self._alerts.problem if self._alerts is not None else None

    def start(self) -> None:
        """Begin; returns at once."""
        if self._alerts is not None:
            self._alerts.start()
        self._run.start()
        self._engine.start()

    def stop(self, timeout: float) -> None:
        """End within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        self._engine.stop(max(0.1, timeout - 0.3))
        if self._alerts is not None:
            self._alerts.close(max(0.1, deadline - time.monotonic()))


def open_model(path: Path | None, provider: Requested, threads: int | None = None) -> Classifier:
    """Load a model; None is the bundled one.

    Raises:
        ModelError: it cannot be used.
        ProviderError: CUDA is asked for and cannot be used.
    """
    from emolive.inference.loading import load_classifier

    return load_classifier(path, provider, threads)


def open_source(choice: SourceChoice, *, split: bool) -> AudioSource:
    """The audio source for a choice; `split` keeps two channels apart.

    A file with more than two channels is mixed: the window has room for two streams.

    Raises:
        AudioFileError: the file is missing or no audio.
    """
    from emolive.audio.files import FileSource
    from emolive.audio.microphone import Microphone

    if choice.kind is SourceKind.MICROPHONE:
        return Microphone(choice.device, channels=2 if split else 1)
    path = choice.path or resources.asset(resources.DEMO_AUDIO)
    source = FileSource(path, paced=True, channels="split" if split else "mix")
    # Here, so that a bad file is told at once and before the model is loaded for it.
    streams = source.open().streams
    source.close()
    if len(streams) > 2:
        return FileSource(path, paced=True, channels="mix")
    return source


def is_model_problem(error: Exception) -> bool:
    """Whether another model would help."""
    return isinstance(error, ModelError)
