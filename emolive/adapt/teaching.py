"""From labels to an adapted model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from emolive.adapt.examples import Examples, Heard, Listener, Progress
from emolive.adapt.head import check_installed, fit_head
from emolive.adapt.judging import (
    abstention_threshold,
    cross_validated,
    judge,
    stretches_of,
    too_few,
)
from emolive.adapt.labelled import Labelled, origins, relabelled
from emolive.adapt.wording import more_text
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.inference.adapted_file import AdaptedModel, Base, Source
from emolive.inference.bundled import BUNDLED, model_path
from emolive.inference.metadata import ModelMetadata
from emolive.inference.model_files import ModelFiles, read_metadata

# Of the answers of a base model that does not tell: how many it decides, and decides rightly.
_USUAL_COVERAGE, _USUAL_RIGHT = 0.75, 0.75


@dataclass(frozen=True, slots=True)
class Taught:
    """A model, not kept yet, and what it was taught with, whatever was left out included."""

    model: AdaptedModel
    labelled: Labelled


def usual_base() -> Path:
    """The bundled model to teach where none is chosen: the first that has an embedding."""
    for one in BUNDLED:
        if read_metadata(one.path).embedding_size is not None:
            return Path(one.name)
    return Path(BUNDLED[0].name)


def teach(
    name: str,
    labelled: Labelled,
    base: Path,
    listener: Listener,
    progress: Progress | None = None,
) -> Taught:
    """Listen to what is labelled, learn, judge.

    `base` is the base model as it was chosen, `listener` has it; `progress` is told of recordings
    that were listened to.

    Raises:
        EmoliveError: too few labels, or scikit-learn is missing.
        ModelError: the base model failed.
    """
    check_installed()
    labelled = relabelled(labelled)
    if not labelled.stretches:
        raise EmoliveError(_nothing(labelled))
    heard, labelled = listener.hear(labelled, progress)
    examples = examples_of(heard, listener.classifier.metadata)
    judgement = judge(cross_validated(examples))
    head = fit_head(examples)
    metadata = listener.classifier.metadata
    files = ModelFiles.of(model_path(base))
    scores = metadata.scores
    # A base that decides nothing by itself says nothing of how sure is sure enough.
    decided = (
        scores.get("selective accuracy") or _USUAL_RIGHT,
        scores.get("coverage") or _USUAL_COVERAGE,
    )
    model = AdaptedModel(
        name=name,
        base=Base(choice=str(base), name=metadata.name, sha256=files.sha256),
        labels=examples.labels,
        weights=_rows(head.weights),
        bias=_rows(head.bias[None])[0],
        temperature=head.temperature,
        abstention_threshold=abstention_threshold(head.held_out, *decided),
        taught_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        taught=stretches_of(examples),
        agents=labelled.agents,
        sources=tuple(
            Source(kind=origin.kind, fingerprint=origin.fingerprint, labels=n)
            for origin, n in sorted(
                origins(one.stretch for one in heard).items(), key=lambda item: item[0].fingerprint
            )
        ),
        judgement=judgement,
    )
    return Taught(model, labelled)


def examples_of(heard: list[Heard], base: ModelMetadata) -> Examples:
    """What to learn from.

    Raises:
        EmoliveError: too few labels, with how many more of which class.
    """
    counts: dict[str, int] = {}
    for one in heard:
        counts[one.stretch.label] = counts.get(one.stretch.label, 0) + 1
    if len(counts) < 2:
        known = (
            tr("only {label}", label=repr(next(iter(counts))))
            if counts
            else tr("nothing that can be heard")
        )
        raise EmoliveError(
            "There is {known} to learn from: label at least two different emotions, 10 "
            "times each or more.",
            known=known,
        )
    if lacking := too_few(counts):
        raise EmoliveError(
            "There are too few labels: {lacking} are needed at the least, and 10 of each "
            "for most of the gain.",
            lacking=more_text(lacking),
        )
    return Examples.of(heard, base.labels)


def _nothing(labelled: Labelled) -> str:
    reasons = (*labelled.left_out, *labelled.problems)[:3]
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return tr(
        "There is nothing labelled to learn from{why}: mark moments of your sessions in "
        "the app, or give --manifest CSV or --folder DIR.",
        why=why,
    )


def _rows(
    matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> tuple[tuple[float, ...], ...]:
    # Seven digits are all that float32 has.
    return tuple(tuple(float(f"{value:.7g}") for value in row) for row in matrix)
