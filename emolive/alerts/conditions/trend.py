"""A set of emotions on the rise."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from emolive.alerts.conditions.emotional import EmotionalRule, Evidence
from emolive.alerts.conditions.form import FormField, NumberField
from emolive.alerts.latch import Raised
from emolive.alerts.watch import CallFormat, PredictionWatch, Values, Watch
from emolive.i18n import decimal, mark, tr
from emolive.types import Prediction, Role, Stream
from emolive.wording import party_name, percent


class TrendRule(EmotionalRule):
    """A set of emotions on the rise.

    The slope of the least-squares line through the probabilities of the last `window_s` seconds is
    at least `rise_per_minute` (0.5: half of the scale in a minute), and the line ends at
    `probability` or above. At least the share `speech_share` of the expected answers must be there
    (the other party speaks, too). It is over at or below `release` (default: three quarters of
    `rise_per_minute`), or when too few answers are left.
    """

    title: ClassVar[str] = mark("Emotion on the rise")
    usual_name: ClassVar[str] = mark("Customer getting upset")
    level_field: ClassVar[str] = "rise_per_minute"

    kind: Literal["trend"] = "trend"
    rise_per_minute: float = Field(gt=0, le=60)
    window_s: float = Field(default=30.0, ge=5, le=600)
    probability: float = Field(default=0.0, ge=0, le=1)
    speech_share: float = Field(default=0.3, ge=0.05, le=1)

    @classmethod
    def fresh(cls, name: str, emotions: tuple[str, ...]) -> Self:
        """One with usual values; `emotions` are the model's that worry people."""
        return cls(
            name=name,
            emotions=emotions,
            role=Role.CUSTOMER,
            rise_per_minute=0.6,
            probability=0.3,
            cool_down_s=120.0,
        )

    def watches_in(self, streams: Sequence[Stream], call: CallFormat) -> Sequence[Watch]:
        """One watch a stream."""
        return [TrendWatch(self, stream, call) for stream in self.watchable(streams, call)]

    def in_words(self) -> str:
        """When it is raised, as one sentence."""
        return tr(
            "When {emotions} of {who} rises by {rise} a minute or more over {seconds} s, to "
            "{share} or more.",
            who=self.who,
            emotions=self.emotions_in_words,
            rise=percent(self.rise_per_minute),
            seconds=decimal(self.window_s),
            share=percent(self.probability),
        )

    def form(self) -> tuple[FormField, ...]:
        """The fields of its own, with their values."""
        about = tr("How much the probability rises within a minute")
        stretch = tr("The stretch of time that is looked at")
        led_to = tr("Where the rise must have led to")
        return (
            self.emotions_field(tr("Sounds more and more")),
            NumberField(
                "rise_per_minute", tr("Rise per minute"), about, self.rise_per_minute, (1, 6_000),
                5, "%", share=True, level=True,
            ),
            NumberField("window_s", tr("Over"), stretch, self.window_s, (5, 600), 5),
            NumberField(
                "probability", tr("Up to at least"), led_to, self.probability, (0, 100), 5, "%",
                share=True,
            ),
        )  # fmt: skip


class TrendWatch(PredictionWatch):
    """A `TrendRule` on one stream.

    Buffer: the answers of the rule's window, at most one per hop; older ones fall out.
    """

    def __init__(
        self,
        rule: TrendRule,
        stream: Stream,
        call: CallFormat,
    ) -> None:
        super().__init__(rule, stream, call.rate, 0.0)
        self._level, self._release = rule.rise_per_minute, rule.release_level
        self._lowest_end = rule.probability
        self._window = self.samples(rule.window_s)
        self._evidence = Evidence(rule, call)
        expected = self._window // call.hop_samples
        self._needed = max(3, math.ceil(rule.speech_share * expected))
        self._points: deque[tuple[int, float]] = deque(maxlen=max(3, expected) + 1)
        self._slope = 0.0
        self._value = 0.0
        self._party = party_name(stream)

    def accept(self, prediction: Prediction) -> None:
        """Take the stream's next window."""
        end = prediction.end_sample
        if self._evidence.pause(end) > self._window:
            self._evidence.forget()
        value = self._evidence.accept(prediction)
        if value is not None:
            self._points.append((end, value))
        while self._points and self._points[0][0] <= end - self._window:
            self._points.popleft()
        if len(self._points) < self._needed:
            self.keep(self.latch.off(end))
            return
        if value is None:
            return
        self._slope, self._value = self._line(end)
        if self._slope >= self._level and self._value >= self._lowest_end:
            self.keep(self.latch.on(end))
        elif self._slope <= self._release:
            self.keep(self.latch.off(end))
        self.keep(self.latch.advance(end, known_from=end))

    def describe(self, raised: Raised) -> tuple[str, Values]:  # noqa: ARG002
        """How steep, up to where."""
        text = tr(
            "{emotions} rising by {slope} per minute, now at {value} ({party}).",
            emotions=self._evidence.emotions,
            slope=percent(self._slope),
            value=percent(self._value),
            party=self._party,
        )
        return text, (("rise_per_minute", self._slope), ("probability", self._value))

    def _line(self, end: int) -> tuple[float, float]:
        """The least-squares line's slope per minute, and where it is at `end` (0 to 1)."""
        samples, values = zip(*self._points, strict=True)
        minutes = (np.asarray(samples, np.int64) - end) / (60.0 * self.rate)
        y = np.asarray(values, np.float64)
        t = minutes - minutes.mean()
        slope = float((t * (y - y.mean())).sum() / np.square(t).sum())
        return slope, min(1.0, max(0.0, float(y.mean() - slope * minutes.mean())))
