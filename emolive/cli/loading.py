"""What a command works with: the model, its settings, the library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from emolive.cli.options import ModelChoice
from emolive.cli.outcome import AlreadyToldError, tell, tell_lines
from emolive.engine import EngineConfig
from emolive.errors import SessionError
from emolive.i18n import tr
from emolive.inference import loading
from emolive.inference.classifier import Classifier
from emolive.inference.providers import CUDA, Host, Requested
from emolive.session.library import Library


def load_model(using: ModelChoice) -> tuple[Classifier, EngineConfig]:
    """What was chosen, as `load_classifier`, and the engine's settings for it.

    Raises:
        EmoliveError: it cannot be used, or the hop does not fit the model's front end.
    """
    config = EngineConfig(hop_s=using.interval_s, decision=using.decision)
    classifier = load_classifier(using.model, using.processor)
    config.hop_samples(classifier.metadata.front_end)
    return classifier, config


def load_classifier(model: Path | None, provider: str) -> Classifier:
    """The bundled model, or the one at `model`; warnings go to standard error.

    Raises:
        EmoliveError: it cannot be used.
    """
    host = Host.inspect()
    classifier = loading.load_classifier(model, cast(Requested, provider), host=host)
    # That a computer has no GPU is no news to its owner; a GPU that lies idle is.
    has_gpu = CUDA in host.available and host.driver_problem is None
    if classifier.provider_note and (has_gpu or len(host.packages) > 1):
        tell(classifier.provider_note)
    return classifier


@contextmanager
def open_library(folder: Path | None) -> Iterator[Library]:
    """The library; what had to be put right, or could not be, is told.

    Raises:
        SessionError: it cannot be opened.
        AlreadyToldError: what is done in it fails for what could not be put right (a full disk).
    """
    with Library.open(folder) as library:
        for session_id in library.recovered:
            tell("Session {session_id} was cut off and is recovered.", session_id=session_id)
        for problem in library.problems:
            tell(problem)
        try:
            yield library
        except SessionError as error:
            if str(error) in library.problems:
                raise AlreadyToldError(str(error)) from error
            raise


def remind_of_consent(library: Library) -> None:
    """What is to be said before the first recording, once.

    Raises:
        SessionError: the library cannot be written.
    """
    settings = library.settings()
    if settings.consent_due:
        tell_lines(tr(settings.consent_text))
        library.confirm_consent()
