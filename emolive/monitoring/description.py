"""What a run is to be: everything that is decided before it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from emolive.alerts.rules import RuleSet
from emolive.audio.source import AudioSource
from emolive.engine.config import AgentPermission, EngineConfig
from emolive.inference.decision import DecisionConfig
from emolive.inference.providers import Requested
from emolive.monitoring.baselines import BaselineChoice
from emolive.monitoring.sources import CallChoice, SourceChoice
from emolive.session.library import Library
from emolive.session.recorder_status import RecordingRequest
from emolive.settings import Settings


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What runs are made with, whatever they hear.

    ``model`` is a file, or a bundled model's name (None: the usual one). ``keep_s`` of audio stay
    in memory, to be kept after all (0: none), and for explanations with ``explain``. ``rules`` are
    alert rules, or a file of them for this run alone (None: none); their outbox lies in
    ``library``. ``baseline``: how answers are adapted to their source (None: not at all).
    """

    model: Path | None = None
    provider: Requested = "auto"
    hop_s: float = 0.5
    decision: DecisionConfig = field(default_factory=DecisionConfig)
    keep_s: float = 0.0
    explain: bool = True
    rules: RuleSet | Path | None = None
    library: Path | None = None
    baseline: BaselineChoice | None = None

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
            model=settings.model.file,
            provider=settings.model.provider,
            hop_s=analysis.hop_s,
            decision=decision,
            keep_s=60.0 * settings.privacy.keep_minutes,
            rules=settings.alerts.rules_file,
            library=settings.recording.library,
            baseline=BaselineChoice.of(settings.baseline, settings.recording.library),
        )


@dataclass(frozen=True, slots=True)
class RecordingChoice:
    """That a run is recorded: into an open library, and how."""

    library: Library
    request: RecordingRequest = field(default_factory=RecordingRequest)


@dataclass(frozen=True, slots=True)
class RunDescription:
    """One live run.

    ``source`` is a choice, or a source that is not opened yet; ``split`` keeps the two channels of
    a `SourceChoice` apart. ``name`` is for people (None: the source's). Without a ``permission``
    no emotion is inferred on streams whose role is the agent's. ``recording``: from its begin on.
    """

    source: SourceChoice | CallChoice | AudioSource
    settings: RunSettings = field(default_factory=RunSettings)
    name: str | None = None
    split: bool = False
    permission: AgentPermission | None = None
    recording: RecordingChoice | None = None

    @property
    def config(self) -> EngineConfig:
        """The engine's part of it."""
        settings = self.settings
        return EngineConfig(
            hop_s=settings.hop_s, decision=settings.decision, agent_permission=self.permission
        )
