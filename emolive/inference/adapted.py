"""A model with another last layer, which its user taught it (see `adapted_file`).

A window's features are the base model's embedding, where it has one, then the logarithms of its
calibrated probabilities. All that an adapted model adds is one product of matrices.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emolive.errors import ModelError
from emolive.features import Windows
from emolive.inference.adapted_file import AdaptedModel
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.metadata import ModelMetadata
from emolive.inference.model_files import ModelFiles
from emolive.types import FloatArray, ModelOutput

# A probability below this one tells no more than that it is small.
_LEAST_LOG = np.float32(-12.0)


def log_probabilities(logits: FloatArray, temperature: float) -> FloatArray:
    """Logarithms of calibrated probabilities, float32 like `logits`, none below -12."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    logs = scaled - np.log(np.exp(scaled).sum(axis=-1, keepdims=True))
    bounded: FloatArray = np.maximum(logs.astype(np.float32), _LEAST_LOG)
    return bounded


def features_of(output: ModelOutput, temperature: float) -> FloatArray:
    """What a head is given of `n` answers of its base model, float32 ``(n, n_features)``."""
    logs = log_probabilities(output.logits, temperature)
    return logs if output.embedding is None else np.concatenate((output.embedding, logs), axis=1)


def n_features(base: ModelMetadata) -> int:
    """How many features a base model has."""
    return (base.embedding_size or 0) + len(base.labels)


class AdaptedClassifier:
    """The base model with what it was taught. `predict` may be called by one thread at a time."""

    def __init__(self, path: Path, model: AdaptedModel, network: OnnxClassifier) -> None:
        """Of the file at `path`; `network` becomes this object's to close.

        Raises:
            ModelError: it was taught on another model.
        """
        if ModelFiles.of(network.path).sha256 != model.base.sha256:
            raise ModelError(
                "{name} was taught on another {name2} than the one in use ({name3}): "
                "teach it again with `emolive adapt`, or bring that model back.",
                name=model.name,
                name2=model.base.name,
                name3=network.path.name,
            )
        self.file = path
        self.network = network
        self.device = network.device
        self.provider = network.provider
        self.provider_note = network.provider_note
        self.metadata = adapted_metadata(network.metadata, model)
        self._temperature = network.metadata.temperature
        self._weights = np.array(model.weights, np.float32).T.copy()
        self._bias = np.array(model.bias, np.float32)

    def predict(self, windows: Windows) -> ModelOutput:
        """See `Classifier.predict`.

        Raises:
            ModelError: the base model failed.
        """
        output = self.network.predict(windows)
        if not len(output):
            return ModelOutput(np.empty((0, len(self._bias)), np.float32), output.embedding)
        features = features_of(output, self._temperature)
        return ModelOutput(features @ self._weights + self._bias, output.embedding)

    def close(self) -> None:
        """Free the base model."""
        self.network.close()


def adapted_metadata(base: ModelMetadata, model: AdaptedModel) -> ModelMetadata:
    """What an adapted model says about itself: its base's words, and its own.

    Raises:
        ModelError: its layer does not fit the base model.
    """
    if len(model.weights[0]) != n_features(base):
        raise ModelError(
            "{name} does not fit {name2}: teach it again with `emolive adapt`.",
            name=model.name,
            name2=base.name,
        )
    judged = model.judgement
    how = "speakers or sessions" if judged.grouped else "recordings"
    scores = {"uar": judged.uar, "base uar": judged.base_uar, "ece": judged.ece}
    return base.model_copy(
        update={
            "name": model.name,
            "weights": model.digest,
            "labels": model.labels,
            "temperature": model.temperature,
            "abstention_threshold": model.abstention_threshold,
            "corpora": (*base.corpora, "own labels"),
            "split": f"Cross-validated: no {how} were taught with and tested on at once.",
            "scores": scores,
            "provenance": {
                "base": f"{base.name}, {model.base.sha256[:16]}",
                "labels": str(sum(model.taught.values())),
                "taught at": model.taught_at,
            },
        }
    )
