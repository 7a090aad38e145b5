"""Nobody speaks, or one party does not. In exact sample time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field

from emolive.alerts.conditions.form import FormField, NumberField, SwitchField
from emolive.alerts.conditions.rule import Rule
from emolive.alerts.latch import Raised
from emolive.alerts.voices import JointRun
from emolive.alerts.watch import CallFormat, Values, VoiceWatch, Watch
from emolive.conversation.talkspurts import Voice
from emolive.i18n import decimal, mark, tr
from emolive.types import Severity, Stream
from emolive.wording import party_name


class SilenceRule(Rule):
    """Nobody speaks (or one party does not, with `role` or `stream`) for `longer_than_s` seconds.

    Speech of at least `speech_s` seconds ends it; a cough does not. Silence counts from the first
    speech of those who are watched, or with `from_start` from the beginning of the call.
    """

    title: ClassVar[str] = mark("Silence")
    usual_name: ClassVar[str] = mark("Dead air")
    hears: ClassVar[bool] = True

    kind: Literal["silence"] = "silence"
    longer_than_s: float = Field(ge=1, le=3_600)
    speech_s: float = Field(default=0.3, ge=0, le=10)
    from_start: bool = False

    @classmethod
    def fresh(cls, name: str, emotions: tuple[str, ...]) -> Self:  # noqa: ARG003
        """One with usual values."""
        return cls(name=name, longer_than_s=15.0, severity=Severity.INFO)

    def watches_in(self, streams: Sequence[Stream], call: CallFormat) -> Sequence[Watch]:
        """One watch of the party, or of all together."""
        watched = self.watched(streams)
        if not watched:
            return ()
        positions = tuple(streams.index(stream) for stream in watched)
        party = None if self.role is None and self.stream is None else watched[0]
        return [SilenceWatch(self, party, positions, call.rate)]

    def in_words(self) -> str:
        """When it is raised, as one sentence."""
        seconds = decimal(self.longer_than_s)
        if self.role is None and self.stream is None:
            return tr("When nobody speaks for {seconds} s.", seconds=seconds)
        return tr("When {who} does not speak for {seconds} s.", who=self.who, seconds=seconds)

    def form(self) -> tuple[FormField, ...]:
        """The fields of its own, with their values."""
        about = tr("How long nobody, or the chosen party, does not speak")
        early = tr("Also before anybody has said anything")
        return (
            NumberField(
                "longer_than_s", tr("Longer than"), about, self.longer_than_s, (1, 3_600), 1
            ),
            SwitchField("from_start", early, self.from_start),
        )


class SilenceWatch(VoiceWatch):
    """A `SilenceRule` on one party, or on everybody."""

    def __init__(
        self,
        rule: SilenceRule,
        stream: Stream | None,
        positions: tuple[int, ...],
        rate: int,
    ) -> None:
        """Watch the streams at `positions` of the joint runs (`stream`: the only one, or None)."""
        super().__init__(rule, stream, rate, rule.longer_than_s)
        self._positions = positions
        self._needed = self.samples(rule.speech_s)
        self._begun = rule.from_start
        self._speech_since: int | None = None

    def accept(self, run: JointRun) -> None:
        """Take what comes next."""
        voices = [run.voices[position] for position in self._positions]
        if Voice.UNOBSERVED in voices:
            self._speech_since = None
            self.keep(self.latch.off(run.start))
        elif Voice.TALKING in voices:
            if self._speech_since is None:
                self._speech_since = run.start
            if run.end - self._speech_since >= self._needed:
                self._begun = True
                self.keep(self.latch.off(self._speech_since))
        elif self._begun:
            self._speech_since = None
            self.keep(self.latch.on(run.start))
            self.keep(self.latch.advance(run.end, known_from=run.start))
        else:
            self._speech_since = None
        if not self.latch.holds:
            self.keep(self.latch.advance(run.end, known_from=run.start))

    def describe(self, raised: Raised) -> tuple[str, Values]:
        """Who has been silent for how long."""
        silent = (raised.fired - raised.start) / self.rate
        seconds = decimal(silent, 1)
        if self.stream is None:
            text = tr("nobody has spoken for {silent} s.", silent=seconds)
        else:
            text = tr(
                "{party} has not spoken for {silent} s.",
                party=party_name(self.stream),
                silent=seconds,
            )
        return text, (("silence_s", silent),)
