"""The one way to a model: on the processor that is wanted, with the CPU to take over from a GPU."""

from __future__ import annotations

import logging
from pathlib import Path

from emolive.errors import ModelError
from emolive.inference.adapted import AdaptedClassifier
from emolive.inference.adapted_file import is_adapted, read_adapted
from emolive.inference.bundled import model_path
from emolive.inference.classifier import Classifier, OnnxClassifier
from emolive.inference.fallback import FallbackClassifier
from emolive.inference.providers import Host, Requested

_log = logging.getLogger(__name__)


def network_path(file: Path) -> Path:
    """The ONNX file of a model's file: itself, or what a model that was taught stands on.

    Raises:
        ModelError: it cannot be read, or stands on another one that was taught.
    """
    if not is_adapted(file):
        return file
    model = read_adapted(file)
    base = model_path(Path(model.base.choice))
    if is_adapted(base):
        raise ModelError("{name} stands on another taught model: teach it again.", name=model.name)
    return base


def open_model(
    path: Path | None = None,
    provider: Requested = "auto",
    threads: int | None = None,
    *,
    host: Host | None = None,
) -> OnnxClassifier | AdaptedClassifier:
    """The model at `path` (a file, or a model's name), on one processor and no other.

    Raises:
        ModelError: it cannot be used.
        ProviderError: CUDA is asked for and cannot be used.
    """
    file = model_path(path)
    network = OnnxClassifier(network_path(file), provider, threads, host=host)
    if not is_adapted(file):
        return network
    model = read_adapted(file)
    try:
        return AdaptedClassifier(file, model, network)
    except ModelError:
        network.close()
        raise


def load_classifier(
    path: Path | None = None,
    provider: Requested = "auto",
    threads: int | None = None,
    *,
    host: Host | None = None,
) -> Classifier:
    """The same for work that has to survive: should a GPU be lost in the middle, the CPU goes on.

    Raises:
        ModelError: it cannot be used.
        ProviderError: CUDA is asked for and cannot be used.
    """
    classifier = open_model(path, provider, threads, host=host)
    _log.info("A model is loaded on %s", classifier.provider)
    if classifier.provider == "CPU":
        return classifier
    return FallbackClassifier(classifier, lambda: open_model(path, "cpu", threads))
