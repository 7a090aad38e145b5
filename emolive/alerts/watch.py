"""What watching means for every kind of rule: a latch, and alerts told in one sentence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from emolive.alerts.conditions.rule import Rule
from emolive.alerts.latch import Latch, Over, Raised
from emolive.alerts.voices import JointRun
from emolive.i18n import tr
from emolive.types import Alert, AlertEnded, Prediction, Stream

Outcome = Alert | AlertEnded
Values = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class CallFormat:
    """What the samples and probabilities of a call mean.

    `rate` samples per second, a window every `hop_samples`, probabilities in the order of `labels`
    of `model`. `one_sound` tells that two channels carry the same sound.
    """

    rate: int
    hop_samples: int
    labels: tuple[str, ...]
    model: str = ""
    one_sound: bool = False


class Watch(ABC):
    """One rule on one stream, or on the conversation. One thread owns it."""

    def __init__(self, rule: Rule, stream: Stream | None, rate: int, hold_s: float) -> None:
        """Watch `stream` (None: the conversation) at `rate` samples per second."""
        self.rule = rule
        self.stream = stream
        self.rate = rate
        self.latch = Latch(
            round(hold_s * rate), round(rule.dwell_s * rate), round(rule.cool_down_s * rate)
        )
        self._outcomes: list[Outcome] = []

    @property
    def stream_name(self) -> str | None:
        """The stream's name, None for the conversation."""
        return None if self.stream is None else self.stream.name

    def take(self) -> list[Outcome]:
        """What has happened since the last time, in order."""
        taken, self._outcomes = self._outcomes, []
        return taken

    def stop(self, sample: int) -> None:
        """Nothing comes any more after `sample`: what is raised is over at the latest now."""
        self.keep(self.latch.off(sample))
        # An alert that must dwell ends with the call all the same.
        self.keep(self.latch.end(sample))

    def keep(self, outcome: Raised | Over | None) -> None:
        """Turn what the latch says into an alert or its end."""
        if isinstance(outcome, Raised):
            sentence, values = self.describe(outcome)
            self._outcomes.append(
                Alert(
                    rule=self.rule.name,
                    kind=self.rule.kind,
                    severity=self.rule.severity,
                    stream=self.stream_name,
                    role=None if self.stream is None else self.stream.role,
                    start_sample=outcome.start,
                    true_sample=outcome.true,
                    fired_sample=outcome.fired,
                    message=tr("{rule}: {what}", rule=self.rule.name, what=sentence),
                    values=values,
                    sound=self.rule.sound,
                )
            )
        elif outcome is not None:
            self._outcomes.append(
                AlertEnded(self.rule.name, self.stream_name, outcome.fired, outcome.end)
            )

    @abstractmethod
    def describe(self, raised: Raised) -> tuple[str, Values]:
        """What was found, as the rest of a sentence, and the numbers."""

    def samples(self, seconds: float) -> int:
        """Seconds as samples."""
        return round(seconds * self.rate)


class PredictionWatch(Watch):
    """A watch of one stream that goes by the model's answers."""

    @abstractmethod
    def accept(self, prediction: Prediction) -> None:
        """Take the stream's next window."""


class VoiceWatch(Watch):
    """A watch that goes by who speaks when."""

    @abstractmethod
    def accept(self, run: JointRun) -> None:
        """Take what comes next."""
