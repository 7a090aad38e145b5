"""What a base model makes of labelled stretches: the examples that a head is taught with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from emolive.adapt.cutting import Cut, Span, cut_windows
from emolive.adapt.labelled import Labelled, Stretch
from emolive.errors import AudioFileError
from emolive.features import model_input
from emolive.i18n import tr
from emolive.inference.adapted import features_of
from emolive.inference.classifier import Classifier
from emolive.speech.gate import SpeechGate
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray

_log = logging.getLogger(__name__)

_BATCH = 8

Progress = Callable[[int, int], None]
"""Told how many recordings are done, and how many there are; what it raises ends the work."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A stretch as the base model hears it: features ``(n_windows, n_features)``, float32."""

    stretch: Stretch
    features: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Windows with labels, rows of `features` ``(n, n_features)``.

    `target` are indices into `labels`,
    `group` and `clip` numbers of speakers (or sessions, or files) and of stretches; the `weight` of
    a stretch's windows adds up to 1. `known`: no group is only a file.
    """

    labels: tuple[str, ...]
    base_labels: tuple[str, ...]
    features: FloatArray
    target: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]
    clip: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    known: bool

    @property
    def logs(self) -> FloatArray:
        """The base's log-probabilities."""
        return self.features[:, -len(self.base_labels) :]

    @classmethod
    def of(cls, heard: Sequence[Heard], base_labels: tuple[str, ...]) -> Examples:
        """Of stretches, at least one; labels in the base's order, own ones behind."""
        there = {one.stretch.label for one in heard}
        known = [label for label in base_labels if label in there]
        labels = (*known, *sorted(there - set(known), key=str.casefold))
        groups: dict[str, int] = {}
        group = [
            groups.setdefault(one.stretch.group or str(one.stretch.path), len(groups))
            for one in heard
        ]
        sizes = [len(one.features) for one in heard]
        return cls(
            labels,
            base_labels,
            np.concatenate([one.features for one in heard]),
            np.repeat([labels.index(one.stretch.label) for one in heard], sizes),
            np.repeat(group, sizes),
            np.repeat(np.arange(len(heard)), sizes),
            np.repeat([1.0 / size for size in sizes], sizes),
            all(one.stretch.group for one in heard),
        )

    def __len__(self) -> int:
        return len(self.target)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> Examples:
        return Examples(
            self.labels,
            self.base_labels,
            self.features[rows],
            self.target[rows],
            self.group[rows],
            self.clip[rows],
            self.weight[rows],
            self.known,
        )


@dataclass(slots=True, eq=False)
class Listener:
    """Lets a base model hear stretches, each once, however often it is asked for.

    What was heard is kept while this lives: a kilobyte or two a stretch.
    """

    classifier: Classifier
    vad: SileroVad = field(default_factory=SileroVad)
    _known: dict[tuple[Path, float, float | None], FloatArray] = field(default_factory=dict)

    def hear(
        self, labelled: Labelled, progress: Progress | None = None
    ) -> tuple[list[Heard], Labelled]:
        """What is heard, in the order of the stretches; and `labelled` with what was left out.

        Windows without speech are: such a window has no emotion, live neither.

        Raises:
            ModelError: the model failed.
        """
        new: dict[Path, list[Span]] = {}
        for one in labelled.stretches:
            if (one.path, one.start_s, one.end_s) not in self._known:
                new.setdefault(one.path, []).append(Span(one.start_s, one.end_s))
        problems: list[str] = []
        for done, (path, spans) in enumerate(new.items()):
            if progress is not None:
                progress(done, len(new))
            try:
                self._hear(path, list(dict.fromkeys(spans)))
            except AudioFileError as error:
                _log.info("A labelled recording cannot be read", exc_info=True)
                problems.append(str(error))
        if progress is not None:
            progress(len(new), len(new))
        heard: list[Heard] = []
        silent = 0
        for one in labelled.stretches:
            features = self._known.get((one.path, one.start_s, one.end_s))
            if features is None:
                continue  # it could not be read, which is said
            if len(features):
                heard.append(Heard(one, features))
            else:
                silent += 1
        silence = (
            (tr("{silent} stretches in which nobody speaks", silent=silent),) if silent else ()
        )
        return heard, labelled + Labelled((), silence, tuple(problems))

    def _hear(self, path: Path, spans: list[Span]) -> None:
        metadata = self.classifier.metadata
        found: list[list[FloatArray]] = [[] for _ in spans]
        waiting: list[tuple[int, FloatArray]] = []

        def answer() -> None:
            windows = np.stack([window for _, window in waiting])
            output = self.classifier.predict(windows)
            features = features_of(output, metadata.temperature)
            for (span, _), row in zip(waiting, features, strict=True):
                found[span].append(row)
            waiting.clear()

        for cut in cut_windows(path, spans, metadata.sampling_rate, metadata.window_samples):
            if not self._speech(cut):
                continue
            waiting.append((cut.span, model_input(cut.samples, metadata.front_end)))
            if len(waiting) == _BATCH:
                answer()
        if waiting:
            answer()
        for span, rows in zip(spans, found, strict=True):
            features = np.array(rows, np.float32)
            self._known[path, span.start_s, span.end_s] = features

    def _speech(self, cut: Cut) -> bool:
        """Whether there is enough speech in what was recorded of a window."""
        stream = self.vad.stream()
        samples = cut.samples[cut.first : cut.last]
        chunks = stream.accept(samples)
        gate = SpeechGate()
        gate.accept(chunks)
        return gate.admit(gate.speech_ratio(0, len(samples)))
