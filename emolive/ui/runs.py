"""From a choice in the window to a running engine. No Qt; heavy imports happen when first needed.

Everything here blocks (loading a model, opening files) and belongs on a worker thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emolive import resources
from emolive.types import Event
from emolive.ui.history.model import RunInfo

if TYPE_CHECKING:
    from emolive.audio.source import AudioSource
    from emolive.engine import EngineConfig, LiveEngine
    from emolive.inference.classifier import Classifier
    from emolive.inference.providers import Requested
    from emolive.speech.silero import SileroVad

# Events between two frames of the window, with room for a window that stands still for seconds.
# Overflow policy: the oldest are dropped and counted; of statuses only the newest waits.
MAILBOX_EVENTS = 4096


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
    """What stays the same for all runs of a window."""

    model: Path | None = None
    provider: Requested = "auto"
    hop_s: float = 0.5


class EventInbox(Protocol):
    """Where a run's events wait."""

    def drain(self) -> list[Event]:
        """All waiting events, oldest first, without waiting."""


class Run(Protocol):
    """A prepared engine."""

    @property
    def info(self) -> RunInfo:
        """What will run."""

    @property
    def inbox(self) -> EventInbox:
        """Its events; the last one is a STOPPED or FAILED status."""

    def start(self) -> None:
        """Begin; returns at once."""

    def stop(self, timeout: float) -> None:
        """End within `timeout` seconds; harmless when it has ended."""


class Runs(Protocol):
    """Prepares runs; keeps the model between them."""

    def prepare(self, choice: SourceChoice, *, split: bool) -> Run:
        """Get everything ready that can be before audio flows.

        Raises:
            EmoliveError: the model or the file cannot be used.
        """

    def close(self) -> None:
        """Free the model, once no run uses it."""


class LiveRuns:
    """Runs on the real engine."""

    def __init__(self, settings: RunSettings) -> None:
        self._settings = settings
        self._classifier: Classifier | None = None
        self._vad: SileroVad | None = None

    def prepare(self, choice: SourceChoice, *, split: bool) -> LiveRun:
        """Load the model unless it is there, and connect source and engine."""
        from emolive.engine import EngineConfig
        from emolive.inference.classifier import OnnxClassifier
        from emolive.speech.silero import SileroVad

        source = open_source(choice, split=split)
        if self._classifier is None:
            path = self._settings.model or resources.asset(resources.MODEL)
            self._classifier = OnnxClassifier(path, self._settings.provider)
        if self._vad is None:
            self._vad = SileroVad()
        config = EngineConfig(hop_s=self._settings.hop_s)
        return LiveRun(source, self._classifier, self._vad, config)

    def close(self) -> None:
        """Free the model."""
        if self._classifier is not None:
            self._classifier.close()
            self._classifier = None


class LiveRun:
    """One run of a `LiveEngine`, with a mailbox for the window."""

    def __init__(
        self, source: AudioSource, classifier: Classifier, vad: SileroVad, config: EngineConfig
    ) -> None:
        from emolive.engine import Hub, LiveEngine

        hub = Hub()
        metadata = classifier.metadata
        self.inbox: EventInbox = hub.subscribe(MAILBOX_EVENTS, "conflate")
        self.info = RunInfo(
            source=source.name,
            model=metadata.name,
            provider_note=classifier.provider_note,
            labels=metadata.labels,
            front_end=metadata.front_end,
            window_samples=metadata.window_samples,
            hop_samples=config.hop_samples(metadata.front_end),
        )
        self._engine: LiveEngine = LiveEngine(source, classifier, vad, config, hub)

    def start(self) -> None:
        """Begin; returns at once."""
        self._engine.start()

    def stop(self, timeout: float) -> None:
        """End within `timeout` seconds."""
        self._engine.stop(timeout)


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
