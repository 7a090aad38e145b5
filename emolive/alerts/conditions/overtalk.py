"""Parties talk at the same time: so many times, or for so long. In exact sample time."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from emolive.alerts.conditions.form import FormField, NumberField
from emolive.alerts.conditions.rule import Rule, check_release, release_or_usual
from emolive.alerts.latch import Raised
from emolive.alerts.voices import JointRun
from emolive.alerts.watch import CallFormat, Values, VoiceWatch, Watch
from emolive.conversation.talkspurts import Voice
from emolive.i18n import decimal, mark, ntr, tr
from emolive.types import Stream


class OvertalkRule(Rule):
    """Parties talk at the same time: `count` times or `seconds` in all, in the last `window_s`.

    A time counts once both have spoken together for `each_s` seconds. It is over at or below
    `release` (default: three quarters of the level).
    """

    title: ClassVar[str] = mark("Overtalk")
    usual_name: ClassVar[str] = mark("Overtalk")
    of_a_party: ClassVar[bool] = False
    hears: ClassVar[bool] = True

    kind: Literal["overtalk"] = "overtalk"
    window_s: float = Field(default=60.0, ge=1, le=3_600)
    count: int | None = Field(default=None, ge=1, le=1_000)
    seconds: float | None = Field(default=None, gt=0, le=3_600)
    each_s: float = Field(default=0.5, ge=0.1, le=10)
    release: float | None = Field(default=None, ge=0)

    @property
    def level(self) -> float:
        """Where it starts, in times or seconds."""
        if self.count is not None:
            return float(self.count)
        assert self.seconds is not None
        return self.seconds

    @property
    def release_level(self) -> float:
        """Where it is over."""
        return release_or_usual(self.release, self.level)

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.count is None) == (self.seconds is None):
            raise ValueError(tr("set either count or seconds"))
        if self.role is not None or self.stream is not None:
            raise ValueError(tr("overtalk is about both parties: leave out role and stream"))
        if self.seconds is not None and self.seconds > self.window_s:
            raise ValueError(tr("seconds must fit into window_s"))
        measure = "count" if self.count is not None else "seconds"
        check_release(self.release, self.level, measure)
        return self

    @classmethod
    def fresh(cls, name: str, emotions: tuple[str, ...]) -> Self:  # noqa: ARG003
        """One with usual values."""
        return cls(name=name, count=4, window_s=60.0)

    def nothing_to_watch(self, streams: Sequence[Stream], call: CallFormat) -> str | None:
        """Why it cannot be raised in a call, as the rest of a sentence; None: it can."""
        if call.one_sound:
            return tr("both channels carry the same sound")
        return None if len(streams) > 1 else tr("there is one party only")

    def watches_in(self, streams: Sequence[Stream], call: CallFormat) -> Sequence[Watch]:
        """One watch of all together."""
        if self.nothing_to_watch(streams, call):
            return ()
        kind = OvertalkTimeWatch if self.count is None else OvertalkCountWatch
        return [kind(self, call.rate)]

    def in_words(self) -> str:
        """When it is raised, as one sentence."""
        window = decimal(self.window_s)
        if self.count is not None:
            return ntr(
                "When there is overtalk within {seconds} s.",
                "When there is overtalk {count} times within {seconds} s.",
                self.count,
                seconds=window,
            )
        return tr(
            "When there is overtalk for {level} s within {seconds} s.",
            level=decimal(self.seconds or 0.0),
            seconds=window,
        )

    def form(self) -> tuple[FormField, ...]:
        """The fields of its own, with their values."""
        if self.count is not None:
            about = tr("How many times there is overtalk")
            level = NumberField(
                "count", tr("Times"), about, self.count, (1, 1_000), 1, "", whole=True, level=True
            )
        else:
            about = tr("How long there is overtalk, in all")
            bounds = (0.1, 3_600.0)
            level = NumberField("seconds", tr("In all"), about, self.level, bounds, 0.5, level=True)
        stretch = tr("The stretch of time that is looked at")
        return (
            level,
            NumberField("window_s", tr("Within"), stretch, self.window_s, (1, 3_600), 5),
        )


class _OvertalkWatch(VoiceWatch):
    """What both measures of an `OvertalkRule` share."""

    def __init__(self, rule: OvertalkRule, rate: int) -> None:
        super().__init__(rule, None, rate, 0.0)
        self._window_s = rule.window_s
        self._window = self.samples(rule.window_s)

    def accept(self, run: JointRun) -> None:
        """Take what comes next."""
        both = sum(voice is Voice.TALKING for voice in run.voices) >= 2
        self._go_on(run.start, run.end, both=both)

    @abstractmethod
    def _go_on(self, start: int, end: int, *, both: bool) -> None:
        """Count a stretch in which both talk, or not."""

    def _settle(self, sample: int) -> None:
        """Raise what is to be raised before something changes at `sample`."""
        self.keep(self.latch.advance(sample))


class OvertalkCountWatch(_OvertalkWatch):
    """How many times both talked, in a sliding window.

    Buffer: the times within the window, at most its length divided by the shortest time.
    """

    def __init__(self, rule: OvertalkRule, rate: int) -> None:
        super().__init__(rule, rate)
        self._level, self._release = rule.level, rule.release_level
        self._each = self.samples(rule.each_s)
        self._times: deque[int] = deque()
        self._since: int | None = None
        self._counted = False

    def describe(self, raised: Raised) -> tuple[str, Values]:  # noqa: ARG002
        """How often."""
        count = len(self._times)
        text = ntr(
            "overtalk once in {window_s} s.",
            "overtalk {count} times in {window_s} s.",
            count,
            window_s=decimal(self._window_s),
        )
        return text, (("count", float(count)),)

    def _go_on(self, start: int, end: int, *, both: bool) -> None:
        if not both:
            self._since = None
        elif self._since is None:
            self._since, self._counted = start, False
        if self._since is not None and not self._counted and end - self._since >= self._each:
            self._counted = True
            counts_at = self._since + self._each
            self._drop(counts_at)
            self._settle(counts_at)
            self._times.append(counts_at)
            if len(self._times) >= self._level:
                self.keep(self.latch.on(counts_at))
        self._drop(end)
        self._settle(end)

    def _drop(self, end: int) -> None:
        while self._times and (at := self._times[0] + self._window) <= end:
            self._settle(at)
            self._times.popleft()
            if len(self._times) <= self._release:
                self.keep(self.latch.off(at))


class OvertalkTimeWatch(_OvertalkWatch):
    """For how long both talked, in a sliding window.

    Buffer: the stretches within the window, which its length and the shortest talkspurt bound.
    """

    def __init__(self, rule: OvertalkRule, rate: int) -> None:
        super().__init__(rule, rate)
        self._level = max(1, self.samples(rule.level))
        self._release = min(self._level - 1, int(rule.release_level * rate))
        self._stretches: deque[tuple[int, int]] = deque()
        self._at = 0  # up to where it is known,
        self._both = 0  # how much of the window before that is overtalk,
        self._slope = 0  # and how that changes from there on.

    def describe(self, raised: Raised) -> tuple[str, Values]:
        """For how long."""
        both = (self._both + self._slope * (raised.true - self._at)) / self.rate
        text = tr(
            "overtalk for {both} s of {window_s} s.",
            both=decimal(both, 1),
            window_s=decimal(self._window_s),
        )
        return text, (("overtalk_s", both),)

    def _go_on(self, start: int, end: int, *, both: bool) -> None:
        if both:
            if self._stretches and self._stretches[-1][1] == start:
                start = self._stretches.pop()[0]
            self._stretches.append((start, end))
        while self._at < end:
            self._piece(end, int(both))

    def _piece(self, end: int, gains: int) -> None:
        """Go on to where the slope changes, or to `end`."""
        left = self._at - self._window  # where the window begins
        while self._stretches and self._stretches[0][1] <= left:
            self._stretches.popleft()
        loses = 0
        if self._stretches:
            first, last = self._stretches[0]
            loses = int(first <= left)
            end = min(end, (last if loses else first) + self._window)
        self._slope = gains - loses
        # What is crossed between two changes of slope: one level at most.
        if self._slope > 0 and 0 < self._level - self._both <= end - self._at:
            self.keep(self.latch.on(self._at + self._level - self._both))
        elif self._slope < 0 and 0 < self._both - self._release <= end - self._at:
            crossing = self._at + self._both - self._release
            self._settle(crossing)
            self.keep(self.latch.off(crossing))
        self._settle(end)
        self._both += self._slope * (end - self._at)
        self._at = end
