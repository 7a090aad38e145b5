"""A model that several threads may ask, each in its turn."""

from __future__ import annotations

import threading

from emolive.features import Windows
from emolive.inference.classifier import Classifier
from emolive.inference.metadata import ModelMetadata
from emolive.types import ModelOutput


class OneAtATime:
    """Passes on to a classifier; `predict` waits while another thread is in it."""

    def __init__(self, classifier: Classifier) -> None:
        """Guard `classifier`, which stays its owner's to close."""
        self._classifier = classifier
        self._lock = threading.Lock()

    @property
    def metadata(self) -> ModelMetadata:
        """What the model says about itself."""
        return self._classifier.metadata

    @property
    def provider(self) -> str:
        """The processor in use, for people."""
        return self._classifier.provider

    @property
    def provider_note(self) -> str | None:
        """Why it is that one, or a warning, in one sentence; None when nothing is to be said."""
        return self._classifier.provider_note

    def predict(self, windows: Windows) -> ModelOutput:
        """See `Classifier.predict`."""
        with self._lock:
            return self._classifier.predict(windows)

    def close(self) -> None:
        """Leave the model to its owner."""
