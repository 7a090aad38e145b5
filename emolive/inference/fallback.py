"""A model that survives the loss of its graphics card."""

from __future__ import annotations

import logging
from collections.abc import Callable

from emolive.errors import EmoliveError, ModelError, first_line
from emolive.features import Windows
from emolive.i18n import tr
from emolive.inference.classifier import Classifier, WrappedClassifier
from emolive.types import ModelOutput

_log = logging.getLogger(__name__)

_CPU = "CPU"


class FallbackClassifier(WrappedClassifier):
    """Uses a classifier until it fails in the middle of a run, then goes on with another.

    A driver that is updated, a card that falls off the bus or runs out of memory must not end a
    run: the same model is opened on the CPU, the failed batch is answered by it, and
    `provider_note` says so from then on. A classifier that runs on the CPU already has nothing to
    fall back to, and its error is passed on. `predict` may be called from one thread at a time;
    the other properties from any.
    """

    def __init__(self, classifier: Classifier, open_cpu: Callable[[], Classifier]) -> None:
        """Use `classifier`; both become this object's to close.

        `open_cpu` opens the same model on the CPU; called at most once, in `predict`.
        """
        super().__init__(classifier)
        self._open_cpu = open_cpu
        self.fallen_back = False  # whether the wanted processor failed
        self._note: str | None = None

    @property
    def provider_note(self) -> str | None:
        """Why it is that one, or a warning, in one sentence; None when nothing is to be said."""
        return self._note or self._classifier.provider_note

    def predict(self, windows: Windows) -> ModelOutput:
        """See `Classifier.predict`.

        Raises:
            ModelError: the model failed, and there is nothing left to fall back to.
        """
        try:
            return self._classifier.predict(windows)
        except ModelError as error:
            if self.fallen_back or self._classifier.provider == _CPU:
                raise
            self._fall_back(error)
        return self._classifier.predict(windows)

    def close(self) -> None:
        """Free the model."""
        self._classifier.close()

    def _fall_back(self, error: ModelError) -> None:
        failed = self._classifier
        try:
            other = self._open_cpu()
        except EmoliveError as second:
            raise ModelError(
                "{error} The CPU cannot take over: {second}", error=error, second=second
            ) from error
        if other.metadata.fingerprint != failed.metadata.fingerprint:
            other.close()
            raise ModelError(
                "{error} The model file has changed meanwhile.", error=error
            ) from error
        _log.warning("The CPU takes over from %s", failed.provider, exc_info=error)
        self._classifier = other
        self.fallen_back = True
        self._note = tr(
            "{provider} stopped working, so the model runs on the CPU from now on: start again to "
            "try it anew. ({reason})",
            provider=failed.provider,
            reason=first_line(error.__cause__ or error),
        )
        failed.close()
