"""What stays the same during a run."""

from __future__ import annotations

from emolive.engine.config import EngineConfig
from emolive.inference.classifier import Classifier
from emolive.types import RunFacts


def run_facts(
    source: str, classifier: Classifier, config: EngineConfig, provider_note: str | None
) -> RunFacts:
    """The facts of a run of this model and these settings on the source of this name.

    `provider_note`: what there was to say of the processor when the model was loaded.
    """
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
        provider_note=provider_note,
    )
