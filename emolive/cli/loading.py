"""The model and the detector, loaded once per command."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from emolive.cli.outcome import tell
from emolive.engine import EngineConfig
from emolive.inference.classifier import BATCH_SIZES, Classifier, OnnxClassifier
from emolive.inference.fallback import FallbackClassifier
from emolive.inference.providers import CUDA, Host, Requested
from emolive.resources import MODEL, asset


def load_classifier(
    model: Path | None, provider: str, batch_sizes: tuple[int, ...] = BATCH_SIZES
) -> OnnxClassifier:
    """The bundled model, or the one at `model`; warnings go to standard error.

    `batch_sizes`: those that a GPU gets ready for.

    Raises:
        EmoliveError: it cannot be used.
    """
    host = Host.inspect()
    classifier = OnnxClassifier(
        model or asset(MODEL), cast(Requested, provider), batch_sizes=batch_sizes, host=host
    )
    # That a computer has no GPU is no news to its owner; a GPU that lies idle is.
    has_gpu = CUDA in host.available and host.driver_problem is None
    if classifier.provider_note and (has_gpu or len(host.packages) > 1):
        tell(classifier.provider_note)
    return classifier


def load_safe_classifier(model: Path | None, provider: str) -> Classifier:
    """The same for a run that must survive its graphics card: the CPU goes on.

    Raises:
        EmoliveError: it cannot be used.
    """
    classifier = load_classifier(model, provider)
    if classifier.provider == "CPU":
        return classifier
    return FallbackClassifier(classifier, lambda: OnnxClassifier(classifier.path, "cpu"))


def engine_config(hop_s: float, classifier: Classifier) -> EngineConfig:
    """Settings with this hop.

    Raises:
        EmoliveError: the hop does not fit the model's front end.
    """
    config = EngineConfig(hop_s=hop_s)
    config.hop_samples(classifier.metadata.front_end)
    return config
