"""Labelling and teaching hand in hand: a base model stays loaded, and hears every moment once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emolive.adapt import shelf
from emolive.adapt.examples import Examples, Listener, Progress
from emolive.adapt.head import check_installed
from emolive.adapt.judging import ENOUGH, FEWEST, cross_validated, gain_of_twice, judge
from emolive.adapt.labelled import from_library, usable_label
from emolive.adapt.moments import Moment, next_moments
from emolive.adapt.teaching import Taught, teach, usual_base
from emolive.inference.adapted_file import Judgement
from emolive.inference.bundled import model_path
from emolive.inference.loading import load_classifier
from emolive.session.library import Library
from emolive.session.records import Annotation


@dataclass(frozen=True, slots=True)
class Standing:
    """How many labels there are of what, and what they are worth so far (None: too few to say).

    `of_twice`: the gain that twice as many lead to, by how it grew so far (None: too few to say).
    """

    counts: dict[str, int]
    judgement: Judgement | None
    of_twice: float | None = None

    @property
    def lacking(self) -> dict[str, int]:
        """How many more of each class most of the gain needs."""
        return {label: ENOUGH - n for label, n in self.counts.items() if n < ENOUGH}


class Workshop:
    """One base model and one library. One thread at a time uses it; all of it takes its time.

    Voices of agents stay out: there is nobody here who could permit them.
    """

    def __init__(self, library: Library, base: Path | None = None) -> None:
        """`base`: as a model is chosen; None: the usual one. Nothing is loaded yet."""
        self._library = library
        self._base = base
        self._listener: Listener | None = None

    def moments(self, wanted: int, progress: Progress | None = None) -> list[Moment]:
        """What to label next, the most telling first.

        Raises:
            EmoliveError: there are none, or the base model cannot be used.
        """
        listener = self._opened()
        heard, _ = listener.hear(from_library(self._library), progress)
        return next_moments(self._library, listener, wanted, labelled=heard, progress=progress)

    def label(self, moment: Moment, label: str, annotator: str) -> Annotation:
        """Keep a label as a mark of the session, in this name.

        Raises:
            SessionError: it cannot be stored.
        """
        mark = Annotation(
            secrets.token_hex(8),
            moment.start_sample,
            moment.end_sample,
            label,
            stream=moment.stream,
            annotator=annotator,
        )
        self._library.change_annotations(moment.session.id, put=[mark])
        return mark

    def take_back(self, moment: Moment, mark: Annotation) -> None:
        """Remove a mark that `label` made.

        Raises:
            SessionError: it cannot be removed.
        """
        self._library.change_annotations(moment.session.id, remove=[mark.id])

    def standing(self) -> Standing:
        """What the labels of the library are worth, cross-validated.

        Raises:
            EmoliveError: the base model cannot be used, or scikit-learn is missing.
        """
        labelled = from_library(self._library)
        if _too_little(labelled.counts):
            return Standing(labelled.counts, None)
        check_installed()
        listener = self._opened()
        heard, _ = listener.hear(labelled)
        counts: dict[str, int] = {}
        for one in heard:
            counts[one.stretch.label] = counts.get(one.stretch.label, 0) + 1
        if _too_little(counts):
            return Standing(labelled.counts, None)
        examples = Examples.of(heard, listener.classifier.metadata.labels)
        judged = judge(cross_validated(examples))
        return Standing(labelled.counts, judged, gain_of_twice(examples, judged))

    def teach(self, name: str, progress: Progress | None = None) -> Taught:
        """Teach a model with all labels of the library; it is not kept yet.

        Raises:
            EmoliveError: too few labels, or no name.
        """
        name = shelf.check_name(name)
        labelled = from_library(self._library)
        check_installed()
        listener = self._opened()
        return teach(name, labelled, self._base or usual_base(), listener, progress)

    def close(self) -> None:
        """Free the model."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.classifier.close()

    def _opened(self) -> Listener:
        if self._listener is None:
            self._base = self._base or usual_base()
            self._listener = Listener(load_classifier(model_path(self._base)))
        return self._listener


def _too_little(counts: dict[str, int]) -> bool:
    return len(counts) < 2 or min(counts.values()) < FEWEST


def own_labels(text: str) -> Sequence[str]:
    """The labels that a person lists, separated by commas."""
    found = (usable_label(part) for part in text.split(","))
    return tuple(dict.fromkeys(label for label in found if label is not None))
