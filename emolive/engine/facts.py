"""What stays the same during a run."""

from __future__ import annotations

from dataclasses import dataclass

from emolive.engine.config import EngineConfig
from emolive.inference.classifier import Classifier


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run is: `rate` (Hz) is that of all its sample indices.

    `infers_agents` tells whether emotion is inferred on streams with the agent's role, too.
    """

    source: str
    model: str
    provider: str
    labels: tuple[str, ...]
    rate: int
    hop_samples: int
    window_samples: int
    infers_agents: bool


def run_facts(source: str, classifier: Classifier, config: EngineConfig) -> RunFacts:
    """The facts of a run of this model and these settings on the source of this name."""
    metadata = classifier.metadata
    return RunFacts(
        source=source,
        model=metadata.name,
        provider=classifier.provider,
        labels=metadata.labels,
        rate=metadata.front_end.sampling_rate,
        hop_samples=config.hop_samples(metadata.front_end),
        window_samples=metadata.window_samples,
        infers_agents=config.agent_permission is not None,
    )
