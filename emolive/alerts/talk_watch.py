"""Rules about who talks: long silence, and talking at the same time. All in exact sample time."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque

from emolive.alerts.latch import Raised
from emolive.alerts.rules import OvertalkRule, SilenceRule
from emolive.alerts.voices import JointRun
from emolive.alerts.watch import Values, Watch, WatchedStream
from emolive.conversation.talkspurts import Voice


class SilenceWatch(Watch):
    """A `SilenceRule` on one party, or on everybody."""

    def __init__(
        self,
        rule: SilenceRule,
        stream: WatchedStream | None,
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
        who = "nobody has" if self.stream is None else f"{self.stream.party} has not"
        return f"{who} spoken for {silent:.1f} s.", (("silence_s", silent),)


class _OvertalkWatch(Watch):
    """What both measures of an `OvertalkRule` share."""

    def __init__(self, rule: OvertalkRule, rate: int) -> None:
        """Watch all parties of the joint runs."""
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
        """Watch all parties of the joint runs."""
        super().__init__(rule, rate)
        self._level, self._release = rule.level, rule.release_level
        self._each = self.samples(rule.each_s)
        self._times: deque[int] = deque()
        self._since: int | None = None
        self._counted = False

    def describe(self, raised: Raised) -> tuple[str, Values]:  # noqa: ARG002
        """How often."""
        count = len(self._times)
        times = "once" if count == 1 else f"{count} times"
        text = f"both parties talked at once {times} in {self._window_s:g} s."
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
        """Watch all parties of the joint runs."""
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
        text = f"both parties talked at once for {both:.1f} s of {self._window_s:g} s."
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
