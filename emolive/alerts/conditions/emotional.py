"""What rules about emotions share: a set of emotions, and its probability window by window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from emolive.alerts.conditions.form import EmotionsField
from emolive.alerts.conditions.rule import Label, Rule, check_release, release_or_usual
from emolive.alerts.watch import CallFormat
from emolive.i18n import alternatives, tr
from emolive.labels import emotion_name
from emolive.types import Prediction, Stream
from emolive.wording import party_name

_DIGITS = 6


class EmotionalRule(Rule):
    """About the probability of a set of emotions: the sum of their calibrated probabilities.

    The probabilities are those of each window alone, which is also what sessions and exports hold,
    so anybody can compute an alert again; `smoothing_s` (time constant of an exponential mean)
    steadies them where that is wanted.
    """

    level_field: ClassVar[str]  # what it is raised at

    emotions: tuple[Label, ...] = Field(min_length=1, max_length=32)
    release: float | None = None
    smoothing_s: float = Field(default=0.0, ge=0, le=60)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.emotions)) < len(self.emotions):
            raise ValueError(tr("emotions must be named once each"))
        return self

    @property
    def release_level(self) -> float:
        """Where it is over."""
        return release_or_usual(self.release, getattr(self, self.level_field))

    @model_validator(mode="after")
    def _below(self) -> Self:
        check_release(self.release, getattr(self, self.level_field), self.level_field)
        return self

    def unknown_emotion(self, labels: tuple[str, ...]) -> str | None:
        """The first emotion it names that is none of a model's `labels`, if any."""
        return next((emotion for emotion in self.emotions if emotion not in labels), None)

    def nothing_to_watch(self, streams: Sequence[Stream], call: CallFormat) -> str | None:
        """Why it cannot be raised in a call, as the rest of a sentence; None: it can."""
        if reason := super().nothing_to_watch(streams, call):
            return reason
        if unknown := self.unknown_emotion(call.labels):
            return tr(
                "the model {model} does not know {unknown}", model=call.model, unknown=repr(unknown)
            )
        watched = self.watched(streams)
        if not any(stream.emotion for stream in watched):
            who = alternatives([party_name(stream) for stream in watched])
            return tr("emotion is not inferred for {who}", who=who)
        return None

    def watchable(self, streams: Sequence[Stream], call: CallFormat) -> Sequence[Stream]:
        """The streams that can be watched, now or once emotion is inferred on them."""
        return () if self.unknown_emotion(call.labels) else self.watched(streams)

    def emotions_field(self, label: str) -> EmotionsField:
        """The form's field for its emotions."""
        return EmotionsField(label, self.emotions)

    @property
    def emotions_in_words(self) -> str:
        """Its emotions, for a sentence."""
        return alternatives([emotion_name(emotion) for emotion in self.emotions])


class Evidence:
    """The probability of a set of emotions, window by window, steadied if wanted."""

    def __init__(self, rule: EmotionalRule, call: CallFormat) -> None:
        """Follow a rule's emotions; the model knows all of them."""
        self._indices = [call.labels.index(emotion) for emotion in rule.emotions]
        self._tau = rule.smoothing_s * call.rate
        self._hop = call.hop_samples
        self._mean: float | None = None
        self._end = 0
        self.emotions = rule.emotions_in_words

    def forget(self) -> None:
        """What comes next has no past."""
        self._mean = None

    def pause(self, end: int) -> int:
        """Samples without an answer between the newest answer and a window that ends at `end`."""
        return 0 if self._mean is None else max(0, end - self._end - self._hop)

    def accept(self, prediction: Prediction) -> float | None:
        """The value up to this window; None where it holds no speech."""
        if prediction.probabilities is None:
            return None
        # With the digits that exports have: a float32 0.4 is a little more than 0.4.
        value = round(float(prediction.probabilities[self._indices].sum(dtype=np.float64)), _DIGITS)
        if self._mean is None or not self._tau:
            self._mean = value
        else:
            weight = 1.0 - math.exp(-(prediction.end_sample - self._end) / self._tau)
            self._mean += weight * (value - self._mean)
        self._end = prediction.end_sample
        return self._mean
