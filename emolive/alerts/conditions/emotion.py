"""A set of emotions that is held for a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field

from emolive.alerts.conditions.emotional import EmotionalRule, Evidence
from emolive.alerts.conditions.form import FormField, NumberField
from emolive.alerts.latch import Raised
from emolive.alerts.watch import CallFormat, PredictionWatch, Values, Watch
from emolive.i18n import decimal, mark, tr
from emolive.types import Prediction, Role, Severity, Stream
from emolive.wording import party_name, percent


class EmotionRule(EmotionalRule):
    """A set of emotions with at least `probability` for at least `for_s` seconds.

    It is over at or below `release` (default: three quarters of `probability`). A pause of up to
    `bridge_s` without speech changes nothing; a longer one ends it.
    """

    title: ClassVar[str] = mark("Emotion that lasts")
    usual_name: ClassVar[str] = mark("Customer upset")
    level_field: ClassVar[str] = "probability"

    kind: Literal["emotion"] = "emotion"
    probability: float = Field(gt=0, le=1)
    release: float | None = Field(default=None, ge=0, le=1)
    for_s: float = Field(default=3.0, ge=0, le=3_600)
    bridge_s: float = Field(default=2.0, ge=0, le=60)

    @classmethod
    def fresh(cls, name: str, emotions: tuple[str, ...]) -> Self:
        """One with usual values; `emotions` are the model's that worry people."""
        return cls(
            name=name,
            emotions=emotions,
            role=Role.CUSTOMER,
            probability=0.6,
            for_s=5.0,
            severity=Severity.CRITICAL,
            sound=True,
        )

    def watches_in(self, streams: Sequence[Stream], call: CallFormat) -> Sequence[Watch]:
        """One watch a stream."""
        return [EmotionWatch(self, stream, call) for stream in self.watchable(streams, call)]

    def in_words(self) -> str:
        """When it is raised, as one sentence."""
        return tr(
            "When {who} sounds {emotions} with {share} or more for {seconds} s (over at "
            "{release}).",
            who=self.who,
            emotions=self.emotions_in_words,
            share=percent(self.probability),
            seconds=decimal(self.for_s),
            release=percent(self.release_level),
        )

    def form(self) -> tuple[FormField, ...]:
        """The fields of its own, with their values."""
        about = tr("How sure it must be: the shares of the chosen emotions together")
        return (
            self.emotions_field(tr("Sounds")),
            NumberField(
                "probability", tr("At least"), about, self.probability, (1, 100), 5, "%",
                share=True, level=True,
            ),
            NumberField("for_s", tr("For"), tr("How long it must hold"), self.for_s, (0, 3_600), 1),
        )  # fmt: skip


class EmotionWatch(PredictionWatch):
    """An `EmotionRule` on one stream; a window counts at its end."""

    def __init__(
        self,
        rule: EmotionRule,
        stream: Stream,
        call: CallFormat,
    ) -> None:
        super().__init__(rule, stream, call.rate, rule.for_s)
        self._level, self._release = rule.probability, rule.release_level
        self._bridge = self.samples(rule.bridge_s)
        self._evidence = Evidence(rule, call)
        self._value = 0.0
        self._party = party_name(stream)

    def accept(self, prediction: Prediction) -> None:
        """Take the stream's next window."""
        end = prediction.end_sample
        if self._evidence.pause(end) > self._bridge:
            self._evidence.forget()
            self.keep(self.latch.off(end))
        value = self._evidence.accept(prediction)
        if value is None:
            return
        self._value = value
        if value >= self._level:
            self.keep(self.latch.on(end))
        elif value <= self._release:
            self.keep(self.latch.off(end))
        self.keep(self.latch.advance(end, known_from=end))

    def describe(self, raised: Raised) -> tuple[str, Values]:
        """Which emotions, how likely, for how long."""
        held = (raised.fired - raised.start) / self.rate
        text = tr(
            "{emotions} at {value} for {held} s ({party}).",
            emotions=self._evidence.emotions,
            value=percent(self._value),
            held=decimal(held, 1),
            party=self._party,
        )
        return text, (("probability", self._value), ("held_s", held))
