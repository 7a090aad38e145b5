"""When a condition becomes an alert: hold time, dwell, cool-down, in exact sample time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Raised:
    """It held from `start` on, for long enough at `true`, which was known at `fired` (samples)."""

    start: int
    true: int
    fired: int


@dataclass(frozen=True, slots=True)
class Over:
    """What was raised at `fired` is over at `end` (samples)."""

    fired: int
    end: int


class Latch:
    """One condition's state. It holds a few numbers; one thread owns it.

    Told when the condition begins (`on`) and ends (`off`), which hysteresis decides, and that time
    has passed (`advance`), it raises once the condition has held for `hold` samples and `cool_down`
    samples have passed since it was raised last. What is raised stays for at least `dwell` samples,
    and only a condition that ended can be raised again. A condition that is off and on again within
    the dwell has not ended. Sample times must not decrease.
    """

    def __init__(self, hold: int, dwell: int, cool_down: int) -> None:
        """Durations in samples."""
        self._hold = hold
        self._dwell = dwell
        self._cool_down = cool_down
        self._since: int | None = None
        self._fired: int | None = None
        self.raised = False  # whether it is raised and not over
        self._ends: int | None = None

    @property
    def holds(self) -> bool:
        """Whether the condition holds, raised or not."""
        return self._since is not None

    def on(self, sample: int) -> Over | None:
        """The condition begins at `sample`; nothing new when it holds already."""
        over = self._expire(sample)
        if self._since is None:
            self._since = sample
        self._ends = None
        return over

    def off(self, sample: int) -> Over | None:
        """The condition is over at `sample`."""
        over = self._expire(sample)
        self._since = None
        if self.raised and self._ends is None:
            assert self._fired is not None
            self._ends = max(sample, self._fired + self._dwell)
            over = self._expire(sample) or over
        return over

    def advance(self, sample: int, known_from: int = 0) -> Raised | Over | None:
        """Time passes to `sample`; a condition that is on holds up to there.

        What is to be raised before `known_from` could be known only then: the end of a window, say.
        """
        if over := self._expire(sample):
            return over
        if self.raised or self._since is None:
            return None
        true = self._since + self._hold
        if self._fired is not None:
            true = max(true, self._fired + self._cool_down)
        if true > sample:
            return None
        start, self.raised = self._since, True
        self._fired = max(true, known_from)
        return Raised(start, true, self._fired)

    def end(self, sample: int) -> Over | None:
        """No time comes after `sample`: what is raised is over, dwell or not."""
        if self.raised:
            self._ends = sample if self._ends is None else min(self._ends, sample)
        self._since = None
        return self._expire(sample)

    def _expire(self, sample: int) -> Over | None:
        if self._ends is None or sample < self._ends:
            return None
        assert self._fired is not None
        over = Over(self._fired, self._ends)
        self.raised, self._ends = False, None
        return over
